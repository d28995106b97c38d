"""Shapes of cars, vans, trucks and buses: convex parts with glass that lets most beams through."""

from dataclasses import dataclass

import numpy as np

from lidar_label.datasets.simulation.assembly import Assembly, Colour
from lidar_label.datasets.simulation.bodies import Body, make_body, paint
from lidar_label.datasets.simulation.materials import Category, Material

_GLASS = 0.78  # share of beams that go through a window
_DARK: Colour = (34, 36, 40)


@dataclass(frozen=True)
class _CarStyle:
    """Proportions of a kind of car; metres, or shares of its length or height."""

    share: float
    length: tuple[float, float]
    width: tuple[float, float]
    height: tuple[float, float]
    hood: float  # from the front to the foot of the windscreen
    boot: float  # from the foot of the rear window to the rear
    belt: float  # height of the windows' lower edge
    screen: float  # metres by which the windscreen leans back
    rear: float  # the rear window leans forward


_CARS = {
    "small": _CarStyle(0.16, (3.5, 3.9), (1.62, 1.72), (1.46, 1.56), 0.24, 0.03, 0.62, 0.60, 0.25),
    "hatchback": _CarStyle(
        0.30, (3.95, 4.4), (1.74, 1.82), (1.42, 1.52), 0.27, 0.04, 0.63, 0.75, 0.45
    ),
    "saloon": _CarStyle(0.18, (4.5, 5.0), (1.80, 1.90), (1.40, 1.48), 0.27, 0.17, 0.65, 0.80, 0.75),
    "estate": _CarStyle(0.14, (4.5, 4.9), (1.78, 1.88), (1.44, 1.54), 0.26, 0.03, 0.63, 0.78, 0.40),
    "suv": _CarStyle(0.18, (4.3, 4.9), (1.82, 1.98), (1.60, 1.85), 0.25, 0.03, 0.63, 0.60, 0.32),
    "pickup": _CarStyle(0.04, (5.1, 5.5), (1.85, 1.95), (1.75, 1.85), 0.25, 0.32, 0.62, 0.55, 0.1),
}


def make_car(rng: np.random.Generator) -> Body:
    """A car of any style."""
    shares = np.array([style.share for style in _CARS.values()])
    name = list(_CARS)[int(rng.choice(len(_CARS), p=shares / shares.sum()))]
    style, colour = _CARS[name], paint(rng)
    length, width, height = (rng.uniform(*r) for r in (style.length, style.width, style.height))
    clearance, belt = 0.15 + 0.04 * (height > 1.6), style.belt * height
    nose = belt * rng.uniform(0.74, 0.82)
    front, rear = length / 2, -length / 2
    screen, back = front - style.hood * length, rear + style.boot * length
    thing, wide = Assembly(Category.CAR), width - 0.02
    thing.box(
        (0, 0, (clearance + nose) / 2 + 0.03), (length, wide, nose - clearance - 0.06),
        Material.CAR_PAINT, colour, taper=(0.03, 0.03, 0.02),
    )  # fmt: skip
    # Bonnet and flanks: the front face leans back all the way to the windscreen.
    lean = 2 * style.hood * rng.uniform(0.85, 1.0)
    thing.box(
        (-0.02 * length, 0, (nose + belt) / 2), (length * 0.95, wide, belt - nose),
        Material.CAR_PAINT, colour, taper=(lean, 0.04, 0.06),
    )  # fmt: skip
    house = screen - back
    inset = 0.22 * (height - belt)
    top = house - style.screen - style.rear
    middle = back + style.rear + top / 2
    thing.box(
        ((screen + back) / 2, 0, (belt + height) / 2), (house, wide * 0.95, height - belt - 0.03),
        Material.GLASS, taper=(2 * style.screen / house, 2 * style.rear / house, 2 * inset / wide),
        transmission=_GLASS,
    )  # fmt: skip
    roof = wide * 0.95 - 2 * inset
    thing.box(
        (middle, 0, height - 0.035), (top + 0.12, roof + 0.02, 0.07), Material.CAR_PAINT, colour
    )
    _pillars(
        thing, (middle + 0.05 * top, back + style.rear * 0.6), belt, height, wide, inset, colour
    )
    for x, size in ((middle + 0.15, 0.5), (back + style.rear + 0.15, 1.2)):
        for y in (-0.36, 0.36):
            wide_seat = 0.5 if size < 1 else 0.6
            thing.box((x, y, belt + 0.05), (0.16, wide_seat, 0.5), Material.CLOTH, (60, 60, 64))
    if name == "pickup":
        # An open bed: its floor is the flank's top, its walls stand on it.
        for y in (-wide / 2 + 0.05, wide / 2 - 0.05):
            thing.box(
                ((rear + back) / 2, y, belt + 0.12),
                (back - rear, 0.1, 0.26),
                Material.CAR_PAINT,
                colour,
            )
    wheel = 0.30 + 0.05 * (height > 1.6)
    axle = length * 0.29
    _wheels(thing, (axle, -axle), wheel, 0.2, width)
    _lights(thing, front, rear, width, nose * 0.82)
    return make_body(Category.CAR, [thing.parts()], wheelbase=2 * axle, track=width - 0.2)


