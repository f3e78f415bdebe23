"""The audit trail for people who were not there: as a table, as JSON, and whether it is whole.

Every line says what happened, by whom, when, under which policy, and about what exactly: the
fingerprint of what was approved, the ids that Microsoft knows it by, and the link of its card.
"""

import csv
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any, TextIO

from bot.messages.files import cell
from bot.store import JOURNAL, Known, Line, Store, Tie, Verification
from bot.store.trail import OF_REQUEST

COLUMNS = (
    "at", "of", "number", "what", "state", "by", "note", "reason",
    "customer", "customer_id", "subscription_id", "from_plan", "to_plan", "upgrade_type", "seats",
    "channel", "card", "evidence", "policy", "fingerprint", "request_id", "correlation_id",
    "new_subscription_id", "partner_center_record", "seal",
)  # fmt: skip

FORGOTTEN = "(forgotten)"


async def export(store: Store, to: TextIO, *, since: datetime | None, as_json: bool) -> int:
    """Write the trail from `since` on, in the order of time; how many lines."""
    entries = [entry async for entry in _entries(store, since)]
    entries.sort(key=lambda entry: entry["at"])
    if as_json:
        json.dump(entries, to, indent=1, ensure_ascii=False)
        to.write("\n")
        return len(entries)
    table = csv.writer(to, quoting=csv.QUOTE_ALL, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([cell(_text(entry[column])) for column in COLUMNS] for entry in entries)
    return len(entries)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


async def _entries(store: Store, since: datetime | None) -> AsyncIterator[dict[str, Any]]:
    started = await store.trail.newest("started") or {}
    workspace = started.get("workspace_url", "")
    known = None
    of = JOURNAL
    async for line in store.trail.lines(since):
        if line.of != of:
            of, known = line.of, await store.trail.known_of(line.of)
        yield _entry(line, known, workspace)


def _entry(line: Line, known: Known | None, workspace: str) -> dict[str, Any]:
    item, request = (known.item, known.request) if known else ({}, {})
    facts = line.facts
    change = item.get("change") or item.get("option", {})
    subscription, customer = item.get("subscription", {}), item.get("customer", {})
    vouched = facts.get("request", {}) if known else {}
    outcome = facts.get("outcome") or {}
    aftermath = facts.get("aftermath") or {}
    return {
        "at": line.at.astimezone(UTC).isoformat(),
        "of": line.of,
        "number": line.number,
        "what": line.what,
        "state": facts.get("state", ""),
        "by": _who(line),
        "note": _note(line),
        "reason": facts.get("reason", ""),
        "customer": customer.get("name", facts.get("name", "")),
        "customer_id": customer.get("id", facts.get("customer", "")),
        "subscription_id": subscription.get("id", ""),
        "from_plan": subscription.get("name", ""),
        "to_plan": change.get("name", ""),
        "upgrade_type": change.get("type", ""),
        "seats": change.get("seats", ""),
        "channel": request.get("channel_id", facts.get("channel", "")),
        "card": _link(workspace, known.card) if known else "",
        "evidence": request.get("evidence", ""),
        "policy": known.policy_at(line.number) if known else facts.get("policy"),
        "fingerprint": vouched.get("fingerprint", ""),
        "request_id": item.get("ms_request_id", ""),
        "correlation_id": item.get("correlation_id", request.get("correlation_id", "")),
        "new_subscription_id": outcome.get("target_subscription_id", ""),
        "partner_center_record": aftermath.get("record", ""),
        "seal": line.seal,
        "facts": facts,
        "personal": FORGOTTEN if line.personal is None else line.personal,
    }


def _who(line: Line) -> str:
    if line.personal is None:
        return FORGOTTEN
    by = line.personal.get("by")
    return f"{by['team_id']}/{by['user_id']}" if by else "upgrade-bot"


def _note(line: Line) -> str:
    if line.personal and "note" in line.personal:
        return str(line.personal["note"])
    return str(line.facts.get("note", ""))


def _link(workspace: str, place: tuple[str, str] | None) -> str:
    """As Slack copies it."""
    if not place:
        return ""
    channel, ts = place
    return f"{workspace.rstrip('/')}/archives/{channel}/p{ts.replace('.', '')}"


def tie_of(text: str) -> Tie | None:
    """A tie as it was written down, `number:seal`. Raises ValueError."""
    number, _, seal = text.partition(":")
    return Tie(int(number), seal.strip().lower()) if text else None


def _name(of: str) -> str:
    """Whose history it is, for a person."""
    if of == JOURNAL:
        return "the journal"
    return f"request {of.removeprefix(OF_REQUEST)}" if of.startswith(OF_REQUEST) else f"item {of}"


def verdict(proof: Verification, known: Tie | None) -> Iterator[str]:
    """What a proof found, in lines; `known` is a tie that was written down elsewhere."""
    for broken in proof.broken[:1]:
        where = f"{_name(broken.of)}, line {broken.number}"
        yield f"TOUCHED: {where} ({broken.at:%Y-%m-%d %H:%M:%S} UTC)"
        yield f"  {broken.how}"
        if len(proof.broken) > 1:
            yield f"  and {len(proof.broken) - 1} more places, this being the earliest"
    if not proof.broken:
        yield f"All {proof.lines} lines are as they were written."
    if proof.forgotten:
        yield f"In {proof.forgotten} of them the people are forgotten, as the settings say."
    if proof.last_tie:
        yield f"The last tie is {proof.last_tie.number}:{proof.last_tie.seal}"
    if known and not proof.broken:
        yield f"The tie {known.number} that was written down elsewhere is among them."
