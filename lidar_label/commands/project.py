"""`lidar-label project …`: projects, recordings, labels, people and work in a store."""

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lidar_label.commands.one_export import ExportWishes, add_export_arguments, write_export
from lidar_label.errors import UsageError

if TYPE_CHECKING:
    from lidar_label.store import Store
    from lidar_label.store.projects import RecordingInfo

_STORE = "lidar-label.db"
_ROLES = ("admin", "manager", "reviewer", "annotator", "viewer", "none")
_PASSWORD = "LIDAR_LABEL_PASSWORD"  # noqa: S105  # the variable's name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    general = argparse.ArgumentParser(add_help=False)
    general.add_argument(
        "--store", default=os.environ.get("LIDAR_LABEL_STORE", _STORE), metavar="URL",
        help=f"database, a path or URL (default: LIDAR_LABEL_STORE or {_STORE})",
    )  # fmt: skip
    general.add_argument("--json", action="store_true", help="one JSON document on stdout")
    what = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return what.add_parser(name, help=text, description=text, parents=[general])

    create = add("create", "a new project")
    create.add_argument("project")
    create.add_argument(
        "--ontology", default="road", metavar="NAME|FILE", help="ready-made or YAML (default: road)"
    )
    add("list", "all projects, or one's recordings").add_argument("project", nargs="?")
    recording = add("add-recording", "register recordings")
    recording.add_argument("project")
    recording.add_argument("recordings", nargs="+", metavar="REC", help="files (.h5)")
    labels = add("import-labels", "labels that people made elsewhere, or proposals")
    labels.add_argument("project")
    labels.add_argument("recording", help="its name or number")
    labels.add_argument("labels", help="a .parquet or .csv, or a folder of a dataset's labels")
    labels.add_argument("--proposals", action="store_true", help="as the machine's, to be verified")
    export = add("export", "labels in a dataset's format, one folder a recording")
    export.add_argument("project")
    export.add_argument(
        "recordings", nargs="*", metavar="REC", help="names or numbers; all if left out"
    )
    add_export_arguments(export)
    export.add_argument("--proposed", action="store_true", help="proposals nobody has judged too")
    users = add("users", "list people; add one, change one, give a role")
    users.add_argument("project", nargs="?", help="for roles")
    users.add_argument("--add", metavar="NAME", help=f"password from {_PASSWORD} or asked for")
    users.add_argument("--site-admin", action="store_true", help="of the one added: admin of all")
    users.add_argument("--set-password", metavar="NAME")
    users.add_argument("--lock", metavar="NAME", help="may not log in any more")
    users.add_argument("--unlock", metavar="NAME")
    users.add_argument("--role", nargs=2, metavar=("NAME", "ROLE"), help="|".join(_ROLES))
    tokens = add("tokens", "API tokens of a user: list, create, revoke")
    tokens.add_argument("user")
    tokens.add_argument("--create", metavar="NAME", help="its secret is printed once")
    tokens.add_argument("--days", type=float, default=90, help="how long it holds (default: 90)")
    tokens.add_argument("--revoke", type=int, metavar="NUMBER")
    assign = add("assign", "put a recording's frames into the work queue")
    assign.add_argument("project")
    assign.add_argument("recording", help="its name or number")
    assign.add_argument(
        "--frames", type=int, default=0, metavar="N", help="frames an item; all if left out"
    )
    assign.add_argument("--to", metavar="NAME", help="only this person may annotate it")
    assign.add_argument("--priority", type=int, default=0)


def run(arguments: argparse.Namespace) -> int:
    """Do one thing to a store and say what came of it."""
    from lidar_label.store import Store

    makes = arguments.action == "create" or getattr(arguments, "add", None) is not None
    with Store.open(arguments.store, create=makes) as store:
        answer = _ACTIONS[arguments.action](store, arguments)
    said = json.dumps(answer.document, indent=1) if arguments.json else "\n".join(answer.lines)
    print(said)  # noqa: T201
    return answer.code


class Answer(NamedTuple):
    """What an action says, to programs and to people, and its exit code."""

    document: Any
    lines: list[str]
    code: int = 0