def make_van(rng: np.random.Generator) -> Body:
    """A panel van or a minibus."""
    length, width = rng.uniform(4.7, 6.2), rng.uniform(1.9, 2.05)
    height = rng.uniform(1.95, 2.6)
    colour = (236, 236, 234) if rng.random() < 0.6 else paint(rng)
    thing, wide = Assembly(Category.VAN), width - 0.02
    front, rear = length / 2, -length / 2
    hood, clearance, belt = 0.85, 0.22, 1.15
    thing.box(
        (0, 0, (clearance + 0.95) / 2), (length, wide, 0.95 - clearance), Material.CAR_PAINT,
        colour, taper=(0.03, 0.01, 0.01),
    )  # fmt: skip
    thing.box(
        ((front + rear) / 2 - 0.05, 0, (0.95 + belt) / 2), (length - 0.12, wide, belt - 0.95),
        Material.CAR_PAINT, colour, taper=(2 * hood / length, 0.0, 0.01),
    )  # fmt: skip
    cab = front - hood
    glazed = rng.random() < 0.35
    bulkhead = cab - 1.6
    thing.box(
        ((cab + bulkhead) / 2, 0, (belt + height) / 2), (1.6, wide * 0.98, height - belt),
        Material.GLASS, taper=(2 * 0.75 / 1.6, 0, 0.1), transmission=_GLASS,
    )  # fmt: skip
    thing.box((cab - 1.2, 0, height - 0.05), (0.8, wide * 0.88, 0.1), Material.CAR_PAINT, colour)
    hold = (bulkhead + rear) / 2
    if glazed:
        thing.box(
            (hold, 0, (belt + height) / 2), (bulkhead - rear, wide * 0.99, height - belt - 0.1),
            Material.GLASS, taper=(0, 0.05, 0.1), transmission=_GLASS,
        )  # fmt: skip
        thing.box(
            (hold, 0, height - 0.06),
            (bulkhead - rear, wide * 0.9, 0.12),
            Material.CAR_PAINT,
            colour,
        )
        _pillars(thing, (bulkhead, hold, rear + 0.1), belt, height, wide, 0.08, colour)
    else:
        thing.box(
            (hold, 0, (belt + height) / 2), (bulkhead - rear, wide, height - belt),
            Material.CAR_PAINT, colour, taper=(0, 0.02, 0.08),
        )  # fmt: skip
    thing.box((cab - 0.9, 0.4, belt + 0.15), (0.2, 0.5, 0.5), Material.CLOTH, (60, 60, 64))
    axle = length * 0.31
    _wheels(thing, (axle, -axle), 0.34, 0.22, width)
    _lights(thing, front, rear, width, 0.8)
    return make_body(Category.VAN, [thing.parts()], wheelbase=2 * axle, track=width - 0.2)


def make_truck(rng: np.random.Generator) -> Body:
    """A rigid truck: box, flatbed with a load, tank or tipper."""
    length, width = rng.uniform(6.5, 10), rng.uniform(2.3, 2.5)
    cab, cab_height = rng.uniform(1.8, 2.3), rng.uniform(2.5, 3.1)
    colour, front, rear = paint(rng), length / 2, -length / 2
    thing, wide = Assembly(Category.TRUCK), width - 0.02
    belt = cab_height * 0.55
    thing.box(
        (front - cab / 2, 0, (0.4 + belt) / 2), (cab, wide, belt - 0.4), Material.CAR_PAINT, colour
    )
    thing.box(
        (front - cab / 2, 0, (belt + cab_height) / 2), (cab, wide, cab_height - belt),
        Material.GLASS, taper=(0.15, 0, 0.06), transmission=_GLASS,
    )  # fmt: skip
    thing.box(
        (front - cab / 2 - 0.1, 0, cab_height - 0.1), (cab * 0.8, wide * 0.94, 0.25),
        Material.CAR_PAINT, colour,
    )  # fmt: skip
    thing.box(
        (front - cab + 0.12, 0, (belt + cab_height) / 2), (0.25, wide * 0.96, cab_height - belt),
        Material.CAR_PAINT, colour,
    )  # fmt: skip
    bed_front = front - cab - rng.uniform(0.2, 0.4)
    bed, middle = bed_front - rear, (bed_front + rear) / 2
    thing.box((middle, 0, 0.85), (bed + 0.4, 0.9, 0.4), Material.STEEL, (50, 50, 54))
    thing.box((middle, 0, 1.1), (bed, wide, 0.16), Material.STEEL, (80, 80, 84))
    kind = rng.random()
    if kind < 0.55:
        tall = rng.uniform(1.8, 2.5)
        skin = (228, 228, 226) if rng.random() < 0.6 else paint(rng)
        thing.box((middle, 0, 1.18 + tall / 2), (bed, wide, tall), Material.CAR_PAINT, skin)
    elif kind < 0.7:
        thing.tube(
            (rear + 0.1, 0, 2.05), (bed_front - 0.1, 0, 2.05), 0.9, Material.STEEL, (190, 192, 196)
        )
    elif kind < 0.85:
        thing.box(
            (middle, 0, 1.75), (bed * 0.95, wide * 0.98, 1.1), Material.STEEL, (150, 90, 40),
            taper=(0, 0.1, 0),
        )  # fmt: skip
    else:
        for y in (-wide / 2 + 0.04, wide / 2 - 0.04):
            thing.box((middle, y, 1.42), (bed, 0.06, 0.5), Material.WOOD)
        thing.box((bed_front - 0.05, 0, 1.7), (0.1, wide, 1.1), Material.WOOD)
        for x in np.arange(rear + 1.0, bed_front - 1.0, 1.6):
            if rng.random() < 0.7:
                thing.box((x, rng.uniform(-0.4, 0.4), 1.65), (1.2, 1.2, 0.9), Material.WOOD)
    axles = (front - 1.2, rear + rng.uniform(1.4, 2.0))
    _wheels(thing, axles, 0.5, 0.3, width)
    _lights(thing, front, rear, width, 0.75)
    return make_body(
        Category.TRUCK, [thing.parts()], wheelbase=axles[0] - axles[1], track=width - 0.3
    )


