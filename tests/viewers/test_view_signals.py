"""`lidar-label view` of signal files: what is said of columns and units, and tags beside them."""

import argparse
import os
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI

from lidar_label.datasets.recording import Recording
from lidar_label.errors import UsageError
from lidar_label.viewers.api.application import create_app
from lidar_label.viewers.signal_arguments import add_signal_arguments, signal_options
from lidar_label.viewers.view_command import open_paths


def said(*words: str):
    parser = argparse.ArgumentParser()
    add_signal_arguments(parser)
    return signal_options(parser.parse_args(words))


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return create_app(tmp_path / "l.db", [tmp_path], folder=tmp_path / "server", user="ann")


def samples(app: FastAPI, number: int):
    info = app.state.services.store.recording(number)
    with Recording(info.uri) as recording:
        return recording.imu(recording.imus[0])


def write(path: Path, rows: int = 200) -> Path:
    lines = [f"{0.02 * i:.2f},{i % 7 / 7:.3f},{1 - i % 5 / 50:.3f},0,9" for i in range(rows)]
    path.write_text("\n".join(["t,acc_x,acc_y,acc_z,battery", *lines]) + "\n")
    return path


def test_a_table_is_read_as_it_is_said(app: FastAPI, tmp_path: Path) -> None:
    path = write(tmp_path / "phone.csv")
    options = said("--channels", "acc_x,acc_y,acc_z", "--unit", "acc_x=g", "--rate", "100", "--time-column", "")  # fmt: skip # noqa: E501
    page = open_paths(app, [path], tmp_path / "recordings", options)
    assert page == "/p/1/r/1/signals"
    read = samples(app, 1)
    assert read.channels == ("acc_x", "acc_y", "acc_z")
    assert np.allclose(np.diff(read.time_ns), 10_000_000)


def test_a_changed_file_and_other_words_make_other_recordings(app: FastAPI, tmp_path: Path) -> None:
    path, folder = write(tmp_path / "phone.csv"), tmp_path / "recordings"
    assert open_paths(app, [path], folder) == open_paths(app, [path], folder)
    channel = said("--channels", "acc_x")
    assert open_paths(app, [path], folder, channel) == "/p/1/r/2/signals"
    write(path, rows=300)
    os.utime(path, ns=(1, 1))
    assert open_paths(app, [path], folder) == "/p/1/r/3/signals"
    assert [len(samples(app, i).time_ns) for i in (1, 2, 3)] == [200, 200, 300]


def test_tags_after_a_signal_are_its_windows(app: FastAPI, tmp_path: Path) -> None:
    path = write(tmp_path / "phone.csv")
    tags = tmp_path / "tags.csv"
    tags.write_text("start_s,end_s,category\n0.5,1.5,walk\n2,3,sitting\n")
    open_paths(app, [path, tags], tmp_path / "recordings")
    windows = app.state.services.store.labels(1).windows
    origin = int(samples(app, 1).time_ns[0])
    assert [(w.start_ns - origin, w.category, w.state) for w in windows] == [
        (500_000_000, "walking", "accepted"),
        (2_000_000_000, "sitting", "accepted"),
    ]


def test_nothing_said_is_nothing_to_obey() -> None:
    assert said() is None
    with pytest.raises(UsageError, match="CHANNEL=UNIT"):
        said("--unit", "acc_x")
