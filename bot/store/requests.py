"""Requests with their items: a step of theirs is one transaction, and one read shows all of it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.domain.item import Event
from bot.domain.policy import Person
from bot.domain.refusals import RefusedStep, TooMany
from bot.domain.request import Request, RequestEvent, Transition
from bot.errors import Reason, Refused
from bot.store import deliveries, documents, rows, tables
from bot.store.cards import PostedCard
from bot.store.database import Database
from bot.telemetry import metrics

Step = Callable[[Request, datetime], Transition]

_requests, _items, _cards = tables.requests, tables.items, tables.cards

_JOINED = (
    sa.select(
        _requests.c.body.label("body"),
        _requests.c.revision,
        _requests.c.changed_at,
        _items.c.id.label("item_id"),
        _items.c.body.label("item_body"),
        *(_cards.c[name].label(f"card_{name}") for name in PostedCard._fields),
    )
    .join_from(_requests, _items, _items.c.request_id == _requests.c.id)
    .outerjoin(_cards, _cards.c.request_id == _requests.c.id)
    .where(_requests.c.id == sa.bindparam("id"))
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What happened to a request in one transaction: steps of items, by their ids, and a line of
    its own history if there is one."""

    revision: int
    items: tuple[tuple[str, Event], ...] = ()
    event: RequestEvent | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A request, what Slack shows of it, what happened since, and the database's time. After
    trouble it `rests_until` a time."""

    request: Request
    posted: PostedCard | None
    turns: tuple[Turn, ...]
    now: datetime
    rests_until: datetime | None = None

    @property
    def rests(self) -> bool:
        """Whether it is left alone because of trouble."""
        return self.rests_until is not None and self.now < self.rests_until


class Requests:
    """The requests in a store. Every method raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, transition: Transition, delivery: str = "", *, most: int) -> Request:
        """Store a new request, to be attended to, unless `most` of the requester's wait already.

        One of that id that is there already is returned as it is, however many wait: the form was
        delivered again. Raises Refused(DELIVERED_AGAIN, TOO_MANY_OPEN).
        """
        request = transition.request

        def insert(connection: sa.Connection) -> tuple[Request, bool]:
            _take_turn(connection, request.requester)
            if delivery:
                deliveries.note(connection, delivery, self._database.now(connection))
            if there := _id_of_the_same(connection, request):
                return _read(connection, there), False
            require_room(connection, request.requester, most)
            rows.add(connection, transition)
            return request, True

        there, is_new = await self._database.write(insert, attend=[request.id])
        if is_new:
            metrics.steps_taken(transition)
        return there

    async def take(
        self,
        request_id: str,
        step: Step,
        *,
        delivery: str = "",
        attend: Sequence[str] | None = None,
    ) -> Transition:
        """Take one step, whole or not at all; and have `attend` attended to, or where it is None
        the request. A `delivery` takes one step only.

        `step` gets the request as it is, which nobody else changes meanwhile. So of several people
        who click at once one wins, and the others are refused with the true state. Raises Refused
        (from `step`, UNKNOWN_REQUEST, SUBSCRIPTION_BUSY, DELIVERED_AGAIN).
        """

        def locked(connection: sa.Connection) -> Transition:
            before = rows.lock(connection, request_id, self._database.now_column())
            transition = step(before.request, before.now)
            try:
                rows.change(connection, before, transition)
            except IntegrityError as error:  # the index that allows one of a subscription
                busy = before.request.item(transition.items[0][0].id)
                raise RefusedStep(Reason.SUBSCRIPTION_BUSY, busy, before.request) from error
            if delivery:
                deliveries.note(connection, delivery, before.now)
            return transition

        ids = [request_id] if attend is None else attend
        transition = await self._database.write(locked, ids)
        metrics.steps_taken(transition)
        return transition

    async def get(self, request_id: str) -> Request:
        """A request with its items, as they are. Raises Refused(UNKNOWN_REQUEST)."""
        return await self._database.read(lambda connection: _read(connection, request_id))

    async def of_item(self, item_id: str) -> Request:
        """The request that an item is of. Raises Refused(UNKNOWN_REQUEST)."""
        query = sa.select(_items.c.request_id).where(_items.c.id == item_id)

        def read(connection: sa.Connection) -> Request:
            return _read(connection, connection.execute(query).scalar_one_or_none() or "")

        return await self._database.read(read)

    async def snapshot(self, request_id: str) -> Snapshot:
        """A request with all that showing it needs. Raises Refused(UNKNOWN_REQUEST)."""
        now = self._database.now_column().label("now")
        query = _JOINED.add_columns(_requests.c.rests_until, now)

        def read(connection: sa.Connection) -> Snapshot:
            found = connection.execute(query, {"id": request_id}).all()
            request = _whole(found)
            posted = None
            if found[0].card_ts:
                posted = PostedCard(*(getattr(found[0], f"card_{n}") for n in PostedCard._fields))
            since = min(posted.card_revision, posted.told_revision) if posted else 0
            turns = _turns(connection, request, since) if since < request.revision else ()
            return Snapshot(request, posted, turns, found[0].now, found[0].rests_until)

        return await self._database.read(read)

    async def history(self, request_id: str, after: int = 0) -> tuple[Turn, ...]:
        """What happened to a request after a revision."""

        def read(connection: sa.Connection) -> tuple[Turn, ...]:
            return _turns(connection, _read(connection, request_id), after)

        return await self._database.read(read)

    async def item_history(self, item_id: str) -> list[Event]:
        """What happened to an item, from the beginning."""
        table = tables.item_history
        query = sa.select(table.c.body, table.c.personal).where(table.c.item_id == item_id)
        found = await self._database.read(
            lambda connection: connection.execute(query.order_by(table.c.version)).all()
        )
        return [documents.event(body, personal) for body, personal in found]


