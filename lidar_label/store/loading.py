"""Takes in whole sets of labels: the machine's proposals, imports, a branch's work.

The machine never overwrites a person. Proposals replace earlier ones that nobody touched; where a
person has edited, accepted, rejected or deleted something, what is proposed anew in its place is
left out.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection, and_, exists, select

from lidar_label.arrays import Boxes, Mask
from lidar_label.datasets.cuboids import Cuboids
from lidar_label.errors import InvalidEdit
from lidar_label.ontology import CUBOID, Ontology
from lidar_label.store import reading, tables
from lidar_label.store.asked import BOX, wrapped
from lidar_label.store.changes import Changes
from lidar_label.store.draft import Draft, Setting
from lidar_label.store.journal import Branch
from lidar_label.store.rows import ACCEPTED, AUTO, IMPORT, PROPOSED, Cuboid, Track

SAME_PLACE_IOU = 0.3  # from above; less is another object beside it
_DELETIONS = ("delete_track", "delete_cuboids", "redo")


@dataclass(frozen=True)
class Loaded:
    """What came of a set of labels.

    Attributes:
        seq: The edit.
        ids: Their track ids → those of the store. A cuboid without a track has its own.
        cuboids: How many were added; windows, for windows.
        replaced: How many earlier proposals went.
        left_out: How many stood where people had decided.
        unmapped: Class that the ontology does not know → how many cuboids or windows have it.
    """

    seq: int
    ids: Mapping[int, int] = field(default_factory=dict)
    cuboids: int = 0
    replaced: int = 0
    left_out: int = 0
    unmapped: Mapping[str, int] = field(default_factory=dict)


def load_whole(connection: Connection, branch: Branch) -> Draft:
    """A draft with everything on the branch."""
    draft = Draft(branch.head + 1, branch.next_id)
    now = reading.stand(connection, branch.branch_id)
    draft.tracks, draft.windows, draft.comments = now.tracks, now.windows, now.comments
    for row in now.cuboids.values():
        draft.cuboids.setdefault(row.track_id, {})[row.frame] = row
    return draft


def propose(
    connection: Connection, branch: Branch, draft: Draft, cuboids: Cuboids, setting: Setting
) -> Loaded:
    """Replace untouched proposals in the draft by new ones, where people have not decided."""
    check(cuboids, setting)
    free, decided = [], []
    for track in draft.tracks.values():
        (free if _untouched(draft, track) else decided).append(track)
    taken = [row for track in decided for row in draft.rows(track.track_id).values()]
    taken += _deleted(connection, branch)
    kept = _clear_of(cuboids, taken)
    for track in free:
        draft.drop(track)
    ids, unmapped = add(draft, cuboids.select(kept), setting, source=AUTO, state=PROPOSED)
    return Loaded(
        seq=draft.seq,
        ids=ids,
        cuboids=int(kept.sum()),
        replaced=len(free),
        left_out=int((~kept).sum()),
        unmapped=unmapped,
    )


def take_in(draft: Draft, cuboids: Cuboids, setting: Setting) -> Loaded:
    """Add labels that people made elsewhere, as they are, beside what is there."""
    check(cuboids, setting)
    ids, unmapped = add(draft, cuboids, setting, source=IMPORT, state=ACCEPTED)
    return Loaded(seq=draft.seq, ids=ids, cuboids=len(cuboids), unmapped=unmapped)


def _untouched(draft: Draft, track: Track) -> bool:
    if track.source != AUTO or track.state != PROPOSED:
        return False
    return all(row.source == AUTO for row in draft.rows(track.track_id).values())


def _deleted(connection: Connection, branch: Branch) -> list[Cuboid]:
    """Cuboids that people took away, by edits that stand."""
    e, later = tables.edit.c, tables.edit.alias().c
    statement = select(e.changes).where(
        e.branch_id == branch.branch_id,
        e.author != AUTO,
        e.operation.in_(_DELETIONS),
        ~exists().where(and_(later.branch_id == e.branch_id, later.reverts == e.seq)),
    )
    return [
        before
        for (changes,) in connection.execute(statement)
        for before, after in Changes.unpack(changes).cuboids.values()
        if before is not None and after is None
    ]


def _clear_of(cuboids: Cuboids, taken: Sequence[Cuboid]) -> Mask:
    """(N,) cuboids that stand where none of the taken ones does."""
    from lidar_label.kernels.boxes import iou_bev

    kept = np.ones(len(cuboids), dtype=np.bool_)
    by_frame: dict[int, list[Cuboid]] = {}
    for row in taken:
        by_frame.setdefault(row.frame, []).append(row)
    for frame, rows in by_frame.items():
        here = np.flatnonzero(cuboids.frame == frame)
        if len(here):
            overlap = iou_bev(cuboids.boxes[here], _boxes(rows))
            kept[here] = overlap.max(axis=1) < SAME_PLACE_IOU
    return kept


def _boxes(rows: Sequence[Cuboid]) -> Boxes:
    return np.array([row[2:9] for row in rows], dtype=np.float64)


def check(cuboids: Cuboids, setting: Setting) -> None:
    """Whether they can be labels of this recording.

    Raises:
        InvalidEdit: naming the row, if one cannot.
    """
    numbers = np.column_stack((cuboids.boxes, cuboids.pitch, cuboids.roll))
    wrong = {
        "is not finite; complete it": ~np.isfinite(numbers).all(axis=1),
        "has no size; sizes are above 0 m": ~(cuboids.boxes[:, 3:6] > 0).all(axis=1),
        f"is in a frame that is not one of the recording's {setting.frames}": (cuboids.frame < 0)
        | (cuboids.frame >= setting.frames),
    }
    for what, rows in wrong.items():
        if rows.any():
            row = int(np.argmax(rows))
            raise InvalidEdit(f"cuboid {row} (frame {cuboids.frame[row]}) {what}")
    tracked = cuboids.track_id >= 0
    keys = np.column_stack((cuboids.track_id, cuboids.frame))[tracked]
    unique, counts = np.unique(keys, axis=0, return_counts=True)
    if (counts > 1).any():
        track_id, frame = unique[int(np.argmax(counts > 1))]
        raise InvalidEdit(f"track {track_id} has two cuboids in frame {frame}; keep one of them")


def add(
    draft: Draft, cuboids: Cuboids, setting: Setting, *, source: str, state: str
) -> tuple[dict[int, int], dict[str, int]]:
    """New tracks of the cuboids: their ids → those of the store, and classes not known."""
    ontology = setting.ontology().of(CUBOID)
    unmapped: dict[str, int] = {}
    ids: dict[int, int] = {}
    groups = list(_by_track(cuboids))
    track_ids = np.empty(len(cuboids), dtype=np.int64)
    for members in groups:
        track_ids[members] = draft.new_id()
    rows = _rows(cuboids, track_ids.tolist(), source)
    for members in groups:
        name, unknown = _class_of(cuboids, members, ontology)
        for one in unknown:
            unmapped[one] = unmapped.get(one, 0) + 1
        sizes = {rows[i].size for i in members}
        size = next(iter(sizes)) if len(sizes) == 1 else (None, None, None)
        track = Track(
            track_id=rows[members[0]].track_id,
            category=name,
            rigid=len(sizes) == 1,
            length=size[0],
            width=size[1],
            height=size[2],
            state=state,
            source=source,
            source_id=str(cuboids.source_id[members[0]]),
            ontology_version=ontology.version,
        )
        draft.put(track)
        for i in members:
            draft.put(rows[i])
        if cuboids.track_id[members[0]] >= 0:
            ids[int(cuboids.track_id[members[0]])] = track.track_id
    return ids, unmapped


def _by_track(cuboids: Cuboids) -> Iterable[list[int]]:
    """Rows of each track, in the order in which tracks first appear."""
    members: dict[int, list[int]] = {}
    for i, track_id in enumerate(cuboids.track_id.tolist()):
        members.setdefault(track_id if track_id >= 0 else -1 - i, []).append(i)
    return members.values()


def _class_of(
    cuboids: Cuboids, members: Sequence[int], ontology: Ontology
) -> tuple[str, list[str]]:
    """The class that most of a track's cuboids have, and those that the ontology lacks."""
    counts: dict[str, int] = {}
    unknown: list[str] = []
    for i in members:
        name = str(cuboids.category[i])
        found = ontology.find(name)
        if found is None and ontology.classes:
            unknown.append(name)
        known = found.name if found else name
        counts[known] = counts.get(known, 0) + 1
    return max(counts, key=counts.__getitem__), unknown


