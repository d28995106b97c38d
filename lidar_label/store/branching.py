"""Branches: an annotator's own line of edits for a cross-check, and its way back into `main`."""

from collections.abc import Iterable

from sqlalchemy import Connection

from lidar_label.errors import InvalidEdit
from lidar_label.store import reading
from lidar_label.store.draft import Draft
from lidar_label.store.editing import conflict
from lidar_label.store.reading import Stand


def copied(stand: Stand) -> Draft:
    """A new branch's draft, with everything of another as its first edit."""
    draft = Draft(1, 1)
    for row in (
        *stand.tracks.values(),
        *stand.cuboids.values(),
        *stand.windows.values(),
        *stand.comments.values(),
    ):
        draft.put(row)
    return draft


def changed(connection: Connection, theirs: Draft, branch_id: int) -> tuple[list[int], set[int]]:
    """Tracks that are not as they were when the branch was made; and those that it began with."""
    first = reading.replayed(connection, branch_id, 1).tracks
    now = theirs.tracks
    ids = [one for one in sorted({*first, *now}) if first.get(one) != now.get(one)]
    return ids, set(first)


def adopt(
    draft: Draft, theirs: Draft, wanted: Iterable[int], had: set[int], forked_from: int
) -> set[tuple[str, int]]:
    """Bring tracks of a branch into a draft of `main` that holds their originals.

    A track that came from `main` takes the place of its original, a new one becomes a new one.

    Returns:
        What that touched.

    Raises:
        Conflict: with the newer states, if an original has changed since the branch was made.
        InvalidEdit: if a track is not on the branch and never was.
    """
    stale: set[tuple[str, int]] = set()
    for one in wanted:
        if one not in had and one not in theirs.tracks:
            raise InvalidEdit(f"track {one} is not on the branch")
        if one in had and draft.state("track", one).revision > forked_from:
            stale.add(("track", one))
    if stale:
        raise conflict(draft, stale, "changed on main since the branch was made")
    return {("track", _bring(draft, theirs, one, one in had)) for one in wanted}


def _bring(draft: Draft, theirs: Draft, track_id: int, had: bool) -> int:
    track, rows = theirs.tracks.get(track_id), theirs.rows(track_id)
    new_id = track_id if had else draft.new_id()
    for frame, row in list(draft.rows(new_id).items()):
        if frame not in rows:
            draft.drop(row)
    if track is None:
        if new_id in draft.tracks:
            draft.drop(draft.tracks[new_id])
        return new_id
    draft.put(track._replace(track_id=new_id))
    for row in rows.values():
        draft.put(row._replace(track_id=new_id))
    return new_id
