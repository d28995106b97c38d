"""Detections of others: result files of KITTI, nuScenes and Argoverse 2, and detectors plugged in.

A detector is any callable from points to `Cuboids` that a package offers under the entry point
group `lidar_label.detectors`; see docs/detectors.md. What is read goes to `tracking.track` as is.
"""

import json
from collections.abc import Iterable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints, Strings, Transform
from lidar_label.calibration.transforms import from_quaternion, invert
from lidar_label.datasets.cuboids import Cuboids, load_cuboids
from lidar_label.datasets.frame_names import frame_names
from lidar_label.datasets.kitti_export import label_frame
from lidar_label.datasets.kitti_labels import to_boxes
from lidar_label.datasets.recording import Recording
from lidar_label.errors import InvalidSource, UsageError
from lidar_label.track_stream import as_poses, move_boxes

ENTRY_POINTS = "lidar_label.detectors"
_CSV_TYPES = {1: "Pedestrian", 2: "Car", 3: "Cyclist"}  # type ids of AB3DMOT's files
_KITTI_COLUMNS = 18  # frame id type truncated occluded alpha 2D×4 h w l x y z ry score
_CSV_COLUMNS = 15  # frame type 2D×4 score h w l x y z ry alpha


class Detector(Protocol):
    """Finds objects in one frame."""

    def __call__(self, points: Floats32) -> Cuboids:
        """Boxes in the frame of the points.

        Args:
            points: (N, 4) float32 x y z intensity, ego frame; intensity 0 where there is none.

        Returns:
            Boxes with `category` and `score` in [0, 1]; frame and time are filled in by the caller.
        """
        ...


def detector_names() -> list[str]:
    """Names of the detectors that installed packages offer."""
    return sorted(entry.name for entry in entry_points(group=ENTRY_POINTS))


def load_detector(name: str, **options: Any) -> Detector:
    """Make the detector that is offered under `name`; `options` go to its factory.

    Raises:
        UsageError: if there is none of that name, or it is not a factory of a callable.
    """
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        detector = entry.load()(**options)
        if not callable(detector):
            raise UsageError(f"detector {name} makes a {type(detector).__name__}, not a callable")
        return cast(Detector, detector)
    known = ", ".join(detector_names()) or "none"
    raise UsageError(f"no detector {name}; installed: {known}; see docs/detectors.md")


def read_kitti_detections(
    paths: Iterable[str | Path], lidar_from_rect: Transform, frames: int
) -> list[Cuboids]:
    """Read KITTI tracking results, or the comma-separated detections of AB3DMOT.

    Args:
        paths: Files of one sequence; AB3DMOT has one a class.
        lidar_from_rect: (4, 4) rectified camera frame → LiDAR frame.
        frames: Number of frames of the sequence.

    Returns:
        One `Cuboids` a frame, LiDAR frame, 10 Hz; the 2D box is kept in `attributes`.

    Raises:
        InvalidSource: naming file and line of what cannot be read.
    """
    number: list[int] = []
    category: list[str] = []
    values: list[list[float]] = []
    for path in map(Path, paths):
        for row, line in enumerate(_lines(path), start=1):
            where = f"{path}, line {row}"
            words = line.split(",") if "," in line else line.split()
            if len(words) == _CSV_COLUMNS and "," in line:
                word = _numbers(words, where)
                if int(word[1]) not in _CSV_TYPES:
                    raise InvalidSource(f"{where}: type {words[1]}; known are 1, 2 and 3")
                number.append(int(word[0]))
                category.append(_CSV_TYPES[int(word[1])])
                values.append([*word[2:6], *word[7:14], word[6]])
            elif len(words) == _KITTI_COLUMNS:
                if words[2] == "DontCare":
                    continue
                word = _numbers(words[:1] + words[3:], where)
                number.append(int(word[0]))
                category.append(words[2])
                values.append(word[4:])
            elif words:
                raise InvalidSource(
                    f"{where}: {len(words)} columns; KITTI results have {_KITTI_COLUMNS} "
                    f"with a score, AB3DMOT's detections {_CSV_COLUMNS} with commas"
                )
    table = np.array(values, dtype=np.float64).reshape(-1, 12)
    boxes = to_boxes(table[:, 7:10], table[:, 4:7], table[:, 10], lidar_from_rect)
    inside = np.array([0 <= n < frames for n in number], dtype=np.bool_)
    if not inside.all():
        raise InvalidSource(f"frame {number[int(np.argmin(inside))]} of {frames}; give all frames")
    frame = np.array(number, dtype=np.int64)
    box_2d = [f'"box_2d": [{a:.6g}, {b:.6g}, {c:.6g}, {d:.6g}]' for a, b, c, d in table[:, :4]]
    score, attributes = _scores(table[:, 11], box_2d)
    found = Cuboids.of(
        boxes,
        frame=frame,
        time_ns=frame * 100_000_000,
        category=_texts(category),
        score=score,
        attributes=attributes,
    )
    return split(found, np.arange(frames), np.arange(frames) * 100_000_000)


