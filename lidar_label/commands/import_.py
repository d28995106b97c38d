"""`lidar-label import SOURCE OUT.h5`: a dataset's folder or file becomes a recording."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lidar_label.datasets.formats import ImportResult

_EPILOG = """\
The format is recognised from what the folder holds. Labels that come with the source are written
beside the recording as OUT.labels.parquet. Formats: kitti-object, kitti-tracking, kitti-odometry,
kitti-raw (kitti: whichever of these fits), view-of-delft, sustechpoints, argoverse2, points (a file
or folder of .pcd .ply .las .laz .bin .npy .npz).
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("source", help="folder or file of the dataset")
    parser.add_argument("out", metavar="OUT.h5", help="the recording to write")
    parser.add_argument("--format", metavar="F", help="the source's format (recognised)")
    parser.add_argument("--sequence", metavar="NAME", help="which one, if the source has several")
    parser.add_argument("--force", action="store_true", help="replace OUT.h5 and its labels")
    parser.add_argument(
        "--no-poses", action="store_true", help="do not estimate ego poses where there are none"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Import, and say what came in and what was odd."""
    from tqdm import tqdm

    from lidar_label.datasets.formats import import_source

    start = time.perf_counter()
    with tqdm(unit=" items", file=sys.stderr, desc="import", leave=False, delay=0.5) as bar:

        def progress(done: int, expected: int) -> None:
            bar.total = expected
            bar.update(done - bar.n)

        result = import_source(
            arguments.source,
            arguments.out,
            arguments.format,
            progress=progress,
            sequence=arguments.sequence,
            overwrite=arguments.force,
            poses=not arguments.no_poses,
        )
    seconds = time.perf_counter() - start
    if arguments.json:
        print(json.dumps(summary(result, seconds), indent=1))  # noqa: T201
    else:
        print("\n".join(render(result, seconds)))  # noqa: T201
    return 0


def summary(result: "ImportResult", seconds: float) -> dict[str, Any]:
    """The result as the JSON document."""
    labels = result.labels
    return {
        "recording": str(result.recording_path),
        "labels": None if result.labels_path is None else str(result.labels_path),
        "format": result.format,
        "sweeps": result.sweeps,
        "points": result.points,
        "images": result.images,
        "cuboids": 0 if labels is None else len(labels),
        "tracks": 0 if labels is None else _tracks(result),
        "warnings": result.warnings,
        "seconds": round(seconds, 3),
    }


def render(result: "ImportResult", seconds: float) -> list[str]:
    """The result in lines for people."""
    sweeps = ", ".join(f"{count} of {name}" for name, count in result.sweeps.items())
    images = f", {result.images} images" if result.images else ""
    size = _megabytes(result.recording_path)
    lines = [
        f"{result.recording_path}: {result.format}, sweeps: {sweeps}; {result.points:,} points"
        f"{images}; {size:.1f} MB in {seconds:.1f} s"
    ]
    if result.labels is not None:
        tracks = _tracks(result)
        with_tracks = f" of {tracks} tracks" if tracks else ""
        lines.append(f"{result.labels_path}: {len(result.labels)} cuboids{with_tracks}")
    return [*lines, *(f"warning: {line}" for line in result.warnings)]


def _tracks(result: "ImportResult") -> int:
    if result.labels is None:
        return 0
    return len(set(result.labels.track_id.tolist()) - {-1})


def _megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6
