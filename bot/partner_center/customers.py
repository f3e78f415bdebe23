"""Customers of the partner and their subscriptions.

https://learn.microsoft.com/partner-center/developer/get-a-list-of-customers-filtered-by-a-search-field
https://learn.microsoft.com/partner-center/developer/get-all-of-a-customer-s-subscriptions
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from bot.domain.subscription import Customer, Kind, Subscription
from bot.errors import NotFound
from bot.partner_center import wire
from bot.partner_center.client import Client

PAGE = 50

T = TypeVar("T")


class Customers:
    """Reads customers and subscriptions."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def starting_with(self, text: str, correlation_id: str) -> list[Customer]:
        """Customers whose company name or domain starts with `text`, or whose tenant id it is.

        Partner Center knows no other search. At most `PAGE` of each kind.
        """
        if is_guid(text):
            try:
                return [await self._client.get(path("customers", text), correlation_id, _customer)]
            except NotFound:
                return []
        by_name, by_domain = await asyncio.gather(
            self._filtered("CompanyName", text, correlation_id),
            self._filtered("Domain", text, correlation_id),
        )
        found = {customer.id.lower(): customer for customer in by_name + by_domain}
        return sorted(found.values(), key=lambda c: (c.name.casefold(), c.domain.casefold()))

    async def subscriptions(self, customer_id: str, correlation_id: str) -> list[Subscription]:
        """Every subscription of the customer, whatever its state."""
        where = path("customers", customer_id, "subscriptions")
        return await self._client.get(where, correlation_id, each(_subscription))

    async def subscription(
        self, customer_id: str, subscription_id: str, correlation_id: str
    ) -> Subscription:
        """One subscription as it is now. Raises NotFound."""
        where = path("customers", customer_id, "subscriptions", subscription_id)
        return await self._client.get(where, correlation_id, _subscription)

    async def _filtered(self, field: str, text: str, correlation_id: str) -> list[Customer]:
        condition = {"Field": field, "Value": text, "Operator": "starts_with"}
        return await self._client.get(
            "customers",
            correlation_id,
            each(_customer),
            size=str(PAGE),
            filter=json.dumps(condition),
        )


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
    """A reader of collections whose members `read` reads."""
    return lambda answer: [read(item) for item in wire.Collection.read(answer).items]


def _customer(data: Any) -> Customer:
    customer = wire.Customer.read(data)
    profile = customer.company_profile
    return Customer(
        id=(customer.id or profile.tenant_id).lower(),
        name=profile.company_name or profile.domain or customer.id,
        domain=profile.domain,
    )


def _subscription(data: Any) -> Subscription:
    subscription = wire.Subscription.read(data)
    return Subscription(
        id=subscription.id,
        offer_id=subscription.offer_id,
        name=subscription.friendly_name or subscription.offer_name or subscription.offer_id,
        seats=subscription.quantity,
        status=subscription.status,
        kind=_kind(subscription),
        term=subscription.term_duration,
        billing_cycle=subscription.billing_cycle,
        ends_at=subscription.commitment_end_date,
        auto_renews=subscription.auto_renew_enabled,
        suspended_because=tuple(subscription.suspension_reasons),
        created_at=subscription.creation_date,
    )


def _kind(subscription: wire.Subscription) -> Kind:
    """Which world it belongs to. `productType` is there only for modern products; the form of
    the offer id tells the rest: a GUID is a traditional licence, `product:sku:availability`
    is new commerce, `MS-AZR-…` is Azure."""
    product = subscription.product_type.id if subscription.product_type else ""
    offer = subscription.offer_id
    if subscription.parent_subscription_id:
        return Kind.ADD_ON
    if offer.upper().startswith("MS-AZR-") or product.lower().startswith("azure"):
        return Kind.AZURE
    if product.lower() in ("software", "perpetualsoftware", "softwaresubscriptions"):
        return Kind.SOFTWARE
    if product == "OnlineServicesNCE" or ":" in offer:
        return Kind.NEW_COMMERCE
    if subscription.is_trial:
        return Kind.TRIAL
    return Kind.TRADITIONAL if is_guid(offer) else Kind.UNKNOWN
