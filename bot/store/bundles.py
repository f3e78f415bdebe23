"""Bundles as rows: a document without its requests, which stand where all requests do, and one line
of history for whatever happened to it or to one of them. The trail that proves who did what is that
of the requests; a bundle's history is what its thread tells.

Whoever changes requests and their bundle locks the requests first, by the order of their ids, and
the bundle last; so two of them wait for each other and never both.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError

from bot.domain import bundle as steps
from bot.domain.bundle import Bundle, BundleEvent, BundleTransition
from bot.domain.subscription import Customer
from bot.domain.table import Draft
from bot.domain.upgrade import Event, Transition, UpgradeRequest
from bot.errors import Reason, Refused
from bot.store import deliveries, rows, tables, waiting
from bot.store.database import Database
from bot.store.trail import add_to_journal
from bot.telemetry import metrics

DRAFT_LASTS = timedelta(days=1)


@cache
def _json(kind: type) -> TypeAdapter[Any]:
    """How one is a document. Made when the first is needed: pydantic takes 70 ms to learn of
    bundles, and most starts see none."""
    return TypeAdapter(kind)


_table, _requests = tables.bundles, tables.requests

_BODY = sa.select(_table.c.body).where(_table.c.id == sa.bindparam("id"))
_ROWS = (
    sa.select(_requests.c.body)
    .where(_requests.c.bundle_id == sa.bindparam("id"))
    .order_by(_requests.c.id)
)
_LOCK_ROWS = (
    sa.select(_requests.c.id)
    .where(_requests.c.bundle_id == sa.bindparam("id"))
    .order_by(_requests.c.id)
    .with_for_update()
)
_IF_UNCHANGED = sa.update(_table).where(
    _table.c.id == sa.bindparam("of"), _table.c.version == sa.bindparam("at_version")
)
_NEW, _LINE = sa.insert(_table), sa.insert(tables.bundle_history)


class Bundles:
    """The bundles in a store. Every method raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, taken: BundleTransition, delivery: str = "", *, most: int) -> Bundle:
        """Store a new bundle and all its rows at once, to be attended to, unless `most` of the
        requester's wait already. One of that id that is there already is returned as it is, however
        many wait. Raises Refused(DELIVERED_AGAIN, TOO_MANY_OPEN)."""
        bundle, requests, event = taken

        def insert(connection: sa.Connection) -> tuple[Bundle, bool]:
            waiting.take_turn(connection, bundle.requester)
            if delivery:
                deliveries.note(connection, delivery, self._database.now(connection))
            with suppress(Refused):
                return read(connection, bundle.id), False
            waiting.require_room(connection, bundle.requester, most)
            connection.execute(_NEW, {"id": bundle.id, "shown_version": 0, **_columns(bundle)})
            for request, asked in requests:
                rows.add(connection, request, asked)
            _remember(connection, bundle, event)
            return bundle, True

        there, is_new = await self._database.write(insert, attend=[bundle.id])
        if is_new:
            _count(requests)
        return there

    async def take(
        self,
        bundle_id: str,
        step: Callable[[Bundle, datetime], BundleTransition],
        *,
        delivery: str = "",
        attend: Sequence[str] | None = None,
    ) -> tuple[Bundle, BundleEvent]:
        """Take one step with all steps of its rows, whole or not at all; and have `attend`
        attended to, or where it is None the bundle. A `delivery` takes one step only.

        Raises Refused (from `step`, UNKNOWN_REQUEST, SUBSCRIPTION_BUSY, DELIVERED_AGAIN).
        """

        def compare_and_set(
            connection: sa.Connection,
        ) -> tuple[Bundle, Sequence[Transition], BundleEvent]:
            connection.execute(_LOCK_ROWS, {"id": bundle_id}).all()
            before, now = read(connection, bundle_id, lock=True), self._database.now(connection)
            after, taken, event = step(before, now)
            for request, happened in taken:
                version = before.row(request.id).version
                _, seal = rows.lock(connection, request.id)
                try:
                    _must(rows.change(connection, version, seal, request, happened))
                except IntegrityError as error:  # the index that allows one of a subscription
                    busy = before.row(request.id)
                    raise Refused(Reason.SUBSCRIPTION_BUSY, request=busy) from error
            _change(connection, before, after, event)
            if delivery:
                deliveries.note(connection, delivery, now)
            return after, taken, event

        ids = [bundle_id] if attend is None else attend
        after, taken, event = await self._database.write(compare_and_set, ids)
        _count(taken)
        return after, event

    async def bundle(self, bundle_id: str) -> Bundle:
        """A bundle with its rows, as they are. Raises Refused(UNKNOWN_REQUEST)."""
        return await self._database.read(lambda connection: read(connection, bundle_id))

    async def history(self, bundle_id: str, after: int = 0) -> list[tuple[int, BundleEvent]]:
        """Its history beyond version `after`: pairs of version and event."""
        table = tables.bundle_history
        query = (
            sa.select(table.c.version, table.c.body)
            .where(table.c.bundle_id == bundle_id, table.c.version > after)
            .order_by(table.c.version)
        )
        found = await self._database.read(lambda connection: connection.execute(query).all())
        return [(version, _json(BundleEvent).validate_json(body)) for version, body in found]

    async def keep(self, draft: Draft, looked_at: Iterable[Customer]) -> None:
        """Remember what was previewed, and at which customers somebody has looked for it; and
        forget what was previewed more than a day ago."""
        table = tables.drafts
        row = {"id": draft.id, "made_at": draft.made_at, "body": rows.as_json(_json(Draft), draft)}

        def note(connection: sa.Connection) -> None:
            now = self._database.now(connection)
            connection.execute(sa.delete(table).where(table.c.made_at < now - DRAFT_LASTS))
            if draft.wanted:
                connection.execute(sa.insert(table), row)
            for each in looked_at:
                looked = {"customer": each.id, "name": each.name, "channel": draft.channel_id}
                add_to_journal(connection, now, "looked", looked, draft.person)

        await self._database.write(note)

    async def draft(self, draft_id: str) -> Draft:
        """What was previewed. Raises Refused(OFFER_GONE) after a day."""
        table = tables.drafts

        def body(connection: sa.Connection) -> str | None:
            since = self._database.now(connection) - DRAFT_LASTS
            query = sa.select(table.c.body).where(table.c.id == draft_id, table.c.made_at >= since)
            return connection.execute(query).scalar_one_or_none()

        found = await self._database.read(body)
        if found is None:
            raise Refused(Reason.OFFER_GONE)
        draft: Draft = _json(Draft).validate_json(found)
        return draft


