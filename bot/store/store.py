"""Reading and changing the rows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
import stamina
from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError

from bot import metrics
from bot.domain.policy import Person
from bot.domain.subscription import Customer, Subscription, UpgradeOption
from bot.domain.upgrade import Event, State, Taken, UpgradeRequest
from bot.errors import Reason, Refused, Unavailable
from bot.store import rows, tables
from bot.store.database import Database, revision
from bot.store.queue import Queue
from bot.store.sqlite import Sqlite
from bot.store.trail import Trail, add_to_journal

T = TypeVar("T")

_DELIVERED = sa.insert(tables.deliveries)
_TOO_OLD = sa.delete(tables.deliveries).where(tables.deliveries.c.at < sa.bindparam("since"))

OFFER_LASTS = timedelta(days=1)
DELIVERED_AGAIN_WITHIN = timedelta(hours=1)
"""Slack delivers again within minutes: https://docs.slack.dev/apis/events-api/#retries"""


@dataclass(frozen=True, slots=True)
class Offered:
    """An option as it was shown to one person in one channel: what an option's button means."""

    id: str
    person: Person
    channel_id: str
    customer: Customer
    subscription: Subscription
    option: UpgradeOption
    offered_at: datetime


class Shown(NamedTuple):
    """Where the card of a request stands in Slack, the version it shows, the last version that
    its thread has told, and where that line stands."""

    channel_id: str
    ts: str
    card_version: int
    told_version: int
    told_ts: str = ""


_offered_json = TypeAdapter(Offered)


