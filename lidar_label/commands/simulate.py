"""`lidar-label simulate OUT.h5`: a drive through a made-up town becomes a recording with truth."""

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from lidar_label.errors import UsageError

if TYPE_CHECKING:
    from lidar_label.datasets.simulation.drive import SimulationResult

_EPILOG = """\
Beside OUT.h5 stand OUT.labels.parquet, the true cuboids with tracks, and OUT.points.hdf5, the class
and track of every LiDAR point. The same options give the same bytes. See docs/simulation.md.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("out", metavar="OUT.h5", help="the recording to write")
    parser.add_argument("--seconds", type=float, default=20.0, help="of driving (20)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another drive (0)")
    parser.add_argument(
        "--beams", type=int, nargs="+", default=[64, 32], metavar="N",
        help="32, 64 or 128 for each LiDAR: roof, front, rear (64 32)",
    )  # fmt: skip
    parser.add_argument("--returns", type=int, default=1, help="echoes a beam, 1 or 2 (1)")
    parser.add_argument("--radars", type=int, default=2, help="front, rear, left, right (2)")
    parser.add_argument("--cameras", type=int, default=2, help="front, rear, left, right (2)")
    parser.add_argument(
        "--no-cameras", dest="cameras", action="store_const", const=0, help="none, which is faster"
    )
    parser.add_argument(
        "--image-size", default="640x400", metavar="WxH", help="pixels of an image (640x400)"
    )
    parser.add_argument(
        "--frames-per-second", type=float, default=10.0, help="turns of the LiDARs (10)"
    )
    parser.add_argument("--images-per-second", type=float, default=5.0, help="of each camera (5)")
    parser.add_argument("--workers", type=int, help="threads (one a core)")
    parser.add_argument("--force", action="store_true", help="replace OUT.h5 and what is beside it")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Simulate, and say what was written."""
    from tqdm import tqdm

    from lidar_label.datasets.simulation.drive import simulate
    from lidar_label.datasets.simulation.suite import SimulationConfig

    if arguments.workers is not None and arguments.workers < 1:
        raise UsageError(f"--workers {arguments.workers}: give at least 1")
    config = SimulationConfig(
        seconds=arguments.seconds,
        seed=arguments.seed,
        beams=tuple(arguments.beams),
        returns=arguments.returns,
        radars=arguments.radars,
        cameras=arguments.cameras,
        frames_per_second=arguments.frames_per_second,
        images_per_second=arguments.images_per_second,
        image_size=_size(arguments.image_size),
    )
    start = time.perf_counter()
    with tqdm(unit=" measurements", file=sys.stderr, desc="simulate", leave=False) as bar:

        def progress(done: int, expected: int) -> None:
            bar.total = expected
            bar.update(done - bar.n)

        result = simulate(
            arguments.out, config, overwrite=arguments.force, progress=progress,
            workers=arguments.workers,
        )  # fmt: skip
    seconds = time.perf_counter() - start
    if arguments.json:
        print(json.dumps(summary(result, seconds), indent=1))  # noqa: T201
    else:
        print("\n".join(render(result, seconds)))  # noqa: T201
    return 0


def summary(result: "SimulationResult", seconds: float) -> dict[str, Any]:
    """The result as the JSON document."""
    return {
        "recording": str(result.recording_path),
        "labels": str(result.labels_path),
        "point_labels": str(result.points_path),
        "sweeps": result.sweeps,
        "points": result.points,
        "images": result.images,
        "cuboids": len(result.labels),
        "tracks": _tracks(result),
        "metres": round(result.metres, 1),
        "seconds": round(seconds, 3),
    }


def render(result: "SimulationResult", seconds: float) -> list[str]:
    """The result in lines for people."""
    sweeps = ", ".join(f"{count} of {name}" for name, count in result.sweeps.items())
    size = result.recording_path.stat().st_size / 1e6
    return [
        f"{result.recording_path}: {result.metres:.0f} m driven, sweeps: {sweeps}; "
        f"{result.points:,} points, {result.images} images; {size:.1f} MB in {seconds:.1f} s",
        f"{result.labels_path}: {len(result.labels)} cuboids of {_tracks(result)} tracks",
        f"{result.points_path}: class and track of every LiDAR point",
    ]


def _tracks(result: "SimulationResult") -> int:
    return len(set(result.labels.track_id.tolist()))


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise UsageError(f"--image-size {text}: give width and height, such as 640x400")
    return int(width), int(height)
