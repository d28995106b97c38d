"""Who may do what: every route names one permission, every role grants some.

A route takes its caller as a parameter (`access: Reader`), and that declares its permission: the
tests read it back from the routes and try every role on each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from lidar_label.viewers.api.problems import Problem


class Permission(StrEnum):
    """What a route needs."""

    OPEN = "open"  # nobody need be known
    SIGNED_IN = "signed-in"
    READ = "read"
    LABEL = "label"
    REVIEW = "review"
    MANAGE = "manage"
    ADMINISTER = "administer"
    SITE = "site"  # not of one project


_LADDER = ("viewer", "annotator", "reviewer", "manager", "admin")
_STEPS = (
    Permission.READ,
    Permission.LABEL,
    Permission.REVIEW,
    Permission.MANAGE,
    Permission.ADMINISTER,
)
# Each role may do what the ones before it may, and one thing more.
GRANTS: dict[str, frozenset[Permission]] = {
    role: frozenset(_STEPS[: i + 1]) for i, role in enumerate(_LADDER)
}


@dataclass(frozen=True)
class Access:
    """Who calls, and as what.

    Attributes:
        user: Name; "" for nobody.
        user_id: In the store; −1 for nobody and in single-user mode.
        site_admin: May do everything.
        role: In the project of the route, None without one.
        via: How the caller is known.
        csrf: The token that a session's changes must carry; "" without a session.
        address: Where the call comes from.
    """

    user: str
    user_id: int
    site_admin: bool
    role: str | None
    via: Literal["nobody", "single-user", "session", "token"]
    csrf: str
    address: str

    def may(self, permission: Permission) -> bool:
        """True where the caller has it."""
        if permission is Permission.OPEN or self.site_admin:
            return True
        if permission is Permission.SIGNED_IN:
            return bool(self.user)
        return self.role is not None and permission in GRANTS[self.role]


class Needs:
    """A dependency that lets a call pass only with a permission, and gives its `Access`."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Access:
        """The caller, if they may.

        Raises:
            Problem: 401 for nobody, 403 for somebody without the permission.
        """
        gate = request.app.state.services.gate
        access = gate.at_once(request)
        if access is None:
            access = await run_in_threadpool(gate.recognise, request)
        if not access.may(self.permission):
            if not access.user:
                raise Problem(
                    401,
                    "log in, or send an API token as `Authorization: Bearer …`",
                    headers={"WWW-Authenticate": "Bearer"},
                )
            raise Problem(
                403,
                f"{access.user} ({access.role or 'no role'}) lacks the permission "
                f"{self.permission}; ask an admin of the project",
            )
        return access


Anyone = Annotated[Access, Depends(Needs(Permission.OPEN))]
Member = Annotated[Access, Depends(Needs(Permission.SIGNED_IN))]
Reader = Annotated[Access, Depends(Needs(Permission.READ))]
Labeller = Annotated[Access, Depends(Needs(Permission.LABEL))]
Reviewer = Annotated[Access, Depends(Needs(Permission.REVIEW))]
Manager = Annotated[Access, Depends(Needs(Permission.MANAGE))]
Administrator = Annotated[Access, Depends(Needs(Permission.ADMINISTER))]
SiteAdministrator = Annotated[Access, Depends(Needs(Permission.SITE))]


def permissions_of(route: APIRoute) -> list[Permission]:
    """The permissions that a route declares; there must be exactly one."""

    def walk(dependant: Dependant) -> Iterator[Permission]:
        call: Any = dependant.call
        if isinstance(call, Needs):
            yield call.permission
        for below in dependant.dependencies:
            yield from walk(below)

    return list(walk(route.dependant))
