"""Recordings as they are kept against no compression: size and speed on real sweeps."""

import tempfile
from pathlib import Path

from lidar_label.benchmarks.codecs import measure, real_sweeps
from lidar_label.benchmarks.rows import Row, less_is_better, more_is_better
from lidar_label.datasets.recording_layout import Codec, default_codec
from lidar_label.errors import UsageError


def run(data: Path | None) -> list[Row]:
    """The default codec beside none; `lidar_label.benchmarks.codecs` compares all codecs.

    Raises:
        UsageError: if there are no real sweeps.
    """
    if data is None:
        raise UsageError("no real sweeps; give --data a folder that holds some")
    chosen = default_codec()
    plain = Codec({}, chosen.chunk_rows, "none")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for sensor, sweeps in real_sweeps(data):
            ours, none = (measure(sensor, sweeps, codec, Path(folder)) for codec in (chosen, plain))
            peer = "no compression"
            rows += [
                more_is_better(f"{sensor}, smaller", ours.ratio, peer, none.ratio, "×"),
                more_is_better(f"{sensor}, read", ours.read_mb_s, peer, none.read_mb_s, "MB/s"),
                more_is_better(f"{sensor}, write", ours.write_mb_s, peer, none.write_mb_s, "MB/s"),
                less_is_better(f"{sensor}, one sweep", ours.sweep_ms, peer, none.sweep_ms, "ms"),
            ]
    return rows
