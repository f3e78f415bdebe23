"""What was listed or previewed to a person, kept for a day, so that a button needs only an id."""

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa
from pydantic import TypeAdapter

from bot.domain.offer import Offered
from bot.domain.subscription import Customer
from bot.domain.table import Draft
from bot.errors import Reason, Refused
from bot.store import tables
from bot.store.database import Database
from bot.store.trail import add_to_journal

LASTS = timedelta(days=1)

_OFFERED = TypeAdapter(Offered)
_DRAFT = TypeAdapter(Draft)


class Offers:
    """The offers and drafts in a store. Every method raises Unavailable while the database is
    away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, offers: list[Offered]) -> None:
        """Remember what was offered, and forget what was more than a day ago."""
        table = tables.offered
        rows = [
            {"id": o.id, "offered_at": o.offered_at, "body": _OFFERED.dump_json(o).decode()}
            for o in offers
        ]

        def note(connection: sa.Connection) -> None:
            too_old = table.c.offered_at < self._database.now(connection) - LASTS
            connection.execute(sa.delete(table).where(too_old))
            if rows:
                connection.execute(sa.insert(table), rows)

        await self._database.write(note)

    async def get(self, offer_id: str) -> Offered:
        """What an option's button stands for. Raises Refused(OFFER_GONE) after a day."""
        body = await self._body(tables.offered, tables.offered.c.offered_at, offer_id)
        return _OFFERED.validate_json(body)

    async def keep_draft(self, draft: Draft, looked_at: Iterable[Customer]) -> None:
        """Remember what was previewed, and at which customers the person has looked for it; and
        forget what was previewed more than a day ago."""
        table = tables.drafts
        row = {"id": draft.id, "made_at": draft.made_at, "body": _DRAFT.dump_json(draft).decode()}

        def note(connection: sa.Connection) -> None:
            now = self._database.now(connection)
            connection.execute(sa.delete(table).where(table.c.made_at < now - LASTS))
            if draft.wanted:
                connection.execute(sa.insert(table), row)
            for each in looked_at:
                looked = {"customer": each.id, "name": each.name, "channel": draft.channel_id}
                add_to_journal(connection, now, "looked", looked, draft.person)

        await self._database.write(note)

    async def draft(self, draft_id: str) -> Draft:
        """What was previewed. Raises Refused(OFFER_GONE) after a day."""
        body = await self._body(tables.drafts, tables.drafts.c.made_at, draft_id)
        return _DRAFT.validate_json(body)

    async def _body(self, table: sa.Table, made_at: sa.Column[object], id: str) -> str:
        def read(connection: sa.Connection) -> str | None:
            since = self._database.now(connection) - LASTS
            query = sa.select(table.c.body).where(table.c.id == id, made_at >= since)
            return connection.execute(query).scalar_one_or_none()

        body = await self._database.read(read)
        if body is None:
            raise Refused(Reason.OFFER_GONE)
        return body
