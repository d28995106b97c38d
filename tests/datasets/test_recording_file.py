"""The file of a recording: the same bytes and hash each time, whole or absent, damage named."""

import time
from collections.abc import Callable
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.datasets.recording_layout import Codec
from lidar_label.errors import InvalidRecording, InvalidSource, UsageError

EYE = np.eye(4)


def write(
    path: Path,
    *,
    source: str = "test",
    codec: Codec | None = None,
    interleaved: bool = True,
    change: str = "",
    overwrite: bool = False,
) -> None:
    rng = np.random.default_rng(0)
    sweeps = [rng.normal(size=(40, 3)).astype(np.float32) for _ in range(6)]
    with RecordingWriter(path, source=source, codec=codec, overwrite=overwrite) as writer:
        place = EYE.copy()
        place[0, 3] = 1e-9 if change == "rig" else 0.0
        writer.add_lidar("a", place)
        writer.add_lidar("b", EYE, "model" if change == "model" else "")
        writer.add_imu("imu", EYE, ("x",), ("m",))
        writer.set_origin([0, 0, 1 if change == "origin" else 0])
        if change == "point":
            sweeps[5][39, 2] = np.nextafter(sweeps[5][39, 2], np.float32(np.inf))
        first = [("a", i) for i in range(3)] + [("b", i) for i in range(3, 6)]
        for name, i in sorted(first, key=lambda s: s[1] % 3) if interleaved else first:
            writer.append_sweep(name, 10 * i + (change == "time"), sweeps[i])
        if change != "cut":
            writer.append_imu("imu", np.array([0, 1]), np.array([[1.0], [2.0]]))
            writer.append_imu("imu", np.array([2]), np.array([[3.0]]))
        else:
            writer.append_imu("imu", np.array([0, 1, 2]), np.array([[1.0], [2.0], [3.0]]))


def content_hash(path: Path, **options: object) -> str:
    write(path, **options)  # type: ignore[arg-type]
    with Recording(path) as recording:
        recording.verify()
        return recording.content_hash


def test_the_same_calls_give_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a.h5")
    time.sleep(1.1)  # HDF5 stamps in seconds, where it stamps
    write(tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_the_hash_is_of_the_content_alone(tmp_path: Path) -> None:
    expected = content_hash(tmp_path / "0.h5")
    assert len(expected) == 40
    same = {
        "gzip": {"codec": Codec({"compression": "gzip"})},
        "zstd": {"codec": Codec(hdf5plugin.Zstd(), chunk_rows=11)},
        "order": {"interleaved": False},
        "pieces": {"change": "cut"},
        "source": {"source": "another name for it"},
    }
    for name, options in same.items():
        assert content_hash(tmp_path / f"{name}.h5", **options) == expected, name
    others = {
        change: content_hash(tmp_path / f"{change}.h5", change=change)
        for change in ("point", "time", "rig", "model", "origin")
    }
    assert len({expected, *others.values()}) == 6, others


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(how: type[BaseException]) -> None:
        with RecordingWriter(tmp_path / "a.h5", source="test") as writer:
            writer.add_lidar("top", EYE)
            writer.append_sweep("top", 0, np.ones((3, 3)))
            assert [p.name for p in tmp_path.iterdir()] == ["a.h5.partial"]
            raise how

    for how in (KeyboardInterrupt, ZeroDivisionError):
        with pytest.raises(how):
            fail(how)
        assert list(tmp_path.iterdir()) == []


def test_the_old_recording_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write(path)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"a\.h5: exists"):
        RecordingWriter(path, source="test")
    with RecordingWriter(path, source="test", overwrite=True) as writer:
        writer.add_lidar("top", EYE)
        assert path.read_bytes() == before
    write(path, overwrite=True, change="point")
    assert path.read_bytes() != before
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_a_name_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with pytest.raises(UsageError, match="exists"), RecordingWriter(path, source="test"):
        path.write_text("someone else's")
    assert path.read_text() == "someone else's"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        RecordingWriter(tmp_path / "file" / "a.h5", source="test")


