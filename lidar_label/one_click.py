"""One click, or a rough box, on a sweep: the box that fits what stands there.

The same segments and readings as `propose`, of the surroundings of the click alone. That something
stands there is known now; what is left to choose is which reading of it the click meant.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Floats32, as_boxes, as_points, wrap_angle
from lidar_label.errors import InvalidBoxes, InvalidConfig, UsageError
from lidar_label.kernels.ground import estimate_ground
from lidar_label.kernels.wedge import count_inside, wedge
from lidar_label.ontology import LabelClass, Ontology, road_ontology
from lidar_label.proposals import ProposalConfig, Readings, read_segments
from lidar_label.scoring import click_scorer, usual_scorer

_RADIUS_M = 8.0  # around a click: half of a bus or truck and open ground around it
_MOST_POINTS = 12_000  # of the surroundings: what 2° of angle and a decimetre of size need
_USUAL_SENSOR_HEIGHT_M = 1.8
_LOWEST_SENSOR_M = 1.0
_BESIDE_M = 2.5  # from a click to what is seen of its object: a vehicle may show its far face only
_CLICK_SD_M = 0.35  # of a click beyond the object's outline
_SEED_SIZE_SD = 0.2  # of a rough box's size, as a share
_SEED_PLACE_SD = 0.05  # of its place, as a share of its size, and
_SEED_PLACE_SD_M = 0.3  # metres
_SEED_YAW_SD = math.radians(10)
# What a person labels differs from what points show by some 0.15 m, a rough box by 0.3 m: hence the
# weight of the rough box in the mean of both. Where an extent was completed the fit knows less.
_SEED_SHARE = 0.2
_SEED_SHARE_UNSEEN = 0.1
_UNSURE = -3.0  # log-odds against a segment that the click barely touches


@dataclass(frozen=True, eq=False)
class Fit:
    """The box at a click.

    Attributes:
        box: (7,) x y z length width height yaw, frame of the points.
        category: By the ontology's name.
        score: How likely a person keeps it; 0 where nothing was found to fit it to.
        residual: Mean distance of the outline's points to the box's sides, metres.
        num_points: Points in the box.
        reason: In words.
    """

    box: Floats
    category: str
    score: float
    residual: float
    num_points: int
    reason: str


def fit_at(
    points: NDArray[Any],
    *,
    click: Sequence[float] | NDArray[Any] | None = None,
    box: Sequence[float] | NDArray[Any] | None = None,
    category: str | None = None,
    ontology: Ontology | None = None,
    sensor_origin: tuple[float, float, float] | None = None,
) -> Fit:
    """Fit a box to what stands at a click, or to what a rough box is meant for.

    Args:
        points: (N, ≥3) one sweep, x y z in metres, z up, ego or sensor frame.
        click: (x, y) or (x, y, z), on the object or within half a metre of it.
        box: (7,) rough box: place, size and yaw give or take a fifth.
        category: Name or synonym of the class; the likeliest where None.
        ontology: Classes and sizes; None: `road_ontology()`.
        sensor_origin: Where the sensor sits; None: at the frame's origin or, where that is close
            to the ground, 1.8 m above it.

    Returns:
        The fit; where no points speak for one, the rough box or one of the class's usual size on
        the ground, with score 0.

    Raises:
        InvalidPoints: if `points` is not (N, ≥3) numbers.
        InvalidBoxes: if `box` is not (7,) finite numbers with sizes above 0.
        InvalidConfig: if the ontology has no class `category`.
        UsageError: if not exactly one of `click` and `box` is given, or the click is not finite.
    """
    sweep = _as_sweep(points)
    classes = _classes(category, ontology or road_ontology())
    seed = _as_seed(box) if box is not None else None
    place = _as_place(click, seed)
    if seed is not None:
        classes = tuple(_narrowed(label, seed) for label in classes)
    radius = _RADIUS_M if seed is None else max(_RADIUS_M / 2, 0.75 * float(seed[3]) + 2.0)
    guess = (0.0, 0.0) if sensor_origin is None else sensor_origin[:2]
    near = wedge(sweep, place[0], place[1], radius, guess[0], guess[1], _MOST_POINTS)
    ground = estimate_ground(near)
    origin = np.array(sensor_origin or (0.0, 0.0, _above(ground.sensor_height)))
    floor = float(ground.height_at(place[None, :2])[0])
    height = ground.height
    config = ProposalConfig(
        min_points=3,
        max_range=min(max(float(np.abs(place[:2] - origin[:2]).max()) + radius, 5.0), 300.0),
        ontology=Ontology("one click", 1, classes),
    )
    close = (float(place[0]), float(place[1]), _BESIDE_M)
    readings = (
        read_segments(near, height, origin, config, close_to=close) if len(near) > 3 else None
    )
    row = -1
    if readings is not None:
        closeness = readings.score(click_scorer(), hopeless=-np.inf)
        likely = np.log(closeness / (1.0 - closeness))
        wish = _at_click(readings.boxes, place) if seed is None else _like_seed(readings, seed)
        row = int((likely + wish).argmax())
        if wish[row] < _UNSURE:
            row = -1
    if readings is None or row < 0:
        return _assumed(sweep, place, floor, classes[0], seed)
    found = readings.cuboids(np.array([row]), _kept(readings, row))
    fitted = found.boxes[0]
    if seed is not None:
        unseen = float(readings.hypotheses.across[row] + readings.hypotheses.behind[row])
        fitted = _between(fitted, seed, min(_SEED_SHARE + _SEED_SHARE_UNSEEN * unseen, 0.5))
    fitted[6] = wrap_angle(fitted[6])
    return Fit(
        box=fitted,
        category=str(found.category[0]),
        score=float(found.score[0]),
        residual=float(found.residual[0]),
        num_points=int(count_inside(sweep, fitted)),
        reason=str(found.reason[0]),
    )


def _kept(readings: Readings, row: int) -> Floats:
    """(M,) how likely a person keeps reading `row`; NaN for the others."""
    evidence = readings.evidence
    score = np.full(len(evidence.first), np.nan)
    score[row] = usual_scorer().score(evidence.values[[row]], evidence.first[[row]])[0]
    return score


def _as_sweep(points: NDArray[Any]) -> Floats32:
    """The points as they are where a kernel can read them, without a copy."""
    array = np.asarray(points)
    ready = array.ndim == 2 and array.shape[1] >= 3 and array.dtype == np.float32
    return array if ready and array.flags.c_contiguous else as_points(points)


def _classes(category: str | None, ontology: Ontology) -> tuple[LabelClass, ...]:
    if category is None:
        return ontology.proposable()
    label = ontology.find(category)
    if label is None:
        known = ", ".join(ontology.names)
        raise InvalidConfig(f"ontology {ontology.name} has no class {category}; it has {known}")
    return (replace(label, propose=True),)


def _as_seed(box: Sequence[float] | NDArray[Any]) -> Floats:
    seed = as_boxes(np.atleast_2d(np.asarray(box, dtype=np.float64)))
    if len(seed) != 1 or not np.isfinite(seed).all() or (seed[0, 3:6] <= 0).any():
        raise InvalidBoxes("box: pass 7 finite numbers x y z length width height yaw, sizes > 0")
    return seed[0]


def _as_place(click: Sequence[float] | NDArray[Any] | None, seed: Floats | None) -> Floats:
    if (click is None) == (seed is None):
        raise UsageError("fit_at: pass either click=(x, y, z) or box=(7 numbers)")
    place = np.asarray(click if seed is None else seed[:3], dtype=np.float64)
    if place.shape not in ((2,), (3,)) or not np.isfinite(place).all():
        raise UsageError(f"fit_at: click is {click}; pass finite metres x y or x y z")
    return place


def _above(height_of_origin: float) -> float:
    """Z of the sensor in the frame of the points."""
    return 0.0 if height_of_origin >= _LOWEST_SENSOR_M else _USUAL_SENSOR_HEIGHT_M


def _narrowed(label: LabelClass, seed: Floats) -> LabelClass:
    """The class with the sizes that both it and the rough box speak for."""
    mean, sd = np.array(label.size_mean), np.array(label.size_sd)
    seed_sd = _SEED_SIZE_SD * seed[3:6]
    weight = seed_sd**2 / (seed_sd**2 + sd**2)
    middle = weight * mean + (1 - weight) * seed[3:6]
    spread = sd * np.sqrt(weight)
    length, width, tall = middle.tolist()
    a, b, c = spread.tolist()
    return replace(label, size_mean=(length, width, tall), size_sd=(a, b, c))


def _at_click(boxes: Boxes, place: Floats) -> Floats:
    """(M,) log-likelihood of a click for each box: anywhere on it alike, less beside it."""
    u, v = _in_box(boxes, place)
    out_u = np.maximum(np.abs(u) - boxes[:, 3] / 2, 0.0)
    out_v = np.maximum(np.abs(v) - boxes[:, 4] / 2, 0.0)
    return -(out_u**2 + out_v**2) / (2 * _CLICK_SD_M**2)


def _like_seed(readings: Readings, seed: Floats) -> Floats:
    """(M,) log-likelihood of the rough box for each reading."""
    boxes = readings.boxes
    u, v = _in_box(boxes, seed)
    du = u / (_SEED_PLACE_SD * seed[3] + _SEED_PLACE_SD_M)
    dv = v / (_SEED_PLACE_SD * seed[4] + _SEED_PLACE_SD_M)
    turn = np.mod(boxes[:, 6] - seed[6] + math.pi / 2, math.pi) - math.pi / 2
    grown = np.log(boxes[:, 3:5] / seed[3:5]) / _SEED_SIZE_SD
    longish = max(float(seed[3] / seed[4]) - 1.0, 0.0)  # of a square the yaw is free
    return (
        -(du**2 + dv**2 + min(longish, 1.0) * (turn / _SEED_YAW_SD) ** 2) / 2
        - (grown**2).sum(axis=1) / 4
    )


def _between(fitted: Floats, seed: Floats, share: float) -> Floats:
    """The fit, moved towards the rough box by a share; headed as that is."""
    turn = wrap_angle(fitted[6] - seed[6])
    result = fitted.copy()
    if abs(turn) > math.pi / 2:
        result[6] += math.pi
        turn = wrap_angle(turn + math.pi)
    if abs(turn) < math.pi / 4:  # else its length is the other's width
        result[6] = seed[6] + (1 - share) * turn
        result[[0, 1, 3, 4]] += share * (seed - fitted)[[0, 1, 3, 4]]
    return result


def _in_box(boxes: Boxes, place: Floats) -> tuple[Floats, Floats]:
    """(M,) a place along and across each box, from its centre."""
    dx, dy = place[0] - boxes[:, 0], place[1] - boxes[:, 1]
    c, s = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    return c * dx + s * dy, c * dy - s * dx


def _assumed(
    sweep: Floats32, place: Floats, floor: float, label: LabelClass, seed: Floats | None
) -> Fit:
    length, width, tall = label.size_mean
    box = np.array([place[0], place[1], floor + tall / 2, length, width, tall, 0.0])
    why = "the usual size"
    if seed is not None:
        box, why = seed.copy(), "the rough box"
    inside = int(count_inside(sweep, box))
    return Fit(box, label.name, 0.0, 0.0, inside, f"nothing stands here that fits; {why} is kept")
