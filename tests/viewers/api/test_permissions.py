"""Every route × every role, generated from the routes: one without a rule fails."""

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from lidar_label.viewers.api.application import ROUTES
from lidar_label.viewers.api.permissions import permissions_of

# Written by hand, apart from the code: who may do what.
ROLES = ("nobody", "stranger", "viewer", "annotator", "reviewer", "manager", "admin", "root")
MAY = {
    "open": set(ROLES),
    "signed-in": set(ROLES) - {"nobody"},
    "read": {"viewer", "annotator", "reviewer", "manager", "admin", "root"},
    "label": {"annotator", "reviewer", "manager", "admin", "root"},
    "review": {"reviewer", "manager", "admin", "root"},
    "manage": {"manager", "admin", "root"},
    "administer": {"admin", "root"},
    "site": {"root"},
}
# Also by hand: a change of what a route needs must be meant.
CHANGES_NEED = {
    "login": "open", "logout": "open", "create_token": "signed-in", "revoke_token": "signed-in",
    "create_user": "site", "change_user": "site", "create_project": "site",
    "set_ontology": "manage", "set_role": "administer", "add_webhook": "administer",
    "remove_webhook": "administer", "redeliver": "administer", "register": "manage",
    "begin_upload": "manage", "send_bytes": "manage", "complete_upload": "manage",
    "add_medium": "manage", "remove_medium": "manage", "align_medium": "label",
    "correlate_medium": "label", "preview_signal": "manage", "import_signal": "manage",
    "begin_import": "manage", "preview": "manage", "start_import": "manage",
    "drop_import": "manage", "drop_upload": "manage", "edit": "label", "undo": "label",
    "redo": "label", "fit": "label",
    "import_labels": "manage", "start_job": "manage", "cancel_job": "manage",
    "resume_job": "manage", "add_work": "manage", "lease": "label", "renew": "label",
    "release": "label", "submit": "label", "accept": "review", "reject": "review",
    "reopen": "review", "propose": "label", "fork": "label", "adopt": "review",
}  # fmt: skip


def routes() -> Iterator[APIRoute]:
    for module in ROUTES:
        for route in module.router.routes:
            assert isinstance(route, APIRoute), f"{route} is no API route; give it a permission"
            yield route


def test_every_route_of_the_app_is_looked_at(shared_app: FastAPI) -> None:
    documented = {
        (path.removeprefix("/api/v1"), method.upper())
        for path, methods in shared_app.openapi()["paths"].items()
        for method in methods
    }
    looked_at = {(route.path, method) for route in routes() for method in route.methods}
    assert documented == looked_at


@pytest.mark.parametrize("route", list(routes()), ids=lambda route: route.name)
def test_every_route_declares_one_permission(route: APIRoute) -> None:
    declared = {str(permission) for permission in permissions_of(route)}
    assert len(declared) == 1, f"{route.name} must take its caller: `access: Reader` or the like"
    if route.methods != {"GET"}:
        assert declared == {CHANGES_NEED[route.name]}


def test_the_matrix_of_routes_and_roles(shared_app: FastAPI) -> None:
    people = shared_app.state.services.store.people
    tokens = {role: people.create_token(role, "test") for role in ROLES if role != "nobody"}
    wrong: list[str] = []
    with TestClient(shared_app, base_url="http://localhost/api/v1") as client:
        for route in routes():
            (permission,) = {str(each) for each in permissions_of(route)}
            for role in ROLES:
                # Of what is not there, but in the project that is: permission comes first.
                path = re.sub(
                    r"\{(\w+)\}", lambda m: "1" if m[1] == "project" else "77", route.path
                )
                bearer = {"Authorization": f"Bearer {tokens[role]}"} if role in tokens else {}
                (method,) = route.methods
                answer = client.request(
                    method, path, headers=bearer, json={} if method != "GET" else None
                )
                refused = answer.status_code in {401, 403}
                if refused == (role in MAY[permission]):
                    wrong.append(f"{role} {method} {route.path}: {answer.status_code}")
                if role == "nobody" and permission != "open":
                    assert answer.status_code == 401
                assert answer.status_code < 500, f"{route.path}: {answer.text}"
    assert not wrong


def test_a_role_ends_at_its_project(guarded: TestClient, shared_app: FastAPI) -> None:
    services = shared_app.state.services
    services.store.create_project("other", "root")
    token = services.store.people.create_token("admin", "test")
    guarded.headers["Authorization"] = f"Bearer {token}"
    assert guarded.get("/projects/1").status_code == 200
    assert guarded.get("/projects/2").status_code == 403
    assert [each["name"] for each in guarded.get("/projects").json()] == ["streets"]
    # Recording 1 is of project 1: not to be had through a project in which one has a role.
    services.store.people.set_role(2, "admin", "admin")
    assert guarded.get("/projects/2").status_code == 200
    for path in ("", "/labels", "/frames/0/points", "/history", "/frames/0/uncovered"):
        assert guarded.get(f"/projects/2/recordings/1{path}").status_code == 404
    edit = {"edits": [{"operation": "delete_track", "client_id": "a", "track_id": 1}]}
    assert guarded.post("/projects/2/recordings/1/edits", json=edit).status_code == 404
