"""Which codec a recording's points are best kept in: size and speed on real sweeps.

`python -m lidar_label.benchmarks.codecs --data ../shared/data`. Every codec writes and reads the
same sweeps through `RecordingWriter` and `Recording`, so that HDF5's and h5py's own costs count.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from lidar_label.datasets.point_files import read_points
from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.datasets.recording_layout import Codec, default_codec
from lidar_label.errors import UsageError

Columns = dict[str, NDArray[Any]]
_TABLE = "{:24} {:36} {:>5} {:>10} {:>9} {:>8}"


@dataclass(frozen=True)
class Figures:
    """One codec on one sensor's sweeps; bytes are those of the points in memory.

    Attributes:
        sensor: Where the sweeps are from.
        codec: Filter and chunk.
        ratio: Bytes in memory over bytes in the file.
        write_mb_s: Megabytes a second, hash and closing included.
        read_mb_s: Megabytes a second, from the page cache.
        sweep_ms: Median milliseconds to read one sweep.
    """

    sensor: str
    codec: str
    ratio: float
    write_mb_s: float
    read_mb_s: float
    sweep_ms: float


def codecs(chunk_rows: int) -> tuple[Codec, ...]:
    """The codecs compared, with chunks of so many rows."""
    filters: dict[str, Any] = {
        "none": {},
        "gzip-4 + shuffle": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
        "lz4": hdf5plugin.LZ4(),
        "lz4 + shuffle": {**hdf5plugin.LZ4(), "shuffle": True},
        "lz4 + bitshuffle": hdf5plugin.Bitshuffle(cname="lz4"),
        "zstd-3": hdf5plugin.Zstd(clevel=3),
        "zstd-3 + shuffle": {**hdf5plugin.Zstd(clevel=3), "shuffle": True},
        "zstd-3 + bitshuffle": hdf5plugin.Bitshuffle(cname="zstd", clevel=3),
        "blosc lz4 + shuffle": hdf5plugin.Blosc("lz4", 7, hdf5plugin.Blosc.SHUFFLE),
        "blosc lz4 + bitshuffle": hdf5plugin.Blosc("lz4", 7, hdf5plugin.Blosc.BITSHUFFLE),
        "blosc lz4hc + shuffle": hdf5plugin.Blosc("lz4hc", 5, hdf5plugin.Blosc.SHUFFLE),
        "blosc zstd + shuffle": hdf5plugin.Blosc("zstd", 3, hdf5plugin.Blosc.SHUFFLE),
        "blosc2 lz4 + shuffle": hdf5plugin.Blosc2("lz4", 7, hdf5plugin.Blosc2.SHUFFLE),
        "blosc2 lz4 + bitshuffle": hdf5plugin.Blosc2("lz4", 7, hdf5plugin.Blosc2.BITSHUFFLE),
        "blosc2 zstd + shuffle": hdf5plugin.Blosc2("zstd", 3, hdf5plugin.Blosc2.SHUFFLE),
    }
    return tuple(Codec(options, chunk_rows, name) for name, options in filters.items())


def real_sweeps(data: Path) -> Iterator[tuple[str, list[Columns]]]:
    """Sensor and sweeps of the folders of real recordings that are there.

    Raises:
        UsageError: if none is.
    """
    kitti = sorted((data / "kitti_raw_drive/velodyne_points/data").glob("*.bin"))
    vod = sorted((data / "view_of_delft/lidar/training/velodyne").glob("*.bin"))
    argo = sorted(data.glob("argoverse2/*/sensors/lidar/*.feather"))
    if not (kitti or vod or argo):
        raise UsageError(f"{data}: none of the folders of real recordings is there; give --data")
    for name, files in (("KITTI HDL-64", kitti), ("View-of-Delft HDL-64", vod)):
        if files:
            yield name, [_from_bin(file) for file in files]
    if argo:
        yield "Argoverse 2, 2 × VLP-32", [_from_feather(file) for file in argo]


def _from_bin(path: Path) -> Columns:
    points = read_points(path)
    assert points.intensity is not None
    return {"xyz": points.xyz, "intensity": points.intensity}


def _from_feather(path: Path) -> Columns:
    import pyarrow.feather as feather

    table = feather.read_table(path)
    column = {name: table.column(name).to_numpy() for name in table.column_names}
    return {
        "xyz": np.column_stack([column[axis] for axis in "xyz"]).astype(np.float32),
        "intensity": column["intensity"].astype(np.float32),
        "ring": column["laser_number"].astype(np.uint16),
        "point_time_ns": int(path.stem) + column["offset_ns"].astype(np.int64),
    }


def measure(
    sensor: str, sweeps: Sequence[Columns], codec: Codec, folder: Path, repeats: int = 5
) -> Figures:
    """Write and read the sweeps, best of several."""
    path = folder / "codec.h5"
    megabytes = sum(column.nbytes for sweep in sweeps for column in sweep.values()) / 1e6
    write_s, read_s, sweep_s = [], [], []
    for _ in range(repeats):
        start = time.perf_counter()
        with RecordingWriter(path, source="codec benchmark", overwrite=True, codec=codec) as writer:
            writer.add_lidar("top", np.eye(4))
            for i, sweep in enumerate(sweeps):
                writer.append_sweep("top", i, **sweep)
        write_s.append(time.perf_counter() - start)
        with Recording(path) as recording:
            each = []
            for i in range(len(sweeps)):
                start = time.perf_counter()
                recording.sweep("top", i)
                each.append(time.perf_counter() - start)
        read_s.append(sum(each))
        sweep_s.append(statistics.median(each))
    return Figures(
        sensor=sensor,
        codec=f"{codec.name}, {codec.chunk_rows} rows",
        ratio=megabytes * 1e6 / path.stat().st_size,
        write_mb_s=megabytes / min(write_s),
        read_mb_s=megabytes / min(read_s),
        sweep_ms=min(sweep_s) * 1e3,
    )


def compare(data: Path, chunk_rows: Sequence[int], repeats: int = 5) -> list[Figures]:
    """All codecs at the first chunk size, and the default codec at the others too."""
    chosen = [
        *codecs(chunk_rows[0]),
        *(c for rows in chunk_rows[1:] for c in codecs(rows) if c.name == default_codec().name),
    ]
    with tempfile.TemporaryDirectory() as folder:
        return [
            measure(sensor, sweeps, codec, Path(folder), repeats)
            for sensor, sweeps in real_sweeps(data)
            for codec in chosen
        ]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the comparison as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="lidar_label.benchmarks.codecs", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--chunk-rows", type=int, nargs="+", default=[16384, 4096, 8192, 32768, 65536]
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    figures = compare(arguments.data, arguments.chunk_rows, arguments.repeats)
    if arguments.json:
        print(json.dumps([asdict(row) for row in figures], indent=2))  # noqa: T201
        return 0
    print(_TABLE.format("sensor", "codec", "ratio", "write MB/s", "read MB/s", "sweep ms"))  # noqa: T201
    for row in figures:
        numbers = (f"{row.ratio:.2f}", f"{row.write_mb_s:.0f}", f"{row.read_mb_s:.0f}")
        print(_TABLE.format(row.sensor, row.codec, *numbers, f"{row.sweep_ms:.2f}"))  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
