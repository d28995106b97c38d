"""The store: how long an edit takes until it is safe, how many a second, how large it all is.

There is no peer that does the same; the peer column holds the goal that we set ourselves.
"""

import itertools
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lidar_label.benchmarks.postgres_server import running_server
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.cuboids import Cuboids
from lidar_label.errors import UsageError
from lidar_label.store import Conflict, EditRequest, Store

_GOAL = "goal"
_PERIOD_NS = 100_000_000
_CLIENTS, _PROCESSES, _SECONDS = 50, 2, 8.0
_EDITS_A_TRACK = 10  # a person corrects one object for a while, then goes to another
_SEED = 0


def run(data: Path | None) -> list[Row]:
    """All figures, those on PostgreSQL where its server is installed; `data` is not used."""
    del data
    with tempfile.TemporaryDirectory() as folder:
        rows = [*edits(Path(folder) / "edits.db"), *size(Path(folder) / "size.db", recordings=1000)]
    try:
        with running_server() as url:
            rows += [*crowd(url, recordings=10), *crowd(url, recordings=1)]
    except UsageError as error:
        rows.append(
            Row("edits a second, PostgreSQL", float("nan"), _GOAL, 500, "1/s", None, str(error))
        )
    return rows


def drive(frames: int, objects: int, seed: int) -> Cuboids:
    """Proposals of a drive: every object in every frame, with figures as different as real ones."""
    dice = np.random.default_rng(seed)
    n = frames * objects
    frame = np.repeat(np.arange(frames, dtype=np.int32), objects)
    track_id = np.tile(np.arange(objects), frames)
    size = dice.normal([4.4, 1.8, 1.6], [0.4, 0.1, 0.1], (objects, 3))
    boxes = np.column_stack(
        (dice.uniform(-80, 80, (n, 2)), dice.normal(0.8, 0.1, n), size[track_id],
         dice.uniform(-np.pi, np.pi, n))
    )  # fmt: skip
    points = dice.integers(5, 2000, n)
    return Cuboids.of(
        boxes,
        frame=frame,
        time_ns=frame.astype(np.int64) * _PERIOD_NS,
        track_id=track_id,
        category="car",
        score=dice.uniform(0, 1, n),
        num_points=points,
        residual=dice.uniform(0, 0.1, n),
        velocity=dice.normal(0, 5, (n, 2)),
        reason=[f"car-sized: {count} points, two faces seen" for count in points],
    )


def add_recording(store: Store, name: str, frames: int) -> int:
    """A recording with times and poses; its id."""
    found = [one.id for one in store.projects() if one.name == "project"]
    project = found[0] if found else store.create_project("project", "boss").id
    poses = np.zeros((frames, 7))
    poses[:, 0], poses[:, 3] = np.arange(frames), 1.0
    times = np.arange(frames, dtype=np.int64) * _PERIOD_NS
    return store.add_recording(
        project, name, f"{name}.h5", "boss", time_ns=times, world_from_ego=poses
    ).id


def move(track_id: int, base: int | None, frame: int, x: float) -> EditRequest:
    """A person drags a cuboid."""
    return EditRequest(
        "set_cuboid",
        str(uuid.uuid4()),
        track_id=track_id,
        base_revision=base,
        frame=frame,
        payload={"box": {"x": x}},
    )


def edits(path: Path) -> list[Row]:
    """Acknowledged edits, and a frame of 200 cuboids, on SQLite."""
    with Store.open(path) as store:
        recording = add_recording(store, "drive", 100)
        store.load_proposals(recording, drive(100, 200, _SEED))
        tracks = sorted(store.labels(recording).tracks)
        dice = np.random.default_rng(_SEED)
        took: list[float] = []
        for track_id in dice.choice(tracks, 1000):
            request = move(int(track_id), None, int(dice.integers(100)), float(dice.normal()))
            took.append(_timed(lambda r=request: store.apply(recording, "ann", [r])))
        read = [_timed(lambda f=f: store.labels(recording, f)) for f in range(100)]
        undo = [_timed(lambda: store.undo(recording, "ann")) for _ in range(200)]
        past = _timed(lambda: store.labels(recording, 50, at=500))
    note = "tracks of 100 cuboids; each edit returns its whole track and is on the disk (fsync)"
    return [
        less_is_better("an edit on SQLite, median", _ms(took, 50), _GOAL, None, "ms", note),
        less_is_better("an edit on SQLite, p95", _ms(took, 95), _GOAL, 10.0, "ms", note),
        less_is_better("an undo on SQLite, p95", _ms(undo, 95), _GOAL, 10.0, "ms"),
        less_is_better("a frame of 200 cuboids read, p95", _ms(read, 95), _GOAL, 5.0, "ms"),
        less_is_better("a frame as of 700 edits ago", past * 1e3, _GOAL, None, "ms"),
    ]


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _ms(seconds: list[float], percent: int) -> float:
    return float(np.percentile(seconds, percent) * 1e3)


