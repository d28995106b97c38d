"""Signals straight from a ROS bag: every sensor_msgs/Imu topic is a stream."""

from pathlib import Path

import numpy as np

from lidar_label.datasets.bag_reader import open_bag
from lidar_label.datasets.ros_messages import IMU_CHANNELS, IMU_UNITS, imu_row, stamp_ns
from lidar_label.datasets.rosbag import bag_files
from lidar_label.datasets.signals import Signal
from lidar_label.errors import InvalidSignal

_IMU = "sensor_msgs/msg/Imu"


def is_bag(path: Path) -> bool:
    """True for a .bag, .db3 or .mcap file, and for a folder that holds one."""
    return bool(bag_files(path))


def bag_signals(path: Path) -> tuple[Signal, ...]:
    """Every Imu topic of a bag, the one with most messages first; its names are the plain ones.

    Messages are put in the order of their stamps, or of their receipt where they bear none; of two
    with the same time the later is left out.

    Raises:
        InvalidSignal: if no topic has two messages of different times.
        InvalidSource: if the bag is damaged.
    """
    rows: dict[str, list[tuple[int, list[float]]]] = {}
    unstamped: dict[str, int] = {}
    with open_bag(bag_files(path), path) as bag:
        types = sorted({connection.msgtype for connection in bag.connections})
        wanted = [connection for connection in bag.connections if connection.msgtype == _IMU]
        for connection, received, message in bag.messages(wanted):
            time_ns, stamped = stamp_ns(message, received)
            rows.setdefault(connection.topic, []).append((time_ns, imu_row(message)))
            unstamped[connection.topic] = unstamped.get(connection.topic, 0) + (not stamped)
    streams: list[Signal] = []
    for topic in sorted(rows, key=lambda name: (-len(rows[name]), name)):
        stream = _stream(path, topic, rows[topic], unstamped[topic], plain=not streams)
        if len(stream) > 1:
            streams.append(stream)
    if not streams:
        found = ", ".join(types) or "no messages"
        raise InvalidSignal(f"{path}: no topic with two or more {_IMU}; it has {found}")
    return tuple(streams)


def _stream(
    path: Path, topic: str, rows: list[tuple[int, list[float]]], unstamped: int, *, plain: bool
) -> Signal:
    time_ns, first = np.unique(np.array([row[0] for row in rows], np.int64), return_index=True)
    values = np.array([row[1] for row in rows], dtype=np.float64)[first]
    notes = [f"Imu messages of {topic}"]
    if len(rows) > len(time_ns):
        notes.append(f"{len(rows) - len(time_ns)} messages with a time that was there; left out")
    if unstamped:
        notes.append(f"{unstamped} messages without a time; taken as when received")
    prefix = "" if plain else topic.strip("/").replace("/", "_") + "/"
    channels = tuple(prefix + channel for channel in IMU_CHANNELS)
    return Signal(time_ns, values, channels, IMU_UNITS, str(path), tuple(notes))
