"""A person types `/upgrade history`, `/upgrade history mine`, or `/upgrade history contoso`.

Only they see the newest requests of this channel, their own, or those for a customer: what became
of each, who asked and decided, when, and a link to its card.
"""

from bot.messages import history
from bot.requests.queries import Queries
from handlers.dispatch import Answer
from handlers.payloads import Command


async def show(command: Command, queries: Queries) -> Answer:
    """List items, the newest first; one more is asked for, to know whether there are more."""
    whose = command.text.strip().partition(" ")[2].strip()
    if whose.lower() == history.MINE:
        found = await queries.asked_by_me(command.actor, history.SHOWN + 1)
    else:
        found = await queries.asked_here(whose, command.actor, history.SHOWN + 1)
    return [history.history(whose, found)]
