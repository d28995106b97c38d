"""Routes of films and sounds beside a recording: add, play, draw, align."""

from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse

from lidar_label.errors import UsageError
from lidar_label.store.media import AlignedMeanwhile, Medium
from lidar_label.viewers.api.activity_signals import known_signal
from lidar_label.viewers.api.audio_envelope import AudioEnvelope, audio_envelope
from lidar_label.viewers.api.byte_responses import immutable_bytes
from lidar_label.viewers.api.media_files import MediaKind, media_kind
from lidar_label.viewers.api.media_models import (
    AlignmentQuestion,
    CorrelateQuestion,
    FoundAlignmentDocument,
    MediumDocument,
    MediumQuestion,
)
from lidar_label.viewers.api.path_numbers import Number
from lidar_label.viewers.api.permissions import Labeller, Manager, Reader
from lidar_label.viewers.api.problems import PROBLEMS, Problem
from lidar_label.viewers.api.services import Services, Shared

_LOUDNESS_HZ = 50.0
router = APIRouter(
    prefix="/projects/{project}/recordings/{recording}/media", responses=PROBLEMS, tags=["media"]
)


@router.get("")
def media(
    project: Number, recording: Number, access: Reader, shared: Shared
) -> list[MediumDocument]:
    """Films and sounds of the recording, in order of name."""
    shared.info(project, recording)
    return [_document(one) for one in shared.store.media.of(recording)]


@router.post("", status_code=201)
def add_medium(
    project: Number, recording: Number, question: MediumQuestion, access: Manager, shared: Shared
) -> MediumDocument:
    """Add an MP4, WebM or WAV; the same bytes aligned before in the project stay aligned."""
    shared.info(project, recording)
    if (question.uri is None) == (question.upload is None):
        raise Problem(422, "give either uri or upload")
    if question.upload is not None:
        path, digest, kind = _uploaded(shared, project, question.upload, question.name)
    else:
        path = _local(shared.places.check(question.uri or ""))
        kind, digest = media_kind(path, question.name), _sha256(path, question.name)
    added = shared.store.media.add(
        recording, question.name, kind=kind.kind, media_type=kind.media_type, uri=str(path),
        content_hash=digest, start_ns=_first_moment(shared, project, recording),
    )  # fmt: skip
    return _document(added)


@router.put("/{medium}/alignment")
def align_medium(
    project: Number,
    recording: Number,
    medium: Number,
    question: AlignmentQuestion,
    access: Labeller,
    shared: Shared,
) -> MediumDocument:
    """Say where it lies on the recording's clock; 409 where somebody did meanwhile."""
    shared.info(project, recording)
    how = f"{access.user} by {question.aligned_by}"
    try:
        aligned = shared.store.media.align(
            recording, medium, start_ns=int(question.start_ns), drift_ppm=question.drift_ppm,
            aligned_by=how, base_revision=question.base_revision,
        )  # fmt: skip
    except AlignedMeanwhile as error:
        raise Problem(409, str(error), states=[_document(error.medium).model_dump()]) from error
    return _document(aligned)


@router.post("/{medium}/correlate")
def correlate_medium(
    project: Number,
    recording: Number,
    medium: Number,
    question: CorrelateQuestion,
    access: Labeller,
    shared: Shared,
) -> FoundAlignmentDocument:
    """Where it would lie by what it and a signal show of the same movement; nothing is stored."""
    from lidar_label.viewers.api.media_alignment import align

    opened = known_signal(shared, project, recording, question.sensor)
    found = shared.store.media.find(recording, medium)
    if question.curve is not None:
        values = [np.nan if one is None else one for one in question.curve.values]
        curve = np.array(values, dtype=np.float64)
        rate, start = question.curve.rate_hz, question.curve.start_s
    elif found.kind == "audio":
        curve = _envelope(shared, found).loudness(_LOUDNESS_HZ)
        rate, start = _LOUDNESS_HZ, 0.5 / _LOUDNESS_HZ
    else:
        raise Problem(422, "a film is watched by the browser; send its curve of movement")
    best = align(shared.described.even(opened, question.sensor), curve, rate, start)
    return FoundAlignmentDocument(
        start_ns=str(best.start_ns), drift_ppm=best.drift_ppm, correlation=best.correlation,
        runner_up=best.runner_up, pieces=best.pieces,
    )  # fmt: skip


