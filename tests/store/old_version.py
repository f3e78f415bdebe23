"""A PostgreSQL as an older version left it, with the rows of a file."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from bot.store.database import MIGRATIONS
from bot.store.tables import UtcDateTime


def bring_to(connection: sa.Connection, revision: str, old: sa.Connection) -> None:
    """Make the tables of that revision, and copy into them what there is in `old`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    for name in ("requests", "votes", "history", "shown"):
        there = sa.Table(name, sa.MetaData(), autoload_with=connection)
        times = {c.name for c in there.columns if isinstance(c.type, sa.DateTime)}
        columns = [
            sa.column(c.name, UtcDateTime if c.name in times else None) for c in there.columns
        ]
        rows = old.execute(sa.select(*columns).select_from(sa.table(name))).mappings().all()
        if rows:
            connection.execute(sa.insert(there), [dict(row) for row in rows])
