"""`lidar-label view [PATH…]`: recordings into a local project, and the editor in the browser."""

import argparse
import contextlib
import hashlib
import os
import re
import socket
import sys
import threading
import time
import urllib.request
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lidar_label.errors import LidarLabelError, UsageError
from lidar_label.viewers.signal_arguments import add_signal_arguments, signal_options

if TYPE_CHECKING:
    from fastapi import FastAPI

    from lidar_label.datasets.signal_files import SignalOptions
    from lidar_label.viewers.api.services import Services

_PROJECT = "local"
_SIGNALS = "signals"  # the project of signals, whose classes are activities
_WAIT_S = 30.0
_LABELS = (".proposals.parquet", ".labels.parquet")  # beside a recording, in order of preference


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="recordings (.h5), signals (.csv, .parquet, .wav, .txt) and folders of a data set, "
        "which are imported first, label files (.parquet) of one before them; without any, the "
        "projects that there are",
    )
    parser.add_argument("--port", type=int, default=8050, help="of the server; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on")
    parser.add_argument("--accounts", action="store_true", help="logins instead of one user")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    parser.add_argument(
        "--store",
        type=Path,
        metavar="FOLDER",
        help="where labels and imported recordings are kept (default: ~/.local/share/lidar-label)",
    )
    add_signal_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Register what was named, serve, open the browser, until interrupted."""
    from lidar_label.viewers.api.application import create_app
    from lidar_label.viewers.api.serving import check_address, check_port, serve
    from lidar_label.viewers.pages.app import pages_app

    mode = "accounts" if arguments.accounts else "single-user"
    check_address(arguments.host, mode)
    check_port(arguments.host, arguments.port)
    for path in arguments.paths:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder")
    folder = (arguments.store or _usual_folder()).expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    places = [folder / "recordings", *{path.resolve().parent for path in arguments.paths}]
    app = create_app(folder / "labels.db", places, folder=folder, mode=mode, pages=pages_app)
    page = open_paths(app, arguments.paths, folder / "recordings", signal_options(arguments))
    port = arguments.port or _free_port(arguments.host)
    address = f"http://{'localhost' if arguments.host == '127.0.0.1' else arguments.host}:{port}"
    print(f"{address}{page}", flush=True)  # noqa: T201
    shown = None if arguments.no_browser else address + page
    threading.Thread(
        target=_begin, args=(app, arguments.host, port, page, shown), daemon=True
    ).start()
    serve(app, arguments.host, port)
    return 0


def _usual_folder() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "lidar-label"


def open_paths(
    app: "FastAPI",
    paths: Sequence[Path],
    imported: Path,
    options: "SignalOptions | None" = None,
) -> str:
    """Register recordings and their labels in the local project.

    Args:
        app: The server's app.
        paths: Recordings, folders to import, label files of the recording before them.
        imported: Folder for recordings made from folders and signal files.
        options: What is said of signal files.

    Returns:
        The page to open: the editor of one recording, the project of several, or all projects.
    """
    from lidar_label.datasets.signal_recording import holds_signals
    from lidar_label.window_files import holds_windows

    services: Services = app.state.services
    opened: list[tuple[int, int]] = []
    for path in paths:
        signal = holds_signals(path)
        if opened and (path.suffix == ".parquet" or (signal and holds_windows(path))):
            _load_labels(services, opened[-1][1], path)
        elif path.suffix == ".parquet" and holds_windows(path):
            raise UsageError(f"{path}: labels of which recording? name the recording before it")
        else:
            source = path
            if path.suffix != ".h5":
                source = (
                    _import_signal(path, imported, options) if signal else _import(path, imported)
                )
            project = _project(services, _SIGNALS if _only_signals(services, source) else _PROJECT)
            opened.append((project, _register(services, project, source)))
    if not opened:
        return "/"
    project, recording = opened[0]
    if len(opened) > 1:
        return f"/p/{project}" if len({one for one, _ in opened}) == 1 else "/"
    signals = services.store.recording(recording).frames == 0
    return f"/p/{project}/r/{recording}/{'signals' if signals else 'edit'}"


def _only_signals(services: "Services", path: Path) -> bool:
    return services.recordings.get(str(path.resolve())).frame_count == 0


def _project(services: "Services", name: str) -> int:
    from lidar_label.ontology import ready_made_text

    for project in services.store.projects():
        if project.name == name:
            return project.id
    classes = ready_made_text("activities" if name == _SIGNALS else "road")
    return services.store.create_project(name, _author(services), ontology=classes).id


def _author(services: "Services") -> str:
    return services.gate.user


def _import_signal(source: Path, folder: Path, options: "SignalOptions | None") -> Path:
    """The recording made from a signal file; made once of what it holds and what is said of it."""
    from lidar_label.datasets.signal_recording import record_signals
    from lidar_label.datasets.windows import save_windows

    source = source.resolve()
    stat = source.stat()
    said = f"{source} {stat.st_mtime_ns} {stat.st_size} {options}"
    out = folder / hashlib.blake2b(said.encode(), digest_size=4).hexdigest() / f"{source.name}.h5"
    if not out.exists():
        print(f"importing {source} …", file=sys.stderr)  # noqa: T201
        out.parent.mkdir(parents=True, exist_ok=True)
        windows = record_signals((source,), out, options)
        if windows is not None:
            save_windows(windows, out.with_name(f"{out.stem}.labels.parquet"))
    return out


def _import(source: Path, folder: Path) -> Path:
    """The recording made from a folder or file; made once."""
    from lidar_label.datasets.formats import import_source

    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"{source.resolve().name}.h5"
    if not out.exists():
        print(f"importing {source} …", file=sys.stderr)  # noqa: T201
        result = import_source(source, out)
        for line in result.warnings:
            print(f"warning: {line}", file=sys.stderr)  # noqa: T201
    return out


def _register(services: "Services", project: int, path: Path) -> int:
    """The recording's number; a new one brings the labels that stand beside it."""
    from lidar_label.viewers.api.recording_routes import add_recording

    path = path.resolve()
    content_hash = services.recordings.get(str(path)).content_hash
    known = services.store.recordings(project)
    for info in known:
        if info.content_hash == content_hash and Path(info.uri).exists():
            return info.id
    taken = {info.name for info in known}
    name = path.stem if path.stem not in taken else f"{path.stem} {content_hash[:8]}"
    number = add_recording(services, project, name, str(path), _author(services)).id
    beside = (path.with_name(path.stem + ending) for ending in _LABELS)
    labels = next((file for file in beside if file.exists()), None)
    if labels is not None:
        _load_labels(services, number, labels)
    return number


