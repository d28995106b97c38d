"""`lidar-label annotate REC`: cuboids with tracks beside the recording, and a report if asked for.

It stands here, not with the other commands: it reaches the report, and imports point left.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lidar_label.errors import UsageError

if TYPE_CHECKING:
    from lidar_label.annotation import Annotation, AnnotationConfig, Progress

_MANY_FRAMES = 40  # from here on a second process is worth its start


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("recording", type=Path, help="the recording (.h5)")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="LABELS",
        help="label file to write (default: RECORDING.proposals.parquet beside the recording)",
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings (.yaml, .toml, .json)"
    )
    parser.add_argument(
        "--report",
        nargs="?",
        const="",
        metavar="DIR",
        help="write report.html and pictures (default folder: LABELS.report)",
    )
    parser.add_argument(
        "--truth",
        type=Path,
        metavar="LABELS",
        help="for the report, what the labels should be "
        "(default: RECORDING.labels.parquet where it stands beside the recording)",
    )
    parser.add_argument(
        "--seen-by",
        metavar="CAMERA",
        help="for the report: the truth ends at this camera's image (KITTI, View of Delft)",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: by cores)")
    parser.add_argument("--no-track", action="store_true", help="leave the frames' boxes unlinked")
    parser.add_argument(
        "--preview", action="store_true", help="tracks as known frame by frame, not refined"
    )
    parser.add_argument("--detector", metavar="NAME", help="find boxes with a plugged-in detector")
    parser.add_argument(
        "--detector-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="for the detector's factory; may be repeated",
    )
    parser.add_argument(
        "--detections",
        type=Path,
        metavar="FILE",
        help="track boxes that another found: KITTI .txt, nuScenes .json, Argoverse 2 .feather",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace labels made with other settings"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Annotate; an interrupted run goes on where it stopped."""
    if (arguments.truth or arguments.seen_by) and arguments.report is None:
        raise UsageError(
            "--truth and --seen-by are for --report; to compare labels use `lidar-label evaluate`"
        )
    if arguments.workers is not None and arguments.workers < 1:
        raise UsageError(f"--workers {arguments.workers}: give 1 or more")
    from lidar_label.annotation import AnnotationConfig, load_annotation_config
    from lidar_label.annotation_file import annotate_to_file
    from lidar_label.compiling import announce_compiling
    from lidar_label.cuboids import load_cuboids
    from lidar_label.datasets.recording import Recording
    from lidar_label.detections import read_detections

    config = load_annotation_config(arguments.config) if arguments.config else AnnotationConfig()
    if arguments.no_track:
        config = replace(config, track=False)
    config = _as_asked(config, arguments)
    recording: Path = arguments.recording
    with Recording(recording) as opened:
        frames = opened.frame_count
        given: Path | None = arguments.detections
        detections = read_detections(given, opened) if given else None
    out: Path = arguments.output or recording.with_name(f"{recording.stem}.proposals.parquet")
    workers = arguments.workers or (min(2, os.cpu_count() or 1) if frames >= _MANY_FRAMES else 1)
    try:
        with (
            _bar() as (progress, say),
            announce_compiling(lambda: say("compiling kernels (first run only) …")),
        ):
            annotation = annotate_to_file(
                recording,
                out,
                config,
                force=arguments.force,
                workers=workers,
                progress=progress,
                detections=detections,
            )
    except KeyboardInterrupt:
        print(  # noqa: T201
            "lidar-label annotate: interrupted; finished frames are kept, run it again to go on",
            file=sys.stderr,
        )
        return 130
    report = None
    if arguments.report is not None:
        directory = Path(arguments.report or out.with_name(f"{out.stem}.report"))
        truth, camera = arguments.truth, arguments.seen_by
        report = _report(recording, out, directory, truth, camera, annotation, config)
    labels = annotation.cuboids if annotation else load_cuboids(out)
    _tell(arguments.json, out, labels, frames, annotation, report)
    return 0


