"""A person presses *Ask again* or *Try again* on the card of a request that came to nothing.

Only they see what can be upgraded at the same customer now; the ended request stays as it is.
"""

from handlers.dispatch import Answer, Desk
from handlers.listing import list_options
from handlers.payloads import Click


async def press(click: Click, desk: Desk) -> Answer:
    """List what can be upgraded now."""
    customer = await desk.decisions.ask_again(click.card_ref, click.actor)
    return await list_options(customer, click, desk)
