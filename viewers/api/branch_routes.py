"""Routes of branches: the lines of edits on which annotators label one recording apart."""

from typing import Annotated

from fastapi import APIRouter, Path

from lidar_label.store import MAIN
from lidar_label.viewers.api.branch_models import AdoptQuestion, BranchDocument, BranchQuestion
from lidar_label.viewers.api.documents import applied_document, texts
from lidar_label.viewers.api.label_models import AppliedDocument
from lidar_label.viewers.api.path_numbers import Number
from lidar_label.viewers.api.permissions import Labeller, Reader, Reviewer
from lidar_label.viewers.api.problems import PROBLEMS
from lidar_label.viewers.api.services import Shared

router = APIRouter(
    prefix="/projects/{project}/recordings/{recording}/branches",
    responses={
        **PROBLEMS,
        409: {**PROBLEMS["default"], "description": f"Changed on {MAIN} since the branch began"},
    },
    tags=["labels"],
)
_Name = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


@router.get("")
def branches(
    project: Number, recording: Number, access: Reader, shared: Shared
) -> list[BranchDocument]:
    """All branches of a recording, `main` first."""
    shared.info(project, recording)
    return [BranchDocument(**texts(one)) for one in shared.store.branches(recording)]


@router.post("")
def fork(
    project: Number, recording: Number, question: BranchQuestion, access: Labeller, shared: Shared
) -> BranchDocument:
    """A new branch: from `main` as it is, as it was after an edit, or from nothing."""
    shared.info(project, recording)
    made = shared.store.fork(
        recording, question.name, access.user, at=question.at, empty=question.empty
    )
    return BranchDocument(**texts(made))


@router.post("/{name}/adopt")
def adopt(
    project: Number,
    recording: Number,
    name: _Name,
    question: AdoptQuestion,
    access: Reviewer,
    shared: Shared,
) -> AppliedDocument:
    """Bring a branch's tracks into `main` by one edit: those named, or all that changed."""
    shared.info(project, recording)
    done = shared.store.adopt(
        recording, name, access.user, track_ids=question.track_ids, client_id=question.client_id
    )
    return applied_document(done)
