"""Requests, items and their events as the JSON documents that are stored.

An item that was stored when requests had no items has another shape. It is read as it is, and
written in the new one at its next step.
"""

import json
from typing import Any

from pydantic import TypeAdapter

from bot.domain.item import Event, Item
from bot.domain.request import Request, RequestEvent
from bot.store import hash_chain

Json = dict[str, Any]

_ITEM = TypeAdapter(Item)
_REQUEST = TypeAdapter(Request)
_EVENT = TypeAdapter(Event)
_REQUEST_EVENT = TypeAdapter(RequestEvent)

_NOT_IN_THE_DOCUMENT = {"items", "revision", "changed_at"}


def of_item(item: Item) -> str:
    """The document of an item."""
    return _ITEM.dump_json(item).decode()


def of_request(request: Request) -> str:
    """The document of a request, without its items, which have their own."""
    return _REQUEST.dump_json(request, exclude=_NOT_IN_THE_DOCUMENT).decode()


def in_plain(item: Item) -> Json:
    """What an approval of an item is about, in words that stay in its history."""
    whole = _ITEM.dump_python(item, mode="json")
    names = ("customer", "subscription", "change", "policy", "ms_request_id", "correlation_id")
    return {name: whole[name] for name in names}


def item(body: str) -> Item:
    """An item again."""
    if '"change":{' in body:
        return _ITEM.validate_json(body)
    return _ITEM.validate_python(_from_flat(json.loads(body)))


def request(body: str) -> Request:
    """A request again, without its items."""
    return _REQUEST.validate_json(body)


def facts_of(event: Event | RequestEvent) -> tuple[Json, Json]:
    """What stays for ever of an event, and what is personal."""
    kind: TypeAdapter[Any] = _EVENT if isinstance(event, Event) else _REQUEST_EVENT
    return hash_chain.parts_of(kind.dump_python(event, mode="json"))


def event(body: str, personal: str | None) -> Event:
    """A line of an item's history again, as far as it is not forgotten."""
    whole = hash_chain.whole(json.loads(body), hash_chain.shown(personal))
    return _EVENT.validate_python(whole)


def request_event(body: str, personal: str | None) -> RequestEvent:
    """A line of a request's history again."""
    whole = hash_chain.whole(json.loads(body), hash_chain.shown(personal))
    return _REQUEST_EVENT.validate_python(whole)


def _from_flat(old: Json) -> Json:
    """A document as it was when requests had no items, in the shape of today."""
    kept = (
        "id", "version", "state", "customer", "subscription", "policy", "ms_request_id",
        "correlation_id", "created_at", "expires_at",
    )  # fmt: skip
    return {name: old[name] for name in kept} | {
        "request_id": old.get("bundle_id") or old["id"],
        "partner_id": "",
        "change": _change(old),
        "price": old.get("price"),
        "earlier": old.get("earlier", ()),
        "votes": {
            "round": old["round"],
            "asked_at": old.get("waits_since"),
            "reminders": old.get("reminders", 0),
            "looking": old.get("readers", ()),
            "approvals": old["approvals"],
        },
        "attempt": {
            "number": old["attempt"],
            "by": old["confirmed_by"],
            "at": old["confirmed_at"],
            "sent_at": old["sent_at"],
            "sent_by": old.get("sent_by", ""),
            "operation_id": old.get("operation_id", ""),
            "looks": old.get("looks", 0),
            "looked_at": old.get("looked_at"),
            "licences_before": old.get("licences_before", ()),
            "lost_before": old.get("sent_before", False),
        },
        "ending": _ending(old),
    }


def _change(old: Json) -> Json:
    option = old["option"]
    change = {name: option[name] for name in ("offer_id", "name", "type", "seats")}
    if old["subscription"]["kind"] != "new_commerce":
        return change | {"kind": "upgrade_now"}
    names = ("into", "into_name", "term", "billing_cycle")
    return change | {name: option.get(name, "") for name in names} | {"kind": "transition_now"}


def _ending(old: Json) -> Json | None:
    if old["closed_at"] is None:
        return None
    return {
        "at": old["closed_at"],
        "by": old["closed_by"],
        "because": old["closed_because"],
        "outcome": old["outcome"],
        "follow_ups": old.get("cared", 0),
    }
