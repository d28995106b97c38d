"""All operations by name, and which thing each is about."""

from typing import Final

from lidar_label.errors import InvalidEdit
from lidar_label.store import (
    comment_operations,
    identity_operations,
    path_operations,
    track_operations,
    window_operations,
)
from lidar_label.store.draft import Draft, Operation, Setting
from lidar_label.store.edits import EditRequest

OPERATIONS: Final[dict[str, Operation]] = {
    "create_track": track_operations.create_track,
    "set_cuboid": track_operations.set_cuboid,
    "set_cuboids": track_operations.set_cuboids,
    "set_size": track_operations.set_size,
    "set_track": track_operations.set_track,
    "accept": track_operations.accept,
    "reject": track_operations.reject,
    "delete_track": track_operations.delete_track,
    "delete_cuboids": track_operations.delete_cuboids,
    "merge_tracks": identity_operations.merge_tracks,
    "split_track": identity_operations.split_track,
    "swap_tracks": identity_operations.swap_tracks,
    "interpolate": path_operations.interpolate,
    "propagate": path_operations.propagate,
    "window_create": window_operations.window_create,
    "window_move": window_operations.window_move,
    "window_split": window_operations.window_split,
    "window_merge": window_operations.window_merge,
    "window_tag": window_operations.window_tag,
    "window_accept": window_operations.window_accept,
    "window_reject": window_operations.window_reject,
    "window_delete": window_operations.window_delete,
    "comment_create": comment_operations.comment_create,
    "comment_change": comment_operations.comment_change,
    "comment_resolve": comment_operations.comment_resolve,
    "comment_delete": comment_operations.comment_delete,
}


def perform(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """Do to the draft what is asked.

    Raises:
        InvalidEdit: naming the field, if it cannot be done.
    """
    operation = OPERATIONS.get(request.operation)
    if operation is None:
        raise InvalidEdit(
            f"operation {request.operation!r} is unknown; there are {', '.join(OPERATIONS)}"
        )
    operation(draft, request, setting)


def subjects(request: EditRequest) -> list[tuple[str, int, int | None]]:
    """Kind, id and base revision of the things that a request is about and that exist already."""
    if request.operation.startswith("comment_"):
        kind, one = "comment", request.comment_id
    elif request.operation.startswith("window_"):
        kind, one = "window", request.window_id
    else:
        kind, one = "track", request.track_id
    if request.operation.endswith("create") or request.operation == "create_track":
        return []
    found = [] if one is None else [(kind, one, request.base_revision)]
    if request.other_id is not None:
        found.append((kind, request.other_id, request.other_base_revision))
    return found
