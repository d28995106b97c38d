"""`lidar-label segment`: signals in, activity windows out, and a picture of both."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lidar_label.errors import UsageError

if TYPE_CHECKING:
    from lidar_label.datasets.signal_presets import SignalRecording
    from lidar_label.datasets.windows import Windows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="REC",
        help="a recording, or the signal files of one recording (CSV, Parquet, WAV, text)",
    )
    parser.add_argument("--tags", metavar="F", help="windows tagged by a person; all is classified")
    parser.add_argument("-o", "--output", metavar="WINDOWS", help="where to write (.parquet)")
    parser.add_argument(
        "--format", default="parquet", help="parquet, csv, audacity, elan or label-studio"
    )
    parser.add_argument(
        "--truth", metavar="F", help="the true windows (default: those that came with the signal)"
    )
    parser.add_argument("--picture", metavar="PNG", help="draw signal, windows and confusions")
    parser.add_argument("--penalty", type=float, help="what a change must save; lower finds more")
    parser.add_argument("--model", metavar="F", help="a model to use where there are no tags")
    parser.add_argument("--save-model", metavar="F", help="write the model that the tags gave")
    parser.add_argument("--layout", help="hapt, driving, gait or table; recognised when left out")
    parser.add_argument("--time-column", help="name of the column with the time")
    parser.add_argument("--time-unit", choices=("ns", "us", "ms", "s"))
    parser.add_argument("--rate", type=float, metavar="HZ", help="samples a second without times")
    parser.add_argument("--channels", help="columns to read, separated by commas")
    parser.add_argument(
        "--unit", action="append", default=[], metavar="CHANNEL=UNIT", help="as acc_x=g"
    )
    parser.add_argument("--force", action="store_true", help="overwrite the output")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Segment, write, report."""
    from lidar_label.activities import as_even
    from lidar_label.datasets.signal_presets import read_signals
    from lidar_label.window_files import FORMS, read_tags, write_windows

    if arguments.format not in FORMS:
        raise UsageError(f"--format {arguments.format}: use one of {', '.join(FORMS)}")
    output = Path(arguments.output) if arguments.output else _default_output(arguments)
    if output.exists() and not arguments.force:
        raise UsageError(f"{output} exists; name another with -o or overwrite it with --force")
    recording = read_signals(
        tuple(Path(source) for source in arguments.sources), _options(arguments), arguments.layout
    )
    even = as_even(recording.signals)
    tags = read_tags(arguments.tags, even.start_ns) if arguments.tags else None
    windows = _segment(arguments, recording, tags)
    truth = read_tags(arguments.truth, even.start_ns) if arguments.truth else recording.windows
    write_windows(windows, output, arguments.format, even.start_ns)
    if arguments.picture:
        from lidar_label.viewers.signal_pictures import draw_segmentation

        draw_segmentation(even, windows, Path(arguments.picture), truth)
    _report(arguments, recording, windows, truth, output)
    return 0


def _segment(
    arguments: argparse.Namespace, recording: "SignalRecording", tags: "Windows | None"
) -> "Windows":
    from lidar_label.activities import ChangePointConfig, as_even, change_points, windows_between
    from lidar_label.activity_classification import classify_windows, describe, tagged_rows
    from lidar_label.activity_model import ActivityModel, fit_activity_model

    even = as_even(recording.signals)
    if tags is None and not arguments.model:
        penalty = arguments.penalty or ChangePointConfig().penalty
        return windows_between(even, change_points(even, ChangePointConfig(penalty=penalty)))
    moments = describe(even)
    if tags is None:
        model = ActivityModel.from_json(_text(arguments.model))
    else:
        model = fit_activity_model(*tagged_rows(moments, tags))
    if arguments.save_model:
        Path(arguments.save_model).write_text(model.to_json(), encoding="utf-8")
    return classify_windows(moments, tags or _no_tags(), model=model)


def _no_tags() -> "Windows":
    from lidar_label.datasets.windows import Windows

    return Windows.empty()


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: cannot be read ({error}); give a file of --save-model"
        ) from error


def _options(arguments: argparse.Namespace) -> Any:
    from lidar_label.datasets.signal_files import SignalOptions

    units: dict[str, str] = {}
    for pair in arguments.unit:
        channel, equals, unit = pair.partition("=")
        if not equals:
            raise UsageError(f"--unit {pair}: write it as CHANNEL=UNIT, such as acc_x=g")
        units[channel] = unit
    return SignalOptions(
        time_column=arguments.time_column,
        time_unit=arguments.time_unit,
        rate_hz=arguments.rate,
        channels=tuple(arguments.channels.split(",")) if arguments.channels else (),
        units=units,
    )


def _default_output(arguments: argparse.Namespace) -> Path:
    ending = {"parquet": "parquet", "label-studio": "json", "csv": "csv"}.get(
        arguments.format, "txt"
    )
    source = Path(arguments.sources[0])
    return source.with_name(f"{source.stem}.windows.{ending}")


def _report(
    arguments: argparse.Namespace,
    recording: "SignalRecording",
    windows: "Windows",
    truth: "Windows | None",
    output: Path,
) -> None:
    from lidar_label.activity_evaluation import evaluate_windows

    agreement = dataclasses.asdict(evaluate_windows(windows, truth)) if truth is not None else None
    seconds: dict[str, float] = {}
    for i in range(len(windows)):
        name = str(windows.category[i]) or "segment"
        length = float(windows.end_ns[i] - windows.start_ns[i]) / 1e9
        seconds[name] = seconds.get(name, 0.0) + length
    notes = [f"{Path(s.source).name}: {n}" for s in recording.signals for n in s.notes]
    if arguments.json:
        content = {
            "output": str(output),
            "windows": len(windows),
            "seconds": seconds,
            "notes": notes,
            "agreement": agreement,
        }
        print(json.dumps(content))  # noqa: T201
        return
    lines = [*notes, f"{len(windows)} windows → {output}"]
    lines += [f"  {name:<28}{total:10.1f} s" for name, total in sorted(seconds.items())]
    if agreement:
        for name, value in agreement.items():
            if isinstance(value, float):
                lines.append(f"  {name:<28}{value:10.3f}")
    sys.stdout.write("\n".join(lines) + "\n")
