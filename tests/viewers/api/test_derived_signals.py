"""Magnitudes, tilt and frequencies of a sensor that was turned and shaken as we know."""

import json
from pathlib import Path

import numpy as np
import pytest

from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.viewers.api.derived_channels import derived_channels
from lidar_label.viewers.api.signal_pyramid import signal_pyramid
from lidar_label.viewers.api.spectrogram import spectrogram

S = 1_000_000_000
RATE = 100
PITCH, ROLL = 20.0, -35.0  # degrees
AXES = ("accel_x", "accel_y", "accel_z")


def turned() -> np.ndarray:
    """Gravity in a sensor that is pitched and rolled: m/s²."""
    pitch, roll = np.radians([PITCH, ROLL])
    z = np.cos(pitch)
    return 9.8 * np.array([np.sin(pitch), z * np.sin(roll), z * np.cos(roll)])


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory):
    """60 s, shaken along x at 5 Hz, from 30 s on at 12 Hz; nothing from 40 to 45 s."""
    time = np.arange(0, 60, 1 / RATE)
    values = np.tile(turned(), (len(time), 1))
    values[:, 0] += np.sin(2 * np.pi * np.where(time < 30, 5, 12) * time)
    kept = (time < 40) | (time >= 45)
    path = tmp_path_factory.mktemp("shaken") / "shaken.h5"
    with RecordingWriter(path, source="made up") as writer:
        writer.add_imu("imu", np.eye(4), AXES, ("m/s²",) * 3)
        writer.append_imu("imu", np.rint(time[kept] * S).astype(np.int64), values[kept])
    return path


def test_tilt_is_the_sensors() -> None:
    values = np.tile(turned(), (500, 1))
    values[:, 2] += np.sin(np.arange(500))
    made, names, units = derived_channels(np.arange(500) * 10_000_000, values, AXES, ("m/s²",) * 3)
    assert names == ("|accel|", "tilt pitch", "tilt roll")
    assert units == ("m/s²", "°", "°")
    np.testing.assert_allclose(made[:, 0], np.linalg.norm(values, axis=1))
    inner = slice(100, 400)  # at the ends the filter knows one side only
    np.testing.assert_allclose(made[inner, 1], PITCH, atol=0.2)
    np.testing.assert_allclose(made[inner, 2], ROLL, atol=0.2)


def test_without_a_vector_nothing_is_derived() -> None:
    made, names, _ = derived_channels(np.arange(4), np.zeros((4, 2)), ("a", "b"), ("", ""))
    assert (made.shape, names) == ((4, 0), ())


def test_frequencies_are_where_it_was_shaken_and_gaps_are_empty(shaken: Path, tmp_path) -> None:
    with Recording(shaken) as recording:
        pyramid = signal_pyramid(recording, "imu", tmp_path)
        content = spectrogram(pyramid, "accel_x", 0, 60 * S, 120)
    size = int.from_bytes(content[4:8], "little")
    header = json.loads(content[8 : 8 + size])
    [field] = header["fields"]
    power = np.frombuffer(content, np.uint8, offset=field["offset"]).reshape(
        header["count"], field["components"]
    )
    hz = np.linspace(0, header["high_hz"], field["components"])
    assert header["high_hz"] == pytest.approx(50)
    assert hz[power[20].argmax()] == pytest.approx(5, abs=0.4)
    assert hz[power[70].argmax()] == pytest.approx(12, abs=0.4)
    assert power[20, np.abs(hz - 30) < 5].max() < power[20].max() - 60
    assert not power[84:88].any()
    assert power[[10, 50, 100]].all()
