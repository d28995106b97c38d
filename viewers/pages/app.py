"""The Dash app of the pages, to be mounted beside the API; it holds no data and no session."""

from pathlib import Path
from typing import TYPE_CHECKING

from lidar_label.errors import UsageError
from lidar_label.viewers.pages.components import Pages

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

ASSETS = Path(__file__).resolve().parent.parent / "assets"
_PAGES = "/p/"  # where the addresses of projects and recordings begin


def pages_app(api: str = "/api/v1") -> "ASGIApp":
    """The pages as an ASGI app for the path `/`.

    Args:
        api: Path of the REST API on the same server.

    Raises:
        UsageError: if the editor's bundle has not been built.
    """
    from dash import Dash

    if not (ASSETS / "editor.js").exists():
        raise UsageError(f"{ASSETS}: no editor.js; run `make setup`, which builds the editor")
    app = Dash(
        "lidar_label",
        backend="fastapi",
        title="Lidar Label",
        update_title="",
        assets_folder=str(ASSETS),
        add_log_handler=False,
    )
    app.backend.websocket_capability = False  # there are no callbacks to carry
    app.layout = Pages(api=api)

    async def one_document(scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Every address of a page gets the same document, which tells them apart."""
        if scope["type"] == "http" and _page_of(scope).startswith(_PAGES):
            root = scope.get("root_path", "")
            scope = {**scope, "path": f"{root}/", "raw_path": f"{root}/".encode()}
        await app.server(scope, receive, send)

    return one_document


def _page_of(scope: "Scope") -> str:
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))
