"""An approver presses *Approve* on a card, or *Approve all* on one of several.

The card counts the approval, and after the last one offers *Upgrade now*. Others, the requester
above all, are told privately who may, and nothing changes.
"""

from bot.messages import notices
from bot.requests.decide import Decisions
from handlers.dispatch import Answer
from handlers.payloads import Click


async def approve(click: Click, decisions: Decisions) -> Answer:
    """Count one more yes for every item that this person may approve."""
    return notices.kept(await decisions.approve(click.card_ref, click.actor))
