"""What speaks for and against a box: columns of evidence from the sweep, and first odds from them.

The first odds are a logistic sum whose weights are set by hand from what the evidence means, and
rounded; none is fitted to a data set. `scoring` puts its trees on top of them.
"""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np

from lidar_label.arrays import Floats, Floats32, Ints
from lidar_label.hypotheses import Hypotheses
from lidar_label.kernels import surroundings as show
from lidar_label.kernels.free_space import EMPTY, HIDDEN, HIT, THROUGH

VEHICLES: Final = frozenset({"car", "van", "truck", "bus", "trailer"})
TWO_WHEELERS: Final = frozenset({"motorcycle", "bicycle", "cyclist"})
TALL_CLASSES: Final = frozenset({"truck", "bus"})
RING_WIDTH_M: Final = 4.0  # of the distances over which the sensor's usual view of ground is taken
_POROSITY = 0.25  # share of the rays that pass between spokes, limbs and frame of a two-wheeler
_ENOUGH_RAYS = 25
_EXCUSE = 0.6
_HIGH_ENDS = 0.68
_NARROW = -1.0  # stands for the shoulder of what looks narrow


@dataclass(frozen=True)
class Segments:
    """What is known of each segment, whatever it is taken for.

    Attributes:
        points: (K,) number of points.
        tall: (K,) share of its cells in which something goes on above the band of segments.
        kin: (K,) share of the larger structure, of which it may be a piece, that is not in it.
        level: (K,) how large a gap it bridges, in steps.
        shoulder: (K,) height of its two ends as a share of its top; NaN for what looks narrow.
        bottom: (K,) height of its lowest point above ground, metres.
        residual: (K,) mean distance of its points to the nearest edge of its rectangle, metres.
        profile: (K, 2) shares of its points in the lower and in the upper third of its height.
        thickness: (K,) its spread across as a share of that along: a wall is thin, a bush thick.
    """

    points: Floats
    tall: Floats
    kin: Floats
    level: Floats
    shoulder: Floats
    bottom: Floats
    residual: Floats
    profile: Floats
    thickness: Floats


# Log-odds for one unit of each piece of evidence, for vehicles, trucks and buses, people, cyclists
# and two-wheelers without a rider. Of the last two nearly nothing counts as it does of a vehicle:
# rays pass between spokes, frame and limbs, wheels are pieces of their own, bicycles stand beside
# each other and at walls. A logistic regression on simulated streets made none of their weights
# that are 0 here negative; what it said in favour is left to the trees.
WEIGHTS: Final = MappingProxyType(
    {
        "size": (0.4, 0.4, 0.4, 0.4, 0.4),  # log-likelihood of the extents under the class
        "points": (0.5, 0.5, 0.5, 0.5, 0.5),  # log of the number of points, against 20
        "ground inside": (-2.0, -2.0, -2.0, -2.0, -2.0),  # ground was seen where the box stands
        "others around": (-8.0, -8.0, -8.0, 0.0, 0.0),  # it is a piece of a wall or bush
        "ground around": (2.0, 2.0, 2.0, 0.5, 0.5),  # as much open ground as is seen anywhere
        "seen through": (-7.0, -7.0, -2.0, 0.0, 0.0),  # rays pass through it
        "hidden": (-1.2, -1.2, -1.2, -1.2, 0.0),  # rays end before it: nothing speaks for its size
        "completed across": (-3.5, -3.5, -3.5, -2.0, -0.5),  # across the line of sight
        # Where the object hides itself. Trucks and buses: a wall shows one face only, too.
        "completed behind": (-0.8, -2.5, 0.0, 0.0, 0.0),
        "goes on above": (-4.0, 0.0, -4.0, -4.0, -1.0),  # a wall or a tree
        "piece of more": (-1.5, -1.5, -1.5, -1.5, 0.0),  # most of the structure is not in the box
        "bridged gaps": (-0.1, -0.1, -0.5, 0.0, 0.0),  # put together from pieces
        "high ends": (0.0, 0.0, 0.0, -12.0, 0.0),  # a cyclist whose ends are not wheels
        "solid": (0.0, 0.0, 0.0, -5.0, -5.0),  # a two-wheeler that no ray passes
    }
)
# Log-odds before any evidence: of what stands around a road, few things are worth a box, and large
# vehicles and vehicles left standing are rarer than cars.
CLASS_PRIOR: Final = MappingProxyType(
    {"car": 0.5, "van": -1.0, "truck": -1.5, "bus": -1.3, "trailer": -1.0, "motorcycle": -2.5,
     "bicycle": -2.2, "cyclist": -0.4, "pedestrian": -0.2}
)  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """One row a reading, one column a name, and the first log-odds of each reading."""

    names: tuple[str, ...]
    values: Floats32 = field(repr=False)
    first: Floats = field(repr=False)


