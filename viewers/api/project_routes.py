"""Routes of projects: their ontology, members, audit log and webhooks."""

import math
from typing import Annotated

from fastapi import APIRouter, Query

from lidar_label.ontology import choices, ready_made, ready_made_text
from lidar_label.store.ontologies import OntologyVersion
from lidar_label.store.projects import Project
from lidar_label.viewers.api.documents import texts
from lidar_label.viewers.api.models import (
    AttributeDocument,
    AuditDocument,
    ClassDocument,
    Count,
    DeliveryDocument,
    MemberDocument,
    MemberQuestion,
    NewWebhook,
    OntologyDocument,
    OntologyQuestion,
    ProjectDocument,
    ProjectQuestion,
    WebhookDocument,
    WebhookQuestion,
)
from lidar_label.viewers.api.path_numbers import Number
from lidar_label.viewers.api.permissions import (
    Access,
    Administrator,
    Manager,
    Member,
    Reader,
    SiteAdministrator,
)
from lidar_label.viewers.api.problems import PROBLEMS
from lidar_label.viewers.api.services import Services, Shared
from lidar_label.viewers.api.session_routes import Before, Limit
from lidar_label.viewers.api.webhooks import Delivery, Webhook

router = APIRouter(prefix="/projects", responses=PROBLEMS, tags=["projects"])


@router.get("")
def projects(access: Member, shared: Shared) -> list[ProjectDocument]:
    """Those in which the caller has a role."""
    found = shared.store.projects()
    if not access.site_admin:
        mine = shared.store.people.roles_of(access.user)
        found = [project for project in found if project.id in mine]
    return [_project(project, access, shared) for project in found]


@router.post("", status_code=201)
def create_project(
    question: ProjectQuestion, access: SiteAdministrator, shared: Shared
) -> ProjectDocument:
    """A new project."""
    given = question.ontology
    ontology = ready_made_text("road") if given is None else given
    if given in ready_made():
        ontology = ready_made_text(given)
    project = shared.store.create_project(question.name, access.user, ontology=ontology)
    _note(shared, access, project.id, "project.create", project.name)
    return _project(project, access, shared)


@router.get("/{project}")
def project(project: Number, access: Reader, shared: Shared) -> ProjectDocument:
    """One project."""
    return _project(shared.store.project(project), access, shared)


@router.get("/{project}/ontology")
def ontology(
    project: Number,
    access: Reader,
    shared: Shared,
    version: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
) -> OntologyDocument:
    """The classes: the current version, or that one."""
    shared.store.project(project)
    return _ontology(shared.store.ontology(project, version))


@router.post("/{project}/ontology", status_code=201)
def set_ontology(
    project: Number, question: OntologyQuestion, access: Manager, shared: Shared
) -> OntologyDocument:
    """Store a new version."""
    shared.store.project(project)
    added = shared.store.set_ontology(project, question.text, access.user, question.note)
    _note(shared, access, project, "ontology.change", str(added.version))
    return _ontology(added)


@router.get("/{project}/users")
def members(project: Number, access: Manager, shared: Shared) -> list[MemberDocument]:
    """Who belongs to the project, and as what."""
    shared.store.project(project)
    found = shared.store.people.members(project)
    return [
        MemberDocument.model_validate({"name": user.name, "role": role}) for user, role in found
    ]


@router.put("/{project}/users/{name}")
def set_role(
    project: Number, name: str, question: MemberQuestion, access: Administrator, shared: Shared
) -> list[MemberDocument]:
    """Give someone a role, another one, or none."""
    shared.store.people.set_role(project, name, question.role)
    _note(shared, access, project, "role.set", f"{name}: {question.role}")
    return members(project, access, shared)


@router.get("/{project}/audit")
def audit(
    project: Number,
    access: Administrator,
    shared: Shared,
    before: Before = None,
    limit: Limit = 100,
) -> list[AuditDocument]:
    """Who read and changed what in the project, newest first."""
    shared.store.project(project)
    shared.access_log.flush()
    found = shared.store.audit(project_id=project, before=before, limit=limit)
    return [AuditDocument(**texts(line)) for line in found]


@router.get("/{project}/webhooks")
def webhooks(project: Number, access: Administrator, shared: Shared) -> list[WebhookDocument]:
    """Where events go."""
    shared.store.project(project)
    return [_webhook(hook) for hook in shared.webhooks.all(project)]


@router.post("/{project}/webhooks", status_code=201)
def add_webhook(
    project: Number, question: WebhookQuestion, access: Administrator, shared: Shared
) -> NewWebhook:
    """Send events there from now on; the secret that signs them is shown only now."""
    shared.store.project(project)
    hook, secret = shared.webhooks.add(project, question.url, question.events)
    _note(shared, access, project, "webhook.add", question.url)
    return NewWebhook(**_webhook(hook).model_dump(), secret=secret)


@router.delete("/{project}/webhooks/{webhook}", status_code=204)
def remove_webhook(project: Number, webhook: Number, access: Administrator, shared: Shared) -> None:
    """Send no more there; what waits is dropped."""
    shared.webhooks.remove(project, webhook)
    _note(shared, access, project, "webhook.remove", str(webhook))


@router.get("/{project}/webhooks/{webhook}/deliveries")
def deliveries(
    project: Number, webhook: Number, access: Administrator, shared: Shared, limit: Limit = 100
) -> list[DeliveryDocument]:
    """What was sent and what waits, newest first."""
    return [_delivery(each) for each in shared.webhooks.deliveries(project, webhook, limit)]


@router.post("/{project}/webhooks/{webhook}/redeliver")
def redeliver(project: Number, webhook: Number, access: Administrator, shared: Shared) -> Count:
    """Try all that waits or was given up, now."""
    return Count(count=shared.webhooks.deliver_again(project, webhook))


def _project(project: Project, access: Access, shared: Services) -> ProjectDocument:
    role = "admin" if access.site_admin else shared.store.people.role_of(project.id, access.user)
    return ProjectDocument(
        id=project.id,
        name=project.name,
        ontology_version=project.ontology_version,
        created_ns=str(project.created_ns),
        recordings=shared.store.count_recordings(project.id),
        work=shared.store.work.counts(project.id),
        role=role,
    )


def _ontology(found: OntologyVersion) -> OntologyDocument:
    ontology = found.ontology
    return OntologyDocument(
        version=found.version,
        name=ontology.name,
        author=found.author,
        note=found.note,
        text=found.text,
        classes=[
            ClassDocument(
                name=label.name,
                kind=label.kind,
                ready_made=i >= len(ontology.classes),
                synonyms=list(label.synonyms),
                size_mean=None if math.isnan(label.size_mean[0]) else label.size_mean,
                size_sd=None if math.isnan(label.size_sd[0]) else label.size_sd,
                colour=label.colour,
                key=label.key,
                guideline=label.guideline,
                attributes={each.name: list(each.values) for each in label.attributes},
                attribute_types=[AttributeDocument(**vars(each)) for each in label.attributes],
            )
            for i, label in enumerate(choices(ontology))
        ],
    )


def _webhook(hook: Webhook) -> WebhookDocument:
    return WebhookDocument(**texts(hook, events=hook.events.split()))


def _delivery(each: Delivery) -> DeliveryDocument:
    return DeliveryDocument(**texts(each))


def _note(shared: Services, access: Access, project: int, action: str, what: str) -> None:
    shared.store.note(access.user, action, project_id=project, object_=what, address=access.address)
