"""Turns what the store gives into what the API answers."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from lidar_label.calibration.rig import Camera, Imu, Sensor
from lidar_label.store import (
    Applied,
    Comment,
    CommentState,
    Cuboid,
    Labels,
    Track,
    TrackState,
    Window,
    WindowState,
)
from lidar_label.store.projects import RecordingInfo
from lidar_label.viewers.api import label_models, models
from lidar_label.viewers.api.doubts import doubts

if TYPE_CHECKING:
    from lidar_label.datasets.recording import Recording


_BOX = ("x", "y", "z", "length", "width", "height", "yaw")
_DIGITS = 4
_NO_CUBOIDS = label_models.CuboidColumns(
    **{name: [] for name in label_models.CuboidColumns.model_fields}
)


def texts(source: Any, **changes: Any) -> dict[str, Any]:
    """The fields of a dataclass or named tuple, with times as decimal strings."""
    fields = source._asdict() if hasattr(source, "_asdict") else vars(source)
    return {
        name: str(value) if name.endswith("_ns") and value is not None else value
        for name, value in {**fields, **changes}.items()
    }


def recording_line(
    info: RecordingInfo, counts: Mapping[str, int] | None = None
) -> models.RecordingLine:
    """A recording in a list, with its tracks counted by state."""
    counts = counts or {}
    tracks = sum(counts.values())
    return models.RecordingLine(
        id=info.id,
        name=info.name,
        content_hash=info.content_hash,
        frames=info.frames,
        created_ns=str(info.created_ns),
        tracks=tracks,
        judged=tracks - counts.get("proposed", 0),
        duration_s=float(info.details.get("duration_s", 0.0)),
        cameras=list(info.details.get("cameras", [])),
        signals=list(info.details.get("signals", [])),
    )


def recording_document(info: RecordingInfo, recording: "Recording") -> models.RecordingDocument:
    """All of a recording but its data."""
    poses = recording.frame_poses()
    return models.RecordingDocument(
        **recording_line(info).model_dump(),
        time_ns=[str(frame.time_ns) for frame in recording.frames],
        world_from_ego=None if poses is None else poses.reshape(-1, 16).tolist(),
        origin=tuple(recording.origin.tolist()),
        sensors=[sensor_document(sensor) for sensor in recording.rig],
        images=[dict(frame.images) for frame in recording.frames],
    )


def sensor_document(sensor: Sensor) -> models.SensorDocument:
    """One sensor of the rig."""
    document = models.SensorDocument(
        name=sensor.name,
        kind=sensor.kind,
        ego_from_sensor=sensor.ego_from_sensor.ravel().tolist(),
        model=sensor.model,
    )
    if isinstance(sensor, Camera):
        document.intrinsics = sensor.intrinsics.ravel().tolist()
        document.distortion = list(sensor.distortion)
        document.width, document.height = sensor.width, sensor.height
    if isinstance(sensor, Imu):
        document.channels, document.units = list(sensor.channels), list(sensor.units)
    return document


def labels_document(labels: Labels) -> label_models.LabelsDocument:
    """Labels of a recording or a frame."""
    columns = cuboid_columns(labels)
    doubted = doubts(columns)
    return label_models.LabelsDocument(
        revision=labels.revision,
        tracks=[
            label_models.TrackDocument(**_track(t, doubted.get(i)))
            for i, t in labels.tracks.items()
        ],
        cuboids=columns,
        windows=[window_document(window) for window in labels.windows],
        comments=[comment_document(comment) for comment in labels.comments],
    )


def cuboid_columns(labels: Labels) -> label_models.CuboidColumns:
    """The rows of labels; NaN becomes null."""
    cuboids = labels.cuboids
    boxes = {name: cuboids.boxes[:, i].tolist() for i, name in enumerate(_BOX)}
    return label_models.CuboidColumns.model_construct(
        track_id=cuboids.track_id.tolist(),
        frame=cuboids.frame.tolist(),
        **boxes,
        pitch=cuboids.pitch.tolist(),
        roll=cuboids.roll.tolist(),
        score=_or_null(cuboids.score),
        num_points=cuboids.num_points.tolist(),
        residual=_or_null(cuboids.residual),
        keyframe=labels.keyframe.tolist(),
        source=labels.source.tolist(),
        reason=cuboids.reason.tolist(),
        edit_seq=labels.edit_seq.tolist(),
    )


def applied_document(applied: Applied) -> label_models.AppliedDocument:
    """What an edit made of the things it touched."""
    return label_models.AppliedDocument(
        seq=applied.seq,
        tracks=[track_state(state) for state in applied.tracks],
        windows=[window_state(state) for state in applied.windows],
        comments=[comment_state(state) for state in applied.comments],
    )


def state_document(
    state: TrackState | WindowState | CommentState,
) -> label_models.TrackStateDocument | label_models.WindowDocument | label_models.CommentDocument:
    """The state of any thing."""
    if isinstance(state, TrackState):
        return track_state(state)
    return window_state(state) if isinstance(state, WindowState) else comment_state(state)


def track_state(state: TrackState) -> label_models.TrackStateDocument:
    """A track with all its cuboids, or that it is gone."""
    columns = _columns_of(state.rows)
    track = state.track or Track(state.track_id, "", revision=state.revision)
    doubt = doubts(columns).get(state.track_id)
    return label_models.TrackStateDocument(
        **_track(track, doubt), deleted=state.deleted, cuboids=columns
    )


def _columns_of(rows: Sequence[Cuboid]) -> label_models.CuboidColumns:
    if not rows:
        return _NO_CUBOIDS
    columns = dict(zip(Cuboid._fields, map(list, zip(*rows, strict=True)), strict=True))
    kept: dict[str, Any] = {name: columns[name] for name in label_models.CuboidColumns.model_fields}
    kept["residual"] = [None if r is None else round(r, _DIGITS) for r in columns["residual"]]
    kept["score"] = [None if s is None else round(s, _DIGITS) for s in columns["score"]]
    return label_models.CuboidColumns.model_construct(None, **kept)


def window_state(state: WindowState) -> label_models.WindowDocument:
    """A window, or that it is gone."""
    gone = Window(state.window_id, 0, 0, "", revision=state.revision)
    return window_document(state.window or gone, deleted=state.deleted)


def comment_state(state: CommentState) -> label_models.CommentDocument:
    """A comment, or that it is gone."""
    gone = Comment(state.comment_id, "comment", "", "", revision=state.revision)
    return comment_document(state.comment or gone, deleted=state.deleted)


def window_document(window: Window, *, deleted: bool = False) -> label_models.WindowDocument:
    """An activity."""
    return label_models.WindowDocument(
        **texts(window, attributes=window.attribute_values), deleted=deleted
    )


def comment_document(comment: Comment, *, deleted: bool = False) -> label_models.CommentDocument:
    """A remark or an issue."""
    return label_models.CommentDocument(**texts(comment), deleted=deleted)


def _track(track: Track, doubt: label_models.Doubt | None) -> dict[str, Any]:
    return {
        "track_id": track.track_id,
        "category": track.category,
        "attributes": track.attribute_values,
        "rigid": track.rigid,
        "size": track.size,
        "revision": track.revision,
        "state": track.state,
        "source": track.source,
        "source_id": track.source_id,
        "doubt": doubt or label_models.Doubt(score=0.0, reasons=[]),
    }


def _or_null(values: NDArray[Any]) -> list[float | None]:
    return [None if math.isnan(value) else round(value, _DIGITS) for value in values.tolist()]