def _load_labels(services: "Services", recording: int, path: Path) -> None:
    """Proposals (those with a score) to be judged, or labels as somebody made them."""
    import numpy as np

    from lidar_label.cuboids import load_cuboids
    from lidar_label.store.rows import AUTO
    from lidar_label.window_files import holds_windows, read_tags

    if holds_windows(path):
        info = services.store.recording(recording)
        opened = services.recordings.get(info.uri, info.content_hash)
        sensor = opened.imus[0] if opened.imus else ""
        origin = int(opened.imu(sensor).time_ns[0]) if sensor else 0
        windows = read_tags(path, origin)
        author = AUTO if np.isfinite(windows.score).any() else _author(services)
        services.store.load_windows(recording, windows, sensor=sensor, author=author)
        return
    cuboids = load_cuboids(path)
    if np.isfinite(cuboids.score).any():
        services.store.load_proposals(recording, cuboids)
    else:
        services.store.import_labels(recording, _author(services), cuboids)


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _begin(app: "FastAPI", host: str, port: int, page: str, shown: str | None) -> None:
    """Open the browser once the server answers, and make what it will ask for while it starts."""
    if not _answers(host, port):
        return
    if shown is not None:
        webbrowser.open(shown)
    from lidar_label.viewers.api.serving import is_loopback

    services: Services = app.state.services
    found = re.fullmatch(r"/p/(\d+)/r/(\d+)/edit", page)
    with contextlib.suppress(LidarLabelError, OSError):  # the browser will ask again, and be told
        if found:
            from lidar_label.viewers.api.sweep_routes import frame_cloud

            info = services.info(int(found[1]), int(found[2]))
            services.clouds.get(*frame_cloud(services, info, 0))
        own = f"http://{'localhost' if is_loopback(host) else host}:{port}"
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for path in ("/", "/_dash-layout", "/_dash-dependencies"):  # Dash sets itself up when asked
            direct.open(own + path, timeout=_WAIT_S).close()


def _answers(host: str, port: int) -> bool:
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return True
        time.sleep(0.05)
    return False
