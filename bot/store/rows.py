"""A request and its items as rows: their documents and their sealed lines of history; and each vote
once more in a table that allows a person only one.

Whoever changes anything of a request locks its row first, so that two of them wait for each other
there and nowhere else.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bot.domain.item import Event, Item, Step
from bot.domain.lifecycle import due_at
from bot.domain.request import Request, RequestEvent, RequestStep, Transition
from bot.domain.steps import due_at as request_due_at
from bot.errors import Reason, Refused
from bot.store import documents, hash_chain, tables
from bot.store.trail import OF_REQUEST

_requests, _items = tables.requests, tables.items

_ITEMS = sa.select(_items.c.id, _items.c.body, _items.c.seal).where(
    _items.c.request_id == sa.bindparam("id")
)
_CHANGE_REQUEST = sa.update(_requests).where(_requests.c.id == sa.bindparam("of"))
_CHANGE_ITEM = sa.update(_items).where(
    _items.c.id == sa.bindparam("of"), _items.c.version == sa.bindparam("at_version")
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A request as it is stored, with the seal of each chain's newest line, and the time that
    decides what is late."""

    request: Request
    now: datetime
    seal: str
    seals: dict[str, str]


def lock(connection: sa.Connection, request_id: str, now: sa.ColumnElement[datetime]) -> Stored:
    """A request with its items, which nobody else changes until the transaction ends; on SQLite a
    transaction that writes is alone anyway. Raises Refused(UNKNOWN_REQUEST)."""
    columns = (_requests.c.body, _requests.c.revision, _requests.c.changed_at, _requests.c.seal)
    query = sa.select(*columns).where(_requests.c.id == request_id)
    found = connection.execute(query.with_for_update()).one_or_none()
    if found is None:
        raise Refused(Reason.UNKNOWN_REQUEST)
    after_the_wait = _ITEMS.add_columns(now.label("now"))
    rows = connection.execute(after_the_wait, {"id": request_id}).all()
    request, seal = whole(found, {row.id: row.body for row in rows}), found.seal
    if request.version == 0:
        request, seal = _with_a_history(connection, request)
    return Stored(request, rows[0].now, seal, {row.id: row.seal for row in rows})


def _with_a_history(connection: sa.Connection, request: Request) -> tuple[Request, str]:
    """A request of a time when requests had no items gets the first line of its own history, at its
    next step; until then its document follows from that of its item."""
    first = replace(request, version=1, revision=0)
    event = RequestEvent(RequestStep.ASK, request.created_at, request.requester, request.item_ids)
    line = _request_line("", first, event, documents.of_request(first))
    connection.execute(sa.insert(tables.request_history), line)
    return replace(request, version=1), line["seal"]


def whole(found: Any, items: dict[str, str]) -> Request:
    """A request out of its row (`body`, `revision`, `changed_at`) and the documents of items."""
    request = documents.request(found.body)
    return replace(
        request,
        revision=found.revision,
        changed_at=found.changed_at,
        items=tuple(documents.item(items[each]) for each in request.item_ids),
    )


def add(connection: sa.Connection, transition: Transition) -> None:
    """A new request with its items, and the first line of each history."""
    request = transition.request
    columns = _request_columns(request)
    line = _request_line("", request, transition.event, columns["body"])
    row = {"id": request.id, "shown_revision": 0, "seal": line["seal"], **columns}
    connection.execute(sa.insert(_requests), row)
    connection.execute(sa.insert(tables.request_history), line)
    for item, event in transition.items:
        columns = _item_columns(request, item)
        line = _item_line("", request, item, event, columns["body"])
        row = {"id": item.id, "seal": line["seal"], **columns}
        connection.execute(sa.insert(_items), row)
        _remember(connection, line, item, event)


