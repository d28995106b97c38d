"""The main job: what comes out, that it is repeatable, and that it can be stopped at any moment."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lidar_label.annotation import AnnotationConfig, annotate, load_annotation_config
from lidar_label.annotation_file import annotate_to_file
from lidar_label.cuboids import load_cuboids, read_provenance
from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.errors import InvalidConfig, InvalidRecording, UsageError
from lidar_label.evaluation import evaluate
from lidar_label.proposals import ProposalConfig

COMMAND = [sys.executable, "-m", "lidar_label", "annotate"]


@pytest.fixture(scope="module")
def done(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labels of an undisturbed run."""
    out = tmp_path_factory.mktemp("done") / "labels.parquet"
    assert annotate_to_file(drive, out) is not None
    return out


def test_boxes_are_found_and_followed(drive: Path, done: Path) -> None:
    labels, truth = load_cuboids(done), load_cuboids(drive.with_name("drive.labels.parquet"))
    result = evaluate(labels, truth)
    assert result.find(0.5).recall >= 0.7
    assert set(labels.frame.tolist()) == set(range(6))
    assert (labels.time_ns == truth.time_ns[np.searchsorted(truth.frame, labels.frame)]).all()
    assert (labels.track_id >= 0).any()
    assert all(labels.reason.tolist())


