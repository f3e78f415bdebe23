"""Microsoft Partner Center as the story needs it: find, list, perform, look.

`partner_center.py` is one interface over both commerce worlds, `upgrades.py` (traditional) and
`transitions.py` (new commerce); `client.py` makes the calls, `wire.py` knows the JSON, `auth.py`
signs in. Facts: https://learn.microsoft.com/partner-center/developer
"""

from bot.partner_center.answers import Answer, Listed, LookResult, Observation, Verdict
from bot.partner_center.auth import (
    ENDPOINTS,
    NOBODY_SIGNED_IN,
    Application,
    Cloud,
    SignIn,
    device_login,
)
from bot.partner_center.client import Client, Limits, Trace
from bot.partner_center.customers import Customers, is_guid
from bot.partner_center.partner_center import PartnerCenter

__all__ = [
    "ENDPOINTS",
    "NOBODY_SIGNED_IN",
    "Answer",
    "Application",
    "Client",
    "Cloud",
    "Customers",
    "Limits",
    "Listed",
    "LookResult",
    "Observation",
    "PartnerCenter",
    "SignIn",
    "Trace",
    "Verdict",
    "device_login",
    "is_guid",
]