def _create(store: "Store", arguments: argparse.Namespace) -> Answer:
    made = store.create_project(arguments.project, _me(), ontology=_ontology(arguments.ontology))
    return Answer({"id": made.id, "name": made.name}, [f"project {made.id}: {made.name}"])


def _ontology(given: str) -> str:
    """The YAML text of a ready-made ontology or of a file."""
    from lidar_label.ontology import parse_ontology, ready_made, ready_made_text

    if given in ready_made():
        return ready_made_text(given)
    try:
        text = Path(given).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = f"--ontology {given}: cannot be read ({error})"
        raise UsageError(f"{what}; ready-made are {', '.join(ready_made())}") from error
    parse_ontology(text, given)
    return text


def _list(store: "Store", arguments: argparse.Namespace) -> Answer:
    if arguments.project is None:
        found = [
            {
                "id": p.id,
                "name": p.name,
                "recordings": store.count_recordings(p.id),
                "work": store.work.counts(p.id),
            }
            for p in store.projects()
        ]
        return Answer(
            found,
            [f"{p['id']:>4}  {p['name']}  {p['recordings']} recordings" for p in found]
            or ["no project"],
        )
    project = store.project(_key(arguments.project))
    recordings = [
        {
            "id": r.id,
            "name": r.name,
            "frames": r.frames,
            "uri": r.uri,
            "content_hash": r.content_hash,
        }
        for r in store.recordings(project.id)
    ]
    return Answer(
        recordings,
        [f"{r['id']:>4}  {r['name']}  {r['frames']} frames  {r['uri']}" for r in recordings]
        or ["no recording"],
    )


def _add_recordings(store: "Store", arguments: argparse.Namespace) -> Answer:
    import numpy as np

    from lidar_label.datasets.recording import Recording

    project = store.project(_key(arguments.project))
    added: list[dict[str, Any]] = []
    for given in arguments.recordings:
        path = Path(given).resolve()
        with Recording(path) as recording:
            info = store.add_recording(
                project.id,
                path.stem,
                str(path),
                _me(),
                time_ns=np.array([frame.time_ns for frame in recording.frames], dtype=np.int64),
                world_from_ego=recording.frame_poses(),
                content_hash=recording.content_hash,
                details={"source": recording.source},
            )
        added.append({"id": info.id, "name": info.name, "frames": info.frames})
    return Answer(added, [f"recording {r['id']}: {r['name']}, {r['frames']} frames" for r in added])


def _import_labels(store: "Store", arguments: argparse.Namespace) -> Answer:
    from lidar_label.datasets.formats import read_labels
    from lidar_label.datasets.recording import Recording

    info = _recording(store, arguments.project, arguments.recording)
    with Recording(info.uri) as recording:
        cuboids, warnings = read_labels(arguments.labels, recording)
    if arguments.proposals:
        done = store.load_proposals(info.id, cuboids)
    else:
        done = store.import_labels(info.id, _me(), cuboids)
    unmapped = dict(done.unmapped)
    document = {
        "recording": info.name,
        "cuboids": done.cuboids,
        "seq": done.seq,
        "unmapped": unmapped,
        "warnings": warnings,
    }
    lines = [f"{info.name}: {done.cuboids} cuboids"]
    lines += [f"not in the ontology: {name} ({count})" for name, count in unmapped.items()]
    return Answer(document, lines + [f"warning: {line}" for line in warnings])


def _export(store: "Store", arguments: argparse.Namespace) -> Answer:
    from lidar_label.datasets.recording import Recording
    from lidar_label.exported_labels import exported

    wishes = ExportWishes.of(arguments)
    project = store.project(_key(arguments.project))
    names = arguments.recordings or [r.name for r in store.recordings(project.id)]
    found: list[dict[str, Any]] = []
    lines: list[str] = []
    untold = False
    for name in names:
        info = _recording(store, arguments.project, name)
        cuboids = exported(store, info.id, proposed=arguments.proposed)
        with Recording(info.uri) as recording:
            done = write_export(cuboids, recording, arguments.output / info.name, wishes)
        found.append({"recording": info.name, **done.document(), "files": len(done.files)})
        lines += done.lines([])
        untold |= done.untold
    return Answer(found, lines or ["no recording"], int(untold))


