"""Every missed object is put down to the step that lost it; the picture shows no street alone."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from lidar_label.benchmarks import one_click, proposals
from lidar_label.benchmarks.labelled_sweeps import LabelledSweep
from lidar_label.benchmarks.missed_objects import misses, table
from lidar_label.benchmarks.worst_proposals import worst
from lidar_label.errors import UsageError
from lidar_label.proposals import ProposalConfig

from ..lidar_label.scanned_scene import scan, standing

CAR = standing(16, 3, 4.5, 1.8, 1.55, 0.1)
TWO_PEOPLE = [standing(-12, y, 0.6, 0.6, 1.75) for y in (-1.7, 1.7)]
BOTH_AS_ONE = standing(-12, 0, 1.0, 5.0, 1.75)
WALL = standing(5, 20, 40, 0.3, 2.6)
PART_OF_WALL = standing(5, 20, 4.5, 1.8, 1.6)


@pytest.fixture(scope="module")
def sweep() -> LabelledSweep:
    points = scan([CAR, *TWO_PEOPLE, WALL])
    points[:, 2] -= 1.8
    boxes = np.array([CAR, BOTH_AS_ONE, PART_OF_WALL], dtype=np.float64)
    boxes[:, 2] -= 1.8
    xyzi = np.column_stack((points[:, :3], np.zeros(len(points)))).astype(np.float32)
    names = np.array(["car", "bus", "van"], dtype=object)
    return LabelledSweep("yard", "made up", xyzi, boxes, names, lambda p: np.ones(len(p), bool))


def test_each_miss_has_the_step_that_lost_it(sweep: LabelledSweep) -> None:
    found, targets = misses(sweep, ProposalConfig())
    assert targets == 3
    sorts = {miss.category: miss.sort for miss in found}
    assert "car" not in sorts
    assert sorts["bus"] == "split"
    assert sorts["van"] == "merged"
    assert all(miss.best_iou < 0.5 and miss.best_score == 0 for miss in found)


def test_a_higher_bar_makes_what_fits_too_low(sweep: LabelledSweep) -> None:
    found, _ = misses(sweep, ProposalConfig(min_score=1.0))
    car = next(miss for miss in found if miss.category == "car")
    assert car.sort == "scored too low"
    assert 0 < car.best_score < 1
    assert car.best_iou >= 0.5


def test_the_table_counts_by_sensor_and_class(sweep: LabelledSweep) -> None:
    report = table([sweep, dataclasses.replace(sweep, sensor="another")])
    assert report["targets"] == {"all": 6, "made up": 3, "another": 3}
    assert report["merged"] == {"all": 2, "made up": 1, "another": 1, "van": 2}
    assert report["split"]["bus"] == 2


def test_the_worst_come_first_and_three_of_one_sweep_at_most(sweep: LabelledSweep) -> None:
    more = dataclasses.replace(
        sweep,
        boxes=np.concatenate((sweep.boxes, np.add(sweep.boxes[2:], [6, 0, 0, 0, 0, 0, 0]))),
        category=np.append(sweep.category, "van"),
    )
    entries = worst([more, more], 20)
    assert len(entries) == 6
    assert [round(entry[0], 1) for entry in entries] == sorted(round(e[0], 1) for e in entries)
    assert all(entry[1].category[entry[2]] != "car" for entry in entries)


@pytest.mark.parametrize("benchmark", [proposals, one_click])
def test_without_labelled_sweeps_they_say_what_is_missing(benchmark, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no labelled sweep"):
        benchmark.run(tmp_path)
    with pytest.raises(UsageError, match="no labelled sweep"):
        benchmark.run(None)
