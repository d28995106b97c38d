"""Writes the recording's images with the 2D boxes of cuboids as COCO (Lin et al., ECCV 2014).

One `annotations/instances_default.json` over all cameras; each camera is a video of COCO's
extensions for tracking (`videos`, `video_id`, `frame_id`, `track_id`).
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.image_labels import PLACES, LabelledImage, in_no_image, labelled_images
from lidar_label.datasets.recording import Recording

HELD = ("time_ns", "track_id", "category", "score")
FILE = "annotations/instances_default.json"
_CENTRE = 0.5  # COCO counts from the image's corner, our pixels from the first one's centre
Row = dict[str, Any]


def write_coco(cuboids: Cuboids, recording: Recording, place: Path) -> list[str]:
    """Write the JSON and the images of all cameras; returns what no image shows."""
    classes = sorted(set(cuboids.category.tolist()))
    numbers = {name: i for i, name in enumerate(classes, start=1)}
    content: dict[str, list[Row]] = {"videos": [], "images": [], "annotations": []}
    shown: set[tuple[int, int]] = set()
    for video, camera in enumerate(recording.cameras, start=1):
        content["videos"].append({"id": video, "name": camera})
        folder = place / "images" / camera
        folder.mkdir(parents=True)
        for number, image in enumerate(labelled_images(cuboids, recording, camera)):
            (folder / image.name).write_bytes(recording.image(camera, image.index))
            content["images"].append(_image(recording, camera, image, video, number, content))
            content["annotations"] += _annotations(image, numbers, content)
            shown |= {(image.frame, row) for row in image.boxes.row.tolist()}
    document = {
        "info": {"description": recording.source, "version": "1.0"},
        "licenses": [],
        "categories": [
            {"id": number, "name": name, "supercategory": ""} for name, number in numbers.items()
        ],
        **content,
    }
    (place / FILE).parent.mkdir(exist_ok=True)
    (place / FILE).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return in_no_image(cuboids, len(shown))


def _image(
    recording: Recording,
    camera: str,
    image: LabelledImage,
    video: int,
    number: int,
    content: dict[str, list[Row]],
) -> Row:
    lens = recording.rig.camera(camera)
    return {
        "id": len(content["images"]) + 1,
        "file_name": f"{camera}/{image.name}",
        "width": lens.width,
        "height": lens.height,
        "video_id": video,
        "frame_id": number,
        "frame": image.frame,
        "time_ns": image.time_ns,
    }


def _annotations(
    image: LabelledImage, numbers: dict[str, int], content: dict[str, list[Row]]
) -> list[Row]:
    rows: list[Row] = []
    for i, box in enumerate(image.boxes.box):
        left, top = (box[:2] + _CENTRE).round(PLACES).tolist()
        width, height = (box[2:] - box[:2]).round(PLACES).tolist()
        row: Row = {
            "id": len(content["annotations"]) + len(rows) + 1,
            "image_id": len(content["images"]),
            "category_id": numbers[image.cuboids.category[i]],
            "bbox": [left, top, width, height],
            "area": round(width * height, PLACES),
            "segmentation": [],
            "iscrowd": 0,
            "attributes": {
                "truncated": round(float(image.boxes.truncated[i]), PLACES),
                "hidden": round(float(image.boxes.hidden[i]), PLACES),
            },
        }
        if image.cuboids.track_id[i] >= 0:
            row["track_id"] = int(image.cuboids.track_id[i])
        if np.isfinite(image.cuboids.score[i]):
            row["score"] = float(image.cuboids.score[i])
        rows.append(row)
    return rows
