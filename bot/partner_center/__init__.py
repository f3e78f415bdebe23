"""Microsoft Partner Center as the story needs it: find, list, perform, look.

`client.py` makes the calls, `wire.py` knows the JSON, `auth.py` signs in, `customers.py` and
`upgrades.py` speak in domain values. Facts: https://learn.microsoft.com/partner-center/developer
"""

from bot.partner_center.auth import ENDPOINTS, Cloud, SignIn
from bot.partner_center.client import Client
from bot.partner_center.customers import Customers, is_guid
from bot.partner_center.upgrades import Answer, Listed, Sight, Upgrades, Verdict

__all__ = [
    "ENDPOINTS",
    "Answer",
    "Client",
    "Cloud",
    "Customers",
    "Listed",
    "Sight",
    "SignIn",
    "Upgrades",
    "Verdict",
    "is_guid",
]
