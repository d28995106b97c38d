"""Made-up phones on made-up people: stand, walk, climb, lie, with exact truth."""

import numpy as np

from lidar_label.datasets.signals import NS_PER_S, Signal
from lidar_label.datasets.windows import Windows

KINDS = {  # direction of gravity, steps a second, size of motion in m/s², turning in rad/s
    "standing": ((0.1, 0.0, 1.0), 0.0, 0.05, 0.02),
    "lying": ((1.0, 0.2, 0.1), 0.0, 0.04, 0.02),
    "walking": ((0.15, 0.0, 1.0), 1.9, 2.5, 0.5),
    "running": ((0.2, 0.0, 1.0), 2.8, 7.0, 1.2),
}


def day(seed: int, bouts: int = 12, rate_hz: float = 50.0) -> tuple[Signal, Windows]:
    """A recording of some bouts of 8 to 20 s, no two neighbours of one kind, and its truth."""
    rng = np.random.default_rng(seed)
    names = list(KINDS)
    order: list[str] = []
    while len(order) < bouts:
        name = names[rng.integers(len(names))]
        if not order or order[-1] != name:
            order.append(name)
    lengths = rng.integers(int(8 * rate_hz), int(20 * rate_hz), bouts)
    parts = []
    for name, length in zip(order, lengths, strict=True):
        direction, steps, size, turning = KINDS[name]
        t = np.arange(length) / rate_hz
        gravity = 9.81 * np.array(direction) / np.linalg.norm(direction)
        wave = np.column_stack(
            [
                np.sin(2 * np.pi * steps * t + k) + 0.4 * np.sin(4 * np.pi * steps * t)
                for k in range(3)
            ]
        )
        moving = steps > 0
        acceleration = gravity + moving * size * wave * (0.3, 0.3, 1.0)
        acceleration = acceleration + rng.normal(scale=0.05 + 0.1 * size * moving, size=(length, 3))
        turn = moving * turning * wave[:, ::-1] + rng.normal(scale=0.02, size=(length, 3))
        parts.append(np.hstack((acceleration, turn)))
    values = np.concatenate(parts)
    step = NS_PER_S / rate_hz
    edges = np.concatenate(([0], np.cumsum(lengths)))
    time_ns = np.rint(np.arange(len(values)) * step).astype(np.int64) + 7
    channels = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
    signal = Signal(time_ns, values, channels, ("m/s²",) * 3 + ("rad/s",) * 3, "made up")
    ends = np.rint(edges * step).astype(np.int64) + 7
    return signal, Windows.of(ends[:-1], ends[1:], category=np.array(order, dtype=object))


def few_tags(truth: Windows, seconds: float = 4.0) -> Windows:
    """One short window in the middle of the first bout of each kind."""
    first = [truth.category.tolist().index(name) for name in sorted(set(truth.category.tolist()))]
    rows = truth.select(np.array(first))
    middle = (rows.start_ns + rows.end_ns) // 2
    half = int(seconds / 2 * NS_PER_S)
    return Windows.of(middle - half, middle + half, category=rows.category)