class Store:
    """The rows. Open them with `Store.open`, end with `close`.

    Every method raises Unavailable while the database cannot be reached.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.trail = Trail(database)

    @classmethod
    async def open(
        cls,
        url: str,
        clock: Callable[[], datetime] | None = None,
        *,
        only_if_new: bool = False,
    ) -> "Store":
        """Open the database at `url` (`sqlite:///path` or `postgresql://…`) and bring it to this
        version; with `only_if_new` one that has older tables keeps them.

        The time stamps every step and decides what is late: `clock`, or where there is none the
        database's. Raises OSError, SQLAlchemyError, Unavailable, NewerTables.
        """
        if url.startswith("sqlite:///"):
            path = Path(url.removeprefix("sqlite:///"))
            clock = clock or (lambda: datetime.now(UTC))
            return cls(await Sqlite.open(path, clock, only_if_new=only_if_new))
        from bot.store.postgres import Postgres  # its driver takes time to load

        return cls(await Postgres.open(url, clock, only_if_new=only_if_new))

    async def close(self) -> None:
        """Let a write that has begun come to its end, then close every connection."""
        await self._database.close()

    async def revision(self) -> str:
        """The revision of the tables."""
        return await self._database.read(revision)

    @property
    def queue(self) -> Queue:
        """The jobs that the steps put."""
        return self._database.queue

    @property
    def is_shared(self) -> bool:
        """Whether other bots may work on the same rows."""
        return self._database.is_shared

    async def now(self) -> datetime:
        """The time that decides what is late."""
        return await self._database.read(self._database.now)

    async def add(self, taken: Taken) -> UpgradeRequest:
        """Store a new request with its first line of history, to be attended to.

        A request of that id that is there already is returned as it is: the form was delivered
        again.
        """
        request, event = taken

        def insert(connection: sa.Connection) -> UpgradeRequest:
            rows.add(connection, request, event)
            return request

        try:
            added = await self._database.write(insert, attend=[request.id])
        except IntegrityError:
            return await self.request(request.id)
        metrics.step_taken(request, event)
        return added

    async def count_open(self, person: Person) -> int:
        """How many of the newest requests of somebody people can still decide about."""
        return sum(request.is_open for request in await self.asked_by(person, limit=100))

    async def by_state(self) -> dict[str, int]:
        """How many requests are in each state."""
        table = tables.requests
        query = sa.select(table.c.state, sa.func.count()).group_by(table.c.state)
        found = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.state: row[1] for row in found}

    async def take(
        self,
        request_id: str,
        step: Callable[[UpgradeRequest, datetime], Taken],
        *,
        delivery: str = "",
        attend: bool = True,
    ) -> UpgradeRequest:
        """Take one step and return the request after it, to be attended to unless who takes it
        does so. A `delivery` takes one step only.

        Reads the newest row, asks `step`, and writes only if the row is still at the version
        that was read; otherwise it asks again with what is there now. So of several people
        who click at once one wins, and the others are refused with the true state.
        Raises Refused (from `step`, UNKNOWN_REQUEST, SUBSCRIPTION_BUSY, DELIVERED_AGAIN).
        """

        def compare_and_set(connection: sa.Connection) -> Taken | None:
            before, seal = rows.lock(connection, request_id)
            after, event = step(before, self._database.now(connection))
            try:
                changed = rows.change(connection, before.version, seal, after, event)
            except IntegrityError as error:  # the index that allows one of a subscription
                raise Refused(Reason.SUBSCRIPTION_BUSY, request=before) from error
            if changed and delivery:
                self._note_delivery(connection, delivery)
            return (after, event) if changed else None

        while True:
            if taken := await self._database.write(compare_and_set, [request_id] * attend):
                metrics.step_taken(*taken)
                return taken[0]

    async def attend(self, request_ids: Sequence[str]) -> None:
        """Have the requests attended to now."""
        await self._database.write(lambda _connection: None, attend=request_ids)

    async def request(self, request_id: str) -> UpgradeRequest:
        """The newest version of a request. Raises Refused(UNKNOWN_REQUEST)."""
        return await self._database.read(lambda connection: rows.read(connection, request_id))

    async def history(self, request_id: str, after: int = 0) -> list[tuple[int, Event]]:
        """The request's history beyond version `after`: pairs of version and event."""
        table = tables.history
        query = (
            sa.select(table.c.version, table.c.body, table.c.personal)
            .where(table.c.request_id == request_id, table.c.version > after)
            .order_by(table.c.version)
        )
        found = await self._database.read(lambda connection: connection.execute(query).all())
        return [(version, rows.event(body, personal)) for version, body, personal in found]

    async def asked_by(self, person: Person, limit: int) -> list[UpgradeRequest]:
        """What somebody asked for, the newest first."""
        of_team = tables.requests.c.team_id == person.team_id
        of_them = tables.requests.c.requester_id == person.user_id
        return await self._newest(of_team, of_them, limit=limit)

    async def asked_in(
        self, channel_id: str, customer_ids: Sequence[str] | None, limit: int
    ) -> list[UpgradeRequest]:
        """What was asked for in a channel, for some customers or all, the newest first."""
        here = tables.requests.c.channel_id == channel_id
        if customer_ids is None:
            return await self._newest(here, limit=limit)
        for_them = tables.requests.c.customer_id.in_(customer_ids)
        return await self._newest(here, for_them, limit=limit)

    async def asked_for(self, subscription_id: str, limit: int) -> list[UpgradeRequest]:
        """What was asked for about one subscription, the newest first."""
        of_it = tables.requests.c.subscription_id == subscription_id.lower()
        return await self._newest(of_it, limit=limit)

    async def _newest(self, *which: sa.ColumnElement[bool], limit: int) -> list[UpgradeRequest]:
        table = tables.requests
        newest = sa.select(table.c.body).where(*which).order_by(table.c.created_at.desc())
        bodies = await self._database.read(
            lambda connection: connection.execute(newest.limit(limit)).scalars().all()
        )
        return [rows.REQUEST.validate_json(body) for body in bodies]

    async def due(self, limit: int = 100) -> list[str]:
        """Ids of the requests that the bot has to attend to by now, the longest due first."""
        table = tables.requests

        def due(connection: sa.Connection) -> list[str]:
            now = self._database.now(connection)
            query = sa.select(table.c.id).where(table.c.due_at <= now, _rested(now))
            return _ids(connection, query.order_by(table.c.due_at).limit(limit))

        return await self._database.read(due)

    async def unshown(self, limit: int = 100) -> list[str]:
        """Ids of requests whose newest version Slack does not show yet."""
        table = tables.requests

        def unshown(connection: sa.Connection) -> list[str]:
            behind = table.c.shown_version < table.c.version
            rested = _rested(self._database.now(connection))
            return _ids(connection, sa.select(table.c.id).where(behind, rested).limit(limit))

        return await self._database.read(unshown)

    async def in_flight(self) -> list[str]:
        """Ids of the requests that somebody is performing, or was when the process ended."""
        performing = tables.requests.c.state == State.PERFORMING
        query = sa.select(tables.requests.c.id).where(tables.IN_FLIGHT, performing)
        return await self._database.read(lambda connection: _ids(connection, query))

    async def rest(self, request_id: str, pauses: list[timedelta]) -> None:
        """Leave a request alone for a while, because attending to it ended in trouble: as long
        as the first pause after the first trouble in a row, the second after the second, …"""
        table = tables.requests

        def note(connection: sa.Connection) -> None:
            query = sa.select(table.c.troubles).where(table.c.id == request_id)
            troubles = connection.execute(query).scalar_one_or_none() or 0
            until = self._database.now(connection) + pauses[min(troubles, len(pauses) - 1)]
            row = {"rests_until": until, "troubles": troubles + 1}
            connection.execute(sa.update(table).where(table.c.id == request_id).values(row))

        await self._database.write(note)

    async def rested(self, request_id: str) -> None:
        """Attending to the request ended well again."""
        table = tables.requests
        well = sa.update(table).where(table.c.id == request_id, table.c.troubles > 0)

        def note(connection: sa.Connection) -> None:
            connection.execute(well.values(rests_until=None, troubles=0))

        await self._database.write(note)

    async def shown(self, request_id: str) -> Shown | None:
        """Where and how far a request is shown; None before its card was posted."""
        table = tables.shown
        columns = [table.c[name] for name in Shown._fields]
        query = sa.select(*columns).where(table.c.request_id == request_id)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return Shown(*row) if row else None

    async def request_at(self, channel_id: str, ts: str) -> str:
        """The id of the request whose card stands there. Raises Refused(UNKNOWN_REQUEST)."""
        table = tables.shown
        query = sa.select(table.c.request_id).where(table.c.channel_id == channel_id)
        found = await self._database.read(
            lambda connection: _ids(connection, query.where(table.c.ts == ts))
        )
        if not found:
            raise Refused(Reason.UNKNOWN_REQUEST)
        return found[0]

    async def record_shown(self, request_id: str, before: Shown | None, shown: Shown) -> bool:
        """Remember what Slack shows now, if nobody else has shown anything since `before`; say
        whether that is so."""
        table, requests = tables.shown, tables.requests
        upto = min(shown.card_version, shown.told_version)
        row = {"request_id": request_id, **shown._asdict()}

        def compare_and_set(connection: sa.Connection) -> None:
            if before is None:
                connection.execute(sa.insert(table), row)
            else:
                same = [table.c[name] == value for name, value in before._asdict().items()]
                update = sa.update(table).where(table.c.request_id == request_id, *same)
                if connection.execute(update.values(row)).rowcount != 1:
                    raise _ShownMeanwhile
            of_it = sa.update(requests).where(requests.c.id == request_id)
            connection.execute(of_it.values(shown_version=upto))

        try:
            await self._database.write(compare_and_set)
        except (IntegrityError, _ShownMeanwhile):
            return False
        return True

    async def is_first_told(self, request_id: str, version: int) -> bool:
        """Note that this version of a request is told privately; whether nobody has done so."""
        table = tables.requests
        earlier = (table.c.id == request_id) & (table.c.told_privately < version)
        note = sa.update(table).where(earlier).values(told_privately=version)
        return await self._database.write(lambda connection: connection.execute(note).rowcount == 1)

    async def offer(
        self, offers: list[Offered], customer: Customer, channel_id: str, to: Person
    ) -> None:
        """Remember what was offered of a customer, and that somebody has looked; and forget what
        was offered more than a day ago."""
        table = tables.offered
        bodies = [
            {"id": o.id, "offered_at": o.offered_at, "body": rows.as_json(_offered_json, o)}
            for o in offers
        ]

        def note(connection: sa.Connection) -> None:
            too_old = table.c.offered_at < self._database.now(connection) - OFFER_LASTS
            connection.execute(sa.delete(table).where(too_old))
            if bodies:
                connection.execute(sa.insert(table), bodies)
            looked = {"customer": customer.id, "name": customer.name, "channel": channel_id}
            add_to_journal(connection, self._database.now(connection), "looked", looked, to)

        await self._database.write(note)

    async def offered(self, offer_id: str) -> Offered:
        """What an option's button stands for. Raises Refused(OFFER_GONE) after a day."""
        table = tables.offered

        def body(connection: sa.Connection) -> str | None:
            since = self._database.now(connection) - OFFER_LASTS
            query = sa.select(table.c.body).where(
                table.c.id == offer_id, table.c.offered_at >= since
            )
            return connection.execute(query).scalar_one_or_none()

        found = await self._database.read(body)
        if found is None:
            raise Refused(Reason.OFFER_GONE)
        return _offered_json.validate_json(found)

    async def is_first(self, delivery: str) -> bool:
        """Note that something was delivered, for an hour; whether it is the first time."""
        try:
            await self._database.write(lambda connection: self._note_delivery(connection, delivery))
        except Refused:
            return False
        return True

    def _note_delivery(self, connection: sa.Connection, delivery: str) -> None:
        """Raises Refused(DELIVERED_AGAIN)."""
        now = self._database.now(connection)
        connection.execute(_TOO_OLD, {"since": now - DELIVERED_AGAIN_WITHIN})
        try:
            connection.execute(_DELIVERED, {"delivery": delivery, "at": now})
        except IntegrityError as error:
            raise Refused(Reason.DELIVERED_AGAIN) from error

    async def secret(self, name: str) -> bytes | None:
        """A sealed secret, if there is one of that name."""
        query = sa.select(tables.secrets.c.sealed).where(tables.secrets.c.name == name)
        return await self._database.read(
            lambda connection: connection.execute(query).scalar_one_or_none()
        )

    async def keep_secret(self, name: str, sealed: bytes) -> None:
        """Keep a sealed secret in place of an older one."""
        table = tables.secrets

        def keep(connection: sa.Connection) -> None:
            row = {"sealed": sealed, "kept_at": self._database.now(connection)}
            older = sa.update(table).where(table.c.name == name)
            if connection.execute(older.values(row)).rowcount != 1:
                connection.execute(sa.insert(table), {"name": name, **row})

        try:
            await self._database.write(keep)
        except IntegrityError:  # another bot was the first to keep one
            await self._database.write(keep)


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """What `work` returns; it is done again for as long as the database is away."""
    async for attempt in stamina.retry_context(
        Unavailable, attempts=None, timeout=None, wait_initial=0.1, wait_max=2.0
    ):
        with attempt:
            done = await work()
    return done


class _ShownMeanwhile(Exception):
    """Somebody else has shown a request; what was to be recorded is not so any more."""


def _rested(now: datetime) -> sa.ColumnElement[bool]:
    until = tables.requests.c.rests_until
    return until.is_(None) | (until <= now)


def _ids(connection: sa.Connection, query: sa.Select[Any]) -> list[str]:
    return list(connection.execute(query).scalars())
