"""A typed client of a Lidar Label server: projects, recordings, points, labels, edits, jobs.

with Client("http://localhost:8050") as server:
project = server.create_project("streets")
recording = project.add_recording("drive.h5")
recording.annotate()
print(recording.labels().cuboids)
"""

import hashlib
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from lidar_label.binary_columns import decode
from lidar_label.client_errors import EditConflict, ServerError, checked
from lidar_label.cuboids import Cuboids
from lidar_label.errors import NotFound

if TYPE_CHECKING:
    import httpx

__all__ = [
    "Client",
    "EditConflict",
    "RemoteLabels",
    "RemoteProject",
    "RemoteRecording",
    "ServerError",
]
API = "/api/v1"
_CHUNK_BYTES = 8 << 20
_ATTEMPTS = 6
_FIRST_WAIT_S = 0.25
_ENDED = ("done", "failed", "cancelled", "interrupted")
_BOX = ("x", "y", "z", "length", "width", "height", "yaw")


class Client:
    """A connection to a server. Use it in a `with` statement, or call `close`."""

    def __init__(self, url: str, token: str | None = None, *, timeout_s: float = 60) -> None:
        """Connect.

        Args:
            url: Of the server, such as `http://localhost:8050`.
            token: An API token; none for a single-user server.
            timeout_s: For one answer.
        """
        import httpx

        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(
            base_url=url.rstrip("/") + API, headers=headers, timeout=timeout_s, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def request(
        self, method: str, path: str, *, again: bool = False, **options: Any
    ) -> "httpx.Response":
        """One request below the API; with `again` it is repeated while the server is away.

        Raises:
            NotFound: for 404.
            EditConflict: for 409 with newer states.
            ServerError: for any other error.
        """
        import httpx

        wait = _FIRST_WAIT_S
        for attempt in range(_ATTEMPTS if again else 1):
            try:
                answer = self._http.request(method, path, **options)
                if answer.status_code != 503 or attempt + 1 == _ATTEMPTS or not again:
                    return checked(answer)
            except httpx.TransportError as error:
                if not again or attempt + 1 == _ATTEMPTS:
                    text = f"{self._http.base_url}: does not answer ({error}); is it running?"
                    raise ServerError(text) from error
            time.sleep(wait)
            wait *= 2
        raise AssertionError("unreachable")

    def session(self) -> dict[str, Any]:
        """Who we are to the server."""
        return self.request("GET", "/session", again=True).json()

    def projects(self) -> list["RemoteProject"]:
        """Those in which we have a role."""
        found = self.request("GET", "/projects", again=True).json()
        return [RemoteProject(self, each["id"], each["name"]) for each in found]

    def project(self, name: str | int) -> "RemoteProject":
        """By name or number.

        Raises:
            NotFound: if there is none that we may see.
        """
        for each in self.projects():
            if name in (each.id, each.name):
                return each
        raise NotFound(f"no project {name} on the server")

    def create_project(self, name: str, ontology: str | None = None) -> "RemoteProject":
        """A new project; `ontology` is YAML text, the road ontology when None."""
        made = self.request("POST", "/projects", json={"name": name, "ontology": ontology}).json()
        return RemoteProject(self, made["id"], made["name"])


@dataclass(frozen=True)
class RemoteProject:
    """A project on a server."""

    client: Client = field(repr=False)
    id: int
    name: str

    @property
    def path(self) -> str:
        """Below the API."""
        return f"/projects/{self.id}"

    def recordings(self) -> Iterator["RemoteRecording"]:
        """All, in order of name, a page at a time."""
        after = ""
        while True:
            query = {"after": after, "limit": 1000}
            page = self.client.request("GET", f"{self.path}/recordings", params=query, again=True)
            found = page.json()
            yield from (self._recording(each) for each in found)
            if len(found) < 1000:
                return
            after = found[-1]["name"]

    def recording(self, name: str | int) -> "RemoteRecording":
        """By name or number.

        Raises:
            NotFound: if there is none.
        """
        for each in self.recordings():
            if name in (each.id, each.name):
                return each
        raise NotFound(f"project {self.name} has no recording {name}")

    def add_recording(self, uri: str | Path, name: str | None = None) -> "RemoteRecording":
        """Register a recording by its path on the server or its URL."""
        question = {"uri": str(uri), "name": name}
        return self._recording(
            self.client.request("POST", f"{self.path}/recordings", json=question).json()
        )

    def upload_recording(
        self, path: str | Path, name: str | None = None, *, resume: str | None = None
    ) -> "RemoteRecording":
        """Send a recording in chunks, going on after interruptions.

        Args:
            path: The file on this machine.
            name: Of the recording; the file's when None.
            resume: Id of an upload that an earlier process began.
        """
        path = Path(path)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            question = {"name": name or path.stem, "size": path.stat().st_size, "sha256": digest}
            uploads = f"{self.path}/uploads"
            if resume is None:
                resume = self.client.request("POST", uploads, json=question).json()["id"]
            place = f"{uploads}/{resume}"
            state = self.client.request("GET", place, again=True).json()
            while state["offset"] < state["size"]:
                file.seek(state["offset"])
                state = self._send(place, state["offset"], file.read(_CHUNK_BYTES))
        return self._recording(self.client.request("POST", f"{place}/complete").json())

    def _send(self, place: str, offset: int, chunk: bytes) -> dict[str, Any]:
        headers = {"Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
        try:
            return self.client.request("PATCH", place, content=chunk, headers=headers).json()
        except ServerError as error:
            if error.status not in {0, 409, 502, 503}:
                raise
            return self.client.request("GET", place, again=True).json()

    def _recording(self, line: Mapping[str, Any]) -> "RemoteRecording":
        return RemoteRecording(self.client, self.id, line["id"], line["name"], line["frames"])


@dataclass(frozen=True, eq=False)
class RemoteLabels:
    """Labels as the server gave them.

    Attributes:
        revision: The newest edit in them.
        cuboids: As columns.
        tracks: Track id → what holds for the whole track.
        windows: Activities.
    """

    revision: int
    cuboids: Cuboids
    tracks: Mapping[int, Mapping[str, Any]]
    windows: list[dict[str, Any]]


@dataclass(frozen=True)
class RemoteRecording:
    """A recording of a project on a server."""

    client: Client = field(repr=False)
    project_id: int
    id: int
    name: str
    frames: int

    @property
    def path(self) -> str:
        """Below the API."""
        return f"/projects/{self.project_id}/recordings/{self.id}"

    def info(self) -> dict[str, Any]:
        """Sensors, times, poses."""
        return self.client.request("GET", self.path, again=True).json()

    def points(
        self, frame: int, *, level: int = 0, deskew: bool = True, sensors: Iterable[str] = ()
    ) -> dict[str, NDArray[Any]]:
        """A frame's points: `xyz` (N, 3) metres in its ego frame, `intensity`, `ring` and more."""
        query = {"level": level, "deskew": deskew, "sensors": ",".join(sensors)}
        answer = self.client.request(
            "GET", f"{self.path}/frames/{frame}/points", params=query, again=True
        )
        return decode(answer.content)[1]

    def image(self, frame: int, camera: str) -> bytes:
        """A frame's JPEG or PNG of a camera."""
        return self.client.request(
            "GET", f"{self.path}/frames/{frame}/images/{camera}", again=True
        ).content

    def signal(self, sensor: str, *, pixels: int = 2000) -> dict[str, NDArray[Any]]:
        """A whole signal as so many columns of a screen show it."""
        query = {"pixels": pixels}
        return decode(
            self.client.request(
                "GET", f"{self.path}/signals/{sensor}", params=query, again=True
            ).content
        )[1]

    def labels(self, frame: int | None = None, *, at: int | None = None) -> RemoteLabels:
        """Labels of the recording or a frame, as they stand or stood after edit `at`."""
        query = {name: value for name, value in (("frame", frame), ("at", at)) if value is not None}
        found = self.client.request("GET", f"{self.path}/labels", params=query, again=True).json()
        tracks = {each["track_id"]: each for each in found["tracks"]}
        cuboids = _cuboids(found["cuboids"], tracks)
        return RemoteLabels(found["revision"], cuboids, tracks, found["windows"])

    def edit(self, operation: str, **fields: Any) -> dict[str, Any]:
        """One edit; what its header knows (track_id, frame, …) and its payload in one.

        Repeated safely while the server is away: its client id tells a retry.

        Raises:
            EditConflict: if someone changed the same thing since `base_revision`.
        """
        header = (
            "track_id",
            "window_id",
            "comment_id",
            "base_revision",
            "frame",
            "other_id",
            "other_base_revision",
            "client_id",
        )
        request = {name: fields.pop(name) for name in header if name in fields}
        request = {
            "client_id": str(uuid.uuid4()),
            **request,
            "operation": operation,
            "payload": fields,
        }
        return self.edits([request])

    def edits(self, requests: list[dict[str, Any]]) -> dict[str, Any]:
        """Edits made all or none; each a request of the API with its own client id."""
        return self.client.request(
            "POST", f"{self.path}/edits", json={"edits": requests}, again=True
        ).json()

    def undo(self) -> dict[str, Any]:
        """Revert our last edit that stands."""
        return self.client.request(
            "POST", f"{self.path}/undo", json={"client_id": str(uuid.uuid4())}, again=True
        ).json()

    def redo(self) -> dict[str, Any]:
        """Revert our last undo that stands."""
        return self.client.request(
            "POST", f"{self.path}/redo", json={"client_id": str(uuid.uuid4())}, again=True
        ).json()

    def history(self, **query: Any) -> list[dict[str, Any]]:
        """Edits, newest first; `track`, `author`, `before`, `limit` choose."""
        return self.client.request("GET", f"{self.path}/history", params=query, again=True).json()

    def fit(
        self,
        frame: int,
        *,
        click: Iterable[float] | None = None,
        box: Iterable[float] | None = None,
        category: str | None = None,
    ) -> dict[str, Any]:
        """The box that fits at a click or about a rough box; nothing is stored."""
        question = {
            "frame": frame,
            "click": None if click is None else list(click),
            "box": None if box is None else list(box),
            "category": category,
        }
        return self.client.request("POST", f"{self.path}/fit", json=question).json()

    def annotate(self, *, wait: bool = True, **settings: Any) -> dict[str, Any]:
        """Let the machine propose; the job when it has ended, or at once without `wait`."""
        job = self.client.request(
            "POST", f"{self.path}/jobs", json={"kind": "annotate", "settings": settings}
        ).json()
        place = f"/projects/{self.project_id}/jobs/{job['id']}"
        while wait and job["state"] not in _ENDED:
            time.sleep(0.3)
            job = self.client.request("GET", place, again=True).json()
        return job


def _cuboids(columns: Mapping[str, Any], tracks: Mapping[int, Mapping[str, Any]]) -> Cuboids:
    boxes = np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in _BOX])
    score = [np.nan if value is None else value for value in columns["score"]]
    category = [tracks[track]["category"] for track in columns["track_id"]]
    return Cuboids.of(
        boxes,
        frame=np.asarray(columns["frame"], dtype=np.int32),
        track_id=np.asarray(columns["track_id"], dtype=np.int64),
        category=np.array(category, dtype=object),
        pitch=np.asarray(columns["pitch"], dtype=np.float64),
        roll=np.asarray(columns["roll"], dtype=np.float64),
        score=np.array(score, dtype=np.float32),
        num_points=np.asarray(columns["num_points"], dtype=np.int32),
        reason=np.array(columns["reason"], dtype=object),
    )
