"""Where a LiDAR sits, found by laying its points on the surfaces that another LiDAR saw.

Iterated closest points to planes (Chen and Medioni, 1992) over many moments at once, with robust
weights (Cauchy); what moved between the two scans and what only one sees is thereby left aside.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from lidar_label.arrays import Floats, Ints, Mask, Transform
from lidar_label.calibration.transforms import orthonormal, transform_points

_NEIGHBOURS = 12  # that make a plane
_FLAT = 0.02  # share of the spread across a plane in all of it; leaves and edges have more
_CAUCHY = 2.385  # spreads; 95 % efficient on Gaussian noise (Holland and Welsch, 1977)


@dataclass(frozen=True)
class ExtrinsicConfig:
    """How the place is sought.

    Attributes:
        spacing: The surfaces' points are thinned to one a cube of this side, metres.
        thinning: The same of the points that are laid on them.
        max_range: Points further off are not used, metres.
        reaches: A point's counterpart is at most so far, metres, stage by stage.
        rounds: At most so many steps a stage.
        on_surface: A point so near to its plane lies on it, metres: twice a LiDAR's noise.
        max_spread: A place less certain than this is not determined: metres, radians.
    """

    spacing: float = 0.25
    thinning: float = 0.5
    max_range: float = 50.0
    reaches: tuple[float, ...] = (2.0, 1.0, 0.5)
    rounds: int = 15
    on_surface: float = 0.05
    max_spread: tuple[float, float] = (0.05, 0.01)


@dataclass(frozen=True, eq=False)
class Surfaces:
    """What the reference saw at one moment.

    Attributes:
        points: (M, 3) float64, metres, ego frame.
        normals: (M, 3) of the plane at each point.
        flat: (M,) whether there is a plane.
        tree: Of the points.
    """

    points: Floats
    normals: Floats
    flat: Mask
    tree: KDTree


@dataclass(frozen=True, eq=False)
class Placement:
    """A place of the sensor and how well its points lie on the reference's surfaces.

    Attributes:
        ego_from_sensor: (4, 4).
        on_surface: Share of the sensor's points in reach of a surface that lie on it.
        residual: Median distance to the plane of points within the last reach, metres.
        spread: Standard deviation of place (metres) and turn (radians), each the worst axis.
        points: How many were compared.
    """

    ego_from_sensor: Transform
    on_surface: float
    residual: float
    spread: tuple[float, float]
    points: int


def surfaces_of(points: Floats, config: ExtrinsicConfig = ExtrinsicConfig()) -> Surfaces:
    """Planes through the neighbours of each point (N, 3), ego frame."""
    kept = thinned(points, config.spacing)
    tree = KDTree(kept)
    near = kept[tree.query(kept, k=min(_NEIGHBOURS, len(kept)))[1]]
    near = near - near.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(np.einsum("nki,nkj->nij", near, near))
    # Along one scan line points lie on a line, through which any plane goes.
    flat = (values[:, 0] < _FLAT * values.sum(axis=1)) & (values[:, 1] > 2 * values[:, 0])
    flat &= values[:, 1] > 0.02 * values[:, 2]
    return Surfaces(kept, vectors[:, :, 0], flat, tree)


def thinned(points: Floats, spacing: float) -> Floats:
    """(K, 3) the first point of every cube of this side."""
    cells = np.floor(points / spacing).astype(np.int64)
    return points[np.sort(np.unique(cells, axis=0, return_index=True)[1])].astype(np.float64)


def measure(
    surfaces: Sequence[Surfaces],
    clouds: Sequence[Floats],
    ego_from_sensor: Transform,
    config: ExtrinsicConfig = ExtrinsicConfig(),
) -> Placement:
    """How well a place fits; see `refine`."""
    step = _step(surfaces, clouds, ego_from_sensor, config.reaches[-1])
    return _placement(step, ego_from_sensor, config)


def refine(
    surfaces: Sequence[Surfaces],
    clouds: Sequence[Floats],
    ego_from_sensor: Transform,
    config: ExtrinsicConfig = ExtrinsicConfig(),
) -> Placement:
    """The place near a first guess at which the sensor's points lie best on the surfaces.

    Args:
        surfaces: What the reference saw, moment by moment.
        clouds: (N, 3) what the sensor saw at these moments, in its own frame, thinned.
        ego_from_sensor: (4, 4) the guess.
        config: How it is sought.
    """
    place = np.array(ego_from_sensor, dtype=np.float64)
    for reach in config.reaches:
        for _ in range(config.rounds):
            step = _step(surfaces, clouds, place, reach)
            if step.points < 6:
                break
            place = _moved(place, step.move)
            if np.linalg.norm(step.move[:3]) < 1e-5 and np.linalg.norm(step.move[3:]) < 1e-4:
                break
    return _placement(_step(surfaces, clouds, place, config.reaches[-1]), place, config)


@dataclass(frozen=True, eq=False)
class _Step:
    """A step of Gauss and Newton: turn and shift (6,), its covariance, and the distances."""

    move: Floats
    covariance: Floats
    distance: Floats
    points: int


def _step(
    surfaces: Sequence[Surfaces], clouds: Sequence[Floats], place: Transform, reach: float
) -> _Step:
    matched = [_matched(*pair, place, reach) for pair in zip(surfaces, clouds, strict=True)]
    distance = np.concatenate([d for d, _ in matched])
    if len(distance) < 6:
        return _Step(np.zeros(6), np.full((6, 6), np.inf), distance, len(distance))
    scale = max(1.4826 * float(np.median(np.abs(distance))), 1e-4)
    normal, pull, scatter = np.zeros((6, 6)), np.zeros(6), np.zeros((6, 6))
    for d, jacobian in matched:
        weight = 1 / (1 + (d / (_CAUCHY * scale)) ** 2)
        normal += jacobian.T @ (jacobian * weight[:, None])
        term = jacobian.T @ (weight * d)
        pull += term
        scatter += np.outer(term, term)  # points of one moment err together: counted as one
    inverse = np.linalg.pinv(normal, hermitian=True)
    return _Step(-inverse @ pull, inverse @ scatter @ inverse, distance, len(distance))


def _matched(
    surfaces: Surfaces, cloud: Floats, place: Transform, reach: float
) -> tuple[Floats, Floats]:
    """Signed distances (K,) of points to their planes, and how turn and shift change them (K, 6).

    The turn is about the sensor, so that it does not trade with the shift.
    """
    moved = transform_points(place, cloud)
    distance, nearest = surfaces.tree.query(moved, distance_upper_bound=reach)
    found = np.isfinite(distance)
    found[found] = surfaces.flat[nearest[found]]
    at, moved = nearest[found], moved[found]
    normals = surfaces.normals[at]
    off = np.einsum("ij,ij->i", normals, moved - surfaces.points[at])
    arm = moved - place[:3, 3]
    return off, np.hstack((np.cross(arm, normals), normals))


def _moved(place: Transform, move: Floats) -> Transform:
    """The place turned about itself and shifted."""
    moved = place.copy()
    moved[:3, :3] = Rotation.from_rotvec(move[:3]).as_matrix() @ place[:3, :3]
    moved[:3, 3] += move[3:]
    return orthonormal(moved)


def _placement(step: _Step, place: Transform, config: ExtrinsicConfig) -> Placement:
    off = np.abs(step.distance)
    if len(off) < 6:
        return Placement(place, 0.0, np.inf, (np.inf, np.inf), len(off))
    deviation = np.sqrt(np.maximum(np.diag(step.covariance), 0))
    return Placement(
        place,
        float((off < config.on_surface).mean()),
        float(np.median(off)),
        (float(deviation[3:].max()), float(deviation[:3].max())),
        len(off),
    )


def difference(a_from_sensor: Transform, b_from_sensor: Transform) -> tuple[float, float]:
    """Metres and radians between two places of a sensor."""
    between: Floats = np.linalg.inv(a_from_sensor) @ b_from_sensor
    turn = Rotation.from_matrix(orthonormal(between)[:3, :3]).magnitude()
    return float(np.linalg.norm(between[:3, 3])), float(turn)


def spread_moments(count: int, wanted: int) -> Ints:
    """Indices of `wanted` of `count` moments, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(np.int64))
