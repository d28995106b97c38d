"""Edit requests as tests make them, in one short line each."""

import itertools
from typing import Any

from lidar_label.store import Applied, EditRequest, Store, TrackState

_numbers = itertools.count()
BOX = {"x": 10.0, "y": 2.0, "z": 0.8, "length": 4.5, "width": 1.9, "height": 1.6, "yaw": 0.1}


def ask(operation: str, **fields: Any) -> EditRequest:
    """Fields of the request by their name, all others are its payload."""
    own = {name: fields.pop(name) for name in list(fields) if name in _FIELDS}
    own.setdefault("client_id", f"client-{next(_numbers)}")
    return EditRequest(operation, payload=fields, **own)


_FIELDS = set(EditRequest.__dataclass_fields__) - {"operation", "payload"}


def do(store: Store, recording: int, author: str, operation: str, **fields: Any) -> Applied:
    return store.apply(recording, author, [ask(operation, **fields)])


def make_track(
    store: Store, recording: int, author: str = "ann", frames: Any = (0,), **fields: Any
) -> TrackState:
    """A car that drives 1 m a frame along x, with a cuboid in each of the frames."""
    cuboids = [{"frame": f, "box": {**BOX, "x": BOX["x"] + f}} for f in frames]
    fields = {"category": "car", "cuboids": cuboids, **fields}
    return do(store, recording, author, "create_track", **fields).tracks[0]
