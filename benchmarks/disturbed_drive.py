"""A labelled drive whose boxes are disturbed like a detector's: how well is the truth recovered?

Argoverse 2's cuboids with at least one point, seeded: noise that grows with the distance, drop-outs
singly and for whole stretches, a third of the headings of slow things reversed, and false boxes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lidar_label.arrays import Floats, Ints, Transform
from lidar_label.benchmarks.annotator import Effort, annotate_by_frame, annotate_by_track
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.calibration.transforms import pose7_to_matrix
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.argoverse2_labels import read_annotations
from lidar_label.datasets.feather import read_feather
from lidar_label.datasets.intake import Tally
from lidar_label.detections import split
from lidar_label.errors import UsageError
from lidar_label.label_matching import measure_overlaps
from lidar_label.refinement import track_offline
from lidar_label.track_stream import move_boxes
from lidar_label.tracker_config import LABEL_CONFIG
from lidar_label.tracking import track

_POSE = ("tx_m", "ty_m", "tz_m", "qw", "qx", "qy", "qz")
_RANGE_M = 60.0
_CLUTTER = 4.0  # false boxes a frame
_LOST, _STRETCHES, _STRETCH = 0.1, 0.3, 12  # share of rows, stretches an object, their frames
_SEEDS = 3
_FEWEST = 10  # frames of an object that counts


@dataclass(frozen=True, eq=False)
class Drive:
    """True tracks and where the ego was.

    Attributes:
        truth: Ego frame, in order of frames.
        time_ns: (F,).
        world_from_ego: (F, 4, 4).
    """

    truth: Cuboids
    time_ns: Ints
    world_from_ego: Transform


def read_drive(data: Path) -> Drive:
    """The first labelled log below `data`/argoverse2.

    Raises:
        UsageError: if there is none.
    """
    logs = sorted((data / "argoverse2").glob("**/annotations.feather"))
    if not logs:
        raise UsageError(f"{data}/argoverse2: no log with annotations.feather")
    truth = read_annotations(logs[0], Tally())
    truth = truth.select(np.argsort(truth.frame, kind="stable"))
    times = np.unique(truth.time_ns)
    path = logs[0].with_name("city_SE3_egovehicle.feather")
    table = read_feather(path, ("timestamp_ns", *_POSE))
    known = table.column("timestamp_ns").to_numpy()
    place = np.searchsorted(known, times)
    columns = [table.column(name).to_numpy()[place] for name in _POSE]
    return Drive(truth, times, pose7_to_matrix(np.column_stack(columns).astype(np.float64)))


def visible(drive: Drive) -> Cuboids:
    """True rows with points, near enough, of objects that are so often enough."""
    truth = drive.truth
    seen = (truth.num_points != 0) & (np.hypot(truth.boxes[:, 0], truth.boxes[:, 1]) < _RANGE_M)
    truth = truth.select(seen)
    _, code, count = np.unique(truth.track_id, return_inverse=True, return_counts=True)
    return truth.select(count[code] >= _FEWEST)


def disturb(drive: Drive, seed: int = 0) -> list[Cuboids]:
    """One `Cuboids` a frame, without track ids."""
    rng = np.random.default_rng(seed)
    truth = visible(drive)
    kept = rng.random(len(truth)) > _LOST
    for name in np.unique(truth.track_id):
        rows = np.flatnonzero(truth.track_id == name)
        for _ in range(rng.poisson(_STRETCHES)):
            first = rng.integers(0, len(rows))
            kept[rows[first : first + _STRETCH]] = False
    found = truth.select(kept)
    away = 1 + np.hypot(found.boxes[:, 0], found.boxes[:, 1]) / 40
    size = np.minimum(found.boxes[:, 3], 6.0)
    boxes = found.boxes + away[:, None] * rng.normal(0, 1, (len(found), 7)) * np.column_stack(
        (*[0.04 + 0.02 * size] * 2, np.full(len(found), 0.06), *[0.05 + 0.03 * size] * 2,
         np.full(len(found), 0.06), np.full(len(found), 0.06))
    )  # fmt: skip
    boxes[:, 3:6] = np.maximum(boxes[:, 3:6], 0.2)
    boxes[rng.random(len(found)) < 0.1, 6] += np.pi
    found = found.replace(
        boxes=boxes, track_id=-1, score=rng.uniform(0.4, 0.98, len(found)), source_id=""
    )
    frames = np.arange(len(drive.time_ns))
    parts = split(found, frames, drive.time_ns)
    return [
        Cuboids.concatenate([part, _clutter(rng, int(frame), int(drive.time_ns[frame]), truth)])
        for frame, part in zip(frames, parts, strict=True)
    ]


def _clutter(rng: np.random.Generator, frame: int, time_ns: int, like: Cuboids) -> Cuboids:
    count = int(rng.poisson(_CLUTTER))
    rows = like.select(rng.integers(0, len(like), count))
    boxes = rows.boxes.copy()
    boxes[:, :2] = rng.uniform(-_RANGE_M, _RANGE_M, (count, 2))
    return Cuboids.of(
        boxes,
        frame=frame,
        time_ns=time_ns,
        category=rows.category,
        score=rng.uniform(0.1, 0.6, count),
    )


def drive_rows(data: Path) -> list[Row]:
    """What tracking recovers, online and for labels, and what a person still has to do."""
    drive = read_drive(data)
    truth = visible(drive)
    figures: dict[str, list[dict[str, float]]] = {"online": [], "offline": []}
    for seed in range(_SEEDS):
        seen = disturb(drive, seed)
        online = track(seen, drive.world_from_ego)
        figures["online"].append(recovered(online, truth, drive))
        offline = track_offline(seen, drive.world_from_ego, LABEL_CONFIG)
        figures["offline"].append(recovered(offline, truth, drive))
    mine, theirs = _mean(figures["offline"]), _mean(figures["online"])
    name = f"Argoverse 2, {len(drive.time_ns)} frames disturbed"
    note = f"means of {_SEEDS} seeds of the disturbance"
    rows = [
        more_is_better(
            f"{name}: objects with one id", mine["ids"], "online", theirs["ids"], "", note
        )
    ]
    for key, unit in (("length", "m"), ("width", "m"), ("height", "m"), ("place", "m"),
                      ("speed", "m/s"), ("heading", "°")):  # fmt: skip
        title = f"{name}: rms error of {key}"
        rows.append(less_is_better(title, mine[key], "online", theirs[key], unit))
    seen = disturb(drive)
    offline = track_offline(seen, drive.world_from_ego, LABEL_CONFIG)
    with_tracks = annotate_by_track(offline, truth, drive.world_from_ego)
    without = annotate_by_frame(Cuboids.concatenate(seen), truth)
    return rows + effort_rows(name, with_tracks, without)


def _mean(figures: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([each[key] for each in figures])) for key in figures[0]}


def effort_rows(name: str, with_tracks: Effort, without: Effort) -> list[Row]:
    """A person's edits an object and frame, with tracks and frame by frame."""
    note = (
        f"{name}: {with_tracks.frames} object-frames; with tracks {with_tracks.said()}; "
        f"without {without.said()}"
    )
    return [
        less_is_better(
            f"{name}: edits an object-frame", with_tracks.rate, "frame by frame", without.rate,
            "", note,
        )
    ]  # fmt: skip


