"""The hash chains of the audit trail, as pure functions over JSON.

Every line carries a hash over itself and the seal of the line before, so that a line that is
changed, inserted or removed breaks the chain there. Of personal data only a hash is sealed, over
the data and a random salt that is kept with it: once both are taken away, nobody can tell from the
hash who it was, and the chain still holds.
"""

import hashlib
import json
import secrets
from typing import Any

Json = dict[str, Any]

NOBODY = {"team_id": "", "user_id": ""}
"""What stands for a person who was forgotten."""

_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(value: Any) -> str:
    """The one text of a JSON value."""
    return _CANONICAL.encode(value)


def digest(text: str) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def seal(before: str, *line: str) -> str:
    """The seal of a line after the line whose seal was `before`; empty for the first one."""
    return digest(canonical([before, *line]))


def hide(personal: Json) -> tuple[str | None, str]:
    """Personal data as the text that is kept beside its line, and the hash that is sealed in its
    stead; nothing when there is none."""
    if not personal:
        return None, ""
    text = canonical({"salt": secrets.token_hex(16), **personal})
    return text, digest(text)


def shown(personal: str | None) -> Json:
    """The personal data of a line; empty when there is none any more."""
    data: Json = json.loads(personal) if personal else {}
    data.pop("salt", None)
    return data


def parts_of(event: Json) -> tuple[Json, Json]:
    """What stays for ever of an event, and what is personal: who, what they wrote, and whose
    licences did not move."""
    facts, personal = dict(event), {}
    if facts.pop("by", None):
        personal["by"] = event["by"]
    if event["step"] == "decline" and facts.pop("note", ""):
        personal["note"] = event["note"]
    outcome = facts.get("outcome")
    if outcome and outcome["license_errors"]:
        facts["outcome"] = {**outcome, "license_errors": []}
        personal["license_errors"] = outcome["license_errors"]
    return facts, personal


def whole(facts: Json, personal: Json) -> Json:
    """The event again."""
    event = {**facts, **personal}
    if errors := event.pop("license_errors", None):
        event["outcome"] = {**event["outcome"], "license_errors": errors}
    return event


def without_people(document: Json) -> Json:
    """The document of a request or of an item without the people in it."""
    if "item_ids" in document:
        return _request_without_people(document)
    return _item_without_people(document) if "change" in document else _old_one(document)


def digest_of_document(text: str) -> str:
    """A hash of a document that stays the same when its people are forgotten."""
    return digest(canonical(without_people(json.loads(text))))


def _request_without_people(document: Json) -> Json:
    left = {**document, "requester": NOBODY, "reason": ""}
    if run := document.get("run"):
        items = [{**each, "by": NOBODY} for each in run["items"]]
        left["run"] = {**run, "by": NOBODY, "items": items}
    return left


def _item_without_people(document: Json) -> Json:
    votes, attempt = document["votes"], document["attempt"]
    approvals = [{**approval, "by": NOBODY} for approval in votes["approvals"]]
    left = {
        **document,
        "votes": {**votes, "looking": [], "approvals": approvals},
        "attempt": {**attempt, "by": None},
        "earlier": [{**each, "requester": NOBODY} for each in document["earlier"]],
    }
    if ending := document["ending"]:
        ending = {**ending, "by": None, "because": ""}
        if outcome := ending["outcome"]:
            ending["outcome"] = {**outcome, "license_errors": []}
        left["ending"] = ending
    return left


def _old_one(document: Json) -> Json:
    """A document as it was when requests had no items."""
    left = {
        **document,
        "requester": NOBODY,
        "reason": "",
        "readers": [],
        "confirmed_by": None,
        "closed_by": None,
        "closed_because": "",
        "approvals": [{**approval, "by": NOBODY} for approval in document["approvals"]],
    }
    if document["outcome"]:
        left["outcome"] = {**document["outcome"], "license_errors": []}
    return left
