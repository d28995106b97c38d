"""Routes of a recording's data: points, images, radar, signals, fused clouds."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from lidar_label.binary_columns import FORMAT_VERSION, LEVELS
from lidar_label.errors import NotFound
from lidar_label.store.projects import RecordingInfo
from lidar_label.viewers.api.byte_responses import immutable_bytes
from lidar_label.viewers.api.models import Nanoseconds
from lidar_label.viewers.api.path_numbers import FrameNumber, Number
from lidar_label.viewers.api.permissions import Access, Reader
from lidar_label.viewers.api.problems import PROBLEMS
from lidar_label.viewers.api.services import Services, Shared
from lidar_label.viewers.api.signal_pyramid import signal_pyramid

_BINARY: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
    for status, text in ((200, "The columns; docs/api.md describes them"), (206, "A range of them"))
}
_IMAGE: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"image/jpeg": {}, "image/png": {}}}
    for status, text in ((200, "The file as it was recorded"), (206, "A range of it"))
}
_METRES = r"-?[0-9]{1,9}(\.[0-9]{1,6})?"
_PLACE = f"^{_METRES},{_METRES},[0-9]{{1,6}}(\\.[0-9]{{1,6}})?$"
_UNCHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The client has it"},
    416: PROBLEMS["default"],
}
router = APIRouter(
    prefix="/projects/{project}/recordings/{recording}", responses=PROBLEMS, tags=["data"]
)


@router.get("/frames/{frame}/points", response_class=Response, responses={**_BINARY, **_UNCHANGED})
def points(
    project: Number,
    recording: Number,
    frame: FrameNumber,
    request: Request,
    access: Reader,
    shared: Shared,
    sensors: Annotated[
        str, Query(max_length=2000, description="names, separated by commas; all when empty")
    ] = "",
    level: Annotated[int, Query(ge=0, lt=LEVELS, description="0: all points, 4: fewest")] = 0,
    deskew: bool = True,
    most: Annotated[
        int | None, Query(ge=1, lt=2**31, description="thinned evenly to so many points")
    ] = None,
    near: Annotated[
        str | None,
        Query(
            pattern=_PLACE, description="x,y,radius in metres: only what is there, seen from above"
        ),
    ] = None,
) -> Response:
    """A frame's LiDAR points in the ego frame."""
    from lidar_label.viewers.api.parts_of_clouds import points_near, thinned

    info = shared.info(project, recording)
    _check_frame(frame, info.frames)
    _noted(shared, access, project, recording, "points.read")
    names = tuple(filter(None, sensors.split(",")))
    whole, make = frame_cloud(shared, info, frame, names, level=level, deskew=deskew)
    key = whole if near is None else f"{whole}-near{near}"
    key = key if most is None else f"{key}-most{most}"

    def part() -> bytes:
        content = shared.clouds.get(whole, make)
        content = content if near is None else points_near(content, *map(float, near.split(",")))
        return content if most is None else thinned(content, most)

    return immutable_bytes(request, key, part)


@router.get(
    "/frames/{frame}/radar/{sensor}", response_class=Response, responses={**_BINARY, **_UNCHANGED}
)
def radar(
    project: Number,
    recording: Number,
    frame: FrameNumber,
    sensor: str,
    request: Request,
    access: Reader,
    shared: Shared,
) -> Response:
    """A frame's sweep of a radar in the ego frame."""
    from lidar_label.viewers.api.frame_clouds import encode_radar

    info = shared.info(project, recording)
    _check_frame(frame, info.frames)
    opened = shared.recordings.get(info.uri, info.content_hash)
    if sensor not in opened.radars or sensor not in opened.frames[frame].sweeps:
        raise NotFound(f"frame {frame} has no sweep of a radar {sensor}")
    _noted(shared, access, project, recording, "points.read")
    key = f"{info.content_hash}-r{FORMAT_VERSION}-{frame}-{sensor.encode().hex()}"
    return immutable_bytes(request, key, lambda: encode_radar(opened, frame, sensor))


@router.get(
    "/frames/{frame}/images/{camera}", response_class=Response, responses={**_IMAGE, **_UNCHANGED}
)
def image(
    project: Number,
    recording: Number,
    frame: FrameNumber,
    camera: str,
    request: Request,
    access: Reader,
    shared: Shared,
) -> Response:
    """A frame's image of a camera, the bytes as they were recorded."""
    info = shared.info(project, recording)
    _check_frame(frame, info.frames)
    opened = shared.recordings.get(info.uri, info.content_hash)
    if camera not in opened.cameras or camera not in opened.frames[frame].images:
        raise NotFound(f"frame {frame} has no image of a camera {camera}")
    _noted(shared, access, project, recording, "images.read")
    index = opened.frames[frame].images[camera]
    content = opened.image(camera, index)
    kind = "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
    key = f"{info.content_hash}-i-{camera.encode().hex()}-{index}"
    return immutable_bytes(request, key, lambda: content, kind, compressible=False)


