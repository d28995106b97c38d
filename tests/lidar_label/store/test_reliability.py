"""What was acknowledged stays: killed writers, two processes, a full disk, clocks that jump."""

import multiprocessing
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event

from lidar_label.benchmarks.store_kills import storm_of
from lidar_label.errors import StoreUnavailable
from lidar_label.store import Conflict, EditRequest, Store

from .asking import BOX, ask, do, make_track


def test_200_killed_writers_lose_nothing_that_was_acknowledged(tmp_path):
    storm = storm_of(tmp_path / "labels.db", kills=200, seed=1)
    assert storm.acknowledged > 200, "too few edits for the kills to hit one"
    assert (storm.lost, storm.halves, storm.wrong) == (0, 0, 0)


def count_up(store: Store, recording: int, name: str, times: int, dice: np.random.Generator) -> int:
    """Add 1 to the place of some track so many times, again after each conflict; the conflicts."""
    conflicts = 0
    state = {}
    for one in store.labels(recording).tracks.values():
        state[one.track_id] = (one.revision, _x(store, recording, one.track_id))
    for k in range(times):
        track_id = int(dice.choice(sorted(state)))
        while True:
            revision, x = state[track_id]
            edit = EditRequest(
                "set_cuboid",
                f"{name}-{k}-{conflicts}",
                track_id=track_id,
                base_revision=revision,
                frame=0,
                payload={"box": {"x": x + 1}},
            )
            try:
                done = store.apply(recording, name, [edit]).tracks[0]
            except Conflict as refused:
                conflicts += 1
                newer = refused.states[0]
                state[track_id] = (newer.revision, newer.rows[0].x)
                continue
            state[track_id] = (done.revision, done.rows[0].x)
            break
    return conflicts


def _x(store: Store, recording: int, track_id: int) -> float:
    cuboids = store.labels(recording).cuboids
    return float(cuboids.boxes[cuboids.track_id == track_id, 0][0])


def _one_process(
    url: str, recording: int, name: str, times: int, seed: int, answers: object
) -> None:
    with Store.open(url) as store:
        answers.put(count_up(store, recording, name, times, np.random.default_rng(seed)))


def test_two_processes_on_one_sqlite_lose_no_update(tmp_path, new_recording):
    url = f"sqlite:///{tmp_path / 'labels.db'}"
    with Store.open(url) as store:
        recording = new_recording(store)
        for _ in range(2):
            make_track(store, recording)
    # Forked, for speed; no connection may be open meanwhile, a child would share it.
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    processes = [
        context.Process(target=_one_process, args=(url, recording, f"p{k}", 60, k, answers))
        for k in range(2)
    ]
    for one in processes:
        one.start()
    conflicts = sum(answers.get(timeout=120) for _ in processes)
    for one in processes:
        one.join()
        assert one.exitcode == 0
    with Store.open(url) as store:
        labels = store.labels(recording)
        assert labels.cuboids.boxes[:, 0].sum() == 2 * BOX["x"] + 120
        assert labels.revision == 2 + 120
        assert conflicts > 0, "the processes never met; the test shows nothing"
        assert store.verify(recording) == []


def test_two_processes_open_a_new_store_at_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'labels.db'}"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_open_and_close, args=(url,)) for _ in range(4)]
    for one in processes:
        one.start()
    for one in processes:
        one.join(60)
        assert one.exitcode == 0


def _open_and_close(url: str) -> None:
    Store.open(url).close()


