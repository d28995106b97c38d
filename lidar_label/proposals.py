"""Boxes proposed on one sweep: segments of all sizes, what each may be, and the best together.

The outline follows Hu, Held and Ramanan, "Learning to Optimally Segment Point Clouds" (RA-L 2020):
a tree of segments, a score for each, and the cut through the tree with the highest total. What is
scored is geometry: size against the ontology, ground contact, free space in and around the box.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Boxes, Floats, Floats32, Ints, Mask, Points
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.errors import InvalidConfig
from lidar_label.hypotheses import Hypotheses, hypothesise
from lidar_label.kernels.allocation import keep_freed_memory
from lidar_label.kernels.boxes import iou_bev
from lidar_label.kernels.finite_points import finite_points
from lidar_label.kernels.free_space import hidden_ends, look_through, range_image
from lidar_label.kernels.ground import estimate_ground
from lidar_label.kernels.principal_axis import turn_to_axis
from lidar_label.kernels.rectangles import (
    ANGLE,
    BOTTOM,
    LOWER,
    RESIDUAL,
    SHOULDER,
    THICKNESS,
    TOP,
    U_HIGH,
    U_LOW,
    UPPER,
    V_HIGH,
    V_LOW,
    fit_slices,
)
from lidar_label.kernels.segment_cut import best_cut, outermost
from lidar_label.kernels.segments import SegmentTree, segment_tree
from lidar_label.kernels.sensor_place import find_sensor
from lidar_label.kernels.surroundings import ground_patches, surroundings, usual_patch_share
from lidar_label.ontology import Ontology, road_ontology
from lidar_label.plausibility import RING_WIDTH_M, Evidence, Segments, gather_evidence
from lidar_label.reasons import explain
from lidar_label.scoring import Scorer, usual_scorer

_TALL_SHARE = 0.15  # of the cells; from there on what goes on above belongs to the object
# A box is worth its look from this score on: to reject one takes a person a third of the time of
# drawing one, so that right ones pay for wrong ones from 0.25 on. On simulated towns that taught
# nothing the cost is within a hundredth of its least from 0.2 to 0.35 (`benchmarks/scorer.py`); on
# recordings, whose streets hold more that looks like a vehicle, the higher end does better. Two
# halves at 0.4 are worth less than the whole at 0.55.
_BREAK_EVEN = 0.3
# First log-odds; two of five readings are below it. On simulated towns the trees gave none of these
# more than 0.11, so that they need not be asked.
_HOPELESS = -6.0
_LITTLE = 0.05  # of the score: what less likely boxes are worth among themselves
_LONGEST_THIN_M = 4.0  # no two-wheeler is longer
_OVERLAP = 0.35  # of the smaller box; two objects do not share more ground


@dataclass(frozen=True)
class ProposalConfig:
    """What to propose.

    Attributes:
        min_score: Boxes that are less likely to be kept are not proposed.
        min_points: Segments with fewer points are not looked at.
        max_range: Half the side of the square around the sensor that is searched, metres.
        sensor_origin: Where the sensor sits in the frame of the points. None: at the frame's
            origin or, where that is close to the ground (a vehicle frame), in the middle of the
            blind zone.
        ontology: Classes and sizes; None: `road_ontology()`.
        scorer: What weighs the evidence; None: `usual_scorer()`.
    """

    min_score: float = _BREAK_EVEN
    min_points: int = 6
    max_range: float = 60.0
    sensor_origin: tuple[float, float, float] | None = None
    ontology: Ontology | None = None
    scorer: Scorer | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.min_score <= 1:
            raise InvalidConfig(f"proposals: min_score is {self.min_score}; set it in [0, 1]")
        if self.min_points < 3:
            raise InvalidConfig(f"proposals: min_points is {self.min_points}; set 3 or more")
        if not 5 <= self.max_range <= 300:
            raise InvalidConfig(f"proposals: max_range is {self.max_range}; set metres in [5, 300]")
        if self.sensor_origin is not None and not all(map(math.isfinite, self.sensor_origin)):
            raise InvalidConfig(f"proposals: sensor_origin is {self.sensor_origin}; set metres")


@dataclass(frozen=True, eq=False)
class Readings:
    """All that the segments of one sweep may be, with what speaks for and against each reading.

    Attributes:
        tree: The segments.
        nodes: (K,) those of them that were fitted.
        segments: What is known of the K.
        hypotheses: M readings of them.
        boxes: (M, 7) the readings in the frame of the points.
        evidence: Of the M readings.
        class_names: Names of the classes that `hypotheses.kind` counts.
    """

    tree: SegmentTree
    nodes: Ints
    segments: Segments
    hypotheses: Hypotheses
    boxes: Boxes
    evidence: Evidence
    class_names: tuple[str, ...]

    def score(self, scorer: Scorer, *, hopeless: float = _HOPELESS) -> Floats:
        """(M,) how likely a person keeps each reading.

        Args:
            scorer: What weighs the evidence.
            hopeless: First log-odds below which the trees are not asked.

        Raises:
            InvalidConfig: if the scorer reads other evidence than is gathered here.
        """
        if scorer.features != self.evidence.names:
            raise InvalidConfig("scorer: it was fitted to other evidence; fit it anew")
        return scorer.score(self.evidence.values, self.evidence.first, hopeless=hopeless)

    def cuboids(self, rows: Ints, score: Floats) -> Cuboids:
        """The readings `rows` as proposals; `score` is (M,)."""
        of = self.hypotheses.node[rows]
        return Cuboids.of(
            self.boxes[rows],
            category=np.array(self.class_names, dtype=object)[self.hypotheses.kind[rows]],
            score=score[rows].astype(np.float32),
            num_points=self.segments.points[of].astype(np.int32),
            residual=self.segments.residual[of].astype(np.float32),
            reason=explain(self.hypotheses, self.segments, self.evidence, self.class_names, rows),
        )


def propose(points: NDArray[Any], config: ProposalConfig = ProposalConfig()) -> Cuboids:
    """Propose boxes on one sweep, the likeliest first.

    Args:
        points: (N, ≥3) x y z in metres, z up, sensor or vehicle frame; further columns and points
            that are not finite are ignored.
        config: What to propose.

    Returns:
        Cuboids with category, score, num_points, residual and reason; frame 0.

    Raises:
        InvalidPoints: if `points` is not (N, ≥3) numbers.
    """
    return _proposed(read_sweep(points, config), config)


def propose_above(
    xyz: Points, height: Floats32, origin: tuple[float, float, float], config: ProposalConfig
) -> Cuboids:
    """Propose as `propose` does, where the ground and the sensor's place are known.

    Args:
        xyz: (N, 3) float32, finite.
        height: (N,) metres above ground.
        origin: Of the sensor.
        config: What to propose.
    """
    if len(xyz) < config.min_points:
        return Cuboids.empty()
    return _proposed(read_segments(xyz, height, np.array(origin), config), config)


def _proposed(readings: Readings | None, config: ProposalConfig) -> Cuboids:
    if readings is None:
        return Cuboids.empty()
    score = readings.score(config.scorer or usual_scorer())
    return readings.cuboids(best_rows(readings, score, config.min_score), score)


def read_sweep(points: NDArray[Any], config: ProposalConfig = ProposalConfig()) -> Readings | None:
    """All that stands in a sweep, read as every class; None where nothing does.

    Raises:
        InvalidPoints: if `points` is not (N, ≥3) numbers.
    """
    keep_freed_memory()
    xyz = finite_points(points)
    if len(xyz) < config.min_points:
        return None
    ground = estimate_ground(xyz)
    height = ground.height
    sensor = find_sensor(xyz, height) if config.sensor_origin is None else config.sensor_origin
    return read_segments(xyz, height, np.asarray(sensor, dtype=np.float64), config)


def read_segments(
    xyz: Points,
    height: Floats32,
    origin: Floats,
    config: ProposalConfig,
    *,
    close_to: tuple[float, float, float] | None = None,
) -> Readings | None:
    """Segment a sweep and read each segment as every class; None where nothing can be read.

    Args:
        xyz: (N, 3) float32, finite.
        height: (N,) metres above ground.
        origin: (3,) of the sensor.
        config: What to look for.
        close_to: x, y and metres; segments that are further from that place are not read.
    """
    ontology = config.ontology or road_ontology()
    tree = segment_tree(
        xyz, height, max_range=config.max_range, centre=(float(origin[0]), float(origin[1]))
    )
    longest = float((ontology.size_means() + 3 * ontology.size_sds())[:, 0].max())
    nodes, fits = _fit_nodes(tree, origin, config.min_points, longest)
    if close_to is not None:
        close = _gap(fits, close_to[0], close_to[1]) <= close_to[2]
        nodes, fits = nodes[close], fits[close]
    if len(nodes) == 0:
        return None
    segments, tops = _describe(tree, nodes, fits)
    thin_fits = turn_to_axis(
        tree.points, tree.start[nodes], tree.stop[nodes], fits, _LONGEST_THIN_M
    )
    both = np.concatenate((fits[:, :5], thin_fits))
    hidden = hidden_ends(xyz, height, both, origin[:2], 0.3, 2.5)
    hypotheses = hypothesise(
        fits,
        thin_fits,
        tops,
        hidden[: len(fits)],
        hidden[len(fits) :],
        origin[:2],
        ontology.size_means(),
        ontology.size_sds(),
        ontology.opacities(),
    )
    if len(hypotheses.node) == 0:
        return None
    first = tree.order[tree.start[nodes]]
    boxes = hypotheses.boxes.copy()
    boxes[:, 2] += (xyz[first, 2] - height[first])[hypotheses.node]
    names = tuple(label.name for label in ontology.proposable())
    patches = ground_patches(tree.grid.state)
    around = surroundings(
        boxes,
        tree.cell_start[nodes[hypotheses.node]],
        tree.cell_stop[nodes[hypotheses.node]],
        tree.grid.state,
        tree.grid.ranked,
        tree.grid.centre,
        patches,
    )
    evidence = gather_evidence(
        hypotheses,
        segments,
        around,
        look_through(boxes, range_image(xyz, origin), origin),
        usual_patch_share(patches, RING_WIDTH_M),
        np.hypot(boxes[:, 0] - origin[0], boxes[:, 1] - origin[1]),
        ontology.size_means(),
        ontology.opacities(),
        names,
    )
    return Readings(tree, nodes, segments, hypotheses, boxes, evidence, names)


def _fit_nodes(
    tree: SegmentTree, origin: Floats, min_points: int, longest: float
) -> tuple[Ints, Floats]:
    nodes = np.flatnonzero(tree.stop - tree.start >= min_points)
    fits = fit_slices(tree.points, tree.start[nodes], tree.stop[nodes], longest, origin[:2])
    fitted = np.isfinite(fits[:, 0])
    return nodes[fitted], fits[fitted]


def _gap(fits: Floats, x: float, y: float) -> Floats:
    """(K,) metres from a place to each rectangle; 0 within it."""
    c, s = np.cos(fits[:, ANGLE]), np.sin(fits[:, ANGLE])
    u, v = c * x + s * y, c * y - s * x
    beside_u = np.maximum(np.maximum(fits[:, U_LOW] - u, u - fits[:, U_HIGH]), 0.0)
    beside_v = np.maximum(np.maximum(fits[:, V_LOW] - v, v - fits[:, V_HIGH]), 0.0)
    return np.hypot(beside_u, beside_v)


def _describe(tree: SegmentTree, nodes: Ints, fits: Floats) -> tuple[Segments, Floats]:
    """What is known of each segment, and the height of its top."""
    cells = tree.cell_stop - tree.cell_start
    root = outermost(tree.parent)
    tall = (tree.tall_cells / cells)[nodes]
    segments = Segments(
        points=(tree.stop - tree.start)[nodes].astype(np.float64),
        tall=tall,
        kin=1.0 - cells[nodes] / cells[root[nodes]],
        level=tree.level[nodes].astype(np.float64),
        shoulder=fits[:, SHOULDER],
        bottom=fits[:, BOTTOM],
        residual=fits[:, RESIDUAL],
        profile=fits[:, [LOWER, UPPER]],
        thickness=fits[:, THICKNESS],
    )
    return segments, np.where(tall > _TALL_SHARE, tree.tall_top[nodes], fits[:, TOP])


def best_rows(readings: Readings, score: Floats, min_score: float) -> Ints:
    """Rows of the readings that go together, best first.

    Of segments inside one another those are taken of which most are expected to be kept; of boxes
    that share ground, the likelier.

    Args:
        readings: M of them.
        score: (M,).
        min_score: Readings below it are left out.
    """
    boxes, nodes = readings.boxes, readings.nodes
    ascending = np.argsort(score, kind="stable")
    best = np.full(len(nodes), -1, dtype=np.int64)
    best[readings.hypotheses.node[ascending]] = ascending
    rows = best[best >= 0]
    rows = rows[score[rows] >= min_score]
    value = np.zeros(len(readings.tree.parent))
    node = nodes[readings.hypotheses.node]
    value[node[rows]] = np.maximum(score[rows] - _BREAK_EVEN, _LITTLE * score[rows])
    rows = rows[best_cut(readings.tree.parent, value)[node[rows]]]
    rows = rows[np.lexsort((boxes[rows, 1], boxes[rows, 0], -score[rows]))]
    return rows[_apart(boxes[rows])]


def _apart(boxes: Boxes) -> Mask:
    """Which boxes to keep, best first, so that none covers much of another."""
    iou = iou_bev(boxes, boxes)
    area = boxes[:, 3] * boxes[:, 4]
    shared = iou / (1 + iou) * (area[:, None] + area[None])
    covered = shared > _OVERLAP * np.minimum(area[:, None], area[None])
    keep = np.zeros(len(boxes), dtype=bool)
    for row in range(len(boxes)):
        keep[row] = not (covered[row] & keep).any()
    return keep
