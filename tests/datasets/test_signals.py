"""Signals from files: what is recognised, what is noted, what is refused."""

import wave
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from lidar_label.datasets.recording_writer import RecordingWriter
from lidar_label.datasets.signal_files import SignalOptions, read_signal
from lidar_label.datasets.signal_presets import read_signals
from lidar_label.datasets.signals import NS_PER_S, STANDARD_GRAVITY, Signal, on_even_clock
from lidar_label.errors import InvalidSignal


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


TABLES = {
    "android": (
        "timestamp_ns,AccX,AccY,AccZ\n5,0,0,9.8\n20000005,0,0,9.8\n40000005,0,0,9.8\n",
        50.0,
    ),
    "seconds": ("time;gyro.x;gyro.y;gyro.z\n0.0;0;0;1\n0.01;0;0;1\n0.02;0;0;1\n", 100.0),
    "milliseconds": (
        "t,Acceleration X (g),Acceleration Y (g),Acceleration Z (g)\n0,0,0,1\n20,0,0,1\n40,0,0,1\n",
        50.0,
    ),
    "dates": (
        "when time,ax,ay\n2024-05-01T10:00:00.000000001Z,1,2\n2024-05-01T10:00:00.5Z,1,2\n",
        2.0,
    ),
    "headed rate": (
        "Acquisition frequency: 100 Hz\n"
        "PacketCounter\tAcc_X\tAcc_Y\tAcc_Z\n1\t0\t0\t9.8\n2\t0\t0\t9.8\n",
        100.0,
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_time_and_rate_are_recognised(name: str, tmp_path: Path) -> None:
    text, rate = TABLES[name]
    signal = read_signal(write(tmp_path / "a.csv", text))
    assert signal.rate_hz == pytest.approx(rate, rel=1e-6)
    assert signal.notes


def test_nanoseconds_stay_exact(tmp_path: Path) -> None:
    start = 1_700_000_000_123_456_789
    signal = read_signal(write(tmp_path / "a.csv", f"time_ns,v\n{start},1\n{start + 7},2\n"))
    assert signal.time_ns.tolist() == [start, start + 7]
    dated = read_signal(write(tmp_path / "b.csv", "time,v\n2024-05-01T10:00:00.123456789Z,1\n"))
    assert dated.time_ns[0] % NS_PER_S == 123_456_789


def test_sensors_and_units_are_recognised(tmp_path: Path) -> None:
    signal = read_signal(write(tmp_path / "a.csv", TABLES["milliseconds"][0]))
    assert signal.channels == ("acc_x", "acc_y", "acc_z")
    assert signal.values[0, 2] == pytest.approx(STANDARD_GRAVITY)
    assert any("read as g" in note for note in signal.notes)


def test_what_a_person_says_wins(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "clock,AccX,AccY,AccZ\n0,0,0,1\n1,0,0,1\n2,0,0,1\n")
    units = {f"acc_{axis}": "m/s²" for axis in "xyz"}
    signal = read_signal(file, SignalOptions(time_column="clock", time_unit="ms", units=units))
    assert signal.rate_hz == pytest.approx(1000)
    assert signal.values[0, 2] == 1.0
    picked = read_signal(file, SignalOptions(rate_hz=10, channels=("AccZ",)))
    assert picked.channels == ("acc_z",)
    assert picked.rate_hz == pytest.approx(10)


def test_disorder_and_repeats_are_mended_and_noted(tmp_path: Path) -> None:
    signal = read_signal(write(tmp_path / "a.csv", "time_ns,v\n30,3\n10,1\n10,9\n20,2\n"))
    assert signal.time_ns.tolist() == [10, 20, 30]
    assert signal.values[:, 0].tolist() == [1, 2, 3]
    assert len(signal.notes) == 3


def test_parquet_and_wav(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time_ns": [0, 10_000_000], "gyro_x": [0.0, 1.0]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert read_signal(tmp_path / "a.parquet").rate_hz == pytest.approx(100)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.array([[0, 32767], [1, -32767]], dtype="<i2").tobytes())
    sound = read_signal(tmp_path / "a.wav")
    assert sound.channels == ("audio_0", "audio_1")
    assert sound.rate_hz == pytest.approx(8000)
    assert sound.values[:, 1].tolist() == [1.0, -1.0]


BAD = {
    "absent": (None, "no such file"),
    "empty": ("", "empty"),
    "header only": ("time,v\n", "no rows"),
    "no numbers": ("time,name\n0,a\n1,b\n", "no numeric channel"),
    "no time": ("AccX,AccY\n1,2\n3,4\n", "--rate"),
    "binary": ("\0\1\2\n\0", "binary"),
    "time without values": ("time,v\n,1\n,2\n", "without a time"),
    "ragged": ("time,v\n0,1\n1,2,3,4\n", "cannot be read as a table"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_one_clear_line(name: str, tmp_path: Path) -> None:
    text, remedy = BAD[name]
    path = tmp_path / "a.csv"
    if text is not None:
        write(path, text)
    with pytest.raises(InvalidSignal) as raised:
        read_signal(path)
    message = str(raised.value)
    assert str(path) in message
    assert remedy in message
    assert "\n" not in message


def test_an_unknown_column_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", TABLES["android"][0])
    with pytest.raises(InvalidSignal, match="tick"):
        read_signal(file, SignalOptions(time_column="tick"))


def stream(rate: float, channel: str, start_s: float = 0.0, count: int = 200) -> Signal:
    time_ns = np.rint((start_s + np.arange(count) / rate) * NS_PER_S).astype(np.int64)
    values = (time_ns / NS_PER_S)[:, None]
    return Signal(time_ns, values, (channel,), ("",), channel)


def test_streams_of_two_rates_meet_on_one_clock() -> None:
    even = on_even_clock((stream(100, "a"), stream(37, "b", 0.5)))
    assert even.rate_hz == pytest.approx(37, rel=1e-3)
    assert even.start_ns == NS_PER_S // 2
    clock = even.time_ns(np.arange(len(even.values))) / NS_PER_S
    assert np.allclose(even.values[:, 0], clock, atol=1e-5)
    assert np.allclose(even.values[:, 1], clock, atol=1e-5)
    assert even.valid.all()
    assert np.allclose(even.sample(even.time_ns(np.array([3.0]))), 3.0, atol=1e-6)


def test_gaps_stay_gaps() -> None:
    whole = stream(100, "a")
    kept = (np.arange(200) < 50) | (np.arange(200) >= 120)
    torn = Signal(whole.time_ns[kept], whole.values[kept], whole.channels, whole.units)
    assert torn.gaps.tolist() == [[490_000_000, 1_200_000_000]]
    assert (~on_even_clock((torn,)).valid).sum() == 70


def test_missing_values_are_a_gap() -> None:
    whole = stream(100, "a")
    values = whole.values.copy()
    values[30:90] = np.nan
    even = on_even_clock((Signal(whole.time_ns, values, whole.channels, whole.units),))
    assert np.isfinite(even.values).all()
    assert (~even.valid).sum() == 60


def test_streams_must_overlap() -> None:
    with pytest.raises(InvalidSignal, match="overlap"):
        on_even_clock((stream(100, "a"), stream(100, "b", 50.0)))


def test_time_must_rise() -> None:
    with pytest.raises(InvalidSignal, match="sample 1"):
        Signal(np.array([5, 5]), np.zeros((2, 1)), ("a",), ("",))


@pytest.mark.parametrize(
    ("place", "layout", "windows"),
    [
        ("hapt/RawData/acc_exp01_user01.txt", "hapt", 22),
        ("driver_behavior/17", "driving", 14),
        ("ipol_gait/GaitData/1-1_lb.txt", "gait", 5),
    ],
)
def test_real_layouts_are_recognised(shared: Path, place: str, layout: str, windows: int) -> None:
    recording = read_signals((shared / "imu" / place,))
    assert recording.layout == layout
    assert recording.windows is not None
    assert len(recording.windows) == windows
    even = on_even_clock(recording.signals)
    gravity = np.linalg.norm(even.values[:, :3], axis=1)
    assert np.median(gravity) == pytest.approx(9.8, abs=0.5)
    assert even.channels[:6] == ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
    assert recording.windows.end_ns.max() <= even.time_ns(float(len(even.values))) + NS_PER_S


def test_every_hdf5_file_with_columns_is_a_signal(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["time_ns"] = np.arange(5) * 10_000_000
        file["watch/acc"] = np.full((5, 3), (0.0, 0.0, 1.0))
        file["watch/heart"] = np.arange(5.0)
        file["serial"] = np.arange(2)
    signal = read_signal(tmp_path / "a.h5")
    assert signal.rate_hz == pytest.approx(100)
    assert signal.channels == ("acc_x", "acc_y", "acc_z", "watch/heart")
    assert signal.values[0, 2] == pytest.approx(STANDARD_GRAVITY)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.attrs["rate_hz"] = 25.0
        file["v"] = np.arange(5)
    assert read_signal(tmp_path / "b.h5").rate_hz == pytest.approx(25)
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["name"] = "nothing to see"
    with pytest.raises(InvalidSignal, match="no numeric dataset"):
        read_signal(tmp_path / "c.h5")


def test_all_units_of_a_recording_are_streams(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "r.h5", source="made up") as writer:
        for name, rate in (("front", 100), ("rear", 40)):
            names = ("acceleration_x", "acceleration_y", "acceleration_z")
            writer.add_imu(name, np.eye(4), names, ("m/s^2",) * 3)
            time_ns = np.arange(rate) * (NS_PER_S // rate)
            writer.append_imu(name, time_ns, np.full((rate, 3), (0.0, 0.0, 9.8)))
    recording = read_signals((tmp_path / "r.h5",))
    assert recording.layout == "recording"
    assert [s.channels[2] for s in recording.signals] == ["acc_z", "rear/acc_z"]
    even = on_even_clock(recording.signals)
    assert even.rate_hz == pytest.approx(40)
    assert even.values[0, 2] == pytest.approx(9.8)