def test_50_clients_on_postgres_lose_no_update_and_hear_of_every_conflict(
    postgres_url, new_recording
):
    clients, times = 50, 6
    with Store.open(postgres_url, pool_size=clients) as store:
        recording = new_recording(store)
        for _ in range(4):
            make_track(store, recording)
        conflicts = [-1] * clients

        def client(k: int) -> None:
            dice = np.random.default_rng(k)
            conflicts[k] = count_up(store, recording, f"client-{k}", times, dice)

        threads = [threading.Thread(target=client, args=(k,)) for k in range(clients)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert min(conflicts) >= 0, "a client failed"
        labels = store.labels(recording)
        assert labels.cuboids.boxes[:, 0].sum() == 4 * BOX["x"] + clients * times
        assert labels.revision == 4 + clients * times
        assert sum(conflicts) > clients
        assert store.verify(recording) == []


def test_a_postgres_server_that_went_away_fails_one_edit_and_loses_none(
    postgres_url, new_recording
):
    with Store.open(postgres_url) as store, Store.open(postgres_url) as other:
        recording = new_recording(store)
        make_track(store, recording)
        with other.database.write() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        edit = ask("set_cuboid", track_id=1, frame=0, box={"x": 1.0})
        with pytest.raises(StoreUnavailable):
            store.apply(recording, "ann", [edit])
        assert store.apply(recording, "ann", [edit]).seq == 2
        assert store.verify(recording) == []


def fill(store: Store, recording: int) -> int:
    """Write until it fails; how many edits were acknowledged before."""
    acknowledged: list[int] = []
    with pytest.raises(StoreUnavailable, match="disk is full; nothing was written"):
        write_on(store, recording, acknowledged)
    return len(acknowledged)


def write_on(store: Store, recording: int, acknowledged: list[int]) -> None:
    while len(acknowledged) < 2000:
        text = os.urandom(4000).hex()
        acknowledged.append(do(store, recording, "ann", "comment_create", text=text).seq)


def check_after_full(store: Store, recording: int, written: int) -> None:
    assert len(store.labels(recording).comments) == written
    assert store.labels(recording).revision == written
    assert store.verify(recording) == []


def test_a_full_database_says_so_and_goes_on_when_there_is_room(tmp_path, new_recording):
    with Store.open(tmp_path / "labels.db") as store:
        recording = new_recording(store)

        def limit(connection, _record, _proxy) -> None:
            connection.execute("PRAGMA max_page_count = 200")

        event.listen(store.database.engine, "checkout", limit)
        written = fill(store, recording)
        check_after_full(store, recording, written)
        event.remove(store.database.engine, "checkout", limit)
    with Store.open(tmp_path / "labels.db") as store:
        do(store, recording, "ann", "comment_create", text="there is room again")
        check_after_full(store, recording, written + 1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if os.geteuid() != 0 or mount is None or subprocess.run(command, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_says_so_and_loses_nothing(small_disk, new_recording):
    with Store.open(small_disk / "labels.db") as store:
        recording = new_recording(store)
        written = fill(store, recording)
        check_after_full(store, recording, written)
        with pytest.raises(StoreUnavailable, match=r"could not be written|full"):
            store.backup(small_disk / "copy.db")
        assert sorted(path.name for path in small_disk.iterdir() if "copy" in path.name) == []


def test_order_is_by_number_whatever_the_clock_does(store, recording, clock):
    track = make_track(store, recording)
    for jump in (-86400, 3600, -10):
        clock.move(jump)
        seen = do(store, recording, "ann", "set_cuboid", track_id=track.track_id, frame=0, box={
            "x": float(jump)}).seq  # fmt: skip
        assert store.labels(recording, at=seen).cuboids.boxes[0, 0] == jump
    assert [one.seq for one in store.history(recording)] == [4, 3, 2, 1]
    assert store.undo(recording, "ann").tracks[0].rows[0].x == 3600
    assert store.verify(recording) == []


def test_a_backup_in_use_is_whole(tmp_path, new_recording):
    with Store.open(tmp_path / "labels.db") as store:
        recording = new_recording(store)
        make_track(store, recording, frames=range(40))
        stop = threading.Event()

        def write() -> None:
            while not stop.is_set():
                do(store, recording, "ann", "set_cuboid", track_id=1, frame=0, box={"x": 1.0})

        writer = threading.Thread(target=write)
        writer.start()
        try:
            store.backup(tmp_path / "copy.db")
        finally:
            stop.set()
            writer.join()
        with pytest.raises(StoreUnavailable, match="is there already"):
            store.backup(tmp_path / "copy.db")
    with Store.open(tmp_path / "copy.db", create=False) as copy:
        assert len(copy.labels(recording).cuboids) == 40
        assert copy.verify(recording) == []


def test_a_store_that_cannot_be_opened_says_why(tmp_path, postgres_server):
    for url, says in [
        (tmp_path / "absent.db", "no such file"),
        (f"sqlite:///{tmp_path}/no/labels.db", "no such f"),
        ("sqlite://", "in memory"),
        ("mysql://x/y", "give sqlite"),
        ("nonsense://", "give sqlite"),
        (postgres_server.replace("lidar@/postgres", "lidar:secret@/absent"), "absent"),
    ]:
        with pytest.raises(StoreUnavailable, match=says) as error:
            Store.open(url, create=False)
        assert "secret" not in str(error.value)
        assert "\n" not in str(error.value)
    (tmp_path / "text.db").write_text(
        "This is no database, but long enough to be taken for one." * 9
    )
    with pytest.raises(StoreUnavailable, match="not a database"):
        Store.open(tmp_path / "text.db")


def test_a_store_of_a_newer_version_is_left_alone(url):
    with Store.open(url) as store, store.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreUnavailable, match="newer lidar-label"):
        Store.open(url)


def test_the_migrations_make_the_tables_that_the_code_knows(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from lidar_label.store.tables import metadata

    with store.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_sqlite_keeps_what_is_acknowledged_over_a_power_cut(tmp_path):
    with Store.open(tmp_path / "labels.db") as store, store.database.read() as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    assert found == ["wal", 2, 1]


def test_edits_refer_to_what_is_there(store):
    request = ask("create_track", frame=0, category="car", box=BOX)
    with pytest.raises(Exception, match="there is no recording"):
        store.apply(5, "ann", [request])
    with pytest.raises(Exception, match="not there"):
        store.add_recording(9, "r", "r.h5", "ann", time_ns=np.arange(3))
