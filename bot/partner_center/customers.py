"""Customers of the partner and their subscriptions.

https://learn.microsoft.com/partner-center/developer/get-a-list-of-customers-filtered-by-a-search-field
https://learn.microsoft.com/partner-center/developer/get-all-of-a-customer-s-subscriptions
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import structlog
from pydantic import ValidationError

from bot.domain.subscription import Customer, Kind, Subscription
from bot.errors import NotFound, Unreadable
from bot.partner_center import wire
from bot.partner_center.client import Client, Trace

log = structlog.get_logger()

FOUND_AT_MOST = 50
PAGE = 500

T = TypeVar("T")


class Customers:
    """Reads customers and subscriptions."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def starting_with(self, text: str, trace: Trace) -> list[Customer]:
        """Customers whose company name or domain starts with `text`, or whose tenant id it is.

        Partner Center knows no other search. At most `FOUND_AT_MOST` of each kind.
        """
        if is_guid(text):
            try:
                return [await self._client.get(path("customers", text), trace, _customer)]
            except NotFound:
                return []
        by_name, by_domain = await asyncio.gather(
            self._filtered("CompanyName", text, trace),
            self._filtered("Domain", text, trace),
        )
        found = {customer.id: customer for customer in by_name + by_domain}
        return sorted(found.values(), key=lambda c: (c.name.casefold(), c.domain.casefold()))

    async def all(self, trace: Trace, page: int = PAGE) -> AsyncIterator[list[Customer]]:
        """Every customer of the partner, a page at a time. Raises PartnerCenterError."""
        params, headers = {"size": str(page)}, dict[str, str]()
        seen: set[str] = set()
        while True:
            collection = await self._client.get(
                "customers", trace, wire.Collection.read, params=params, headers=headers
            )
            yield _readable(collection.items, _customer)
            following = self._next_page(collection, params)
            if following is None:
                return
            params, headers = following
            position = json.dumps(following)
            if position in seen:
                raise Unreadable("the pages of customers go in a circle")
            seen.add(position)

    async def subscriptions(self, customer_id: str, trace: Trace) -> list[Subscription]:
        """Every subscription of the customer, whatever its state, with its add-ons by name."""
        where = path("customers", customer_id, "subscriptions")
        read = await self._client.get(where, trace, each(wire.Subscription.read))
        return [_subscription(subscription, read) for subscription in read]

    async def subscription(
        self, customer_id: str, subscription_id: str, trace: Trace
    ) -> Subscription:
        """One subscription as it is now, out of the list, which tells its add-ons too and says
        the same fields as before. Raises NotFound."""
        for subscription in await self.subscriptions(customer_id, trace):
            if subscription.id.lower() == subscription_id.lower():
                return subscription
        raise NotFound("the subscription is not there any more")

    async def _filtered(self, field: str, text: str, trace: Trace) -> list[Customer]:
        condition = {"Field": field, "Value": text, "Operator": "starts_with"}
        params = {"size": str(FOUND_AT_MOST), "filter": json.dumps(condition)}
        return await self._client.get("customers", trace, each(_customer), params=params)

    def _next_page(
        self, collection: wire.Collection, params: dict[str, str]
    ) -> tuple[dict[str, str], dict[str, str]] | None:
        """Parameters and headers of the next page; None behind the last one.

        The token comes beside the items or among the headers of `links.next`. Only the
        parameters of the link are taken, never its host; its address can have two question
        marks.
        """
        link = (collection.links and collection.links.next) or wire.Link()
        headers = {each.key: each.value for each in link.headers}
        token = collection.continuation_token or headers.get("MS-ContinuationToken", "")
        if not token and not link.uri:
            return None
        if urlsplit(link.uri).netloc not in ("", self._client.host):
            raise Unreadable("the next page is on another host")
        query = link.uri.partition("?")[2].replace("?", "&")
        following = {**params, **dict(parse_qsl(query)), "seekOperation": "Next"}
        return following, {"MS-ContinuationToken": token} if token else {}