def read(connection: sa.Connection, bundle_id: str, *, lock: bool = False) -> Bundle:
    """A bundle with its rows. Raises Refused(UNKNOWN_REQUEST).

    With `lock` nobody else changes the bundle until the transaction ends, and so no row's step that
    is not committed yet is missed.
    """
    query = _BODY.with_for_update() if lock else _BODY
    body = connection.execute(query, {"id": bundle_id}).scalar_one_or_none()
    if body is None:
        raise Refused(Reason.UNKNOWN_REQUEST)
    bundle: Bundle = _json(Bundle).validate_json(body)
    found = connection.execute(_ROWS, {"id": bundle_id}).scalars().all()
    there = {row.id: row for row in map(rows.REQUEST.validate_json, found)}
    return replace(bundle, rows=tuple(there[each] for each in bundle.request_ids))


def moved(connection: sa.Connection, row: UpgradeRequest, event: Event) -> None:
    """A row was changed by a step of its own, in this transaction: its bundle notes it."""
    before = read(connection, row.bundle_id, lock=True)
    after, _, happened = steps.moved(before, row, event)
    _change(connection, before, after, happened)


def _change(connection: sa.Connection, before: Bundle, after: Bundle, event: BundleEvent) -> None:
    key = {"of": before.id, "at_version": before.version}
    _must(connection.execute(_IF_UNCHANGED, {**key, **_columns(after)}).rowcount == 1)
    _remember(connection, after, event)


def _must(changed: bool) -> None:
    """The rows are locked, so nobody else can have changed them."""
    if not changed:
        raise RuntimeError("a bundle was changed by others though it was locked")


def _columns(bundle: Bundle) -> dict[str, Any]:
    return {
        "version": bundle.version,
        "team_id": bundle.requester.team_id,
        "requester_id": bundle.requester.user_id,
        "channel_id": bundle.channel_id,
        "created_at": bundle.created_at,
        "due_at": steps.due_at(bundle),
        "body": _json(Bundle).dump_json(bundle, exclude={"rows"}).decode(),
    }


def _remember(connection: sa.Connection, bundle: Bundle, event: BundleEvent) -> None:
    line = {
        "bundle_id": bundle.id,
        "version": bundle.version,
        "step": event.step,
        "at": event.at,
        "body": rows.as_json(_json(BundleEvent), event),
    }
    connection.execute(_LINE, line)


def _count(taken: Sequence[Transition]) -> None:
    """The steps of rows are steps like others."""
    for request, event in taken:
        metrics.step_taken(request, event)
