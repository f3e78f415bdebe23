"""One request as rows: its document and its lines of history; and each vote once more in a table
that allows a person only one."""

from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from bot.domain.story import due_at
from bot.domain.upgrade import Event, Step, UpgradeRequest
from bot.errors import Reason, Refused
from bot.store import tables

REQUEST = TypeAdapter(UpgradeRequest)
EVENT = TypeAdapter(Event)


_table = tables.requests

# Built once: to build these statements takes longer than to run them.
_BODY = sa.select(_table.c.body).where(_table.c.id == sa.bindparam("id"))
_BODY_LOCKED = _BODY.with_for_update()
_IF_UNCHANGED = sa.update(_table).where(
    _table.c.id == sa.bindparam("of"), _table.c.version == sa.bindparam("at_version")
)
_NEW, _LINE, _VOTE = sa.insert(_table), sa.insert(tables.history), sa.insert(tables.votes)


def as_json(kind: TypeAdapter[Any], value: Any) -> str:
    """A value as the document that is stored of it."""
    return kind.dump_json(value).decode()


def read(connection: sa.Connection, request_id: str, *, lock: bool = False) -> UpgradeRequest:
    """A request. Raises Refused(UNKNOWN_REQUEST).

    With `lock` nobody else changes it until the transaction ends (on SQLite a transaction that
    writes is alone anyway).
    """
    found = connection.execute(_BODY_LOCKED if lock else _BODY, {"id": request_id})
    body = found.scalar_one_or_none()
    if body is None:
        raise Refused(Reason.UNKNOWN_REQUEST)
    return REQUEST.validate_json(body)


def add(connection: sa.Connection, request: UpgradeRequest, event: Event) -> None:
    """A new request and its first line of history."""
    connection.execute(_NEW, {"id": request.id, "shown_version": 0, **_columns(request)})
    _remember(connection, request, event)


def change(connection: sa.Connection, version: int, request: UpgradeRequest, event: Event) -> bool:
    """Compare and set: write what a step made of the request, its line of history, and the vote
    if it was one; only if the row still has that `version`, and say whether it had."""
    key = {"of": request.id, "at_version": version}
    if connection.execute(_IF_UNCHANGED, {**key, **_columns(request)}).rowcount != 1:
        return False
    _remember(connection, request, event)
    return True


def _columns(request: UpgradeRequest) -> dict[str, Any]:
    """The row of a request: what it is searched by, and the whole as one document."""
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
        "body": as_json(REQUEST, request),
    }


def _remember(connection: sa.Connection, request: UpgradeRequest, event: Event) -> None:
    line = {
        "request_id": request.id,
        "version": request.version,
        "step": event.step,
        "at": event.at,
        "body": as_json(EVENT, event),
    }
    connection.execute(_LINE, line)
    if event.step is Step.APPROVE:
        vote = request.approvals[-1]
        row = {
            "request_id": request.id,
            "round": request.round,
            "team_id": vote.by.team_id,
            "user_id": vote.by.user_id,
            "at": vote.at,
            "fingerprint": vote.fingerprint,
        }
        connection.execute(_VOTE, row)
