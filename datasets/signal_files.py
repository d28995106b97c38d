"""Signals from files: CSV, Parquet, WAV, text, recordings; columns and units are recognised."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lidar_label.arrays import Floats, Ints
from lidar_label.datasets.signals import NS_PER_S, STANDARD_GRAVITY, Signal
from lidar_label.errors import InvalidSignal

if TYPE_CHECKING:
    import pandas as pd

_TIME_NAME = re.compile(
    r"time|stamp|^t$|nanos|epoch|seconds|sampletimefine|utc|clock", re.IGNORECASE
)
_SKIPPED_NAME = re.compile(r"packetcounter|^index$|^unnamed|^sample$|^row$|^id$", re.IGNORECASE)
_SENSORS = (
    ("acc", r"acc|accel|linear_acceleration|^a[xyz]$"),
    ("gyro", r"gyr|gyro|angular_velocity|angular_rate|rotation_?rate|omega|\bw[xyz]\b|^g[xyz]$"),
    ("mag", r"mag"),
)
_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_MAX_MEAN_ACCELERATION_G = 3.0  # a mean |acceleration| below this is in g, above it in m/s²


@dataclass(frozen=True)
class SignalOptions:
    """What a person says of a file where the reader need not guess.

    Attributes:
        time_column: Name of the column with the time; "" when samples are evenly spaced.
        time_unit: ns, us, ms or s; recognised from the size of the steps when None.
        rate_hz: Samples a second where there is no time column.
        channels: Columns to read, by their names in the file; all numeric ones when empty.
        units: Unit by channel, e.g. {"acc_x": "g"}; `g` and `deg/s` are converted.
        separator: Column separator of a text file; recognised when None.
        time_zone: Where the clock hung that wrote dates without one, as Europe/Berlin; UTC when
            None. Numbers and dates with an offset say it themselves.
    """

    time_column: str | None = None
    time_unit: str | None = None
    rate_hz: float | None = None
    channels: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict[str, str])
    separator: str | None = None
    time_zone: str | None = None


def read_signal(path: str | Path, options: SignalOptions | None = None) -> Signal:
    """Read one stream.

    Raises:
        InvalidSignal: naming the file and the remedy, if it cannot be read as a signal.
    """
    path = Path(path)
    options = options or SignalOptions()
    if not path.is_file():
        raise InvalidSignal(f"{path}: no such file; give a CSV, Parquet, WAV, text or HDF5 file")
    if path.stat().st_size == 0:
        raise InvalidSignal(f"{path}: the file is empty; record it again or leave it out")
    suffix = path.suffix.lower()
    if suffix == ".wav":
        return _read_wav(path)
    if suffix in {".h5", ".hdf5"}:
        from lidar_label.datasets.signal_hdf5 import read_hdf5_signal

        return read_hdf5_signal(path, options)
    return signal_from_table(read_table(path, options), str(path), options)


def read_table(path: Path, options: SignalOptions) -> "pd.DataFrame":
    """The columns of a text or Parquet file as they are, before anything is recognised.

    Raises:
        InvalidSignal: naming the file and the remedy.
    """
    try:
        parquet = path.suffix.lower() == ".parquet"
        return _read_parquet(path) if parquet else _read_text(path, options)
    except InvalidSignal:
        raise
    except Exception as error:  # each parser has its own family of errors
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InvalidSignal(f"{path}: cannot be read as a table ({reason})") from error


def signal_from_table(
    table: "pd.DataFrame", source: str, options: SignalOptions | None = None
) -> Signal:
    """Recognise time, channels and units in a table.

    Raises:
        InvalidSignal: if no numeric channel or no usable time is found.
    """
    options = options or SignalOptions()
    notes: list[str] = []
    table = table.rename(columns=str)
    if len(table) == 0:
        raise InvalidSignal(f"{source}: no rows; record it again or leave it out")
    time_name = _time_column(table, source, options)
    time_ns = _times(table, time_name, source, options, notes)
    names = _channel_columns(table, time_name, source, options)
    values = np.column_stack([_numbers(table, name) for name in names])
    time_ns, values = _rising(time_ns, values, notes)
    channels = canonical_names(names, source)
    units = [
        options.units.get(name, options.units.get(channel, ""))
        for name, channel in zip(names, channels, strict=True)
    ]
    values, units = standard_units(values, channels, units, notes)
    return Signal(time_ns, values, channels, units, source, tuple(notes))


def _read_text(path: Path, options: SignalOptions) -> "pd.DataFrame":
    import pandas as pd

    with path.open(encoding="utf-8", errors="replace") as file:
        head = [line for _, line in zip(range(3), file, strict=False)]
    if "\0" in "".join(head):
        raise InvalidSignal(f"{path}: a binary file, not text; give CSV, Parquet, WAV or HDF5")
    rate = re.match(r".*frequency\D*([\d.]+)\s*hz", head[0], re.IGNORECASE)
    skip = 1 if rate else 0
    if len(head) <= skip:
        raise InvalidSignal(f"{path}: no rows; record it again or leave it out")
    first = head[skip]
    separator = options.separator or next((s for s in ("\t", ",", ";") if s in first), r"\s+")
    named = any(
        re.search(r"[A-Za-z]{1}", cell) and not _is_number(cell)
        for cell in re.split(separator, first.strip())
    )
    table = pd.read_csv(
        path, sep=separator, skiprows=skip, header=0 if named else None, skipinitialspace=True
    )
    if not named:
        table.columns = [f"channel_{i}" for i in range(table.shape[1])]
    if rate:
        table.attrs["rate_hz"] = float(rate.group(1))
    return table


def _read_parquet(path: Path) -> "pd.DataFrame":
    import pyarrow.parquet as pq

    return pq.ParquetFile(path).read().to_pandas()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _time_column(table: "pd.DataFrame", source: str, options: SignalOptions) -> str:
    if options.time_column is not None:
        if options.time_column and options.time_column not in table.columns:
            raise InvalidSignal(
                f"{source}: no column {options.time_column!r}; it has {', '.join(table.columns)}"
            )
        return options.time_column
    if options.rate_hz:
        return ""
    named = [name for name in table.columns if _TIME_NAME.search(name)]
    # A column of whole nanoseconds beats a text of whole seconds: more distinct values win.
    named.sort(key=lambda name: -len(set(table[name].to_numpy().tolist())))
    return named[0] if named else ""


def _times(
    table: "pd.DataFrame", name: str, source: str, options: SignalOptions, notes: list[str]
) -> Ints:
    import pandas as pd

    if not name:
        rate = options.rate_hz or table.attrs.get("rate_hz")
        if not rate:
            raise InvalidSignal(
                f"{source}: no time column and no rate; name one with --time-column or --rate"
            )
        notes.append(f"samples taken as even at {rate:g} Hz")
        return np.rint(np.arange(len(table)) * (NS_PER_S / rate)).astype(np.int64)
    column = table[name]
    if column.dtype.kind == "M":
        notes.append(f"time from {name}")
        return _on_utc(column, name, source, options, notes)
    if column.dtype.kind not in "iuf":
        utc = options.time_zone is None
        parsed = pd.to_datetime(column, errors="coerce", utc=utc, format="mixed")
        if bool(parsed.isna().all()):
            raise InvalidSignal(
                f"{source}: column {name} holds no time; name one with --time-column"
            )
        notes.append(f"time from {name}, read as dates")
        return _on_utc(parsed, name, source, options, notes)
    numbers = column.to_numpy()
    unit = options.time_unit or _time_unit(name, numbers)
    if unit not in _UNIT_S:
        raise InvalidSignal(f"{source}: time unit {unit!r}; use one of {', '.join(_UNIT_S)}")
    notes.append(f"time from {name} in {unit}")
    factor = round(_UNIT_S[unit] * NS_PER_S)
    if numbers.dtype.kind in "iu":
        return numbers.astype(np.int64) * factor
    if not np.isfinite(numbers).all():
        raise InvalidSignal(f"{source}: column {name} has rows without a time; drop them")
    whole = np.floor(numbers)  # keeps nanoseconds that a float product would round away
    return whole.astype(np.int64) * factor + np.rint((numbers - whole) * factor).astype(np.int64)


def _on_utc(dates: Any, name: str, source: str, options: SignalOptions, notes: list[str]) -> Ints:
    """Nanoseconds UTC of dates; those without a zone are of the one that a person said."""
    from zoneinfo import ZoneInfo

    if bool(dates.isna().any()):
        row = int(np.argmax(dates.isna().to_numpy())) + 1
        raise InvalidSignal(f"{source}: column {name} holds no time in row {row}; drop that row")
    zoned = dates
    if dates.dt.tz is None and options.time_zone is not None:
        try:
            zone = ZoneInfo(options.time_zone)
        except (KeyError, ValueError, OSError) as error:
            raise InvalidSignal(
                f"{source}: time zone {options.time_zone!r} is unknown; give one as Europe/Berlin"
            ) from error
        try:
            zoned = dates.dt.tz_localize(zone, ambiguous="infer", nonexistent="shift_forward")
        except ValueError:  # the hour that comes twice, and nothing to tell which: standard time
            second = np.zeros(len(dates), dtype=np.bool_)
            zoned = dates.dt.tz_localize(zone, ambiguous=second, nonexistent="shift_forward")
        notes.append(f"dates read as of {options.time_zone}")
    if zoned.dt.tz is not None:
        zoned = zoned.dt.tz_convert("UTC").dt.tz_localize(None)
    return zoned.to_numpy("datetime64[ns]").astype(np.int64)


def _time_unit(name: str, numbers: Floats | Ints) -> str:
    """From the name, else the unit for which the median step is between 0.1 ms and 10 s."""
    for unit, pattern in (
        ("ns", r"nano|_ns\b|ns$"),
        ("us", r"micro|_us\b"),
        ("ms", r"milli|_ms\b"),
    ):
        if re.search(pattern, name, re.IGNORECASE):
            return unit
    steps = np.diff(numbers.astype(np.float64))
    steps = steps[steps > 0]
    step = float(np.median(steps)) if len(steps) else 1.0
    for unit in ("s", "ms", "us", "ns"):
        if 1e-4 <= step * _UNIT_S[unit] <= 2.0:
            return unit
    return "s"


def _channel_columns(
    table: "pd.DataFrame", time_name: str, source: str, options: SignalOptions
) -> list[str]:
    if options.channels:
        absent = [name for name in options.channels if name not in table.columns]
        if absent:
            raise InvalidSignal(
                f"{source}: no column {absent[0]!r}; it has {', '.join(table.columns)}"
            )
        return list(options.channels)
    names = [
        name
        for name in table.columns
        if name != time_name
        and not _TIME_NAME.search(name)
        and not _SKIPPED_NAME.search(name)
        and table[name].dtype.kind in "iuf"
    ]
    if not names:
        raise InvalidSignal(f"{source}: no numeric channel; name columns with --channels")
    return names


def _numbers(table: "pd.DataFrame", name: str) -> Floats:
    import pandas as pd

    return np.asarray(pd.to_numeric(table[name], errors="coerce"), dtype=np.float64)


def _rising(time_ns: Ints, values: Floats, notes: list[str]) -> tuple[Ints, Floats]:
    """Sort by time and keep the first of samples with the same stamp."""
    if len(time_ns) < 2 or (np.diff(time_ns) > 0).all():
        return time_ns, values
    order = np.argsort(time_ns, kind="stable")
    moved = int((np.diff(time_ns) < 0).sum())
    time_ns, values = time_ns[order], values[order]
    fresh = np.concatenate(([True], np.diff(time_ns) > 0))
    if moved:
        notes.append(f"{moved} samples stood before an earlier one and were sorted")
    if not fresh.all():
        notes.append(f"{int((~fresh).sum())} samples repeat a time stamp and were dropped")
    return time_ns[fresh], values[fresh]


def canonical_names(names: list[str], source: str) -> tuple[str, ...]:
    """`acc_x` for AccX, accelerometer.x, "Acceleration X (g)"; other names stay."""
    renamed: list[str] = []
    bare = [name.lower() for name in names] == ["x", "y", "z"]
    for name in names:
        axis = re.search(r"(?:^|[^a-z]|(?<=[a-z]))([xyz])(?:\b|_|$|[^a-z])", name, re.IGNORECASE)
        text = Path(source).stem if bare else name
        sensor = next((s for s, p in _SENSORS if re.search(p, text, re.IGNORECASE)), None)
        if bare and sensor is None:  # other languages: acelerometro, giroscopio
            sensor = next(
                (s for s, p in (("acc", "acel"), ("gyro", "giro")) if p in text.lower()), None
            )
        renamed.append(f"{sensor}_{axis.group(1).lower()}" if sensor and axis else name)
    return tuple(renamed) if len(set(renamed)) == len(renamed) else tuple(names)


def standard_units(
    values: Floats, channels: tuple[str, ...], units: list[str], notes: list[str]
) -> tuple[Floats, tuple[str, ...]]:
    """Acceleration to m/s², turn rates to rad/s."""
    values = values.copy()
    acc = [i for i, name in enumerate(channels) if re.fullmatch(r"acc_[xyz]", name)]
    gyro = [i for i, name in enumerate(channels) if re.fullmatch(r"gyro_[xyz]", name)]
    if len(acc) == 3:
        given = units[acc[0]]
        size = float(np.nanmedian(np.linalg.norm(values[:, acc], axis=1)))
        if given == "g" or (not given and 0.2 < size < _MAX_MEAN_ACCELERATION_G):
            values[:, acc] *= STANDARD_GRAVITY
            notes.append(f"acceleration read as g (median {size:.2f}) and turned into m/s²")
        for i in acc:
            units[i] = "m/s²"
    if len(gyro) == 3:
        given = units[gyro[0]]
        size = float(np.nanpercentile(np.abs(values[:, gyro]), 95))
        if given in {"deg/s", "°/s", "dps"} or (not given and size > 20.0):
            values[:, gyro] = np.radians(values[:, gyro])
            notes.append("turn rates read as °/s and turned into rad/s")
        for i in gyro:
            units[i] = "rad/s"
    return values, tuple(units)


def _read_wav(path: Path) -> Signal:
    import warnings

    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)
            rate, samples = wavfile.read(path)
    except (ValueError, EOFError, OSError, RuntimeError) as error:
        raise InvalidSignal(f"{path}: not a WAV file that can be read ({error})") from error
    full_scale = float(np.iinfo(samples.dtype).max) if samples.dtype.kind in "iu" else 1.0
    values: Any = np.asarray(samples, dtype=np.float64).reshape(len(samples), -1) / full_scale
    time_ns = np.rint(np.arange(len(values)) * (NS_PER_S / rate)).astype(np.int64)
    names = tuple(f"audio_{i}" for i in range(values.shape[1]))
    return Signal(time_ns, values, names, ("",) * len(names), str(path), (f"audio, {rate} Hz",))
