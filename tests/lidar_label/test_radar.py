"""Radar: Doppler over ground, what moves, boxes from radar alone, headings of LiDAR boxes."""

from pathlib import Path

import numpy as np
import pytest

from lidar_label.annotation import AnnotationConfig, propose_frame
from lidar_label.calibration.doppler import directions, own_velocity, velocity_by_poses
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.calibration.transforms import from_yaw
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.doppler_hints import hint_by_doppler
from lidar_label.radar_points import RadarPoints, radar_points
from lidar_label.radar_proposals import propose_radar

PLACE = from_yaw(np.array([2.0, 0.0, 0.5]), 0.4)
SPEED = 12.0
MS = 1_000_000


def scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Places (ego frame) and velocities over ground of what stands, and of a car that drives."""
    rng = np.random.default_rng(seed)
    still = np.column_stack((rng.uniform(5, 60, (80, 1)), rng.uniform(-25, 25, (80, 2))))
    still[:, 2] = rng.uniform(0, 2, 80)
    car = np.array([25.0, 5.0, 0.8]) + rng.uniform(-1, 1, (8, 3)) * [2, 0.8, 0.5]
    velocity = np.zeros((88, 3))
    velocity[80:, 0] = -9.0
    return np.vstack((still, car)), velocity


def measured(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The scene as a radar at PLACE on an ego that drives ahead reports it."""
    places, velocity = scene(seed)
    xyz = (places - PLACE[:3, 3]) @ PLACE[:3, :3]
    relative = (velocity - [SPEED, 0, 0]) @ PLACE[:3, :3]
    noise = np.random.default_rng(seed + 50).normal(0, 0.05, len(xyz))
    return xyz, (directions(xyz) * relative).sum(axis=1) + noise


def write(path: Path, poses: bool, lidar: bool = False) -> Path:
    xyz, doppler = measured()
    with RecordingWriter(path, source="test") as writer:
        writer.add_radar("radar", PLACE)
        if lidar:
            writer.add_lidar("top", np.eye(4))
            writer.append_sweep("top", 1000 * MS, np.zeros((0, 3)))
        writer.append_radar_sweep("radar", 1000 * MS, xyz, radial_velocity=doppler)
        if poses:
            at = np.array([0, 1.0])
            way = np.column_stack((at * SPEED, 0 * at, 0 * at, 0 * at + 1, 0 * at, 0 * at, 0 * at))
            writer.append_ego(np.array([500, 1500]) * MS, way)
    return path


def test_own_velocity_is_found_among_movers() -> None:
    xyz, doppler = measured()
    found = own_velocity(xyz, doppler)
    assert found is not None
    wanted = np.array([SPEED, 0, 0]) @ PLACE[:3, :3]
    assert np.linalg.norm((found.velocity - wanted)[:2]) < 0.1
    assert found.standing[:80].mean() > 0.95
    assert not found.standing[80:].any()


def test_own_velocity_is_not_made_up() -> None:
    rng = np.random.default_rng(0)
    assert own_velocity(rng.normal(0, 20, (40, 3)), rng.normal(0, 8, 40)) is None
    assert own_velocity(np.ones((3, 3)), np.ones(3)) is None


def test_velocity_by_poses_knows_the_lever() -> None:
    """A radar ahead of an ego that turns on the spot moves to the left."""
    at = np.arange(0, 1.01, 0.01)
    half = 0.5 * at / 2
    zero = 0 * at
    poses = np.column_stack((zero, zero, zero, np.cos(half), zero, zero, np.sin(half)))
    turning = Trajectory((at * 1e9).astype(np.int64), poses)
    found = velocity_by_poses(turning, 500 * MS, from_yaw(np.array([2.0, 0, 0]), 0.0))
    assert np.allclose(found, [0, 1.0, 0], atol=0.01)


@pytest.mark.parametrize("poses", [True, False])
def test_doppler_over_ground_with_and_without_poses(tmp_path: Path, poses: bool) -> None:
    with Recording(write(tmp_path / "r.h5", poses)) as recording:
        points = radar_points(recording, recording.frames[0])
    assert not points.moving[:80].any()
    assert points.moving[80:].all()
    assert np.allclose(points.xyz, scene()[0], atol=0.01)