def _rows(cuboids: Cuboids, track_ids: list[int], source: str) -> list[Cuboid]:
    """One row a cuboid."""
    n = len(cuboids)
    columns: dict[str, list[Any]] = {
        "frame": cuboids.frame.tolist(),
        "track_id": track_ids,
        # −0.0 becomes 0.0, as SQLite keeps it
        **{name: (cuboids.boxes[:, i] + 0.0).tolist() for i, name in enumerate(BOX[:6])},
        "yaw": [wrapped(yaw) for yaw in (cuboids.boxes[:, 6] + 0.0).tolist()],
        "pitch": (cuboids.pitch + 0.0).tolist(),
        "roll": (cuboids.roll + 0.0).tolist(),
        "score": _known(cuboids.score),
        "num_points": cuboids.num_points.tolist(),
        "residual": _known(cuboids.residual),
        "velocity_x": _known(cuboids.velocity[:, 0]),
        "velocity_y": _known(cuboids.velocity[:, 1]),
        "reason": cuboids.reason.tolist(),
        "attributes": _objects(cuboids.attributes.tolist()),
        "keyframe": [source != AUTO] * n,
        "source": [source] * n,
        "edit_seq": [0] * n,
    }
    return list(map(Cuboid._make, zip(*(columns[name] for name in Cuboid._fields), strict=True)))


def _known(column: Any) -> list[Any]:
    """As Python values, with None for NaN."""
    values = column.astype(object)
    values[np.isnan(column)] = None
    return values.tolist()


def _objects(texts: Sequence[str]) -> list[str]:
    """Attributes, each a JSON object or ""."""
    checked: dict[str, str] = {"": ""}
    for i, text in enumerate(texts):
        if text not in checked:
            try:
                held = json.loads(text)
            except json.JSONDecodeError:
                held = None
            if not isinstance(held, dict):
                raise InvalidEdit(f"cuboid {i}: attributes are no JSON object: {text[:80]!r}")
            checked[text] = text
    return list(texts)
