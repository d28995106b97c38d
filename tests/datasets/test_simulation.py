"""Simulated drives: the same bytes from one seed, and a truth that the sensors agree with."""

import io
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lidar_label.calibration.cameras import in_image, project
from lidar_label.calibration.transforms import from_yaw, invert, transform_points
from lidar_label.datasets.cuboids import Cuboids, load_cuboids
from lidar_label.datasets.point_labels import PointLabels, points_path
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.simulation.assembly import rotation
from lidar_label.datasets.simulation.drive import simulate
from lidar_label.datasets.simulation.footprints import overlapping_pairs
from lidar_label.datasets.simulation.imu import GRAVITY
from lidar_label.datasets.simulation.materials import Category
from lidar_label.datasets.simulation.suite import SimulationConfig
from lidar_label.errors import InvalidLabels, UsageError

CONFIG = SimulationConfig(seconds=1.5, seed=3, images_per_second=2, image_size=(320, 200))
SHORT = SimulationConfig(
    seconds=0.3, seed=5, beams=(32, 32), cameras=1, images_per_second=4, image_size=(96, 64)
)


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulated") / "drive.h5"
    simulate(path, CONFIG)
    return path


@pytest.fixture(scope="module")
def truth(drive: Path) -> Cuboids:
    return load_cuboids(drive.with_name("drive.labels.parquet"))


def in_world(recording: Recording, truth: Cuboids) -> np.ndarray:
    """(N, 4, 4) world_from_box of every cuboid."""
    poses = recording.frame_poses()
    boxes = np.stack([np.eye(4)] * len(truth))
    for k, (box, pitch, roll) in enumerate(zip(truth.boxes, truth.pitch, truth.roll, strict=True)):
        boxes[k, :3, :3] = rotation(box[6], pitch, roll)
        boxes[k, :3, 3] = box[:3]
    return poses[truth.frame] @ boxes


def written(path: Path) -> list[bytes]:
    return [
        file.read_bytes()
        for file in (path, path.with_name(f"{path.stem}.labels.parquet"), points_path(path))
    ]


def test_one_seed_gives_the_same_bytes_whatever_works_on_it(tmp_path: Path) -> None:
    simulate(tmp_path / "a.h5", SHORT, workers=1)
    simulate(tmp_path / "b.h5", SHORT, workers=4)
    again = (
        "from lidar_label.datasets.simulation.drive import simulate\n"
        "from lidar_label.datasets.simulation.suite import SimulationConfig\n"
        f"simulate({str(tmp_path / 'c.h5')!r}, {SHORT!r})\n"
    )
    subprocess.run([sys.executable, "-c", again], check=True)
    assert written(tmp_path / "a.h5") == written(tmp_path / "b.h5") == written(tmp_path / "c.h5")
    simulate(tmp_path / "d.h5", SimulationConfig(**{**vars(SHORT), "seed": 6}))
    assert written(tmp_path / "d.h5")[0] != written(tmp_path / "a.h5")[0]


def test_everything_is_recorded(drive: Path) -> None:
    with Recording(drive) as recording:
        recording.verify()
        assert recording.lidars == ("top", "front")
        assert recording.radars == ("radar_front", "radar_rear")
        assert recording.cameras == ("camera_front", "camera_rear")
        assert recording.frame_count == 15
        frame = recording.frames[0]
        assert set(frame.sweeps) == {"top", "front", "radar_front", "radar_rear"}
        assert set(frame.images) == set(recording.cameras)
        sweep = recording.sweep("top", 7)
        assert len(set(sweep.ring.tolist())) == 64
        assert 80_000 < len(sweep.xyz) < 64 * 2083
        assert 0 <= sweep.intensity.min() < 0.02
        assert 0.9 < sweep.intensity.max() <= 1
        span = sweep.point_time_ns - sweep.time_ns
        assert (np.diff(span) >= 0).all()
        assert -50_000_000 <= span[0] < -49_000_000
        assert 49_000_000 < span[-1] <= 50_000_000
        for camera in recording.cameras:
            for k in range(len(recording.image_times(camera))):
                picture = Image.open(io.BytesIO(recording.image(camera, k)))
                assert picture.size == (320, 200)
                assert np.asarray(picture).std() > 20
        assert recording.trajectory.covers(recording.sweep("top", 0).point_time_ns).all()