def change(connection: sa.Connection, before: Stored, transition: Transition) -> None:
    """Write what a step made of a locked request, with a line of history for everything that
    happened. Raises IntegrityError where the database forbids it."""
    request = transition.request
    for item, event in transition.items:
        columns = _item_changes(item)
        line = _item_line(before.seals[item.id], request, item, event, columns["body"])
        key = {"of": item.id, "at_version": before.request.item(item.id).version}
        columns["seal"] = line["seal"]
        if connection.execute(_CHANGE_ITEM, {**key, **columns}).rowcount != 1:
            raise RuntimeError("an item was changed by others though its request was locked")
        _remember(connection, line, item, event)
    changes = {**_request_changes(request), "seal": before.seal}
    if transition.event:
        line = _request_line(before.seal, request, transition.event, changes["body"])
        connection.execute(sa.insert(tables.request_history), line)
        changes["seal"] = line["seal"]
    connection.execute(_CHANGE_REQUEST, {"of": request.id, **changes})


def _request_columns(request: Request) -> dict[str, Any]:
    return {
        "team_id": request.workspace,
        "requester_id": request.requester.user_id,
        "channel_id": request.channel_id,
        "created_at": request.created_at,
        **_request_changes(request),
    }


def _request_changes(request: Request) -> dict[str, Any]:
    return {
        "version": request.version,
        "revision": request.revision,
        "changed_at": request.changed_at,
        "due_at": request_due_at(request),
        "body": documents.of_request(request),
    }


def _item_columns(request: Request, item: Item) -> dict[str, Any]:
    """The row of an item: what it is searched by, and the whole as one document."""
    return {
        "request_id": request.id,
        "team_id": request.workspace,
        "requester_id": request.requester.user_id,
        "channel_id": request.channel_id,
        "partner_id": item.partner_id,
        "customer_id": item.customer.id,
        "subscription_id": item.subscription.id.lower(),
        "created_at": item.created_at,
        **_item_changes(item),
    }


def _item_changes(item: Item) -> dict[str, Any]:
    """Those columns of it that a step can change: a database renews the index of every column that
    is written, also with the same value."""
    return {
        "version": item.version,
        "state": item.state,
        "due_at": due_at(item),
        "body": documents.of_item(item),
    }


def _item_line(
    before: str, request: Request, item: Item, event: Event, document: str
) -> dict[str, Any]:
    """The line of history of an item's step, sealed after the line whose seal is `before`."""
    vouched: dict[str, Any] = {
        "document": hash_chain.digest_of_document(document),
        "fingerprint": item.fingerprint(),
    }
    if event.step in (Step.ASK, Step.DRIFT):
        vouched |= documents.in_plain(item)
    line = _line(before, item.id, item.version, event, vouched)
    return {"item_id": item.id, "revision": request.revision, **line}


def _request_line(
    before: str, request: Request, event: RequestEvent | None, document: str
) -> dict[str, Any]:
    """The same of a request's own history. Raises ValueError for a first step without an event."""
    if event is None:
        raise ValueError("a request begins with a line of its own history")
    vouched: dict[str, Any] = {"document": hash_chain.digest_of_document(document)}
    if event.step is RequestStep.ASK:
        names = ("workspace", "channel_id", "evidence", "correlation_id")
        vouched |= {name: getattr(request, name) for name in names}
    line = _line(before, OF_REQUEST + request.id, request.version, event, vouched)
    return {"request_id": request.id, "revision": request.revision, **line}


def _line(
    before: str,
    chain: str,
    version: int,
    event: Event | RequestEvent,
    vouched: dict[str, Any],
) -> dict[str, Any]:
    """What both have: the event, what it says by a hash of the document as it is now, and who."""
    facts, personal = documents.facts_of(event)
    facts["request"] = vouched
    body, (hidden, personal_hash) = hash_chain.canonical(facts), hash_chain.hide(personal)
    said = (chain, str(version), event.step, event.at.astimezone(UTC).isoformat())
    return {
        "version": version,
        "step": event.step,
        "at": event.at,
        "body": body,
        "personal": hidden,
        "personal_hash": personal_hash,
        "seal": hash_chain.seal(before, *said, body, personal_hash),
    }


def _remember(connection: sa.Connection, line: dict[str, Any], item: Item, event: Event) -> None:
    connection.execute(sa.insert(tables.item_history), line)
    if event.step is Step.APPROVE:
        vote = item.votes.approvals[-1]
        row = {
            "item_id": item.id,
            "round": item.votes.round,
            "team_id": vote.by.team_id,
            "user_id": vote.by.user_id,
            "at": vote.at,
            "fingerprint": vote.fingerprint,
        }
        connection.execute(sa.insert(tables.votes), row)
