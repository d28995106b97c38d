"""Errors as `application/problem+json` (RFC 9457): one clear title, what is wrong, the remedy."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lidar_label.datasets.whole_files import is_full
from lidar_label.errors import LidarLabelError, NoSpace, NotFound, StoreUnavailable
from lidar_label.store import Conflict
from lidar_label.store.work import LeaseLost
from lidar_label.viewers.api.documents import state_document

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("lidar_label.api")
_TITLES = {
    400: "The request cannot be read",
    401: "Log in first",
    403: "Not allowed",
    404: "Not found",
    405: "This method is not for this address",
    409: "It has changed meanwhile",
    413: "Too large",
    415: "Send JSON",
    422: "The request does not fit",
    429: "Too many attempts",
    503: "Busy",
    507: "No room",
}
_STATUS: dict[type[LidarLabelError], int] = {
    NotFound: 404,
    LeaseLost: 409,
    StoreUnavailable: 503,
    NoSpace: 507,
}


class ProblemDocument(BaseModel):
    """What every error answers with (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""


class Problem(Exception):
    """Raised by routes: a status, what is wrong, and more fields for programs."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        title: str = "",
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.title = status, detail, title
        self.headers, self.fields = headers, fields


def not_found(what: str) -> Problem:
    """404 for something that is not there."""
    return Problem(404, what)


def problem_response(
    status: int,
    title: str = "",
    detail: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    **fields: Any,
) -> Response:
    """A problem document as a response."""
    document = {
        "type": "about:blank",
        "title": title or _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        **fields,
    }
    return JSONResponse(document, status, dict(headers or {}), MEDIA_TYPE)


# For a router's or route's `responses`: what any route may answer besides its own.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }
    for status, text in {
        "default": "Any other error",
        401: "Not logged in",
        403: "Not allowed",
        404: "No such thing",
        422: "The request does not fit",
    }.items()
}


def answer_with_problems(app: FastAPI) -> None:
    """Turn every error that routes raise into a problem document."""

    async def on_problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return problem_response(
            error.status, error.title, error.detail, headers=error.headers, **error.fields
        )

    async def on_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem_response(error.status_code, "", str(error.detail), headers=error.headers)

    async def on_invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        wrong = [
            {"where": ".".join(map(str, each["loc"])), "what": str(each["msg"])}
            for each in error.errors()
        ]
        first = wrong[0] if wrong else {"where": "", "what": "invalid"}
        return problem_response(422, "", f"{first['where']}: {first['what']}", errors=wrong)

    async def on_our_error(_: Request, error: Exception) -> Response:
        status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 422)
        headers = {"Retry-After": "1"} if status == 503 else None
        return problem_response(status, "", str(error), headers=headers, kind=type(error).__name__)

    async def on_conflict(_: Request, error: Exception) -> Response:
        assert isinstance(error, Conflict)
        states = [state_document(state).model_dump() for state in error.states]
        return problem_response(409, "", str(error), states=states)

    async def on_system_error(_: Request, error: Exception) -> Response:
        if not is_full(error):
            raise error  # to the log, as all that nobody foresaw
        _log.error("%s", error)
        return problem_response(507, "", "the server's disk is full; ask who runs it to free some")

    async def on_anything(request: Request, error: Exception) -> Response:
        _log.error("%s %s failed: %s", request.method, request.url.path, error)
        return problem_response(500, "The server failed", "It was written to the server's log.")

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(LidarLabelError, on_our_error)
    app.add_exception_handler(Conflict, on_conflict)
    app.add_exception_handler(OSError, on_system_error)
    app.add_exception_handler(Exception, on_anything)
