"""The requester presses *Withdraw*: the card closes, and nothing is ordered."""

from handlers.guard import Answer, Desk
from handlers.inbound import Click


async def withdraw(click: Click, desk: Desk) -> Answer:
    """Take the request back."""
    await desk.workflow.withdraw(click.pointer, click.place)
    return []
