"""Labelled sweeps of simulated streets: truth without a licence, for measuring and for fitting."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np

from lidar_label.arrays import Boxes, Floats, Mask
from lidar_label.benchmarks.labelled_sweeps import LabelledSweep
from lidar_label.benchmarks.parked_two_wheelers import BICYCLE, parked
from lidar_label.benchmarks.street_clutter import clutter
from lidar_label.calibration.transforms import invert
from lidar_label.datasets.simulation.actors import Actor, Cast, make_cast
from lidar_label.datasets.simulation.assembly import Parts
from lidar_label.datasets.simulation.lidar import Lidar, spinning
from lidar_label.datasets.simulation.materials import Category, Material
from lidar_label.datasets.simulation.stage import Stage
from lidar_label.datasets.simulation.town import Town, make_town
from lidar_label.kernels.solids import solid_bounds
from lidar_label.track_stream import move_boxes

_REACH_M = 130.0
_LABELLED_M = 80.0
_PERIOD_S = 0.1
_MOUNT_M = (1.6, 2.2)  # above the ground, in the middle of the car
_NAMES = {
    "CAR": "car", "VAN": "van", "TRUCK": "truck", "BUS": "bus", "PEDESTRIAN": "pedestrian",
    "CYCLIST": "cyclist", "MOTORCYCLIST": "cyclist",
}  # fmt: skip


def simulated_sweeps(
    towns: tuple[int, ...], *, beams: tuple[int, ...] = (32, 64), every: float = 4.0, count: int = 4
) -> Iterator[LabelledSweep]:
    """Sweeps of a roof sensor, some seconds apart, in several towns; sensor frame.

    Args:
        towns: Seeds; each its own town and traffic.
        beams: Sensors, each of which scans every moment.
        every: Seconds between moments.
        count: Moments a town.
    """
    for town in towns:
        rng = np.random.default_rng(town)
        built = make_town(rng)
        built = replace(built, parts=Parts.concatenate((built.parts, clutter(built, rng))))
        cast = make_cast(built, every * count, rng)
        others, names = parked(built, len(cast.others), rng)
        cast = Cast(cast.ego, (*cast.others, *_apart(cast, others)))
        stage = Stage(built, cast)
        mount = rng.uniform(*_MOUNT_M)
        scene = _Scene(stage, cast, names, _stands(built), f"town {town}", mount)
        sensors = {number: Lidar(spinning(number), rng) for number in beams}
        for moment, number in product(range(count), beams):
            yield _sweep(scene, sensors[number], every * moment, number)


@dataclass(frozen=True, eq=False)
class _Scene:
    stage: Stage
    cast: Cast
    names: dict[int, str]  # of tracks that the simulator has no category for
    stands: Boxes  # world frame
    place: str
    mount: float


def _apart(cast: Cast, others: list[Actor]) -> list[Actor]:
    """Those of `others` that overlap nobody who stands still."""
    still = np.array([a.motion.at(0.0)[:2] for a in cast.others if a.motion.is_still])
    kept: list[Actor] = []
    for actor in others:
        place = actor.motion.at(0.0)[:2]
        if len(still) and (np.hypot(*(still - place).T) < 2.6).any():
            continue
        if any(np.hypot(*(a.motion.at(0.0)[:2] - place)) < 0.42 for a in kept):
            continue
        kept.append(actor)
    return kept


def _stands(town: Town) -> Boxes:
    """Boxes around the bicycles of the simulator's stands: two wheels each, one after the other."""
    parts = town.parts
    wheels = np.flatnonzero(
        (parts.material == Material.RUBBER) & (parts.category == Category.STREET_OBJECT)
    )
    bounds = solid_bounds(parts.solids)[wheels]
    middle, low = (bounds[:, :3] + bounds[:, 3:]) / 2, bounds[:, 2]
    boxes: list[list[float]] = []
    for a, b in pairwise(range(len(wheels))):
        apart = middle[b, :2] - middle[a, :2]
        if wheels[b] == wheels[a] + 1 and 0.9 < np.hypot(*apart) < 1.1:
            x, y = (middle[a, :2] + middle[b, :2]) / 2
            z = min(low[a], low[b]) + 0.52
            boxes.append([x, y, z, 1.68, 0.5, 1.04, float(np.arctan2(apart[1], apart[0]))])
    return np.array(boxes).reshape(-1, 7)


def _sweep(scene: _Scene, lidar: Lidar, time: float, number: int) -> LabelledSweep:
    cast, place = scene.cast, scene.place
    rng = np.random.default_rng([number, round(10 * time)])
    pose = cast.ego.motion.poses(time)
    mount = np.eye(4)
    mount[2, 3] = scene.mount
    world_from_sensor = pose @ mount
    shot = scene.stage.shot(time, time + _PERIOD_S, world_from_sensor[:3, 3], _REACH_M)
    poses = np.broadcast_to(world_from_sensor, (lidar.model.columns, 4, 4))
    scan = lidar.scan(shot, poses, round(1e9 * _PERIOD_S), rng)
    world_boxes = np.vstack(
        (np.array([_box(actor, time + _PERIOD_S / 2) for actor in cast.others]), scene.stands)
    )
    boxes = move_boxes(invert(world_from_sensor)[None].repeat(len(world_boxes), 0), world_boxes)
    near = np.hypot(boxes[:, 0], boxes[:, 1]) < _LABELLED_M
    names = np.array(
        [scene.names.get(a.track, _NAMES[a.body.category.name]) for a in cast.others]
        + [BICYCLE] * len(scene.stands),
        object,
    )
    points = np.column_stack((scan.xyz, scan.intensity)).astype(np.float32)
    return LabelledSweep(
        f"{place}, {number} beams, {time:g} s", f"simulated-{number}", points, boxes[near],
        names[near], _everywhere,
    )  # fmt: skip


def _box(actor: Actor, time: float) -> Floats:
    state, body = actor.motion.at(time), actor.body
    return np.array([state[0], state[1], state[2] + body.box[0], *body.box[1:4], state[3]])


def _everywhere(places: Floats) -> Mask:
    return np.ones(len(places), dtype=bool)
