"""A made-up drive with exact truth: its poses, and what a phone that lies anyhow in it feels."""

import numpy as np

from lidar_label.calibration.trajectory import Trajectory
from lidar_label.datasets.signals import NS_PER_S, Signal
from lidar_label.datasets.windows import Windows

RATE_HZ = 50.0
G = 9.81
# name, seconds, acceleration along m/s², turn rate rad/s
SCRIPT = (
    ("stop", 6.0, 0.0, 0.0),
    ("accelerate", 5.0, 2.8, 0.0),
    ("", 5.0, 0.0, 0.0),
    ("turn_left", 4.0, 0.0, 0.4),
    ("", 6.0, 0.0, 0.0),
    ("lane_change_right", 4.0, 0.0, -0.04),
    ("", 6.0, 0.0, 0.0),
    ("turn_right", 4.0, 0.0, -0.4),
    ("", 5.0, 0.0, 0.0),
    ("brake", 4.0, -3.6, 0.0),
    ("stop", 6.0, 0.0, 0.0),
)
STRAIGHT_ON = (
    ("stop", 6.0, 0.0, 0.0),
    ("accelerate", 5.0, 2.8, 0.0),
    ("", 6.0, 0.0, 0.0),
    ("brake", 2.0, -3.6, 0.0),
    ("", 6.0, 0.0, 0.0),
    ("accelerate", 4.0, 2.8, 0.0),
    ("", 6.0, 0.0, 0.0),
    ("brake", 5.0, -3.6, 0.0),
    ("stop", 6.0, 0.0, 0.0),
)


def drive(
    seed: int = 0, script: tuple[tuple[str, float, float, float], ...] = SCRIPT
) -> tuple[Signal, Trajectory, Windows]:
    """The phone's signal, the poses, and what was driven."""
    rng = np.random.default_rng(seed)
    along, turning, edges, names = [], [], [0.0], []
    for name, seconds, push, turn in script:
        n = round(seconds * RATE_HZ)
        shape = np.ones(n)
        if name.startswith("lane"):
            shape = np.where(np.arange(n) < n / 2, 1.0, -1.0)
        along.append(np.full(n, push))
        turning.append(turn * shape)
        edges.append(edges[-1] + seconds)
        names.append(name)
    forward, rate = np.concatenate(along), np.concatenate(turning)
    speed = np.maximum(np.cumsum(forward) / RATE_HZ, 0.0)
    forward = np.where(speed > 0, forward, 0.0)
    yaw = np.cumsum(rate) / RATE_HZ
    place = np.cumsum(speed[:, None] * np.column_stack((np.cos(yaw), np.sin(yaw))), axis=0)
    n = len(yaw)
    time_ns = 1_000 + np.rint(np.arange(n) * (NS_PER_S / RATE_HZ)).astype(np.int64)
    zero = np.zeros(n)
    poses = np.column_stack((place / RATE_HZ, zero, np.cos(yaw / 2), zero, zero, np.sin(yaw / 2)))
    shake = (0.02 + 0.025 * speed)[:, None]
    acceleration = np.column_stack((forward, speed * rate, np.full(n, G)))
    acceleration = acceleration + rng.normal(size=(n, 3)) * shake
    spin = np.column_stack((zero, zero, rate)) + rng.normal(scale=0.005, size=(n, 3))
    phone = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    phone *= np.linalg.det(phone)  # a rotation, no mirror
    values = np.hstack((acceleration @ phone.T, spin @ phone.T))
    channels = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
    signal = Signal(time_ns, values, channels, ("m/s²",) * 3 + ("rad/s",) * 3, "made up")
    ends = 1_000 + np.rint(np.array(edges) * NS_PER_S).astype(np.int64)
    truth = Windows.of(ends[:-1], ends[1:], category=np.array([*names, None], dtype=object)[:-1])
    return signal, Trajectory(time_ns, poses), truth.select(truth.category != "")
