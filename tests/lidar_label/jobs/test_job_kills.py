"""Jobs killed for real, at moments drawn by seed: nothing half-written, nothing lost."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from job_trials import CONFIG, check_nothing_half_written, hashes

from lidar_label.jobs.batch import JobOptions, run_job
from lidar_label.jobs.job_progress import JobEvent
from lidar_label.jobs.sources import Source, expand_sources

WHOLE_JOBS, WORKERS = 36, 8


class Forks:
    """Jobs in forks of one warm process; see `forking_jobs`."""

    def __init__(self, drives: Path) -> None:
        script = Path(__file__).with_name("forking_jobs.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(drives)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.line() == "ready"

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def say(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def start(self, out: Path) -> int:
        self.say(str(out))
        return int(self.line())

    def end(self) -> int:
        """Wait for the job's end; its exit code."""
        self.say("")
        return int(self.line())


@pytest.fixture(scope="module")
def forks(drives: Path) -> Forks:
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    forks = Forks(drives)
    yield forks
    assert forks.process.stdin
    forks.process.stdin.close()
    forks.process.wait(30)


def test_whole_jobs_killed_at_any_moment_go_on(
    forks: Forks, undisturbed: Path, tmp_path: Path
) -> None:
    truth = hashes(undisturbed)
    start = time.monotonic()
    forks.start(tmp_path / "timed")
    assert forks.end() == 0
    whole = time.monotonic() - start
    moments = random.Random(20261124)
    kills, round_, finished_before = 0, 0, 0
    out = tmp_path / "round0"
    while kills < WHOLE_JOBS:
        pid = forks.start(out)
        # Short lives, so that a job dies several times on its way; many moments a recording.
        time.sleep(moments.uniform(0.02, 0.6) * whole)
        os.kill(pid, signal.SIGKILL)  # of one that ended already it kills nothing: not reaped yet
        code = forks.end()
        finished = check_nothing_half_written(out, truth)
        assert finished >= finished_before  # nothing that was done is undone
        finished_before = finished
        if code == -signal.SIGKILL:
            kills += 1
            continue
        assert code == 0
        assert hashes(out) == truth
        shutil.rmtree(out)
        round_, finished_before = round_ + 1, 0
        out = tmp_path / f"round{round_}"
    forks.start(out)
    assert forks.end() == 0
    assert hashes(out) == truth
    assert not (out / ".work").exists()
    assert round_ >= 1  # also jobs that died got to their end


def process_of(event: JobEvent) -> int:
    return int(event.fields["where"].rsplit(":", 1)[1])


def test_killed_processes_are_replaced_and_a_killer_is_quarantined(
    drives: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """Every recording loses its process once; one loses it always."""
    folder = tmp_path / "in"
    folder.mkdir()
    sources = list(expand_sources([str(drives / "*.h5")]))
    chosen = random.Random(7)
    victim = chosen.choice(sources).name
    left = {source.name: 1 for source in sources} | {victim: 99}
    kills: list[str] = []

    def listen(event: JobEvent) -> None:
        stages = ("verify", "propose", "track", "export")
        if event.kind == "step" and event.fields["stage"] in stages and left[event.name]:
            left[event.name] -= 1
            os.kill(process_of(event), signal.SIGKILL)
            kills.append(event.name)

    out = tmp_path / "out"
    result = run_job(sources, out, CONFIG, JobOptions(workers=2), listen=listen)
    assert len(kills) >= WORKERS  # 5 + 3, if none was struck after its end
    assert set(result.failures) == {victim}
    assert "signal 9" in result.failures[victim]
    assert json.loads((out / "quarantine" / f"{victim}.json").read_text())["kind"] == "crash"
    assert result.progress.retries >= len(sources) - 1
    assert check_nothing_half_written(out, hashes(undisturbed)) == len(sources) - 1
    left[victim] = 0  # the next run tries it again
    assert run_job(sources, out, CONFIG, JobOptions(workers=1), listen=listen).complete
    assert hashes(out) == hashes(undisturbed)


def start_command(
    drives: Path, out: Path, wait_for: str, *arguments: str
) -> tuple[subprocess.Popen[str], dict[str, object]]:
    """The command under way, and its first event of a kind."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lidar_label", "batch", str(drives), "-o", str(out), "--json",
         "--export", "kitti", "--workers", "2", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == wait_for:
            return process, event
    raise AssertionError(process.communicate())


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_killed_command_leaves_no_process_and_goes_on(
    drives: Path, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process, event = start_command(drives, out, "step")
    worker = int(str(event["where"]).rsplit(":", 1)[1])
    os.kill(process.pid, signal.SIGSTOP)  # else it may be done before the second one looks
    second = subprocess.run(
        [sys.executable, "-m", "lidar_label", "batch", str(drives), "-o", str(out)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert second.returncode == 2
    assert f"process {process.pid} on" in second.stderr
    assert second.stderr.count("\n") == 1
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(worker)
    check_nothing_half_written(out, hashes(undisturbed))
    process, _ = start_command(drives, out, "summary")
    process.communicate()
    assert process.returncode == 0
    assert hashes(out) == hashes(undisturbed)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_says_so_and_ends_with_130(
    drives: Path, undisturbed: Path, tmp_path: Path, number: int
) -> None:
    process, _ = start_command(drives, tmp_path / "out", "start")
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, (out, err)
    assert err == "lidar-label batch: interrupted\n"
    check_nothing_half_written(tmp_path / "out", hashes(undisturbed))


def mount_small_disk(place: Path, size: str) -> None:
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"needs a small disk of its own, which only root can mount: {done.stderr}")


@pytest.mark.parametrize("size", ["64k", "128k", "256k"])
def test_a_full_disk_stops_the_job_and_leaves_nothing_half_written(
    sources: list[Source], undisturbed: Path, tmp_path: Path, size: str
) -> None:
    disk = tmp_path / "disk"
    mount_small_disk(disk, size)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lidar_label", "batch", *(s.uri for s in sources),
             "-o", str(disk / "out"), "--export", "kitti", "--workers", "1"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2, done
        assert "the disk is full; free some space" in done.stderr
        assert "Traceback" not in done.stderr
        check_nothing_half_written(disk / "out", hashes(undisturbed))
        quarantine = disk / "out" / "quarantine"
        assert not quarantine.exists()  # the recordings are not to blame
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        assert run_job(sources, disk / "out", CONFIG, JobOptions(workers=0)).complete
        assert hashes(disk / "out") == hashes(undisturbed)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
