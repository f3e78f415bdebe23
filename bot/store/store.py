"""Reading and changing the rows."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError

from bot.domain.bundle import is_bundle
from bot.domain.offer import Offered
from bot.domain.policy import Person
from bot.domain.subscription import Customer
from bot.domain.upgrade import Event, State, Transition, UpgradeRequest
from bot.errors import Reason, Refused, Unavailable
from bot.retry import retried
from bot.store import bundles, deliveries, rows, tables, waiting
from bot.store.bundles import Bundles
from bot.store.database import Database, revision
from bot.store.prepared import Prepared
from bot.store.queue import Queue
from bot.store.sqlite import Sqlite
from bot.store.trail import Trail
from bot.telemetry import metrics

T = TypeVar("T")

OFFER_LASTS = timedelta(days=1)
HOME_LOOKED_AT_FOR = timedelta(hours=1)
"""Slack says when somebody opens their Home, and not when they leave it."""


class PostedCard(NamedTuple):
    """Where the card of a request or a bundle stands in Slack, the version it shows, the last
    version that its thread has told, where that line stands, and the link of the card."""

    channel_id: str
    ts: str
    card_version: int
    told_version: int
    told_ts: str = ""
    link: str = ""


_offered_json = TypeAdapter(Offered)


class _Kind(NamedTuple):
    """Where requests, or bundles, stand, and what Slack shows of them."""

    table: sa.Table
    shown: sa.Table
    key: sa.Column[str]
    first: Prepared
    """Notes where it is shown."""
    next: Prepared
    """Notes the same, if what is noted is still what `was_…` says."""
    upto: Prepared
    """Notes the version that is shown."""


def _kind_of(table: sa.Table, shown: sa.Table, key: sa.Column[str]) -> _Kind:
    of: sa.BindParameter[str] = sa.bindparam("of")
    unchanged = (shown.c[name] == sa.bindparam(f"was_{name}") for name in PostedCard._fields)
    return _Kind(
        table,
        shown,
        key,
        Prepared(sa.insert(shown)),
        Prepared(sa.update(shown).where(key == of, *unchanged)),
        Prepared(sa.update(table).where(table.c.id == of)),
    )


_REQUESTS = _kind_of(tables.requests, tables.shown, tables.shown.c.request_id)
_BUNDLES = _kind_of(tables.bundles, tables.bundles_shown, tables.bundles_shown.c.bundle_id)


def _kind(id: str) -> _Kind:
    return _BUNDLES if is_bundle(id) else _REQUESTS


class Store:
    """The rows. Open them with `Store.open`, end with `close`.

    What has a card is a request or a bundle, and what is asked about cards and jobs is asked with
    the id of either. Every method raises Unavailable while the database cannot be reached.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.trail = Trail(database)
        self.bundles = Bundles(database)

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

    async def add(self, taken: Transition, *, most: int) -> UpgradeRequest:
        """Store a new request with its first line of history, to be attended to, unless `most` of
        the requester's wait already.

        A request of that id that is there already is returned as it is, however many wait: the form
        was delivered again. Raises Refused(TOO_MANY_OPEN).
        """
        request, event = taken

        def insert(connection: sa.Connection) -> tuple[UpgradeRequest, bool]:
            waiting.take_turn(connection, request.requester)
            with suppress(Refused):
                return rows.read(connection, request.id), False
            waiting.require_room(connection, request.requester, most)
            rows.add(connection, request, event)
            return request, True

        there, is_new = await self._database.write(insert, attend=[request.id])
        if is_new:
            metrics.step_taken(request, event)
        return there

    async def by_state(self) -> dict[str, int]:
        """How many requests are in each state."""
        table = tables.requests
        query = sa.select(table.c.state, sa.func.count()).group_by(table.c.state)
        found = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.state: row[1] for row in found}

    async def take(
        self,
        request_id: str,
        step: Callable[[UpgradeRequest, datetime], Transition],
        *,
        delivery: str = "",
        attend: Sequence[str] | None = None,
    ) -> UpgradeRequest:
        """Take one step and return the request after it; and have `attend` attended to, or where
        it is None the request. A `delivery` takes one step only.

        Reads the newest row, asks `step`, and writes only if the row is still at the version
        that was read; otherwise it asks again with what is there now. So of several people
        who click at once one wins, and the others are refused with the true state.
        Raises Refused (from `step`, UNKNOWN_REQUEST, SUBSCRIPTION_BUSY, DELIVERED_AGAIN).
        """

        def compare_and_set(connection: sa.Connection) -> Transition | None:
            before, seal = rows.lock(connection, request_id)
            now = self._database.now(connection)
            after, event = step(before, now)
            try:
                changed = rows.change(connection, before.version, seal, after, event)
            except IntegrityError as error:  # the index that allows one of a subscription
                raise Refused(Reason.SUBSCRIPTION_BUSY, request=before) from error
            if changed and after.bundle_id:
                bundles.moved(connection, after, event)
            if changed and delivery:
                deliveries.note(connection, delivery, now)
            return (after, event) if changed else None

        ids = [request_id] if attend is None else attend
        while True:
            if taken := await self._database.write(compare_and_set, ids):
                metrics.step_taken(*taken)
                return taken[0]

    async def attend(self, ids: Sequence[str]) -> None:
        """Have requests and bundles attended to now."""
        await self._database.write(lambda _connection: None, attend=ids)

    async def version(self, id: str) -> int:
        """The newest version of a request or bundle. Raises Refused(UNKNOWN_REQUEST)."""
        table = _kind(id).table
        query = sa.select(table.c.version).where(table.c.id == id)
        found = await self._database.read(lambda c: c.execute(query).scalar_one_or_none())
        if found is None:
            raise Refused(Reason.UNKNOWN_REQUEST)
        return int(found)

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

    async def undecided(self, team_id: str, limit: int) -> list[UpgradeRequest]:
        """What waits for somebody's approval or confirmation, the newest first."""
        return await self._newest(tables.OPEN, tables.requests.c.team_id == team_id, limit=limit)

    async def home_opened(self, person: Person) -> None:
        """Note that somebody looks at their Home."""
        table = tables.homes
        key = {"team_id": person.team_id, "user_id": person.user_id}

        def note(connection: sa.Connection) -> None:
            now = self._database.now(connection)
            gone = table.c.opened_at < now - HOME_LOOKED_AT_FOR
            same = (table.c.team_id == person.team_id) & (table.c.user_id == person.user_id)
            connection.execute(sa.delete(table).where(gone | same))
            connection.execute(sa.insert(table), {**key, "opened_at": now})

        await self._database.write(note)

    async def homes(self) -> list[Person]:
        """Who opened their Home lately, so that it should show what is new."""
        table = tables.homes

        def opened(connection: sa.Connection) -> list[Person]:
            since = self._database.now(connection) - HOME_LOOKED_AT_FOR
            query = sa.select(table.c.team_id, table.c.user_id).where(table.c.opened_at >= since)
            return [Person(*row) for row in connection.execute(query)]

        return await self._database.read(opened)

    async def _newest(
        self, *which: sa.ColumnElement[bool] | sa.TextClause, limit: int
    ) -> list[UpgradeRequest]:
        table = tables.requests
        newest = sa.select(table.c.body).where(*which).order_by(table.c.created_at.desc())
        bodies = await self._database.read(
            lambda connection: connection.execute(newest.limit(limit)).scalars().all()
        )
        return [rows.REQUEST.validate_json(body) for body in bodies]

    async def due(self, limit: int = 100) -> list[str]:
        """Ids of the requests, and of the bundles, that the bot has to attend to by now, the
        longest due first."""

        def due(connection: sa.Connection, table: sa.Table) -> list[str]:
            now = self._database.now(connection)
            query = sa.select(table.c.id).where(table.c.due_at <= now, _rested(table, now))
            return _ids(connection, query.order_by(table.c.due_at).limit(limit))

        return await self._database.read(
            lambda connection: due(connection, tables.requests) + due(connection, tables.bundles)
        )

    async def unshown(self, limit: int = 100) -> list[str]:
        """Ids of requests and bundles whose newest version Slack does not show yet."""

        def unshown(connection: sa.Connection, table: sa.Table) -> list[str]:
            behind = table.c.shown_version < table.c.version
            rested = _rested(table, self._database.now(connection))
            return _ids(connection, sa.select(table.c.id).where(behind, rested).limit(limit))

        return await self._database.read(
            lambda connection: (
                unshown(connection, tables.requests) + unshown(connection, tables.bundles)
            )
        )

    async def in_flight(self) -> list[str]:
        """Ids of the requests that somebody is performing, or was when the process ended."""
        performing = tables.requests.c.state == State.PERFORMING
        query = sa.select(tables.requests.c.id).where(tables.IN_FLIGHT, performing)
        return await self._database.read(lambda connection: _ids(connection, query))

    async def rest(self, id: str, pauses: list[timedelta]) -> None:
        """Leave it alone for a while, because attending to it ended in trouble: as long as the
        first pause after the first trouble in a row, the second after the second, … What is longer
        ago than the last pause is another row."""
        table = _kind(id).table

        def note(connection: sa.Connection) -> None:
            now = self._database.now(connection)
            lately = table.c.rests_until > now - pauses[-1]
            query = sa.select(table.c.troubles).where(table.c.id == id, lately)
            troubles = connection.execute(query).scalar_one_or_none() or 0
            until = now + pauses[min(troubles, len(pauses) - 1)]
            row = {"rests_until": until, "troubles": troubles + 1}
            connection.execute(sa.update(table).where(table.c.id == id).values(row))

        await self._database.write(note)

    async def rested(self, id: str) -> None:
        """Attending to it ended well again."""
        table = _kind(id).table
        well = sa.update(table).where(table.c.id == id, table.c.troubles > 0)

        def note(connection: sa.Connection) -> None:
            connection.execute(well.values(rests_until=None, troubles=0))

        await self._database.write(note)

    async def shown(self, id: str) -> PostedCard | None:
        """Where and how far it is shown; None before its card was posted."""
        kind = _kind(id)
        columns = [kind.shown.c[name] for name in PostedCard._fields]
        query = sa.select(*columns).where(kind.key == id)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return PostedCard(*row) if row else None

    async def links(self, request_ids: Sequence[str]) -> dict[str, str]:
        """The links of cards, by the ids of their requests; for a row that of its bundle, and
        nothing for those not shown yet."""
        own, row, of_bundle = tables.shown, tables.requests, tables.bundles_shown
        query = sa.select(own.c.request_id, own.c.link).where(
            own.c.request_id.in_(request_ids), own.c.link != ""
        )
        of_rows = (
            sa.select(row.c.id, of_bundle.c.link)
            .join(of_bundle, of_bundle.c.bundle_id == row.c.bundle_id)
            .where(row.c.id.in_(request_ids), row.c.bundle_id != "", of_bundle.c.link != "")
        )
        found = await self._database.read(
            lambda c: [*c.execute(query).all(), *c.execute(of_rows).all()]
        )
        return {row[0]: row[1] for row in found}

    async def shown_at(self, channel_id: str, ts: str) -> str:
        """The id of the request or bundle whose card stands there. Raises
        Refused(UNKNOWN_REQUEST)."""
        here = [
            sa.select(kind.key).where(kind.shown.c.channel_id == channel_id, kind.shown.c.ts == ts)
            for kind in (_REQUESTS, _BUNDLES)
        ]
        found = await self._database.read(
            lambda connection: [id for query in here for id in _ids(connection, query)]
        )
        if not found:
            raise Refused(Reason.UNKNOWN_REQUEST)
        return found[0]

    async def record_shown(self, id: str, before: PostedCard | None, shown: PostedCard) -> bool:
        """Remember what Slack shows now, if nobody else has shown anything since `before`; say
        whether that is so."""
        kind = _kind(id)
        upto = min(shown.card_version, shown.told_version)

        def compare_and_set(connection: sa.Connection) -> None:
            if before is None:
                kind.first.run(connection, {kind.key.name: id, **shown._asdict()})
            else:
                was = {f"was_{name}": value for name, value in before._asdict().items()}
                if kind.next.run(connection, {"of": id, **was, **shown._asdict()}).rowcount != 1:
                    raise _ShownMeanwhile
            kind.upto.run(connection, {"of": id, "shown_version": upto})

        try:
            await self._database.write(compare_and_set)
        except (IntegrityError, _ShownMeanwhile):
            return False
        return True

    async def is_first_told(self, id: str, version: int) -> bool:
        """Note that this version is told privately; whether nobody has done so."""
        table = _kind(id).table
        earlier = (table.c.id == id) & (table.c.told_privately < version)
        note = sa.update(table).where(earlier).values(told_privately=version)
        return await self._database.write(lambda connection: connection.execute(note).rowcount == 1)

    async def note_look(self, customer: Customer, channel_id: str, by: Person) -> None:
        """Write into the audit trail that somebody looked at a customer."""
        looked = {"customer": customer.id, "name": customer.name, "channel": channel_id}
        await self.trail.note("looked", looked, by)

    async def offer(self, offers: list[Offered]) -> None:
        """Remember what was offered, and forget what was more than a day ago."""
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
        """Note that something was delivered; whether it is the first time in the last hour."""

        def note(connection: sa.Connection) -> None:
            deliveries.note(connection, delivery, self._database.now(connection))

        try:
            await self._database.write(note)
        except Refused:
            return False
        return True

    async def forget_deliveries(self) -> None:
        """Forget what was delivered more than an hour ago."""
        await self._database.write(lambda c: deliveries.forget(c, self._database.now(c)))

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
    return await retried(
        work, Unavailable, attempts=None, timeout=None, wait_initial=0.1, wait_max=2.0
    )


class _ShownMeanwhile(Exception):
    """Somebody else has shown a request; what was to be recorded is not so any more."""


def _rested(table: sa.Table, now: datetime) -> sa.ColumnElement[bool]:
    until = table.c.rests_until
    return until.is_(None) | (until <= now)


def _ids(connection: sa.Connection, query: sa.Select[Any]) -> list[str]:
    return list(connection.execute(query).scalars())
