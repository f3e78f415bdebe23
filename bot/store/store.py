"""Reading and changing the rows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.domain.policy import Person
from bot.domain.story import due_at
from bot.domain.subscription import Customer, Subscription, UpgradeOption
from bot.domain.upgrade import Approval, Event, State, Step, Taken, UpgradeRequest
from bot.errors import Reason, Refused
from bot.store import tables

T = TypeVar("T")

OFFER_LASTS = timedelta(days=1)


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
    """Where the card of a request stands in Slack, the version it shows, and the last version
    that its thread has told."""

    channel_id: str
    ts: str
    card_version: int
    told_version: int


_request_json = TypeAdapter(UpgradeRequest)
_event_json = TypeAdapter(Event)
_offered_json = TypeAdapter(Offered)


class Store:
    """The rows, on SQLite. Open it with `Store.open`, end it with `close`."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._writer = asyncio.Lock()

    @classmethod
    async def open(cls, url: str, clock: Callable[[], datetime]) -> "Store":
        """Open the database at `url` (`sqlite:///path`) and bring it to this version.

        `clock` decides what is late and stamps every step.
        """
        path = Path(url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        sa.event.listen(engine.sync_engine, "connect", _prepare)
        sa.event.listen(engine.sync_engine, "begin", _begin)
        store = cls(engine, clock)
        await store._write(lambda connection: connection.run_sync(_migrate))
        return store

    async def close(self) -> None:
        """Let a write that has begun come to its end, then close every connection."""
        async with self._writer:
            await self._engine.dispose()

    async def add(self, taken: Taken) -> UpgradeRequest:
        """Store a new request with its first line of history.

        A request of that id that is there already is returned as it is: the form was delivered
        again.
        """
        request, event = taken

        async def insert(connection: AsyncConnection) -> UpgradeRequest:
            row = {"id": request.id, "shown_version": 0, **_columns(request)}
            there = await connection.execute(
                sa.select(tables.requests.c.id).where(tables.requests.c.id == request.id)
            )
            if there.first():
                return await _read(connection, request.id)
            await connection.execute(sa.insert(tables.requests).values(row))
            await _remember(connection, request, event)
            return request

        return await self._write(insert)

    async def take(
        self, request_id: str, step: Callable[[UpgradeRequest, datetime], Taken]
    ) -> UpgradeRequest:
        """Take one step and return the request after it.

        Reads the newest row, asks `step`, and writes only if the row is still at the version
        that was read; otherwise it asks again with what is there now. So of several people
        who click at once one wins, and the others are refused with the true state.
        Raises Refused (from `step`, or UNKNOWN_REQUEST).
        """

        async def compare_and_set(connection: AsyncConnection) -> UpgradeRequest | None:
            before = await _read(connection, request_id)
            after, event = step(before, self._clock())
            statement = (
                sa.update(tables.requests)
                .where(
                    tables.requests.c.id == request_id,
                    tables.requests.c.version == before.version,
                )
                .values(_columns(after))
            )
            try:
                if (await connection.execute(statement)).rowcount != 1:
                    return None
            except IntegrityError as error:  # the index that allows one of a subscription
                raise Refused(Reason.SUBSCRIPTION_BUSY, request=before) from error
            await _remember(connection, after, event)
            return after

        while True:
            if after := await self._write(compare_and_set):
                return after

    async def request(self, request_id: str) -> UpgradeRequest:
        """The newest version of a request. Raises Refused(UNKNOWN_REQUEST)."""
        async with self._read() as connection:
            return await _read(connection, request_id)

    async def history(self, request_id: str, after: int = 0) -> list[tuple[int, Event]]:
        """The request's history beyond version `after`: pairs of version and event."""
        table = tables.history
        query = (
            sa.select(table.c.version, table.c.body)
            .where(table.c.request_id == request_id, table.c.version > after)
            .order_by(table.c.version)
        )
        async with self._read() as connection:
            rows = (await connection.execute(query)).all()
        return [(version, _event_json.validate_json(body)) for version, body in rows]

    async def due(self, limit: int = 100) -> list[str]:
        """Ids of the requests that the bot has to attend to by now, the longest due first."""
        table = tables.requests
        due = (table.c.due_at <= self._clock()) & self._rested()
        return await self._ids(
            sa.select(table.c.id).where(due).order_by(table.c.due_at).limit(limit)
        )

    async def in_flight(self) -> list[str]:
        """Ids of the requests that somebody was performing."""
        performing = tables.requests.c.state == State.PERFORMING
        return await self._ids(sa.select(tables.requests.c.id).where(tables.IN_FLIGHT, performing))

    async def unshown(self, limit: int = 100) -> list[str]:
        """Ids of requests whose newest version Slack does not show yet."""
        table = tables.requests
        behind = (table.c.shown_version < table.c.version) & self._rested()
        return await self._ids(sa.select(table.c.id).where(behind).limit(limit))

    def _rested(self) -> sa.ColumnElement[bool]:
        until = tables.requests.c.rests_until
        return until.is_(None) | (until <= self._clock())

    async def rest(self, request_id: str, pauses: list[timedelta]) -> None:
        """Leave a request alone for a while, because attending to it ended in trouble: as long
        as the first pause after the first trouble in a row, the second after the second, …"""
        table = tables.requests

        async def note(connection: AsyncConnection) -> None:
            query = sa.select(table.c.troubles).where(table.c.id == request_id)
            troubles = (await connection.execute(query)).scalar_one_or_none() or 0
            until = self._clock() + pauses[min(troubles, len(pauses) - 1)]
            row = {"rests_until": until, "troubles": troubles + 1}
            await connection.execute(sa.update(table).where(table.c.id == request_id).values(row))

        await self._write(note)

    async def rested(self, request_id: str) -> None:
        """Attending to the request ended well again."""
        table = tables.requests
        well = sa.update(table).where(table.c.id == request_id)

        async def note(connection: AsyncConnection) -> None:
            await connection.execute(well.values(rests_until=None, troubles=0))

        await self._write(note)

    async def shown(self, request_id: str) -> Shown | None:
        """Where and how far a request is shown; None before its card was posted."""
        table = tables.shown
        columns = (table.c.channel_id, table.c.ts, table.c.card_version, table.c.told_version)
        async with self._read() as connection:
            query = sa.select(*columns).where(table.c.request_id == request_id)
            row = (await connection.execute(query)).one_or_none()
        return Shown(*row) if row else None

    async def record_shown(self, request_id: str, shown: Shown) -> None:
        """Remember what Slack shows now."""
        table, requests = tables.shown, tables.requests
        upto = min(shown.card_version, shown.told_version)

        async def note(connection: AsyncConnection) -> None:
            await connection.execute(sa.delete(table).where(table.c.request_id == request_id))
            row = {"request_id": request_id, **shown._asdict()}
            await connection.execute(sa.insert(table).values(row))
            await connection.execute(
                sa.update(requests).where(requests.c.id == request_id).values(shown_version=upto)
            )

        await self._write(note)

    async def offer(self, offers: list[Offered]) -> None:
        """Remember what was offered, and forget what was offered more than a day ago."""
        table = tables.offered
        rows = [
            {"id": o.id, "offered_at": o.offered_at, "body": _dump(_offered_json, o)}
            for o in offers
        ]

        async def note(connection: AsyncConnection) -> None:
            too_old = table.c.offered_at < self._clock() - OFFER_LASTS
            await connection.execute(sa.delete(table).where(too_old))
            if rows:
                await connection.execute(sa.insert(table), rows)

        await self._write(note)

    async def offered(self, offer_id: str) -> Offered:
        """What an option's button stands for. Raises Refused(OFFER_GONE) after a day."""
        table = tables.offered
        query = sa.select(table.c.body).where(
            table.c.id == offer_id, table.c.offered_at >= self._clock() - OFFER_LASTS
        )
        async with self._read() as connection:
            body = (await connection.execute(query)).scalar_one_or_none()
        if body is None:
            raise Refused(Reason.OFFER_GONE)
        return _offered_json.validate_json(body)

    async def secret(self, name: str) -> bytes | None:
        """A sealed secret, if there is one of that name."""
        query = sa.select(tables.secrets.c.sealed).where(tables.secrets.c.name == name)
        async with self._read() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def keep_secret(self, name: str, sealed: bytes) -> None:
        """Keep a sealed secret in place of an older one."""
        table = tables.secrets

        async def note(connection: AsyncConnection) -> None:
            await connection.execute(sa.delete(table).where(table.c.name == name))
            row = {"name": name, "sealed": sealed, "kept_at": self._clock()}
            await connection.execute(sa.insert(table).values(row))

        await self._write(note)

    async def _ids(self, query: sa.Select[Any]) -> list[str]:
        async with self._read() as connection:
            return list((await connection.execute(query)).scalars())

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as connection:
            yield connection

    async def _write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do some work in one transaction, whole or not at all.

        SQLite has one writer: wait in this queue, not in its busy loop. Whoever waits for the
        work may be cancelled; the transaction itself always comes to its end.
        """

        async def transaction() -> T:
            async with self._writer, self._engine.connect() as connection:
                await connection.execution_options(sqlite_begin="IMMEDIATE")
                async with connection.begin():
                    return await work(connection)

        return await asyncio.shield(asyncio.create_task(transaction()))


MIGRATIONS = Path(__file__).parent / "migrations"


def _revision(connection: sa.Connection) -> str:
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())


def _prepare(connection: Any, _record: Any) -> None:
    """Durable after every commit, readers beside the writer, and transactions as we say."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    kind = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")


