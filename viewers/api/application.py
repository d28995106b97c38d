"""The app: one process that serves the REST API, its OpenAPI page, and the pages beside it."""

import getpass
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline

from lidar_label import __version__
from lidar_label.store import Store
from lidar_label.store.database import Database
from lidar_label.viewers.api import (
    activity_routes,
    branch_routes,
    import_routes,
    label_file_routes,
    label_routes,
    media_routes,
    project_routes,
    recording_routes,
    session_routes,
    signal_import_routes,
    sweep_routes,
    work_routes,
)
from lidar_label.viewers.api.access_log import AccessLog
from lidar_label.viewers.api.activity_signals import DescribedSignals
from lidar_label.viewers.api.gate import Gate, LoginLimit, Mode
from lidar_label.viewers.api.import_drafts import Drafts
from lidar_label.viewers.api.jobs import Jobs
from lidar_label.viewers.api.kept_bytes import KeptBytes
from lidar_label.viewers.api.open_recordings import OpenRecordings, Places
from lidar_label.viewers.api.problems import ProblemDocument, answer_with_problems
from lidar_label.viewers.api.request_checks import RequestChecks
from lidar_label.viewers.api.services import Services
from lidar_label.viewers.api.tables import metadata
from lidar_label.viewers.api.uploads import Uploads
from lidar_label.viewers.api.webhooks import Webhooks

if TYPE_CHECKING:
    from starlette.types import ASGIApp

API = "/api/v1"
_CLOUD_BYTES = 256 << 20
_UPLOAD_BYTES = 64 << 30
ROUTES = (
    session_routes,
    project_routes,
    recording_routes,
    import_routes,
    sweep_routes,
    label_routes,
    label_file_routes,
    branch_routes,
    activity_routes,
    media_routes,
    signal_import_routes,
    work_routes,
)


def create_app(
    store_url: str | Path,
    places: Sequence[str | Path] = (),
    *,
    folder: str | Path,
    mode: Mode = "single-user",
    user: str | None = None,
    pages: "Callable[[str], ASGIApp] | None" = None,
    hosts: Sequence[str] = (),
    secure_cookies: bool = False,
    private_webhooks: bool | None = None,
) -> FastAPI:
    """Make the app; `app.state.services` is what its routes share.

    Args:
        store_url: Database of labels and people: a path (SQLite) or URL.
        places: Folders and URL prefixes from which recordings may be registered.
        folder: The server's own folder: caches, uploads, work of jobs.
        mode: `single-user`: no login, everybody who reaches the server is its one user; serve it
            on this machine only. `accounts`: logins and API tokens.
        user: Name of the one user; the system's when None.
        pages: Makes the ASGI app for all paths outside the API, from the API's path.
        hosts: Names under which the server may be called; in accounts mode any when empty.
        secure_cookies: Whether a proxy before the server speaks HTTPS.
        private_webhooks: Whether webhooks may reach private addresses; by default in single-user
            mode only.

    Raises:
        StoreUnavailable: naming the database and the remedy.
    """
    services = _services(
        store_url,
        Places.of(list(places)),
        Path(folder).expanduser().resolve(),
        mode,
        user or _system_user(),
        frozenset(name.lower() for name in hosts),
        secure_cookies,
        mode == "single-user" if private_webhooks is None else private_webhooks,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        services.jobs.start()
        services.webhooks.start()
        services.access_log.start()
        yield
        services.jobs.stop()
        services.webhooks.stop()
        services.access_log.stop()
        services.store.close()

    app = FastAPIOffline(  # FastAPI's own page loads its scripts from elsewhere
        static_url=f"{API}/docs-files",
        swagger_ui_oauth2_redirect_url=f"{API}/docs/oauth2-redirect",
        title="Lidar Label",
        version=__version__,
        summary="Recordings, labels, people and work over HTTP.",
        docs_url=f"{API}/docs",
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
    )
    app.state.services = services
    answer_with_problems(app)
    for module in ROUTES:
        app.include_router(module.router, prefix=API)
    _describe_problems(app)
    if pages is not None:
        app.mount("/", pages(API))
    app.add_middleware(RequestChecks, gate=services.gate, api=API)
    return app


def _services(
    store_url: str | Path,
    places: Places,
    folder: Path,
    mode: Mode,
    user: str,
    hosts: frozenset[str],
    secure: bool,
    private_webhooks: bool,
) -> Services:
    folder.mkdir(parents=True, exist_ok=True)
    database = Database(store_url)
    with database.write() as connection:
        metadata.create_all(connection)
    webhooks = Webhooks(database, private_addresses=private_webhooks)
    store = Store(database, listeners=[webhooks.listen])
    uploads = Uploads(folder / "uploads", _UPLOAD_BYTES)
    return Services(
        store=store,
        gate=Gate(store, mode, user, secure=secure, hosts=hosts),
        logins=LoginLimit(),
        places=places,
        recordings=OpenRecordings(folder / "cache"),
        clouds=KeptBytes(_CLOUD_BYTES),
        described=DescribedSignals(),
        uploads=uploads,
        drafts=Drafts(folder / "imports", uploads),
        jobs=Jobs(database, store, folder / "jobs"),
        webhooks=webhooks,
        access_log=AccessLog(store),
        folder=folder,
    )


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without names
        return "user"


def _operation_id(route: APIRoute) -> str:
    return route.name


def _describe_problems(app: FastAPI) -> None:
    """Put the problem document, to which routes refer, into the OpenAPI document."""
    make = app.openapi

    def openapi() -> dict[str, object]:
        document = make()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("ProblemDocument", ProblemDocument.model_json_schema())
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        return document

    app.openapi = openapi  # type: ignore[method-assign]
