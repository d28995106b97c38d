"""`lidar-label evaluate --tracking`: tracks against true ones, as figures or one JSON document."""

import json
from typing import TYPE_CHECKING, Any

from lidar_label.errors import InvalidLabels

if TYPE_CHECKING:
    from lidar_label.cuboids import Cuboids
    from lidar_label.evaluation import EvaluationConfig

_SHARES = ("sAMOTA", "AMOTA", "MOTA", "MOTP", "HOTA", "DetA", "AssA", "LocA")
_COUNTS = ("switches", "switches_with_gaps", "fragments", "false_positives", "missed", "truth")
_DEGREES = 57.29577951308232


def run_tracking(
    labels: "Cuboids",
    truth: "Cuboids",
    names: tuple[str, str],
    config: "EvaluationConfig",
    *,
    iou: float,
    as_json: bool,
) -> int:
    """Compare and print; `names` are the files of labels and truth.

    Raises:
        InvalidLabels: naming the file that has no tracks.
    """
    from lidar_label.tracking_metrics import evaluate_tracking

    for cuboids, name in zip((labels, truth), names, strict=True):
        if len(cuboids) and (cuboids.track_id < 0).all():
            raise InvalidLabels(f"{name}: no track_id; annotate without --no-track, or track first")
    figures = evaluate_tracking(labels, truth, config, iou=iou)
    if as_json:
        document = {"labels": names[0], "truth": names[1], **figures}
        print(json.dumps(document, indent=1, allow_nan=False))  # noqa: T201
    else:
        print("\n".join(render_tracking(figures)))  # noqa: T201
    return 0


def render_tracking(figures: dict[str, Any]) -> list[str]:
    """The figures as lines of text."""
    groups = {"all, whatever the class": figures["all"], **figures["classes"]}
    lines = [
        f"tracks, 3D IoU {figures['iou']:g}, in percent; MOTA, HOTA and counts at the best score",
        f"{'':<26}" + "".join(f"{name:>8}" for name in _SHARES),
    ]
    for name, row in groups.items():
        lines.append(f"{name:<26}" + "".join(f"{100 * row[key]:8.1f}" for key in _SHARES))
    heads = ("switch", "w. gaps", "fragm.", "wrong", "missed", "truth")
    lines += ["", f"{'':<26}" + "".join(f"{name:>8}" for name in heads)]
    for name, row in groups.items():
        lines.append(f"{name:<26}" + "".join(f"{row[key]:8d}" for key in _COUNTS))
    heads = ("length", "width", "height", "heading", "flips")
    lines += ["", f"{'jitter (rms)':<26}" + "".join(f"{name:>10}" for name in heads)]
    for name, row in groups.items():
        jitter = row["jitter"]
        sizes = "".join(f"{jitter[key]:8.3f} m" for key in heads[:3])
        lines.append(f"{name:<26}{sizes}{jitter['yaw'] * _DEGREES:9.2f}°{jitter['flips']:10d}")
    return lines
