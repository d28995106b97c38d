"""Brings a database's tables to the version of this package (Alembic; steps in `migrations/`)."""

from functools import cache
from importlib import resources
from typing import Any

from sqlalchemy import Connection

from lidar_label.errors import StoreUnavailable


@cache
def _config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option(
        "script_location", str(resources.files("lidar_label.store").joinpath("migrations"))
    )
    return config


@cache
def _steps() -> Any:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def head() -> str:
    """The newest version that this package knows."""
    return str(_steps().get_current_head())


def version(connection: Connection) -> str | None:
    """The version of the tables; None where there are none."""
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection, place: str, to: str = "head") -> None:
    """Bring the tables up, in the caller's transaction.

    Raises:
        StoreUnavailable: if they are of a newer package than this one.
    """
    from alembic.runtime.environment import EnvironmentContext

    known = {step.revision for step in _steps().walk_revisions()}
    found = version(connection)
    if found is not None and found not in known:
        raise StoreUnavailable(
            f"{place}: was made by a newer lidar-label (version {found}); upgrade the package"
        )
    steps = _steps()

    def plan(revision: Any, _context: Any) -> Any:
        return steps._upgrade_revs(to, revision)

    with EnvironmentContext(_config(), steps, fn=plan, connection=connection) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