def read_detections(path: str | Path, recording: Recording) -> list[Cuboids]:
    """Read a file of detections for all frames of a recording, by its kind.

    Args:
        path: `.parquet` (our labels), `.feather` (Argoverse 2), `.txt` or `.csv` (KITTI tracking
            results or AB3DMOT's detections, in the recording's label camera), `.json` (nuScenes;
            by the sample tokens that an imported scene keeps).
        recording: Whose frames they are of.

    Raises:
        UsageError: if the kind is another.
        InvalidSource: if the file does not fit the recording.
    """
    path = Path(path)
    times = np.array([frame.time_ns for frame in recording.frames], dtype=np.int64)
    kind = path.suffix.lower()
    if kind == ".feather":
        return read_argoverse2_detections(path, times)
    if kind in (".txt", ".csv"):
        lidar_from_rect = label_frame(recording).calibration.lidar_from_rect
        found = read_kitti_detections([path], lidar_from_rect, len(times))
        return [part.replace(time_ns=int(t)) for part, t in zip(found, times, strict=True)]
    if kind == ".parquet":
        every = load_cuboids(path)
        if len(every) and int(every.frame.max()) >= len(times):
            raise InvalidSource(f"{path}: frame {every.frame.max()}; there are {len(times)}")
        return split(every.replace(track_id=-1), np.arange(len(times)), times)
    if kind == ".json":
        return _of_scene(path, recording, times)
    raise UsageError(
        f"{path}: detections are read from .parquet (ours), .feather (Argoverse 2), .json "
        "(nuScenes), .txt or .csv (KITTI)"
    )


def _of_scene(path: Path, recording: Recording, times: Ints) -> list[Cuboids]:
    """A nuScenes result for the frames of a recording; sweeps between samples stay empty."""
    poses = recording.frame_poses()
    if poses is None:
        raise UsageError(
            f"{path}: nuScenes results lie in the world; {recording.path} has no poses"
        )
    names = frame_names(recording) or [""] * len(times)
    results = _nuscenes_results(path)
    known = np.array([name in results for name in names], dtype=np.bool_)
    if not known.any():
        first = next(iter(results), "none")
        raise InvalidSource(
            f"{path}: sample {first} is none of {recording.path.name}; "
            "give the result of the scene that was imported from nuScenes"
        )
    poses[:, :3, 3] += recording.origin
    return [
        _of_sample(path, names[k], results[names[k]], k, int(times[k]), poses[k])
        if known[k]
        else Cuboids.empty()
        for k in range(len(times))
    ]


def read_nuscenes_detections(
    path: str | Path, tokens: Sequence[str], time_ns: NDArray[Any], world_from_ego: NDArray[Any]
) -> list[Cuboids]:
    """Read a nuScenes detection result (JSON, global frame) for the samples of one scene.

    Args:
        path: The file: {"results": {sample token: [{translation, size, rotation, …}]}}.
        tokens: Sample tokens in order of time.
        time_ns: (F,) of the samples.
        world_from_ego: (F, 4, 4) or (F, 7) poses in nuScenes' global frame.

    Raises:
        InvalidSource: if the file is no such result or lacks a sample.
    """
    poses = as_poses(world_from_ego, len(tokens))
    results = _nuscenes_results(Path(path))
    for token in tokens:
        if token not in results:
            raise InvalidSource(
                f"{path}: no sample {token}; results must hold all, also empty ones"
            )
    return [
        _of_sample(Path(path), token, results[token], index, int(time_ns[index]), poses[index])
        for index, token in enumerate(tokens)
    ]


