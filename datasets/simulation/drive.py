"""Drives through a town with all sensors running, and writes recording, truth and point labels.

Every sweep and picture draws its chances from the seed, the sensor and its own number alone, so the
result does not depend on how many threads work or which ends first.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from lidar_label.arrays import Floats, Ints, Transform
from lidar_label.calibration.rig import Camera
from lidar_label.calibration.trajectory import Trajectory
from lidar_label.calibration.transforms import matrix_to_pose7
from lidar_label.datasets.cuboids import Cuboids, save_cuboids
from lidar_label.datasets.point_labels import PointLabelWriter, SweepLabels, points_path
from lidar_label.datasets.recording import Recording, RecordingWriter
from lidar_label.datasets.simulation import imu, radar
from lidar_label.datasets.simulation.actors import Cast, make_cast
from lidar_label.datasets.simulation.camera import Imager
from lidar_label.datasets.simulation.daylight import make_daylight
from lidar_label.datasets.simulation.lidar import Lidar, LidarModel, LidarSweep
from lidar_label.datasets.simulation.materials import Category
from lidar_label.datasets.simulation.radar import RadarDetections, RadarModel
from lidar_label.datasets.simulation.shading import FAR
from lidar_label.datasets.simulation.stage import Stage
from lidar_label.datasets.simulation.suite import Mounted, SimulationConfig, make_suite
from lidar_label.datasets.simulation.town import make_town
from lidar_label.datasets.simulation.truth import FrameTruth, cuboids_of, frame_truth

START_NS = 1_767_261_600_000_000_000  # 2026-01-01 10:00 UTC
_NS = 1_000_000_000
_POSE_RATE = _IMU_RATE = 100  # Hz
_RADAR_PERIOD, _RADAR_DELAY = 0.075, 0.013  # seconds
_TRUTH_REACH = 130.0  # metres
_LIVELY = 3.5  # m/s; a slower drive is drawn again, a few times
_DRAWS = 3
_TOWN, _CAST, _LIGHT, _LIDAR, _SWEEP, _RADAR, _IMAGE, _IMU = range(8)  # streams of chance
Progress = Callable[[int, int], None]  # (measurements done, in all)
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class SimulationResult:
    """What was written.

    Attributes:
        recording_path: the recording.
        labels_path: the truth, as cuboids.
        points_path: the class and track of every LiDAR point.
        labels: the truth.
        sweeps: of each LiDAR and radar.
        points: of all LiDARs.
        images: of all cameras.
        metres: that the ego drove.
    """

    recording_path: Path
    labels_path: Path
    points_path: Path
    labels: Cuboids
    sweeps: dict[str, int]
    points: int
    images: int
    metres: float


@dataclass(frozen=True)
class _Task:
    """One measurement to make: when, by whom, which of theirs."""

    time: float
    kind: str
    sensor: int
    index: int


def simulate(
    out: str | Path,
    config: SimulationConfig | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    workers: int | None = None,
) -> SimulationResult:
    """Simulate a drive.

    The recording is `out`; beside it stand `<stem>.labels.parquet`, the truth, and
    `<stem>.points.hdf5`, the labels of the points (`lidar_label.datasets.point_labels`). All three
    are complete or absent. The same configuration gives the same bytes.

    Args:
        out: the recording.
        config: what to simulate; the defaults when None.
        overwrite: replace what is there.
        progress: called after every measurement.
        workers: threads; one a core when None.

    Raises:
        UsageError: if `out` exists or cannot be written.
    """
    config = config or SimulationConfig()
    out = Path(out)
    labels_path, labels_of_points = out.with_name(out.stem + ".labels.parquet"), points_path(out)
    source = f"simulated drive of {config.seconds:g} s, seed {config.seed}"
    names = {int(category): category.label for category in Category}
    named = False
    try:
        with PointLabelWriter(labels_of_points, names) as point_writer:
            with RecordingWriter(out, source=source, overwrite=overwrite) as writer:
                drive = _Drive(config)
                drive.mount(writer)
                drive.record(writer, point_writer, progress, workers or os.cpu_count() or 1)
            named = True
            with Recording(out) as recording:
                content = recording.content_hash
            point_writer.set_recording(content)
            labels = drive.labels()
            save_cuboids(labels, labels_path, {"source": source, "recording": content})
    except BaseException:
        for path in (out, labels_path) if named else ():
            path.unlink(missing_ok=True)
        raise
    return SimulationResult(
        out, labels_path, labels_of_points, labels, drive.sweeps, drive.points, drive.images,
        drive.metres,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class SimulatedMotion:
    """A drive's motion as its poses and its inertial unit tell it, without a scan.

    Attributes:
        trajectory: the ego's poses, exact, at 100 Hz.
        time_ns: (T,) of the inertial samples, 100 Hz.
        samples: (K, T, 6) forces and turn rates (`imu.CHANNELS`): K units on the same drive, each
            with chances of its own; the first is the one that `simulate` records.
        ego_from_imu: (4, 4).
    """

    trajectory: Trajectory
    time_ns: Ints
    samples: Floats
    ego_from_imu: Transform


def simulate_motion(config: SimulationConfig | None = None, *, units: int = 1) -> SimulatedMotion:
    """Drive as `simulate` does, with inertial units alone; for what needs many drives.

    Args:
        config: what to simulate; the defaults when None.
        units: how many inertial units, which differ in their noise.
    """
    drive = _Drive(config or SimulationConfig())
    poses, times = drive.motion_times()
    measured = [drive.inertia(times, unit) for unit in range(units)]
    trajectory = Trajectory(drive.times_ns(poses), matrix_to_pose7(drive.ego.poses(poses)))
    return SimulatedMotion(
        trajectory, drive.times_ns(times), np.array(measured), drive.suite.ego_from_imu
    )


class _Drive:
    """A drive under way."""

    def __init__(self, config: SimulationConfig) -> None:
        self.config, self.suite = config, make_suite(config)
        self.stage = _make_stage(config)
        self.ego = self.stage.cast.ego.motion
        light = make_daylight(self._chances(_LIGHT))
        self.lidars = [
            Lidar(mounted.model, self._chances(_LIDAR, i))
            for i, mounted in enumerate(self.suite.lidars)
        ]
        self.imagers = [Imager(camera, light) for camera in self.suite.cameras]
        self.period = 1.0 / config.frames_per_second
        actors = len(self.stage.cast.others)
        self._truth: list[FrameTruth] = []
        self._counts = [np.zeros(actors, np.int64) for _ in range(config.frames)]
        self.sweeps: dict[str, int] = {}
        self.points = self.images = 0
        travelled = self.ego.at(np.array([0.0, config.seconds]))[:, 6]
        self.metres = float(travelled[1] - travelled[0])

    def mount(self, writer: RecordingWriter) -> None:
        """Add the sensors to the recording."""
        for lidar in self.suite.lidars:
            writer.add_lidar(lidar.name, lidar.ego_from_sensor, lidar.model.name)
        for mounted in self.suite.radars:
            writer.add_radar(mounted.name, mounted.ego_from_sensor, mounted.model.name)
        for camera in self.suite.cameras:
            writer.add_camera(
                camera.name, camera.ego_from_sensor, intrinsics=camera.intrinsics,
                distortion=camera.distortion, width=camera.width, height=camera.height,
            )  # fmt: skip
        writer.add_imu("imu", self.suite.ego_from_imu, imu.CHANNELS, imu.UNITS, "mems-100hz")

    def record(
        self,
        writer: RecordingWriter,
        point_writer: PointLabelWriter,
        progress: Progress | None,
        workers: int,
    ) -> None:
        """Measure everything in order of time, several at once, and write it."""
        self._write_motion(writer)
        tasks = self._tasks()
        for done, (task, result) in enumerate(_in_order(self._measure, tasks, workers), 1):
            time_ns = self.time_ns(task.time)
            match result:
                case LidarSweep():
                    self._write_lidar(writer, point_writer, task, time_ns, result)
                case RadarDetections():
                    name = self.suite.radars[task.sensor].name
                    writer.append_radar_sweep(
                        name, time_ns, result.xyz, result.rcs, result.radial_velocity,
                        result.radial_velocity_compensated,
                    )  # fmt: skip
                    self.sweeps[name] = self.sweeps.get(name, 0) + 1
                case FrameTruth():
                    self._truth.append(result)
                case _:
                    writer.append_image(self.suite.cameras[task.sensor].name, time_ns, result)
                    self.images += 1
            if progress:
                progress(done, len(tasks))

    def labels(self) -> Cuboids:
        """The truth of all frames."""
        times = np.array(
            [self.time_ns(self._middle(k)) for k in range(self.config.frames)], dtype=np.int64
        )
        return cuboids_of(self._truth, self._counts, times, self.stage.cast.others)

    def time_ns(self, seconds: float) -> int:
        """Time on the recording's clock."""
        return START_NS + round(seconds * _NS)

    def _middle(self, frame: int) -> float:
        """When the LiDARs look ahead: the time of a frame."""
        return (frame + 0.5) * self.period

    def _tasks(self) -> list[_Task]:
        config, tasks = self.config, list[_Task]()
        for k in range(config.frames):
            tasks.append(_Task(self._middle(k), "truth", 0, k))
            tasks += [_Task(self._middle(k), "lidar", i, k) for i in range(len(self.lidars))]
        end = config.frames * self.period
        for i in range(len(self.suite.radars)):
            begin = _RADAR_DELAY + 0.011 * i
            count = int((end - begin) / _RADAR_PERIOD) + 1
            tasks += [_Task(begin + k * _RADAR_PERIOD, "radar", i, k) for k in range(count)]
        for i in range(len(self.imagers)):
            # Pictures are taken as the LiDARs look ahead.
            count = int((end - self.period / 2) * config.images_per_second) + 1
            tasks += [
                _Task(self.period / 2 + k / config.images_per_second, "image", i, k)
                for k in range(count)
            ]
        return sorted(tasks, key=lambda task: (task.time, task.kind, task.sensor))

    def _measure(self, task: _Task) -> LidarSweep | RadarDetections | FrameTruth | bytes:
        match task.kind:
            case "lidar":
                return self._scan(self.suite.lidars[task.sensor], task)
            case "radar":
                return self._detect(self.suite.radars[task.sensor], task)
            case "image":
                return self._picture(self.suite.cameras[task.sensor], task)
            case _:
                ego = self.ego.poses(task.time)
                eye = (ego @ self.suite.lidars[0].ego_from_sensor)[:3, 3]
                shot = self.stage.shot(task.time, task.time, eye, _TRUTH_REACH + 20, glass=False)
                others = self.stage.cast.others
                return frame_truth(shot, others, task.time, ego, eye, _TRUTH_REACH)

    def _scan(self, mounted: Mounted[LidarModel], task: _Task) -> LidarSweep:
        lidar, begin = self.lidars[task.sensor], task.time - self.period / 2
        times = begin + lidar.phases() * self.period
        poses = self.ego.poses(times) @ mounted.ego_from_sensor
        reach = mounted.model.far + 10
        shot = self.stage.shot(begin, begin + self.period, poses[0, :3, 3], reach)
        chances = self._chances(_SWEEP, task.sensor, task.index)
        return lidar.scan(shot, poses, round(self.period * _NS), chances)

    def _detect(self, mounted: Mounted[RadarModel], task: _Task) -> RadarDetections:
        step = 1e-3
        poses = self.ego.poses(task.time + np.array([-step, 0.0, step])) @ mounted.ego_from_sensor
        velocity = (poses[2, :3, 3] - poses[0, :3, 3]) / (2 * step)
        shot = self.stage.shot(task.time, task.time, poses[1, :3, 3], mounted.model.far + 10)
        chances = self._chances(_RADAR, task.sensor, task.index)
        others = self.stage.cast.others
        return radar.sweep(mounted.model, shot, others, task.time, poses[1], velocity, chances)

    def _picture(self, camera: Camera, task: _Task) -> bytes:
        world_from_camera = self.ego.poses(task.time) @ camera.ego_from_sensor
        eye = world_from_camera[:3, 3]
        shot = self.stage.shot(task.time, task.time, eye, FAR, glass=False)
        chances = self._chances(_IMAGE, task.sensor, task.index)
        return self.imagers[task.sensor].picture(shot, world_from_camera, chances)

    def motion_times(self) -> tuple[Floats, Floats]:
        """Seconds of the ego poses, also a little beyond the drive's ends, and of the samples."""
        end = self.config.frames * self.period
        poses: Floats = np.arange(-5, round(end * _POSE_RATE) + 6) / _POSE_RATE
        return poses, np.arange(round(end * _IMU_RATE) + 1) / _IMU_RATE

    def inertia(self, time: Floats, unit: int = 0) -> Floats:
        """(T, 6) what an inertial unit measures; the first is the one that is recorded."""
        chances = self._chances(_IMU, unit) if unit else self._chances(_IMU)
        return imu.samples(self.ego, self.suite.ego_from_imu, time, chances)

    def _write_motion(self, writer: RecordingWriter) -> None:
        poses, time = self.motion_times()
        writer.append_ego(self.times_ns(poses), matrix_to_pose7(self.ego.poses(poses)))
        writer.append_imu("imu", self.times_ns(time), self.inertia(time))

    def _write_lidar(
        self,
        writer: RecordingWriter,
        point_writer: PointLabelWriter,
        task: _Task,
        time_ns: int,
        sweep: LidarSweep,
    ) -> None:
        name = self.suite.lidars[task.sensor].name
        begin = time_ns - round(self.period * _NS / 2)
        writer.append_sweep(
            name, time_ns, sweep.xyz, sweep.intensity, sweep.ring, begin + sweep.time_ns
        )
        point_writer.append(name, time_ns, SweepLabels(sweep.category, sweep.track))
        counts = self._counts[task.index]
        counts += np.bincount(sweep.track[sweep.track >= 0], minlength=len(counts))
        self.sweeps[name] = self.sweeps.get(name, 0) + 1
        self.points += len(sweep.xyz)

    def times_ns(self, seconds: Floats) -> Ints:
        """Times on the recording's clock."""
        return START_NS + np.round(seconds * _NS).astype(np.int64)

    def _chances(self, *stream: int) -> np.random.Generator:
        return np.random.default_rng([self.config.seed, *stream])


