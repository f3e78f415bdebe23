"""A person types `/upgrade status` where the bot does not do what they expect.

Only they see, line by line, what is in order for them in this channel and what is not, with what to
do about it.
"""

from bot.messages import status
from bot.requests.find import Finder
from handlers.dispatch import Answer
from handlers.payloads import Command


async def show(command: Command, finder: Finder) -> Answer:
    """Look at everything that this person needs here."""
    return [status.status(await finder.status(command.actor))]
