"""`lidar-label calibrate REC`: whether sensors share a clock and sit where the rig says.

It stands here, not with the other commands: it reaches the report, and imports point left.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lidar_label.errors import UsageError

if TYPE_CHECKING:
    from lidar_label.sensor_clocks import SensorClock

_EPILOG = """\
--clocks compares how each IMU and LiDAR turns with how the ego does. Exit code 1: a clock is off by
more than --tolerance-ms.
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
        "--max-offset", type=float, default=1.0, metavar="S", help="seconds that are sought (1)"
    )
    parser.add_argument(
        "--tolerance-ms", type=float, default=5.0, metavar="MS", help="a clock may be off by it (5)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Check what is asked for; 1 where something is off."""
    if not arguments.clocks:
        raise UsageError("say what to check: --clocks")
    if not 0.05 <= arguments.max_offset <= 60:
        raise UsageError(f"--max-offset {arguments.max_offset:g}: give 0.05 to 60 seconds")
    from lidar_label.calibration.clocks import ClockConfig
    from lidar_label.datasets.recording import Recording
    from lidar_label.sensor_clocks import sensor_clocks

    with Recording(arguments.recording) as recording:
        clocks = sensor_clocks(recording, ClockConfig(max_offset_s=arguments.max_offset), _progress)
    off = [clock for clock in clocks if _is_off(clock, arguments.tolerance_ms / 1e3)]
    if arguments.json:
        print(json.dumps({"clocks": [_document(clock) for clock in clocks]}, indent=1))  # noqa: T201
    else:
        print("\n".join(map(_line, clocks)))  # noqa: T201
    return 1 if off else 0


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
    from dataclasses import asdict
    from math import isfinite

    values = asdict(clock.estimate)
    plain = {
        key: None if isinstance(value, float) and not isfinite(value) else value
        for key, value in values.items()
    }
    return {"sensor": clock.sensor, "kind": clock.kind, "reference": clock.reference, **plain}
