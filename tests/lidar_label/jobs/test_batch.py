"""A batch job: what comes out, that it is trustworthy, and what it does with what is bad."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from job_trials import ALONE, CONFIG, check_nothing_half_written, hashes

from lidar_label.annotation import AnnotationConfig
from lidar_label.annotation_file import annotate_to_file
from lidar_label.cuboids import Cuboids, load_cuboids, read_provenance, save_cuboids
from lidar_label.datasets.exports import export_labels
from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.errors import InvalidLabels, UsageError
from lidar_label.jobs.batch import JobOptions, plan_job, run_job
from lidar_label.jobs.job_config import JobConfig
from lidar_label.jobs.job_progress import JobEvent
from lidar_label.jobs.job_summary import Prices, compare_job, summarise_job
from lidar_label.jobs.label_diff import LabelsFolder
from lidar_label.jobs.locks import Lock
from lidar_label.jobs.results import job_results, load_results
from lidar_label.jobs.sources import Source, expand_sources
from lidar_label.proposals import ProposalConfig


def write_points_folder(folder: Path, frames: int = 2) -> Path:
    """A source that is no recording yet: a folder of sweeps."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for i in range(frames):
        xyz = rng.uniform((-20, -20, -1.7), (20, 20, -1.6), (3000, 3))
        np.save(folder / f"{i:03}.npy", xyz.astype(np.float32))
    return folder


def test_labels_are_those_of_annotate(
    sources: list[Source], undisturbed: Path, tmp_path: Path
) -> None:
    results = {result.uri: result for result in job_results(undisturbed)}
    assert len(results) == len(sources) == 6
    for source in sources[:2]:
        alone = tmp_path / f"{source.name}.parquet"
        annotate_to_file(source.uri, alone)
        labels = results[source.uri].folder / "labels.parquet"
        assert labels.read_bytes() == alone.read_bytes()
        exported = results[source.uri].folder / "export" / "kitti"
        wanted = tmp_path / source.name
        export_labels(load_cuboids(alone), source.uri, "kitti", wanted)
        assert [p.read_bytes() for p in sorted(exported.rglob("*.txt"))] == [
            p.read_bytes() for p in sorted(wanted.rglob("*.txt"))
        ]


def test_processes_give_the_same_bytes(
    sources: list[Source], undisturbed: Path, tmp_path: Path
) -> None:
    result = run_job(sources, tmp_path, CONFIG, JobOptions(workers=2))
    assert result.complete
    assert result.processes == 2
    assert hashes(tmp_path) == hashes(undisturbed)
    assert not (tmp_path / ".work").exists()


def test_results_say_where_they_come_from(undisturbed: Path, sources: list[Source]) -> None:
    result = next(iter(job_results(undisturbed)))
    with Recording(result.uri) as recording:
        assert result.content_hash == recording.content_hash
    assert result.summary["key"]["version"]
    assert result.summary["key"]["config"]["annotation"]["proposals"]["ontology"]["name"] == "road"
    assert read_provenance(result.folder / "labels.parquet")["recording"] == result.content_hash
    assert str(sources[0].uri) not in (result.folder / "result.json").read_text()


