"""The versions of a project's ontology; a version once stored never changes."""

import dataclasses
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection, insert, select, update

from lidar_label.errors import InvalidEdit, NotFound
from lidar_label.ontology import Ontology, parse_ontology
from lidar_label.store import tables

NONE = Ontology("", 0, ())  # of a project that has none: any class may be given
_parsed = lru_cache(maxsize=64)(parse_ontology)
_V = tables.ontology_version.c


@dataclass(frozen=True)
class OntologyVersion:
    """One version of a project's ontology.

    Attributes:
        version: Counts from 1 in the project, whatever the YAML says of itself.
        author: Who stored it.
        note: Why.
        created_ns: When.
        text: The YAML as it was given.
    """

    version: int
    author: str
    note: str
    created_ns: int
    text: str

    @property
    def ontology(self) -> Ontology:
        """The classes, under this version's number."""
        return _numbered(self.text, self.version)


_COLUMNS = [_V[name] for name in OntologyVersion.__dataclass_fields__]


def _numbered(text: str, version: int) -> Ontology:
    return dataclasses.replace(_parsed(text, f"ontology v{version}"), version=version)


def current(connection: Connection, project_id: int) -> Ontology:
    """What holds now; no classes where the project has no ontology."""
    p = tables.project.c
    statement = (
        select(_V.text, _V.version)
        .join(tables.project, (p.id == _V.project_id) & (p.ontology_version == _V.version))
        .where(p.id == project_id)
    )
    row = connection.execute(statement).first()
    return NONE if row is None else _numbered(row.text, row.version)


def find(connection: Connection, project_id: int, version: int) -> OntologyVersion:
    """One version.

    Raises:
        NotFound: if there is none.
    """
    statement = select(*_COLUMNS).where(_V.project_id == project_id, _V.version == version)
    row = connection.execute(statement).first()
    if row is None:
        raise NotFound(f"project {project_id} has no ontology version {version}")
    return OntologyVersion(*row)


def versions(connection: Connection, project_id: int) -> list[OntologyVersion]:
    """All, oldest first."""
    ordered = select(*_COLUMNS).where(_V.project_id == project_id).order_by(_V.version)
    return [OntologyVersion(*row) for row in connection.execute(ordered)]


def add(
    connection: Connection, project_id: int, text: str, author: str, note: str, now: int
) -> OntologyVersion:
    """Store a version and make it the current one.

    Raises:
        InvalidConfig: naming the field, if the text is no ontology.
        InvalidEdit: if it is the current one already.
        NotFound: if there is no such project.
    """
    parse_ontology(text, "the ontology")
    p = tables.project.c
    latest = select(p.ontology_version).where(p.id == project_id).with_for_update()
    version = connection.execute(latest).scalar()
    if version is None:
        raise NotFound(f"there is no project {project_id}")
    if version and find(connection, project_id, version).text == text:
        raise InvalidEdit(f"that is version {version} of the ontology already; nothing changed")
    added = OntologyVersion(version + 1, author, note, now, text)
    row = {"project_id": project_id, **dataclasses.asdict(added)}
    connection.execute(insert(tables.ontology_version), row)
    newer = update(tables.project).where(p.id == project_id)
    connection.execute(newer.values(ontology_version=added.version))
    return added
