"""Rules are chosen on the other folds only, and what is held out is scored with them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lidar_label.benchmarks import tracking_choice
from lidar_label.benchmarks.kitti_tracking import Judge, Sequence3D, read_sequences, score
from lidar_label.benchmarks.tracking_choice import Choice, agreed
from lidar_label.cuboids import Cuboids

NAMES = ("a", "b", "c", "d", "e", "f")
OPTIONS = {"doubt": (3.0, 10.0), "fill_s": (1.0, 2.0)}


class Told:
    """An evaluator to whom each sequence's figure is told in advance."""

    def __init__(self, likes: dict[str, float]) -> None:
        self.likes = likes
        self.asked: list[tuple[str, ...]] = []

    def read(self, folder: Path, kind: str, names: list[str]) -> dict[str, str]:
        return {name: (folder / f"{name}.txt").read_text() for name in names}

    def figures(self, judged: dict[str, str], names: tuple[str, ...]) -> dict[str, float]:
        self.asked.append(names)
        total = sum(10.0 for name in names if float(judged[name].split()[0]) == self.likes[name])
        return {"HOTA": total, "MOTA": 0.0, "sAMOTA": 0.0}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are the rules that they were made with, in words."""

    def follow(sequence: Any, config: Any, mode: str) -> Cuboids:
        group = config.groups[0]
        return cast(Cuboids, f"{group.doubt} {group.fill_s}")

    def write(tracks: Any, sequence: Any, folder: Path) -> None:
        (folder / f"{sequence.name}.txt").write_text(tracks)

    monkeypatch.setattr(tracking_choice, "follow", follow)
    monkeypatch.setattr(tracking_choice, "write_results", write)


@pytest.mark.usefixtures("written")
def test_each_fold_is_held_out_of_its_own_choice(tmp_path: Path) -> None:
    # Folds are a d, b e, c f. Only a and d like a doubt of 3, so all but they themselves, whose
    # choice the four others make, get what suits the majority of the rest.
    told = Told({"a": 3.0, "d": 3.0, "b": 10.0, "e": 10.0, "c": 10.0, "f": 10.0})
    sequences = [cast(Sequence3D, SimpleNamespace(name=name)) for name in NAMES]
    picks = Choice(sequences, cast(Judge, told), "offline").held_out(OPTIONS, "Car", tmp_path)
    assert [dict(pick)["doubt"] for pick in picks] == [10.0, 3.0, 3.0]
    assert [dict(pick)["fill_s"] for pick in picks] == [1.0, 1.0, 1.0]
    used = {name: (tmp_path / f"{name}.txt").read_text() for name in NAMES}
    assert used == {name: "10.0 1.0" if name in ("a", "d") else "3.0 1.0" for name in NAMES}
    folds = [{"a", "d"}, {"b", "e"}, {"c", "f"}]
    assert all(any(not fold & set(names) for fold in folds) for names in told.asked)
    assert agreed(picks) == "doubt 10/3/3, fill_s 1"


def test_the_judge_says_what_the_evaluator_says(shared: Path, tmp_path: Path) -> None:
    sequence = next(s for s in read_sequences(shared) if s.name == "0003")
    tracking_choice.write_results(
        tracking_choice.follow(sequence, tracking_choice.with_rules(()), "online"),
        sequence,
        tmp_path,
    )
    judge = Judge(shared)
    mine = judge.figures(judge.read(tmp_path, "Car", ["0003"]), ["0003"])
    theirs = score(shared, tmp_path, "Car", ["0003"])
    assert mine["HOTA"] > 30
    assert mine == {key: pytest.approx(theirs[key], abs=1e-3) for key in mine}
