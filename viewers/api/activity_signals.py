"""What is known of signals before anyone tags them, kept for the next question."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from lidar_label.datasets.signals import Signal

if TYPE_CHECKING:
    from lidar_label.activity_classification import Moments
    from lidar_label.datasets.recording import Recording

_MOST_KEPT = 4


def signal_of(recording: "Recording", sensor: str) -> Signal:
    """The samples of an inertial unit.

    Raises:
        InvalidSignal: if its times do not rise.
    """
    samples = recording.imu(sensor)
    return Signal(
        np.asarray(samples.time_ns),
        np.asarray(samples.values, dtype=np.float64),
        tuple(samples.channels),
        tuple(samples.units),
        f"{recording.path}: {sensor}",
    )


class DescribedSignals:
    """Moments of the signals asked for last; of two who ask for one at once, one computes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Moments] = OrderedDict()

    def get(self, recording: "Recording", sensor: str) -> "Moments":
        """The description of a signal.

        Raises:
            InvalidSignal: if it has too few samples.
        """
        from lidar_label.activity_classification import describe

        key = (recording.content_hash, sensor)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = describe(signal_of(recording, sensor))
                if len(self._kept) > _MOST_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]
