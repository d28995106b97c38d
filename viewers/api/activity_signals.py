"""What is known of signals before anyone tags them, kept for the next question."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from lidar_label.datasets.signals import EvenSignal, Signal, on_even_clock
from lidar_label.errors import NotFound

if TYPE_CHECKING:
    from lidar_label.activity_classification import Moments
    from lidar_label.datasets.recording import Recording
    from lidar_label.viewers.api.services import Services

_MOST_KEPT = 4


def known_signal(shared: "Services", project: int, recording: int, sensor: str) -> "Recording":
    """The recording of a project, opened, if it has that signal.

    Raises:
        NotFound: if not.
    """
    opened = shared.open(project, recording)
    if sensor not in opened.imus:
        raise NotFound(f"recording {recording} has no signal {sensor}")
    return opened


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

    def even(self, recording: "Recording", sensor: str) -> EvenSignal:
        """A signal on an even clock, whether or not it is long enough to be described.

        Raises:
            InvalidSignal: if it has fewer than two samples.
        """
        with self._lock:
            kept = self._kept.get((recording.content_hash, sensor))
        return kept.even if kept is not None else on_even_clock((signal_of(recording, sensor),))
