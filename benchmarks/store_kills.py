"""Kills writers of the store with −9 in a storm of edits and looks what is left of their work.

`python -m lidar_label.benchmarks.store_kills --kills 1000`. A writer says of each edit that it was
acknowledged, after the store returned. Every edit moves two tracks to one place, so that half an
edit would show as two places.
"""

import argparse
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from lidar_label.benchmarks.rows import Row
from lidar_label.store import EditRequest, Store

_BOX = {"x": 0.0, "y": 0.0, "z": 0.8, "length": 4.5, "width": 1.9, "height": 1.6, "yaw": 0.0}
_LONGEST_LIFE_S = 0.04
_FRAMES = 10


@dataclass(frozen=True)
class Storm:
    """What was found after all kills.

    Attributes:
        kills: How many writers died.
        acknowledged: Edits of which a writer heard that they were made.
        lost: Of those, how many are not in the log.
        halves: Times at which the two tracks stood apart.
        wrong: Rows of the labels that the log does not add up to, and what SQLite finds damaged.
        seconds: That it took.
    """

    kills: int
    acknowledged: int
    lost: int
    halves: int
    wrong: int
    seconds: float


def run(data: Path | None) -> list[Row]:
    """1,000 kills; `data` is not used."""
    del data
    with tempfile.TemporaryDirectory() as folder:
        storm = storm_of(Path(folder) / "labels.db", 1000, seed=0)
    note = f"{storm.acknowledged} edits acknowledged; {storm.wrong} rows wrong"
    return [
        Row("kill -9: acknowledged edits lost", storm.lost, "", None, "edits", None, note),
        Row("kill -9: half edits", storm.halves, "", None, "edits", None, note),
        Row("kill -9: kills", storm.kills, "", None, "kills", None, note),
    ]


def storm_of(path: Path, kills: int, seed: int) -> Storm:
    """Start and kill so many writers, one after another, on a new store at `path`."""
    dice, began = random.Random(seed), time.monotonic()
    with Store.open(path) as store:
        project = store.create_project("storm", "boss")
        times = np.arange(_FRAMES, dtype=np.int64)
        recording = store.add_recording(project.id, "r", "r.h5", "boss", time_ns=times).id
        for k in range(2):
            box = {"category": "car", "box": _BOX}
            store.apply(
                recording, "boss", [EditRequest("create_track", f"{k}", frame=0, payload=box)]
            )
    acknowledged = lost = halves = 0
    for kill in range(kills):
        # No connection of ours may be open here: a child would share its file descriptors.
        heard = _one_life(path, recording, kill, dice.uniform(0, _LONGEST_LIFE_S))
        acknowledged += len(heard)
        with sqlite3.connect(path) as connection:
            there = {row[0] for row in connection.execute("SELECT client_id FROM edit")}
            places = {row[0] for row in connection.execute("SELECT x FROM cuboid")}
        connection.close()
        lost += len(set(heard) - there)
        halves += len(places) != 1
    with Store.open(path) as store, store.database.read() as connection:
        checked = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        wrong = len(store.verify(recording)) + (checked != ["ok"])
    return Storm(kills, acknowledged, lost, halves, wrong, time.monotonic() - began)


def _one_life(path: Path, recording: int, number: int, life_s: float) -> list[str]:
    """Client ids of the edits that a writer heard of as made before it was killed."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _write_until_killed(path, recording, number, theirs)
    os.close(theirs)
    first = os.read(ours, 1)  # it has made an edit, or is about to
    time.sleep(life_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(ours, "rb") as said:
        # A line that was cut off by the kill was not heard.
        lines = (first + said.read()).split(b"\n")[:-1]
    return [line.decode() for line in lines if line]


def _write_until_killed(path: Path, recording: int, number: int, say: int) -> NoReturn:
    try:
        store = Store.open(path)
        if number % 5 == 0:
            os.write(say, b"\n")  # die before or in the first edit, which takes longest
        for k in range(1_000_000):
            name = f"{number}-{k}"
            box = {"box": {"x": float(number * 1000 + k)}}
            store.apply(
                recording,
                f"writer-{number}",
                [
                    EditRequest("set_cuboid", name, track_id=1, frame=0, payload=box),
                    EditRequest("set_cuboid", f"{name}b", track_id=2, frame=0, payload=box),
                ],
            )
            os.write(say, name.encode() + b"\n")
    except BaseException as error:
        os.write(2, f"writer {number}: {error}\n".encode())
    finally:
        os._exit(1)


def main() -> None:
    """Print what a storm of the wanted length left."""
    parser = argparse.ArgumentParser(description="kill writers of the store and count what is lost")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        storm = storm_of(Path(folder) / "labels.db", arguments.kills, arguments.seed)
    print(storm)  # noqa: T201
    sys.exit(1 if storm.lost or storm.halves or storm.wrong else 0)


if __name__ == "__main__":
    main()
