"""What Slack delivered lately, so that what it delivers again is known."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.errors import Reason, Refused
from bot.store import tables
from bot.store.prepared import Prepared

AGAIN_WITHIN = timedelta(hours=1)
"""Slack delivers again within minutes: https://docs.slack.dev/apis/events-api/#retries"""

_DELIVERED = Prepared(sa.insert(tables.deliveries))
_TOO_OLD = sa.delete(tables.deliveries).where(tables.deliveries.c.at < sa.bindparam("since"))


def note(connection: sa.Connection, delivery: str, now: datetime) -> None:
    """Note that it was delivered. Raises Refused(DELIVERED_AGAIN)."""
    try:
        _DELIVERED.run(connection, {"delivery": delivery, "at": now})
    except IntegrityError as error:
        raise Refused(Reason.DELIVERED_AGAIN) from error


def forget(connection: sa.Connection, now: datetime) -> None:
    """Forget what will not be delivered again."""
    connection.execute(_TOO_OLD, {"since": now - AGAIN_WITHIN})
