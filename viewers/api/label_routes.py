"""Routes of labels: read, edit, undo, history, blame, fits and what no cuboid covers."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from lidar_label.errors import NotFound
from lidar_label.store import EditRequest
from lidar_label.viewers.api.documents import (
    applied_document,
    labels_document,
    texts,
)
from lidar_label.viewers.api.label_models import (
    AppliedDocument,
    BlameDocument,
    ClusterDocument,
    ClustersDocument,
    DeletePreviewDocument,
    EditsQuestion,
    EntryDocument,
    FitDocument,
    FitQuestion,
    LabelsDocument,
    UndoQuestion,
)
from lidar_label.viewers.api.path_numbers import FrameNumber, Number
from lidar_label.viewers.api.permissions import Labeller, Reader
from lidar_label.viewers.api.problems import PROBLEMS, Problem
from lidar_label.viewers.api.services import Known, Shared

router = APIRouter(
    prefix="/projects/{project}/recordings/{recording}",
    responses={
        **PROBLEMS,
        409: {
            **PROBLEMS["default"],
            "description": "Changed meanwhile: `states` holds what it is now",
        },
    },
    tags=["labels"],
)
Branch = Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
_Number = Annotated[int | None, Query(ge=0, lt=2**63)]


@router.get("/labels")
def labels(
    project: Number,
    recording: Number,
    access: Reader,
    shared: Shared,
    frame: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    at: Annotated[
        int | None, Query(ge=0, lt=2**63, description="as they stood after that edit")
    ] = None,
    branch: Branch = "main",
) -> LabelsDocument:
    """Labels of the recording or of one frame."""
    shared.info(project, recording)
    shared.access_log.read(access, "labels.read", project, f"recording {recording}")
    return labels_document(shared.store.labels(recording, frame, at, branch))


@router.post("/edits")
def edit(
    access: Labeller, known: Known, question: EditsQuestion, shared: Shared, branch: Branch = "main"
) -> AppliedDocument:
    """Make all the edits or none; when this answers, they are on the disk."""
    edits = [EditRequest(**each.__dict__) for each in question.edits]
    return applied_document(shared.store.apply(known.id, access.user, edits, branch))


@router.post("/undo")
def undo(
    access: Labeller, known: Known, question: UndoQuestion, shared: Shared, branch: Branch = "main"
) -> AppliedDocument:
    """Revert one's last edit that stands with its batch, or a certain one, by new edits."""
    return applied_document(
        shared.store.undo(
            known.id,
            access.user,
            seq=question.seq,
            client_id=question.client_id,
            branch=branch,
        )
    )


@router.post("/redo")
def redo(
    access: Labeller, known: Known, question: UndoQuestion, shared: Shared, branch: Branch = "main"
) -> AppliedDocument:
    """Revert one's last undo that stands."""
    done = shared.store.redo(known.id, access.user, client_id=question.client_id, branch=branch)
    return applied_document(done)


@router.get("/history")
def history(
    access: Reader,
    known: Known,
    shared: Shared,
    track: _Number = None,
    window: _Number = None,
    frame: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    author: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
    before: _Number = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    branch: Branch = "main",
) -> list[EntryDocument]:
    """Edits, newest first: all, of a track, of its cuboid in a frame, of a window, of someone."""
    found = shared.store.history(
        known.id, track_id=track, window_id=window, frame=frame, author=author, before=before,
        limit=limit, branch=branch,
    )  # fmt: skip
    return [EntryDocument(**texts(entry)) for entry in found]


@router.get("/tracks/{track}/blame")
def blame(
    access: Reader, known: Known, track: Number, shared: Shared, branch: Branch = "main"
) -> list[BlameDocument]:
    """Who made each cuboid of a track as it stands."""
    found = shared.store.blame(known.id, track, branch)
    return [BlameDocument(**texts(each)) for each in found]


@router.get("/tracks/{track}/delete-preview")
def delete_preview(
    access: Reader, known: Known, track: Number, shared: Shared, branch: Branch = "main"
) -> DeletePreviewDocument:
    """What would go with a track."""
    found = shared.store.preview_delete(known.id, track, branch)
    fields = {name: value for name, value in vars(found).items() if name != "track"}
    track_id, category = found.track.track_id, found.track.category
    return DeletePreviewDocument(track_id=track_id, category=category, **fields)


@router.post("/fit")
def fit(
    project: Number, recording: Number, question: FitQuestion, access: Labeller, shared: Shared
) -> FitDocument:
    """The box that fits what stands at a click or in a rough box; nothing is stored."""
    from lidar_label.viewers.api.fitting import fit_in_frame

    info = shared.info(project, recording)
    _check_frame(question.frame, info.frames)
    if (question.click is None) == (question.box is None):
        raise Problem(422, "give either click or box")
    opened = shared.recordings.get(info.uri, info.content_hash)
    ontology = shared.ontology(project)
    found = fit_in_frame(
        opened, question.frame, question.click, question.box, question.category, ontology
    )
    return FitDocument(
        box=found.box.tolist(), category=found.category, score=found.score,
        residual=found.residual, points=found.num_points, reason=found.reason,
    )  # fmt: skip


@router.get("/frames/{frame}/uncovered")
def uncovered(
    project: Number, recording: Number, frame: FrameNumber, access: Reader, shared: Shared
) -> ClustersDocument:
    """Clusters above the ground that no cuboid covers, the largest first."""
    from lidar_label.viewers.api.fitting import uncovered_clusters

    info = shared.info(project, recording)
    _check_frame(frame, info.frames)
    opened = shared.recordings.get(info.uri, info.content_hash)
    boxes = shared.store.labels(recording, frame).cuboids.boxes
    found, counts = uncovered_clusters(opened, frame, np.ascontiguousarray(boxes))
    pairs = zip(found.tolist(), counts.tolist(), strict=True)
    return ClustersDocument(clusters=[ClusterDocument(box=b, points=n) for b, n in pairs])


def _check_frame(frame: int, count: int) -> None:
    if frame >= count:
        raise NotFound(f"no frame {frame}; the recording has {count}, from 0")
