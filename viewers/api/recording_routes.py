"""Routes of recordings: registered by path or URL, or sent in chunks."""

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import APIRouter, Header, Query, Request

from lidar_label.errors import LidarLabelError, UsageError
from lidar_label.viewers.api.documents import recording_document, recording_line
from lidar_label.viewers.api.models import (
    RecordingDocument,
    RecordingLine,
    RecordingQuestion,
    UploadDocument,
    UploadQuestion,
)
from lidar_label.viewers.api.path_numbers import Number
from lidar_label.viewers.api.permissions import Manager, Reader
from lidar_label.viewers.api.problems import PROBLEMS, Problem
from lidar_label.viewers.api.services import Services, Shared
from lidar_label.viewers.api.uploads import Upload

if TYPE_CHECKING:
    from lidar_label.datasets.recording import Recording

router = APIRouter(prefix="/projects/{project}", responses=PROBLEMS, tags=["recordings"])


@router.get("/recordings")
def recordings(
    project: Number,
    access: Reader,
    shared: Shared,
    after: Annotated[str, Query(max_length=200, description="name of the last one seen")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[RecordingLine]:
    """Of the project, in order of name."""
    shared.store.project(project)
    found = shared.store.recordings(project, after=after, limit=limit)
    counts = shared.store.track_counts(project)
    return [recording_line(info, counts.get(info.id)) for info in found]


@router.post("/recordings", status_code=201)
def register(
    project: Number, question: RecordingQuestion, access: Manager, shared: Shared
) -> RecordingLine:
    """Register a recording by its path on the server or its URL, within the places allowed."""
    shared.store.project(project)
    uri = shared.places.check(question.uri)
    name = question.name or PurePosixPath(uri).stem
    return add_recording(shared, project, name, uri, access.user)


@router.get("/recordings/{recording}")
def recording(
    project: Number, recording: Number, access: Reader, shared: Shared
) -> RecordingDocument:
    """All of a recording but its data."""
    info = shared.info(project, recording)
    return recording_document(info, shared.recordings.get(info.uri, info.content_hash))


@router.post("/uploads", status_code=201)
def begin_upload(
    project: Number, question: UploadQuestion, access: Manager, shared: Shared
) -> UploadDocument:
    """Promise a recording (.h5) of so many bytes with that SHA-256."""
    shared.store.project(project)
    if shared.store.recordings(project, name=question.name):
        raise Problem(409, f"the project has a recording {question.name}; choose another name")
    upload = shared.uploads.begin(
        project, question.name, question.size, question.sha256, access.user
    )
    return _upload(upload)


@router.get("/uploads")
def uploads(
    project: Number,
    access: Manager,
    shared: Shared,
    after: Annotated[str, Query(max_length=32, description="id of the last one seen")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[UploadDocument]:
    """The caller's own that have not become anything yet, by id: know a file by its SHA-256."""
    shared.store.project(project)
    return [_upload(each) for each in shared.uploads.waiting(project, access.user, after, limit)]


@router.get("/uploads/{upload}")
def upload_state(project: Number, upload: str, access: Manager, shared: Shared) -> UploadDocument:
    """How many bytes have come: go on sending from there."""
    return _upload(shared.uploads.find(project, upload))


@router.patch(
    "/uploads/{upload}",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def send_bytes(
    project: Number,
    upload: str,
    request: Request,
    access: Manager,
    shared: Shared,
    upload_offset: Annotated[int, Header(ge=0, description="where these bytes belong")],
) -> UploadDocument:
    """Send the next bytes, as many as you like, raw."""
    found = shared.uploads.find(project, upload)
    return _upload(await shared.uploads.append(found, upload_offset, request.stream()))


@router.post("/uploads/{upload}/complete", status_code=201)
def complete_upload(project: Number, upload: str, access: Manager, shared: Shared) -> RecordingLine:
    """Check the hash, open the recording, register it."""
    found = shared.uploads.find(project, upload)
    path, fresh = shared.uploads.complete(found, shared.folder / "recordings")
    try:
        return add_recording(shared, project, found.name, str(path), access.user)
    except LidarLabelError:
        if fresh:
            path.unlink()
        raise


@router.delete("/uploads/{upload}", status_code=204)
def drop_upload(project: Number, upload: str, access: Manager, shared: Shared) -> None:
    """Forget an upload."""
    shared.uploads.drop(shared.uploads.find(project, upload))


def add_recording(
    shared: Services, project: int, name: str, uri: str, author: str
) -> RecordingLine:
    """Open a recording and register it.

    Raises:
        UsageError: if it has no frames to label and no signal.
    """
    recording = shared.recordings.get(uri)
    if recording.frame_count == 0 and not recording.imus:
        raise UsageError(f"{name}: has neither frames nor signals; nothing to label")
    poses = recording.frame_poses()
    info = shared.store.add_recording(
        project,
        name,
        uri,
        author,
        time_ns=np.array([frame.time_ns for frame in recording.frames], dtype=np.int64),
        world_from_ego=poses,
        content_hash=recording.content_hash,
        details={
            "source": recording.source,
            "cameras": recording.cameras,
            "signals": recording.imus,
            "duration_s": duration_s(recording),
        },
    )
    return recording_line(info)


def duration_s(recording: "Recording") -> float:
    """From the first frame to the last; of the longest signal where there is no frame."""
    times = [np.array([frame.time_ns for frame in recording.frames], dtype=np.int64)]
    if not recording.frames:
        times = [recording.imu(name).time_ns for name in recording.imus]
    return max((float(each[-1] - each[0]) / 1e9 for each in times if len(each)), default=0.0)


def _upload(upload: Upload) -> UploadDocument:
    return UploadDocument.model_validate(upload)
