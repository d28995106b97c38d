"""Writes the recording's images with 2D tracks as "CVAT for video 1.1", a folder a camera.

Of each camera `images/` is what a CVAT task is made of, in the order of the names, and
`annotations.xml` what is then uploaded to it. Format: https://docs.cvat.ai/docs/manual/advanced/
xml_format/. CVAT draws a track on until it hears otherwise, so where an object leaves the image its
last box is repeated as `outside`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET  # written, never read

from lidar_label.arrays import Floats
from lidar_label.calibration.rig import Camera
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.image_labels import PLACES, LabelledImage, in_no_image, labelled_images
from lidar_label.datasets.kitti_labels import OCCLUDED_FROM
from lidar_label.datasets.recording import Recording

HELD = ("track_id", "category")
_CENTRE = 0.5  # CVAT counts from the image's corner, our pixels from the first one's centre
_ATTRIBUTES = ("truncated", "hidden", "track_id")  # of every class; CVAT numbers tracks itself
_Key = tuple[str, int]


@dataclass(frozen=True, eq=False)
class _Box:
    """One box of a 2D track: number of its image, pixels from the image's corner, shares."""

    number: int
    corners: Floats
    truncated: float
    hidden: float


def write_cvat(cuboids: Cuboids, recording: Recording, place: Path) -> list[str]:
    """Write a folder for each camera; returns what no image shows."""
    shown: set[tuple[int, int]] = set()
    for camera in recording.cameras:
        images = labelled_images(cuboids, recording, camera)
        folder = place / camera / "images"
        folder.mkdir(parents=True)
        for number, image in enumerate(images):
            name = f"frame_{number:06d}{Path(image.name).suffix}"  # CVAT sorts the names
            (folder / name).write_bytes(recording.image(camera, image.index))
            shown |= {(image.frame, row) for row in image.boxes.row.tolist()}
        classes = sorted(set(cuboids.category.tolist()))
        root = _document(recording, recording.rig.camera(camera), images, classes)
        ET.indent(root, " ")
        ET.ElementTree(root).write(
            place / camera / "annotations.xml", encoding="utf-8", xml_declaration=True
        )
    return in_no_image(cuboids, len(shown))


def _document(
    recording: Recording, camera: Camera, images: Sequence[LabelledImage], classes: Sequence[str]
) -> ET.Element:
    root = ET.Element("annotations")
    _text(root, "version", "1.1")
    task = ET.SubElement(ET.SubElement(root, "meta"), "task")
    _text(task, "name", f"{recording.path.stem} {camera.name}")
    _text(task, "size", str(len(images)))
    _text(task, "mode", "interpolation")
    _text(task, "start_frame", "0")
    _text(task, "stop_frame", str(max(len(images) - 1, 0)))
    labels = ET.SubElement(task, "labels")
    for name in classes:
        label = ET.SubElement(labels, "label")
        _text(label, "name", name)
        attributes = ET.SubElement(label, "attributes")
        for key in _ATTRIBUTES:
            attribute = ET.SubElement(attributes, "attribute")
            _text(attribute, "name", key)
            _text(attribute, "mutable", str(key != "track_id"))
            _text(attribute, "input_type", "text")
            _text(attribute, "default_value", "")
            _text(attribute, "values", "")
    size = ET.SubElement(task, "original_size")
    _text(size, "width", str(camera.width))
    _text(size, "height", str(camera.height))
    for number, ((category, track), boxes) in enumerate(_tracks(images).items()):
        element = ET.SubElement(root, "track", id=str(number), label=category, source="manual")
        for box, outside in _with_ends(boxes, len(images)):
            _add_box(element, box, track, outside=outside)
    return root


def _tracks(images: Sequence[LabelledImage]) -> dict[_Key, list[_Box]]:
    """2D tracks by class and track id, in order of appearance; untracked cuboids one each."""
    tracks: dict[_Key, list[_Box]] = {}
    alone = -1
    for number, image in enumerate(images):
        for i, corners in enumerate(image.boxes.box):
            track = int(image.cuboids.track_id[i])
            if track < 0:
                track, alone = alone, alone - 1
            tracks.setdefault((str(image.cuboids.category[i]), track), []).append(
                _Box(
                    number,
                    (corners + _CENTRE).round(PLACES),
                    round(float(image.boxes.truncated[i]), PLACES),
                    round(float(image.boxes.hidden[i]), PLACES),
                )
            )
    return tracks


def _with_ends(boxes: Sequence[_Box], count: int) -> Iterator[tuple[_Box, bool]]:
    """The boxes, and after each stretch of them its last one once more, from then on outside."""
    for box, after in zip(boxes, [*boxes[1:], None], strict=True):
        yield box, False
        if box.number + 1 < count and (after is None or after.number > box.number + 1):
            yield _Box(box.number + 1, box.corners, box.truncated, box.hidden), True


def _add_box(track: ET.Element, box: _Box, track_id: int, *, outside: bool) -> None:
    names = ("xtl", "ytl", "xbr", "ybr")
    corners = {name: f"{value:.2f}" for name, value in zip(names, box.corners, strict=True)}
    attributes = {
        "frame": str(box.number),
        "outside": str(int(outside)),
        "occluded": str(int(box.hidden >= OCCLUDED_FROM[0])),
        "keyframe": "1",
        **corners,
        "z_order": "0",
    }
    element = ET.SubElement(track, "box", attributes)
    values = (f"{box.truncated:.2f}", f"{box.hidden:.2f}", str(track_id) if track_id >= 0 else "")
    for key, value in zip(_ATTRIBUTES, values, strict=True):
        _text(element, "attribute", value, name=key)


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = text
