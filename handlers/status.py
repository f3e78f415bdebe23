"""A person types `/upgrade status` where the bot does not do what they expect.

Only they see, line by line, what is in order for them in this channel and what is not, with what to
do about it.
"""

from bot.messages import status
from handlers.dispatch import Answer, Desk
from handlers.payloads import Command


async def show(command: Command, desk: Desk) -> Answer:
    """Look at everything that this person needs here."""
    return [status.status(await desk.submitter.status(command.actor))]
