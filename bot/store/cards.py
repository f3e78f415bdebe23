"""What Slack shows of each request: where its card stands, and how far card and thread are."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.errors import Reason, Refused
from bot.store import tables
from bot.store.database import Database

_cards, _requests = tables.cards, tables.requests


class PostedCard(NamedTuple):
    """Where a card stands in Slack, the revision that it shows, the last one that its thread has
    told, where that line stands, and the link of the card."""

    channel_id: str
    ts: str
    card_revision: int
    told_revision: int
    told_ts: str = ""
    link: str = ""


_MOVE_ON = sa.update(_cards).where(
    _cards.c.request_id == sa.bindparam("of"),
    *(_cards.c[name] == sa.bindparam(f"was_{name}") for name in PostedCard._fields),
)
_SHOWN = (
    sa.update(_requests).where(_requests.c.id == sa.bindparam("of")).returning(_requests.c.revision)
)


class Cards:
    """The cards in a store. Every method raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self, request_id: str, before: PostedCard | None, posted: PostedCard
    ) -> int | None:
        """Remember what Slack shows now, if nothing else was shown since `before`.

        Returns the request's newest revision, and None where another bot has shown something.
        """
        upto = min(posted.card_revision, posted.told_revision)

        def compare_and_set(connection: sa.Connection) -> int:
            if before is None:
                row = {"request_id": request_id, **posted._asdict()}
                connection.execute(sa.insert(_cards), row)
            else:
                was = {f"was_{name}": value for name, value in before._asdict().items()}
                key = {"of": request_id, **was}
                if connection.execute(_MOVE_ON, {**key, **posted._asdict()}).rowcount != 1:
                    raise _ShownMeanwhile
            row = {"of": request_id, "shown_revision": upto}
            return int(connection.execute(_SHOWN, row).scalar_one())

        try:
            return await self._database.write(compare_and_set)
        except (IntegrityError, _ShownMeanwhile):
            return None

    async def get(self, request_id: str) -> PostedCard | None:
        """Where and how far a request is shown; None before its card was posted."""
        columns = [_cards.c[name] for name in PostedCard._fields]
        query = sa.select(*columns).where(_cards.c.request_id == request_id)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return PostedCard(*row) if row else None

    async def request_at(self, channel_id: str, ts: str) -> str:
        """The id of the request whose card stands there. Raises Refused(UNKNOWN_REQUEST)."""
        here = (_cards.c.channel_id == channel_id) & (_cards.c.ts == ts)
        query = sa.select(_cards.c.request_id).where(here)
        found = await self._database.read(lambda c: c.execute(query).scalar_one_or_none())
        if found is None:
            raise Refused(Reason.UNKNOWN_REQUEST)
        return str(found)

    async def is_first_told(self, request_id: str, revision: int) -> bool:
        """Note that this revision is told privately; whether no bot has done so."""
        earlier = (_requests.c.id == request_id) & (_requests.c.told_privately < revision)
        note = sa.update(_requests).where(earlier).values(told_privately=revision)
        return await self._database.execute(note) == 1


class _ShownMeanwhile(Exception):
    """Another bot has shown the request; what was to be recorded is not so any more."""
