"""How fast each format is imported, beside plain reading of the same files."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lidar_label.benchmarks.rows import Row, more_is_better
from lidar_label.datasets.formats import export_labels, import_source, recognise
from lidar_label.datasets.recording import Recording
from lidar_label.datasets.simulation.drive import simulate
from lidar_label.datasets.simulation.suite import SimulationConfig

_REPEATS = 3
_SECONDS = 3.0  # of the simulated drive that formats without a real recording are made from
_REAL = (
    "kitti_object", "kitti_odometry_00", "kitti_raw_drive", "kitti_raw_sync", "view_of_delft",
    "sustechpoints", "argoverse2",
)  # fmt: skip
_MADE = ("nuscenes", "ros1", "ros2", "mcap")


def run(data: Path | None) -> list[Row]:
    """Megabytes of source files a second of processor time; poses are not estimated.

    Real recordings where there are some, and what our exports make of a simulated drive.
    """
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        for name, source in (*_real(data), *_made(Path(place))):
            files = [path for path in sorted(source.rglob("*")) if path.is_file()]
            megabytes = sum(path.stat().st_size for path in files) / 1e6
            out = Path(place) / "out.h5"
            ours = min(_import_s(source, out) for _ in range(_REPEATS))
            plain = min(_read_s(files) for _ in range(_REPEATS))
            what = f"{name}, {megabytes:.1f} MB"
            note = "processor time of this process and its threads, files in the page cache"
            rows.append(
                more_is_better(
                    what, megabytes / ours, "plain reading", megabytes / plain, "MB/s", note
                )
            )
    return rows


def _real(data: Path | None) -> Iterator[tuple[str, Path]]:
    for name in _REAL if data is not None else ():
        source = data / name if data is not None else Path()
        if source.is_dir():
            yield f"{recognise(source)} ({name})", source


def _made(place: Path) -> Iterator[tuple[str, Path]]:
    drive = simulate(place / "drive.h5", SimulationConfig(seconds=_SECONDS), workers=1)
    with Recording(drive.recording_path) as recording:
        for form in _MADE:
            export_labels(drive.labels, recording, form, place / form)
            yield f"{form} (simulated)", place / form


def _import_s(source: Path, out: Path) -> float:
    start = time.process_time()
    import_source(source, out, overwrite=True, poses=False)
    return time.process_time() - start


def _read_s(files: list[Path]) -> float:
    start = time.process_time()
    for path in files:
        path.read_bytes()
    return max(time.process_time() - start, 1e-6)