def _nuscenes_results(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Rows of each sample token."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
    except OSError as error:
        raise InvalidSource(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidSource(f"{path}: no nuScenes result: it has no key `results`") from error
    if not isinstance(results, dict):
        raise InvalidSource(f"{path}: no nuScenes result: `results` is not filed by sample token")
    return cast(dict[str, list[dict[str, Any]]], results)


def _of_sample(
    path: Path,
    token: str,
    rows: list[dict[str, Any]],
    frame: int,
    time_ns: int,
    world_from_ego: Transform,
) -> Cuboids:
    """The detections of one sample in the ego frame, which stands in nuScenes' global frame."""
    if not rows:
        return Cuboids.empty()
    try:
        centre = np.array([row["translation"] for row in rows], dtype=np.float64)
        width, length, height = np.array([row["size"] for row in rows], dtype=np.float64).T
        turn = from_quaternion(centre, np.array([row["rotation"] for row in rows]))
        score = np.array([row["detection_score"] for row in rows], dtype=np.float64)
        names = [str(row["detection_name"]) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidSource(f"{path}: sample {token}: {error!r} in a detection") from error
    yaw = np.arctan2(turn[:, 1, 0], turn[:, 0, 0])
    boxes = np.column_stack((centre, length, width, height, yaw))
    ego_from_world = np.broadcast_to(invert(world_from_ego), (len(rows), 4, 4))
    score, attributes = _scores(score, [""] * len(rows))
    return Cuboids.of(
        move_boxes(ego_from_world, boxes),
        frame=frame,
        time_ns=time_ns,
        category=_texts(names),
        score=score,
        attributes=attributes,
    )


def read_argoverse2_detections(
    path: str | Path, time_ns: NDArray[Any], log_id: str | None = None
) -> list[Cuboids]:
    """Read an Argoverse 2 detection result (feather, ego frame) at the times of one log's sweeps.

    Raises:
        InvalidSource: if a column is missing, or a row's time is none of `time_ns`.
    """
    from pyarrow import ArrowException, feather

    try:
        table = feather.read_table(Path(path))
    except (OSError, ArrowException) as error:
        raise InvalidSource(f"{path}: cannot be read as feather ({error})") from error
    needed = [
        "tx_m", "ty_m", "tz_m", "length_m", "width_m", "height_m",
        "qw", "qx", "qy", "qz", "score", "timestamp_ns", "category",
    ]  # fmt: skip
    for name in needed:
        if name not in table.column_names:
            raise InvalidSource(f"{path}: no column {name}; Argoverse 2 results have it")
    column = {name: table.column(name).to_numpy(zero_copy_only=False) for name in needed}
    kept = np.ones(len(column["score"]), dtype=np.bool_)
    if log_id is not None and "log_id" in table.column_names:
        kept = table.column("log_id").to_numpy(zero_copy_only=False).astype(str) == log_id
    values = np.column_stack([column[name][kept].astype(np.float64) for name in needed[:11]])
    stamp = column["timestamp_ns"][kept].astype(np.int64)
    times = np.asarray(time_ns, dtype=np.int64)
    unknown = ~np.isin(stamp, times)
    if unknown.any():
        raise InvalidSource(f"{path}: time {stamp[unknown][0]} is none of the log's sweeps")
    turn = from_quaternion(values[:, :3], values[:, 6:10])
    yaw = np.arctan2(turn[:, 1, 0], turn[:, 0, 0])
    score, attributes = _scores(values[:, 10], [""] * len(values))
    found = Cuboids.of(
        np.column_stack((values[:, :6], yaw)),
        frame=np.searchsorted(times, stamp),
        time_ns=stamp,
        category=_texts(map(str, column["category"][kept])),
        score=score,
        attributes=attributes,
    )
    return split(found, np.arange(len(times)), times)


def split(cuboids: Cuboids, frames: NDArray[Any], time_ns: NDArray[Any]) -> list[Cuboids]:
    """One `Cuboids` a frame, in the order of `frames`, with that frame's time."""
    order = np.argsort(cuboids.frame, kind="stable")
    first = np.searchsorted(cuboids.frame[order], frames)
    last = np.searchsorted(cuboids.frame[order], frames, side="right")
    return [
        cuboids.select(order[a:b]).replace(time_ns=int(t))
        for a, b, t in zip(first, last, np.asarray(time_ns), strict=True)
    ]


def _scores(raw: Floats, attributes: Sequence[str]) -> tuple[Floats, Strings]:
    """Scores in [0, 1]: those of a detector that gives log-odds go through the logistic function.

    The raw score then stays in `attributes`.
    """
    if ((raw >= 0) & (raw <= 1)).all():
        return raw, _texts(f"{{{text}}}" if text else "" for text in attributes)
    kept: list[str] = []
    for text, value in zip(attributes, raw.tolist(), strict=True):
        entry = f'"raw_score": {value:.6g}'
        kept.append(f"{{{text}, {entry}}}" if text else f"{{{entry}}}")
    return 1 / (1 + np.exp(-raw)), _texts(kept)


def _texts(words: Iterable[str]) -> Strings:
    listed = list(words)
    result = np.empty(len(listed), dtype=np.object_)
    result[:] = listed
    return result


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InvalidSource(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InvalidSource(f"{path}: is no text file") from error


def _numbers(words: Sequence[str], where: str) -> list[float]:
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise InvalidSource(f"{where}: {error}") from error