def _as_asked(config: "AnnotationConfig", arguments: argparse.Namespace) -> "AnnotationConfig":
    """The settings with what the command line says about tracks and detectors."""
    if arguments.preview:
        config = replace(config, refine=False)
    if arguments.detector and arguments.detections:
        raise UsageError("--detector and --detections: give one of them")
    if arguments.detector_option and not arguments.detector:
        raise UsageError("--detector-option is for --detector NAME")
    if arguments.detector:
        options = dict(_option(text) for text in arguments.detector_option)
        config = replace(config, detector=arguments.detector, detector_options=options)
    return config


def _option(text: str) -> tuple[str, Any]:
    """KEY=VALUE; a value that is JSON (a number, true) is taken as such."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise UsageError(f"--detector-option {text}: write KEY=VALUE")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


@contextmanager
def _bar() -> Generator[tuple["Progress", Callable[[str], None]]]:
    """A progress bar a stage on a terminal, nothing elsewhere; and a way to print beside it."""
    from tqdm import tqdm

    bars: dict[str, Any] = {}

    def progress(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            bars[stage] = tqdm(
                total=total, initial=done, desc=stage, unit="frame", disable=None, file=sys.stderr
            )
        bars[stage].update(done - bars[stage].n)

    def say(text: str) -> None:
        tqdm.write(text, file=sys.stderr)

    try:
        yield progress, say
    finally:
        for bar in bars.values():
            bar.close()


def _report(
    recording: Path,
    out: Path,
    directory: Path,
    truth: Path | None,
    camera: str | None,
    annotation: "Annotation | None",
    config: "AnnotationConfig",
) -> Path:
    from lidar_label.cuboids import load_cuboids
    from lidar_label.datasets.recording import Recording
    from lidar_label.viewers.report import write_report

    beside = recording.with_name(f"{recording.stem}.labels.parquet")
    source = truth or (beside if beside.is_file() and beside != out else None)
    with Recording(recording) as opened:
        return write_report(
            opened,
            load_cuboids(out),
            directory,
            truth=load_cuboids(source) if source else None,
            truth_camera=camera,
            annotation=annotation,
            ontology=config.proposals.ontology,
        )


def _tell(
    as_json: bool,
    out: Path,
    labels: Any,
    frames: int,
    annotation: "Annotation | None",
    report: Path | None,
) -> None:
    import numpy as np

    names, counts = np.unique(labels.category.astype(str), return_counts=True)
    classes = {str(name): int(n) for name, n in zip(names, counts, strict=True)}
    tracks = len(np.unique(labels.track_id[labels.track_id >= 0]))
    notes = list(annotation.notes) if annotation else []
    if as_json:
        document: dict[str, Any] = {
            "labels": str(out),
            "already_done": annotation is None,
            "frames": frames,
            "frames_resumed": annotation.frames_resumed if annotation else frames,
            "cuboids": len(labels),
            "tracks": tracks,
            "classes": classes,
            "notes": notes,
            "report": str(report) if report else None,
        }
        if annotation:
            timed = annotation.frame_seconds[np.isfinite(annotation.frame_seconds)]
            document["median_frame_ms"] = float(np.median(timed) * 1e3) if len(timed) else None
            document["track_s"] = annotation.track_seconds
        print(json.dumps(document, indent=1))  # noqa: T201
        return
    kinds = ", ".join(f"{n} {name or 'unnamed'}" for name, n in classes.items()) or "nothing"
    if annotation is None:
        print(f"{out} is already there, made from this recording with these settings")  # noqa: T201
    elif annotation.frames_resumed:
        print(f"went on after {annotation.frames_resumed} of {frames} frames")  # noqa: T201
    for note in notes:
        print(f"note: {note}")  # noqa: T201
    print(f"{frames} frames: {len(labels)} cuboids ({kinds}), {tracks} tracks")  # noqa: T201
    print(f"labels  {out}")  # noqa: T201
    if report:
        print(f"report  {report}")  # noqa: T201
