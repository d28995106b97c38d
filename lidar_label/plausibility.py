"""How likely a person would keep a box: evidence from the sweep, weighed by a logistic sum.

The weights are set by hand from what the evidence means, in log-odds, and rounded; none is fitted
to a data set.
"""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np

from lidar_label.arrays import Floats, Floats32
from lidar_label.hypotheses import Hypotheses
from lidar_label.kernels import rectangles as show
from lidar_label.kernels.free_space import HIDDEN, HIT, THROUGH

VEHICLES: Final = frozenset({"car", "van", "truck", "bus", "trailer"})
TWO_WHEELERS: Final = frozenset({"motorcycle", "bicycle", "cyclist"})
TALL_CLASSES: Final = frozenset({"truck", "bus"})
RING_WIDTH_M: Final = 4.0  # of the distances over which the sensor's usual view of ground is taken
_POROSITY = 0.25  # share of the rays that pass between spokes, limbs and frame of a two-wheeler
_ENOUGH_RAYS = 25
_EXCUSE = 0.6
_HIGH_ENDS = 0.68


@dataclass(frozen=True)
class Segments:
    """What is known of each segment, whatever it is taken for.

    Attributes:
        points: (K,) number of points.
        tall: (K,) share of its cells in which something goes on above the band of segments.
        kin: (K,) share of the larger structure, of which it may be a piece, that is not in it.
        level: (K,) how large a gap it bridges, in steps.
        shoulder: (K,) height of its two ends as a share of its top; NaN for what looks narrow.
    """

    points: Floats
    tall: Floats
    kin: Floats
    level: Floats
    shoulder: Floats


# Log-odds for one unit of each piece of evidence.
WEIGHTS: Final = MappingProxyType(
    {
        "size": 0.4,  # log-likelihood of the extents under the class
        "points": 0.5,  # log of the number of points, against 20
        "ground inside": -2.0,  # ground was seen where the box stands
        "others around": -8.0,  # other things stand close by: a piece of a wall or bush
        "ground around": 2.0,  # open ground is seen around, as much as this sensor shows anywhere
        "seen through": -7.0,  # rays pass through a vehicle
        "seen through, small": -2.0,  # rays pass through a person or two-wheeler
        "hidden": -1.2,  # rays end before the box, nothing speaks for its full extent
        "completed across": -3.5,  # extent filled in across the line of sight
        "completed behind": -0.8,  # extent filled in where the vehicle hides itself
        "completed behind, tall": -2.5,  # the same for trucks and buses: a wall shows one face only
        "completed behind, small": -1.2,  # the same for what lets beams through
        "goes on above": -4.0,  # a wall or a tree
        "piece of more": -1.5,  # most of the structure around is not in the box
        "bridged gaps": -0.1,  # a vehicle put together from pieces
        "bridged gaps, small": -0.5,  # a person or two-wheeler put together from pieces
        "high ends": -12.0,  # a cyclist whose ends are not wheels
        "solid": -5.0,  # a two-wheeler that no ray passes
    }
)
# Log-odds before any evidence: of what stands around a road, few things are worth a box, and large
# vehicles and vehicles left standing are rarer than cars.
CLASS_PRIOR: Final = MappingProxyType(
    {"car": 0.5, "van": -1.0, "truck": -1.5, "bus": -1.3, "trailer": -1.0, "motorcycle": -0.5,
     "bicycle": -0.3, "cyclist": 0.2, "pedestrian": 0.2}
)  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """One row a hypothesis, one column a name of `WEIGHTS`, and the class's prior log-odds."""

    names: tuple[str, ...]
    values: Floats = field(repr=False)
    prior: Floats = field(repr=False)

    def log_odds(self, *, without: tuple[str, ...] = ()) -> Floats:
        """(M,) that a person keeps the box, leaving out what is named in `without`."""
        weights = np.array([0.0 if name in without else WEIGHTS[name] for name in self.names])
        return self.prior + self.values @ weights

    def score(self) -> Floats:
        """(M,) probability that a person keeps the box."""
        return 1.0 / (1.0 + np.exp(-self.log_odds()))


def gather_evidence(
    hypotheses: Hypotheses,
    segments: Segments,
    around: Floats32,
    rays: Floats32,
    usual_ground: Floats,
    distance: Floats,
    class_names: tuple[str, ...],
) -> Evidence:
    """Weigh nothing yet; put into columns what the sweep says for and against each box.

    Args:
        hypotheses: M readings.
        segments: What is known of their K segments.
        around: (M, 10) from `surroundings`.
        rays: (M, 4) from `look_through`.
        usual_ground: From `usual_patch_share`, by steps of `RING_WIDTH_M`.
        distance: (M,) metres from the sensor.
        class_names: Names of the classes that `hypotheses.kind` counts.
    """
    vehicle = np.array([name in VEHICLES for name in class_names])[hypotheses.kind]
    two_wheeler = np.array([name in TWO_WHEELERS for name in class_names])[hypotheses.kind]
    cyclist = np.array([name == "cyclist" for name in class_names])[hypotheses.kind]
    shoulder = np.nan_to_num(segments.shoulder[hypotheses.node], nan=_HIGH_ENDS)
    tall_class = np.array([name in TALL_CLASSES for name in class_names])[hypotheses.kind]
    ring = np.minimum((distance / RING_WIDTH_M).astype(np.int64), len(usual_ground) - 1)
    ended = rays[:, HIT] + rays[:, THROUGH]
    # Half a ray of each kind is assumed beforehand, so that no ray says nothing much.
    through = (rays[:, THROUGH] + 0.5) / (ended + 2.0)
    hidden = rays[:, HIDDEN] / np.maximum(ended + rays[:, HIDDEN], 1.0)
    excused = 1.0 - _EXCUSE * hidden  # what something else hides may well be there
    solid = np.maximum(_POROSITY - through, 0.0) * np.minimum(ended / _ENOUGH_RAYS, 1.0)
    node = hypotheses.node
    columns = {
        "size": np.maximum(hypotheses.fit, -10.0),
        "points": np.log(np.clip(segments.points[node], 5, 300) / 20),
        "ground inside": around[:, show.IN_GROUND],
        "others around": around[:, show.RING_OTHER],
        "ground around": np.minimum(around[:, show.PATCHES] / usual_ground[ring], 1.2),
        "seen through": np.where(vehicle, through, 0.0),
        "seen through, small": np.where(vehicle, 0.0, through),
        "hidden": hidden,
        "completed across": hypotheses.across * excused,
        "completed behind": np.where(vehicle & ~tall_class, hypotheses.behind * excused, 0.0),
        "completed behind, tall": np.where(tall_class, hypotheses.behind * excused, 0.0),
        "completed behind, small": np.where(vehicle, 0.0, hypotheses.behind * excused),
        "goes on above": np.where(tall_class, 0.0, segments.tall[node]),
        "piece of more": segments.kin[node],
        "bridged gaps": np.where(vehicle, segments.level[node], 0.0),
        "bridged gaps, small": np.where(vehicle, 0.0, segments.level[node]),
        "high ends": np.where(cyclist, np.maximum(shoulder - _HIGH_ENDS, 0.0), 0.0),
        "solid": np.where(two_wheeler, solid, 0.0),
    }
    prior = np.array([CLASS_PRIOR.get(name, -1.0) for name in class_names])[hypotheses.kind]
    return Evidence(
        tuple(columns), np.column_stack(list(columns.values())).astype(np.float64), prior
    )
