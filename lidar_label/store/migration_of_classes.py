"""Moves labels to the classes of a newer ontology, when one was renamed, merged or split."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, select, union

from lidar_label.errors import InvalidEdit
from lidar_label.ontology import CUBOID, WINDOW, Ontology
from lidar_label.store import tables
from lidar_label.store.draft import Draft
from lidar_label.store.rows import Track, Window


@dataclass(frozen=True)
class ClassChange:
    """One rule; of those for a class the first that fits holds.

    Attributes:
        old: The class that labels have.
        new: The class that they get.
        where: Attribute → value that a label must have, for a split: {"type": "minibus"}.
        longer_than_m: A track must be longer, for a split by size.
    """

    old: str
    new: str
    where: Mapping[str, Any] = field(default_factory=dict)
    longer_than_m: float | None = None


@dataclass(frozen=True)
class Migration:
    """What came of the rules.

    Attributes:
        seqs: Recording id and branch → the edit that moved its labels; undo it to go back.
        moved: How many tracks and windows got another class.
        left: Class that the ontology does not have → how many still have it.
    """

    seqs: Mapping[tuple[int, str], int]
    moved: int
    left: Mapping[str, int]


def check(rules: Sequence[ClassChange], ontology: Ontology) -> None:
    """Whether the ontology has all classes that the rules lead to.

    Raises:
        InvalidEdit: naming one that it has not.
    """
    if not rules:
        raise InvalidEdit("no rules; say which class becomes which")
    for rule in rules:
        if ontology.classes and rule.new not in ontology.names:
            raise InvalidEdit(
                f"class {rule.new!r}, to which {rule.old!r} leads, is not in {ontology.name} "
                f"v{ontology.version}; store the new ontology first"
            )


def branches_with(connection: Connection, project_id: int, names: set[str]) -> list[Any]:
    """Recording id and name of the branches on which something has one of the classes."""
    b, r = tables.branch.c, tables.recording.c
    found = union(
        *(
            select(table.c.branch_id).where(table.c.category.in_(names))
            for table in (tables.track, tables.window)
        )
    )
    statement = (
        select(b.recording_id, b.name)
        .join(tables.recording, r.id == b.recording_id)
        .where(r.project_id == project_id, b.id.in_(found))
        .order_by(b.id)
    )
    return [(row[0], row[1]) for row in connection.execute(statement)]


def move(draft: Draft, rules: Sequence[ClassChange], version: int) -> int:
    """Give what the rules fit its new class; how many that were."""
    moved = 0
    for row in [*draft.tracks.values(), *draft.windows.values()]:
        rule = next((one for one in rules if _fits(one, row)), None)
        if rule is not None:
            draft.put(row._replace(category=rule.new, ontology_version=version))
            moved += 1
    return moved


def _fits(rule: ClassChange, row: Track | Window) -> bool:
    if row.category != rule.old:
        return False
    if rule.longer_than_m is not None:
        length = row.length if isinstance(row, Track) else None
        if length is None or length <= rule.longer_than_m:
            return False
    held = json.loads(row.attributes)
    return all(held.get(name) == value for name, value in rule.where.items())


def strays(connection: Connection, project_id: int, ontology: Ontology) -> dict[str, int]:
    """Class that the ontology does not have → how many tracks and windows have it.

    Of a kind of label that the ontology has no class of, any class is right.
    """
    counts: dict[str, int] = {}
    for kind, table in ((CUBOID, tables.track), (WINDOW, tables.window)):
        known = ontology.of(kind)
        if not known.classes:
            continue
        for name in _categories(connection, project_id, table):
            if name not in known.names:
                counts[name] = counts.get(name, 0) + 1
    return counts


def _categories(connection: Connection, project_id: int, table: Table) -> Iterator[str]:
    b, r = tables.branch.c, tables.recording.c
    statement = (
        select(table.c.category)
        .join(tables.branch, b.id == table.c.branch_id)
        .join(tables.recording, r.id == b.recording_id)
        .where(r.project_id == project_id)
    )
    yield from connection.execute(statement).scalars()
