"""A small scene scanned by rays: boxes on flat ground, seen from one place."""

import numpy as np


def scan(boxes, *, sensor=(0.0, 0.0, 1.8), beams=48, columns=720, noise=0.01, seed=0):
    """(N, 3) float32 first returns off `boxes` (M, 7; z on the ground at 0) and the ground."""
    rng = np.random.default_rng(seed)
    elevation = np.deg2rad(np.linspace(-24, 6, beams))
    azimuth = np.linspace(-np.pi, np.pi, columns, endpoint=False)
    el, az = (a.ravel() for a in np.meshgrid(elevation, azimuth))
    direction = np.column_stack((np.cos(el) * np.cos(az), np.cos(el) * np.sin(az), np.sin(el)))
    origin = np.asarray(sensor, dtype=float)
    with np.errstate(divide="ignore"):
        reach = np.where(direction[:, 2] < 0, -origin[2] / direction[:, 2], np.inf)
    for box in np.asarray(boxes, dtype=float).reshape(-1, 7):
        c, s = np.cos(box[6]), np.sin(box[6])
        turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
        o, d = turn @ (origin - box[:3]), direction @ turn.T
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (-box[3:6] / 2 - o) / d, (box[3:6] / 2 - o) / d
        enter, leave = np.minimum(a, b).max(axis=1), np.maximum(a, b).min(axis=1)
        hit = (enter < leave) & (enter > 0)
        reach = np.where(hit & (enter < reach), enter, reach)
    seen = reach < 70
    distance = reach[seen] + rng.normal(0, noise, seen.sum())
    return (origin + direction[seen] * distance[:, None]).astype(np.float32)


def standing(x, y, length, width, height, yaw=0.0):
    """A box that stands on the ground at z = 0."""
    return [x, y, height / 2, length, width, height, yaw]
