"""People, secrets and roles."""

import pytest

from lidar_label.errors import InvalidEdit, NotFound

PASSWORD = "correct horse battery"


@pytest.fixture
def people(store):
    store.people.create_user("ann", PASSWORD)
    return store.people


def stored_text(store) -> str:
    with store.database.read() as connection:
        tables = ("person", "session", "api_token")
        return repr([connection.exec_driver_sql(f"SELECT * FROM {t}").all() for t in tables])


def test_a_password_is_verified_and_kept_only_as_argon2(store, people):
    assert people.verify_password("ann", PASSWORD) == people.user("ann")
    assert people.verify_password("ann", PASSWORD + "x") is None
    assert people.verify_password("nobody", PASSWORD) is None
    assert "$argon2id$" in stored_text(store)
    assert PASSWORD not in stored_text(store)
    people.set_password("ann", "another password")
    assert people.verify_password("ann", PASSWORD) is None
    people.set_active("ann", False)
    assert people.verify_password("ann", "another password") is None
    people.create_user("robot")
    assert people.verify_password("robot", "") is None


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [
        ("ann", PASSWORD, "exists already"),
        ("auto", PASSWORD, "machine's own"),
        ("", PASSWORD, "is empty"),
        ("a\nb", PASSWORD, "not plain text"),
        ("bob", "short", "has 5 characters"),
    ],
)
def test_users_that_cannot_be_added(people, name, password, says):
    with pytest.raises(InvalidEdit, match=says):
        people.create_user(name, password)
    assert [one.name for one in people.users()] == ["ann"]


def test_a_session_holds_until_it_ends(store, people, clock):
    secret, csrf = people.create_session("ann", hours=1)
    assert people.session(secret) == (people.user("ann"), csrf)
    assert people.session("guess") is None
    assert secret not in stored_text(store)
    clock.move(3601)
    assert people.session(secret) is None
    clock.move(-86400)
    assert people.session(secret) is None, "a session from the future is not trusted"
    again, _ = people.create_session("ann")
    people.end_session(again)
    assert people.session(again) is None
    last, _ = people.create_session("ann")
    people.set_password("ann", "another password")
    assert people.session(last) is None


def test_tokens(store, people, clock):
    secret = people.create_token("ann", "laptop", days=1)
    assert people.token_user(secret) == people.user("ann")
    assert people.token_user(secret + "x") is None
    assert secret not in stored_text(store)
    forever = people.create_token("ann", "robot", days=None)
    clock.move(86401)
    assert people.token_user(secret) is None
    assert people.token_user(forever) is not None
    newest = people.tokens("ann")[0]
    assert (newest.name, newest.revoked) == ("robot", False)
    people.revoke_token("ann", newest.id)
    assert people.token_user(forever) is None
    with pytest.raises(NotFound, match="no token 99"):
        people.revoke_token("ann", 99)


def test_roles_are_per_project(store, people):
    one, two = (store.create_project(name, "boss").id for name in ("one", "two"))
    people.set_role(one, "ann", "annotator")
    assert (people.role_of(one, "ann"), people.role_of(two, "ann")) == ("annotator", None)
    people.set_role(one, "ann", "reviewer")
    assert people.roles_of("ann") == {one: "reviewer"}
    assert [(user.name, role) for user, role in people.members(one)] == [("ann", "reviewer")]
    people.set_role(one, "ann", None)
    assert people.role_of(one, "ann") is None
    people.set_site_admin("ann", True)
    assert people.role_of(two, "ann") == "admin"
    people.set_active("ann", False)
    assert people.role_of(two, "ann") is None
    with pytest.raises(InvalidEdit, match="one of admin"):
        people.set_role(one, "ann", "king")
    with pytest.raises(NotFound, match="no user"):
        people.set_role(one, "bob", "viewer")
    with pytest.raises(NotFound, match="no project 99"):
        people.set_role(99, "ann", "viewer")


@pytest.mark.parametrize("odd", ["a\0b", "\ud800", "x" * 5000])
def test_odd_text_from_outside_is_nobody_and_breaks_nothing(store, people, odd):
    assert people.verify_password(odd, PASSWORD) is None
    assert people.verify_password("ann", odd) is None
    assert people.session(odd) is None
    assert people.token_user(odd) is None
    with pytest.raises(NotFound, match="no user"):
        people.user(odd)
    with pytest.raises(NotFound, match="no project"):
        store.project(odd)
    store.note(odd, "login.failed", object_=odd, detail={"said": odd})
    assert store.audit()[0].detail == {"said": odd}


def test_the_audit_log_pages(store):
    for k in range(5):
        store.note("ann", "labels.read", project_id=k % 2, object_=f"r{k}", detail={"frame": k})
    lines = store.audit(limit=2)
    assert [one.object for one in lines] == ["r4", "r3"]
    assert [one.object for one in store.audit(before=lines[-1].id)] == ["r2", "r1", "r0"]
    assert [one.detail["frame"] for one in store.audit(project_id=1)] == [3, 1]
    assert store.audit(actor="bob") == store.audit(action="x") == []


def test_projects_and_recordings(store, new_recording):
    recording = new_recording(store)
    project = store.project("project")
    assert store.recording(recording).frames == 40
    assert [one.name for one in store.recordings(project.id)] == ["drive"]
    new_recording(store, "a")
    assert [one.name for one in store.recordings(project.id, limit=1)] == ["a"]
    assert [one.name for one in store.recordings(project.id, after="a")] == ["drive"]
    assert [one.id for one in store.recordings(project.id, name="drive")] == [recording]
    assert store.count_recordings(project.id) == 2
    assert store.set_project_settings(project.id, {"review": True}).settings == {"review": True}
    with pytest.raises(InvalidEdit, match="exists in the project already"):
        new_recording(store)
    with pytest.raises(InvalidEdit, match="exists already"):
        store.create_project("project", "boss")
    with pytest.raises(InvalidEdit, match="world_from_ego has shape"):
        new_recording(store, "b", world_from_ego=[[1.0]])
    with pytest.raises(NotFound, match="no project nothing"):
        store.project("nothing")
