"""Routes of people: login, tokens, users, the site's audit log."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from lidar_label.errors import NotFound
from lidar_label.viewers.api.documents import texts
from lidar_label.viewers.api.gate import COOKIE
from lidar_label.viewers.api.models import (
    AuditDocument,
    LoginQuestion,
    NewToken,
    SessionDocument,
    TokenDocument,
    TokenQuestion,
    UserChange,
    UserDocument,
    UserQuestion,
)
from lidar_label.viewers.api.path_numbers import Number
from lidar_label.viewers.api.permissions import Access, Anyone, Member, SiteAdministrator
from lidar_label.viewers.api.problems import PROBLEMS, Problem
from lidar_label.viewers.api.services import Services, Shared

router = APIRouter(responses=PROBLEMS, tags=["people"])
_HOURS = 12
Before = Annotated[int | None, Query(ge=0, lt=2**63, description="id of the last line seen")]
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("/session")
def session(access: Anyone, shared: Shared) -> SessionDocument:
    """Who calls; `csrf` goes into the header X-CSRF-Token of every change by cookie."""
    return _session(access.user, access.site_admin, access.csrf, shared)


@router.post("/login")
def login(
    question: LoginQuestion, request: Request, response: Response, access: Anyone, shared: Shared
) -> SessionDocument:
    """Begin a session: the answer sets a cookie."""
    if shared.gate.mode == "single-user":
        raise Problem(409, "this server has one user and no login", title="No login here")
    shared.logins.check(question.name, access.address)
    user = shared.store.people.verify_password(question.name, question.password)
    if user is None:
        shared.logins.note_failure(question.name, access.address)
        shared.store.note(question.name, "login.failed", address=access.address)
        raise Problem(401, "name or password is wrong")
    secret, csrf = shared.store.people.create_session(user.name, hours=_HOURS)
    shared.store.note(user.name, "login", address=access.address)
    response.set_cookie(
        COOKIE, secret, max_age=_HOURS * 3600, httponly=True, samesite="strict",
        secure=shared.gate.secure or request.url.scheme == "https", path="/",
    )  # fmt: skip
    return _session(user.name, user.site_admin, csrf, shared)


@router.post("/logout", status_code=204)
def logout(request: Request, response: Response, access: Anyone, shared: Shared) -> None:
    """End the session."""
    if access.via == "session":
        shared.store.people.end_session(request.cookies[COOKIE])
    response.delete_cookie(COOKIE, path="/")


@router.get("/tokens")
def tokens(access: Member, shared: Shared) -> list[TokenDocument]:
    """One's own API tokens, newest first."""
    _accounts(shared)
    return [TokenDocument(**texts(token)) for token in shared.store.people.tokens(access.user)]


@router.post("/tokens", status_code=201)
def create_token(question: TokenQuestion, access: Member, shared: Shared) -> NewToken:
    """A new API token of one's own; its secret is shown only now."""
    _accounts(shared)
    secret = shared.store.people.create_token(access.user, question.name, days=question.days)
    _note(shared, access, "token.create", question.name)
    return NewToken(secret=secret)


@router.delete("/tokens/{token}", status_code=204)
def revoke_token(token: Number, access: Member, shared: Shared) -> None:
    """A token of one's own stops working."""
    _accounts(shared)
    shared.store.people.revoke_token(access.user, token)
    _note(shared, access, "token.revoke", str(token))


@router.get("/users")
def users(access: SiteAdministrator, shared: Shared) -> list[UserDocument]:
    """Everybody."""
    return [UserDocument(**texts(user)) for user in shared.store.people.users()]


@router.post("/users", status_code=201)
def create_user(question: UserQuestion, access: SiteAdministrator, shared: Shared) -> UserDocument:
    """Add someone; without a password they can only use tokens."""
    user = shared.store.people.create_user(
        question.name, question.password, site_admin=question.site_admin
    )
    _note(shared, access, "user.create", user.name)
    return UserDocument(**texts(user))


@router.patch("/users/{name}")
def change_user(
    name: str, question: UserChange, access: SiteAdministrator, shared: Shared
) -> UserDocument:
    """A new password, in or out, admin of everything or not."""
    people = shared.store.people
    people.user(name)
    if name == access.user and (question.active is False or question.site_admin is False):
        raise Problem(
            409, "you would lock yourself out; let another admin do it", title="Not yourself"
        )
    if question.password is not None:
        people.set_password(name, question.password)
    if question.active is not None:
        people.set_active(name, question.active)
    if question.site_admin is not None:
        people.set_site_admin(name, question.site_admin)
    _note(shared, access, "user.change", name)
    return UserDocument(**texts(people.user(name)))


@router.get("/audit")
def site_audit(
    access: SiteAdministrator, shared: Shared, before: Before = None, limit: Limit = 100
) -> list[AuditDocument]:
    """Who did what anywhere, newest first."""
    shared.access_log.flush()
    return [AuditDocument(**texts(line)) for line in shared.store.audit(before=before, limit=limit)]


def _session(user: str, site_admin: bool, csrf: str, shared: Services) -> SessionDocument:
    roles: dict[int, str] = {}
    if user and shared.gate.mode == "accounts":
        roles = shared.store.people.roles_of(user)
    return SessionDocument(
        user=user or None, mode=shared.gate.mode, csrf=csrf, site_admin=site_admin,
        roles={str(project): role for project, role in roles.items()},
    )  # fmt: skip


def _accounts(shared: Services) -> None:
    if shared.gate.mode == "single-user":
        raise NotFound("this server has one user, who needs no tokens")


def _note(shared: Services, access: Access, action: str, what: str) -> None:
    shared.store.note(access.user, action, object_=what, address=access.address)
