"""Imu messages of ROS bags of every kind are read as signals, bit for bit, without an import."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from lidar_label.datasets.rosbag_export import bag_writer
from lidar_label.datasets.signal_presets import read_signals
from lidar_label.errors import InvalidSignal, InvalidSource

_STEP_NS = 9_900_001  # 101 Hz; not a whole number of anything
_START_NS = 1_700_000_000_000_000_003
KINDS = ("ros1", "ros2", "mcap")


def write_bag(place: Path, kind: str, streams: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """A bag with an Imu topic a stream of times (T,) and values (T, 6), in the order given."""
    with bag_writer(place, kind) as bag:
        for topic, (times, values) in streams.items():
            for time_ns, row in zip(times.tolist(), values.tolist(), strict=True):
                acceleration, turning = (
                    bag.make("geometry_msgs/msg/Vector3", **dict(zip("xyz", part, strict=True)))
                    for part in (row[:3], row[3:])
                )
                still = bag.make("geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=0.0, w=1.0)
                message = bag.make(
                    "sensor_msgs/msg/Imu",
                    header=bag.header(time_ns, "imu"),
                    orientation=still,
                    orientation_covariance=np.zeros(9),
                    angular_velocity=turning,
                    angular_velocity_covariance=np.zeros(9),
                    linear_acceleration=acceleration,
                    linear_acceleration_covariance=np.zeros(9),
                )
                bag.write(topic, message, time_ns)


def stream(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    values = np.random.default_rng(seed).normal(size=(count, 6))
    return _START_NS + np.arange(count, dtype=np.int64) * _STEP_NS, values


def single_files(place: Path) -> list[Path]:
    """The bag, and the file in its folder on its own."""
    if place.is_file():
        return [place]
    return [place, *(f for f in place.iterdir() if f.suffix in {".db3", ".mcap"})]


@pytest.mark.parametrize("kind", KINDS)
def test_messages_come_back_bit_for_bit(kind: str, tmp_path: Path) -> None:
    times, values = stream(40, 0)
    order = np.random.default_rng(1).permutation(40)
    place = tmp_path / ("walk.bag" if kind == "ros1" else "walk")
    short = stream(10, 2)
    write_bag(place, kind, {"/phone/imu": (times[order], values[order]), "/spare": short})
    assert place.exists()
    for path in single_files(place):
        recording = read_signals((path,))
        assert recording.layout == "rosbag"
        first, second = recording.signals
        np.testing.assert_array_equal(first.time_ns, times)
        np.testing.assert_array_equal(first.values, values)
        assert first.channels[:2] == ("acc_x", "acc_y")
        assert first.units == ("m/s²",) * 3 + ("rad/s",) * 3
        assert second.channels[0] == "spare/acc_x"
        np.testing.assert_array_equal(second.values, short[1])


def test_a_time_that_was_there_is_told(tmp_path: Path) -> None:
    times, values = stream(6, 0)
    times[3] = times[2]
    write_bag(tmp_path / "walk.bag", "ros1", {"/imu": (times, values)})
    signal = read_signals((tmp_path / "walk.bag",)).signals[0]
    assert len(signal) == 5
    assert any(note.startswith("1 messages") for note in signal.notes)


@pytest.mark.parametrize("count", [0, 1])
def test_a_bag_without_a_signal_is_refused(count: int, tmp_path: Path) -> None:
    write_bag(tmp_path / "bare.bag", "ros1", {"/imu": stream(count, 0)})
    with pytest.raises(InvalidSignal, match="two or more sensor_msgs/msg/Imu"):
        read_signals((tmp_path / "bare.bag",))


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_bag_is_refused(kind: str, tmp_path: Path) -> None:
    place = tmp_path / ("walk.bag" if kind == "ros1" else "walk")
    write_bag(place, kind, {"/imu": stream(400, 0)})
    path = single_files(place)[-1]
    half = tmp_path / f"half{path.suffix}"
    shutil.copy(path, half)
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    with pytest.raises((InvalidSource, InvalidSignal), match="half"):
        read_signals((half,))
