"""Writes a recording and its labels as a KITTI raw drive (synchronised: file n is frame n's).

The Velodyne's frame is the recording's ego frame. Sweeps of one LiDAR in the ego's place whose
points were seen when KITTI's laser would have seen them are written as they were scanned; all
others merged over the LiDARs and moved to their frame's time, which then is their start and end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints, Points, Transform
from lidar_label.calibration.rig import Camera, Imu, Lidar
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.datasets.export_folder import not_exported
from lidar_label.datasets.intake import Cloud
from lidar_label.datasets.kitti_calibration import (
    KittiCalibration,
    inverse,
    write_raw_calibration,
)
from lidar_label.datasets.kitti_export import AXES, forward_camera, seen_by
from lidar_label.datasets.kitti_raw import CAMERA_FOLDERS, laser_share
from lidar_label.datasets.kitti_tracklets import FILE, STATES, write_tracklets
from lidar_label.datasets.oxts import oxts_lines
from lidar_label.datasets.recording import Frame, Recording, Sweep
from lidar_label.datasets.sweeps import NO_RING

HELD = ("category", "time_ns")
_PARALLEL = 1e-4  # radians between rectified cameras, 0.1 pixels of KITTI's
_AS_SCANNED_NS = 100_000  # off the turning laser's time; 3 mm at 30 m/s
_MOMENT_NS = 1_000  # before and after: start and end of a sweep whose points are of one moment
_LONGEST_TURN_NS = 500_000_000
_FORCE = (("acceleration_", "accel_", "acc_"), ("m/s^2", "m/s²"))
_RATES = (("angular_rate_", "gyro_"), ("rad/s",))
_FREE = ("image_02", "image_03", "image_00", "image_01")  # the colour cameras first


@dataclass(frozen=True, eq=False)
class _Rig:
    """Cameras by KITTI's folder, the unit that oxts stands for, and what has no place."""

    calibration: KittiCalibration
    cameras: dict[str, Camera]
    seeing: Camera | None
    imu: Imu | None
    lost: list[str]


def write_raw(cuboids: Cuboids, recording: Recording, place: Path) -> list[str]:
    """Write <date>/<date>_drive_0001_sync and the date's calib_*.txt; returns what was lost."""
    frames = recording.frames
    times = np.array([frame.time_ns for frame in frames], dtype=np.int64)
    date = str((times[:1] if len(times) else np.zeros(1, np.int64)).astype("M8[ns]")[0])[:10]
    base = place / date.replace("-", "_")
    drive = base / f"{base.name}_drive_0001_sync"
    rig = _rig(recording)
    drive.mkdir(parents=True)
    write_raw_calibration(base, rig.calibration)
    lost = not_exported(cuboids, HELD, tuple(STATES))
    lost += write_tracklets(cuboids, seen_by(rig.seeing, cuboids, recording), drive / FILE)
    lost += _write_sweeps(recording, drive / "velodyne_points")
    lost += rig.lost
    for name, camera in rig.cameras.items():
        if not len(recording.image_times(camera.name)):
            continue
        lost += _write_images(recording, camera.name, drive / name)
    _write_oxts(recording, rig.imu, times, drive / "oxts")
    others = [*recording.radars, *(n for n in recording.imus if not rig.imu or n != rig.imu.name)]
    lost += [f"sensor {name!r}: no place for it" for name in others]
    return lost


def timestamp_lines(times: Ints) -> str:
    """Lines as KITTI writes them, `2011-09-26 13:04:32.349659964`."""
    stamps = np.asarray(times, dtype=np.int64).astype("M8[ns]").astype(str)
    return "".join(stamp.replace("T", " ") + "\n" for stamp in stamps.tolist())


