"""`lidar-label segment`: signals in, activity windows out, and a picture of both."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lidar_label.datasets.export_names import WINDOW_FORMATS, window_ending
from lidar_label.errors import InvalidLabels, UsageError
from lidar_label.viewers.signal_arguments import add_signal_arguments, signal_options

if TYPE_CHECKING:
    from lidar_label.activity_classification import Moments
    from lidar_label.activity_model import ActivityModel
    from lidar_label.calibration.trajectory import Trajectory
    from lidar_label.datasets.signal_presets import SignalRecording
    from lidar_label.datasets.signals import EvenSignal
    from lidar_label.datasets.windows import Windows
    from lidar_label.driving_motion import DrivingMotion


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="REC",
        help="a recording, or the signal files of one (CSV, Parquet, HDF5, WAV, text, a ROS bag)",
    )
    parser.add_argument("--tags", metavar="F", help="windows tagged by a person; all is classified")
    parser.add_argument("-o", "--output", metavar="WINDOWS", help="where to write (.parquet)")
    parser.add_argument(
        "--format",
        default="parquet",
        metavar="F",
        choices=WINDOW_FORMATS,
        help="|".join(WINDOW_FORMATS),
    )
    parser.add_argument(
        "--truth", metavar="F", help="the true windows (default: those that came with the signal)"
    )
    parser.add_argument("--picture", metavar="PNG", help="draw signal, windows and confusions")
    parser.add_argument(
        "--report", metavar="HTML", help="one page with signal, windows, boundaries and confusions"
    )
    parser.add_argument(
        "--penalty", type=float, metavar="X", help="the slider (1): half finds more, twice fewer"
    )
    parser.add_argument(
        "--layer",
        choices=("activity", "driving"),
        default=None,
        help="driving: stops, brakes, accelerations, turns, lane changes, from ego poses if there "
        "are any, else from the IMU (default: activity, driving for a recording without IMU)",
    )
    parser.add_argument(
        "--suggest", type=int, metavar="N", help="name the N windows to tag next, and why"
    )
    parser.add_argument(
        "--motifs", type=int, metavar="N", help="name the N pairs of 4 s that are most alike"
    )
    parser.add_argument(
        "--discords", type=int, metavar="N", help="name the N stretches of 4 s like no other"
    )
    parser.add_argument("--model", metavar="F", help="a model to use where there are no tags")
    parser.add_argument("--save-model", metavar="F", help="write the model that the tags gave")
    parser.add_argument(
        "--upright", action="store_true", help="as --frame upright: however the sensor was put on"
    )
    parser.add_argument(
        "--frame",
        choices=("sensor", "upright", "level"),
        default="sensor",
        help="upright: turned once, so that it does not matter how the sensor was put on; "
        "level: at every moment, so that it may be turned on the way, but postures look alike",
    )
    parser.add_argument(
        "--layout", help="hapt, driving, gait, recording, rosbag or table; else recognised"
    )
    add_signal_arguments(parser)
    parser.add_argument("--force", action="store_true", help="overwrite the output")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Segment, write, report."""
    from lidar_label.activities import as_even
    from lidar_label.datasets.signal_files import SignalOptions
    from lidar_label.datasets.signal_presets import read_signals
    from lidar_label.driving_windows import driving_windows
    from lidar_label.window_files import read_tags, write_windows

    output = Path(arguments.output) if arguments.output else _default_output(arguments)
    for place in (output, *([Path(arguments.report)] if arguments.report else [])):
        if place.exists() and not arguments.force:
            raise UsageError(f"{place} exists; name another or overwrite it with --force")
    recording = read_signals(
        tuple(Path(source) for source in arguments.sources),
        signal_options(arguments) or SignalOptions(),
        arguments.layout,
    )
    trajectory = _trajectory(recording, arguments)
    even = as_even(recording.signals) if recording.signals else None
    if even is not None:
        even = _in_frame(even, "upright" if arguments.upright else arguments.frame)
        origin = even.start_ns
    elif trajectory is not None:
        origin = int(trajectory.time_ns[0])
    else:
        raise UsageError(f"{arguments.sources[0]}: neither IMU nor ego poses; nothing to segment")
    tags = read_tags(arguments.tags, origin) if arguments.tags else None
    truth = read_tags(arguments.truth, origin) if arguments.truth else recording.windows
    notes: list[str] = [f"{Path(s.source).name}: {n}" for s in recording.signals for n in s.notes]
    if even is not None:
        notes += _repeats(even, arguments.motifs or 0, arguments.discords or 0)
    if arguments.layer == "driving" or even is None:
        motion = _motion(even, trajectory, notes)
        windows = driving_windows(motion)
        even = even or motion.as_signal()
    else:
        windows = _segment(arguments, even, tags, notes)
    write_windows(windows, output, arguments.format, origin, arguments.sources[0])
    _draw(arguments, even, windows, truth, notes)
    _report(arguments, notes, windows, truth, output)
    return 0