def gather_evidence(
    hypotheses: Hypotheses,
    segments: Segments,
    around: Floats32,
    rays: Floats32,
    usual_ground: Floats,
    distance: Floats,
    size_mean: Floats,
    opaque: Floats,
    class_names: tuple[str, ...],
) -> Evidence:
    """Put into columns what the sweep says for and against each box.

    In the columns a class counts by its size and opacity alone, so that a scorer serves other
    ontologies too.

    Args:
        hypotheses: M readings.
        segments: What is known of their K segments.
        around: (M, 10) from `surroundings`.
        rays: (M, 4) from `look_through`.
        usual_ground: From `usual_patch_share`, by steps of `RING_WIDTH_M`.
        distance: (M,) metres from the sensor.
        size_mean: (C, 3) of the classes.
        opaque: (C,) of the classes.
        class_names: Names of the C classes.
    """
    ring = np.minimum((distance / RING_WIDTH_M).astype(np.int64), len(usual_ground) - 1)
    ended = rays[:, HIT] + rays[:, THROUGH]
    node, kind, boxes = hypotheses.node, hypotheses.kind, hypotheses.boxes
    hidden = rays[:, HIDDEN] / np.maximum(ended + rays[:, HIDDEN], 1.0)
    columns = {
        "class length": size_mean[kind, 0],
        "class width": size_mean[kind, 1],
        "class height": size_mean[kind, 2],
        "opaque": opaque[kind],
        "length": boxes[:, 3],
        "width": boxes[:, 4],
        "height": boxes[:, 5],
        "distance": distance,
        "size": np.maximum(hypotheses.fit, -10.0),
        "points": np.log(np.maximum(segments.points[node], 1.0)),
        "faces": hypotheses.faces,
        "completed across": hypotheses.across,
        "completed behind": hypotheses.behind,
        # Half a ray of each kind is assumed beforehand, so that no ray says nothing much.
        "seen through": (rays[:, THROUGH] + 0.5) / (ended + 2.0),
        "hidden": hidden,
        "no return": rays[:, EMPTY] / np.maximum(rays.sum(axis=1), 1.0),
        "rays": np.log(1.0 + ended),
        "ground inside": around[:, show.IN_GROUND],
        "own inside": around[:, show.IN_OWN],
        "others inside": around[:, show.IN_OTHER],
        "ground close by": around[:, show.RING_GROUND],
        "own outside": around[:, show.RING_OWN],
        "others around": around[:, show.RING_OTHER],
        "tall around": around[:, show.RING_TALL],
        "ground around": np.minimum(around[:, show.PATCHES] / usual_ground[ring], 1.2),
        "goes on above": segments.tall[node],
        "piece of more": segments.kin[node],
        "bridged gaps": segments.level[node],
        "ends": np.nan_to_num(segments.shoulder[node], nan=_NARROW),
        "bottom": segments.bottom[node],
        "residual": segments.residual[node],
        "low points": segments.profile[node, 0],
        "high points": segments.profile[node, 1],
        "thickness": segments.thickness[node],
        "points a ray": np.log(np.maximum(segments.points[node], 1.0)) - np.log(1.0 + ended),
    }
    values = np.column_stack(list(columns.values())).astype(np.float32)
    return Evidence(tuple(columns), values, _first_odds(columns, kind, class_names))


def _first_odds(
    columns: dict[str, Floats | Ints | Floats32], kind: Ints, class_names: tuple[str, ...]
) -> Floats:
    """(M,) log-odds from `WEIGHTS` and the class's prior."""
    group = np.array([_group(name) for name in class_names])[kind]
    through = columns["seen through"]
    excused = 1.0 - _EXCUSE * columns["hidden"]  # what something else hides may well be there
    ended = np.expm1(columns["rays"])
    terms = {
        **columns,
        "points": np.clip(columns["points"], np.log(5), np.log(300)) - np.log(20),
        "completed across": columns["completed across"] * excused,
        "completed behind": columns["completed behind"] * excused,
        "high ends": np.maximum(columns["ends"] - _HIGH_ENDS, 0.0),
        "solid": np.maximum(_POROSITY - through, 0.0) * np.minimum(ended / _ENOUGH_RAYS, 1.0),
    }
    odds = np.array([CLASS_PRIOR.get(name, -1.0) for name in class_names], dtype=np.float64)[kind]
    for name, weights in WEIGHTS.items():
        np.add(odds, np.array(weights)[group] * terms[name], out=odds)
    return odds


def _group(name: str) -> int:
    """Which column of `WEIGHTS` a class reads."""
    if name in VEHICLES:
        return 1 if name in TALL_CLASSES else 0
    if name in TWO_WHEELERS:
        return 3 if name == "cyclist" else 4
    return 2  # whatever else an ontology proposes stands like a person
