"""Logins, cookies, CSRF, tokens, hosts, and the refusal to be open to strangers."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from lidar_label.errors import UsageError
from lidar_label.viewers.api.serving import check_accounts, check_address

PASSWORD = "correct horse battery"
BOX = {"x": 9, "y": 0, "z": 0, "length": 4, "width": 2, "height": 1.5, "yaw": 0}
CREATE = {"operation": "create_track", "frame": 0, "payload": {"category": "car", "box": BOX}}
EDIT = {"edits": [{**CREATE, "client_id": "a"}]}


def login(client: TestClient, name: str = "ann", password: str = PASSWORD) -> dict:
    answer = client.post("/login", json={"name": name, "password": password})
    return answer.json() | {
        "status": answer.status_code,
        "cookie": answer.headers.get("set-cookie", ""),
    }


def test_login_sets_a_cookie_that_scripts_and_other_sites_do_not_get(guarded: TestClient) -> None:
    done = login(guarded)
    assert done["user"] == "ann"
    assert done["roles"] == {"1": "annotator"}
    assert "HttpOnly" in done["cookie"]
    assert "SameSite=strict" in done["cookie"]
    assert guarded.get("/session").json()["csrf"] == done["csrf"]


def test_a_change_by_cookie_needs_the_csrf_token(guarded: TestClient) -> None:
    csrf = login(guarded)["csrf"]
    path = "/projects/1/recordings/1/edits"
    assert guarded.post(path, json=EDIT).status_code == 403
    assert guarded.post(path, json=EDIT, headers={"X-CSRF-Token": csrf + "0"}).status_code == 403
    assert guarded.post(path, json=EDIT, headers={"X-CSRF-Token": csrf}).status_code == 200


def test_logout_ends_the_session_on_the_server(guarded: TestClient) -> None:
    csrf = login(guarded)["csrf"]
    cookie = guarded.cookies["lidar_label_session"]
    assert guarded.post("/logout", headers={"X-CSRF-Token": csrf}).status_code == 204
    guarded.cookies.set("lidar_label_session", cookie)
    assert guarded.get("/projects/1").status_code == 401


def test_failed_logins_are_limited(guarded: TestClient) -> None:
    for _ in range(5):
        assert login(guarded, password="wrong password")["status"] == 401
    answer = guarded.post("/login", json={"name": "ann", "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert login(guarded, "root")["status"] == 200  # another name is not locked out


def test_tokens_work_until_they_are_revoked(guarded: TestClient) -> None:
    csrf = {"X-CSRF-Token": login(guarded)["csrf"]}
    secret = guarded.post("/tokens", json={"name": "script"}, headers=csrf).json()["secret"]
    guarded.cookies.clear()
    bearer = {"Authorization": f"Bearer {secret}"}
    assert (
        guarded.post("/projects/1/recordings/1/edits", json=EDIT, headers=bearer).status_code == 200
    )
    (token,) = guarded.get("/tokens", headers=bearer).json()
    assert "secret" not in token
    assert guarded.delete(f"/tokens/{token['id']}", headers=bearer).status_code == 204
    assert guarded.get("/projects/1", headers=bearer).status_code == 401


def test_somebody_locked_out_is_out_at_once(guarded: TestClient, shared_app: FastAPI) -> None:
    login(guarded)
    assert guarded.get("/projects/1").status_code == 200
    shared_app.state.services.store.people.set_active("ann", False)
    assert guarded.get("/projects/1").status_code == 401


def test_another_sites_page_can_change_nothing(client: TestClient) -> None:
    path = "/projects/1/recordings/1/edits"
    assert (
        client.post(path, json=EDIT, headers={"Origin": "https://evil.example"}).status_code == 403
    )
    assert client.post(path, json=EDIT, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post(path, json=EDIT, headers={"Origin": "null"}).status_code == 403
    assert client.post(path, json=EDIT, headers={"Origin": "http://localhost"}).status_code == 200


def test_a_name_that_points_here_does_not_reach_the_single_user_server(client: TestClient) -> None:
    answer = client.get("/projects", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    for host in ("localhost:8050", "127.0.0.1:8050", "[::1]:8050"):
        assert client.get("/projects", headers={"Host": host}).status_code == 200


def test_without_logins_no_address_but_this_machines(shared_app: FastAPI) -> None:
    for host in ("127.0.0.1", "localhost", "::1", "127.1.2.3"):
        check_address(host, "single-user")
    for host in ("0.0.0.0", "::", "192.168.1.4", "example.org", ""):
        with pytest.raises(UsageError, match="--accounts"):
            check_address(host, "single-user")
    check_address("0.0.0.0", "accounts")
    check_accounts(shared_app)
    shared_app.state.services.store.people.set_active("root", False)
    with pytest.raises(UsageError, match="no admin"):
        check_accounts(shared_app)


def test_answers_carry_safe_headers(client: TestClient) -> None:
    headers = client.get("/projects").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


def test_reads_and_logins_are_in_the_audit_log(guarded: TestClient, shared_app: FastAPI) -> None:
    login(guarded, password="wrong password")
    login(guarded)
    for _ in range(3):
        guarded.get("/projects/1/recordings/1/labels")
    token = shared_app.state.services.store.people.create_token("root", "t")
    guarded.cookies.clear()
    lines = guarded.get("/audit", headers={"Authorization": f"Bearer {token}"}).json()
    noted = {(line["actor"], line["action"]): line["detail"] for line in lines}
    assert ("ann", "login.failed") in noted
    assert ("ann", "login") in noted
    assert noted["ann", "labels.read"]["times"] == 3


def test_a_body_without_end_is_cut_off(client: TestClient) -> None:
    path = "/projects/1/recordings/1/edits"
    megabyte = b" " * (1 << 20)
    told = client.post(path, content=megabyte * 33, headers={"Content-Type": "application/json"})
    assert told.status_code == 413

    def endless():
        for _ in range(40):
            yield megabyte

    untold = client.post(path, content=endless(), headers={"Content-Type": "application/json"})
    assert untold.status_code == 413


def test_the_openapi_page_needs_no_other_server(client: TestClient) -> None:
    page = client.get("/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(addresses) >= 3
    for address in addresses:
        assert client.get(f"http://localhost{address}").status_code == 200, address
