"""Smooth motion of one body: where it is, how it lies on the ground, and how fast it goes."""

from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from lidar_label.arrays import Floats, Transform
from lidar_label.datasets.simulation import curves
from lidar_label.datasets.simulation.bodies import Body
from lidar_label.datasets.simulation.terrain import Terrain
from lidar_label.kernels.height_field import height_at

_ROUNDING = 4.0  # knots
_STATES = 7  # x y z yaw pitch roll, metres travelled


@dataclass(frozen=True, eq=False)
class Motion:
    """A body's states at knots of time, joined by splines whose acceleration is continuous.

    Attributes:
        time: (T,) seconds from the start of the drive; one knot: it stands still.
        states: (T, 7) x y z yaw pitch roll and metres travelled; z is that of the ground below.
    """

    time: Floats
    states: Floats
    _spline: CubicSpline | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        moving = len(self.time) > 1 and bool(np.ptp(self.states, axis=0).any())
        spline = CubicSpline(self.time, self.states, bc_type="natural") if moving else None
        object.__setattr__(self, "_spline", spline)

    @property
    def is_still(self) -> bool:
        """It never moves."""
        return self._spline is None

    def at(self, time: Floats | float, derivative: int = 0) -> Floats:
        """(…, 7) states, or their derivatives, at times in seconds."""
        asked = np.asarray(time, dtype=np.float64)
        if self._spline is None:
            still = self.states[0] if derivative == 0 else np.zeros(_STATES)
            return np.broadcast_to(still, (*asked.shape, _STATES)).copy()
        return np.asarray(self._spline(asked, derivative))

    def poses(self, time: Floats | float) -> Transform:
        """(…, 4, 4) world_from_body."""
        return pose_of(self.at(time))


def pose_of(state: Floats) -> Transform:
    """(…, 4, 4) world_from_body = Rz(yaw) · Ry(pitch) · Rx(roll) of states (…, ≥6)."""
    c, s = np.cos(state[..., 3:6]), np.sin(state[..., 3:6])
    cy, cp, cr = c[..., 0], c[..., 1], c[..., 2]
    sy, sp, sr = s[..., 0], s[..., 1], s[..., 2]
    pose = np.zeros((*state.shape[:-1], 4, 4))
    pose[..., 0, 0], pose[..., 0, 1] = cy * cp, cy * sp * sr - sy * cr
    pose[..., 0, 2], pose[..., 1, 0] = cy * sp * cr + sy * sr, sy * cp
    pose[..., 1, 1], pose[..., 1, 2] = sy * sp * sr + cy * cr, sy * sp * cr - cy * sr
    pose[..., 2, 0], pose[..., 2, 1], pose[..., 2, 2] = -sp, cp * sr, cp * cr
    pose[..., :3, 3] = state[..., :3]
    pose[..., 3, 3] = 1.0
    return pose


def follow(
    curve: Floats,
    along: Floats,
    body: Body,
    terrain: Terrain,
    *,
    ahead: float = 0.0,
    left: Floats | float = 0.0,
    walks: bool = False,
) -> Floats:
    """(T, 7) states of a body that rolls or walks along a curve, both axles on it.

    Args:
        curve: (K, 2) points curves.SPACING apart.
        along: (T,) metres along the curve of the body's middle, evenly timed.
        body: what moves.
        terrain: what it stands on; vehicles on the smooth road, walkers on kerbs too.
        ahead: metres by which the body is ahead of `along`.
        left: metres by which it keeps left of the curve, one number or one a time.
        walks: whether it walks.
    """
    index, normal = np.arange(len(curve)), curves.normals(curve)

    def place(at: Floats) -> Floats:
        k = at / curves.SPACING
        inner = np.clip(k, 0, len(curve) - 1)
        point = np.column_stack([np.interp(inner, index, curve[:, j]) for j in range(2)])
        # Beyond the ends straight on.
        end = np.where(k < 0, k, np.maximum(k - (len(curve) - 1), 0))[:, None] * curves.SPACING
        side = np.column_stack([np.interp(inner, index, normal[:, j]) for j in range(2)])
        side /= np.linalg.norm(side, axis=1, keepdims=True)
        forward = np.column_stack((side[:, 1], -side[:, 0]))
        return point + end * forward + side * np.reshape(left, (-1, 1))

    half = body.wheelbase / 2
    middle = along + ahead
    front, rear = place(middle + half), place(middle - half)
    centre, axis = (front + rear) / 2, front - rear
    yaw = np.unwrap(np.arctan2(axis[:, 1], axis[:, 0]))
    if walks:  # people round off corners
        centre = gaussian_filter1d(centre, _ROUNDING, axis=0, mode="nearest")
        yaw = gaussian_filter1d(yaw, _ROUNDING, mode="nearest")
    return np.column_stack((lie(centre, yaw, body, terrain, walks=walks), middle))


def lie(centre: Floats, yaw: Floats, body: Body, terrain: Terrain, *, walks: bool) -> Floats:
    """(T, 6) x y z yaw pitch roll of a body that stands on the ground at (T, 2) places."""
    if walks:
        height = height_at(terrain.field, centre)
        if len(height) > 1:
            height = gaussian_filter1d(height, 1.5, mode="nearest")
        flat = np.zeros_like(yaw)
        return np.column_stack((centre, height, yaw, flat, flat))
    forward = np.column_stack((np.cos(yaw), np.sin(yaw)))
    leftward = np.column_stack((-np.sin(yaw), np.cos(yaw)))
    ends = [height_at(terrain.base, centre + k * body.wheelbase / 2 * forward) for k in (1, -1)]
    sides = [height_at(terrain.base, centre + k * body.track / 2 * leftward) for k in (1, -1)]
    pitch = -np.arctan2(ends[0] - ends[1], body.wheelbase)
    roll = np.arctan2(sides[0] - sides[1], body.track)
    return np.column_stack((centre, (ends[0] + ends[1]) / 2, yaw, pitch, roll))
