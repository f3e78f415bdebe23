"""Databases as older versions of the program left them, of either kind."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from bot.store.database import MIGRATIONS
from bot.store.postgres import Postgres
from bot.store.tables import UtcDateTime
from tests.postgres import PostgresServer

FOLDER = Path(__file__).parent


def file_of(revision: str, folder: Path) -> Path:
    """A copy of the kept file of that revision, in `folder`."""
    to = folder / f"version_{revision}.db"
    dump = FOLDER / f"version_{revision}.sql"
    if not dump.exists():
        shutil.copy(dump.with_suffix(".sqlite"), to)
        return to
    with closing(sqlite3.connect(to)) as database:
        database.executescript(dump.read_text(encoding="utf-8"))
    return to


async def database_of(revision: str, folder: Path, server: PostgresServer | None) -> str:
    """The address of a database with the rows of that file: the file itself, or one of `server`."""
    file = file_of(revision, folder)
    if server is None:
        return f"sqlite:///{file}"
    url = await server.new_database()
    engine = sa.create_engine(f"sqlite:///{file}")
    database = Postgres(url, None)
    with engine.connect() as old:
        await database.write(lambda connection: _bring_to(connection, revision, old))
    await database.close()
    engine.dispose()
    return url


def _bring_to(connection: sa.Connection, revision: str, old: sa.Connection) -> None:
    """Make the tables of that revision, and copy into them what there is in `old`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    there = sa.MetaData()
    there.reflect(connection, only=lambda name, _: name != "alembic_version")
    for table in there.sorted_tables:
        times = {c.name for c in table.columns if isinstance(c.type, sa.DateTime)}
        columns = [sa.column(c.name, UtcDateTime if c.name in times else None) for c in table.c]
        query = sa.select(*columns).select_from(sa.table(table.name))
        if rows := old.execute(query).mappings().all():
            connection.execute(sa.insert(table), [dict(row) for row in rows])
