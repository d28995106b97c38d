"""`lidar-label export LABELS --format F -o DIR`: labels in a dataset's format."""

import argparse
import json
from contextlib import ExitStack
from pathlib import Path

_FORMATS = (
    *("kitti", "kitti-tracking", "view-of-delft", "nuscenes", "sustechpoints", "argoverse2"),
    *("ros1", "ros2", "mcap", "openlabel", "coco", "cvat", "csv", "parquet"),
)
_EPILOG = """\
Every export holds CONVENTIONS.txt (frame, axes, yaw, sizes, units) and NOT_EXPORTED.txt (what the
format has no place for). LABELS is a .parquet or .csv of ours, or a folder of labels in a dataset's
format, so that labels can be turned from one format into another.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("labels", help="labels (.parquet, .csv, or a folder of a dataset)")
    parser.add_argument(
        "--recording", metavar="REC", help="the recording they label: rig, times, names of frames"
    )
    parser.add_argument(
        "--format", metavar="F", required=True, choices=_FORMATS, help="|".join(_FORMATS)
    )
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder to write")
    parser.add_argument("--force", action="store_true", help="replace a former export in DIR")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Export, and say what the format could not hold."""
    from lidar_label.datasets.export_folder import NOT_EXPORTED
    from lidar_label.datasets.formats import export_labels, read_labels
    from lidar_label.datasets.recording import Recording

    with ExitStack() as stack:
        recording = None
        if arguments.recording is not None:
            recording = stack.enter_context(Recording(arguments.recording))
        labels, warnings = read_labels(arguments.labels, recording)
        files = export_labels(
            labels, recording, arguments.format, arguments.output, force=arguments.force
        )
    directory = Path(arguments.output)
    lost = (directory / NOT_EXPORTED).read_text(encoding="utf-8").splitlines()
    if arguments.json:
        document = {
            "directory": str(directory),
            "format": arguments.format,
            "cuboids": len(labels),
            "files": [str(path.relative_to(directory.resolve())) for path in files],
            "not_exported": lost,
            "warnings": warnings,
        }
        print(json.dumps(document, indent=1))  # noqa: T201
        return 0
    print(f"{directory}: {arguments.format}, {len(labels)} cuboids in {len(files)} files")  # noqa: T201
    for line in warnings:
        print(f"warning: {line}")  # noqa: T201
    for line in lost:
        print(f"not exported: {line}")  # noqa: T201
    return 0
