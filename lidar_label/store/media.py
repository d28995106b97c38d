"""Films and sounds of a recording, and where they lie on its clock."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from lidar_label.errors import InvalidEdit, LidarLabelError, NotFound
from lidar_label.store import tables
from lidar_label.store.database import Database

_M = tables.medium.c
_MOST_DRIFT_PPM = 20_000.0  # 2 %: no clock is worse; films at a wrong speed are


@dataclass(frozen=True)
class Medium:
    """A film or sound.

    Attributes:
        id: Its number.
        recording_id: Of which recording.
        name: For people.
        kind: `video` or `audio`.
        media_type: As `video/mp4`.
        uri: Where it is.
        content_hash: SHA-256 of its bytes.
        start_ns: Its beginning on the recording's clock.
        drift_ppm: Its second t is at start_ns + t · (1 + drift_ppm / 10⁶) · 10⁹.
        aligned_by: A person or a method; "" where nobody has aligned it.
        revision: Counts changes of the alignment.
    """

    id: int
    recording_id: int
    name: str
    kind: str
    media_type: str
    uri: str
    content_hash: str
    start_ns: int
    drift_ppm: float
    aligned_by: str
    revision: int


_COLUMNS = [_M[name] for name in Medium.__dataclass_fields__]


class AlignedMeanwhile(LidarLabelError):
    """Somebody else has aligned it since; how it is now."""

    def __init__(self, text: str, medium: Medium) -> None:
        super().__init__(text)
        self.medium = medium


class Media:
    """Films and sounds of all recordings."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        recording_id: int,
        name: str,
        *,
        kind: str,
        media_type: str,
        uri: str,
        content_hash: str,
        start_ns: int,
    ) -> Medium:
        """Add one; the same bytes aligned before in this project keep their alignment.

        So a recording that is made anew from its source takes over what was aligned on the old one.

        Raises:
            InvalidEdit: if the recording has one of that name.
        """
        with self._database.write() as connection:
            taken = select(_M.id).where(_M.recording_id == recording_id, _M.name == name)
            if connection.execute(taken).first() is not None:
                raise InvalidEdit(f"the recording has a film or sound {name}; give another name")
            before = _aligned_before(connection, recording_id, content_hash)
            row: dict[str, Any] = {
                "recording_id": recording_id,
                "name": name,
                "kind": kind,
                "media_type": media_type,
                "uri": uri,
                "content_hash": content_hash,
                "start_ns": before.start_ns if before else start_ns,
                "drift_ppm": before.drift_ppm if before else 0.0,
                "aligned_by": before.aligned_by if before else "",
                "revision": 1,
                "changed_ns": self._clock(),
            }
            made = connection.execute(insert(tables.medium).returning(_M.id), row).scalar_one()
            return _find(connection, recording_id, made)

    def of(self, recording_id: int) -> list[Medium]:
        """All of a recording, in order of name."""
        with self._database.read() as connection:
            rows = select(*_COLUMNS).where(_M.recording_id == recording_id).order_by(_M.name)
            return [Medium(*row) for row in connection.execute(rows)]

    def find(self, recording_id: int, medium_id: int) -> Medium:
        """By number; NotFound where the recording has none."""
        with self._database.read() as connection:
            return _find(connection, recording_id, medium_id)

    def align(
        self,
        recording_id: int,
        medium_id: int,
        *,
        start_ns: int,
        drift_ppm: float,
        aligned_by: str,
        base_revision: int,
    ) -> Medium:
        """Say where it lies on the recording's clock.

        Raises:
            AlignedMeanwhile: if somebody has since revision `base_revision`.
            InvalidEdit: if the drift is none that a clock has.
        """
        if not abs(drift_ppm) <= _MOST_DRIFT_PPM:
            raise InvalidEdit(f"drift_ppm is {drift_ppm}; give one within ±{_MOST_DRIFT_PPM:g}")
        with self._database.write() as connection:
            now = _find(connection, recording_id, medium_id, locked=True)
            if now.revision != base_revision:
                raise AlignedMeanwhile(f"{now.name} was aligned meanwhile; look at it again", now)
            changed = {
                "start_ns": start_ns,
                "drift_ppm": drift_ppm,
                "aligned_by": aligned_by,
                "revision": base_revision + 1,
                "changed_ns": self._clock(),
            }
            connection.execute(update(tables.medium).where(_M.id == medium_id).values(changed))
            return _find(connection, recording_id, medium_id)

    def remove(self, recording_id: int, medium_id: int) -> Medium:
        """Take it from the recording; the file stays."""
        with self._database.write() as connection:
            gone = _find(connection, recording_id, medium_id)
            connection.execute(tables.medium.delete().where(_M.id == medium_id))
            return gone


def _find(
    connection: Connection, recording_id: int, medium_id: int, *, locked: bool = False
) -> Medium:
    wanted = select(*_COLUMNS).where(_M.id == medium_id, _M.recording_id == recording_id)
    row = connection.execute(wanted.with_for_update() if locked else wanted).first()
    if row is None:
        raise NotFound(f"recording {recording_id} has no film or sound {medium_id}")
    return Medium(*row)


def _aligned_before(connection: Connection, recording_id: int, content_hash: str) -> Medium | None:
    """The newest alignment of the same bytes in the same project."""
    r, mine = tables.recording.c, tables.recording.alias().c
    newest = (
        select(*_COLUMNS)
        .join(tables.recording, r.id == _M.recording_id)
        .where(
            _M.content_hash == content_hash,
            _M.aligned_by != "",
            r.project_id
            == select(mine.project_id).where(mine.id == recording_id).scalar_subquery(),
        )
        .order_by(_M.changed_ns.desc(), _M.id.desc())
        .limit(1)
    )
    row = connection.execute(newest).first()
    return None if row is None else Medium(*row)