def _rig(recording: Recording) -> _Rig:
    """KITTI's own cameras, else the one that looks forward and those parallel to it."""
    rig = recording.rig
    cameras = [rig.camera(name) for name in recording.cameras]
    own = {f"image_{i}": f"image_{i:02d}" for i in range(4)} | {n: n for n in CAMERA_FOLDERS}
    named = {own[camera.name]: camera for camera in cameras if camera.name in own}
    reference = named[min(named)] if named else forward_camera(cameras)
    free = [name for name in _FREE if name not in named]
    placed: dict[str, Camera] = {}
    lost: list[str] = []
    for camera in sorted(cameras, key=lambda camera: camera is not reference):
        parallel = reference is not None and _angle(camera, reference) <= _PARALLEL
        name = own.get(camera.name) or (free.pop(0) if parallel and free else None)
        if not parallel or name is None:
            lost.append(f"camera {camera.name!r}: not one of four that look the same way; left out")
            continue
        placed[name] = camera
        if camera.distortion:
            lost.append(f"camera {camera.name!r}: its distortion; the images are not rectified")
    rect_from_ego = AXES.copy() if reference is None else inverse(reference.ego_from_sensor)
    units = [rig.get(name, Imu) for name in recording.imus]
    imu = next((unit for unit in units if _columns(unit, *_RATES)), None)
    calibration = KittiCalibration(
        rect_from_ego,
        {name: _projection(camera, rect_from_ego) for name, camera in placed.items()},
        None if imu is None else imu.ego_from_sensor,
        {name: (camera.width, camera.height) for name, camera in placed.items()},
    )
    return _Rig(calibration, placed, placed.get("image_02") or reference, imu, lost)


def _angle(a: Camera, b: Camera) -> float:
    turn = a.ego_from_sensor[:3, :3].T @ b.ego_from_sensor[:3, :3]
    return float(np.linalg.norm(turn - turn.T) / np.sqrt(8)) if np.trace(turn) > 1 else np.pi


def _projection(camera: Camera, rect_from_ego: Transform) -> Floats:
    """K [I | t] of a camera parallel to the rectified frame."""
    shift = (inverse(camera.ego_from_sensor) @ inverse(rect_from_ego))[:3, 3]
    return np.column_stack((camera.intrinsics, camera.intrinsics @ shift))


def _write_sweeps(recording: Recording, place: Path) -> list[str]:
    (place / "data").mkdir(parents=True)
    bounds: list[tuple[int, int]] = []
    moved = timed = ringed = 0
    for frame in recording.frames:
        scanned = _as_scanned(recording, frame)
        if scanned is None:
            points = recording.frame_points(frame.index)
            table = _table(points.xyz, points.intensity)
            bounds.append((frame.time_ns - _MOMENT_NS, frame.time_ns + _MOMENT_NS))
            moved += 1
            timed += bool((points.point_time_ns != frame.time_ns).any())
            ringed += bool((points.ring != NO_RING).any())
        else:
            sweep, start, end = scanned
            table = _table(sweep.xyz, sweep.intensity)
            bounds.append((start, end))
            ringed += sweep.ring is not None
        (place / "data" / f"{frame.index:010d}.bin").write_bytes(table.tobytes())
    times = np.array([frame.time_ns for frame in recording.frames], dtype=np.int64)
    starts, ends = np.array(bounds, dtype=np.int64).reshape(-1, 2).T
    for name, column in (("", times), ("_start", starts), ("_end", ends)):
        (place / f"timestamps{name}.txt").write_text(timestamp_lines(column), encoding="utf-8")
    lost = {
        "points: merged and moved to their frame's time": moved,
        "time of each point: no place for it": timed,
        "ring of each point: no place for it": ringed,
    }
    return [f"{line}, {count} sweeps" for line, count in lost.items() if count]


def _table(xyz: Points, intensity: Floats32 | None) -> Floats32:
    """(N, 4) little-endian x y z intensity, 0 where it is not known."""
    known = np.zeros(len(xyz)) if intensity is None else np.nan_to_num(intensity)
    return np.column_stack((xyz, known)).astype("<f4")


