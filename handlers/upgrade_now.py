"""The requester (or whom the policy names) presses *Upgrade now* and confirms.

The card shows that it is running, then what came of it; the result stands in its thread.
"""

from bot.messages import notices
from bot.requests.decide import Decisions
from handlers.dispatch import Answer
from handlers.payloads import Click


async def press(click: Click, decisions: Decisions) -> Answer:
    """Store the confirmation of every approved item; the bot performs one after the other."""
    return notices.kept(await decisions.confirm(click.card_ref, click.actor))
