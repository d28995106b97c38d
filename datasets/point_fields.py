"""From a point file's named fields to points, intensity, ring and time, whatever it calls them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Floats32, Ints, Mask, Points, finite_rows
from lidar_label.datasets.sweeps import NO_RING
from lidar_label.errors import InvalidSource

_INTENSITY = ("intensity", "reflectance", "reflectivity", "remission", "scalar_intensity", "i")
_RING = ("ring", "laser_number", "laser_id", "channel", "beam", "scalar_ring")
_TIME = (
    *("point_time_ns", "offset_ns", "timestamp", "time", "t", "offset_time", "gps_time"),
    *("time_stamp", "scalar_timestamp"),
)
_MOST_RINGS = 4096
# A float32 resolves 1 mm up to 16 km; beyond that coordinates are taken to an origin of their own.
_FAR = 10_000.0
_LARGEST = 1e8  # metres; more than twice around the Earth is no coordinate


@dataclass(frozen=True, eq=False)
class PointFile:
    """The points of one file.

    Attributes:
        xyz: (N, 3) float32 metres, less `origin`; all finite.
        origin: (3,) float64 metres, 0 unless the coordinates are too large for float32.
        intensity: (N,) float32 as the file scales it, or None.
        ring: (N,) uint16, or None.
        point_time_ns: (N,) int64 nanoseconds, or None; since 1970 or since the sweep's own time.
        time_is_absolute: True if the times count from 1970.
        fields: All other fields, (N,) or (N, count), as they are stored.
        dropped_non_finite: Points left out for a coordinate that is not finite.
        viewpoint: (7,) x y z qw qx qy qz of a PCD that states one other than the identity; it has
            not been applied.
        warnings: Lines on what was odd.
    """

    xyz: Points
    origin: Floats
    intensity: Floats32 | None
    ring: NDArray[np.uint16] | None
    point_time_ns: Ints | None
    time_is_absolute: bool
    fields: Mapping[str, NDArray[Any]]
    dropped_non_finite: int
    viewpoint: Floats | None = None
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.xyz)


def points_from_fields(
    path: Path,
    fields: Mapping[str, NDArray[Any]],
    *,
    origin: Floats | None = None,
    viewpoint: Floats | None = None,
    warnings: Sequence[str] = (),
) -> PointFile:
    """Sort a file's fields into a `PointFile`; names count without regard to case.

    Raises:
        InvalidSource: if x, y or z is absent or holds no coordinates.
    """
    by_name = {name.lower(): name for name in list(fields)[::-1]}
    for axis in "xyz":
        if axis not in by_name:
            raise InvalidSource(
                f"{path}: no field {axis}; it has {', '.join(fields) or 'none'}, name its columns"
            )
        if fields[by_name[axis]].ndim != 1:
            raise InvalidSource(f"{path}: field {axis} has several values a point; give one")
    x, y, z = (fields[by_name[axis]] for axis in "xyz")
    exact = np.column_stack((x, y, z))
    if exact.dtype.kind in "iu":
        exact = exact.astype(np.float64)
    finite = finite_rows(exact)
    dropped = int(len(finite) - finite.sum())
    if dropped:
        exact = exact[finite]
    lines = list(warnings)
    _check_range(path, exact)
    shift = _origin(exact) if origin is None else np.array(origin, dtype=np.float64)
    xyz = (exact - shift if shift.any() else exact).astype(np.float32)
    rest = {key: rows[finite] if dropped else rows for key, rows in fields.items()}
    for axis in "xyz":
        del rest[by_name[axis]]
    intensity = _take(rest, by_name, _INTENSITY)
    ring = _take_ring(path, rest, by_name, lines)
    times, absolute = _take_time(path, rest, by_name, lines)
    if not len(finite):
        lines.append(f"{path}: no points")
    return PointFile(
        xyz=np.ascontiguousarray(xyz),
        origin=shift,
        intensity=None if intensity is None else intensity.astype(np.float32),
        ring=ring,
        point_time_ns=times,
        time_is_absolute=absolute,
        fields=rest,
        dropped_non_finite=dropped,
        viewpoint=viewpoint,
        warnings=tuple(lines),
    )


def no_points(path: Path) -> PointFile:
    """What an empty file holds."""
    nothing = np.zeros(0, dtype=np.float32)
    return points_from_fields(path, {"x": nothing, "y": nothing, "z": nothing})


def to_nanoseconds(values: NDArray[Any]) -> tuple[Ints, bool]:
    """Times as int64 nanoseconds, and whether they count from 1970.

    No format states the unit, so the size tells it. Since 1970: about 1.7e9 s, 1.7e12 ms, 1.7e15 µs
    or 1.7e18 ns, of any type. Since the sweep's start: integers are nanoseconds (Ouster, Livox,
    Argoverse 2); floats that span up to 10 are seconds (Velodyne), up to 1e4 ms, up to 1e7 µs, else
    nanoseconds.

    Raises:
        ValueError: if a value is not finite, or too large for any unit.
    """
    if not len(values):
        return np.zeros(0, dtype=np.int64), False
    low_end, high_end = float(values.min()), float(values.max())
    largest = max(abs(low_end), abs(high_end))
    if not largest < 9e18:
        raise ValueError(f"times from {low_end:g} to {high_end:g}")
    for low, high, scale in (
        (1e8, 1e10, 10**9),
        (1e11, 1e13, 10**6),
        (1e14, 1e16, 10**3),
        (1e17, 1e19, 1),
    ):
        since_1970 = low <= low_end and largest < high
        # A uint32 of Ouster reaches 1e8 ns in every sweep, so whole numbers below 1e11 are short.
        if since_1970 and (values.dtype.kind == "f" or low > 1e10):
            return _scaled(values, scale), True
    if values.dtype.kind in "iu":
        return values.astype(np.int64), False
    span = high_end - low_end
    scale = 10**9 if span <= 10 else 10**6 if span <= 1e4 else 10**3 if span <= 1e7 else 1
    return _scaled(values, scale), False


def _scaled(values: NDArray[Any], scale: int) -> Ints:
    if values.dtype.kind in "iu":
        return values.astype(np.int64) * scale
    # Whole and fractional parts apart: 1.7e18 ns does not fit into a float64's 53 bits.
    exact = values.astype(np.float64)
    whole = np.floor(exact)
    return whole.astype(np.int64) * scale + np.rint((exact - whole) * scale).astype(np.int64)


def _check_range(path: Path, xyz: NDArray[Any]) -> None:
    if len(xyz):
        far: Mask = np.asarray(np.abs(xyz) > _LARGEST)
        if far.any():
            row = int(np.argmax(far.any(axis=1)))
            raise InvalidSource(
                f"{path}: point {row} is {xyz[row].tolist()}, which is no place in metres; "
                "are its columns or its type others than stated?"
            )


def _origin(xyz: NDArray[Any]) -> Floats:
    if len(xyz):
        middle = np.median(xyz.astype(np.float64), axis=0)
        if np.abs(middle).max() > _FAR:
            return np.rint(middle)
    return np.zeros(3)


def _take(
    rest: dict[str, NDArray[Any]], by_name: Mapping[str, str], names: Sequence[str]
) -> NDArray[Any] | None:
    for name in names:
        original = by_name.get(name)
        if original in rest and rest[original].ndim == 1:
            return rest.pop(original)
    return None


def _take_ring(
    path: Path, rest: dict[str, NDArray[Any]], by_name: Mapping[str, str], lines: list[str]
) -> NDArray[np.uint16] | None:
    ring = _take(rest, by_name, _RING)
    if ring is None or not len(ring):
        return None if ring is None else ring.astype(np.uint16)
    known = ring[ring != NO_RING]  # unknown of some LiDARs in a cloud of several
    if not np.isfinite(known).all() or ((known < 0) | (known >= _MOST_RINGS)).any():
        lines.append(f"{path}: its rings run from {ring.min():g} to {ring.max():g}; left out")
        return None
    return ring.astype(np.uint16)


def _take_time(
    path: Path, rest: dict[str, NDArray[Any]], by_name: Mapping[str, str], lines: list[str]
) -> tuple[Ints | None, bool]:
    times = _take(rest, by_name, _TIME)
    if times is None:
        return None, False
    try:
        return to_nanoseconds(times)
    except ValueError as error:
        lines.append(f"{path}: its {error} are none; left out")
        return None, False
