"""A frame's points as columns for the browser: quantised, marked as ground, ordered by level."""

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats32, Ints, Points
from lidar_label.binary_columns import LEVELS, Column, encode
from lidar_label.datasets.recording import RadarSweep, Recording
from lidar_label.datasets.sweeps import NO_RING
from lidar_label.errors import UsageError
from lidar_label.kernels.ground import ground_mask
from lidar_label.viewers.api.point_levels import order_by_level

_LEAST_SCALE_M = 0.002  # ± 65 m in steps of 2 mm, a tenth of a LiDAR's noise …
_COARSEST_SCALE_M = 0.01  # … and up to ± 327 m in steps of 1 cm; what is larger goes as float32
_FEW_POINTS = 50  # fewer tell nothing of the ground
_TICK_NS = 10_000  # of a point's time: hundredths of a millisecond


def encode_frame(
    recording: Recording, index: int, *, sensors: tuple[str, ...], level: int, deskew: bool
) -> bytes:
    """The points of a frame's LiDARs in its ego frame, in the form of `binary_columns`.

    Args:
        recording: Where they are.
        index: Of the frame.
        sensors: Names of the LiDARs; all when empty.
        level: 0 for all points, up to 4 for fewer.
        deskew: As for `Recording.frame_points`.

    Raises:
        InvalidSource: if a sensor is unknown.
        UsageError: if the frame or the level is.
    """
    if not 0 <= level < LEVELS:
        raise UsageError(f"level {level}: there are 0 (all points) to {LEVELS - 1}")
    cloud = recording.frame_points(index, deskew=deskew, sensors=sensors)
    names = recording.lidars
    frame_ns = recording.frames[index].time_ns
    order, counts = order_by_level(cloud.xyz)
    rows = order[: counts[level]]
    xyz, origin = quantised(cloud.xyz)
    columns = [
        Column("xyz", xyz.values[rows], xyz.scale, xyz.bias),
        _intensity(cloud.intensity, rows),
        Column("ring", _ring(cloud.ring)[rows]),
        Column("sensor", cloud.sensor[rows]),
        Column("ground", _ground(cloud.xyz)[rows]),
        Column("time", _ticks(cloud.point_time_ns - frame_ns)[rows], _TICK_NS / 1e9),
    ]
    header = {
        "frame": index,
        "time_ns": str(frame_ns),
        "total": len(cloud),
        "level": level,
        "levels": counts,
        "origin": origin,
        "sensors": names,
    }
    return encode(header, columns)


def encode_radar(recording: Recording, index: int, sensor: str) -> bytes:
    """A radar's sweep of a frame in the ego frame: xyz, velocities in m/s and rcs where known.

    Raises:
        UsageError: if the frame has no sweep of it.
    """
    from lidar_label.calibration.rig import Radar
    from lidar_label.calibration.transforms import transform_points

    radar = recording.rig.get(sensor, Radar)
    frame = recording.frames[index]
    if sensor not in frame.sweeps:
        raise UsageError(f"frame {index} has no sweep of {sensor}")
    sweep = recording.radar_sweep(sensor, frame.sweeps[sensor])
    xyz = transform_points(radar.ego_from_sensor, sweep.xyz).astype(np.float32)
    header = {
        "frame": index,
        "time_ns": str(sweep.time_ns),
        "total": len(xyz),
        "level": 0,
        "origin": [0.0, 0.0, 0.0],
        "sensors": [sensor],
    }
    return encode(header, [Column("xyz", xyz), *_radar_columns(sweep)])


def quantised(xyz: Points) -> tuple[Column, list[float]]:
    """Points as int16 steps about the middle of their bounds, or float32 where they reach too far.

    Returns:
        The column, and the origin that its bias holds.
    """
    if len(xyz) == 0:
        return Column("xyz", np.zeros((0, 3), np.int16), _LEAST_SCALE_M), [0.0, 0.0, 0.0]
    low = np.array([column.min() for column in xyz.T], dtype=np.float64)  # axis=0 takes 10 × longer
    high = np.array([column.max() for column in xyz.T], dtype=np.float64)
    origin = np.round((low + high) / 2, 3)
    scale = max(float((high - low).max() / 2 + 0.001) / 32767, _LEAST_SCALE_M)
    if scale > _COARSEST_SCALE_M:
        return Column("xyz", np.ascontiguousarray(xyz)), [0.0, 0.0, 0.0]
    scale32, origin32 = np.float32(1 / scale), origin.astype(np.float32)
    steps = np.rint((xyz - origin32) * scale32).astype(np.int16)
    return Column("xyz", steps, scale, tuple(origin.tolist())), origin.tolist()


def _intensity(intensity: Floats32, rows: Ints) -> Column:
    """One byte: the source's own scale of 0–1, 0–255 or 0–65535 is told by the largest value."""
    largest = float(np.nanmax(intensity, initial=0.0, where=np.isfinite(intensity)))
    scale = 1 / 255 if largest <= 1 else 1.0 if largest <= 255 else 257.0
    known = np.nan_to_num(intensity[rows], nan=0.0)
    values = np.clip(np.rint(known / np.float32(scale)), 0, 255)
    return Column("intensity", values.astype(np.uint8), scale)


def _ring(ring: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """255 where a point has none; rings from 255 on share 254."""
    return np.where(ring == NO_RING, 255, np.minimum(ring, 254)).astype(np.uint8)


def _ground(xyz: Points) -> NDArray[np.uint8]:
    if len(xyz) < _FEW_POINTS:
        return np.zeros(len(xyz), dtype=np.uint8)
    return ground_mask(xyz).astype(np.uint8)


def _ticks(relative_ns: Ints) -> NDArray[np.int16]:
    return np.clip(np.rint(relative_ns / _TICK_NS), -32768, 32767).astype(np.int16)


def _radar_columns(sweep: RadarSweep) -> list[Column]:
    found = {
        "rcs": sweep.rcs,
        "velocity": sweep.radial_velocity,
        "velocity_compensated": sweep.radial_velocity_compensated,
    }
    return [Column(name, values) for name, values in found.items() if values is not None]