@pytest.mark.parametrize(
    ("append", "words"),
    [
        (lambda w: w.append_sweep("top", 0, np.ones((3, 4))), "(3, 4)"),
        (lambda w: w.append_sweep("top", 6, np.ones((3, 3)), intensity=np.ones(2)), "2 values"),
        (
            lambda w: w.append_sweep("top", 0, np.full((3, 3), np.nan), intensity=np.ones(2)),
            "differ in length",
        ),
        (lambda w: w.append_sweep("top", 4, np.ones((3, 3))), "before 5"),
        (
            lambda w: w.append_sweep("top", 6, np.ones((3, 3)), intensity=np.ones(3)),
            "intensity is new",
        ),
        (
            lambda w: w.append_sweep("top", 6, np.ones((1, 3)), ring=np.array([70000])),
            "70000 to 70000",
        ),
        (
            lambda w: w.append_sweep("top", 6, np.ones((1, 3)), point_time_ns=np.array([0.5])),
            "give integers",
        ),
        (lambda w: w.append_image("top", 6, b""), "top is a lidar"),
        (lambda w: w.append_sweep("rear", 6, np.ones((1, 3))), "no sensor rear"),
        (lambda w: w.append_imu("imu", np.array([0, 1]), np.ones((2, 2))), "(T, 1)"),
        (lambda w: w.append_imu("imu", np.array([1, 0]), np.ones((2, 1))), "go back"),
        (lambda w: w.append_imu("imu", np.array([0.5]), np.ones((1, 1))), "nanoseconds"),
        (lambda w: w.append_ego(np.array([0]), np.zeros((1, 7))), "unit quaternion"),
        (lambda w: w.set_origin([0, np.nan, 0]), "origin"),
        (lambda w: w.add_radar("top", EYE), "two sensors"),
    ],
)
def test_what_the_writer_refuses(
    tmp_path: Path, append: Callable[[RecordingWriter], None], words: str
) -> None:
    with RecordingWriter(tmp_path / "a.h5", source="test") as writer:
        writer.add_lidar("top", EYE)
        writer.add_imu("imu", EYE, ("x",), ("m",))
        writer.append_sweep("top", 5, np.ones((2, 3)))
        with pytest.raises(InvalidSource) as raised:
            append(writer)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def refused(path: Path) -> str:
    """The one line with which the file is refused when it is opened and read through."""
    with pytest.raises(InvalidRecording) as raised, Recording(path) as recording:
        recording.verify()
    text = str(raised.value)
    assert path.name in text
    assert "\n" not in text
    return text


def test_files_that_are_no_recordings(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_text("x y z\n")
    assert "not an HDF5 file" in refused(tmp_path / "text.h5")
    (tmp_path / "empty.h5").write_bytes(b"")
    assert "not an HDF5 file" in refused(tmp_path / "empty.h5")
    (tmp_path / "folder.h5").mkdir()
    assert "a folder" in refused(tmp_path / "folder.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    assert "not a recording" in refused(tmp_path / "other.h5")


def test_a_later_version_is_refused_with_the_remedy(tmp_path: Path) -> None:
    write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file.attrs["format_version"] = 99
    assert "version 99" in refused(tmp_path / "a.h5")
    assert "update lidar-label" in refused(tmp_path / "a.h5")


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.__delitem__("lidar/a/xyz"),
        lambda file: file.__delitem__("lidar/a/time_ns"),
        lambda file: file.__delitem__("imu/imu/values"),
        lambda file: file["lidar/a/xyz"].resize(3, axis=0),
        lambda file: file["lidar/a/offset"].__setitem__(1, 10**9),
        lambda file: file["lidar/a/offset"].__setitem__(1, -1),
        lambda file: file["lidar/a/time_ns"].__setitem__(0, 10**9),
        lambda file: file["rig/a"].attrs.__setitem__("kind", "sonar"),
        lambda file: file["rig/a"].attrs.__setitem__("ego_from_sensor", np.zeros((4, 4))),
        lambda file: file["rig/a"].attrs.__delitem__("order"),
        lambda file: file.attrs.__delitem__("content_hash"),
        lambda file: file.attrs.__setitem__("format_version", "one"),
        lambda file: file["lidar/a/xyz"].__setitem__((0, 0), 5.0),  # only the hash can tell
        lambda file: file["rig/b"].attrs.__setitem__("model", "other"),
    ],
)
def test_changed_recordings_are_refused(
    tmp_path: Path, damage: Callable[[h5py.File], None]
) -> None:
    write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        damage(file)
    refused(tmp_path / "a.h5")


def test_cut_anywhere_it_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.h5")
    whole = (tmp_path / "a.h5").read_bytes()
    for size in np.linspace(1, len(whole) - 1, 25).astype(int):
        (tmp_path / "cut.h5").write_bytes(whole[:size])
        refused(tmp_path / "cut.h5")


def test_a_flipped_bit_is_found_or_was_in_no_use(tmp_path: Path) -> None:
    write(tmp_path / "a.h5")
    whole = bytearray((tmp_path / "a.h5").read_bytes())
    refusals: list[str] = []
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 100):
        flipped = whole.copy()
        flipped[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "flipped.h5").write_bytes(flipped)
        try:
            with Recording(tmp_path / "flipped.h5") as recording:
                recording.verify()
                for name in recording.lidars:
                    for i in range(recording.sweep_count(name)):
                        recording.sweep(name, i)
        except InvalidRecording as error:
            refusals.append(str(error))
    assert len(refusals) > 50
    assert all("flipped.h5" in line and "\n" not in line for line in refusals)
