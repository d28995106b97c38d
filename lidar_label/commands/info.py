"""`lidar-label info REC`: what a recording holds, as lines for people or one JSON document."""

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lidar_label.arrays import Ints
    from lidar_label.calibration.rig import Sensor
    from lidar_label.datasets.recording import Recording

_NS_PER_S = 1e9
_GAP_PERIODS = 1.5  # an interval this much longer than the median one lacks a sweep
_MOST_GAPS = 20
_A_DATE_NS = 10**17  # 1973; smaller times count from a recording's start


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("recording", metavar="REC", help="recording (.h5)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument(
        "--verify", action="store_true", help="read everything and compare its content hash"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the summary; a file that is no whole recording is an error of one line."""
    from lidar_label.datasets.recording import Recording

    with Recording(arguments.recording) as recording:
        if arguments.verify:
            recording.verify()
        summary = summarise(recording)
    summary["verified"] = bool(arguments.verify)
    text = json.dumps(summary, indent=2) if arguments.json else "\n".join(_lines(summary))
    print(text)  # noqa: T201
    return 0


def summarise(recording: "Recording") -> dict[str, Any]:
    """What a recording holds, as plain values: counts, times in ns and s, lengths in metres."""
    import numpy as np

    times: dict[str, Ints] = {}
    sensors: list[dict[str, Any]] = []
    for sensor in recording.rig:
        entry, times[sensor.name] = _sensor(recording, sensor)
        sensors.append(entry)
    trajectory = recording.trajectory
    spans = [t for t in times.values() if len(t)]
    if trajectory is not None:
        spans.append(trajectory.time_ns)
    start = min((int(t[0]) for t in spans), default=None)
    end = max((int(t[-1]) for t in spans), default=None)
    frame_times = np.array([frame.time_ns for frame in recording.frames], dtype=np.int64)
    ego = None
    if trajectory is not None:
        ego = {
            "poses": len(trajectory),
            "method": recording.ego_method,
            "rate_hz": _rate(trajectory.time_ns),
            "path_length_m": round(trajectory.length, 3),
            "frames_covered": int(trajectory.covers(frame_times).sum()),
        }
    return {
        "path": str(recording.path),
        "bytes": recording.path.stat().st_size,
        "content_hash": recording.content_hash,
        "format_version": recording.format_version,
        "created_by": recording.created_by,
        "source": recording.source,
        "origin": recording.origin.tolist(),
        "start_ns": start,
        "end_ns": end,
        "duration_s": None if start is None or end is None else (end - start) / _NS_PER_S,
        "frames": len(frame_times),
        "images": sum(entry["count"] for entry in sensors if entry["kind"] == "camera"),
        "sensors": sensors,
        "ego": ego,
    }


def _sensor(recording: "Recording", sensor: "Sensor") -> "tuple[dict[str, Any], Ints]":
    import numpy as np

    from lidar_label.calibration.rig import Camera, Imu, Lidar

    entry: dict[str, Any] = {"name": sensor.name, "kind": sensor.kind, "model": sensor.model}
    if isinstance(sensor, Imu):
        times = recording.imu(sensor.name).time_ns
        entry["channels"] = [
            f"{channel} ({unit})" if unit else channel
            for channel, unit in zip(sensor.channels, sensor.units, strict=True)
        ]
    elif isinstance(sensor, Camera):
        times = recording.image_times(sensor.name)
        entry["width"], entry["height"] = sensor.width, sensor.height
    else:
        times = recording.sweep_times(sensor.name)
        counts = recording.point_counts(sensor.name)
        entry["points"] = int(counts.sum())
        entry["points_per_sweep"] = int(np.median(counts)) if len(counts) else 0
        entry["empty_sweeps"] = int((counts == 0).sum())
        entry["dropped_non_finite"] = recording.dropped_points(sensor.name)
        if isinstance(sensor, Lidar):
            entry["motion_compensated"] = sensor.motion_compensated
    entry["count"] = len(times)
    entry["rate_hz"] = _rate(times)
    entry |= _gaps(times)
    entry["ego_from_sensor"] = sensor.ego_from_sensor.tolist()
    return entry, times


def _rate(times: "Ints") -> float | None:
    """Hertz by the median interval; None of fewer than two times or of equal ones."""
    import numpy as np

    period = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    return round(_NS_PER_S / period, 3) if period > 0 else None


def _gaps(times: "Ints") -> dict[str, Any]:
    """How often something is missing, for how long at most, and the first of these places."""
    import numpy as np

    intervals = np.diff(times)
    period = float(np.median(intervals)) if len(intervals) else 0.0
    at = np.nonzero(intervals > _GAP_PERIODS * period)[0] if period > 0 else intervals[:0]
    places = [
        {"after": int(i), "time_ns": int(times[i]), "seconds": int(intervals[i]) / _NS_PER_S}
        for i in at[:_MOST_GAPS]
    ]
    longest = int(intervals[at].max(initial=0)) / _NS_PER_S
    return {"gap_count": len(at), "longest_gap_s": longest, "gaps": places}


def _lines(summary: dict[str, Any]) -> list[str]:
    size = summary["bytes"] / 1e6
    lines = [
        f"{summary['path']}: {size:.1f} MB, format {summary['format_version']}, "
        f"by {summary['created_by']}",
        f"  source    {summary['source']}",
        f"  hash      {summary['content_hash']}" + (" (verified)" if summary["verified"] else ""),
    ]
    if summary["duration_s"] is not None:
        start = summary["start_ns"]
        begin = ""
        if start >= _A_DATE_NS:
            begin = f", from {datetime.fromtimestamp(start / _NS_PER_S, UTC):%Y-%m-%d %H:%M:%S} UTC"
        lines.append(f"  duration  {summary['duration_s']:.2f} s{begin}")
    lines.append(f"  frames    {summary['frames']}, images {summary['images']}")
    if any(summary["origin"]):
        lines.append(f"  origin    {' '.join(f'{value:.3f}' for value in summary['origin'])} m")
    ego = summary["ego"]
    if ego is None:
        lines.append("  ego       no poses")
    else:
        lines.append(
            f"  ego       {ego['poses']} poses{_at(ego['rate_hz'])}, {ego['path_length_m']:.1f} m "
            f"driven, {ego['frames_covered']} of {summary['frames']} frames covered"
        )
        if ego["method"]:
            lines.append(f"            {ego['method']}")
    for entry in summary["sensors"]:
        lines += _sensor_lines(entry)
    return lines


def _sensor_lines(entry: dict[str, Any]) -> list[str]:
    unit = {"camera": "images", "imu": "samples"}.get(entry["kind"], "sweeps")
    details = [f"{entry['count']} {unit}{_at(entry['rate_hz'])}"]
    if "points" in entry:
        details.append(f"{entry['points_per_sweep']} points a sweep")
        if entry["empty_sweeps"]:
            details.append(f"{entry['empty_sweeps']} of them empty")
        if entry["dropped_non_finite"]:
            details.append(f"{entry['dropped_non_finite']} non-finite points left out")
    if "width" in entry:
        details.append(f"{entry['width']} × {entry['height']}")
    if "channels" in entry:
        details.append(", ".join(entry["channels"]))
    if entry["gap_count"]:
        plural = "" if entry["gap_count"] == 1 else "s"
        details.append(f"{entry['gap_count']} gap{plural}, up to {entry['longest_gap_s']:.2f} s")
    model = f" [{entry['model']}]" if entry["model"] else ""
    return [f"  {entry['kind']:8}  {entry['name']}{model}: {'; '.join(details)}"]


def _at(rate_hz: float | None) -> str:
    return "" if rate_hz is None else f" at {rate_hz:g} Hz"
