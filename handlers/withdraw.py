"""The requester presses *Withdraw*: the card closes, and nothing is ordered."""

from handlers.dispatch import Answer, Desk
from handlers.payloads import Click


async def withdraw(click: Click, desk: Desk) -> Answer:
    """Take the request back."""
    await desk.decisions.withdraw(click.card_ref, click.actor)
    return []