def make_bus(rng: np.random.Generator) -> Body:
    """A town bus with a band of windows all round, rows of seats behind them."""
    length, width, height = rng.uniform(10.5, 12.5), 2.55, rng.uniform(2.95, 3.2)
    colour = paint(rng)
    thing, wide = Assembly(Category.BUS), width - 0.02
    thing.box((0, 0, 0.7), (length, wide, 0.8), Material.CAR_PAINT, colour)
    thing.box(
        (0, 0, 1.75), (length, wide * 0.99, 1.3), Material.GLASS, taper=(0.02, 0.01, 0.02),
        transmission=_GLASS,
    )  # fmt: skip
    thing.box(
        (0, 0, (2.4 + height) / 2 - 0.1),
        (length - 0.1, wide, height - 2.6),
        Material.CAR_PAINT,
        colour,
    )
    thing.box(
        (0, 0, height - 0.12),
        (length * 0.9, wide * 0.85, 0.24),
        Material.CAR_PAINT,
        (220, 220, 220),
    )
    for x in np.arange(-length / 2 + 0.1, length / 2 - 0.1, 1.55):
        for y in (-wide / 2 + 0.03, wide / 2 - 0.03):
            thing.box((x, y, 1.75), (0.14, 0.05, 1.3), Material.CAR_PAINT, colour)
    for x in np.arange(-length / 2 + 0.8, length / 2 - 2.0, 0.95):
        for y in (-0.75, 0.75):
            if rng.random() < 0.8:
                thing.box((x, y, 1.25), (0.12, 0.85, 0.7), Material.CLOTH, (60, 70, 110))
    axles = (length / 2 - 2.7, -length / 2 + 3.2)
    _wheels(thing, axles, 0.48, 0.3, width)
    _lights(thing, length / 2, -length / 2, width, 0.7)
    return make_body(
        Category.BUS, [thing.parts()], wheelbase=axles[0] - axles[1], track=width - 0.3
    )


def _wheels(
    thing: Assembly, axles: tuple[float, ...], radius: float, tyre: float, width: float
) -> None:
    for x in axles:
        for side in (-1, 1):
            outer, inner = side * width / 2, side * (width / 2 - tyre)
            thing.tube((x, inner, radius), (x, outer, radius), radius, Material.RUBBER)


def _pillars(
    thing: Assembly,
    places: tuple[float, ...],
    belt: float,
    height: float,
    width: float,
    inset: float,
    colour: Colour,
) -> None:
    """Upright posts between windows, leaning in with them."""
    rise = height - belt
    for x in places:
        for side in (-1, 1):
            thing.box(
                (x, side * (width * 0.475 - inset / 2), (belt + height) / 2),
                (0.1, 0.04, rise * 0.97),
                Material.CAR_PAINT,
                colour,
                roll=side * float(np.arctan2(inset, rise)),
            )


def _lights(thing: Assembly, front: float, rear: float, width: float, height: float) -> None:
    """Lamps and number plates, flush with the front and rear."""
    for side in (-1, 1):
        y = side * (width / 2 - 0.28)
        thing.box((front - 0.03, y, height), (0.08, 0.34, 0.13), Material.LAMP, (240, 236, 214))
        thing.box((rear + 0.03, y, height + 0.1), (0.08, 0.26, 0.16), Material.LAMP, (190, 30, 30))
    thing.box((front - 0.01, 0, height - 0.25), (0.04, 0.5, 0.11), Material.PLATE)
    thing.box((rear + 0.01, 0, height), (0.04, 0.5, 0.11), Material.PLATE)
    thing.box((front - 0.02, 0, height - 0.05), (0.05, 0.7, 0.16), Material.PLASTIC, _DARK)
