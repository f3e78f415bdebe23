"""An approver presses *I'm looking* on a card.

The card says who is looking, so that two do not do the same work; pressed once more, or with a
decision, it is gone. It decides nothing.
"""

from bot.requests.decide import Decisions
from handlers.dispatch import Answer
from handlers.payloads import Click


async def press(click: Click, decisions: Decisions) -> Answer:
    """Say that this person is looking, or no longer."""
    await decisions.looking(click.card_ref, click.actor)
    return []
