"""Shapes of people on foot, on bicycles and on motorcycles, with limbs that move."""

import numpy as np

from lidar_label.datasets.simulation.assembly import Assembly, Colour, Parts
from lidar_label.datasets.simulation.bodies import Body, make_body, paint
from lidar_label.datasets.simulation.materials import Category, Material

_POSES = 8  # of a cycle
_CLOTHES: tuple[Colour, ...] = (
    (40, 44, 60), (30, 30, 32), (110, 40, 40), (60, 90, 130), (150, 140, 120), (200, 200, 196),
    (70, 80, 60), (130, 100, 60), (90, 60, 100), (190, 160, 60), (120, 124, 130),
)  # fmt: skip
_SKINS: tuple[Colour, ...] = ((224, 186, 160), (206, 164, 138), (150, 108, 82), (96, 66, 50))
_Point = tuple[float, float, float]


def make_pedestrian(rng: np.random.Generator, *, walking: bool = True) -> Body:
    """A grown-up or a child, walking or standing, perhaps with a bag or a long coat."""
    child = rng.random() < 0.15
    tall = rng.uniform(1.05, 1.45) if child else rng.normal(1.72, 0.08)
    broad = tall * rng.uniform(0.23, 0.28)
    top, legs = _pick(rng, _CLOTHES), _pick(rng, _CLOTHES)
    skin, hair = _pick(rng, _SKINS), _pick(rng, _CLOTHES[:2])
    bag, coat = rng.random(), rng.random() < 0.2
    swing = np.radians(rng.uniform(20, 26)) if walking else 0.0
    stance = 0.0 if walking else np.radians(4)
    hip, shoulder, leg = 0.53 * tall, 0.82 * tall, 0.53 * tall

    def pose(phase: float) -> Parts:
        thing = Assembly(Category.PEDESTRIAN)
        angle = swing * np.sin(2 * np.pi * phase)
        for side, a in ((1, angle), (-1, -angle)):
            y = side * 0.055 * tall
            foot = (leg * float(np.sin(a)), y + side * leg * stance, hip - leg * float(np.cos(a)))
            foot = (foot[0], foot[1], foot[2] + 0.03)
            thing.tube((0, y, hip + 0.04), foot, 0.055 * tall, Material.CLOTH, legs, taper=0.4)
            thing.box(
                (foot[0] + 0.05, foot[1], foot[2] + 0.01),
                (0.15 * tall, 0.09, 0.08),
                Material.PLASTIC,
            )
            hand = (-0.8 * leg * float(np.sin(a)) * 0.8, side * (broad / 2 + 0.05), hip - 0.02)
            thing.tube(
                (0, side * broad / 2, shoulder - 0.03), hand, 0.03 * tall, Material.CLOTH, top,
                taper=0.35,
            )  # fmt: skip
            thing.ball(hand, (0.09, 0.07, 0.1), Material.SKIN, skin)
        thing.box(
            (0, 0, (hip + shoulder) / 2), (0.13 * tall, broad * 0.95, shoulder - hip + 0.06),
            Material.CLOTH, top, taper=(0.15, 0.15, -0.12),
        )  # fmt: skip
        if coat:
            thing.tube(
                (0, 0, hip - 0.25 * tall), (0, 0, hip + 0.1), broad * 0.62, Material.CLOTH, top,
                taper=0.25,
            )  # fmt: skip
        _head(thing, (0.02, 0, 0.93 * tall), tall, skin, hair)
        if bag < 0.25:
            thing.box(
                (-0.12 * tall, 0, 0.68 * tall), (0.16, broad * 0.7, 0.26 * tall), Material.CLOTH,
                (50, 60, 80),
            )  # fmt: skip
        elif bag < 0.4:
            thing.box(
                (0.02, broad / 2 + 0.1, 0.38 * tall), (0.32, 0.12, 0.28), Material.CLOTH, legs
            )
        return thing.parts()

    count = _POSES if walking else 1
    return make_body(
        Category.PEDESTRIAN, [pose(k / count) for k in range(count)],
        cycle=4 * leg * float(np.sin(max(swing, 0.1))), wheelbase=0.4, track=0.4,
    )  # fmt: skip


def make_cyclist(rng: np.random.Generator) -> Body:
    """A bicycle with its rider, legs turning."""
    tall = rng.normal(1.72, 0.08)
    lean = np.radians(rng.uniform(15, 45))
    top, legs, skin = _pick(rng, _CLOTHES), _pick(rng, _CLOTHES), _pick(rng, _SKINS)
    helmet, frame_colour = rng.random() < 0.6, paint(rng)
    bag = rng.random() < 0.3

    def pose(phase: float) -> Parts:
        thing = Assembly(Category.CYCLIST)
        crank, saddle, bars = (0.0, 0.0, 0.29), (-0.2, 0.0, 0.95), (0.42, 0.0, 1.02)
        for x in (-0.52, 0.52):
            # Spokes hide little; the rim's share of the disc stops the rest.
            thing.tube((x, -0.02, 0.34), (x, 0.02, 0.34), 0.34, Material.RUBBER, transmission=0.55)
        bones: tuple[tuple[_Point, _Point], ...] = (
            (crank, (0.38, 0, 0.85)), (crank, saddle), ((-0.17, 0, 0.85), (0.38, 0, 0.85)),
            ((0.52, 0, 0.34), bars), ((-0.52, 0, 0.34), crank),
            ((-0.52, 0, 0.34), (-0.17, 0, 0.85)),
        )  # fmt: skip
        for a, b in bones:
            thing.tube(a, b, 0.02, Material.STEEL, frame_colour)
        thing.tube((0.42, -0.28, 1.02), (0.42, 0.28, 1.02), 0.016, Material.STEEL)
        for side, turn in ((1, phase), (-1, phase + 0.5)):
            pedal = (
                crank[0] + 0.17 * float(np.cos(2 * np.pi * turn)),
                side * 0.1,
                crank[2] - 0.17 * float(np.sin(2 * np.pi * turn)),
            )
            hip = (saddle[0], side * 0.09, 1.0)
            knee = ((hip[0] + pedal[0]) / 2 + 0.2, side * 0.12, (hip[2] + pedal[2]) / 2 + 0.08)
            thing.tube(hip, knee, 0.08, Material.CLOTH, legs, taper=0.25)
            thing.tube(knee, pedal, 0.055, Material.CLOTH, legs, taper=0.3)
        _rider(thing, (saddle[0], 0, 1.0), lean, tall, bars, top, skin, helmet=helmet)
        if bag:
            thing.box((-0.55, 0, 0.72), (0.35, 0.4, 0.3), Material.CLOTH, (60, 60, 70))
        return thing.parts()

    poses = [pose(k / _POSES) for k in range(_POSES)]
    return make_body(Category.CYCLIST, poses, cycle=4.5, wheelbase=1.04, track=0.3)


