"""A practice Partner Center with its sign-in."""

from bot.sandbox.partner_center.records import Records
from bot.sandbox.partner_center.server import Gate, PartnerCenterServer, Trouble
from bot.sandbox.partner_center.transitions import Transitions

__all__ = ["Gate", "PartnerCenterServer", "Records", "Transitions", "Trouble"]