def _migrate(connection: sa.Connection) -> None:
    """Bring the database to this version. Alembic is large, so a database that is there already
    is not made to load it."""
    if _revision(connection) == max(path.stem[:4] for path in (MIGRATIONS / "versions").glob("0*")):
        return
    from alembic import command  # needed once, at start, and large
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _dump(adapter: TypeAdapter[Any], value: Any) -> str:
    return adapter.dump_json(value).decode()


def _columns(request: UpgradeRequest) -> dict[str, Any]:
    """The row of a request. The votes have their own table and are not written twice."""
    return {
        "version": request.version,
        "state": request.state,
        "team_id": request.requester.team_id,
        "requester_id": request.requester.user_id,
        "channel_id": request.channel_id,
        "customer_id": request.customer.id,
        "subscription_id": request.subscription.id.lower(),
        "created_at": request.created_at,
        "due_at": due_at(request),
        "body": _dump(_request_json, replace(request, approvals=())),
    }


async def _remember(connection: AsyncConnection, request: UpgradeRequest, event: Event) -> None:
    """Write the line of history, and the vote if the step was one."""
    await connection.execute(
        sa.insert(tables.history).values(
            request_id=request.id,
            version=request.version,
            step=event.step,
            at=event.at,
            body=_dump(_event_json, event),
        )
    )
    if event.step is Step.APPROVE:
        vote = request.approvals[-1]
        await connection.execute(
            sa.insert(tables.votes).values(
                request_id=request.id,
                round=request.round,
                team_id=vote.by.team_id,
                user_id=vote.by.user_id,
                at=vote.at,
                fingerprint=vote.fingerprint,
            )
        )


async def _read(connection: AsyncConnection, request_id: str) -> UpgradeRequest:
    table, votes = tables.requests, tables.votes
    body = (
        await connection.execute(sa.select(table.c.body).where(table.c.id == request_id))
    ).scalar_one_or_none()
    if body is None:
        raise Refused(Reason.UNKNOWN_REQUEST)
    request = _request_json.validate_json(body)
    query = (
        sa.select(votes.c.team_id, votes.c.user_id, votes.c.at, votes.c.fingerprint)
        .where(votes.c.request_id == request_id, votes.c.round == request.round)
        .order_by(votes.c.at)
    )
    rows = (await connection.execute(query)).all()
    approvals = tuple(
        Approval(Person(team, user), at, fingerprint) for team, user, at, fingerprint in rows
    )
    return replace(request, approvals=approvals)
