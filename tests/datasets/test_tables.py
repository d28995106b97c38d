"""Labels as CSV: bit for bit, also from other people's tables, and clear where they are damaged."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.tables import read_csv, write_csv
from lidar_label.errors import InvalidLabels

HEADER = "x,y,z,length,width,height,yaw"


@given(
    place=st.floats(allow_nan=False, allow_infinity=False),
    score=st.floats(width=32),
    reason=st.text(max_size=12).filter(lambda text: "\x00" not in text),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, place: float, score: float, reason: str
) -> None:
    path = tmp_path_factory.mktemp("csv") / "labels.csv"
    labels = Cuboids.of(
        [[place, 1 / 3, -0.0, 4, 2, 1e-300, 0.1]],
        score=score,
        reason=reason,
        track_id=2**62,
        velocity=[[np.nan, 0.1]],
    )
    write_csv(labels, path)
    assert read_csv(path).equals(labels)


def test_a_table_of_boxes_alone_will_do(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(f"{HEADER},colour\n1,2,3,4,2,1.5,0.3,red\n")
    assert read_csv(path).equals(Cuboids.of([[1, 2, 3, 4, 2, 1.5, 0.3]]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a CSV of labels"),
        ("x,y\n1,2\n", "no column z"),
        (f"{HEADER}\n1,2,3,4,2,1.5\n", "not a CSV of labels"),
        (f"{HEADER}\n1,2,3,4,2,1.5,left\n", "not a CSV of labels"),
        (f"{HEADER}\n1,2,3,4,2,1.5,\n", "box 0 is"),
        (f"{HEADER},frame\n1,2,3,4,2,1.5,0,\n", "column frame has an empty field"),
        (f"{HEADER},frame\n1,2,3,4,2,1.5,0,1.5\n", "not a CSV of labels"),
    ],
)
def test_damaged_tables_are_told(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(content)
    with pytest.raises(InvalidLabels, match=message) as error:
        read_csv(path)
    assert str(path) in str(error.value)
    with pytest.raises(InvalidLabels, match="no such file"):
        read_csv(tmp_path / "absent.csv")