def _as_scanned(recording: Recording, frame: Frame) -> tuple[Sweep, int, int] | None:
    """A sweep that KITTI's laser could have made, its start and its end; None of another."""
    if len(recording.lidars) != 1 or recording.lidars[0] not in frame.sweeps:
        return None
    lidar = recording.rig.get(recording.lidars[0], Lidar)
    sweep = recording.sweep(lidar.name, frame.sweeps[lidar.name])
    in_place = np.array_equal(lidar.ego_from_sensor, np.eye(4)) and sweep.time_ns == frame.time_ns
    if not in_place or lidar.motion_compensated or sweep.point_time_ns is None:
        return None
    share = laser_share(Cloud(sweep.xyz))
    if len(share) < 2 or np.ptp(share) < 0.5:
        return None
    offsets = (sweep.point_time_ns - frame.time_ns).astype(np.float64)
    slope, first = np.polyfit(share, offsets, 1).tolist()
    off = np.abs(first + slope * share - offsets).max()
    if off > _AS_SCANNED_NS or not 0 < slope < _LONGEST_TURN_NS:
        return None
    return sweep, frame.time_ns + round(first), frame.time_ns + round(first + slope)


def _write_images(recording: Recording, camera: str, place: Path) -> list[str]:
    """Each frame's image as it is; one that the frame before has too is not repeated."""
    (place / "data").mkdir(parents=True)
    taken = recording.image_times(camera)
    times: list[int] = []
    before: int | None = None
    written = 0
    for frame in recording.frames:
        index = frame.images.get(camera)
        times.append(frame.time_ns if index is None else int(taken[index]))
        if index is not None and index != before:
            data = recording.image(camera, index)
            ending = ".png" if data.startswith(b"\x89PNG") else ".jpg"
            (place / "data" / f"{frame.index:010d}{ending}").write_bytes(data)
            written += 1
        before = index
    stamps = timestamp_lines(np.array(times, dtype=np.int64))
    (place / "timestamps.txt").write_text(stamps, encoding="utf-8")
    left = len(taken) - written
    return [f"camera {camera!r}: {left} images are of no frame and left out"] if left else []


def _write_oxts(recording: Recording, imu: Imu | None, times: Ints, place: Path) -> None:
    """The ego's poses at the frames' times; without poses the times alone."""
    place.mkdir()
    (place / "timestamps.txt").write_text(timestamp_lines(times), encoding="utf-8")
    if recording.trajectory is None or not len(times):
        return
    (place / "data").mkdir()
    poses = recording.trajectory.at(times) @ (np.eye(4) if imu is None else imu.ego_from_sensor)
    force, rates = (_sampled(recording, imu, times, what) for what in (_FORCE, _RATES))
    for i, line in enumerate(oxts_lines(poses, times, force, rates)):
        (place / "data" / f"{i:010d}.txt").write_text(line + "\n", encoding="utf-8")


def _sampled(
    recording: Recording,
    imu: Imu | None,
    times: Ints,
    what: tuple[Sequence[str], Sequence[str]],
) -> Floats:
    """(T, 3) samples of three channels at those times, 0 where there are none."""
    columns = [] if imu is None else _columns(imu, *what)
    samples = None if imu is None or not columns else recording.imu(imu.name)
    if samples is None or not len(samples.time_ns):
        return np.zeros((len(times), 3))
    clock = (samples.time_ns - times[0]) / 1e9
    asked = (times - times[0]) / 1e9
    found = [np.interp(asked, clock, samples.values[:, column]) for column in columns]
    return np.nan_to_num(np.column_stack(found))


def _columns(imu: Imu, prefixes: Sequence[str], units: Sequence[str]) -> list[int]:
    """Columns of the channels along x, y and z; none unless all are there in that unit."""
    for prefix in prefixes:
        names = [prefix + axis for axis in "xyz"]
        if all(name in imu.channels for name in names):
            columns = [imu.channels.index(name) for name in names]
            return columns if all(imu.units[column] in units for column in columns) else []
    return []