def test_points_of_a_track_lie_in_its_box_at_their_own_time(drive: Path, truth: Cuboids) -> None:
    checked = 0
    with Recording(drive) as recording, PointLabels(points_path(drive)) as labels:
        assert labels.recording == recording.content_hash
        poses = in_world(recording, truth)
        for frame, sensor in itertools.product((0, 7, 14), recording.lidars):
            sweep, named = recording.sweep(sensor, frame), labels.sweep(sensor, frame)
            assert len(named.track_id) == len(sweep.xyz)
            ego = recording.trajectory.at(sweep.point_time_ns)
            placed = ego @ recording.rig[sensor].ego_from_sensor
            world = np.einsum("nij,nj->ni", placed[:, :3, :3], sweep.xyz) + placed[:, :3, 3]
            for row in np.flatnonzero((truth.frame == frame) & (truth.num_points > 0)):
                mine = np.flatnonzero(named.track_id == truth.track_id[row])
                if not len(mine):  # the other LiDAR sees it
                    continue
                # Where the object was as each point was taken: on from its place by its velocity.
                since = (sweep.point_time_ns[mine] - truth.time_ns[row]) / 1e9
                frame_pose = recording.frame_poses()[frame]
                speed = frame_pose[:3, :2] @ truth.velocity[row].astype(float)
                then = world[mine] - since[:, None] * speed
                local = transform_points(invert(poses[row]), then)
                over = np.abs(local) - truth.boxes[row, 3:6] / 2
                # Noise of ranges (4σ), curves driven and limbs; glass and far edges lie inside.
                assert (over < 0.16).all()
                assert (over < 0.08).mean() > 0.99
                checked += len(mine)
    assert checked > 3000


def test_points_counted_are_the_points_labelled(drive: Path, truth: Cuboids) -> None:
    with PointLabels(points_path(drive)) as labels:
        assert labels.categories[int(Category.CAR)] == "car"
        for frame in (0, 9):
            track = np.concatenate([labels.sweep(s, frame).track_id for s in labels.sensors])
            counts = np.bincount(track[track >= 0], minlength=truth.track_id.max() + 1)
            rows = truth.select(truth.frame == frame)
            np.testing.assert_array_equal(rows.num_points, counts[rows.track_id])
            assert rows.num_points.sum() == (track >= 0).sum()
            category = np.concatenate([labels.sweep(s, frame).category for s in labels.sensors])
            own = {int(t): c for t, c in zip(rows.track_id, rows.category, strict=True)}
            for number in np.unique(track[track >= 0]).tolist():
                named = {labels.categories[int(c)] for c in np.unique(category[track == number])}
                assert named == {own[number]}


def test_nobody_overlaps_leaps_or_leaves_a_gap(drive: Path, truth: Cuboids) -> None:
    with Recording(drive) as recording:
        poses = in_world(recording, truth)
    yaw = np.arctan2(poses[:, 1, 0], poses[:, 0, 0])
    for frame in range(15):
        rows = truth.frame == frame
        flat = np.column_stack((poses[rows, :2, 3], truth.boxes[rows, 3:5], yaw[rows]))
        assert len(overlapping_pairs(flat)) == 0
    for track in np.unique(truth.track_id):
        rows = np.flatnonzero(truth.track_id == track)
        np.testing.assert_array_equal(np.diff(truth.frame[rows]), 1)
        np.testing.assert_allclose(np.ptp(truth.boxes[rows, 3:6], axis=0), 0, atol=1e-9)
        speed = np.linalg.norm(np.diff(poses[rows, :3, 3], axis=0), axis=1) / 0.1
        stated = np.linalg.norm(truth.velocity[rows], axis=1)
        assert (speed < 22).all()
        assert (np.abs(speed - (stated[1:] + stated[:-1]) / 2) < 0.25).all()
        assert (np.abs(np.angle(np.exp(1j * np.diff(yaw[rows])))) < 0.12).all()


def test_attributes_say_who_is_parked_moving_and_seen(truth: Cuboids) -> None:
    found = [json.loads(text) for text in truth.attributes]
    assert {a.get("parked") for a in found} == {True, False, None}
    for row, attributes in enumerate(found):
        speed = float(np.hypot(*truth.velocity[row]))
        assert attributes["moving"] == (speed > 0.2) or abs(speed - 0.2) < 1e-3
        assert 0 <= attributes.get("visible", 1) <= 1
    seen = np.array([a.get("visible", np.nan) for a in found])
    points = truth.num_points.astype(float)
    assert np.nanmedian(seen[points > 300]) > np.nanmedian(seen[points < 10]) + 0.3


def test_the_town_stands_still_once_sweeps_are_deskewed(drive: Path) -> None:
    with Recording(drive) as recording, PointLabels(points_path(drive)) as labels:
        poses = recording.frame_poses()
        assert np.linalg.norm(poses[10, :3, 3] - poses[0, :3, 3]) > 2  # or this shows nothing
        distance = {}
        for deskewed in (True, False):
            walls = []
            for frame in (5, 6):
                named = [labels.sweep(sensor, frame).category for sensor in recording.lidars]
                xyz = recording.frame_points(frame, deskew=deskewed).xyz
                mine = np.isin(np.concatenate(named), (Category.POLE, Category.TRUNK))
                walls.append(transform_points(poses[frame], xyz[mine].astype(float)))
            near = np.linalg.norm(walls[0] - poses[5, :3, 3], axis=1) < 40
            gap = np.linalg.norm(walls[0][near][:, None] - walls[1][None], axis=2).min(axis=1)
            distance[deskewed] = np.median(gap)
        assert distance[True] < 0.06
        assert distance[True] < distance[False]


