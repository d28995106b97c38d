"""ROS bags of both versions: what a recording says goes out and comes back; what others write."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.formats import export_labels, import_source, read_labels, recognise
from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.datasets.rosbag_export import KINDS, bag_writer
from lidar_label.errors import InvalidSource

START, MS = 1_700_000_000_000_000_000, 1_000_000
MOUNT = np.array([[0.0, -1, 0, 1.5], [1, 0, 0, 0.2], [0, 0, 1, 1.8], [0, 0, 0, 1]])


def jpeg(seed: int) -> bytes:
    out = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "JPEG")
    return out.getvalue()


def labels() -> Cuboids:
    boxes = np.array([[10, 2, 0.5, 4.5, 1.9, 1.6, 0.7], [-8, 3, 0.9, 0.6, 0.7, 1.8, -3.0]])
    return Cuboids.of(
        np.concatenate((boxes, boxes + 0.25)),
        frame=[0, 0, 2, 2],
        time_ns=START + np.array([0, 0, 200, 200]) * MS,
        track_id=[4, 9, 4, -1],
        category=np.array(["car", "pedestrian", "car", "dog"], dtype=object),
        score=np.array([0.75, np.nan, 0.5, np.nan], dtype=np.float32),
        pitch=np.array([0.0, 0.1, 0, 0]),
    )


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ros") / "drive.h5"
    rng = np.random.default_rng(0)
    with RecordingWriter(path, source="a test") as writer:
        writer.add_lidar("top", MOUNT)
        writer.add_radar("front", np.eye(4))
        writer.add_camera(
            "cam", np.eye(4), intrinsics=np.diag([20.0, 21, 1]), distortion=(0.1, 0, 0, 0),
            width=16, height=12,
        )  # fmt: skip
        names = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
        writer.add_imu("imu", np.eye(4), names, ("m/s²",) * 3 + ("rad/s",) * 3)
        for i in range(3):
            time_ns, n = START + 100 * i * MS, 50 + i
            writer.append_sweep(
                "top", time_ns, rng.normal(size=(n, 3)).astype(np.float32),
                rng.uniform(size=n).astype(np.float32), rng.integers(0, 32, n),
                time_ns + rng.integers(-50, 50, n) * MS,
            )  # fmt: skip
            radar = rng.normal(size=(4, 6)).astype(np.float32)
            writer.append_radar_sweep("front", time_ns + MS, radar[:, :3], *radar[:, 3:].T)
            writer.append_image("cam", time_ns, jpeg(i))
        times = START + np.arange(30) * 7 * MS + 123
        writer.append_imu("imu", times, rng.normal(size=(30, 6)))
        poses = np.tile([0.0, 0, 0, 1, 0, 0, 0], (5, 1))
        poses[:, 0] = np.arange(5)
        writer.append_ego(START + np.arange(5) * 50 * MS, poses)
    return path


@pytest.fixture(params=KINDS)
def bag(request: pytest.FixtureRequest, drive: Path, tmp_path: Path) -> Path:
    export_labels(labels(), drive, request.param, tmp_path / "out")
    found = tmp_path / "out" / "recording"
    return found.with_suffix(".bag") if request.param == "ros1" else found


def test_a_recording_comes_back(bag: Path, drive: Path, tmp_path: Path) -> None:
    assert recognise(bag) == "rosbag"
    result = import_source(bag, tmp_path / "again.h5")
    assert result.warnings == []
    with Recording(drive) as before, Recording(result.recording_path) as after:
        assert after.frame_count == before.frame_count
        for i in range(3):
            old, new = before.sweep("top", i), after.sweep("lidar_top", i)
            for column in ("xyz", "intensity", "ring", "point_time_ns"):
                np.testing.assert_array_equal(getattr(new, column), getattr(old, column))
            old_radar, new_radar = (
                before.radar_sweep("front", i),
                after.radar_sweep("radar_front", i),
            )
            for column in ("xyz", "rcs", "radial_velocity", "radial_velocity_compensated"):
                np.testing.assert_array_equal(
                    getattr(new_radar, column), getattr(old_radar, column)
                )
            assert after.image("camera_cam_image_compressed", i) == before.image("cam", i)
        np.testing.assert_array_equal(after.imu("imu_imu").values, before.imu("imu").values)
        np.testing.assert_array_equal(after.imu("imu_imu").time_ns, before.imu("imu").time_ns)
        np.testing.assert_allclose(after.rig["lidar_top"].ego_from_sensor, MOUNT, atol=1e-12)
        camera = after.rig.camera("camera_cam_image_compressed")
        np.testing.assert_array_equal(camera.intrinsics, np.diag([20.0, 21, 1]))
        assert (camera.width, camera.height, camera.distortion) == (16, 12, (0.1, 0, 0, 0))
        assert after.trajectory is not None
        assert before.trajectory is not None
        np.testing.assert_allclose(
            after.trajectory.world_from_ego, before.trajectory.world_from_ego, atol=1e-12
        )


def test_labels_come_back(bag: Path, drive: Path) -> None:
    with Recording(drive) as recording:
        found, warnings = read_labels(bag, recording)
    assert warnings == []
    wanted = labels()
    np.testing.assert_array_equal(found.boxes[:, :6], wanted.boxes[:, :6])
    np.testing.assert_allclose(found.boxes[:, 6], wanted.boxes[:, 6], atol=1e-12)
    np.testing.assert_allclose(found.pitch, wanted.pitch, atol=1e-12)
    for column in ("frame", "time_ns", "track_id", "score"):
        np.testing.assert_array_equal(getattr(found, column), getattr(wanted, column))
    assert found.category.tolist() == wanted.category.tolist()


def test_what_has_no_place_is_said(bag: Path) -> None:
    text = (bag.parent / "NOT_EXPORTED.txt").read_text()
    assert text.startswith("Nothing")


def test_a_cut_bag_is_one_line(bag: Path, tmp_path: Path) -> None:
    file = bag if bag.is_file() else next(p for p in bag.iterdir() if p.name != "metadata.yaml")
    file.write_bytes(file.read_bytes()[:700])
    with pytest.raises(InvalidSource, match=bag.name) as raised:
        import_source(bag, tmp_path / "again.h5")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "again.h5").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_others_clouds_and_raw_images(kind: str, tmp_path: Path) -> None:
    """Padded, organised, big-endian clouds without a transform; a raw image; a stamp of zero."""
    dtype = np.dtype(
        {"names": ["x", "y", "z", "t"], "formats": [">f4", ">f4", ">f4", ">u4"],
         "offsets": [0, 4, 8, 20], "itemsize": 32}
    )  # fmt: skip
    points = np.zeros((2, 3), dtype)
    points["x"], points["t"] = np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3) * 1000
    rows = np.frombuffer(points.tobytes(), np.uint8).reshape(2, 96)
    padded = np.concatenate((rows, np.zeros((2, 10), np.uint8)), axis=1)
    with bag_writer(tmp_path / "bag", kind) as bag:
        fields = [
            bag.make("sensor_msgs/msg/PointField", name=n, offset=o, datatype=c, count=1)
            for n, o, c in (("x", 0, 7), ("y", 4, 7), ("z", 8, 7), ("t", 20, 6))
        ]
        for stamp in (0, START):
            message = bag.make(
                "sensor_msgs/msg/PointCloud2", header=bag.header(stamp, "/velodyne"), height=2,
                width=3, fields=fields, is_bigendian=True, point_step=32, row_step=106,
                data=padded.ravel(), is_dense=False,
            )  # fmt: skip
            bag.write("/points", message, START - 100 * MS if not stamp else START)
        pixels = np.arange(2 * 3 * 3, dtype=np.uint8)
        image = bag.make(
            "sensor_msgs/msg/Image", header=bag.header(START, "cam"), height=2, width=3,
            encoding="bgr8", is_bigendian=0, step=9, data=pixels,
        )  # fmt: skip
        bag.write("/cam/image_raw", image, START)
    path = tmp_path / ("bag.bag" if kind == "ros1" else "bag")
    result = import_source(path, tmp_path / "out.h5")
    assert "points: 1 messages without a time; taken as when received" in result.warnings
    assert any("no CameraInfo" in line for line in result.warnings)
    with Recording(result.recording_path) as recording:
        assert recording.sweep_times("points").tolist() == [START - 100 * MS, START]
        sweep = recording.sweep("points", 1)
        assert sweep.xyz[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
        assert (sweep.point_time_ns - START).tolist() == [0, 1000, 2000, 3000, 4000, 5000]
