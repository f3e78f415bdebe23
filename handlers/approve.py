"""An approver presses *Approve* on a card.

The card counts the approval, and after the last one offers *Upgrade now*. Anybody else, the
requester above all, is told privately who may, and nothing changes.
"""

from handlers.guard import Answer, Desk
from handlers.inbound import Click


async def approve(click: Click, desk: Desk) -> Answer:
    """Count one more yes."""
    await desk.workflow.approve(click.pointer, click.place)
    return []