def test_the_same_input_gives_the_same_bytes(drive: Path, done: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.parquet"
    annotation = annotate_to_file(drive, again, workers=2)
    assert annotation is not None
    assert again.read_bytes() == done.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["again.parquet"]


def test_provenance_names_recording_settings_and_version(drive: Path, done: Path) -> None:
    provenance = read_provenance(done)
    with Recording(drive) as recording:
        assert provenance["recording"] == recording.content_hash
    assert provenance["config"]["proposals"]["min_score"] == ProposalConfig().min_score
    assert provenance["config"]["proposals"]["ontology"]["name"] == "road"
    assert str(drive.parent) not in json.dumps(provenance)


def test_an_interrupted_run_goes_on(drive: Path, done: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.parquet"

    def stop(stage: str, frames: int, _total: int) -> None:
        if stage == "propose" and frames == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate_to_file(drive, out, progress=stop)
    assert not out.exists()
    annotation = annotate_to_file(drive, out)
    assert annotation is not None
    assert annotation.frames_resumed == 3
    assert np.isnan(annotation.frame_seconds).sum() == 3
    assert out.read_bytes() == done.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["labels.parquet"]


def test_other_settings_do_not_take_over_old_work(drive: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    annotate(drive, work=work)
    other = replace(AnnotationConfig(), proposals=ProposalConfig(min_score=0.9))
    assert annotate(drive, other, work=work).frames_resumed == 0
    assert annotate(drive, other, work=work).frames_resumed == 6


def test_a_damaged_work_file_is_done_again(drive: Path, done: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    annotate(drive, work=work)
    (work / "00000002.arrow").write_bytes(b"ARROW1")
    annotation = annotate(drive, work=work)
    assert annotation.frames_resumed == 5
    assert annotation.cuboids.equals(load_cuboids(done))


def frames_done(work: Path) -> int:
    return len(list(work.glob("*.arrow")))


def start_and_wait(drive: Path, out: Path, wanted: int, *arguments: str) -> subprocess.Popen[str]:
    """Start the command and return when so many frames are done, before it ends."""
    slow = (
        "import sys, time, lidar_label.annotation as a; from lidar_label.cli import main\n"
        "quick = a.survey_frame\n"
        "def survey_frame(*x):\n    time.sleep(0.15)\n    return quick(*x)\n"
        "a.survey_frame = survey_frame\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", slow, "annotate", str(drive), "-o", str(out), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    work = out.with_name(out.name + ".work")
    deadline = time.monotonic() + 240  # kernels may have to be compiled
    while frames_done(work) < wanted:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def test_killed_in_the_middle_it_goes_on(drive: Path, done: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.parquet"
    process = start_and_wait(drive, out, 2)
    process.kill()  # SIGKILL: no handler runs
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not out.exists()
    kept = frames_done(tmp_path / "labels.parquet.work")
    assert 2 <= kept < 6
    finished = subprocess.run(
        [*COMMAND, str(drive), "-o", str(out), "--json"], capture_output=True, text=True, check=True
    )
    document = json.loads(finished.stdout)
    assert document["frames_resumed"] == kept
    assert document["frames"] == 6
    assert out.read_bytes() == done.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["labels.parquet"]


def test_ctrl_c_says_so_and_ends_with_130(drive: Path, tmp_path: Path) -> None:
    process = start_and_wait(drive, tmp_path / "labels.parquet", 1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 130
    assert out == ""
    assert "interrupted" in err
    assert "Traceback" not in err


def test_killed_with_workers_leaves_no_process(drive: Path, tmp_path: Path) -> None:
    if not Path("/proc/self/task").is_dir():
        pytest.skip("needs /proc to see the children")
    process = start_and_wait(drive, tmp_path / "labels.parquet", 1, "--workers", "2")
    children: list[int] = []
    deadline = time.monotonic() + 240  # kernels may have to be compiled
    while len(children) < 2 and process.poll() is None and time.monotonic() < deadline:
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        children = [int(pid) for pid in listed.read_text().split()]
        time.sleep(0.01)
    process.kill()
    process.wait()  # not communicate: orphans would hold the pipes open
    assert children
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [pid for pid in children if alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_finished_labels_are_not_made_again(drive: Path, done: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.parquet"
    shutil.copy(done, out)
    before = out.stat().st_mtime_ns
    leftover = tmp_path / "labels.parquet.work"
    leftover.mkdir()
    assert annotate_to_file(drive, out) is None
    assert out.stat().st_mtime_ns == before
    assert not leftover.exists()
    assert annotate_to_file(drive, out, force=True) is not None


def test_labels_made_otherwise_are_not_overwritten(drive: Path, done: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.parquet"
    shutil.copy(done, out)
    other = replace(AnnotationConfig(), proposals=ProposalConfig(min_score=0.9))
    with pytest.raises(UsageError, match=r"min_score.*--force"):
        annotate_to_file(drive, out, other)
    assert out.read_bytes() == done.read_bytes()
    out.write_text("my notes")
    with pytest.raises(UsageError, match="--force"):
        annotate_to_file(drive, out)
    assert out.read_text() == "my notes"


def test_two_runs_on_one_output_do_not_mix(drive: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.parquet"
    process = start_and_wait(drive, out, 1)
    try:
        with pytest.raises(UsageError, match="another run"):
            annotate_to_file(drive, out)
    finally:
        process.kill()
        process.communicate()


def test_a_recording_without_poses_or_points(tmp_path: Path) -> None:
    path = tmp_path / "still.h5"
    with RecordingWriter(path, source="test") as writer:
        writer.add_lidar("top", np.eye(4))
        for i in range(2):
            writer.append_sweep("top", i * 10**8, np.zeros((0, 3), np.float32))
    annotation = annotate(path)
    assert (annotation.frames, len(annotation.cuboids)) == (2, 0)


def test_what_is_seen_once_is_kept_without_a_track(drive: Path, tmp_path: Path) -> None:
    single = tmp_path / "single.h5"
    with Recording(drive) as recording, RecordingWriter(single, source="test") as writer:
        writer.add_lidar("top", recording.rig["top"].ego_from_sensor)
        sweep = recording.sweep("top", 0)
        writer.append_sweep("top", sweep.time_ns, sweep.xyz)
    labels = annotate(single).cuboids
    alone = annotate(single, AnnotationConfig(track=False)).cuboids
    assert len(labels) == len(alone) > 0


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("a.yaml", "proposals: {min_scor: 0.4}", r"a\.yaml: unknown .*\.min_scor; .* min_score\?"),
        ("a.toml", "[proposals]\nmin_score = 'high'", r"proposals\.min_score = 'high'"),
        ("a.yaml", "proposals: {min_score: 7}", r"min_score is 7"),
        ("a.yaml", "tracking: {groups: [{hit: 3}]}", r"\.groups\[0\]\.hit; .* hits\?"),
        ("a.yaml", "- 1", "a list"),
        ("a.yaml", "a: [", r"a\.yaml"),
        ("a.toml", "a = ", r"a\.toml"),
        ("a.yaml", "proposals: {ontology: absent.yaml}", r"absent\.yaml"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named(tmp_path: Path, name: str, text: str, word: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InvalidConfig, match=word) as raised:
        load_annotation_config(path)
    assert "\n" not in str(raised.value)


def test_settings_reach_the_job(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("deskew: false\nproposals: {min_score: 0.6}\ntracking: {groups: [{classes: [car], hits: 3}]}")  # fmt: skip # noqa: E501
    config = load_annotation_config(path)
    assert not config.deskew
    assert config.proposals.min_score == 0.6
    assert config.tracking.groups[0].hits == 3
    (tmp_path / "empty.yaml").write_text("")
    assert load_annotation_config(tmp_path / "empty.yaml") == AnnotationConfig()


def test_a_file_that_is_no_recording(tmp_path: Path) -> None:
    bad = tmp_path / "bad.h5"
    bad.write_bytes(b"not HDF5")
    with pytest.raises(InvalidRecording, match=r"bad\.h5"):
        annotate_to_file(bad, tmp_path / "out.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.h5"]
