"""People, their roles in projects, their passwords, sessions and tokens; secrets only as hashes."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from lidar_label.errors import InvalidEdit, NotFound
from lidar_label.store import tables
from lidar_label.store.database import Database
from lidar_label.store.projects import checked_name, insert_unique
from lidar_label.store.rows import AUTO

# From most to least allowed.
ROLES: Final = ("admin", "manager", "reviewer", "annotator", "viewer")
_LEAST_PASSWORD = 10
_MOST_PASSWORD = 1000  # argon2 hashes any length; nobody should make it hash a megabyte
_NS_PER_S = 1_000_000_000
_CLOCK_SLACK_NS = 300 * _NS_PER_S


@dataclass(frozen=True)
class User:
    """Someone who labels, or looks.

    Attributes:
        id: Their number.
        name: Unique; the author of their edits.
        site_admin: May make projects and people, and is admin in every project.
        active: Whether they may log in.
        created_ns: When they were added.
    """

    id: int
    name: str
    site_admin: bool
    active: bool
    created_ns: int


@dataclass(frozen=True)
class Token:
    """An API token without its secret, which only its owner has."""

    id: int
    name: str
    created_ns: int
    expires_ns: int | None
    revoked: bool


_USER = [tables.user.c[name] for name in User.__dataclass_fields__]
_TOKEN = [tables.api_token.c[name] for name in Token.__dataclass_fields__]


class People:
    """The people of one store."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    @cached_property
    def _hasher(self) -> Any:
        from argon2 import PasswordHasher

        return PasswordHasher()  # argon2id with the parameters of RFC 9106, low memory

    @cached_property
    def _nobody(self) -> str:
        """Verified where there is no such user, so that the time taken does not tell."""
        return self._hasher.hash(secrets.token_hex())

    def create_user(
        self, name: str, password: str | None = None, *, site_admin: bool = False
    ) -> User:
        """Add someone; without a password they can only use tokens.

        Raises:
            InvalidEdit: if the name is taken or reserved, or the password is too short.
        """
        if name == AUTO:
            raise InvalidEdit(f"user name {AUTO!r} is the machine's own; take another")
        now = self._clock()
        row = {
            "name": checked_name(name, "user"),
            "password_hash": self._hash(password),
            "site_admin": site_admin,
            "active": True,
            "created_ns": now,
        }
        with self._database.write() as connection:
            id_ = insert_unique(connection, tables.user, row, f"user {name!r} exists already")
        return User(id_, name, site_admin, True, now)

    def _hash(self, password: str | None) -> str | None:
        if password is None:
            return None
        if not _LEAST_PASSWORD <= len(password) <= _MOST_PASSWORD:
            raise InvalidEdit(
                f"the password has {len(password)} characters; take {_LEAST_PASSWORD} or more"
            )
        return self._hasher.hash(_bytes(password))

    def user(self, name: str) -> User:
        """By name.

        Raises:
            NotFound: if there is none.
        """
        with self._database.read() as connection:
            return _find(connection, name)

    def users(self) -> list[User]:
        """Everybody, in order of name."""
        with self._database.read() as connection:
            ordered = select(*_USER).order_by(tables.user.c.name)
            return [User(*row) for row in connection.execute(ordered)]

    def set_password(self, name: str, password: str | None) -> None:
        """A new password; all sessions of the user end."""
        hashed = self._hash(password)
        with self._database.write() as connection:
            user = _find(connection, name)
            _change(connection, user, password_hash=hashed)
            _end_sessions(connection, user)

    def set_active(self, name: str, active: bool) -> None:
        """Let someone in, or out: their sessions end and their tokens stop working."""
        with self._database.write() as connection:
            user = _find(connection, name)
            _change(connection, user, active=active)
            if not active:
                _end_sessions(connection, user)

    def set_site_admin(self, name: str, site_admin: bool) -> None:
        """Whether someone is admin of everything."""
        with self._database.write() as connection:
            _change(connection, _find(connection, name), site_admin=site_admin)

    def verify_password(self, name: str, password: str) -> User | None:
        """The user, if they are active and this is their password."""
        from argon2.exceptions import Argon2Error, InvalidHashError

        u = tables.user.c
        wanted = select(*_USER, u.password_hash).where(u.name == name)
        with self._database.read() as connection:
            row = connection.execute(wanted).first() if name.isprintable() else None
        known = row.password_hash if row is not None and row.password_hash else None
        try:
            self._hasher.verify(known or self._nobody, _bytes(password[:_MOST_PASSWORD]))
        except (Argon2Error, InvalidHashError):
            return None
        if row is None or known is None or not row.active:
            return None
        user = _as_user(row)
        if self._hasher.check_needs_rehash(known):
            with self._database.write() as connection:
                _change(connection, user, password_hash=self._hasher.hash(_bytes(password)))
        return user

    def set_role(self, project_id: int, name: str, role: str | None) -> None:
        """What someone may do in a project; None: nothing.

        Raises:
            InvalidEdit: if there is no such role.
            NotFound: if there is no such user or project.
        """
        if role is not None and role not in ROLES:
            raise InvalidEdit(f"role {role!r} is unknown; give one of {', '.join(ROLES)}")
        m = tables.membership.c
        with self._database.write() as connection:
            user = _find(connection, name)
            if (
                connection.execute(
                    select(tables.project.c.id).where(tables.project.c.id == project_id)
                ).first()
                is None
            ):
                raise NotFound(f"there is no project {project_id}")
            here = (m.project_id == project_id, m.user_id == user.id)
            connection.execute(delete(tables.membership).where(*here))
            if role is not None:
                row = {"project_id": project_id, "user_id": user.id, "role": role}
                connection.execute(insert(tables.membership), row)

    def role_of(self, project_id: int, name: str) -> str | None:
        """What someone may do in a project; None: nothing."""
        u, m = tables.user.c, tables.membership.c
        statement = (
            select(u.site_admin, u.active, m.role)
            .outerjoin(tables.membership, (m.user_id == u.id) & (m.project_id == project_id))
            .where(u.name == name)
        )
        with self._database.read() as connection:
            row = connection.execute(statement).first()
        if row is None or not row.active:
            return None
        return ROLES[0] if row.site_admin else row.role

    def roles_of(self, name: str) -> dict[int, str]:
        """Project id → role, of the projects of which someone is a member."""
        u, m = tables.user.c, tables.membership.c
        statement = select(m.project_id, m.role).join(tables.user, u.id == m.user_id)
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(statement.where(u.name == name))}

    def members(self, project_id: int) -> list[tuple[User, str]]:
        """Who belongs to a project, and as what."""
        u, m = tables.user.c, tables.membership.c
        statement = (
            select(*_USER, m.role)
            .join(tables.membership, m.user_id == u.id)
            .where(m.project_id == project_id)
            .order_by(u.name)
        )
        with self._database.read() as connection:
            return [(_as_user(row), row.role) for row in connection.execute(statement)]

    def create_session(self, name: str, *, hours: float = 12) -> tuple[str, str]:
        """After a login: the cookie's secret, and the CSRF token that goes with it."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        with self._database.write() as connection:
            s = tables.session.c
            connection.execute(delete(tables.session).where(s.expires_ns < now))
            row = {
                "user_id": _find(connection, name).id,
                "secret_hash": _digest(secret),
                "created_ns": now,
                "expires_ns": now + int(hours * 3600 * _NS_PER_S),
            }
            connection.execute(insert(tables.session), row)
        return secret, csrf_of(secret)

    def session(self, secret: str) -> tuple[User, str] | None:
        """User and CSRF token of a session that holds."""
        s, now = tables.session.c, self._clock()
        # A session from the future was made before the clock was set back: it does not hold.
        holds = (s.created_ns <= now + _CLOCK_SLACK_NS) & (s.expires_ns > now)
        statement = (
            select(*_USER)
            .join(tables.session, s.user_id == tables.user.c.id)
            .where(s.secret_hash == _digest(secret), holds, tables.user.c.active)
        )
        with self._database.read() as connection:
            row = connection.execute(statement).first()
        return None if row is None else (User(*row), csrf_of(secret))

    def end_session(self, secret: str) -> None:
        """After a logout."""
        with self._database.write() as connection:
            s = tables.session.c
            connection.execute(delete(tables.session).where(s.secret_hash == _digest(secret)))

    def create_token(self, name: str, token_name: str, *, days: float | None = 90) -> str:
        """A secret for the API, which is shown once and never again."""
        secret, now = "llt_" + secrets.token_urlsafe(32), self._clock()
        with self._database.write() as connection:
            row = {
                "user_id": _find(connection, name).id,
                "name": checked_name(token_name, "token"),
                "secret_hash": _digest(secret),
                "created_ns": now,
                "expires_ns": None if days is None else now + int(days * 86400 * _NS_PER_S),
                "revoked": False,
            }
            connection.execute(insert(tables.api_token), row)
        return secret

    def token_user(self, secret: str) -> User | None:
        """Whose token this is, if it holds."""
        t = tables.api_token.c
        statement = (
            select(*_USER)
            .join(tables.api_token, t.user_id == tables.user.c.id)
            .where(
                t.secret_hash == _digest(secret),
                ~t.revoked,
                t.expires_ns.is_(None) | (t.expires_ns > self._clock()),
                tables.user.c.active,
            )
        )
        with self._database.read() as connection:
            row = connection.execute(statement).first()
        return None if row is None else User(*row)

    def tokens(self, name: str) -> list[Token]:
        """Of someone, newest first."""
        t = tables.api_token.c
        with self._database.read() as connection:
            user = _find(connection, name)
            statement = select(*_TOKEN).where(t.user_id == user.id).order_by(t.id.desc())
            return [Token(*row) for row in connection.execute(statement)]

    def revoke_token(self, name: str, token_id: int) -> None:
        """A token of someone stops working.

        Raises:
            NotFound: if they have none of that number.
        """
        t = tables.api_token.c
        with self._database.write() as connection:
            user = _find(connection, name)
            here = (t.id == token_id, t.user_id == user.id)
            done = connection.execute(update(tables.api_token).where(*here).values(revoked=True))
            if done.rowcount == 0:
                raise NotFound(f"{name} has no token {token_id}")


def csrf_of(secret: str) -> str:
    """The CSRF token of a session: from its secret, so that nothing of it is kept."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def _digest(secret: str) -> bytes:
    """Secrets have 256 random bits; a plain hash of such cannot be turned back."""
    return hashlib.sha256(_bytes(secret)).digest()


def _bytes(text: str) -> bytes:
    """UTF-8, for halves of surrogate pairs too, which JSON can say."""
    return text.encode("utf-8", "surrogatepass")


def _find(connection: Connection, name: str) -> User:
    found = select(*_USER).where(tables.user.c.name == name)
    row = connection.execute(found).first() if name.isprintable() else None
    if row is None:
        raise NotFound(f"there is no user {name!r}")
    return User(*row)


def _as_user(row: Any) -> User:
    """From a row that begins with the columns of a user."""
    return User(*row[: len(_USER)])


def _change(connection: Connection, user: User, **columns: Any) -> None:
    connection.execute(update(tables.user).where(tables.user.c.id == user.id).values(**columns))


def _end_sessions(connection: Connection, user: User) -> None:
    connection.execute(delete(tables.session).where(tables.session.c.user_id == user.id))
