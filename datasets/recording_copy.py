"""A new recording like another, with sensors at other places: recordings are never changed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lidar_label.arrays import Transform
from lidar_label.calibration.rig import Camera, Imu, Lidar, Radar, Sensor
from lidar_label.datasets.recording import Recording, RecordingWriter


def copy_with_places(
    recording: Recording,
    out: str | Path,
    places: Mapping[str, Transform],
    *,
    overwrite: bool = False,
) -> Path:
    """Write a copy in which some sensors sit elsewhere.

    Args:
        recording: What is copied.
        out: The new recording; complete or absent.
        places: (4, 4) ego_from_sensor by name; the other sensors stay.
        overwrite: Replace what stands there.

    Raises:
        UsageError: if `out` exists or cannot be written.
    """
    source = f"{recording.source}; places of {', '.join(sorted(places))} corrected"
    with RecordingWriter(out, source=source, overwrite=overwrite) as writer:
        writer.set_origin(recording.origin)
        if recording.trajectory is not None:
            poses = recording.trajectory
            writer.append_ego(poses.time_ns, poses.world_from_ego, recording.ego_method)
        for sensor in recording.rig:
            place = places.get(sensor.name, sensor.ego_from_sensor)
            _copy_sensor(recording, writer, replace(sensor, ego_from_sensor=place))
    return Path(out)


def _copy_sensor(recording: Recording, writer: RecordingWriter, sensor: Sensor) -> None:
    name, place = sensor.name, sensor.ego_from_sensor
    match sensor:
        case Lidar():
            compensated = sensor.motion_compensated
            writer.add_lidar(name, place, sensor.model, motion_compensated=compensated)
            for i in range(recording.sweep_count(name)):
                sweep = recording.sweep(name, i)
                writer.append_sweep(
                    name, sweep.time_ns, sweep.xyz, sweep.intensity, sweep.ring,
                    sweep.point_time_ns,
                )  # fmt: skip
        case Radar():
            writer.add_radar(name, place, sensor.model)
            for i in range(recording.sweep_count(name)):
                sweep = recording.radar_sweep(name, i)
                writer.append_radar_sweep(
                    name, sweep.time_ns, sweep.xyz, sweep.rcs, sweep.radial_velocity,
                    sweep.radial_velocity_compensated,
                )  # fmt: skip
        case Camera():
            writer.add_camera(
                name, place, sensor.model, intrinsics=sensor.intrinsics,
                distortion=sensor.distortion, width=sensor.width, height=sensor.height,
            )  # fmt: skip
            for i, time_ns in enumerate(recording.image_times(name).tolist()):
                writer.append_image(name, time_ns, recording.image(name, i))
        case Imu():
            writer.add_imu(name, place, sensor.channels, sensor.units, sensor.model)
            samples = recording.imu(name)
            writer.append_imu(name, samples.time_ns, samples.values)
        case _:
            raise AssertionError(f"sensor {name} is of an unknown kind")
