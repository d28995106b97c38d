"""Tracks laid against points: nearer to the truth than without, and carried on where points are."""

from pathlib import Path

import numpy as np
import pytest

from lidar_label.annotation import annotate
from lidar_label.cuboids import Cuboids, load_cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.detections import split
from lidar_label.kernels.following import overlap_volumes
from lidar_label.kernels.packed_points import PackedPoints, pack
from lidar_label.refinement import track_offline
from lidar_label.track_refit import refit
from lidar_label.track_smoothing import Paths, smooth
from lidar_label.track_stream import Stream, gather
from lidar_label.track_surroundings import Surroundings
from lidar_label.tracker_config import DEFAULT_CONFIG


@pytest.fixture(scope="module")
def solved(drive: Path) -> tuple[Cuboids, Cuboids, Cuboids]:
    """The true cars of a drive; tracks of shifted, shrunk, turned boxes without and with points."""
    truth = load_cuboids(drive.with_name("drive.labels.parquet"))
    truth = truth.select(truth.category == "car")
    rng = np.random.default_rng(1)
    off = rng.normal(0, 1, (4, 7)) * [0.2, 0.2, 0, 0, 0, 0, 0.04]
    off[:, 3:6] = [-0.3, -0.15, -0.1]  # one detector's habit, which no averaging mends
    boxes = truth.boxes + off[truth.track_id] + rng.normal(0, 0.05, (len(truth), 7))
    rough = truth.replace(boxes=boxes, track_id=-1, score=np.full(len(truth), 0.9))
    rough = rough.select(rough.frame < 5)  # the last frame was missed
    with Recording(drive) as recording:
        poses = recording.frame_poses()
        frames = split(rough, np.arange(6), np.array([f.time_ns for f in recording.frames]))
        frames = [part.replace(frame=k) for k, part in enumerate(frames)]
        laid = annotate(recording, detections=frames).cuboids
    plain = track_offline(frames, poses)
    return truth, plain, laid.select(laid.track_id >= 0)


def overlaps(labels: Cuboids, truth: Cuboids, frames: int) -> np.ndarray:
    found = []
    for frame in range(frames):
        true = truth.boxes[truth.frame == frame]
        own = labels.boxes[labels.frame == frame]
        pairs = np.array(
            [overlap_volumes(np.tile(box, (len(own), 1)), own).max(initial=0) for box in true]
        )
        found.append(pairs)
    return np.concatenate(found)


def test_boxes_come_nearer_to_the_truth(solved: tuple[Cuboids, Cuboids, Cuboids]) -> None:
    truth, plain, laid = solved
    before, after = overlaps(plain, truth, 5), overlaps(laid, truth, 5)
    assert after.mean() > before.mean() + 0.05
    assert after.min() > 0.6


def test_sizes_stay_rigid(solved: tuple[Cuboids, Cuboids, Cuboids]) -> None:
    _, _, laid = solved
    for name in np.unique(laid.track_id):
        assert np.ptp(laid.boxes[laid.track_id == name, 3:6], axis=0).max() < 1e-9


def test_a_frame_that_the_detector_missed_is_carried_on_by_points(
    solved: tuple[Cuboids, Cuboids, Cuboids],
) -> None:
    truth, plain, laid = solved
    assert (plain.frame == 5).sum() == 0
    last = laid.select(laid.frame == 5)
    assert len(last) == 3
    assert overlaps(laid.select(laid.frame == 5), truth.select(truth.frame == 5), 6).min() > 0.6
    assert set(last.reason) == {"carried on beyond its detections"}


def kerbside(places: np.ndarray, hedge_from: int = 99) -> Surroundings:
    """Points of one car's sides in every frame; the ground below them is 5 cm under the boxes."""

    def read(index: int) -> PackedPoints:
        rng = np.random.default_rng(index)
        along = np.concatenate((rng.uniform(-2.2, 2.2, 60), np.full(40, -2.2)))
        across = np.concatenate((np.full(60, -0.9), np.linspace(-0.9, 0.9, 40)))
        height = rng.uniform(0.3, 0.9, 100)
        if index >= hedge_from:  # beyond the far side
            along, across = np.append(along, [-1.0, 0.0, 1.0]), np.append(across, [1.25] * 3)
            height = np.append(height, [0.5] * 3)
        xyz = np.column_stack((places[index, 0] + along, 3.0 + across, height - 0.05))
        times = np.full(len(xyz), index * 10**8)
        return pack(xyz.astype(np.float32), height.astype(np.float32), times, index * 10**8)

    return Surroundings(read, np.zeros(2))


@pytest.mark.parametrize(("speed", "bottom"), [(0.0, -0.05), (10.0, 0.0)])
def test_what_stands_is_let_down_to_the_ground_below_it(speed: float, bottom: float) -> None:
    stream, paths, laid, size, human = laid_against(speed)
    assert paths.still[0] == (speed == 0)
    below = laid.boxes[:, 2] - laid.boxes[:, 5] / 2
    assert below[~human] == pytest.approx(bottom, abs=0.01)
    assert laid.boxes[human] == pytest.approx(stream.boxes[human])
    assert size.shape == (1, 3)


def test_a_hedge_beside_it_in_some_frames_does_not_make_it_wider() -> None:
    *_, size, _ = laid_against(0.0, hedge_from=11)
    assert size[0, 1] == pytest.approx(1.8, abs=0.05)


def laid_against(
    speed: float, hedge_from: int = 99
) -> tuple[Stream, Paths, Stream, np.ndarray, np.ndarray]:
    """A car of 4.4 × 1.8 m in 15 frames, before and after; a person made the box of frame 7."""
    places = np.column_stack((10 + speed * 0.1 * np.arange(15), np.full(15, 3.0)))
    frames = [
        Cuboids.of([[x, y, 0.8, 4.4, 1.8, 1.6, 0.0]], frame=k, time_ns=k * 10**8, category="car",
                   score=0.9)
        for k, (x, y) in enumerate(places.tolist())
    ]  # fmt: skip
    stream = gather(frames, None, DEFAULT_CONFIG)
    tracks = np.zeros(15, dtype=np.int64)
    paths = smooth(stream, tracks)
    human = np.arange(15) == 7
    with kerbside(places, hedge_from) as surroundings:
        laid, size = refit(stream, tracks, paths, surroundings, human)
    return stream, paths, laid, size, human
