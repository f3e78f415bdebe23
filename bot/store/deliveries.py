"""What Slack delivered lately, so that what it delivers again is known."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.errors import Reason, Refused
from bot.store import tables
from bot.store.database import Database

AGAIN_WITHIN = timedelta(hours=1)
"""Slack delivers again within minutes: https://docs.slack.dev/apis/events-api/#retries"""


class Deliveries:
    """The deliveries of the last hour. Every method raises Unavailable while the database is
    away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_first(self, delivery: str) -> bool:
        """Note that something was delivered; whether it is the first time in the last hour."""
        row = {"delivery": delivery, "at": self._database.now_column()}
        try:
            await self._database.execute(sa.insert(tables.deliveries).values(row))
        except IntegrityError:
            return False
        return True

    async def forget(self) -> None:
        """Forget what was delivered more than an hour ago, and will not be delivered again."""
        too_old = tables.deliveries.c.at < self._database.now_column(ago=AGAIN_WITHIN)
        await self._database.execute(sa.delete(tables.deliveries).where(too_old))


def note(connection: sa.Connection, delivery: str, now: datetime) -> None:
    """Note that it was delivered. Raises Refused(DELIVERED_AGAIN)."""
    try:
        connection.execute(sa.insert(tables.deliveries), {"delivery": delivery, "at": now})
    except IntegrityError as error:
        raise Refused(Reason.DELIVERED_AGAIN) from error
