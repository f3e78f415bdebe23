"""What Partner Center's own audit says of an upgrade of ours, found by its correlation id.

https://learn.microsoft.com/partner-center/developer/get-a-record-of-partner-center-activity
"""

import json

from bot.domain.item import Item
from bot.errors import PartnerCenterError
from bot.partner_center import wire
from bot.partner_center.client import Client, Trace
from bot.partner_center.customers import each


async def operation_status(client: Client, item: Item) -> str:
    """`succeeded`, `failed`, `progress` or `decline`; empty when there is no record, or none
    that this sign-in or this cloud may read."""
    ours = await _records(client, item)
    return ours[-1].operation_status if ours else ""


async def record_of(client: Client, item: Item) -> str:
    """The record of an upgrade as our own audit trail cites it: what, how it ended, when, and its
    id where it has one; empty as in `operation_status`."""
    ours = await _records(client, item)
    if not ours:
        return ""
    parts = (ours[-1].operation_type, ours[-1].operation_status, ours[-1].operation_date)
    return " ".join(part for part in (*parts, ours[-1].id) if part)


async def _records(client: Client, item: Item) -> list[wire.AuditRecord]:
    """Those of this request, by its correlation id."""
    since = item.attempt.sent_at or item.created_at
    condition = {"Field": "CustomerId", "Value": item.customer.id, "Operator": "equals"}
    params = {"startDate": f"{since:%Y-%m-%d}", "filter": json.dumps(condition)}
    trace = Trace(item.correlation_id)
    try:
        records = await client.get_aside(
            "auditrecords", trace, each(wire.AuditRecord.read), params=params
        )
    except PartnerCenterError:
        return []
    return [r for r in records if r.original_correlation_id.lower() == item.correlation_id]
