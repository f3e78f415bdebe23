"""What Partner Center's own audit says of an upgrade of ours, found by its correlation id.

https://learn.microsoft.com/partner-center/developer/get-a-record-of-partner-center-activity
"""

import json

from bot.domain.upgrade import UpgradeRequest
from bot.errors import PartnerCenterError
from bot.partner_center import wire
from bot.partner_center.client import Client, Trace
from bot.partner_center.customers import each


async def operation_status(client: Client, request: UpgradeRequest) -> str:
    """`succeeded`, `failed`, `progress` or `decline`; empty when there is no record, or none
    that this sign-in or this cloud may read."""
    since = request.sent_at or request.created_at
    condition = {"Field": "CustomerId", "Value": request.customer.id, "Operator": "equals"}
    params = {"startDate": f"{since:%Y-%m-%d}", "filter": json.dumps(condition)}
    trace = Trace(request.correlation_id)
    try:
        records = await client.get_aside(
            "auditrecords", trace, each(wire.AuditRecord.read), params=params
        )
    except PartnerCenterError:
        return ""
    ours = [r for r in records if r.original_correlation_id.lower() == request.correlation_id]
    return ours[-1].operation_status if ours else ""
