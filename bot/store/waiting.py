"""How many requests of one person wait at once, counted in the transaction that adds one more.

What was asked for together waits together, so a bundle counts as one for as long as any of its rows
is open.
"""

import hashlib

import sqlalchemy as sa

from bot.domain.policy import Person
from bot.errors import Reason, Refused
from bot.store import tables

_table = tables.requests

_COUNT = sa.select(
    sa.func.count(
        sa.distinct(sa.case((_table.c.bundle_id == "", _table.c.id), else_=_table.c.bundle_id))
    )
).where(
    _table.c.team_id == sa.bindparam("team_id"),
    _table.c.requester_id == sa.bindparam("user_id"),
    tables.OPEN,
)


def take_turn(connection: sa.Connection, person: Person) -> None:
    """Be the only one who adds for this person until the transaction ends: two that counted at the
    same time would both be the last that may. On SQLite whoever writes is alone anyway.

    A statement of its own, because PostgreSQL answers each with what was committed before it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_turn(person))))


def require_room(connection: sa.Connection, person: Person, most: int) -> None:
    """Raises Refused(TOO_MANY_OPEN) when `most` of theirs wait already."""
    key = {"team_id": person.team_id, "user_id": person.user_id}
    if connection.execute(_COUNT, key).scalar_one() >= most:
        raise Refused(Reason.TOO_MANY_OPEN, most=most)


def _turn(person: Person) -> int:
    """The key of PostgreSQL's lock: two people who share one by chance only wait for each other."""
    name = f"{person.team_id}/{person.user_id}".encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), signed=True)