def _users(store: "Store", arguments: argparse.Namespace) -> Answer:
    people = store.people
    if arguments.add:
        people.create_user(arguments.add, _password(arguments.add), site_admin=arguments.site_admin)
    if arguments.set_password:
        people.set_password(arguments.set_password, _password(arguments.set_password))
    for name, active in ((arguments.lock, False), (arguments.unlock, True)):
        if name:
            people.set_active(name, active)
    if arguments.role:
        if arguments.project is None:
            raise UsageError(
                "--role NAME ROLE: name the project too, `project users PROJECT --role …`"
            )
        name, role = arguments.role
        if role not in _ROLES:
            raise UsageError(f"--role {name} {role}: no such role; give one of {', '.join(_ROLES)}")
        project = store.project(_key(arguments.project))
        people.set_role(project.id, name, None if role == "none" else role)
    if arguments.project is not None:
        project = store.project(_key(arguments.project))
        members = [{"name": user.name, "role": role} for user, role in people.members(project.id)]
        return Answer(members, [f"{m['name']}: {m['role']}" for m in members] or ["nobody"])
    found = [
        {"name": u.name, "site_admin": u.site_admin, "active": u.active} for u in people.users()
    ]
    return Answer(found, [_user_line(user) for user in found] or ["nobody"])


def _user_line(user: dict[str, Any]) -> str:
    notes = [
        text
        for text, holds in (("site admin", user["site_admin"]), ("locked", not user["active"]))
        if holds
    ]
    return f"{user['name']}{' (' + ', '.join(notes) + ')' if notes else ''}"


def _tokens(store: "Store", arguments: argparse.Namespace) -> Answer:
    people = store.people
    if arguments.create:
        secret = people.create_token(arguments.user, arguments.create, days=arguments.days)
        return Answer({"secret": secret}, [secret])
    if arguments.revoke is not None:
        people.revoke_token(arguments.user, arguments.revoke)
    found = [
        {"id": t.id, "name": t.name, "revoked": t.revoked} for t in people.tokens(arguments.user)
    ]
    return Answer(
        found,
        [f"{t['id']:>4}  {t['name']}{'  revoked' if t['revoked'] else ''}" for t in found]
        or ["no token"],
    )


def _assign(store: "Store", arguments: argparse.Namespace) -> Answer:
    info = _recording(store, arguments.project, arguments.recording)
    if arguments.frames < 0:
        raise UsageError(f"--frames {arguments.frames}: give 1 or more")
    if arguments.to is not None and store.people.role_of(info.project_id, arguments.to) is None:
        raise UsageError(
            f"--to {arguments.to}: has no role in the project; give one by `project users`"
        )
    size = arguments.frames or info.frames
    spans = [(first, min(first + size, info.frames) - 1) for first in range(0, info.frames, size)]
    items = store.work.add(
        info.id, _me(), spans, priority=arguments.priority, assignee=arguments.to
    )
    found = [{"id": i.id, "first_frame": i.first_frame, "last_frame": i.last_frame} for i in items]
    return Answer(
        found,
        [
            f"work {i['id']}: {info.name}, frames {i['first_frame']} to {i['last_frame']}"
            for i in found
        ],
    )


def _recording(store: "Store", project: str, name: str) -> "RecordingInfo":
    found = store.project(_key(project))
    named = store.recordings(found.id, name=str(name))
    if named:
        return named[0]
    if str(name).isdecimal():
        info = store.recording(int(name))
        if info.project_id == found.id:
            return info
    raise UsageError(
        f"project {found.name} has no recording {name}; `project list {found.name}` names them"
    )


def _key(project: str) -> str | int:
    return int(project) if project.isdecimal() else project


def _password(name: str) -> str:
    given = os.environ.get(_PASSWORD)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise UsageError(f"no password for {name}: set {_PASSWORD}, or run it on a terminal")
    return getpass.getpass(f"password of {name}: ")


def _me() -> str:
    return getpass.getuser()


_ACTIONS: dict[str, Callable[["Store", argparse.Namespace], Answer]] = {
    "create": _create,
    "list": _list,
    "add-recording": _add_recordings,
    "import-labels": _import_labels,
    "export": _export,
    "users": _users,
    "tokens": _tokens,
    "assign": _assign,
}
