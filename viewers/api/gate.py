"""Recognises callers: the one user of a single-user server, a browser's session, an API token.

Changes by cookie must carry the session's CSRF token; every change must come from our own pages or
from a program, and in single-user mode the Host must be this machine (DNS rebinding).
"""

import hmac
import threading
import time
from collections import deque
from typing import Literal
from urllib.parse import urlsplit

from starlette.requests import Request

from lidar_label.store import Store
from lidar_label.viewers.api.permissions import Access
from lidar_label.viewers.api.problems import Problem

COOKIE = "lidar_label_session"
CSRF_HEADER = "x-csrf-token"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}
_WINDOW_S = 60.0
_TRIES_A_NAME = 5
_TRIES_AN_ADDRESS = 20
Mode = Literal["single-user", "accounts"]


class Gate:
    """Finds out who calls.

    Attributes:
        mode: `single-user`: everybody who reaches the server is its one user, an admin.
        user: That user's name.
        secure: Whether cookies go over HTTPS only.
    """

    def __init__(
        self, store: Store, mode: Mode, user: str, *, secure: bool, hosts: frozenset[str]
    ) -> None:
        self.mode: Mode = mode
        self.user = user
        self.secure = secure
        self._people = store.people
        self._hosts = hosts

    def at_once(self, request: Request) -> Access | None:
        """The caller, where no look into the store is needed."""
        self._check_origin(request)
        if self.mode == "single-user":
            return Access(self.user, -1, True, "admin", "single-user", "", _address(request))
        return None

    def recognise(self, request: Request) -> Access:
        """The caller by token or cookie; nobody where there is neither or it does not hold.

        Raises:
            Problem: 403 for a change by cookie without its CSRF token.
        """
        address = _address(request)
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        csrf, via, user = "", "nobody", None
        if scheme.lower() == "bearer":
            user, via = self._people.token_user(secret.strip()), "token"
        elif cookie := request.cookies.get(COOKIE):
            found = self._people.session(cookie)
            if found is not None:
                (user, csrf), via = found, "session"
        if user is None:
            return Access("", -1, False, None, "nobody", "", address)
        if via == "session" and request.method not in _SAFE:
            sent = request.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(sent.encode(), csrf.encode()):
                raise Problem(403, "X-CSRF-Token is missing or wrong; take it from GET /session")
        project = request.path_params.get("project")
        role = None
        if project is not None and project.isdecimal() and int(project) < 2**63:
            role = self._people.role_of(int(project), user.name)
        kind: Literal["session", "token"] = "session" if via == "session" else "token"
        return Access(user.name, user.id, user.site_admin, role, kind, csrf, address)

    def allows_host(self, host: str) -> bool:
        """True where a request may be meant for this server by that name."""
        name = host_name(host)
        if self.mode == "single-user":
            return name in _LOOPBACK_NAMES or name in self._hosts
        return not self._hosts or name in self._hosts

    def _check_origin(self, request: Request) -> None:
        """Browsers say where a change comes from; another site's page may not make one."""
        if request.method in _SAFE:
            return
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "same-origin")
        foreign = site not in {"same-origin", "none"}
        if origin is not None:
            foreign = urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()
        if foreign:
            raise Problem(403, f"a page of {origin or 'another site'} may not change anything here")


class LoginLimit:
    """Few failed logins a minute, by name and by address."""

    def __init__(self) -> None:
        self._failed: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def check(self, name: str, address: str) -> None:
        """Let a try pass.

        Raises:
            Problem: 429 with Retry-After.
        """
        now = time.monotonic()
        with self._lock:
            for key, most in ((f"n {name}", _TRIES_A_NAME), (f"a {address}", _TRIES_AN_ADDRESS)):
                failed = self._failed.get(key)
                while failed and now - failed[0] > _WINDOW_S:
                    failed.popleft()
                if failed and len(failed) >= most:
                    wait = int(_WINDOW_S - (now - failed[0])) + 1
                    raise Problem(
                        429,
                        f"too many failed logins; try again in {wait} s",
                        headers={"Retry-After": str(wait)},
                    )

    def note_failure(self, name: str, address: str) -> None:
        """Count a failed try."""
        now = time.monotonic()
        with self._lock:
            if len(self._failed) > 10_000:
                self._failed = {
                    k: v for k, v in self._failed.items() if v and now - v[-1] < _WINDOW_S
                }
            for key in (f"n {name}", f"a {address}"):
                self._failed.setdefault(key, deque(maxlen=_TRIES_AN_ADDRESS)).append(now)


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
