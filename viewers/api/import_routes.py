"""Routes of imports: a source is gathered, recognised, looked at, corrected, and read by a job."""

import json
import sys
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response

from lidar_label.errors import LidarLabelError, NotFound
from lidar_label.viewers.api.documents import sensor_document
from lidar_label.viewers.api.import_drafts import Draft
from lidar_label.viewers.api.import_models import (
    FormatDocument,
    ImportQuestion,
    ImportSourceQuestion,
    PreviewDocument,
    PreviewQuestion,
    SourceDocument,
)
from lidar_label.viewers.api.jobs import Work
from lidar_label.viewers.api.path_numbers import Number
from lidar_label.viewers.api.permissions import Manager
from lidar_label.viewers.api.problems import PROBLEMS, Problem
from lidar_label.viewers.api.recording_routes import add_recording
from lidar_label.viewers.api.services import Services, Shared
from lidar_label.viewers.api.work_models import JobDocument
from lidar_label.viewers.api.work_routes import job_document

router = APIRouter(prefix="/projects/{project}/imports", responses=PROBLEMS, tags=["imports"])
_WORKER = "lidar_label.viewers.api.import_worker"
_PREVIEW_LEVEL = 1  # a part of the points is enough to tell up from down
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "As of a recording",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("", status_code=201)
def begin_import(
    project: Number, question: ImportSourceQuestion, access: Manager, shared: Shared
) -> SourceDocument:
    """Gather a source from uploads, or name one on the server; its format is recognised."""
    shared.store.project(project)
    if (question.path is None) == (not question.files):
        raise Problem(422, "give either files or path")
    if question.path is not None:
        draft = shared.drafts.point_at(project, Path(shared.places.check(question.path)))
    else:
        sent = [(shared.uploads.find(project, one.upload), one.path) for one in question.files]
        draft = shared.drafts.gather(project, sent)
    return _recognised(draft)


def _recognised(draft: Draft) -> SourceDocument:
    from lidar_label.datasets.formats import FORMATS, recognise

    name, problem = None, ""
    try:
        name = recognise(draft.source)
    except LidarLabelError as error:
        problem = str(error).split(" Known: ")[0]
    formats = [FormatDocument(name=form.name, looks=form.looks) for form in FORMATS.values()]
    return SourceDocument(
        id=draft.id, name=draft.name, format=name, problem=problem, formats=formats
    )


@router.post("/{draft}/preview")
def preview(
    project: Number, draft: str, question: PreviewQuestion, access: Manager, shared: Shared
) -> PreviewDocument:
    """Read the first sweeps and images as a format."""
    from lidar_label.datasets.recording import Recording
    from lidar_label.datasets.source_preview import preview_source

    found = shared.drafts.find(project, draft)
    out = shared.drafts.preview(found)
    preview_source(Path(found.source), out, question.format, question.sequence)
    with Recording(out) as recording:
        return PreviewDocument(
            format=question.format,
            points=len(recording.frame_points(0)),
            sensors=[sensor_document(sensor) for sensor in recording.rig],
            cameras=[name for name in recording.cameras if len(recording.image_times(name))],
        )


@router.get("/{draft}/points", response_class=Response, responses=_BYTES)
def preview_points(project: Number, draft: str, access: Manager, shared: Shared) -> Response:
    """Points of the first frame, in the axes of the source."""
    from lidar_label.datasets.recording import Recording
    from lidar_label.viewers.api.frame_clouds import encode_frame

    with Recording(_previewed(shared, project, draft)) as recording:
        content = encode_frame(recording, 0, sensors=(), level=_PREVIEW_LEVEL, deskew=False)
    return Response(content, media_type="application/octet-stream")


@router.get("/{draft}/images/{camera}", response_class=Response, responses=_BYTES)
def preview_image(
    project: Number, draft: str, camera: str, access: Manager, shared: Shared
) -> Response:
    """The first image of a camera."""
    from lidar_label.datasets.recording import Recording

    with Recording(_previewed(shared, project, draft)) as recording:
        if camera not in recording.cameras or not len(recording.image_times(camera)):
            raise NotFound(f"no image of a camera {camera}")
        content = recording.image(camera, 0)
    kind = "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
    return Response(content, media_type=kind)


@router.post("/{draft}/start", status_code=201)
def start_import(
    project: Number, draft: str, question: ImportQuestion, access: Manager, shared: Shared
) -> JobDocument:
    """Import it as a job; when that is done, its `recording_id` is the new recording."""
    found = shared.drafts.find(project, draft)
    if shared.store.recordings(project, name=question.name):
        raise Problem(409, f"the project has a recording {question.name}; choose another name")

    def make(place: Path) -> Work:
        return _work(shared, found, question, access.user, place)

    return job_document(
        shared.jobs.submit_import(project, question.model_dump(), access.user, make)
    )


@router.delete("/{draft}", status_code=204)
def drop_import(project: Number, draft: str, access: Manager, shared: Shared) -> None:
    """Forget a source and the files that were sent for it."""
    shared.drafts.drop(shared.drafts.find(project, draft))


def _previewed(shared: Services, project: int, draft: str) -> Path:
    path = shared.drafts.preview(shared.drafts.find(project, draft))
    if not path.exists():
        raise NotFound(f"import {draft} has no preview yet; ask for one")
    return path


def _work(
    shared: Services, draft: Draft, question: ImportQuestion, author: str, place: Path
) -> Work:
    out = shared.folder / "recordings" / f"{draft.id}.h5"
    settings, result = place / "settings.json", place / "result.json"
    settings.write_text(question.model_dump_json(), encoding="utf-8")

    def finish() -> tuple[int, str]:
        told = json.loads(result.read_text(encoding="utf-8"))
        try:
            line = add_recording(shared, draft.project, question.name, str(out), author)
        except LidarLabelError:
            out.unlink()
            raise
        labels = _take_labels(shared, line.id, told["labels"], author)
        shared.drafts.drop(draft)
        words = f"{line.frames} frames, {told['points']:,} points{labels}"
        return line.id, "; ".join([words, *told["warnings"]])

    paths = (draft.source, str(out), str(settings), str(result))
    return Work([sys.executable, "-m", _WORKER, *paths], finish)


def _take_labels(shared: Services, recording: int, path: str | None, author: str) -> str:
    """The source's own labels into the store; what came, in words."""
    if path is None:
        return ""
    from lidar_label.cuboids import load_cuboids

    cuboids = load_cuboids(path)
    if not len(cuboids):
        return ""
    shared.store.import_labels(recording, author, cuboids)
    return f", {len(cuboids)} cuboids"
