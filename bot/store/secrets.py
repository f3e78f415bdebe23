"""Secrets that are sealed with the operator's key; the database alone opens none."""

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.store import tables
from bot.store.database import Database

_secrets = tables.secrets


class Secrets:
    """The sealed secrets in a store. Every method raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> bytes | None:
        """A sealed secret, if there is one of that name."""
        query = sa.select(_secrets.c.sealed).where(_secrets.c.name == name)
        return await self._database.read(lambda c: c.execute(query).scalar_one_or_none())

    async def keep(self, name: str, sealed: bytes) -> None:
        """Keep a sealed secret in place of an older one."""

        def keep(connection: sa.Connection) -> None:
            row = {"sealed": sealed, "kept_at": self._database.now(connection)}
            older = sa.update(_secrets).where(_secrets.c.name == name)
            if connection.execute(older.values(row)).rowcount != 1:
                connection.execute(sa.insert(_secrets), {"name": name, **row})

        try:
            await self._database.write(keep)
        except IntegrityError:  # another bot was the first to keep one
            await self._database.write(keep)