@router.get("/{medium}/content", response_class=Response)
def medium_content(
    project: Number, recording: Number, medium: Number, access: Reader, shared: Shared
) -> Response:
    """The file, whole or a range of it."""
    shared.info(project, recording)
    found = shared.store.media.find(recording, medium)
    shared.access_log.read(access, "media.read", project, f"recording {recording}")
    headers = {"Cache-Control": "private, max-age=3600", "ETag": f'"{found.content_hash}"'}
    return FileResponse(_local(found.uri), media_type=found.media_type, headers=headers)


@router.get("/{medium}/waveform", response_class=Response)
def waveform(
    project: Number,
    recording: Number,
    medium: Number,
    request: Request,
    access: Reader,
    shared: Shared,
    from_s: Annotated[float, Query(alias="from", ge=-1e7, le=1e7)] = 0.0,
    to_s: Annotated[float, Query(alias="to", ge=-1e7, le=1e7)] = 1e7,
    pixels: Annotated[int, Query(ge=1, le=20_000)] = 2000,
) -> Response:
    """A span of a sound as so many columns of a screen show it; seconds of its own clock."""
    shared.info(project, recording)
    found = shared.store.media.find(recording, medium)
    if found.kind != "audio":
        raise Problem(422, f"{found.name} is a film; only sounds have a waveform")
    key = f"{found.content_hash}-w-{from_s}-{to_s}-{pixels}"
    return immutable_bytes(
        request, key, lambda: _envelope(shared, found).view(from_s, to_s, pixels)
    )


@router.delete("/{medium}", status_code=204)
def remove_medium(
    project: Number, recording: Number, medium: Number, access: Manager, shared: Shared
) -> None:
    """Take it from the recording; the file stays."""
    shared.info(project, recording)
    shared.store.media.remove(recording, medium)


def _document(medium: Medium) -> MediumDocument:
    return MediumDocument(
        id=medium.id, name=medium.name, kind="video" if medium.kind == "video" else "audio",
        media_type=medium.media_type, start_ns=str(medium.start_ns), drift_ppm=medium.drift_ppm,
        aligned_by=medium.aligned_by, revision=medium.revision,
    )  # fmt: skip


def _uploaded(
    shared: Services, project: int, upload_id: str, name: str
) -> tuple[Path, str, MediaKind]:
    """What was sent, at its place, unless it is no film or sound."""
    upload = shared.uploads.find(project, upload_id)
    path, fresh = shared.uploads.complete(upload, shared.folder / "media", "")
    try:
        return path, upload.sha256, media_kind(path, name)
    except UsageError:
        if fresh:
            path.unlink()
        raise


def _envelope(shared: Services, medium: Medium) -> AudioEnvelope:
    return audio_envelope(_local(medium.uri), medium.content_hash, shared.cache)


def _local(uri: str) -> Path:
    if "://" in uri or not Path(uri).is_file():
        raise UsageError(f"{uri}: no file of this server; copy the film or sound to it")
    return Path(uri)


def _sha256(path: Path, name: str) -> str:
    import hashlib

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({error.strerror}); give another") from error


def _first_moment(shared: Services, project: int, recording: int) -> int:
    """Of its signals, else of its frames."""
    opened = shared.open(project, recording)
    times = [opened.imu(name).time_ns[:1] for name in opened.imus]
    times.append(np.array([frame.time_ns for frame in opened.frames[:1]], dtype=np.int64))
    return min((int(each[0]) for each in times if len(each)), default=0)
