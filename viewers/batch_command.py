"""`lidar-label batch SOURCES… -o DIR`: many recordings annotated, restartable, seen from outside.

It stands here, not with the other commands: it reaches the reports, and imports point left.
"""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lidar_label.errors import UsageError

if TYPE_CHECKING:
    from lidar_label.jobs.batch import JobOptions, JobResult, Plan
    from lidar_label.jobs.job_config import JobConfig
    from lidar_label.jobs.job_progress import JobEvent
    from lidar_label.jobs.sources import Source

_EPILOG = """\
SOURCES are recordings (.h5), dataset folders, folders of either, patterns ('drives/*'), URLs
(s3://bucket/drives/*), and @FILE for a list of them. Interrupted or killed, the same command goes
on; what is finished is not done again. What cannot be read goes to DIR/quarantine with its reason,
and the job goes on. Exit codes: 0 all done, 1 something is in quarantine or would be, 2 bad input.
"""
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("sources", nargs="+", metavar="SOURCES", help="what to annotate")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    what = parser.add_argument_group("what is done to a recording")
    what.add_argument("--config", type=Path, metavar="FILE", help="settings of annotate")
    what.add_argument("--format", metavar="F", help="the sources' format (recognised)")
    what.add_argument(
        "--export", action="append", default=[], metavar="F", help="write this format (repeatable)"
    )
    what.add_argument("--report", action="store_true", help="a report of each recording")
    what.add_argument("--segment", action="store_true", help="activity windows where it has an IMU")
    what.add_argument("--model", type=Path, metavar="F", help="activity model that names windows")
    what.add_argument("--penalty", type=float, help="what a change of activity must save")
    what.add_argument(
        "--around",
        type=Path,
        metavar="LABELS_DIR",
        help="labels by people, which stay as they are: proposals are put around them",
    )
    what.add_argument(
        "--drop-recordings", action="store_true", help="do not keep recordings made by import"
    )
    how = parser.add_argument_group("how")
    how.add_argument("--workers", type=int, metavar="N", help="processes (default: one a core)")
    how.add_argument("--scheduler", metavar="tcp://…", help="run on this Dask cluster instead")
    how.add_argument("--memory", metavar="SIZE", help="for all processes, as 16G (default: free)")
    how.add_argument("--force", action="store_true", help="replace results made otherwise")
    how.add_argument("--retry", action="store_true", help="try again what is in quarantine")
    how.add_argument(
        "--no-verify", action="store_true", help="do not check recordings against their hash"
    )
    how.add_argument("--dry-run", action="store_true", help="say what would run, write nothing")
    seen = parser.add_argument_group("seen from outside")
    seen.add_argument(
        "--diff", type=Path, metavar="LABELS_DIR", help="compare with these labels in the end"
    )
    seen.add_argument("--metrics", metavar="PORT|FILE.prom", help="numbers for Prometheus")
    seen.add_argument("--price-per-hour", type=float, metavar="P", help="of one process")
    seen.add_argument("--currency", default="€", help="of the price")
    seen.add_argument(
        "--json", action="store_true", help="one JSON document a line for each event, then the last"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the job, or say what it would do."""
    config, options = _config(arguments), _options(arguments)
    from lidar_label.jobs.batch import plan_job, run_job
    from lidar_label.jobs.label_diff import LabelsFolder
    from lidar_label.jobs.sources import expand_sources

    others = LabelsFolder(arguments.diff) if arguments.diff else None
    sources = expand_sources(arguments.sources, arguments.format)
    if arguments.dry_run:
        return _say_plan(arguments, plan_job(sources, arguments.output, config, options))
    with ExitStack() as stack:
        listeners: list[Any] = [
            stack.enter_context(_lines() if arguments.json else _bar(len(sources)))
        ]
        if arguments.metrics:
            from lidar_label.jobs.metrics import Metrics

            listeners.append(stack.enter_context(Metrics(arguments.metrics)))
        stop = stack.enter_context(_stopped_by_signals())

        def listen(event: "JobEvent") -> None:
            for listener in listeners:
                listener(event)

        result = run_job(
            sources,
            arguments.output,
            config,
            options,
            listen=listen,
            cancelled=stop.is_set,
        )
    if result.cancelled:
        raise KeyboardInterrupt
    summary = _sum_up(arguments, sources, result, others)
    _tell(arguments, summary, result)
    return 0 if result.complete else 1


def _config(arguments: argparse.Namespace) -> "JobConfig":
    from lidar_label.annotation import AnnotationConfig, load_annotation_config
    from lidar_label.jobs.job_config import JobConfig

    if (arguments.model or arguments.penalty is not None) and not arguments.segment:
        raise UsageError("--model and --penalty are for --segment; add it")
    model = None
    if arguments.model:
        from lidar_label.activity_model import ActivityModel

        try:
            model = arguments.model.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            text = f"{arguments.model}: cannot be read ({error}); give a file of --save-model"
            raise UsageError(text) from error
        ActivityModel.from_json(model)  # refused now, not a thousand times later
    return JobConfig(
        annotation=load_annotation_config(arguments.config)
        if arguments.config
        else AnnotationConfig(),
        source_format=arguments.format,
        segment=arguments.segment,
        penalty=arguments.penalty,
        activity_model=model,
        exports=tuple(sorted(set(arguments.export))),
        report=arguments.report,
        keep_recordings=not arguments.drop_recordings,
    )


def _options(arguments: argparse.Namespace) -> "JobOptions":
    from lidar_label.jobs.batch import JobOptions
    from lidar_label.viewers.batch_report import write_recording_report

    if arguments.workers is not None and arguments.workers < 1:
        raise UsageError(f"--workers {arguments.workers}: give 1 or more")
    if arguments.workers is not None and arguments.scheduler:
        raise UsageError("--workers is for this machine; the cluster has its own, leave one out")
    return JobOptions(
        workers=arguments.workers,
        scheduler=arguments.scheduler,
        memory=_bytes(arguments.memory) if arguments.memory else None,
        replace=arguments.force,
        retry=arguments.retry,
        touched=arguments.around,
        verify=not arguments.no_verify,
        write_report=write_recording_report,
    )


def _bytes(text: str) -> int:
    number, unit = text.upper().removesuffix("B").removesuffix("I"), ""
    if number[-1:] in _UNITS and number[-1:]:
        number, unit = number[:-1], number[-1]
    try:
        size = float(number) * _UNITS[unit]
    except ValueError:
        size = 0.0
    if not 0 < size < float("inf"):
        raise UsageError(f"--memory {text}: write it as 16G or 500M")
    return int(size)


def _say_plan(arguments: argparse.Namespace, plan: "Plan") -> int:
    size = sum(task.source.size for task in plan.todo)
    refused = len(plan.otherwise) + len(plan.quarantined)
    if arguments.json:
        document = {
            "to_do": [
                {
                    "recording": task.source.name,
                    "uri": task.source.uri,
                    "sequence": task.source.sequence,
                    "files": task.source.files,
                    "bytes": task.source.size,
                }
                for task in plan.todo
            ],
            "already": plan.already,
            "made_otherwise": plan.otherwise,
            "quarantined": plan.quarantined,
            "bytes": size,
        }
        print(json.dumps(document))  # noqa: T201
        return 1 if refused else 0
    for task in plan.todo:
        print(f"would do   {task.source.name}  {task.source.size / 1e6:.1f} MB  {task.source.uri}")  # noqa: T201
    for word, names in (
        ("finished", plan.already),
        ("made with other settings", plan.otherwise),
        ("in quarantine", plan.quarantined),
    ):
        for name in names:
            print(f"{word}   {name}")  # noqa: T201
    print(  # noqa: T201
        f"{len(plan.todo)} to do ({size / 1e9:.2f} GB), {len(plan.already)} finished, "
        f"{len(plan.otherwise)} made with other settings, {len(plan.quarantined)} in quarantine"
    )
    return 1 if refused else 0


@contextmanager
def _stopped_by_signals() -> Generator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set: the job ends in order, and goes on when run again."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(_number: int, _frame: object) -> None:
        stop.set()

    former = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def _lines() -> Generator[Any]:
    """Prints each event as a line of JSON."""

    def listen(event: Any) -> None:
        print(json.dumps(event.document()), flush=True)  # noqa: T201

    yield listen


@contextmanager
def _bar(total: int) -> Generator[Any]:
    """A bar of recordings on a terminal; failures and retries as lines anywhere."""
    from tqdm import tqdm

    with tqdm(total=total, unit="rec", disable=None, file=sys.stderr) as bar:

        def listen(event: Any) -> None:
            now = event.progress
            if event.kind in ("failed", "retry"):
                what = "quarantined" if event.kind == "failed" else "again"
                tqdm.write(f"{what}: {event.name}: {event.fields['reason']}", file=sys.stderr)
            left = "?" if now.seconds_left is None else _clock(now.seconds_left)
            bar.set_postfix_str(
                f"{now.sweeps_per_second:.1f} sweeps/s, {left} left, {now.failed} failed, "
                f"{now.running} running",
                refresh=False,
            )
            bar.update(now.already + now.done + now.failed - bar.n)
            if event.kind != "step":
                bar.refresh()

        yield listen


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _sum_up(
    arguments: argparse.Namespace, sources: "list[Source]", result: "JobResult", others: Any
) -> dict[str, Any]:
    """Write summary.json and summary.html; compare with other labels if asked."""
    from lidar_label.datasets.remote_sources import raise_if_full
    from lidar_label.jobs.job_summary import Prices, compare_job, summarise_job
    from lidar_label.jobs.output_folder import write_json
    from lidar_label.viewers.batch_report import write_summary

    output: Path = arguments.output
    summary = summarise_job(
        output,
        names={source.name for source in sources},
        prices=Prices(arguments.price_per_hour, arguments.currency),
        elapsed=result.progress.seconds if result.progress.sweeps else None,
        processes=result.processes,
        sweeps=result.progress.sweeps,
        diffs=compare_job(output, sources, others) if others else None,
    )
    try:
        write_json(output / "summary.json", summary)
        write_summary(output, summary, output.absolute().name)
    except OSError as error:
        raise_if_full(error, output)
        raise UsageError(f"{output}: cannot be written ({error.strerror})") from error
    return summary


def _tell(arguments: argparse.Namespace, summary: dict[str, Any], result: "JobResult") -> None:
    page = arguments.output / "summary.html"
    if arguments.json:
        last = {key: value for key, value in summary.items() if key != "by_doubt"}
        document = {
            "event": "summary",
            "complete": result.complete,
            **last,
            "summary": str(arguments.output / "summary.json"),
            "report": str(page),
        }
        print(json.dumps(document))  # noqa: T201
        return
    now = result.progress
    print(  # noqa: T201
        f"{now.done} recordings done, {now.already} were finished, {now.failed} in quarantine; "
        f"{summary['cuboids']:,} cuboids in {summary['frames']:,} sweeps"
    )
    if now.sweeps:
        print(f"{now.sweeps} sweeps in {now.seconds:.1f} s, {now.sweeps_per_second:.1f} a second")  # noqa: T201
    if summary["diff"]:
        counts = ", ".join(f"{n} {key.replace('_', ' ')}" for key, n in summary["diff"].items())
        print(f"compared with {arguments.diff}: {counts}")  # noqa: T201
    for name, reason in list(result.failures.items())[:10]:
        print(f"quarantined: {name}: {reason}")  # noqa: T201
    print(f"report  {page}")  # noqa: T201
