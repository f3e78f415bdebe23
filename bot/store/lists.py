"""Lists of items, each by an index of its own, the newest first."""

from collections.abc import Sequence

import sqlalchemy as sa

from bot.domain.item import Item
from bot.domain.lists import ListedItem
from bot.domain.policy import Person
from bot.store import documents, tables
from bot.store.database import Database

_items, _cards = tables.items, tables.cards

_LISTED = sa.select(
    _items.c.body, _items.c.team_id, _items.c.requester_id, _items.c.channel_id, _cards.c.link
).outerjoin_from(_items, _cards, _cards.c.request_id == _items.c.request_id)


class Lists:
    """Items as lists show them. Every method raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def asked_by(self, person: Person, limit: int) -> list[ListedItem]:
        """What a person asked for."""
        of_team = _items.c.team_id == person.team_id
        return await self._newest(of_team, _items.c.requester_id == person.user_id, limit=limit)

    async def asked_in(
        self, channel_id: str, customer_ids: Sequence[str] | None, limit: int
    ) -> list[ListedItem]:
        """What was asked for in a channel, for some customers or all."""
        here = _items.c.channel_id == channel_id
        if customer_ids is None:
            return await self._newest(here, limit=limit)
        return await self._newest(here, _items.c.customer_id.in_(customer_ids), limit=limit)

    async def asked_for(self, subscription_id: str, limit: int) -> list[ListedItem]:
        """What was asked for about one subscription."""
        of_it = _items.c.subscription_id == subscription_id.lower()
        return await self._newest(of_it, limit=limit)

    async def undecided(self, team_id: str, limit: int) -> list[ListedItem]:
        """What waits for an approval or a confirmation."""
        return await self._newest(tables.OPEN, _items.c.team_id == team_id, limit=limit)

    async def is_another_in_flight(self, item: Item) -> bool:
        """Whether another item's change of the same subscription may be at Partner Center."""
        query = sa.select(_items.c.id).where(
            _items.c.subscription_id == item.subscription.id.lower(),
            _items.c.id != item.id,
            tables.IN_FLIGHT,
        )
        found = await self._database.read(lambda c: c.execute(query.limit(1)).first())
        return found is not None

    async def by_state(self) -> dict[str, int]:
        """How many items are in each state."""
        query = sa.select(_items.c.state, sa.func.count()).group_by(_items.c.state)
        found = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.state: row[1] for row in found}

    async def _newest(
        self, *which: sa.ColumnElement[bool] | sa.TextClause, limit: int
    ) -> list[ListedItem]:
        query = _LISTED.where(*which).order_by(_items.c.created_at.desc()).limit(limit)
        found = await self._database.read(lambda connection: connection.execute(query).all())
        return [
            ListedItem(
                documents.item(row.body),
                Person(row.team_id, row.requester_id),
                row.channel_id,
                row.link or "",
            )
            for row in found
        ]
