"""Sources in a real S3-compatible server that drops connections, damages files and goes away."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dropping_proxy import DroppingProxy
from job_trials import ALONE, CONFIG, hashes

from lidar_label.cuboids import load_cuboids
from lidar_label.datasets import remote_sources
from lidar_label.datasets.formats import import_source, read_labels
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.remote_sources import glob_remote, is_url, list_remote, local_copy
from lidar_label.errors import InvalidSource, UnreachableSource, UsageError
from lidar_label.jobs.batch import run_job
from lidar_label.jobs.job_config import JobConfig
from lidar_label.jobs.results import job_results
from lidar_label.jobs.sources import expand_sources

pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")


class Store:
    """A bucket `drives` behind a proxy that can drop what passes."""

    def __init__(self) -> None:
        import boto3

        self._server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        self._server.start()
        port = self._server.get_host_and_port()[1]
        self.proxy = DroppingProxy(port, seed=11)
        # Straight to the server: what the tests put there arrives.
        self.client: Any = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
        self.client.create_bucket(Bucket="drives")

    def put(self, folder: Path, prefix: str) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = f"{prefix}/{path.relative_to(folder).as_posix()}"
                self.client.put_object(Bucket="drives", Key=name, Body=path.read_bytes())

    def close(self) -> None:
        self.proxy.close()
        self._server.stop()


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    import s3fs

    patch = pytest.MonkeyPatch()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():  # fmt: skip
        patch.setenv(name, value)
    store = Store()
    patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{store.proxy.port}")
    patch.setenv("AWS_MAX_ATTEMPTS", "1")  # the store's client gives up at once: we are tested
    s3fs.S3FileSystem.clear_instance_cache()
    yield store
    store.close()
    s3fs.S3FileSystem.clear_instance_cache()
    patch.undo()


@pytest.fixture(autouse=True)
def _calm(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.proxy.share, store.proxy.refusing, store.proxy.cut = 0.0, False, 0
    monkeypatch.setenv("LIDAR_LABEL_CACHE", str(tmp_path / "cache"))


def write_sweeps(folder: Path, count: int = 12) -> None:
    (folder / "velodyne").mkdir(parents=True)
    rng = np.random.default_rng(2)
    for i in range(count):
        points = rng.uniform(-20, 20, (6000, 4)).astype(np.float32)
        points[:, 2] = -1.7
        points.tofile(folder / "velodyne" / f"{i:06}.bin")


def test_a_folder_comes_whole_though_connections_drop(store: Store, tmp_path: Path) -> None:
    write_sweeps(tmp_path / "walk")
    store.put(tmp_path / "walk", "whole")
    store.proxy.share = 0.6
    copy = local_copy("s3://drives/whole")
    assert store.proxy.cut >= 3
    originals = sorted((tmp_path / "walk" / "velodyne").iterdir())
    copies = sorted((copy / "velodyne").iterdir())
    assert [p.read_bytes() for p in copies] == [p.read_bytes() for p in originals]
    assert not list(copy.parent.rglob("*.partial"))


def test_what_was_copied_is_checked_and_not_fetched_again(store: Store, tmp_path: Path) -> None:
    write_sweeps(tmp_path / "walk", 3)
    store.put(tmp_path / "walk", "again")
    copy = local_copy("s3://drives/again")
    first, second, third = sorted((copy / "velodyne").iterdir())
    damaged = bytearray(second.read_bytes())
    damaged[1000] ^= 1
    second.write_bytes(damaged)
    untouched = first.stat().st_mtime_ns
    store.client.delete_object(Bucket="drives", Key="again/velodyne/000002.bin")
    copy = local_copy("s3://drives/again")
    assert first.stat().st_mtime_ns == untouched
    assert second.read_bytes() == (tmp_path / "walk/velodyne/000001.bin").read_bytes()
    assert not third.exists()  # gone from the store too


def test_datasets_and_recordings_open_by_url(store: Store, drives: Path, tmp_path: Path) -> None:
    write_sweeps(tmp_path / "walk", 2)
    store.put(tmp_path / "walk", "open/walk")
    store.put(drives, "open/drives")
    far = import_source("s3://drives/open/walk", tmp_path / "far.h5")
    near = import_source(tmp_path / "walk", tmp_path / "near.h5")
    assert far.recording_path.read_bytes() == near.recording_path.read_bytes()
    with Recording("s3://drives/open/drives/drive0.h5") as recording:
        assert recording.frame_count == 2
    labels, _ = read_labels("s3://drives/open/drives/drive0.labels.parquet")
    assert labels.equals(load_cuboids(drives / "drive0.labels.parquet"))


def test_a_job_on_a_store_that_drops_connections_gives_the_same_bytes(
    store: Store, drives: Path, undisturbed: Path, tmp_path: Path
) -> None:
    store.put(drives, "job")
    store.proxy.share = 0.5
    sources = expand_sources(["s3://drives/job/*.h5"])
    assert len(sources) == 6
    assert run_job(sources, tmp_path / "out", CONFIG, ALONE).complete
    assert store.proxy.cut >= 2
    by_input = {result.content_hash: result for result in job_results(undisturbed)}
    for result in job_results(tmp_path / "out"):
        wanted = by_input[result.content_hash].folder
        for name in ("labels.parquet", "result.json", "export/kitti/label_2/000000.txt"):
            assert (result.folder / name).read_bytes() == (wanted / name).read_bytes()
        assert result.recording.startswith("s3://drives/job/")
    assert not list((tmp_path / "out").rglob("*.h5"))  # copies are gone with the work


def test_a_store_that_went_away_is_not_the_recording_s_fault(
    store: Store, drives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    monkeypatch.setattr(remote_sources, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)  # ours are enough to wait for
    store.put(drives, "away")
    far = expand_sources(["s3://drives/away/drive1.h5"])
    near = expand_sources([str(drives / "drive0.h5")])
    store.proxy.refusing = True
    result = run_job([*far, *near], tmp_path / "out", CONFIG, ALONE)
    assert result.progress.done == 1  # the job went on
    assert "the store failed 5 times" in result.failures[far[0].name]
    with pytest.raises(UnreachableSource, match="run it again when it is back"):
        local_copy("s3://drives/away")
    store.proxy.refusing = False
    assert run_job([*far, *near], tmp_path / "out", CONFIG, ALONE).complete
    assert not list((tmp_path / "out" / "quarantine").iterdir())


def test_a_job_imports_from_the_store_and_keeps_no_copy(store: Store, tmp_path: Path) -> None:
    write_sweeps(tmp_path / "walk", 2)
    store.put(tmp_path / "walk", "import/walk")
    near, far = tmp_path / "near", tmp_path / "far"
    assert run_job(expand_sources([str(tmp_path / "walk")]), near, JobConfig(), ALONE).complete
    sources = expand_sources(["s3://drives/import/walk"])
    assert run_job(sources, far, JobConfig(), ALONE).complete
    assert [*hashes(near).values()] == [*hashes(far).values()]
    assert not (far / ".work").exists()


@pytest.mark.parametrize(
    ("url", "error", "word"),
    [
        ("s3://drives/nothing-there", InvalidSource, "no such file or folder"),
        ("s3://no-such-bucket-here/x", InvalidSource, "no such file or folder"),
        ("gopher://drives/x", UsageError, "gopher"),
    ],
)
def test_a_url_that_leads_nowhere(store: Store, url: str, error: type, word: str) -> None:
    with pytest.raises(error, match=word) as raised:
        list_remote(url)
    assert url in str(raised.value)
    assert "\n" not in str(raised.value)


def test_urls_are_told_from_paths(tmp_path: Path) -> None:
    assert is_url("s3://bucket/x")
    assert is_url("file:///x")
    assert not is_url("C:\\drives\\x")
    assert not is_url("drives/x.h5")
    assert not is_url(tmp_path)
    shutil.copy(__file__, tmp_path / "a.py")
    assert glob_remote(f"file://{tmp_path}/*.py") == [f"file://{tmp_path}/a.py"]
