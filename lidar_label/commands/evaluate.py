"""`lidar-label evaluate LABELS TRUTH`: figures for people, or one JSON document."""

import argparse
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lidar_label.errors import UsageError

if TYPE_CHECKING:
    from lidar_label.evaluation import Evaluation
    from lidar_label.evaluation_scores import Score

_METRICS = ("recall", "precision", "f1", "ap")
_REQUIREMENT = re.compile(
    r"(?P<metric>\w+)@(?P<iou>[0-9.]+)(?P<options>(/[^/=>]+)*)(=|>=)(?P<minimum>[0-9.]+)"
)
_EPILOG = """\
Rules: pairs are made greedily by score, as in the VOC, KITTI and COCO evaluators; AP is all-point
interpolation. Truths of an ignored class, with fewer than --min-points points or beyond --max-range
neither count as missed nor make a label wrong.

--require METRIC@IOU[/bev|/3d][/agnostic|/aware][/CLASS]=MINIMUM, METRIC one of recall precision f1
ap; bev and agnostic when left out. Exit code 1 when a requirement is not met.
Example: --require recall@0.5=0.5 --require ap@0.7/3d/aware/car=0.4

Windows are recognised by their columns (Parquet, CSV, Audacity labels); folders are compared file
by file. Time that the truth does not name is left out. --require FIGURE[/CLASS]=MINIMUM, FIGURE one
of accuracy macro_f1 f1 boundary_f1 edit_score covering segment_f1@10 @25 @50.
"""


