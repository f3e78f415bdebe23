"""The requester presses *Withdraw*: the card closes, and nothing is ordered."""

from bot.messages import notices
from bot.requests.decide import Decisions
from handlers.dispatch import Answer
from handlers.payloads import Click


async def withdraw(click: Click, decisions: Decisions) -> Answer:
    """Take back every item that is still open."""
    return notices.kept(await decisions.withdraw(click.card_ref, click.actor))
