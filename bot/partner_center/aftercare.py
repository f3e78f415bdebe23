"""How things stand some time after an upgrade: both subscriptions, add-ons, licences.

https://learn.microsoft.com/partner-center/developer/get-a-list-of-available-licenses
"""

import asyncio

from bot.domain.item import Item
from bot.domain.outcome import Aftermath, LicenceCount
from bot.errors import PartnerCenterError
from bot.partner_center import wire
from bot.partner_center.audit import record_of
from bot.partner_center.client import Client, Trace
from bot.partner_center.customers import Customers, each, path


async def licence_counts(
    client: Client, customer_id: str, trace: Trace
) -> tuple[LicenceCount, ...]:
    """Assigned and bought licences of each product; empty where the sign-in may not see them,
    which an application alone never may."""
    where = path("customers", customer_id) + "/subscribedskus"
    try:
        skus = await client.get_aside(where, trace, each(wire.SubscribedSku.read))
    except PartnerCenterError:
        return ()
    return tuple(
        LicenceCount(
            sku.product_sku.id,
            sku.product_sku.name or sku.product_sku.sku_part_number,
            sku.consumed_units or 0,
            sku.total_units or 0,
        )
        for sku in skus
        if sku.product_sku
    )


async def aftermath(client: Client, customers: Customers, item: Item) -> Aftermath:
    """What there is now of a finished upgrade. Raises PartnerCenterError."""
    trace = Trace(item.correlation_id)
    target = item.outcome.target_subscription_id
    there, licences, record = await asyncio.gather(
        customers.subscriptions(item.customer.id, trace),
        licence_counts(client, item.customer.id, trace),
        record_of(client, item),
    )
    by_id = {subscription.id.lower(): subscription for subscription in there}
    return Aftermath(
        source=by_id.get(item.subscription.id.lower()),
        target=by_id.get(target.lower()),
        licences=licences,
        record=record,
    )
