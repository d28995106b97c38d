"""`lidar-label calibrate REC`: whether sensors share a clock and sit where the rig says.

It stands here, not with the other commands: it reaches the report, and imports point left.
"""

import argparse
import json
import sys
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lidar_label.errors import UsageError

if TYPE_CHECKING:
    from lidar_label.datasets.recording import Recording
    from lidar_label.sensor_clocks import SensorClock

_EPILOG = """\
--clocks compares how each IMU and LiDAR turns with how the ego does. --check lays every LiDAR on
the one with the most points, and that one's edges in depth on every camera's image; --report shows
it. Exit code 1: a clock is off by more than --tolerance-ms, or a sensor sits elsewhere than the rig
says. See docs/calibration.md.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("recording", type=Path, metavar="REC", help="the recording (.h5)")
    parser.add_argument(
        "--clocks", action="store_true", help="offset and drift of each sensor's clock by motion"
    )
    parser.add_argument(
        "--check", action="store_true", help="whether LiDARs and cameras sit where the rig says"
    )
    parser.add_argument(
        "--report",
        type=Path,
        nargs="?",
        const=Path(),
        metavar="DIR",
        help="of --check: a page that shows it (default folder: REC.calibration)",
    )
    parser.add_argument(
        "--write",
        type=Path,
        metavar="NEW.h5",
        help="of --check: write a recording with the corrected rig; REC stays as it is",
    )
    parser.add_argument("--force", action="store_true", help="replace NEW.h5")
    parser.add_argument(
        "--max-offset", type=float, default=1.0, metavar="S", help="seconds that are sought (1)"
    )
    parser.add_argument(
        "--tolerance-ms", type=float, default=5.0, metavar="MS", help="a clock may be off by it (5)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Check what is asked for; 1 where something is off."""
    if not (arguments.clocks or arguments.check):
        raise UsageError("say what to check: --clocks, --check or both")
    if (arguments.report or arguments.write) and not arguments.check:
        raise UsageError("--report and --write are of --check")
    if not 0.05 <= arguments.max_offset <= 60:
        raise UsageError(f"--max-offset {arguments.max_offset:g}: give 0.05 to 60 seconds")
    from lidar_label.datasets.recording import Recording

    document: dict[str, Any] = {}
    lines: list[str] = []
    wrong = False
    with Recording(arguments.recording) as recording:
        if arguments.clocks:
            wrong |= _check_clocks(recording, arguments, document, lines)
        if arguments.check:
            wrong |= _check_places(recording, arguments, document, lines)
    print(json.dumps(document, indent=1) if arguments.json else "\n".join(lines))  # noqa: T201
    return 1 if wrong else 0


def _check_clocks(
    recording: "Recording",
    arguments: argparse.Namespace,
    document: dict[str, Any],
    lines: list[str],
) -> bool:
    """Add what the clocks are to document and lines; True where one is off."""
    from lidar_label.calibration.clocks import ClockConfig
    from lidar_label.sensor_clocks import sensor_clocks

    clocks = sensor_clocks(recording, ClockConfig(max_offset_s=arguments.max_offset), _progress)
    document["clocks"] = [_document(clock) for clock in clocks]
    lines += map(_line, clocks)
    return any(_is_off(clock, arguments.tolerance_ms / 1e3) for clock in clocks)


def _check_places(
    recording: "Recording",
    arguments: argparse.Namespace,
    document: dict[str, Any],
    lines: list[str],
) -> bool:
    """Add where the sensors sit to document and lines; True where one sits elsewhere."""
    from lidar_label.datasets.recording_copy import copy_with_places
    from lidar_label.sensor_places import sensor_places
    from lidar_label.viewers.calibration_report import WORDS, write_calibration_report

    places = sensor_places(recording)
    document["places"] = [
        {
            "sensor": place.sensor,
            "kind": place.kind,
            "reference": place.reference,
            "verdict": place.verdict,
            "reason": place.reason,
            "ego_from_sensor": place.given.tolist(),
            "better": None if place.better is None else place.better.tolist(),
            "measures": {
                name: {key: value if isfinite(value) else None for key, value in figures.items()}
                for name, figures in place.measures.items()
            },
        }
        for place in places
    ]
    lines += [f"{place.sensor:12} {WORDS[place.verdict]}; {place.reason}" for place in places]
    better = {place.sensor: place.better for place in places if place.better is not None}
    if arguments.report is not None:
        rec: Path = arguments.recording
        folder = arguments.report if arguments.report.name else rec.with_suffix(".calibration")
        document["report"] = str(write_calibration_report(recording, places, folder))
        lines.append(f"report  {document['report']}")
    if arguments.write is not None and better:
        copy_with_places(recording, arguments.write, better, overwrite=arguments.force)
        document["written"] = str(arguments.write)
        lines.append(f"wrote   {arguments.write}, with {', '.join(better)} corrected")
    elif arguments.write is not None:
        lines.append("nothing to correct: nothing written")
    return bool(better)


def _progress(sensor: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{sensor}: sweep {done} of {total}", end=end, file=sys.stderr, flush=True)  # noqa: T201


def _is_off(clock: "SensorClock", tolerance_s: float) -> bool:
    """Off beyond the tolerance and beyond doubt."""
    found = clock.estimate
    sure = max(tolerance_s, 3 * found.offset_spread_s)
    return found.determined and abs(found.offset_s) > sure


def _line(clock: "SensorClock") -> str:
    found = clock.estimate
    if not found.determined:
        return f"{clock.sensor:12} against {clock.reference}: not determined, {found.reason}"
    text = (
        f"{clock.sensor:12} against {clock.reference}: "
        f"{found.offset_s * 1e3:+.2f} ± {found.offset_spread_s * 1e3:.2f} ms ahead, "
        f"drift {found.drift * 1e6:+.0f} ± {found.drift_spread * 1e6:.0f} ppm"
    )
    if found.gain < 0:
        text += "; it turns the other way: its z axis points down, or the rig is wrong"
    elif abs(found.gain - 1) > 0.05:
        text += f"; its rates are {found.gain:.3g} times the reference's: check the unit"
    return text


def _document(clock: "SensorClock") -> dict[str, Any]:
    values = asdict(clock.estimate)
    plain = {
        key: None if isinstance(value, float) and not isfinite(value) else value
        for key, value in values.items()
    }
    return {"sensor": clock.sensor, "kind": clock.kind, "reference": clock.reference, **plain}
