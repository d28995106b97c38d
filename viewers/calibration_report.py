"""One self-contained page that proves by overlay where each sensor sits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lidar_label.arrays import Transform
from lidar_label.calibration.transforms import invert
from lidar_label.datasets.recording import Frame, Recording
from lidar_label.sensor_places import SensorPlace, placed_points, shared_frames
from lidar_label.viewers.calibration_pictures import over_image, overlay
from lidar_label.viewers.report import embedded
from lidar_label.viewers.report_page import write_page

_NEAR_M = 25.0
WORDS = {
    "right": "as the rig says",
    "off": "off, a better place is near",
    "inverted": "the wrong way round: the rig holds sensor_from_ego",
    "unknown": "cannot be told",
}


def write_calibration_report(
    recording: Recording, places: Sequence[SensorPlace], directory: str | Path
) -> Path:
    """Write `calibration.html` and its pictures as PNG; returns the page's path."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    sections: list[dict[str, Any]] = []
    for place in places:
        pictures: list[dict[str, str]] = []
        for name, where in _candidates(place):
            picture = _picture(recording, place, where)
            if picture is not None:
                picture.save(directory / f"{place.sensor}_{name.replace(' ', '_')}.png")
                pictures.append({"name": name, "image": embedded(picture)})
        better = None if place.better is None else np.array2string(place.better, precision=6)
        sections.append(
            {
                "sensor": place.sensor, "words": WORDS[place.verdict], "reason": place.reason,
                "pictures": pictures, "better": better,
            }
        )  # fmt: skip
    return write_page(
        directory / "calibration.html",
        "calibration.html",
        title=recording.path.stem,
        reference=places[0].reference,
        places=sections,
    )


def _candidates(place: SensorPlace) -> list[tuple[str, Transform]]:
    """As given, and beside it what is better or, where nothing fits, the inverse."""
    shown = [("as given", place.given)]
    if place.better is not None:
        name = "the inverse" if place.verdict == "inverted" else "corrected"
        shown.append((name, place.better))
    elif place.verdict == "unknown":
        shown.append(("the inverse", invert(place.given)))
    return shown


def _picture(recording: Recording, place: SensorPlace, where: Transform) -> Image.Image | None:
    frames = shared_frames(recording, (place.sensor, place.reference), 3)
    if not frames:
        return None
    frame = frames[len(frames) // 2]
    known = recording.rig[place.reference].ego_from_sensor
    if place.kind == "camera":
        return _over_image(recording, place, where, frame, known)
    reference = placed_points(recording, place.reference, frame, known)
    sensor = placed_points(recording, place.sensor, frame, where)
    # The middle of what the sensor sees near by, the same for every candidate.
    best = place.given if place.better is None else place.better
    seen = placed_points(recording, place.sensor, frame, best)
    near = seen[np.linalg.norm(seen, axis=1) < _NEAR_M]
    middle = np.median(near, axis=0) if len(near) else np.zeros(3)
    middle[2] = np.percentile(reference[:, 2], 10)
    return overlay(reference, sensor, middle.astype(np.float64))


def _over_image(
    recording: Recording, place: SensorPlace, where: Transform, frame: Frame, known: Transform
) -> Image.Image:
    index = frame.images[place.sensor]
    taken = int(recording.image_times(place.sensor)[index])
    points = placed_points(recording, place.reference, frame, known, taken)
    camera = recording.rig.camera(place.sensor)
    return over_image(recording.image(place.sensor, index), camera, where, points)