def _draw(
    arguments: argparse.Namespace,
    even: "EvenSignal",
    windows: "Windows",
    truth: "Windows | None",
    notes: list[str],
) -> None:
    """The report and the picture, where asked for."""
    if arguments.report:
        from lidar_label.viewers.signal_report import SignalReport, write_signal_report

        about = SignalReport(Path(arguments.sources[0]).name, tuple(notes))
        write_signal_report(even, windows, Path(arguments.report), about, truth)
    if arguments.picture:
        from lidar_label.viewers.signal_pictures import draw_segmentation

        draw_segmentation(even, windows, Path(arguments.picture), truth)


def _in_frame(even: "EvenSignal", frame: str) -> "EvenSignal":
    from lidar_label.signal_orientation import level, upright

    if frame == "sensor":
        return even
    return upright(even) if frame == "upright" else level(even)


def _trajectory(recording: "SignalRecording", arguments: argparse.Namespace) -> "Trajectory | None":
    if recording.layout != "recording":
        return None
    from lidar_label.datasets.recording import Recording

    with Recording(arguments.sources[0]) as source:
        return source.trajectory


def _motion(
    even: "EvenSignal | None", trajectory: "Trajectory | None", notes: list[str]
) -> "DrivingMotion":
    from lidar_label.driving_motion import motion_from_poses, motion_from_signal

    if trajectory is not None:
        motion = motion_from_poses(trajectory)
    else:
        assert even is not None  # `run` has seen to it
        motion = motion_from_signal(even)
    notes += motion.notes
    return motion


def _segment(
    arguments: argparse.Namespace, even: "EvenSignal", tags: "Windows | None", notes: list[str]
) -> "Windows":
    from lidar_label.activities import ChangePointConfig, change_points, windows_between
    from lidar_label.activity_classification import classify_windows, describe, fit_tags

    model = None
    moments = describe(even) if tags is not None or arguments.model or arguments.suggest else None
    if moments is not None and tags is not None:
        model = fit_tags(moments, tags)
    elif arguments.model:
        model = _model(arguments.model)
    if moments is not None and arguments.suggest:
        notes += _suggestions(moments, tags or _no_tags(), model, arguments.suggest)
    if moments is None or model is None:
        penalty = arguments.penalty or ChangePointConfig().penalty
        return windows_between(even, change_points(even, ChangePointConfig(penalty=penalty)))
    if arguments.save_model:
        Path(arguments.save_model).write_text(model.to_json(), encoding="utf-8")
    return classify_windows(moments, tags or _no_tags(), model=model)


def _suggestions(
    moments: "Moments", tags: "Windows", model: "ActivityModel | None", count: int
) -> list[str]:
    from lidar_label.activity_learning import suggest_next

    lines: list[str] = []
    for one in suggest_next(moments, tags, count=count, model=model):
        start, end = ((t - moments.even.start_ns) / 1e9 for t in (one.start_ns, one.end_ns))
        lines.append(f"tag next {start:.2f}–{end:.2f} s: {one.reason}")
    return lines


def _repeats(even: "EvenSignal", motifs: int, discords: int) -> list[str]:
    """What is done again and what is done once, in words."""
    import numpy as np

    from lidar_label.activity_motifs import find_discords, find_motifs

    found: list[tuple[str, Windows]] = []
    if motifs:
        found += [("motif", pair) for pair in find_motifs(even, motifs)]
    if discords:
        odd = find_discords(even, discords)
        found += [("discord", odd.select(np.array([i]))) for i in range(len(odd))]
    lines: list[str] = []
    for what, windows in found:
        start, end = ((int(t[0]) - even.start_ns) / 1e9 for t in (windows.start_ns, windows.end_ns))
        lines.append(f"{what} {start:.1f}–{end:.1f} s: {windows.reason[0]}")
    return lines


def _no_tags() -> "Windows":
    from lidar_label.datasets.windows import Windows

    return Windows.empty()


def _model(path: str) -> "ActivityModel":
    from lidar_label.activity_model import ActivityModel

    try:
        return ActivityModel.from_json(_text(path))
    except InvalidLabels as error:
        raise InvalidLabels(f"{path}: {error}; give a file of --save-model") from error


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: cannot be read ({error}); give a file of --save-model"
        ) from error


def _default_output(arguments: argparse.Namespace) -> Path:
    source = Path(arguments.sources[0])
    return source.with_name(f"{source.stem}.windows.{window_ending(arguments.format)}")


def _report(
    arguments: argparse.Namespace,
    notes: list[str],
    windows: "Windows",
    truth: "Windows | None",
    output: Path,
) -> None:
    from lidar_label.activity_evaluation import evaluate_windows

    agreement = (
        dataclasses.asdict(evaluate_windows(windows, truth))
        if truth is not None and len(truth)
        else None
    )
    seconds: dict[str, float] = {}
    for i in range(len(windows)):
        name = str(windows.category[i]) or "segment"
        length = float(windows.end_ns[i] - windows.start_ns[i]) / 1e9
        seconds[name] = seconds.get(name, 0.0) + length
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
