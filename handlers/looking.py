"""An approver presses *I'm looking* on a card.

The card says who is looking, so that two do not do the same work; pressed once more, or with a
decision, it is gone. It decides nothing.
"""

from handlers.dispatch import Answer, Desk
from handlers.payloads import Click


async def press(click: Click, desk: Desk) -> Answer:
    """Say that this person is looking, or no longer."""
    await desk.decisions.looking(click.card_ref, click.actor)
    return []
