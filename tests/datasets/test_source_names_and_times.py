"""What names of files tell: times since 1970, numbers of frames, names for exports."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lidar_label.datasets.file_times import times_from_names
from lidar_label.datasets.frame_names import describe_source, frame_names, numbered_names
from lidar_label.datasets.intake import Tally, in_time_order
from lidar_label.datasets.recording import Recording, RecordingWriter


@pytest.mark.parametrize(
    ("names", "times"),
    [
        (["315966265259836000", "315966265360032000"], [315966265259836000, 315966265360032000]),
        (["1693922789000000000.pcd.bin"], [1693922789000000000]),
        (["1693922789123456"], [1693922789123456000]),
        (["1693922789123"], [1693922789123000000]),
        (["1693922789.5", "1693922789_25"], [1693922789500000000, 1693922789250000000]),
    ],
)
def test_times_since_1970(names: list[str], times: list[int]) -> None:
    tally = Tally()
    files = [Path(name if name.endswith(".bin") else name + ".pcd") for name in names]
    assert times_from_names(files, tally) == times
    assert tally.warnings() == []


@pytest.mark.parametrize(
    ("names", "frames"),
    [(["000003", "000007"], [3, 7]), (["a", "b"], [0, 1]), (["1", "01"], [0, 1])],
)
def test_other_names_count_frames_at_10_hz(names: list[str], frames: list[int]) -> None:
    tally = Tally()
    times = times_from_names([Path(name + ".ply") for name in names], tally)
    assert times == [frame * 100_000_000 for frame in frames]
    assert tally.warnings() == ["no times: 10 Hz assumed"]


@given(st.lists(st.integers(-3, 3), max_size=8))
def test_time_order_is_the_sorted_distinct_times(times: list[int]) -> None:
    tally = Tally()
    order = in_time_order(times, "sweeps", tally)
    assert [times[i] for i in order] == sorted(set(times))
    assert all(i == times.index(times[i]) for i in order)
    odd = len(set(times)) < len(times) or (np.diff(times) < 0).any()
    assert bool(tally.warnings()) == odd


names = st.lists(st.integers(0, 40), unique=True, max_size=12).map(
    lambda numbers: [f"{n:06d}" for n in sorted(numbers)]
) | st.lists(st.text("ab0-", min_size=1, max_size=4), unique=True, max_size=5)


@given(names)
def test_names_of_frames_come_back(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    path = tmp_path_factory.mktemp("named") / "r.h5"
    with RecordingWriter(path, source="") as writer:
        writer.set_source(describe_source("points", "drive", names))
        writer.add_lidar("top", np.eye(4))
        for i in range(len(names)):
            writer.append_sweep("top", i, np.zeros((1, 3)))
    with Recording(path) as recording:
        assert frame_names(recording) == (names or None)


def test_source_line_is_short_and_readable() -> None:
    line = describe_source("kitti-object", "drive", [f"{n:06d}" for n in (*range(8, 500), 777)])
    assert line == "kitti-object drive; frames 000008..000499 000777"
    assert describe_source("points", "drive", ["a b"]) == "points drive"
    many = [str(10**18 + 7 * i) for i in range(5000)]
    assert describe_source("argoverse2", "log", many) == "argoverse2 log"


def test_names_that_are_no_numbers_are_not_taken_for_numbers() -> None:
    assert numbered_names(["a", "b"], 2) == ["000000", "000001"]
    assert numbered_names(["00549", "01047"], 2) == ["00549", "01047"]
    assert numbered_names(["315966265259836000"], 1) == ["000000"]
    assert numbered_names(None, 1) == ["000000"]
