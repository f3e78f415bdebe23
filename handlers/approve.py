"""An approver presses *Approve* on a card.

The card counts the approval, and after the last one offers *Upgrade now*. Anybody else, the
requester above all, is told privately who may, and nothing changes.
"""

from handlers.dispatch import Answer, Desk
from handlers.payloads import Click


async def approve(click: Click, desk: Desk) -> Answer:
    """Count one more yes."""
    await desk.decisions.approve(click.card_ref, click.actor)
    return []
