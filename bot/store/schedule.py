"""What the bot has to attend to by now: the rows say it, so a restart forgets nothing.

A job is the id of a request, or that of an item with a prefix.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.store import tables
from bot.store.database import Database

ITEM = "item/"
"""What the name of a job about an item begins with."""

_requests, _items = tables.requests, tables.items

_BEHIND = _requests.c.shown_revision < _requests.c.revision


def item_job(item_id: str) -> str:
    """The name of the job that attends to an item."""
    return ITEM + item_id


class Schedule:
    """When what is due. Every method raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, limit: int = 100) -> list[str]:
        """The jobs that are due and the requests whose newest revision Slack does not show yet, the
        longest due first."""

        now = self._database.now_column()
        queries = (
            _jobs(_requests, now).where(_requests.c.due_at <= now).order_by(_requests.c.due_at),
            _jobs(_items, now).where(_items.c.due_at <= now).order_by(_items.c.due_at),
            _jobs(_requests, now).where(_BEHIND),
        )
        together = sa.union_all(*(sa.select(each.limit(limit).subquery()) for each in queries))
        found = await self._database.read(lambda c: c.execute(together).scalars().all())
        return list(dict.fromkeys(found))

    async def behind(self, limit: int = 100) -> list[str]:
        """Ids of the requests whose newest revision Slack does not show yet."""
        query = sa.select(_requests.c.id).where(_BEHIND).limit(limit)
        return await self._database.read(lambda c: list(c.execute(query).scalars()))

    async def in_flight(self) -> list[str]:
        """Ids of the items that are being performed, or were when the process ended."""
        query = sa.select(_items.c.id).where(tables.IN_FLIGHT, _items.c.state == "performing")
        return await self._database.read(lambda c: list(c.execute(query).scalars()))

    async def attend(self, jobs: list[str]) -> None:
        """Have these attended to now."""
        await self._database.write(lambda _connection: None, attend=jobs)

    async def rest(self, job: str, pauses: list[timedelta]) -> None:
        """Leave it alone for a while, because attending to it ended in trouble: as long as the
        first pause after the first trouble in a row, the second after the second, … What is longer
        ago than the last pause is another row."""
        table, id = _of(job)

        def note(connection: sa.Connection) -> None:
            now = self._database.now(connection)
            lately = table.c.rests_until > now - pauses[-1]
            query = sa.select(table.c.troubles).where(table.c.id == id, lately)
            troubles = connection.execute(query).scalar_one_or_none() or 0
            until = now + pauses[min(troubles, len(pauses) - 1)]
            row = {"rests_until": until, "troubles": troubles + 1}
            connection.execute(sa.update(table).where(table.c.id == id).values(row))

        await self._database.write(note)

    async def rested(self, job: str) -> None:
        """Attending to it ended well again."""
        table, id = _of(job)
        well = sa.update(table).where(table.c.id == id, table.c.troubles > 0)
        await self._database.execute(well.values(rests_until=None, troubles=0))


def _of(job: str) -> tuple[sa.Table, str]:
    if job.startswith(ITEM):
        return _items, job.removeprefix(ITEM)
    return _requests, job


def _jobs(table: sa.Table, now: sa.ColumnElement[datetime]) -> sa.Select[tuple[str]]:
    """The names of the jobs of a table that are not left alone because of trouble."""
    job = ITEM + table.c.id if table is _items else table.c.id
    until = table.c.rests_until
    return sa.select(job.label("job")).where(until.is_(None) | (until <= now))
