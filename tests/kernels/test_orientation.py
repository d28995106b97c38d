"""The orientation filter agrees with a slow twin, finds up, and does not mind a turned sensor."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lidar_label.errors import InvalidSignal
from lidar_label.kernels.orientation import attitude, rotate

G, RATE = 9.81, 100.0


def tumbling(seed: int, count: int = 1500) -> tuple[np.ndarray, np.ndarray, Rotation]:
    """What a sensor that is turned about slowly feels: acceleration, turn rate, true rotations."""
    rng = np.random.default_rng(seed)
    t = np.arange(count)[:, None] / RATE
    turning = 1.5 * np.sin(t * rng.uniform(0.3, 1.5, (1, 3)) + rng.uniform(0, 6, (1, 3)))
    turns = [Rotation.random(random_state=seed)]
    for step in turning[1:]:
        turns.append(turns[-1] * Rotation.from_rotvec(step / RATE))
    level_from_sensor = Rotation.concatenate(turns)
    motion = rng.normal(scale=0.5, size=(count, 3)) + np.array([0, 0, G])
    return level_from_sensor.inv().apply(motion), turning, level_from_sensor


def slow(acceleration: np.ndarray, turning: np.ndarray, gain: float, trust: float) -> np.ndarray:
    first = acceleration[: int(RATE)].mean(axis=0)
    first /= np.linalg.norm(first)
    axis = np.cross(first, [0, 0, 1])
    angle = np.arctan2(np.linalg.norm(axis), first[2])
    turn = Rotation.from_rotvec(axis / max(np.linalg.norm(axis), 1e-12) * angle)
    found = [turn]
    for a, w in zip(acceleration[1:], turning[1:], strict=True):
        size = np.linalg.norm(a)
        up = turn.inv().apply([0, 0, 1])
        pull = gain * np.exp(-0.5 * ((size - G) / trust) ** 2)
        turn = turn * Rotation.from_rotvec((w + pull * np.cross(a / size, up)) / RATE)
        found.append(turn)
    return Rotation.concatenate(found).as_matrix()


def matrices(quaternions: np.ndarray) -> np.ndarray:
    return Rotation.from_quat(quaternions[:, [1, 2, 3, 0]]).as_matrix()


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_a_slow_twin(seed: int) -> None:
    acceleration, turning, _ = tumbling(seed, 400)
    found = attitude(acceleration, turning, RATE, gravity=G, gain=0.7, trust=0.8)
    np.testing.assert_allclose(matrices(found), slow(acceleration, turning, 0.7, 0.8), atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_up_is_found_while_the_sensor_is_turned(seed: int) -> None:
    acceleration, turning, truth = tumbling(seed)
    biased = turning + np.array([0.02, -0.02, 0.01])
    found = attitude(acceleration, biased, RATE, gravity=G)
    up = matrices(found)[:, 2]
    error = np.degrees(np.arccos(np.clip((up * truth.as_matrix()[:, 2]).sum(axis=1), -1, 1)))
    assert float(np.median(error[500:])) < 4.0
    assert float(error[500:].max()) < 10.0


@pytest.mark.parametrize("seed", range(5))
def test_a_turned_sensor_gives_the_same_but_for_heading(seed: int) -> None:
    acceleration, turning, _ = tumbling(seed)
    other = Rotation.random(random_state=100 + seed)
    plain = attitude(acceleration, turning, RATE, gravity=G)
    turned = attitude(other.apply(acceleration), other.apply(turning), RATE, gravity=G)
    a, b = rotate(plain, acceleration), rotate(turned, other.apply(acceleration))
    np.testing.assert_allclose(a[:, 2], b[:, 2], atol=1e-9)
    level_a, level_b = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    heading = np.exp(1j * np.angle((level_b * np.conj(level_a)).sum()))
    np.testing.assert_allclose(level_a * heading, level_b, atol=1e-9)


@pytest.mark.parametrize("direction", [(0, 0, 1), (0, 0, -1), (1, 0, 0), (0, -3, 4)])
def test_a_sensor_at_rest_is_level(direction: tuple[float, float, float]) -> None:
    force = np.tile(G * np.array(direction) / np.linalg.norm(direction), (50, 1))
    found = rotate(attitude(force, np.zeros((50, 3)), RATE, gravity=G), force)
    np.testing.assert_allclose(found, np.tile([0, 0, G], (50, 1)), atol=1e-9)


def test_bad_input_is_refused() -> None:
    good = np.ones((5, 3))
    assert attitude(good[:0], good[:0], RATE, gravity=G).shape == (0, 4)
    for acceleration, turning in ((good[:, :2], good), (good, good[:4]), (good * np.nan, good)):
        with pytest.raises(InvalidSignal):
            attitude(acceleration, turning, RATE, gravity=G)