def test_radar_doppler_is_that_of_ground_and_road_users(drive: Path, truth: Cuboids) -> None:
    with Recording(drive) as recording:
        compensated, on_movers = [], []
        for k in range(recording.sweep_count("radar_front")):
            sweep = recording.radar_sweep("radar_front", k)
            assert np.isfinite(sweep.rcs).all()
            assert (sweep.rcs < 45).all()
            compensated.append(sweep.radial_velocity_compensated)
            time = sweep.time_ns
            frame = int(np.argmin([abs(f.time_ns - time) for f in recording.frames]))
            place = invert(recording.frame_poses()[frame]) @ recording.trajectory.at(time)
            place = place @ recording.rig["radar_front"].ego_from_sensor
            points = transform_points(place, sweep.xyz.astype(float))
            rows = truth.select((truth.frame == frame) & (np.abs(truth.velocity).max(axis=1) > 3))
            for box, velocity in zip(rows.boxes, rows.velocity, strict=True):
                local = transform_points(invert(from_yaw(box[:3], box[6])), points)
                inside = (np.abs(local[:, :2]) < box[3:5] / 2 + 0.3).all(axis=1)
                sight = points[inside, :2] - place[:2, 3]
                sight /= np.linalg.norm(sight, axis=1, keepdims=True)
                on_movers += list(sweep.radial_velocity_compensated[inside] - sight @ velocity)
    everything = np.concatenate(compensated)
    assert len(everything) > 15 * 30
    assert np.median(np.abs(everything)) < 0.15  # most of what is there stands
    assert len(on_movers) > 20
    assert np.median(np.abs(on_movers)) < 0.5  # limbs that swing, wheels that turn


def test_the_imu_feels_gravity_and_turns_with_the_ego(drive: Path) -> None:
    with Recording(drive) as recording:
        imu, trajectory = recording.imu("imu"), recording.trajectory
    assert imu.channels[:3] == ("accel_x", "accel_y", "accel_z")
    force = imu.values[:, :3].mean(axis=0)
    assert abs(force[2] - GRAVITY) < 0.4
    turned = imu.values[:-1, 5].sum() * 0.01
    yaw = [np.arctan2(m[1, 0], m[0, 0]) for m in trajectory.at(imu.time_ns[[0, -1]])]
    assert abs(turned - np.angle(np.exp(1j * (yaw[1] - yaw[0])))) < 0.03
    # Forward speed gained is forward force less the part of gravity along the slope.
    poses = trajectory.at(imu.time_ns)
    speed = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1) / 0.01
    along = imu.values[:, 0] - GRAVITY * poses[:, 2, 0]
    assert abs(along.mean() * 1.5 - (speed[-1] - speed[0])) < 0.35


def test_pictures_and_points_show_the_same_place(drive: Path) -> None:
    """The picture is green where LiDAR points are leaves or grass; its mirror image is not."""
    with Recording(drive) as recording, PointLabels(points_path(drive)) as labels:
        xyz, category = recording.sweep("top", 0).xyz, labels.sweep("top", 0).category
        ego_from_lidar = recording.rig["top"].ego_from_sensor
        green = np.isin(category, (Category.VEGETATION, Category.TERRAIN))
        for name in recording.cameras:
            camera = recording.rig.camera(name)
            points = transform_points(invert(camera.ego_from_sensor) @ ego_from_lidar, xyz[green])
            pixels, ahead = project(camera, points)
            column, row = np.floor(pixels[ahead & in_image(camera, pixels)]).astype(int).T
            assert len(row) > 100
            picture = Image.open(io.BytesIO(recording.image(name, 0))).convert("RGB")
            red, hue, blue = np.moveaxis(np.asarray(picture, dtype=float), 2, 0)
            greenness = hue - (red + blue) / 2
            assert greenness[row, column].mean() > 5
            assert greenness[:, ::-1][row, column].mean() < 5


def test_configurations_that_cannot_be_are_one_line() -> None:
    for wrong, text in (
        ({"seconds": -1}, "--seconds"), ({"beams": (16,)}, "--beams 16"), ({"beams": ()}, "--beam"),
        ({"cameras": 9}, "--cameras 9: give 0 to 4"), ({"image_size": (8, 8)}, "--image-size"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=text):
            SimulationConfig(**wrong)


def test_point_labels_that_are_none_are_named(tmp_path: Path, drive: Path) -> None:
    with pytest.raises(InvalidLabels, match="no such file"):
        PointLabels(tmp_path / "no.points.hdf5")
    with pytest.raises(InvalidLabels, match="no point labels"):
        PointLabels(drive)
    (tmp_path / "x.points.hdf5").write_text("x")
    with pytest.raises(InvalidLabels, match="damaged"):
        PointLabels(tmp_path / "x.points.hdf5")
    with PointLabels(points_path(drive)) as labels, pytest.raises(InvalidLabels, match="no sweep"):
        labels.sweep("top", 99)
