"""One request as rows: its document and its lines of history; and each vote once more in a table
that allows a person only one."""

import json
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from bot.domain.lifecycle import due_at
from bot.domain.upgrade import Event, Step, UpgradeRequest
from bot.errors import Reason, Refused
from bot.store import hash_chain, tables
from bot.store.prepared import Prepared

REQUEST = TypeAdapter(UpgradeRequest)
EVENT = TypeAdapter(Event)


_table = tables.requests

_this = _table.c.id == sa.bindparam("of")
_BODY = Prepared(sa.select(_table.c.body).where(_this))
_LOCKED = Prepared(sa.select(_table.c.body, _table.c.seal).where(_this).with_for_update())
_IF_UNCHANGED = Prepared(
    sa.update(_table).where(_this, _table.c.version == sa.bindparam("at_version"))
)
_NEW, _LINE, _VOTE = (Prepared(sa.insert(each)) for each in (_table, tables.history, tables.votes))


def as_json(kind: TypeAdapter[Any], value: Any) -> str:
    """A value as the document that is stored of it."""
    return kind.dump_json(value).decode()


def read(connection: sa.Connection, request_id: str) -> UpgradeRequest:
    """A request. Raises Refused(UNKNOWN_REQUEST)."""
    row = _BODY.run(connection, {"of": request_id}).fetchone()
    if row is None:
        raise Refused(Reason.UNKNOWN_REQUEST)
    return REQUEST.validate_json(row[0])


def lock(connection: sa.Connection, request_id: str) -> tuple[UpgradeRequest, str]:
    """A request that nobody else changes until the transaction ends (on SQLite a transaction that
    writes is alone anyway), and the seal of its newest line. Raises Refused(UNKNOWN_REQUEST)."""
    row = _LOCKED.run(connection, {"of": request_id}).fetchone()
    if row is None:
        raise Refused(Reason.UNKNOWN_REQUEST)
    body, seal = row
    return REQUEST.validate_json(body), seal


def event(body: str, personal: str | None) -> Event:
    """A line of history again, as far as it is not forgotten."""
    return EVENT.validate_python(hash_chain.whole(json.loads(body), hash_chain.shown(personal)))


def add(connection: sa.Connection, request: UpgradeRequest, event: Event) -> None:
    """A new request and its first line of history."""
    columns = _columns(request)
    line = _line("", request, event, columns["body"])
    row = {"id": request.id, "shown_version": 0, "seal": line["seal"], **columns}
    _NEW.run(connection, row)
    _remember(connection, line, request, event)


def change(
    connection: sa.Connection, version: int, seal: str, request: UpgradeRequest, event: Event
) -> bool:
    """Compare and set: write what a step made of the request, its line of history after the one
    with that `seal`, and the vote if it was one; only if the row still has that `version`, and say
    whether it had."""
    columns = _changing(request)
    line = _line(seal, request, event, columns["body"])
    key = {"of": request.id, "at_version": version, "seal": line["seal"]}
    if _IF_UNCHANGED.run(connection, {**key, **columns}).rowcount != 1:
        return False
    _remember(connection, line, request, event)
    return True


def _columns(request: UpgradeRequest) -> dict[str, Any]:
    """The row of a request: what it is searched by, and the whole as one document."""
    return {
        "team_id": request.requester.team_id,
        "requester_id": request.requester.user_id,
        "channel_id": request.channel_id,
        "customer_id": request.customer.id,
        "subscription_id": request.subscription.id.lower(),
        "created_at": request.created_at,
        "bundle_id": request.bundle_id,
        **_changing(request),
    }


def _changing(request: UpgradeRequest) -> dict[str, Any]:
    """Those columns of it that a step can change: a database renews the index of every column that
    is written, also with the same value."""
    shown = {"shown_version": request.version} if request.bundle_id else {}  # its bundle shows it
    return {
        "version": request.version,
        "state": request.state,
        "due_at": due_at(request),
        **shown,
        "body": as_json(REQUEST, request),
    }


def _line(before: str, request: UpgradeRequest, event: Event, document: str) -> dict[str, Any]:
    """The line of history of a step, sealed after the line whose seal is `before`."""
    facts, personal = hash_chain.parts_of(EVENT.dump_python(event, mode="json"))
    facts["request"] = _vouched_for(request, event.step, document)
    body, (hidden, personal_hash) = hash_chain.canonical(facts), hash_chain.hide(personal)
    said = (request.id, str(request.version), event.step, event.at.astimezone(UTC).isoformat())
    return {
        "request_id": request.id,
        "version": request.version,
        "step": event.step,
        "at": event.at,
        "body": body,
        "personal": hidden,
        "personal_hash": personal_hash,
        "seal": hash_chain.seal(before, *said, body, personal_hash),
    }


def _remember(
    connection: sa.Connection, line: dict[str, Any], request: UpgradeRequest, event: Event
) -> None:
    _LINE.run(connection, line)
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
        _VOTE.run(connection, row)


def _vouched_for(request: UpgradeRequest, step: Step, document: str) -> dict[str, Any]:
    """What a line of history says of its request: the document as it is now, by its hash; what an
    approval is for, by its fingerprint; and whenever that was made anew, in plain."""
    vouched = {
        "document": hash_chain.digest_of_document(document),
        "fingerprint": request.fingerprint,
    }
    if step not in (Step.ASK, Step.DRIFT):
        return vouched
    names = ("customer", "subscription", "option", "policy", "channel_id", "evidence")
    whole = json.loads(document)
    ids = ("ms_request_id", "correlation_id")
    return vouched | {name: whole[name] for name in (*names, *ids)}
