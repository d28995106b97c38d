"""Whether LiDARs and cameras sit where the rig says, the wrong way round, or a little off."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lidar_label.arrays import Floats, Points, Transform
from lidar_label.calibration.deskew import deskew
from lidar_label.calibration.edge_alignment import View, align, depth_jumps, image_edges
from lidar_label.calibration.extrinsics import (
    ExtrinsicConfig,
    difference,
    measure,
    refine,
    spread_moments,
    surfaces_of,
    thinned,
)
from lidar_label.calibration.rig import Lidar
from lidar_label.calibration.transforms import invert, transform_points
from lidar_label.datasets.recording import Frame, Recording
from lidar_label.errors import UsageError

Verdict = Literal["right", "off", "inverted", "unknown"]
_FITS = 0.6  # of the points in reach lie on a surface where a place is right; half of it by chance
_BETTER = 0.1  # more of them, to be believed
_CAPTURE = (0.6, np.radians(6.0))  # a guess further off was no guess
_CLOSE = (0.02, np.radians(0.2))  # as far as rigs are measured
_SEEN = 100.0  # points in the image
_OTHERS = 8  # one of so many points without a jump is enough to compare with
_BEATS = 0.75  # of the disturbed places
_CONTRAST = 1.1  # right places of simulated cameras have 1.6 to 1.8, wrong ones 0.97 to 1.07
_ACCUSES = (0.9, 1.3)  # the same two, for the inverse to speak against the rig: half way to right


@dataclass(frozen=True, eq=False)
class SensorPlace:
    """What was found of one sensor's place.

    Attributes:
        sensor: Its name.
        kind: lidar or camera.
        reference: The LiDAR that it is compared with.
        verdict: right, off (a better place is near), inverted (it was given as sensor_from_ego) or
            unknown.
        reason: In words.
        given: (4, 4) ego_from_sensor by the rig.
        better: (4, 4) what to use instead; None where there is nothing better.
        measures: Figures of each place looked at: given, refined, inverse.
    """

    sensor: str
    kind: str
    reference: str
    verdict: Verdict
    reason: str
    given: Transform
    better: Transform | None
    measures: dict[str, dict[str, float]]


def sensor_places(recording: Recording, moments: int = 16) -> list[SensorPlace]:
    """Compare every other LiDAR and every camera with the LiDAR that has the most points.

    Args:
        recording: The recording; with ego poses, sweeps are deskewed.
        moments: Frames that are looked at, spread over the recording.

    Raises:
        UsageError: if there is no LiDAR, or nothing to compare with it.
    """
    names = [name for name in recording.lidars if recording.sweep_count(name)]
    if len(names) + len(recording.cameras) < 2 or not names:
        raise UsageError(
            f"{recording.path}: nothing to compare; it needs a LiDAR and another LiDAR or a camera"
        )
    reference = max(names, key=lambda name: int(recording.point_counts(name).sum()))
    found = [
        _lidar_place(recording, name, reference, moments) for name in names if name != reference
    ]
    return found + [
        _camera_place(recording, name, reference, moments) for name in recording.cameras
    ]


def shared_frames(recording: Recording, sensors: Sequence[str], moments: int) -> list[Frame]:
    """Frames with a measurement of each of the sensors, spread over the recording."""
    frames = [
        frame
        for frame in recording.frames
        if all(name in frame.sweeps or name in frame.images for name in sensors)
    ]
    return [frames[i] for i in spread_moments(len(frames), moments)] if frames else []


def placed_points(
    recording: Recording, name: str, frame: Frame, place: Transform, time_ns: int | None = None
) -> Points:
    """(N, 3) a LiDAR's sweep in the ego frame at a time (the frame's), as if it sat at `place`."""
    sweep, lidar = recording.sweep(name, frame.sweeps[name]), recording.rig.get(name, Lidar)
    if recording.trajectory is None:
        return transform_points(place, sweep.xyz)
    times: NDArray[np.int64] = np.array(sweep.time_ns, dtype=np.int64)
    if sweep.point_time_ns is not None and not lidar.motion_compensated:
        times = sweep.point_time_ns
    wanted = frame.time_ns if time_ns is None else time_ns
    return deskew(sweep.xyz, times, wanted, recording.trajectory, place)


def _lidar_place(recording: Recording, name: str, reference: str, moments: int) -> SensorPlace:
    config = ExtrinsicConfig()
    frames = shared_frames(recording, (name, reference), moments)
    known = recording.rig[reference].ego_from_sensor
    given = recording.rig[name].ego_from_sensor
    surfaces = [
        surfaces_of(_near(placed_points(recording, reference, frame, known), config), config)
        for frame in frames
    ]

    def clouds(place: Transform) -> list[Floats]:
        sensor_from_ego = invert(place)
        own = [placed_points(recording, name, frame, place) for frame in frames]
        return [
            thinned(_near(transform_points(sensor_from_ego, points), config), config.thinning)
            for points in own
        ]

    def refined(place: Transform) -> Transform:
        for _ in range(2):  # the sweeps are deskewed by the place, too
            place = refine(surfaces, clouds(place), place, config).ego_from_sensor
        return place

    def figures(place: Transform) -> dict[str, float]:
        found = measure(surfaces, clouds(place), place, config)
        return {
            "on_surface": found.on_surface, "residual_m": found.residual, "points": found.points,
            "spread_m": found.spread[0], "spread_rad": found.spread[1],
        }  # fmt: skip

    inverse = invert(given)
    near, far = refined(given), refined(inverse)
    measures = {
        "given": figures(given), "refined": figures(near),
        "inverse": figures(inverse), "inverse_refined": figures(far),
    }  # fmt: skip
    verdict, reason, better = _lidar_verdict(given, near, inverse, far, measures)
    return SensorPlace(name, "lidar", reference, verdict, reason, given, better, measures)


def _near(points: Points, config: ExtrinsicConfig) -> Floats:
    return points[np.linalg.norm(points, axis=1) < config.max_range].astype(np.float64)


def _lidar_verdict(
    given: Transform,
    near: Transform,
    inverse: Transform,
    far: Transform,
    measures: dict[str, dict[str, float]],
) -> tuple[Verdict, str, Transform | None]:
    share = {key: values["on_surface"] for key, values in measures.items()}
    metres, turn = difference(given, near)
    # A search that ran far has found a place, but not by the guess that it began with.
    fit = share["refined"] if metres < _CAPTURE[0] and turn < _CAPTURE[1] else 0.0
    moved, turned = difference(inverse, far)
    back = share["inverse_refined"] if moved < _CAPTURE[0] and turned < _CAPTURE[1] else 0.0
    if back > max(_FITS, fit + _BETTER):
        return (
            "inverted",
            f"{share['inverse']:.0%} of its points lie on the reference's surfaces with the "
            f"inverse, {share['given']:.0%} as given; refined {back:.0%}",
            far,
        )
    if fit < _FITS:
        return "unknown", "no place near the given one or its inverse fits the reference", None
    spread = measures["refined"]["spread_m"], measures["refined"]["spread_rad"]
    text = (
        f"{share['given']:.0%} of its points lie on the reference's surfaces as given, "
        f"{share['refined']:.0%} moved by {metres * 1e3:.0f} mm and {np.degrees(turn):.2f}°"
    )
    limits = ExtrinsicConfig().max_spread
    if spread[0] > limits[0] or spread[1] > limits[1]:
        return "unknown", f"{text}, which what both see does not determine", None
    if metres < _CLOSE[0] + 3 * spread[0] and turn < _CLOSE[1] + 3 * spread[1]:
        return "right", text, None
    return "off", text, near


def _camera_place(recording: Recording, name: str, reference: str, moments: int) -> SensorPlace:
    camera = recording.rig.camera(name)
    views = camera_views(recording, name, reference, moments)
    given = camera.ego_from_sensor
    inverse = invert(given)
    found = {"given": align(camera, views, given), "inverse": align(camera, views, inverse)}
    measures = {
        key: {"contrast": one.contrast, "beaten": one.beaten, "in_view": one.in_view}
        for key, one in found.items()
    }
    a, b = found["given"], found["inverse"]
    text = (
        f"edges in depth lie on edges of the image {a.contrast:.2f} times as often as other "
        f"points do; {a.beaten:.0%} of the places turned by 1° are worse"
    )
    verdict: Verdict
    better: Transform | None = None
    fits = {
        key: one.in_view >= _SEEN and one.beaten >= _BEATS and one.contrast > _CONTRAST
        for key, one in found.items()
    }
    # By chance a wrong place, too, may beat its neighbours: the two compete.
    clear = b.beaten >= _ACCUSES[0] and b.contrast > max(_ACCUSES[1], _CONTRAST * a.contrast)
    if fits["inverse"] and clear:
        verdict, better = "inverted", inverse
        reason = (
            f"edges in depth lie on edges of the image {b.contrast:.2f} times as often as other "
            f"points do with the inverse, {a.contrast:.2f} times as given; {b.beaten:.0%} of the "
            f"places turned by 1° from the inverse are worse"
        )
    elif fits["given"]:
        verdict, reason = "right", text
    else:
        verdict, reason = "unknown", f"{text}; {a.in_view:.0f} points in view"
    return SensorPlace(name, "camera", reference, verdict, reason, given, better, measures)


def camera_views(recording: Recording, camera: str, lidar: str, moments: int) -> list[View]:
    """Images with the sweeps about their times."""
    from PIL import Image

    views: list[View] = []
    place = recording.rig[lidar].ego_from_sensor
    for frame in shared_frames(recording, (camera, lidar), moments):
        index = frame.images[camera]
        taken = int(recording.image_times(camera)[index])
        with Image.open(io.BytesIO(recording.image(camera, index))) as image:
            grey = np.asarray(image.convert("L"))
        sweep = recording.sweep(lidar, frame.sweeps[lidar])
        points = placed_points(recording, lidar, frame, place, taken)
        jump = depth_jumps(sweep.xyz, sweep.ring)
        kept = jump | (np.arange(len(jump)) % _OTHERS == 0)
        views.append(View(image_edges(grey), points[kept], jump[kept]))
    return views