def make_motorcyclist(rng: np.random.Generator) -> Body:
    """A motorcycle or a scooter with its rider."""
    tall, colour = rng.normal(1.75, 0.07), paint(rng)
    scooter = rng.random() < 0.4
    base = 0.66 if scooter else 0.74
    wheel = 0.24 if scooter else 0.31
    thing = Assembly(Category.MOTORCYCLIST)
    for x in (-base, base):
        thing.tube((x, -0.07, wheel), (x, 0.07, wheel), wheel, Material.RUBBER)
    thing.box((-0.05, 0, 0.5), (0.8, 0.34, 0.4), Material.STEEL, (60, 60, 64))
    thing.ball((0.15, 0, 0.82), (0.7, 0.36, 0.34), Material.CAR_PAINT, colour)
    thing.box((-0.4, 0, 0.82), (0.75, 0.28, 0.14), Material.PLASTIC)
    thing.tube((base, 0, wheel), (0.42, 0, 1.0), 0.05, Material.STEEL)
    thing.tube((0.42, -0.38, 1.02), (0.42, 0.38, 1.02), 0.025, Material.STEEL)
    thing.ball((0.62, 0, 0.85), (0.2, 0.24, 0.24), Material.LAMP)
    if scooter:
        thing.box((0.4, 0, 0.65), (0.12, 0.45, 0.7), Material.CAR_PAINT, colour, pitch=-0.25)
    elif rng.random() < 0.4:
        for side in (-1, 1):
            thing.box((-0.55, side * 0.3, 0.7), (0.42, 0.2, 0.34), Material.PLASTIC)
    top, legs = _pick(rng, _CLOTHES), _pick(rng, _CLOTHES)
    for side in (-1, 1):
        knee = (0.2, side * 0.22, 0.78)
        thing.tube((-0.25, side * 0.1, 0.9), knee, 0.09, Material.CLOTH, legs, taper=0.25)
        thing.tube(knee, (-0.08, side * 0.24, 0.3), 0.065, Material.CLOTH, legs, taper=0.2)
    _rider(
        thing, (-0.25, 0, 0.92), np.radians(12 if scooter else 25), tall, (0.42, 0, 1.04), top,
        _SKINS[0], helmet=True,
    )  # fmt: skip
    return make_body(Category.MOTORCYCLIST, [thing.parts()], wheelbase=2 * base, track=0.3)


def _rider(
    thing: Assembly,
    seat: _Point,
    lean: float,
    tall: float,
    bars: _Point,
    top: Colour,
    skin: Colour,
    *,
    helmet: bool,
) -> None:
    """Trunk, arms and head of someone who sits and holds the bars."""
    trunk = 0.30 * tall
    forward, up = float(np.sin(lean)), float(np.cos(lean))
    neck = (seat[0] + trunk * forward, 0.0, seat[2] + trunk * up)
    thing.box(
        ((seat[0] + neck[0]) / 2, 0, (seat[2] + neck[2]) / 2), (0.22, 0.4, trunk + 0.12),
        Material.CLOTH, top, pitch=lean, taper=(0.1, 0.1, -0.05),
    )  # fmt: skip
    for side in (-1, 1):
        shoulder = (neck[0], side * 0.2, neck[2] - 0.02)
        hand = (bars[0], side * 0.24, bars[2] + 0.02)
        thing.tube(shoulder, hand, 0.05, Material.CLOTH, top, taper=0.35)
        thing.ball(hand, (0.1, 0.08, 0.08), Material.SKIN, skin)
    head = (neck[0] + 0.08, 0.0, neck[2] + 0.2)
    if helmet:
        thing.ball(head, (0.29, 0.25, 0.28), Material.PLASTIC, paint_of(top))
    else:
        _head(thing, head, tall, skin, (40, 34, 30))


def paint_of(colour: Colour) -> Colour:
    """A helmet lighter than the jacket."""
    return (min(colour[0] + 80, 255), min(colour[1] + 80, 255), min(colour[2] + 80, 255))


def _head(thing: Assembly, at: _Point, tall: float, skin: Colour, hair: Colour) -> None:
    thing.ball(at, (0.11 * tall, 0.09 * tall, 0.14 * tall), Material.SKIN, skin)
    cap = (at[0] - 0.012 * tall, at[1], at[2] + 0.012 * tall)
    thing.ball(cap, (0.112 * tall, 0.095 * tall, 0.13 * tall), Material.CLOTH, hair)
    neck = (at[0] - 0.01, at[1], at[2] - 0.11 * tall)
    thing.tube(neck, at, 0.032 * tall, Material.SKIN, skin)


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(rng.integers(len(colours)))]