def test_finished_work_is_not_done_again(
    sources: list[Source], undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(undisturbed, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    again = run_job(sources, out, CONFIG, ALONE)
    assert (again.progress.already, again.progress.done, again.complete) == (6, 0, True)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")} == before


def test_a_source_touched_but_the_same_is_not_done_again(drives: Path, tmp_path: Path) -> None:
    source = tmp_path / "one.h5"
    shutil.copy(drives / "drive0.h5", source)
    out = tmp_path / "out"
    assert run_job(expand_sources([str(source)]), out, CONFIG, ALONE).progress.done == 1
    source.touch()
    events: list[JobEvent] = []
    result = run_job(expand_sources([str(source)]), out, CONFIG, ALONE, listen=events.append)
    assert (result.progress.already, result.progress.done) == (1, 0)
    assert plan_job(expand_sources([str(source)]), out, CONFIG).already


def test_a_source_with_other_content_is_refused_and_then_replaced(
    drives: Path, tmp_path: Path
) -> None:
    source, out = tmp_path / "one.h5", tmp_path / "out"
    shutil.copy(drives / "drive0.h5", source)
    run_job(expand_sources([str(source)]), out, CONFIG, ALONE)
    before = hashes(out)
    shutil.copy(drives / "drive1.h5", source)
    refused = run_job(expand_sources([str(source)]), out, CONFIG, ALONE)
    assert not refused.complete
    assert "--force" in next(iter(refused.failures.values()))
    assert hashes(out) == before
    forced = run_job(expand_sources([str(source)]), out, CONFIG, replace(ALONE, replace=True))
    assert forced.complete
    assert hashes(out) != before


def test_results_made_otherwise_are_refused_at_once(
    sources: list[Source], undisturbed: Path
) -> None:
    other = replace(CONFIG, annotation=AnnotationConfig(proposals=ProposalConfig(min_score=0.9)))
    before = hashes(undisturbed)
    with pytest.raises(UsageError, match=r"6 results were made with other settings.*--force"):
        run_job(sources, undisturbed, other, ALONE)
    assert hashes(undisturbed) == before
    assert len(plan_job(sources, undisturbed, other).otherwise) == 6


def test_bad_recordings_are_quarantined_and_the_job_goes_on(
    drives: Path, undisturbed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    shutil.copytree(drives, folder)
    (folder / "text.h5").write_text("no HDF5")
    (folder / "empty").mkdir()
    whole = (folder / "drive0.h5").read_bytes()
    (folder / "cut.h5").write_bytes(whole[: len(whole) // 2])
    broken = bytearray(whole)
    broken[len(whole) // 3 : len(whole) // 3 + 4000] = bytes(4000)
    (folder / "holes.h5").write_bytes(broken)
    out = tmp_path / "out"
    sources = expand_sources([str(folder), str(folder / "empty")])
    result = run_job(sources, out, CONFIG, ALONE)
    assert result.progress.done == 6
    kinds = {name.rsplit("-", 1)[0]: reason for name, reason in result.failures.items()}
    assert set(kinds) == {"text", "cut", "empty", "holes"}
    assert "not an HDF5 file" in kinds["text"]
    assert "cut short" in kinds["cut"]
    assert "no format that we know" in kinds["empty"]
    assert "holes.h5" in kinds["holes"]  # damaged, or not what its hash says
    assert all("\n" not in reason for reason in kinds.values())
    again = run_job(sources, out, CONFIG, ALONE)
    assert (again.progress.failed, again.progress.done, len(again.failures)) == (4, 0, 4)
    assert not plan_job(sources, out, CONFIG).todo
    assert len(plan_job(sources, out, CONFIG, JobOptions(retry=True)).todo) == 4
    (folder / "text.h5").write_bytes(whole)  # mended: tried again without being asked to
    mended = run_job(expand_sources([str(folder)]), out, CONFIG, ALONE)
    assert mended.progress.done == 1
    assert len(list((out / "quarantine").iterdir())) == 3


def test_an_unforeseen_error_is_a_defect_of_one_recording(
    sources: list[Source], tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug in a report")

    options = replace(ALONE, write_report=fail)
    result = run_job(sources[:2], tmp_path, replace(CONFIG, report=True), options)
    assert len(result.failures) == 2
    entry = json.loads(next((tmp_path / "quarantine").iterdir()).read_text())
    assert entry["kind"] == "defect"
    assert "Traceback" in entry["detail"]
    assert not list((tmp_path / "recordings").glob("*"))


def test_what_does_not_fit_into_memory_is_refused(sources: list[Source], tmp_path: Path) -> None:
    result = run_job(sources[:1], tmp_path, CONFIG, replace(ALONE, memory=100_000_000))
    (reason,) = result.failures.values()
    assert "takes up to" in reason
    assert "--memory" in reason
    entry = json.loads(next((tmp_path / "quarantine").iterdir()).read_text())
    assert (entry["kind"], entry["tried_again"]) == ("memory", True)
    assert run_job(sources[:1], tmp_path, CONFIG, ALONE).complete
    assert not list((tmp_path / "quarantine").iterdir())


def test_folders_become_recordings_with_the_labels_of_their_source(tmp_path: Path) -> None:
    place = write_points_folder(tmp_path / "in" / "walk")
    sources = expand_sources([str(tmp_path / "in")])
    assert [Path(source.uri) for source in sources] == [place]
    out = tmp_path / "out"
    assert run_job(sources, out, JobConfig(), ALONE).complete
    (result,) = job_results(out)
    with Recording(result.recording) as recording:
        assert recording.content_hash == result.content_hash
        assert recording.frame_count == 2
    assert Path(result.recording).parent == result.folder
    slim = tmp_path / "slim"
    assert run_job(sources, slim, JobConfig(keep_recordings=False), ALONE).complete
    assert not list(slim.rglob("*.h5"))
    one, two = tmp_path / "a", tmp_path / "b"
    for place in (one, two):
        run_job(sources, place, JobConfig(), ALONE)
    assert hashes(one) == hashes(two)


def test_a_file_of_a_result_that_is_gone_is_made_again(
    sources: list[Source], undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(undisturbed, out)
    next(out.rglob("CONVENTIONS.txt")).write_text("")  # as a power cut leaves it
    result = run_job(sources, out, CONFIG, ALONE)
    assert (result.progress.already, result.progress.done) == (5, 1)
    assert hashes(out) == hashes(undisturbed)


def test_people_s_cuboids_are_never_overwritten(drives: Path, tmp_path: Path) -> None:
    source = expand_sources([str(drives / "drive1.h5")])
    out = tmp_path / "out"
    run_job(source, out, CONFIG, ALONE)
    (result,) = job_results(out)
    machine = result.cuboids()
    moved = machine.boxes[:2] + np.array([0.3, 0, 0, 0.2, 0, 0, 0.1])
    people = machine.select(np.arange(2)).replace(boxes=moved, score=np.nan, category="van")
    folder = tmp_path / "people"
    save_cuboids(people, folder / "drive1.parquet")
    merged_out = tmp_path / "merged"
    options = replace(ALONE, touched=folder)
    assert run_job(source, merged_out, CONFIG, options).complete
    (merged,) = job_results(merged_out)
    labels = merged.cuboids()
    assert labels.select(np.isnan(labels.score)).equals(people)
    assert len(labels) == len(machine)  # two proposals gave way to the two
    assert merged.summary["labels"]["by_people"] == 2
    # Edited in place, and then made anew by force: the edits stay.
    save_cuboids(labels, result.folder / "labels.parquet")
    other = replace(CONFIG, exports=())
    forced = run_job(source, out, other, replace(ALONE, replace=True))
    assert forced.complete
    kept = next(iter(job_results(out))).cuboids()
    assert kept.select(np.isnan(kept.score)).equals(people)


def test_labels_by_people_that_do_not_read_stop_the_job(
    sources: list[Source], tmp_path: Path
) -> None:
    folder = tmp_path / "people"
    folder.mkdir()
    (folder / "drive0.parquet").write_text("notes")
    with pytest.raises(InvalidLabels, match=r"drive0\.parquet"):
        run_job(sources, tmp_path / "out", CONFIG, replace(ALONE, touched=folder))


def test_results_are_loaded_in_one_call(undisturbed: Path) -> None:
    loaded: dict[str, Cuboids] = {}
    count = load_results(
        undisturbed, lambda result, cuboids: loaded.update({result.content_hash: cuboids})
    )
    assert count == len(loaded) == 6
    assert all(np.isfinite(cuboids.score).all() for cuboids in loaded.values())
    with pytest.raises(UsageError, match="no folder of a batch job"):
        load_results(undisturbed.parent, lambda *_: None)


def test_the_summary_adds_up(undisturbed: Path) -> None:
    summary = summarise_job(undisturbed, prices=Prices(3.6), elapsed=2.0, processes=2, sweeps=27)
    cuboids = [result.cuboids() for result in job_results(undisturbed)]
    assert summary["cuboids"] == sum(map(len, cuboids)) == sum(summary["classes"].values())
    by_band = [sum(counts.values()) for counts in summary["distance"].values()]
    assert sum(by_band) == sum(summary["scores"]) == summary["cuboids"]
    assert summary["frames"] == 27
    assert summary["throughput"]["run_sweeps_per_second"] == 13.5
    seconds = summary["throughput"]["process_seconds"]
    assert summary["cost"]["total"] == pytest.approx(seconds / 1000, abs=1e-6)
    doubt = [row["doubtful_a_frame"] for row in summary["by_doubt"]]
    assert doubt == sorted(doubt, reverse=True)


def test_the_comparison_with_other_labels(
    sources: list[Source], undisturbed: Path, tmp_path: Path
) -> None:
    first = next(iter(job_results(undisturbed)))
    labels = first.cuboids()
    boxes = labels.boxes.copy()
    boxes[1, 0] += 0.5
    category = labels.category.copy()
    category[2] = "tram"
    extra = labels.select(np.array([0])).replace(boxes=np.array([[90.0, 0, 0, 4, 2, 2, 0]]))
    changed = labels.replace(boxes=boxes, category=category).select(np.arange(1, len(labels)))
    old = Cuboids.concatenate((changed, extra))
    provenance = {"recording": first.content_hash}
    save_cuboids(old, tmp_path / "old" / "whatever.parquet", provenance)
    found = compare_job(undisturbed, sources, LabelsFolder(tmp_path / "old"))
    shutil.rmtree(undisturbed / "diff")
    assert found == {
        first.name: {
            "added": 1,
            "removed": 1,
            "moved": 1,
            "class_changed": 1,
            "same": len(labels) - 3,
        }
    }
    itself = compare_job(undisturbed, sources, LabelsFolder(undisturbed))
    assert len(itself) == 6
    assert all(c["same"] and not c["added"] + c["removed"] + c["moved"] for c in itself.values())
    shutil.rmtree(undisturbed / "diff")


def test_a_cancelled_job_goes_on(sources: list[Source], undisturbed: Path, tmp_path: Path) -> None:
    done: list[str] = []

    def listen(event: JobEvent) -> None:
        if event.kind == "done":
            done.append(event.name)

    result = run_job(
        sources, tmp_path, CONFIG, ALONE, listen=listen, cancelled=lambda: len(done) >= 2
    )
    assert result.cancelled
    assert not result.complete
    assert check_nothing_half_written(tmp_path, hashes(undisturbed)) == 2
    assert run_job(sources, tmp_path, CONFIG, ALONE).progress.done == 4
    assert hashes(tmp_path) == hashes(undisturbed)


def test_two_jobs_on_one_folder(sources: list[Source], undisturbed: Path, tmp_path: Path) -> None:
    refused: list[str] = []

    def listen(event: JobEvent) -> None:
        if event.kind == "done" and not refused:
            with pytest.raises(
                UsageError, match=r"belongs to a job that runs, process \d+ on"
            ) as e:
                run_job(sources, tmp_path, CONFIG, ALONE)
            refused.append(str(e.value))

    assert run_job(sources, tmp_path, CONFIG, ALONE, listen=listen).complete
    assert len(refused) == 1
    assert hashes(tmp_path) == hashes(undisturbed)
    assert run_job(sources, tmp_path, CONFIG, ALONE).complete  # it is free again


def test_a_straggler_keeps_its_recording_until_it_ends(
    sources: list[Source], undisturbed: Path, tmp_path: Path
) -> None:
    straggler = Lock(tmp_path / ".work" / f"{sources[0].name}.lock", "an earlier job")
    assert straggler.try_hold()
    polls: list[int] = []

    def cancelled() -> bool:
        polls.append(1)
        if len(polls) == 20:
            straggler.free()
        return False

    result = run_job(sources[:1], tmp_path, CONFIG, JobOptions(workers=1), cancelled=cancelled)
    assert result.complete
    assert len(polls) >= 20
    truth = hashes(undisturbed)
    assert check_nothing_half_written(tmp_path, truth) == 1


def test_a_recording_with_an_imu_is_segmented_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "walk.h5"
    rng = np.random.default_rng(0)
    with RecordingWriter(path, source="test") as writer:
        channels = tuple(f"acc_{axis}" for axis in "xyz")
        writer.add_imu("phone", np.eye(4), channels, ("m/s²",) * 3)
        time_ns = np.arange(3000) * 20_000_000
        values = rng.normal(0, 0.05, (3000, 3)) + np.array([0, 0, 9.8])
        values[1500:] += rng.normal(0, 4, (1500, 3))
        writer.append_imu("phone", time_ns, values)
    sources = expand_sources([str(path)])
    plain = run_job(sources, tmp_path / "plain", JobConfig(), ALONE)
    assert plain.complete
    assert not list((tmp_path / "plain").rglob("windows.parquet"))
    assert run_job(sources, tmp_path / "out", JobConfig(segment=True), ALONE).complete
    (result,) = job_results(tmp_path / "out")
    windows = result.windows()
    assert windows is not None
    edges = windows.start_ns[1:] / 1e9
    assert np.abs(edges - 30).min() < 1.5
    assert result.summary["windows"]["windows"] == len(windows)


@pytest.mark.parametrize("name", ["nothing.h5", "no*.h5", "@list.txt"])
def test_a_source_that_names_nothing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"nothing|list"):
        expand_sources([name if name.startswith("@") else str(tmp_path / name)])


def test_sources_are_found_wherever_they_stand(drives: Path, tmp_path: Path) -> None:
    for part in ("a/b", "a/c"):
        (tmp_path / part).mkdir(parents=True)
        shutil.copy(drives / "drive0.h5", tmp_path / part / "drive.h5")
    write_points_folder(tmp_path / "a" / "points")
    found = expand_sources([str(tmp_path), str(tmp_path / "a" / "*")])
    assert len(found) == len({source.name for source in found}) == 3
    (tmp_path / "list.txt").write_text(f"# those\n{tmp_path}/a/b\n\n{tmp_path}/a/c/drive.h5\n")
    listed = expand_sources([f"@{tmp_path / 'list.txt'}"])
    assert {source.uri for source in listed} == {
        str(tmp_path / "a" / part / "drive.h5") for part in "bc"
    }


def test_every_sequence_of_a_folder_is_a_recording(tmp_path: Path) -> None:
    for name in ("00", "01"):
        place = tmp_path / "sequences" / name / "velodyne"
        place.mkdir(parents=True)
        for i in range(2):
            np.zeros((5, 4), np.float32).tofile(place / f"{i:06}.bin")
    sources = expand_sources([str(tmp_path)])
    assert [source.sequence for source in sources] == ["00", "01"]
    out = tmp_path / "out"
    assert run_job(sources, out, JobConfig(), ALONE).complete
    assert {result.sequence for result in job_results(out)} == {"00", "01"}
