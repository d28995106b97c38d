"""Routes of work: jobs of the machine, and work items that people lease."""

from collections.abc import AsyncIterable
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from lidar_label.errors import NotFound
from lidar_label.store.work import Lease, WorkItem
from lidar_label.viewers.api.documents import texts
from lidar_label.viewers.api.jobs import Job
from lidar_label.viewers.api.path_numbers import Number
from lidar_label.viewers.api.permissions import Labeller, Manager, Permission, Reader, Reviewer
from lidar_label.viewers.api.problems import PROBLEMS, Problem
from lidar_label.viewers.api.services import Shared
from lidar_label.viewers.api.session_routes import Limit
from lidar_label.viewers.api.work_models import (
    JobDocument,
    JobQuestion,
    LeaseDocument,
    LeaseQuestion,
    LeaseSecret,
    ReopenQuestion,
    WorkDocument,
    WorkEventDocument,
    WorkQuestion,
)

router = APIRouter(prefix="/projects/{project}", responses=PROBLEMS, tags=["work"])


@router.get("/jobs")
def jobs(
    project: Number,
    access: Reader,
    shared: Shared,
    recording: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    limit: Limit = 100,
) -> list[JobDocument]:
    """Of the project or of one recording, newest first."""
    return [job_document(job) for job in shared.jobs.all(project, recording, limit)]


@router.post("/recordings/{recording}/jobs", status_code=201)
def start_job(
    project: Number, recording: Number, question: JobQuestion, access: Manager, shared: Shared
) -> JobDocument:
    """Let the machine annotate the recording; its proposals come as edits by `auto`."""
    info = shared.info(project, recording)
    path = shared.recordings.local(info.uri)
    return job_document(
        shared.jobs.submit(project, recording, path, question.kind, question.settings, access.user)
    )


@router.get("/jobs/{job}")
def job(project: Number, job: Number, access: Reader, shared: Shared) -> JobDocument:
    """One job."""
    return job_document(shared.jobs.find(project, job))


def _existing_job(project: Number, job: Number, access: Reader, shared: Shared) -> Job:
    """Found before the stream begins, so that 404 can still be said."""
    return shared.jobs.find(project, job)


@router.get("/jobs/{job}/events", response_class=EventSourceResponse)
async def job_events(
    found: Annotated[Job, Depends(_existing_job)], shared: Shared
) -> AsyncIterable[ServerSentEvent]:
    """The job after every change until it ends, as server-sent events named `job`."""
    async for news in shared.jobs.watch(found.project_id, found.id):
        if news is None:
            yield ServerSentEvent(comment="still there")
        else:
            yield ServerSentEvent(event="job", data=job_document(news))


@router.post("/jobs/{job}/cancel")
def cancel_job(project: Number, job: Number, access: Manager, shared: Shared) -> JobDocument:
    """Stop a job; what is done is kept."""
    return job_document(shared.jobs.cancel(project, job))


@router.post("/jobs/{job}/resume")
def resume_job(project: Number, job: Number, access: Manager, shared: Shared) -> JobDocument:
    """Go on with a job that failed, was cancelled or interrupted."""
    found = shared.jobs.find(project, job)
    info = shared.info(project, found.recording_id)
    return job_document(shared.jobs.resume(project, job, shared.recordings.local(info.uri)))


@router.get("/work")
def work(
    project: Number,
    access: Reader,
    shared: Shared,
    stage: Annotated[str | None, Query(pattern="^(annotate|review|accepted)$")] = None,
    recording: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    limit: Limit = 100,
) -> list[WorkDocument]:
    """Work items, in order of id."""
    shared.store.project(project)
    found = shared.store.work.items(
        project, stage=stage, recording_id=recording, after=after, limit=limit
    )
    return [_item(item) for item in found]


@router.post("/work", status_code=201)
def add_work(
    project: Number, question: WorkQuestion, access: Manager, shared: Shared
) -> list[WorkDocument]:
    """Put spans of frames into the queue."""
    shared.info(project, question.recording)
    added = shared.store.work.add(
        question.recording, access.user, question.spans, priority=question.priority,
        assignee=question.assignee,
    )  # fmt: skip
    return [_item(item) for item in added]


@router.post("/work/lease")
def lease(
    project: Number, question: LeaseQuestion, access: Labeller, shared: Shared
) -> LeaseDocument:
    """Take the next free item, or a certain one; 404 where there is nothing to do."""
    shared.store.project(project)
    if question.stage == "review" and not access.may(Permission.REVIEW):
        raise Problem(403, f"{access.user} may annotate but not review")
    found = shared.store.work.lease(
        project, access.user, stage=question.stage, item_id=question.item, minutes=question.minutes
    )
    if found is None:
        raise NotFound(f"nothing to {question.stage}")
    return _lease(found)


def _known_item(project: Number, item: Number, shared: Shared) -> int:
    if shared.store.work.item(item).project_id != project:
        raise NotFound(f"project {project} has no work item {item}")
    return item


# Of the project; named after `access` in a route, for who may not ask is not told what is there.
Item = Annotated[int, Depends(_known_item)]


@router.post("/work/{item}/renew")
def renew(access: Labeller, item: Item, question: LeaseSecret, shared: Shared) -> WorkDocument:
    """Hold on to an item for another quarter of an hour."""
    return _item(shared.store.work.renew(item, question.secret))


@router.post("/work/{item}/release")
def release(access: Labeller, item: Item, question: LeaseSecret, shared: Shared) -> WorkDocument:
    """Give an item back unfinished."""
    return _item(shared.store.work.release(item, question.secret))


@router.post("/work/{item}/submit")
def submit(access: Labeller, item: Item, question: LeaseSecret, shared: Shared) -> WorkDocument:
    """Annotated; now somebody else reviews it."""
    return _item(shared.store.work.submit(item, question.secret))


@router.post("/work/{item}/accept")
def accept(access: Reviewer, item: Item, question: LeaseSecret, shared: Shared) -> WorkDocument:
    """Reviewed and good."""
    return _item(shared.store.work.accept(item, question.secret))


@router.post("/work/{item}/reject")
def reject(access: Reviewer, item: Item, question: LeaseSecret, shared: Shared) -> WorkDocument:
    """Back to annotation, with the reason."""
    return _item(shared.store.work.reject(item, question.secret, question.reason))


@router.post("/work/{item}/reopen")
def reopen(access: Reviewer, item: Item, question: ReopenQuestion, shared: Shared) -> WorkDocument:
    """Back to annotation though it was accepted, with the reason."""
    return _item(shared.store.work.reopen(item, access.user, question.reason))


@router.get("/work/{item}/events")
def work_events(access: Reader, item: Item, shared: Shared) -> list[WorkEventDocument]:
    """What happened to an item, oldest first."""
    return [WorkEventDocument(**texts(event)) for event in shared.store.work.events(item)]


def job_document(job: Job) -> JobDocument:
    """A job as the API gives it."""
    return JobDocument(**texts(job))


def _item(item: WorkItem) -> WorkDocument:
    return WorkDocument(**texts(item))


def _lease(found: Lease) -> LeaseDocument:
    return LeaseDocument(item=_item(found.item), secret=found.secret)
