"""Windows for other programs: CSV, Audacity labels, ELAN (text and EAF), Label Studio JSON."""

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lidar_label.datasets.export_names import WINDOW_FORMATS
from lidar_label.datasets.signals import NS_PER_S
from lidar_label.datasets.whole_files import written_whole
from lidar_label.datasets.windows import Windows, load_windows, save_windows
from lidar_label.elan_file import eaf_document
from lidar_label.errors import InvalidLabels, UsageError

LABEL_STUDIO = "label-studio"


def read_tags(path: str | Path, origin_ns: int = 0) -> Windows:
    """Read tagged windows from Parquet, CSV or an Audacity label track.

    Args:
        path: `.parquet`; `.csv` with the columns start_ns, end_ns, category, or start_s, end_s,
            category (seconds after the signal's start); `.txt` as Audacity exports label tracks.
        origin_ns: The signal's first time stamp, which seconds are counted from.

    Raises:
        InvalidLabels: naming file and line.
    """
    path = Path(path)
    if path.suffix == ".parquet":
        return load_windows(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidLabels(
            f"{path}: cannot be read as text ({error}); give CSV or Parquet"
        ) from None
    if path.suffix == ".txt":
        rows = [line.split("\t") for line in text.splitlines() if line and line[0] != "\\"]
        return _from_seconds(path, [(row, i) for i, row in enumerate(rows, start=1)], origin_ns)
    reader = csv.DictReader(io.StringIO(text))
    columns = reader.fieldnames or []
    for unit in ("ns", "s"):
        wanted = [f"start_{unit}", f"end_{unit}", "category"]
        if all(name in columns for name in wanted):
            rows = [([row[name] or "" for name in wanted], i) for i, row in enumerate(reader, 2)]
            if unit == "s":
                return _from_seconds(path, rows, origin_ns)
            return _from_rows(path, rows, lambda word: int(word))
    raise InvalidLabels(
        f"{path}: columns {', '.join(columns) or 'none'}; tags need start_s end_s category "
        "(or start_ns end_ns category)"
    )


def holds_windows(path: str | Path) -> bool:
    """True for a file of windows, or a folder that holds one; decided by columns, not by name."""
    path = Path(path)
    if path.is_dir():
        return any(holds_windows(file) for file in sorted(path.iterdir()) if file.is_file())
    if path.suffix == ".txt":
        return path.is_file()
    try:
        if path.suffix == ".csv":
            columns = path.open(encoding="utf-8").readline().strip().split(",")
        else:
            import pyarrow.parquet as pq

            columns = pq.read_schema(path).names
    except (OSError, ValueError):  # pyarrow's errors are ValueErrors; the reader will say more
        return False
    return "category" in columns and bool({"start_ns", "start_s"} & set(columns))


def write_windows(
    windows: Windows, path: str | Path, form: str, origin_ns: int = 0, source: str = ""
) -> None:
    """Write windows in one of `WINDOW_FORMATS`; times in seconds count from `origin_ns`.

    A Label Studio task names its signal by `source`, a URL or a path that its server can reach.

    Raises:
        UsageError: if the form is unknown.
    """
    if form not in WINDOW_FORMATS:
        raise UsageError(f"no window format {form!r}; use one of {', '.join(WINDOW_FORMATS)}")
    if form == "parquet":
        save_windows(windows, path)
        return
    if form == LABEL_STUDIO:
        text = _label_studio(windows, origin_ns, source)
    else:
        text = _WRITERS[form](windows, origin_ns)
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _from_seconds(path: Path, rows: list[tuple[list[str], int]], origin_ns: int) -> Windows:
    return _from_rows(path, rows, lambda word: origin_ns + round(float(word) * NS_PER_S))


def _from_rows(
    path: Path, rows: list[tuple[list[str], int]], time: Callable[[str], int]
) -> Windows:
    spans: list[tuple[int, int]] = []
    names: list[str] = []
    for row, line in rows:
        try:
            spans.append((time(row[0]), time(row[1])))
            names.append(row[2].strip())
        except (IndexError, ValueError, OverflowError):
            raise InvalidLabels(
                f"{path}: line {line}: {', '.join(row)!r} is no start, end, class"
            ) from None
        if spans[-1][1] < spans[-1][0]:
            raise InvalidLabels(f"{path}: line {line}: the window ends before it starts")
    ends = np.array(spans, dtype=np.int64).reshape(-1, 2)
    return Windows.of(ends[:, 0], ends[:, 1], category=np.array([*names, None], dtype=object)[:-1])


def _rows(windows: Windows, origin_ns: int) -> list[tuple[float, float, str, float, str]]:
    return [
        (
            (int(windows.start_ns[i]) - origin_ns) / NS_PER_S,
            (int(windows.end_ns[i]) - origin_ns) / NS_PER_S,
            str(windows.category[i]),
            float(windows.score[i]),
            str(windows.tier[i]),
        )
        for i in range(len(windows))
    ]


def _csv(windows: Windows, origin_ns: int) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["start_s", "end_s", "category", "score", "tier", "start_ns", "end_ns"])
    for i, (start, end, name, score, tier) in enumerate(_rows(windows, origin_ns)):
        shown = "" if math.isnan(score) else f"{score:.4f}"
        stamps = [int(windows.start_ns[i]), int(windows.end_ns[i])]
        writer.writerow([f"{start:.6f}", f"{end:.6f}", name, shown, tier, *stamps])
    return out.getvalue()


def _audacity(windows: Windows, origin_ns: int) -> str:
    return "".join(f"{a:.6f}\t{b:.6f}\t{name}\n" for a, b, name, _, _ in _rows(windows, origin_ns))


def _elan(windows: Windows, origin_ns: int) -> str:
    """Tier, begin and end in milliseconds, annotation: File > Import > CSV / Tab-delimited Text."""
    lines = [
        f"{tier}\t{round(a * 1000)}\t{round(b * 1000)}\t{name}\n"
        for a, b, name, _, tier in _rows(windows, origin_ns)
    ]
    return "Tier\tBegin Time - msec\tEnd Time - msec\tAnnotation\n" + "".join(lines)


def _label_studio(windows: Windows, origin_ns: int, source: str) -> str:
    """One task with its regions as a prediction.

    For a `TimeSeriesLabels` named `label` on a `TimeSeries` named `ts` with `value="$ts"`.
    """
    results = [
        {
            "id": f"w{i}",
            "from_name": "label",
            "to_name": "ts",
            "type": "timeserieslabels",
            "score": None if math.isnan(score) else round(score, 4),
            "value": {
                "start": a,
                "end": b,
                "instant": a == b,
                "timeserieslabels": [name],
            },
        }
        for i, (a, b, name, score, _) in enumerate(_rows(windows, origin_ns))
    ]
    task = {
        "data": {"ts": source},
        "predictions": [{"model_version": "lidar-label", "result": results}],
    }
    return json.dumps([task], indent=1) + "\n"


_WRITERS: dict[str, Callable[[Windows, int], str]] = {
    "csv": _csv,
    "audacity": _audacity,
    "elan": _elan,
    "eaf": eaf_document,
}
