"""The formats that labels are written in: the one list, for doors that must not load the writers.

The types are what command lines, the OpenAPI document and the pages offer; a test holds the writers
against them.
"""

from typing import Literal, get_args

ExportFormat = Literal[
    "kitti", "kitti-tracking", "kitti-raw", "view-of-delft", "nuscenes", "sustechpoints",
    "argoverse2", "ros1", "ros2", "mcap", "openlabel", "coco", "cvat",
    "pcd", "ply", "las", "laz", "csv", "parquet",
]  # fmt: skip
WindowFormat = Literal["parquet", "csv", "audacity", "elan", "eaf", "label-studio"]

EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)  # of cuboids
WINDOW_FORMATS: tuple[WindowFormat, ...] = get_args(WindowFormat)  # of activities
NEED_CAMERAS: tuple[ExportFormat, ...] = ("coco", "cvat")  # boxes in images

_WINDOW_ENDINGS = {"audacity": "txt", "elan": "txt", "label-studio": "json"}


def window_ending(form: str) -> str:
    """What the name of a file of windows ends in, without the dot."""
    return _WINDOW_ENDINGS.get(form, form)
