"""Sensors as the attributes of their groups in a recording, and back."""

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from lidar_label.calibration.rig import Camera, Imu, Lidar, Radar, Sensor
from lidar_label.errors import InvalidRecording


def sensor_attributes(sensor: Sensor, order: int, dropped: int) -> dict[str, Any]:
    """The attributes of `/rig/<sensor>`: its order in the rig and its dropped points too."""
    attributes: dict[str, Any] = {
        "kind": sensor.kind,
        "order": order,
        "ego_from_sensor": sensor.ego_from_sensor,
        "model": sensor.model,
        "dropped_non_finite": dropped,
    }
    if isinstance(sensor, Lidar):
        attributes["motion_compensated"] = int(sensor.motion_compensated)
    elif isinstance(sensor, Camera):
        attributes["intrinsics"] = sensor.intrinsics
        attributes["distortion"] = np.array(sensor.distortion, dtype=np.float64)
        attributes["width"], attributes["height"] = sensor.width, sensor.height
    elif isinstance(sensor, Imu):
        attributes["channels"] = np.array(sensor.channels, dtype=h5py.string_dtype())
        attributes["units"] = np.array(sensor.units, dtype=h5py.string_dtype())
    return attributes


def read_sensor(name: str, attributes: Mapping[str, Any]) -> Sensor:
    """The sensor of such attributes.

    Raises:
        InvalidRecording: if its kind is unknown.
    """
    kind, model = str(attributes["kind"]), str(attributes["model"])
    place = np.array(attributes["ego_from_sensor"], dtype=np.float64)
    match kind:
        case "lidar":
            return Lidar(name, place, model, bool(attributes["motion_compensated"]))
        case "radar":
            return Radar(name, place, model)
        case "camera":
            return Camera(
                name,
                place,
                model=model,
                intrinsics=np.array(attributes["intrinsics"], dtype=np.float64),
                distortion=tuple(float(k) for k in attributes["distortion"]),
                width=int(attributes["width"]),
                height=int(attributes["height"]),
            )
        case "imu":
            channels = tuple(str(channel) for channel in attributes["channels"])
            units = tuple(str(unit) for unit in attributes["units"])
            return Imu(name, place, model, channels=channels, units=units)
        case _:
            raise InvalidRecording(f"sensor {name} is of the unknown kind {kind}")
