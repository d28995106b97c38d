"""Label columns: round trips, defaults and what they refuse."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lidar_label.datasets.cuboids import Cuboids, load_cuboids, read_provenance, save_cuboids
from lidar_label.errors import InvalidBoxes, InvalidLabels

finite = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def cuboids(draw: st.DrawFn) -> Cuboids:
    n = draw(st.integers(0, 5))
    boxes = draw(hnp.arrays(np.float64, (n, 7), elements=finite))
    boxes[:, 3:6] = np.abs(boxes[:, 3:6])
    texts = st.lists(st.text(max_size=8), min_size=n, max_size=n)
    return Cuboids.of(
        boxes,
        frame=np.arange(n),
        time_ns=draw(hnp.arrays(np.int64, n)),
        track_id=draw(hnp.arrays(np.int64, n)),
        category=np.array([*draw(texts), None], dtype=object)[:-1],
        source_id=np.array([*draw(texts), None], dtype=object)[:-1],
        score=draw(hnp.arrays(np.float32, n)),
        velocity=draw(hnp.arrays(np.float32, (n, 2))),
        pitch=draw(hnp.arrays(np.float64, n)),
    )


@given(cuboids())
def test_arrow_round_trip_is_bit_for_bit(labels: Cuboids) -> None:
    assert Cuboids.from_arrow(labels.to_arrow()).equals(labels)


def test_parquet_round_trip_keeps_provenance(tmp_path: Path) -> None:
    labels = Cuboids.of([[1, 2, 3, 4, 2, 1.5, 0.25]], category="car", track_id=7, reason="größer")
    path = tmp_path / "deep" / "labels.parquet"
    save_cuboids(labels, path, {"config": {"eps": 0.5}})
    assert load_cuboids(path).equals(labels)
    assert read_provenance(path) == {"config": {"eps": 0.5}}
    assert [p.name for p in path.parent.iterdir()] == ["labels.parquet"]


@given(st.floats(-100, 100))
def test_yaw_is_wrapped(yaw: float) -> None:
    wrapped = Cuboids.of([[0, 0, 0, 4, 2, 1, yaw]]).boxes[0, 6]
    assert -np.pi < wrapped <= np.pi
    assert np.isclose(np.cos(wrapped - yaw), 1, atol=1e-12)


def test_defaults_say_unknown() -> None:
    labels = Cuboids.of(np.ones((2, 7)))
    assert labels.track_id.tolist() == [-1, -1]
    assert np.isnan(labels.score).all()
    assert np.isnan(labels.velocity).all()
    assert labels.category.tolist() == ["", ""]


def test_select_replace_concatenate() -> None:
    labels = Cuboids.of(np.ones((3, 7)), frame=np.arange(3))
    picked = labels.select(labels.frame > 0).replace(category="van")
    assert picked.frame.tolist() == [1, 2]
    both = Cuboids.concatenate([labels, Cuboids.empty(), picked])
    assert both.category.tolist() == ["", "", "", "van", "van"]
    assert not both.equals(labels)


@pytest.mark.parametrize(
    ("make", "error", "word"),
    [
        (lambda: Cuboids.of(np.ones((2, 6))), InvalidBoxes, "(2, 6)"),
        (lambda: Cuboids.of([[0, 0, 0, -1, 1, 1, 0]]), InvalidBoxes, "negative"),
        (lambda: Cuboids.of(np.ones((2, 7)), frame=[1, 2, 3]), InvalidLabels, "frame"),
        (lambda: Cuboids.of(np.ones((2, 7)), colour="red"), InvalidLabels, "colour"),
        (lambda: Cuboids.from_arrow(pa.table({"x": [1.0]})), InvalidLabels, "no column y"),
    ],
)
def test_refusals_name_what_is_wrong(make: object, error: type[Exception], word: str) -> None:
    with pytest.raises(error) as raised:
        make()  # type: ignore[operator]
    assert word in str(raised.value)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InvalidLabels, match=r"bad\.parquet"):
        load_cuboids(path)
    pq.write_table(
        pa.table({name: ["a"] for name in ["x", "y", "z", "length", "width", "height", "yaw"]}),
        path,
    )
    with pytest.raises(InvalidLabels, match=r"bad\.parquet"):
        load_cuboids(path)