def recovered(labels: Cuboids, truth: Cuboids, drive: Drive) -> dict[str, float]:
    """Share of objects that one track alone covers in 80 % of frames; rms errors of the pairs.

    Pairs overlap by 0.1 in BEV, the best label of each true row. Speeds are compared with those of
    the true centres, over a second; headings modulo nothing: a reversed box counts in full.
    """
    pairs = measure_overlaps(
        labels.boxes, truth.boxes, labels.frame.astype(np.int64), truth.frame.astype(np.int64)
    )
    best = np.full(len(truth), -1)
    for k in np.argsort(pairs.bev, kind="stable"):
        if pairs.bev[k] > 0.1:
            best[pairs.truth[k]] = pairs.label[k]
    found = best >= 0
    ids = np.where(found, labels.track_id[best], -1)
    whole: list[bool] = []
    for name in np.unique(truth.track_id):
        mine = ids[truth.track_id == name]
        held, count = np.unique(mine[mine >= 0], return_counts=True)
        whole.append(len(held) == 1 and count[0] >= 0.8 * len(mine))
    rows = best[found]
    off = labels.boxes[rows] - truth.boxes[found]
    speed = np.hypot(*labels.velocity[rows].T) - _speeds(truth, drive)[found]
    speed = speed[np.isfinite(speed)]

    def rms(values: Floats) -> float:
        return float(np.sqrt(np.mean(values**2)))

    return {
        "ids": float(np.mean(whole)),
        "length": rms(off[:, 3]),
        "width": rms(off[:, 4]),
        "height": rms(off[:, 5]),
        "place": rms(np.hypot(off[:, 0], off[:, 1])),
        "speed": rms(speed),
        "heading": float(np.rad2deg(rms(np.angle(np.exp(1j * off[:, 6]))))),
    }


def _speeds(truth: Cuboids, drive: Drive) -> Floats:
    """(N,) m/s of the true centres in the world over ± 0.5 s, NaN where they are not known."""
    world = move_boxes(drive.world_from_ego[truth.frame], truth.boxes)
    speed = np.full(len(truth), np.nan)
    for name in np.unique(truth.track_id):
        rows = np.flatnonzero(truth.track_id == name)
        t = truth.time_ns[rows] / 1e9
        for k, row in enumerate(rows):
            a, b = np.searchsorted(t, (t[k] - 0.55, t[k] + 0.55))
            if b - a > 4:
                step = world[rows[b - 1], :2] - world[rows[a], :2]
                speed[row] = np.hypot(*step) / (t[b - 1] - t[a])
    return speed