def size(path: Path, recordings: int) -> list[Row]:
    """Import of 1,000 cuboids a recording, what the file weighs, and reading it all again."""
    cuboids = drive(100, 10, _SEED)
    rows = recordings * len(cuboids)
    with Store.open(path) as store:
        begun = time.perf_counter()
        ids = [add_recording(store, f"drive-{k:05}", 100) for k in range(recordings)]
        for k, recording in enumerate(ids):
            store.load_proposals(recording, cuboids, client_id=f"load-{k}")
        loaded = time.perf_counter() - begun
        project = store.project("project").id
        page = statistics.median(
            _timed(lambda: store.recordings(project, after="drive-00050", limit=50))
            for _ in range(20)
        )
        counts = _timed(lambda: store.track_counts(project))
        frame = [_timed(lambda r=r: store.labels(r, 50)) for r in ids]
        begun = time.perf_counter()
        for recording in ids[:20]:
            store.labels(recording).cuboids.to_arrow()
        export = (time.perf_counter() - begun) / min(20, recordings)
    weight = sum(one.stat().st_size for one in path.parent.glob(path.name + "*"))
    name = f"{recordings:,} recordings, {rows / 1e6:.3g} M cuboids"
    return [
        more_is_better(f"{name}: import", rows / loaded, _GOAL, None, "1/s"),
        less_is_better(f"{name}: MB a million", weight / rows, _GOAL, None, "MB",
                       "labels and log together; every number as different as in real labels"),
        less_is_better(f"{name}: page of 50 recordings", page * 1e3, _GOAL, None, "ms"),
        less_is_better(f"{name}: counts of all tracks", counts * 1e3, _GOAL, None, "ms"),
        less_is_better(f"{name}: a frame, p95", _ms(frame, 95), _GOAL, 5.0, "ms"),
        less_is_better(f"{name}: export of a recording", export * 1e3, _GOAL, None, "ms"),
    ]  # fmt: skip


def crowd(url: str, recordings: int) -> list[Row]:
    """Edits a second of 50 clients, in as many server processes as would run on this machine."""
    with Store.open(url) as store:
        ids = [add_recording(store, uuid.uuid4().hex, 100) for _ in range(recordings)]
        for recording in ids:
            store.load_proposals(recording, drive(20, 100, _SEED))
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[tuple[int, int, float]] = context.Queue()
    start = context.Barrier(_PROCESSES)
    processes = [
        context.Process(target=_server, args=(url, ids, k, start, answers))
        for k in range(_PROCESSES)
    ]
    for one in processes:
        one.start()
    done = [answers.get(timeout=120) for _ in processes]
    for one in processes:
        one.join()
    made, refused, cpu = (sum(column) for column in zip(*done, strict=True))
    note = (
        f"{_PROCESSES} processes, {os.cpu_count()} cores with the server's, load "
        f"{os.getloadavg()[0]:.0f}; tracks of 20 cuboids"
    )
    where = f"{recordings} recordings" if recordings > 1 else "one recording"
    name = f"{_CLIENTS} clients on PostgreSQL, {where}"
    goal = 500 if recordings > 1 else None
    return [
        more_is_better(f"{name}: edits/s", made / _SECONDS, _GOAL, goal, "1/s", note),
        more_is_better(f"{name}: conflicts/s, all heard of", refused / _SECONDS, "", None, "1/s"),
        less_is_better(f"{name}: CPU a request", cpu / (made + refused) * 1e3, "", None, "ms"),
    ]


def _server(url: str, ids: list[int], number: int, start: Any, answers: Any) -> None:
    clients = _CLIENTS // _PROCESSES
    made, refused = [0] * clients, [0] * clients
    with Store.open(url, pool_size=clients) as store:

        def client(k: int) -> None:
            dice = np.random.default_rng([number, k])
            recording = ids[k % len(ids)]
            track_id = 0
            seen = {one: t.revision for one, t in store.labels(recording).tracks.items()}
            for count in itertools.count():
                if time.monotonic() > end:
                    break
                if count % _EDITS_A_TRACK == 0:
                    track_id = int(dice.choice(list(seen)))
                request = move(track_id, seen[track_id], int(dice.integers(20)), dice.normal())
                try:
                    done = store.apply(recording, f"client-{number}-{k}", [request])
                    seen[track_id] = done.tracks[0].revision
                    made[k] += 1
                except Conflict as conflict:
                    seen[track_id] = conflict.states[0].revision
                    refused[k] += 1

        start.wait()
        end, worked = time.monotonic() + _SECONDS, time.process_time()
        threads = [threading.Thread(target=client, args=(k,)) for k in range(clients)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        worked = time.process_time() - worked
    answers.put((sum(made), sum(refused), worked))