def _read(connection: sa.Connection, request_id: str) -> Request:
    return _whole(connection.execute(_JOINED, {"id": request_id}).all())


def _id_of_the_same(connection: sa.Connection, request: Request) -> str | None:
    """The id of the request that was made of the same form: it has the id, or, where an older
    version made it, the items."""
    same = (_items.c.request_id == request.id) | (_items.c.id == request.item_ids[0])
    query = sa.select(_items.c.request_id).where(same).limit(1)
    return connection.execute(query).scalar_one_or_none()


def _whole(found: Sequence[Any]) -> Request:
    if not found:
        raise Refused(Reason.UNKNOWN_REQUEST)
    return rows.whole(found[0], {row.item_id: row.item_body for row in found})


def _turns(connection: sa.Connection, request: Request, since: int) -> tuple[Turn, ...]:
    """The lines of all histories, put together by the transaction they were written in."""
    lines, own = tables.item_history, tables.request_history
    revision = sa.func.coalesce(lines.c.revision, lines.c.version)
    of_items = (
        sa.select(revision.label("revision"), lines.c.item_id, lines.c.body, lines.c.personal)
        .join(_items, _items.c.id == lines.c.item_id)
        .where(_items.c.request_id == request.id, revision > since, revision <= request.revision)
    )
    of_request = sa.select(own.c.revision, sa.literal(""), own.c.body, own.c.personal).where(
        own.c.request_id == request.id, own.c.revision > since, own.c.revision <= request.revision
    )
    place = {item_id: number for number, item_id in enumerate(request.item_ids)}
    steps: dict[int, list[tuple[str, Event]]] = {}
    events: dict[int, RequestEvent] = {}
    for at, item_id, body, personal in connection.execute(of_items.union_all(of_request)):
        if item_id:
            steps.setdefault(at, []).append((item_id, documents.event(body, personal)))
        else:
            events[at] = documents.request_event(body, personal)
    return tuple(
        Turn(
            at,
            tuple(sorted(steps.get(at, ()), key=lambda each: place[each[0]])),
            events.get(at),
        )
        for at in sorted(steps.keys() | events.keys())
    )


COUNT_OPEN = sa.select(sa.func.count(sa.distinct(_items.c.request_id))).where(
    _items.c.team_id == sa.bindparam("team_id"),
    _items.c.requester_id == sa.bindparam("user_id"),
    tables.OPEN,
)


def require_room(connection: sa.Connection, person: Person, most: int) -> None:
    """Raises Refused(TOO_MANY_OPEN) when `most` requests of a person wait already."""
    key = {"team_id": person.team_id, "user_id": person.user_id}
    if connection.execute(COUNT_OPEN, key).scalar_one() >= most:
        raise TooMany(Reason.TOO_MANY_OPEN, most)


def _take_turn(connection: sa.Connection, person: Person) -> None:
    """Be the only one who adds for this person until the transaction ends: two that counted at the
    same time would both be the last that may. On SQLite a transaction that writes is alone anyway.

    A statement of its own, because PostgreSQL answers each with what was committed before it.
    """
    if connection.dialect.name == "postgresql":
        name = f"{person.team_id}/{person.user_id}".encode()
        digest = hashlib.blake2b(name, digest_size=8).digest()
        key = int.from_bytes(digest, signed=True)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
