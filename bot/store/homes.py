"""Who looks at their Home tab."""

from datetime import timedelta

import sqlalchemy as sa

from bot.domain.policy import Person
from bot.store import tables
from bot.store.database import Database

LOOKED_AT_FOR = timedelta(hours=1)
"""Slack says when a person opens their Home, and not when they leave it."""

_homes = tables.homes


class Homes:
    """The Homes that were opened lately. Every method raises Unavailable while the database is
    away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def opened(self, person: Person) -> None:
        """Note that a person looks at their Home."""

        def note(connection: sa.Connection) -> None:
            now = self._database.now(connection)
            gone = _homes.c.opened_at < now - LOOKED_AT_FOR
            same = (_homes.c.team_id == person.team_id) & (_homes.c.user_id == person.user_id)
            connection.execute(sa.delete(_homes).where(gone | same))
            row = {"team_id": person.team_id, "user_id": person.user_id, "opened_at": now}
            connection.execute(sa.insert(_homes), row)

        await self._database.write(note)

    async def people(self) -> list[Person]:
        """Those who opened their Home lately, so that it should show what is new."""
        lately = _homes.c.opened_at >= self._database.now_column(ago=LOOKED_AT_FOR)
        query = sa.select(_homes.c.team_id, _homes.c.user_id).where(lately)
        found = await self._database.read(lambda connection: connection.execute(query).all())
        return [Person(*row) for row in found]
