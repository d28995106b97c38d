"""What holds for every request, pages included: its host, the size of its body, safe headers."""

from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

from lidar_label.viewers.api.gate import Gate
from lidar_label.viewers.api.problems import problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MOST_BYTES = 32 << 20  # of a body that is read whole; uploads are streamed
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class RequestChecks:
    """An ASGI middleware: 421 for a foreign Host, 413 for a body too large, headers on answers."""

    def __init__(self, app: "ASGIApp", gate: Gate, api: str) -> None:
        self._app = app
        self._gate = gate
        self._api = api

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Check one request and pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._gate.allows_host(headers.get("host", "")):
            answer = problem_response(
                421,
                "This is not that host",
                "call the server as localhost, or start it with --host-name NAME",
            )
            await answer(scope, receive, send)
            return

        async def with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answered.setdefault(name, value)
                if scope["path"].startswith(self._api):
                    answered.setdefault("cache-control", "no-store")
            await send(message)

        if not _fits(headers.get("content-length", "0")) and not _streamed(scope):
            answer = problem_response(413, "", f"the body has more than {_MOST_BYTES} bytes")
            await answer(scope, receive, with_headers)
            return
        bounded = receive if _streamed(scope) else _bounded(receive)
        await self._app(scope, bounded, with_headers)


def _streamed(scope: "Scope") -> bool:
    """True for the bytes of an upload, which are written as they come."""
    return scope["method"] == "PATCH" and "/uploads/" in scope["path"]


def _fits(length: str) -> bool:
    return not length.isdecimal() or int(length) <= _MOST_BYTES


def _bounded(receive: "Receive") -> "Receive":
    came = 0

    async def bounded() -> "Message":
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > _MOST_BYTES:
            raise HTTPException(413, f"the body has more than {_MOST_BYTES} bytes")
        return message

    return bounded
