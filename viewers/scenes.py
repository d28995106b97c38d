"""One frame ready to be painted: points, ground, labels and truth, and what is right of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lidar_label.arrays import Floats, Floats32, Ints, Mask, Points, Transform
from lidar_label.calibration.transforms import invert
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.evaluation import WRONG, Comparison, EvaluationConfig
from lidar_label.kernels.ground import estimate_ground
from lidar_label.label_matching import align_frames
from lidar_label.ontology import Ontology
from lidar_label.viewers.pictures import (
    MISSED,
    TRUTH,
    Colour,
    DrawnBoxes,
    View,
    bird_eye,
    camera_view,
    hex_colour,
)

_UNKNOWN: Colour = (156, 163, 175)


@dataclass(frozen=True)
class Scene:
    """A frame and what is said of it.

    Attributes:
        frame: Its index.
        time_ns: Its time.
        points: (N, 3) ego frame.
        height: (N,) metres above ground.
        ground: (N,) points on the ground.
        labels: Of this frame.
        wrong: (K,) labels without a truth.
        colours: (K,) of the labels' classes.
        truth: Of this frame; None where there is none to compare with.
        missed: (M,) truths without a label, () without truth.
    """

    frame: int
    time_ns: int
    points: Points
    height: Floats32
    ground: Mask
    labels: Cuboids
    wrong: Mask
    colours: tuple[Colour, ...]
    truth: Cuboids | None
    missed: Mask


def on_frames(truth: Cuboids, recording: Recording, config: EvaluationConfig) -> Cuboids:
    """The truth with the recording's frame numbers, where it was numbered otherwise.

    Truth that belongs to no frame of the recording is left out.
    """
    frames = Cuboids.of(
        np.zeros((recording.frame_count, 7)),
        frame=np.arange(recording.frame_count),
        time_ns=np.array([frame.time_ns for frame in recording.frames], dtype=np.int64),
    )
    tolerance = config.time_tolerance_ns
    keys = align_frames(frames, truth, by=config.align, tolerance_ns=tolerance)
    if keys.aligned_by == "frame":
        return truth
    frame_of_key = dict(zip(keys.labels.tolist(), range(recording.frame_count), strict=True))
    frame = np.array([frame_of_key.get(key, -1) for key in keys.truth.tolist()], dtype=np.int32)
    return truth.replace(frame=frame).select(frame >= 0)


def read_scene(
    recording: Recording,
    frame: int,
    labels: Cuboids,
    truth: Cuboids | None,
    verdict: Ints | None,
    comparison: Comparison | None,
    ontology: Ontology,
) -> Scene:
    """Gather what one picture shows.

    Args:
        recording: Where the points are.
        frame: Which frame.
        labels: Of all frames.
        truth: Of all frames, or None.
        verdict: (len(labels),) row of each label's truth, −1 wrong, −2 not judged, or None.
        comparison: Of labels and truth; its ignored truths are not called missed.
        ontology: Colours of classes.
    """
    points = recording.frame_points(frame).xyz
    points = points[np.isfinite(points).all(axis=1)]
    if len(points):
        ground = estimate_ground(points)
        height, mask = ground.height, ground.mask
    else:
        height, mask = np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.bool_)
    rows = np.flatnonzero(labels.frame == frame)
    here = labels.select(rows)
    missed = np.zeros(0, dtype=np.bool_)
    there = None
    if truth is not None and comparison is not None and verdict is not None:
        unseen = ~comparison.ignored
        unseen[verdict[verdict >= 0]] = False
        inside = truth.frame == frame
        there, missed = truth.select(inside), unseen[inside]
    return Scene(
        frame=frame,
        time_ns=recording.frames[frame].time_ns,
        points=points,
        height=height,
        ground=mask,
        labels=here,
        wrong=verdict[rows] == WRONG
        if verdict is not None
        else np.zeros(len(rows), dtype=np.bool_),
        colours=tuple(_colour(name, ontology) for name in here.category.tolist()),
        truth=there,
        missed=missed,
    )


def _colour(name: str, ontology: Ontology) -> Colour:
    known = ontology.find(name)
    return hex_colour(known.colour) if known else _UNKNOWN


def _layers(scene: Scene) -> list[DrawnBoxes]:
    texts = [
        _caption(name, score, wrong)
        for name, score, wrong in zip(
            scene.labels.category.tolist(),
            scene.labels.score.tolist(),
            scene.wrong.tolist(),
            strict=True,
        )
    ]
    layers = [DrawnBoxes(scene.labels.boxes, scene.colours, texts)]
    if scene.truth is not None:
        colours = [MISSED if missed else TRUTH for missed in scene.missed.tolist()]
        names = [
            f"missed {name}" if missed else ""
            for name, missed in zip(
                scene.truth.category.tolist(), scene.missed.tolist(), strict=True
            )
        ]
        layers.insert(
            0,
            DrawnBoxes(
                scene.truth.boxes, colours, names, dashed=True, filled=scene.missed, width=1.2
            ),
        )
    return layers


def _caption(name: str, score: float, wrong: bool) -> str:
    certain = "" if score != score else f" {score:.2f}"
    return f"{'× ' if wrong else ''}{name}{certain}"


def fitting_view(scene: Scene, width: int) -> View:
    """The part of the ground where boxes are, or else most points; wider than high."""
    places = scene.labels.boxes[:, :2]
    if scene.truth is not None:
        places = np.concatenate((places, scene.truth.boxes[:, :2]))
    if len(places) < 3:
        places = scene.points[:: max(1, len(scene.points) // 2000), :2].astype(np.float64)
    places = np.concatenate((places, np.zeros((1, 2))))
    low, high = np.quantile(places, [0.03, 0.97], axis=0)
    low, high = np.maximum(low - 6, -60), np.minimum(high + 6, 60)
    across, up = np.maximum(high - low, (60.0, 26.0)).tolist()
    across = max(across, up / 0.62)
    centre = (low + high) / 2
    return View(
        centre=(float(centre[0]), float(centre[1])),
        scale=width / across,
        width=width,
        height=round(width * up / across),
    )


def paint_above(scene: Scene, width: int) -> Image.Image:
    """The frame from above."""
    view = fitting_view(scene, width)
    return bird_eye(scene.points, scene.height, scene.ground, _layers(scene), view)


def paint_crop(scene: Scene, box: Floats, *, side: int = 150) -> Image.Image:
    """The surroundings of one box from above, without texts."""
    metres = max(10.0, 2.0 * float(max(box[3], box[4])))
    view = View((float(box[0]), float(box[1])), side / metres, side, side)
    near = np.abs(scene.points[:, :2] - box[:2]).max(axis=1) < metres
    others = DrawnBoxes(scene.labels.boxes, scene.colours, [""] * len(scene.labels), width=1.3)
    return bird_eye(
        scene.points[near], scene.height[near], scene.ground[near], [others], view, annotated=False
    )


def paint_cameras(recording: Recording, scene: Scene) -> Iterator[tuple[str, Image.Image]]:
    """Every camera's image of the frame with the labels in it: (camera, picture)."""
    frame = recording.frames[scene.frame]
    for name in recording.cameras:
        if name not in frame.images:
            continue
        camera = recording.rig.camera(name)
        index = frame.images[name]
        taken_ns = int(recording.image_times(name)[index])
        yield (
            name,
            camera_view(
                recording.image(name, index),
                camera,
                invert(camera.ego_from_sensor) @ _ego_moved(recording, taken_ns, frame.time_ns),
                [DrawnBoxes(scene.labels.boxes, scene.colours, _short(scene), width=1.5)],
            ),
        )


def _short(scene: Scene) -> list[str]:
    return [
        name if score != score else f"{name} {score:.2f}"
        for name, score in zip(
            scene.labels.category.tolist(), scene.labels.score.tolist(), strict=True
        )
    ]


def _ego_moved(recording: Recording, to_ns: int, from_ns: int) -> Transform:
    """The ego at one time from the ego at another; the identity without poses."""
    if recording.trajectory is None:
        return np.eye(4)
    to, start = recording.trajectory.at(np.array([to_ns, from_ns]))
    return invert(to) @ start
