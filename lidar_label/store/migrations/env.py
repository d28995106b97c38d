"""For Alembic's own command line; the store itself upgrades through `migrating.upgrade`."""

from alembic import context
from sqlalchemy import create_engine

from lidar_label.store.tables import metadata

engine = create_engine(str(context.config.get_main_option("sqlalchemy.url")))
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
