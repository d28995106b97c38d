"""The pages of a batch job: a report of each recording, and the summary of them all."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from lidar_label.annotation import Annotation
from lidar_label.cuboids import Cuboids
from lidar_label.datasets.recording import Recording
from lidar_label.jobs.result_summary import SCORE_BINS
from lidar_label.ontology import Ontology, road_ontology
from lidar_label.viewers.charts import Stack, bars, stacks
from lidar_label.viewers.report import ReportConfig, write_report
from lidar_label.viewers.report_page import write_page

_ROWS = 500  # recordings listed: the most doubtful; all are in summary.json
_UNKNOWN = "#9ca3af"


def write_recording_report(
    recording: Recording, labels: Cuboids, directory: Path, title: str, annotation: Annotation
) -> Path:
    """The report of one recording of a job, smaller than that of one by itself."""
    config = ReportConfig(pictures=4, crops=12, rows=60)
    return write_report(
        recording, labels, directory, annotation=annotation, config=config, title=title
    )


def write_summary(
    directory: str | Path, summary: dict[str, Any], title: str, ontology: Ontology | None = None
) -> Path:
    """Write `summary.html` from what `summarise_job` gave.

    Args:
        directory: The job's folder; pages of recordings are linked below it.
        summary: The job summed up.
        title: Of the page.
        ontology: Classes' colours; the package's road ontology when None.

    Returns:
        The path of the page.
    """
    directory = Path(directory)
    ontology = ontology or road_ontology()
    rows = [
        {**row, "link": f"recordings/{quote(row['name'])}/report/report.html"}
        for row in summary["by_doubt"][:_ROWS]
    ]
    return write_page(
        directory / "summary.html",
        "batch.html",
        title=title,
        summary=summary,
        cards=_cards(summary),
        charts=_charts(summary, ontology),
        rows=rows,
    )


def _cards(summary: dict[str, Any]) -> list[dict[str, str]]:
    speed, cost, diff = summary["throughput"], summary["cost"], summary["diff"]
    failed = len(summary["quarantine"])
    cards = [
        _card(f"{summary['recordings']:,}", "recordings", f"{failed} in quarantine"),
        _card(f"{summary['frames']:,}", "sweeps", ""),
        _card(f"{summary['cuboids']:,}", "cuboids", f"{summary['tracks']:,} tracks"),
    ]
    if speed["run_sweeps_per_second"]:
        processes = f"{speed['processes']} processes" if speed["processes"] else "cluster"
        note = f"this run: {speed['run_seconds']:,.0f} s, {processes}"
        cards.append(_card(f"{speed['run_sweeps_per_second']:,.1f}", "sweeps a second", note))
    if speed["sweeps_per_process_second"]:
        hours = speed["process_seconds"] / 3600
        note = f"{hours:,.2f} process hours in all"
        cards.append(
            _card(f"{speed['sweeps_per_process_second']:,.1f}", "sweeps a process second", note)
        )
    if cost:
        sign = cost["currency"]
        note = f"{cost['per_thousand_sweeps'] or 0:,.4f} {sign} a thousand sweeps"
        cards.append(_card(f"{cost['total']:,.2f} {sign}", "cost", note))
    if diff:
        changes = sum(diff.get(key, 0) for key in ("added", "removed", "moved"))
        cards.append(_card(f"{changes:,}", "cuboids differ", f"{diff.get('same', 0):,} the same"))
    return cards


def _card(value: str, name: str, note: str) -> dict[str, str]:
    return {"value": value, "name": name, "note": note}


def _charts(summary: dict[str, Any], ontology: Ontology) -> dict[str, Markup]:
    names = list(summary["classes"])
    colours = {name: known.colour if (known := ontology.find(name)) else _UNKNOWN for name in names}
    charts: dict[str, str] = {}
    if names:
        most = dict(list(summary["classes"].items())[:12])
        charts["classes"] = bars(most, colours, "number of cuboids by class")
        charts["distance"] = stacks(
            [
                Stack(band, [(name, counts.get(name, 0), colours[name]) for name in names])
                for band, counts in summary["distance"].items()
            ],
            "cuboids by distance and class",
        )
        scores = [
            Stack(f"{i / SCORE_BINS:.2f}", [("cuboids", n, "var(--accent)")])
            for i, n in enumerate(summary["scores"])
        ]
        charts["scores"] = stacks(scores, "cuboids by score", every=4)
    return {name: Markup(svg) for name, svg in charts.items()}  # noqa: S704  # we made and escaped it