@router.get("/tracks/{track}/cloud", response_class=Response, responses=_BINARY)
def fused_cloud(
    project: Number,
    recording: Number,
    track: Number,
    access: Reader,
    shared: Shared,
    frame: Annotated[int, Query(ge=0, lt=2**31)],
) -> Response:
    """The points of a track in all its frames, laid over its cuboid in this frame."""
    from lidar_label.viewers.api.fused_clouds import encode_fused

    info = shared.info(project, recording)
    _check_frame(frame, info.frames)
    _noted(shared, access, project, recording, "points.read")
    opened = shared.recordings.get(info.uri, info.content_hash)
    labels = shared.store.labels(recording)
    content = encode_fused(opened, labels.cuboids.select(labels.cuboids.track_id == track), frame)
    return Response(
        content, media_type="application/octet-stream", headers={"Cache-Control": "no-store"}
    )


@router.get("/signals/{sensor}", response_class=Response, responses={**_BINARY, **_UNCHANGED})
def signal(
    project: Number,
    recording: Number,
    sensor: str,
    request: Request,
    access: Reader,
    shared: Shared,
    from_ns: Annotated[Nanoseconds | None, Query(alias="from")] = None,
    to_ns: Annotated[Nanoseconds | None, Query(alias="to")] = None,
    pixels: Annotated[int, Query(ge=1, le=20_000)] = 2000,
    derived: Annotated[bool, Query(description="magnitudes and tilt instead")] = False,
) -> Response:
    """A span of a signal as so many columns of a screen show it: least and greatest values."""
    info = shared.info(project, recording)
    opened = shared.recordings.get(info.uri, info.content_hash)
    if sensor not in opened.imus:
        raise NotFound(f"recording {recording} has no signal {sensor}")
    _noted(shared, access, project, recording, "signals.read")
    key = (
        f"{info.content_hash}-s-{sensor.encode().hex()}-{from_ns}-{to_ns}-{pixels}{'-d' * derived}"
    )

    def make() -> bytes:
        pyramid = signal_pyramid(opened, sensor, shared.cache, derived=derived)
        return pyramid.view(_whole(from_ns), _whole(to_ns), pixels)

    return immutable_bytes(request, key, make)


@router.get(
    "/signals/{sensor}/spectrogram", response_class=Response, responses={**_BINARY, **_UNCHANGED}
)
def signal_spectrogram(
    project: Number,
    recording: Number,
    sensor: str,
    request: Request,
    access: Reader,
    shared: Shared,
    channel: Annotated[str, Query(max_length=200)],
    from_ns: Annotated[Nanoseconds, Query(alias="from")],
    to_ns: Annotated[Nanoseconds, Query(alias="to")],
    pixels: Annotated[int, Query(ge=1, le=4000)] = 1000,
) -> Response:
    """Which frequencies a channel, also a derived one, holds over a span; decibels as bytes."""
    from lidar_label.viewers.api.spectrogram import spectrogram

    info = shared.info(project, recording)
    opened = shared.recordings.get(info.uri, info.content_hash)
    if sensor not in opened.imus:
        raise NotFound(f"recording {recording} has no signal {sensor}")
    _noted(shared, access, project, recording, "signals.read")
    asked = f"{sensor.encode().hex()}-{channel.encode().hex()}-{from_ns}-{to_ns}-{pixels}"

    def make() -> bytes:
        own = signal_pyramid(opened, sensor, shared.cache)
        if channel not in own.channels:
            own = signal_pyramid(opened, sensor, shared.cache, derived=True)
        low, high = _whole(from_ns) or 0, _whole(to_ns) or 0
        return spectrogram(own, channel, low, high, pixels)

    return immutable_bytes(request, f"{info.content_hash}-g-{asked}", make)


def frame_cloud(
    shared: Services,
    info: RecordingInfo,
    frame: int,
    sensors: tuple[str, ...] = (),
    *,
    level: int = 0,
    deskew: bool = True,
) -> tuple[str, Callable[[], bytes]]:
    """The key of a frame's encoded points among `shared.clouds`, and what makes them."""
    chosen = "-".join(name.encode().hex() for name in sensors)
    key = f"{info.content_hash}-p{FORMAT_VERSION}-{frame}-{level}-{int(deskew)}-{chosen}"

    def make() -> bytes:
        from lidar_label.viewers.api.frame_clouds import encode_frame

        opened = shared.recordings.get(info.uri, info.content_hash)
        return encode_frame(opened, frame, sensors=sensors, level=level, deskew=deskew)

    return key, make


def _whole(text: str | None) -> int | None:
    return None if text is None else max(-(2**63), min(int(text), 2**63 - 1))


def _check_frame(frame: int, count: int) -> None:
    if frame >= count:
        raise NotFound(f"no frame {frame}; the recording has {count}, from 0")


def _noted(shared: Services, access: Access, project: int, recording: int, action: str) -> None:
    shared.access_log.read(access, action, project, f"recording {recording}")
