"""A PostgreSQL server of one's own for a while, where its programs are installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from lidar_label.errors import UsageError


def server_programs() -> Path | None:
    """The folder that holds `initdb` and `pg_ctl`; None where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


@contextmanager
def running_server(*settings: str) -> Generator[str]:
    """Start a server in a temporary folder; its URL. It listens on a socket there, nowhere else.

    Raises:
        UsageError: if PostgreSQL is not installed or does not start.
    """
    programs = server_programs()
    if programs is None:
        raise UsageError("PostgreSQL's server (initdb) is not on this machine; install it")
    folder = Path(tempfile.mkdtemp(prefix="ll-pg-"))
    user = _unprivileged(folder)
    data = str(folder / "data")
    initdb = [*user, str(programs / "initdb"), "-D", data, "-A", "trust", "-U", "lidar"]
    control = [*user, str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log")]
    chosen = ("listen_addresses=''", "max_connections=150", *settings)
    options = " ".join([f"-k {folder}", *(f"-c {one}" for one in chosen)])
    try:
        subprocess.run([*initdb, "-E", "UTF8", "--locale=C"], check=True, capture_output=True)
        subprocess.run([*control, "-o", options, "start"], check=True, capture_output=True)
        yield f"postgresql://lidar@/postgres?host={folder}"
    except subprocess.CalledProcessError as error:
        last = (error.stderr or b"").decode(errors="replace").strip().splitlines()[-1:]
        raise UsageError(f"PostgreSQL does not start: {last}") from error
    finally:
        stop = [*control, "-m", "immediate", "stop"]
        subprocess.run(stop, check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root; then the folder is given to a user who may."""
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    ids = ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid)]
    return ["setpriv", *ids, "--clear-groups"]