def is_guid(text: str) -> bool:
    """Whether `text` is a tenant or subscription id, in any case."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def path(*parts: str) -> str:
    """A path below `/v1/` of resource names and ids, in turn.

    Nothing but a GUID ever becomes part of an address. Raises NotFound for anything else.
    """
    for identity in parts[1::2]:
        if not is_guid(identity):
            raise NotFound("not an id of Partner Center")
    return "/".join(parts)


def each(read: Callable[[Any], T]) -> Callable[[Any], list[T]]:
    """A reader of collections whose members `read` reads. One that cannot be read is left out,
    with a line in the log: it must not hide the others."""

    return lambda answer: _readable(wire.Collection.read(answer).items, read)


def _readable(items: list[Any], read: Callable[[Any], T]) -> list[T]:
    found = []
    for item in items:
        try:
            found.append(read(item))
        except ValidationError as error:
            log.warning("partner_center.unreadable_item", problems=error.error_count())
    if items and not found:
        raise ValueError("not one member could be read")
    return found


def _customer(data: Any) -> Customer:
    customer = wire.Customer.read(data)
    profile = customer.company_profile or wire.CompanyProfile()
    return Customer(
        id=(customer.id or profile.tenant_id).lower(),
        name=profile.company_name or profile.domain or customer.id,
        domain=profile.domain,
    )


def _subscription(it: wire.Subscription, others: list[wire.Subscription]) -> Subscription:
    subscription = Subscription(
        id=it.id,
        offer_id=it.offer_id,
        name=_name(it),
        seats=it.quantity or 0,
        status=it.status,
        kind=_kind(it),
        term=it.term_duration.upper(),
        billing_cycle=it.billing_cycle,
        ends_at=it.commitment_end_date or it.commitment_end_date_time,
        auto_renews=it.auto_renew_enabled,
        suspended_because=tuple(it.suspension_reasons),
        created_at=it.creation_date,
        promotion_id=it.promotion_id,
    )
    add_ons = tuple(_name(each) for each in others if _is_add_on_of(it, each))
    return replace(subscription, add_ons=add_ons, scheduled_change=_scheduled_change(it))


def _name(it: wire.Subscription) -> str:
    return it.friendly_name or it.offer_name or it.offer_id or it.id


def _is_add_on_of(it: wire.Subscription, other: wire.Subscription) -> bool:
    return other.parent_subscription_id.lower() == it.id.lower() and other.status == "active"


def _scheduled_change(it: wire.Subscription) -> str:
    """What is to happen at the renewal, as plan and seats; empty when it stays as it is."""
    there = it.scheduled_next_term_instructions
    if there is None:
        return ""
    product = there.product
    plan = ":".join(filter(None, (product.product_id, product.sku_id))) if product else ""
    seats = f"{there.quantity} seats" if there.quantity else ""
    return " ".join(filter(None, (plan, seats))) or "a change"


def _kind(it: wire.Subscription) -> Kind:
    """Which world it belongs to. `productType` is there only for modern products; the form of
    the offer id tells the rest: a GUID is a traditional licence, `product:sku:availability`
    is new commerce, `MS-AZR-…` is Azure."""
    product = it.product_type.id.lower() if it.product_type else ""
    offer = it.offer_id
    if it.parent_subscription_id:
        return Kind.ADD_ON
    if offer.upper().startswith("MS-AZR-") or product.startswith("azure"):
        return Kind.AZURE
    if "software" in product or "perpetual" in product:
        return Kind.SOFTWARE
    if product == "onlineservicesnce" or (not product and ":" in offer):
        return Kind.NEW_COMMERCE
    if it.is_trial:
        return Kind.TRIAL
    return Kind.TRADITIONAL if not product and is_guid(offer) else Kind.UNKNOWN