@dataclass(frozen=True)
class Requirement:
    """A figure that must not be lower than a minimum."""

    text: str
    metric: str
    iou: float
    measure: str
    classes: str
    group: str
    minimum: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        "labels", help="labels to judge (.parquet); windows of activities, or a folder of them, too"
    )
    parser.add_argument("truth", help="what they should be (.parquet)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument(
        "--iou",
        type=float,
        nargs="+",
        default=[0.3, 0.5, 0.7],
        metavar="T",
        help="thresholds (0.3 0.5 0.7)",
    )
    parser.add_argument(
        "--min-points",
        type=int,
        default=1,
        metavar="N",
        help="ignore truths known to have fewer points (1)",
    )
    parser.add_argument(
        "--max-range",
        type=float,
        default=float("inf"),
        metavar="M",
        help="ignore truths beyond M metres",
    )
    parser.add_argument(
        "--ignore-class",
        action="append",
        default=[],
        metavar="NAME",
        help="ignore truths and labels of this class, besides DontCare; may be repeated",
    )
    parser.add_argument(
        "--align", choices=("auto", "frame", "time"), default="auto", help="how frames are paired"
    )
    parser.add_argument(
        "--frames",
        choices=("all", "truth"),
        default="all",
        help="truth: leave labels of frames without truth out, instead of calling them wrong",
    )
    parser.add_argument(
        "--recording", metavar="REC", help="count the truths' points in this recording"
    )
    parser.add_argument(
        "--seen-by",
        metavar="CAMERA",
        help="truth ends at this camera's image (KITTI, View of Delft): labels outside it are not "
        "wrong; needs --recording",
    )
    parser.add_argument(
        "--ontology", metavar="FILE", help="classes and synonyms (.yaml; default: road)"
    )
    parser.add_argument(
        "--person",
        metavar="REGEX",
        help="windows: what of a file's name says whose it is, as user[0-9]+; figures by person",
    )
    parser.add_argument(
        "--require", action="append", default=[], metavar="FIGURE=MIN", help="see below"
    )
    parser.add_argument(
        "--tracking",
        action="store_true",
        help="judge tracks instead: CLEAR-MOT, sAMOTA, HOTA, switches, fragments, jitter",
    )
    parser.add_argument(
        "--tracking-iou", type=float, default=0.25, metavar="T", help="3D IoU of a find (0.25)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; 1 when a requirement is not met."""
    from lidar_label.cuboids import load_cuboids
    from lidar_label.evaluation import EvaluationConfig, evaluate
    from lidar_label.ontology import load_ontology
    from lidar_label.window_files import holds_windows

    if holds_windows(arguments.labels):
        from lidar_label.commands import evaluate_windows

        return evaluate_windows.run(arguments)
    if arguments.seen_by and not arguments.recording:
        raise UsageError("--seen-by CAMERA needs --recording REC, which knows the camera")
    if arguments.tracking and (arguments.require or arguments.seen_by):
        raise UsageError("--tracking goes without --require and --seen-by, which are for boxes")
    if not 0 < arguments.tracking_iou <= 1:
        raise UsageError(f"--tracking-iou {arguments.tracking_iou:g}: give an IoU in (0, 1]")
    requirements = [_requirement(text) for text in arguments.require]
    config = EvaluationConfig(
        iou=tuple(sorted({*arguments.iou, *(r.iou for r in requirements)})),
        min_points=arguments.min_points,
        max_range=arguments.max_range,
        ignore_classes=("DontCare", *arguments.ignore_class),
        align=arguments.align,
        frames=arguments.frames,
        ontology=load_ontology(arguments.ontology) if arguments.ontology else None,
    )
    labels, truth = load_cuboids(arguments.labels), load_cuboids(arguments.truth)
    unlabelled = None
    if arguments.recording:
        from lidar_label.datasets.recording import Recording
        from lidar_label.in_recording import count_points, outside_image

        with Recording(arguments.recording) as recording:
            truth = count_points(truth, recording)
            if arguments.seen_by:
                unlabelled = outside_image(labels, recording, arguments.seen_by)
    if arguments.tracking:
        from lidar_label.commands.evaluate_tracking import run_tracking

        names, iou = (str(arguments.labels), str(arguments.truth)), arguments.tracking_iou
        return run_tracking(labels, truth, names, config, iou=iou, as_json=arguments.json)
    evaluation = evaluate(labels, truth, config, unlabelled=unlabelled)
    answers = [(r, _value(evaluation, r)) for r in requirements]
    met = [value >= r.minimum for r, value in answers]
    if arguments.json:
        document: dict[str, Any] = {"labels": arguments.labels, "truth": arguments.truth}
        document |= evaluation.as_json()
        document["requirements"] = [
            {
                "requirement": r.text,
                "value": value if value == value else None,  # NaN is not JSON
                "minimum": r.minimum,
                "met": ok,
            }
            for (r, value), ok in zip(answers, met, strict=True)
        ]
        print(json.dumps(document, indent=1, allow_nan=False))  # noqa: T201
    else:
        print("\n".join(render(evaluation)))  # noqa: T201
        for (r, value), ok in zip(answers, met, strict=True):
            print(f"{'met    ' if ok else 'NOT MET'}  {r.text}: {value:.3f}")  # noqa: T201
    return 0 if all(met) else 1


def _requirement(text: str) -> Requirement:
    match = _REQUIREMENT.fullmatch(text)
    if not match or match["metric"] not in _METRICS:
        raise UsageError(
            f"--require {text}: write METRIC@IOU[/3d][/aware][/CLASS]=MINIMUM with METRIC one of "
            f"{' '.join(_METRICS)}, like recall@0.5=0.5"
        )
    measure, classes, group = "bev", "agnostic", "all"
    for option in match["options"].split("/")[1:]:
        if option in ("bev", "3d"):
            measure = option
        elif option in ("agnostic", "aware"):
            classes = option
        else:
            group = option
    try:
        iou, minimum = float(match["iou"]), float(match["minimum"])
    except ValueError as error:
        raise UsageError(f"--require {text}: {error}") from error
    return Requirement(text, match["metric"], iou, measure, classes, group, minimum)


def _value(evaluation: "Evaluation", requirement: Requirement) -> float:
    row = evaluation.find(
        requirement.iou,
        measure=requirement.measure,
        classes=requirement.classes,
        by="all" if requirement.group == "all" else "class",
        group=requirement.group,
    )
    return float(getattr(row, requirement.metric))


def render(evaluation: "Evaluation") -> list[str]:
    """The figures as lines of text."""
    counts, config = evaluation.counts, evaluation.config
    ignored = sum(counts.truth_ignored.values())
    lines = [
        f"{counts.frames} frames (by {counts.aligned_by}), {counts.labels} labels, "
        f"{counts.truth} truths that count, {ignored} ignored"
        + (f" ({_listed(counts.truth_ignored)})" if ignored else ""),
    ]
    if counts.frames_without_truth:
        fate = "left out" if config.frames == "truth" else "their labels count as wrong"
        lines.append(f"{counts.frames_without_truth} frames have labels but no truth: {fate}")
    if config.min_points > 1 and counts.truth_points_unknown:
        lines.append(
            f"{counts.truth_points_unknown} truths do not say how many points they hold and count; "
            "--recording REC counts them"
        )
    lines += ["", _heading("")]
    for classes, measure in (("agnostic", "bev"), ("agnostic", "3d"), ("aware", "bev"), ("aware", "3d")):  # fmt: skip # noqa: E501
        for row in evaluation.scores:
            if (row.classes, row.measure, row.by) == (classes, measure, "all"):
                lines.append(_line(f"{measure.upper()} {row.iou:g}, class-{classes}", row))
    middle = config.iou[len(config.iou) // 2]
    for by, classes, title in (
        ("class", "aware", "by class"),
        ("distance", "agnostic", "by distance"),
        ("points", "agnostic", "by points"),
    ):
        lines += ["", _heading(f"{title}, BEV {middle:g}, class-{classes}")]
        for row in evaluation.scores:
            wanted = (row.by, row.classes, row.measure, row.iou) == (by, classes, "bev", middle)
            if wanted and row.truth + row.labels:
                lines.append(_line(row.group or "(no class)", row))
    if evaluation.errors:
        lines += ["", *_error_lines(evaluation)]
    best = evaluation.best_iou
    lines += ["", f"mean best IoU of a truth: {best['bev']:.3f} BEV, {best['3d']:.3f} 3D"]
    return lines


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} by {why}" for why, n in counts.items() if n)


def _heading(title: str) -> str:
    return f"{title:<42}  recall  precis      F1      AP    right/truth/labels"


def _line(name: str, row: "Score") -> str:
    figures = "  ".join(_number(v) for v in (row.recall, row.precision, row.f1, row.ap))
    return f"{name:<42}  {figures}    {row.right}/{row.truth}/{row.labels}"


def _number(value: float) -> str:
    return "     –" if value != value else f"{value:6.3f}"


def _error_lines(evaluation: "Evaluation") -> list[str]:
    lines = [
        f"median error of pairs, BEV ≥ {evaluation.config.error_iou:g}"
        "   pairs  centre       z  length   width  height  heading  mod 180°  reversed"
    ]
    for row in evaluation.errors:
        sizes = "".join(
            f"{spread.median:6.2f} m"
            for spread in (row.centre, row.centre_z, row.length, row.width, row.height)
        )
        degrees = 57.29577951308232
        lines.append(
            f"{row.group or '(no class)':<34}{row.pairs:6d}{sizes}"
            f"{row.heading.median * degrees:8.1f}°{row.heading_axis.median * degrees:9.1f}°"
            f"{row.reversed_share:9.0%}"
        )
    return lines
