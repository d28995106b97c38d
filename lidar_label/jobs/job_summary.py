"""A job summed up: counts by class and distance, doubtful recordings first, throughput and cost."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lidar_label import __version__
from lidar_label.jobs.label_diff import LabelsFolder, describe_diff, diff_labels
from lidar_label.jobs.output_folder import OutputFolder, write_json
from lidar_label.jobs.result_summary import BANDS, SCORE_BINS, band_name
from lidar_label.jobs.results import RecordingResult, job_results
from lidar_label.jobs.sources import Source


@dataclass(frozen=True)
class Prices:
    """What the work costs.

    Attributes:
        hour: Of one process for an hour, in `currency`; None leaves the cost out.
        currency: Its name or sign.
    """

    hour: float | None = None
    currency: str = "€"


def summarise_job(
    output: str | Path,
    *,
    names: set[str] | None = None,
    prices: Prices = Prices(),
    elapsed: float | None = None,
    processes: int = 0,
    sweeps: int = 0,
    diffs: dict[str, dict[str, int]] | None = None,
) -> dict[str, Any]:
    """Sum the results of a job up; reads each `result.json` and no labels.

    Args:
        output: The job's folder.
        names: Of the recordings to sum up; all that are there when None.
        prices: For the cost.
        elapsed: Seconds of this run, for its throughput.
        processes: That worked in it.
        sweeps: Done in it.
        diffs: Name → counts against other labels.
    """
    rows: list[dict[str, Any]] = []
    classes: Counter[str] = Counter()
    scores = [0] * SCORE_BINS
    distance: dict[str, Counter[str]] = {band_name(*band): Counter() for band in BANDS}
    windows: Counter[str] = Counter()
    work_seconds = 0.0
    for result in job_results(output):
        if names is not None and result.name not in names:
            continue
        labels = result.summary["labels"]
        classes.update(labels["classes"])
        scores = [a + b for a, b in zip(scores, labels["scores"], strict=True)]
        for band, counts in labels["distance"].items():
            distance[band].update(counts)
        windows.update((result.summary.get("windows") or {}).get("seconds", {}))
        work_seconds += float(result.run.get("seconds", 0))
        rows.append(_row(result, (diffs or {}).get(result.name)))
    # A recording in which nothing was found is the most doubtful of all.
    rows.sort(key=lambda row: (row["cuboids"] > 0, -row["doubtful_a_frame"], row["name"]))
    totals = {key: sum(row[key] for row in rows) for key in ("frames", "cuboids", "tracks")}
    quarantine = OutputFolder(Path(output)).quarantined()
    return {
        "version": __version__,
        "recordings": len(rows),
        **totals,
        "classes": dict(classes.most_common()),
        "distance": {band: dict(counts) for band, counts in distance.items()},
        "scores": scores,
        "window_seconds": dict(windows),
        "throughput": _throughput(totals["frames"], work_seconds, elapsed, processes, sweeps),
        "cost": _cost(prices, work_seconds, totals["frames"]),
        "diff": _sum_diffs(diffs),
        "quarantine": [
            {
                "name": name,
                "uri": entry.get("uri"),
                "kind": entry.get("kind"),
                "reason": entry.get("reason"),
            }
            for name, entry in quarantine.items()
            if names is None or name in names
        ],
        "by_doubt": rows,
    }


def _row(result: RecordingResult, diff: dict[str, int] | None) -> dict[str, Any]:
    labels = result.summary["labels"]
    return {
        "name": result.name,
        "title": result.title,
        "input": result.content_hash,
        "frames": labels["frames"],
        "cuboids": labels["cuboids"],
        "tracks": labels["tracks"],
        "untracked": labels["untracked"],
        "doubtful": labels["doubtful"],
        "doubtful_a_frame": labels["doubtful_a_frame"],
        "mean_score": labels["mean_score"],
        "empty_frames": labels["empty_frames"],
        "seconds": result.run.get("seconds"),
        "notes": result.summary["notes"],
        "has_report": (result.folder / "report" / "report.html").is_file(),
        "diff": diff,
    }


def _throughput(
    frames: int, work_seconds: float, elapsed: float | None, processes: int, sweeps: int
) -> dict[str, Any]:
    """Of one process over all runs, and of this run."""
    return {
        "process_seconds": round(work_seconds, 3),
        "sweeps_per_process_second": round(frames / work_seconds, 3) if work_seconds else None,
        "run_seconds": elapsed and round(elapsed, 3),
        "run_sweeps": sweeps,
        "run_sweeps_per_second": round(sweeps / elapsed, 3) if elapsed and sweeps else None,
        "processes": processes,
    }


def _cost(prices: Prices, work_seconds: float, frames: int) -> dict[str, Any] | None:
    if prices.hour is None:
        return None
    total = prices.hour * work_seconds / 3600
    return {
        "currency": prices.currency,
        "process_hour": prices.hour,
        "process_hours": round(work_seconds / 3600, 6),
        "total": round(total, 6),
        "per_thousand_sweeps": round(total / frames * 1000, 6) if frames else None,
    }


def _sum_diffs(diffs: dict[str, dict[str, int]] | None) -> dict[str, int] | None:
    if diffs is None:
        return None
    total: Counter[str] = Counter()
    for counts in diffs.values():
        total.update(counts)
    return {"recordings_compared": len(diffs), **total}


def compare_job(
    output: str | Path, sources: list[Source], labels: LabelsFolder
) -> dict[str, dict[str, int]]:
    """Compare each result with the labels that a folder has for it; details go to `diff/`.

    Returns:
        Name → counts of added, removed, moved, class_changed and same cuboids.
    """
    by_name = {source.name: source for source in sources}
    folder = Path(output) / "diff"
    found: dict[str, dict[str, int]] = {}
    for result in job_results(output):
        source = by_name.get(result.name)
        old = labels.load(source, result.content_hash) if source else None
        if old is None:
            continue
        new = result.cuboids()
        difference = diff_labels(old, new)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / f"{result.name}.json", describe_diff(difference, old, new))
        found[result.name] = difference.counts()
    return found
