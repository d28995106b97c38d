"""The Dash app of the pages, to be mounted beside the API; it holds no data and no session."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lidar_label.errors import UsageError
from lidar_label.viewers.pages.components import Pages

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

ASSETS = Path(__file__).resolve().parent.parent / "assets"
_PAGES = "/p/"  # where the addresses of projects and recordings begin
_HEAD = "head.js"  # of the bundle; stands in the document
# Components of Dash's own that no page of ours has, half a megabyte of script.
_UNUSED = re.compile(r'<script src="[^"]*/dash/(?:dcc|html|dash_table)/[^"]*"></script>\n?')
# What Dash's renderer asks for once it runs is asked for at once.
_AHEAD = "".join(
    f'<link rel="preload" href="{path}" as="fetch" crossorigin>'
    for path in ("/_dash-layout", "/_dash-dependencies")
)


def pages_app(api: str = "/api/v1") -> "ASGIApp":
    """The pages as an ASGI app for the path `/`.

    Args:
        api: Path of the REST API on the same server.

    Raises:
        UsageError: if the editor's bundle has not been built.
    """
    from dash import Dash

    class OnePage(Dash):
        """Asks for what the page will show while its scripts are still being loaded."""

        def interpolate_index(self, *args: Any, **parts: str) -> str:
            head = f"<script>const LIDAR_LABEL_API={json.dumps(api)};{script}</script>"
            parts["metas"] = head + _AHEAD + parts["metas"]
            parts["scripts"] = _UNUSED.sub("", parts["scripts"])
            return super().interpolate_index(*args, **parts)

    if not (ASSETS / "editor.js").exists():
        raise UsageError(f"{ASSETS}: no editor.js; run `make setup`, which builds the editor")
    script = (ASSETS / _HEAD).read_text()
    app = OnePage(
        "lidar_label",
        backend="fastapi",
        title="Lidar Label",
        update_title="",
        assets_folder=str(ASSETS),
        assets_ignore=re.escape(_HEAD),
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
