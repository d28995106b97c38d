"""The picture of a segmentation is drawn, and its confusions are counted in seconds."""

from pathlib import Path

import numpy as np
from PIL import Image

from lidar_label.datasets.signals import NS_PER_S, EvenSignal
from lidar_label.datasets.windows import Windows
from lidar_label.viewers.signal_pictures import confusion, draw_segmentation


def windows(edges_s: list[float], names: list[str]) -> Windows:
    edges = np.array(edges_s) * NS_PER_S
    return Windows.of(edges[:-1], edges[1:], category=np.array([*names, None], dtype=object)[:-1])


TRUE = windows([0, 10, 20], ["rest", "walk"])
FOUND = windows([0, 12, 20], ["rest", "walk"])


def test_confusion_is_in_seconds() -> None:
    assert confusion(FOUND, TRUE, ["rest", "walk"]).tolist() == [[10, 0], [2, 8]]


def test_the_picture_shows_more_with_the_truth(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)
    names = ("acc_x", "acc_y", "acc_z", "depth")
    signal = EvenSignal(0, 50.0, values, np.ones(1000, dtype=bool), names)
    draw_segmentation(signal, FOUND, tmp_path / "a.png")
    draw_segmentation(signal, FOUND, tmp_path / "deep" / "b.png", TRUE)
    plain, judged = Image.open(tmp_path / "a.png"), Image.open(tmp_path / "deep" / "b.png")
    assert judged.width > plain.width
    assert len(np.unique(np.asarray(plain.convert("RGB")).reshape(-1, 3), axis=0)) > 10
