"""Ground against Patchwork++ (Lee et al., IROS 2022), the truth from Argoverse 2's map of heights.

A point is ground where it lies within 0.3 m of the map's ground surface; points off the map are
left out. Both get the same points with the upper LiDAR at the origin; Patchwork++ is also told the
height of the sensor, which ours estimates.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.arrays import Floats, Floats32, Mask
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.datasets.formats import import_source
from lidar_label.datasets.recording import Recording
from lidar_label.errors import UsageError
from lidar_label.kernels.ground import ground_mask

_NEAR_M = 0.3
_PEER = "Patchwork++"
Find = Callable[[Floats32], Mask]


def run(data: Path | None) -> list[Row]:
    """Precision, recall, F1 and time of both on every sweep whose log has a map of heights."""
    logs = [] if data is None else sorted((data / "argoverse2").glob("*/map/*ground_height*.npy"))
    if not logs:
        raise UsageError("no Argoverse 2 log with a map of ground heights; name one by --data")
    sweeps = [sweep for log in logs for sweep in _sweeps(log)]
    finders: dict[str, Find] = {"ours": ground_mask, _PEER: _patchwork}
    found = {name: [find(points) for points, _ in sweeps] for name, find in finders.items()}
    known = [~np.isnan(height) for _, height in sweeps]
    truth = [np.abs(height) <= _NEAR_M for _, height in sweeps]
    scores = {name: _scores(masks, truth, known) for name, masks in found.items()}
    seconds = {
        name: [min(_timed(find, points) for _ in range(5)) for points, _ in sweeps]
        for name, find in finders.items()
    }
    rows = [
        more_is_better(f"ground, {what}", scores["ours"][i], _PEER, scores[_PEER][i], "")
        for i, what in enumerate(("precision", "recall", "F1"))
    ]
    for i, (points, _) in enumerate(sweeps):
        ours, peer = seconds["ours"][i] * 1e3, seconds[_PEER][i] * 1e3
        rows.append(less_is_better(f"ground, {len(points)} points", ours, _PEER, peer, "ms"))
    return rows


def _sweeps(surface: Path) -> Iterator[tuple[Floats32, Floats]]:
    """Points (N, 4) around the upper LiDAR, and how high each stands above the map's ground."""
    heights: Floats = np.load(surface)
    place = json.loads(next(surface.parent.glob("*img_Sim2_city.json")).read_text())
    turn = np.array(place["R"], dtype=np.float64).reshape(2, 2)
    with tempfile.TemporaryDirectory() as folder:
        import_source(surface.parent.parent, Path(folder) / "log.h5")
        with Recording(Path(folder) / "log.h5") as recording:
            poses = recording.frame_poses()
            assert poses is not None
            sensor = recording.rig[recording.lidars[0]].ego_from_sensor[:3, 3]
            for i in range(recording.frame_count):
                frame = recording.frame_points(i)
                city = frame.xyz @ poses[i, :3, :3].T + poses[i, :3, 3] + recording.origin
                # city → image, argoverse/av2-api: p' = s · (R p + t); columns are x, rows y
                pixel = (city[:, :2] @ turn.T + np.array(place["t"])) * place["s"]
                column, row = np.floor(pixel).astype(int).T
                inside = (row >= 0) & (column >= 0)
                inside &= (row < heights.shape[0]) & (column < heights.shape[1])
                ground = np.full(len(city), np.nan)
                ground[inside] = heights[row[inside], column[inside]]
                points = np.column_stack((frame.xyz - sensor, frame.intensity))
                yield points.astype(np.float32), city[:, 2] - ground


def patchwork_alone(points: Floats32) -> Callable[[], Any]:
    """Patchwork++'s ground step on (N, ≥4) points, set up beforehand; it answers with the finder.

    Raises:
        ImportError: if it is not installed.
    """
    import pypatchworkpp

    parameters: Any = pypatchworkpp.Parameters()
    parameters.verbose = False
    near = np.hypot(points[:, 0], points[:, 1]) < 15
    parameters.sensor_height = max(float(-np.percentile(points[near, 2], 10)), 0.3)
    finder: Any = pypatchworkpp.patchworkpp(parameters)
    columns = np.ascontiguousarray(points[:, :4])

    def find() -> Any:
        finder.estimateGround(columns)
        return finder

    return find


def _patchwork(points: Floats32) -> Mask:
    finder = patchwork_alone(points)()
    mask = np.zeros(len(points), dtype=np.bool_)
    mask[np.asarray(finder.getGroundIndices(), dtype=np.int64)] = True
    return mask


def _scores(found: list[Mask], truth: list[Mask], known: list[Mask]) -> tuple[float, float, float]:
    """Precision, recall and F1 over all sweeps together, where the map knows the ground."""
    answer = np.concatenate([mask[where] for mask, where in zip(found, known, strict=True)])
    right = np.concatenate([mask[where] for mask, where in zip(truth, known, strict=True)])
    hits = float((answer & right).sum())
    precision, recall = hits / max(int(answer.sum()), 1), hits / max(int(right.sum()), 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def _timed(find: Find, points: Floats32) -> float:
    start = time.perf_counter()
    find(points)
    return time.perf_counter() - start
