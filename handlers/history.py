"""A person types `/upgrade history`, `/upgrade history mine`, or `/upgrade history contoso`.

Only they see the newest requests of this channel, their own, or those for a customer: what became
of each, who asked and decided, when, and a link to its card.
"""

from bot.messages import past
from handlers.guard import Answer, Desk
from handlers.inbound import Command


async def show(command: Command, desk: Desk) -> Answer:
    """List requests, the newest first; one more is asked for, to know whether there are more."""
    whose = command.text.strip().partition(" ")[2].strip()
    if whose.lower() == past.MINE:
        found = await desk.overview.asked_by_me(command.place, past.SHOWN + 1)
    else:
        found = await desk.overview.asked_here(whose, command.place, past.SHOWN + 1)
    return [past.history(whose, found, await desk.overview.links(found))]