def _make_stage(config: SimulationConfig) -> Stage:
    """The town, and of a few draws of its traffic the first in which the ego gets about."""
    town = make_town(np.random.default_rng([config.seed, _TOWN]))
    casts: list[tuple[float, Cast]] = []
    for draw in range(_DRAWS):
        cast = make_cast(town, config.seconds, np.random.default_rng([config.seed, _CAST, draw]))
        travelled = float(np.ptp(cast.ego.motion.at(np.array([0.0, config.seconds]))[:, 6]))
        casts.append((travelled / config.seconds, cast))
        if casts[-1][0] > _LIVELY:
            break
    return Stage(town, max(casts, key=lambda pair: pair[0])[1])


def _in_order(
    work: Callable[[_Task], T], tasks: Sequence[_Task], workers: int
) -> Iterator[tuple[_Task, T]]:
    """Results in the order of their tasks, some tasks ahead at work."""
    pool = ThreadPoolExecutor(workers)
    try:
        ahead: deque[tuple[_Task, Future[T]]] = deque()
        for task in tasks:
            ahead.append((task, pool.submit(work, task)))
            if len(ahead) > 2 * workers + 2:
                done, future = ahead.popleft()
                yield done, future.result()
        while ahead:
            done, future = ahead.popleft()
            yield done, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
