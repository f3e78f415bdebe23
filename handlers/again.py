"""A person presses *Ask again* or *Try again* on the card of a request that came to nothing.

Only they see what can be upgraded at the same customer now; the ended request stays as it is.
"""

from handlers.guard import Answer, Desk
from handlers.inbound import Click
from handlers.listing import list_options


async def press(click: Click, desk: Desk) -> Answer:
    """List what can be upgraded now."""
    customer = await desk.workflow.ask_again(click.pointer, click.place)
    return await list_options(customer, click, desk)