def test_a_frame_of_radar_alone_gets_boxes_with_velocity(tmp_path: Path) -> None:
    with Recording(write(tmp_path / "r.h5", True)) as recording:
        found = propose_frame(recording, 0, AnnotationConfig())
        none = propose_frame(recording, 0, AnnotationConfig(radar=False))
    assert len(none) == 0
    assert len(found) == 1
    assert found.category[0] == "car"
    assert np.hypot(*(found.boxes[0, :2] - [25, 5])) < 2.0
    sight = np.array([23.0, 5.0]) / np.hypot(23, 5)
    assert abs(found.velocity[0] @ sight - np.array([-9.0, 0]) @ sight) < 0.3
    assert abs(abs(found.boxes[0, 6]) - np.pi) < 0.3
    assert "radar" in found.reason[0]


def test_few_detections_make_no_box() -> None:
    one = RadarPoints(np.array([[9.0, 0, 0]]), np.array([[1.0, 0, 0]]), np.array([5.0]), np.ones(1))
    assert len(propose_radar(one)) == 0
    assert len(propose_radar(one.select(np.zeros(1, dtype=bool)))) == 0


def detections(speed: float, at: tuple[float, float] = (20.0, 0.0)) -> RadarPoints:
    xyz = np.array([[*at, 0.5], [at[0] + 0.3, at[1], 0.5], [at[0] - 0.3, at[1], 0.5]])
    toward = xyz / np.linalg.norm(xyz, axis=1, keepdims=True)
    return RadarPoints(xyz, toward, np.full(3, speed), np.ones(3))


@pytest.mark.parametrize(
    ("yaw", "speed", "wanted"),
    [(0.1, 8.0, 0.1), (0.1, -8.0, 0.1 - np.pi), (np.pi / 2, 8.0, np.pi / 2), (0.1, 0.1, 0.1)],
    ids=["as it is", "back to front", "crossing tells nothing", "standing"],
)
def test_long_boxes_turn_to_where_they_go(yaw: float, speed: float, wanted: float) -> None:
    box = Cuboids.of(np.array([[20.0, 0, 0.8, 4.4, 1.8, 1.6, yaw]]))
    found = hint_by_doppler(box, detections(speed))
    assert found.boxes[0, 6] == pytest.approx(wanted)
    assert np.array_equal(found.boxes[0, :6], box.boxes[0, :6])
    if abs(speed) < 1 or yaw > 1:
        assert np.isnan(found.velocity).all()
    else:
        assert np.hypot(*found.velocity[0]) == pytest.approx(8 / np.cos(0.1), rel=0.01)
        assert np.sign(found.velocity[0, 0]) == np.sign(speed)


def test_square_boxes_turn_to_the_side_along_which_they_go() -> None:
    box = Cuboids.of(np.array([[20.0, 0, 0.9, 0.8, 0.6, 1.7, np.pi / 2]]))
    found = hint_by_doppler(box, detections(-1.5))
    assert abs(found.boxes[0, 6]) == pytest.approx(np.pi)
    assert found.boxes[0, 3:5].tolist() == [0.6, 0.8]


def test_boxes_without_detections_stay() -> None:
    box = Cuboids.of(np.array([[-20.0, 0, 0.8, 4.4, 1.8, 1.6, 0.3]]))
    assert hint_by_doppler(box, detections(8.0)).equals(box)


def test_real_radar_agrees_with_its_source(shared: Path, tmp_path: Path) -> None:
    """View of Delft compensates by its own odometry; by Doppler alone the same comes out."""
    from lidar_label.datasets.formats import import_source

    import_source(shared / "view_of_delft", tmp_path / "vod.h5")
    with Recording(tmp_path / "vod.h5") as recording:
        for i in range(recording.sweep_count("radar")):
            sweep = recording.radar_sweep("radar", i)
            assert sweep.radial_velocity is not None
            assert sweep.radial_velocity_compensated is not None
            found = own_velocity(sweep.xyz, sweep.radial_velocity)
            assert found is not None
            ours = sweep.radial_velocity + directions(sweep.xyz) @ found.velocity
            assert np.median(np.abs(ours - sweep.radial_velocity_compensated)) < 0.1
