"""What comes nearer from the detector's reach was there before it was detected."""

from dataclasses import replace

import numpy as np
import pytest

from lidar_label.cuboids import Cuboids
from lidar_label.refinement import track_offline
from lidar_label.tracker_config import DEFAULT_CONFIG, TrackerConfig

FRAMES = 30
EARLIEST = 12  # frame of the first detection


def config(lead_s: float = 0.5) -> TrackerConfig:
    return TrackerConfig(
        tuple(replace(group, lead_s=lead_s, far_m=50.0) for group in DEFAULT_CONFIG.groups)
    )


def tracked(x: float, speed: float, rules: TrackerConfig, earliest: int = EARLIEST) -> Cuboids:
    """A car on the ego's left, first detected at `x` metres; the ego stands."""
    parts: list[Cuboids] = []
    for frame in range(FRAMES):
        box = [[x + speed * 0.1 * (frame - earliest), 3.0, 0.8, 4.4, 1.8, 1.6, np.pi]]
        seen = Cuboids.of(box, frame=frame, time_ns=frame * 10**8, category="car", score=0.95)
        parts.append(seen if frame >= earliest else Cuboids.empty())
    return track_offline(parts, config=rules)


def test_a_car_that_comes_from_afar_is_carried_back_along_its_way() -> None:
    labels = tracked(60.0, -10.0, config())
    assert labels.frame.tolist() == list(range(EARLIEST - 5, FRAMES))
    lead = labels.select(labels.frame < EARLIEST)
    assert lead.boxes[:, 0] == pytest.approx(60 + np.arange(5, 0, -1) * 1.0, abs=0.1)
    assert set(lead.reason) == {"carried on beyond its detections"}
    assert lead.velocity[:, 0] == pytest.approx(-10, abs=0.3)


@pytest.mark.parametrize(
    ("x", "speed"),
    [
        (30.0, -10.0),  # so near it would have been detected: it came from behind something
        (60.0, 10.0),  # drives away: it was nearer before, and not detected
        (60.0, 0.0),  # stands, as the ego does: nothing says why it was not seen before
    ],
)
def test_others_begin_with_their_first_detection(x: float, speed: float) -> None:
    assert tracked(x, speed, config()).frame.min() == EARLIEST


def test_nothing_is_carried_back_before_the_first_frame() -> None:
    assert tracked(60.0, -10.0, config(), earliest=2).frame.tolist() == list(range(FRAMES))


def test_no_time_to_lead_is_no_lead() -> None:
    assert tracked(60.0, -10.0, config(lead_s=0.0)).frame.min() == EARLIEST
