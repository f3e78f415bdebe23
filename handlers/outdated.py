"""A person uses a button, a form or a command that this version of the bot does not know.

They are told so, instead of seeing nothing happen; what needs no answer is acknowledged.
"""

from slack_bolt.async_app import AsyncAck

from bot.errors import Reason, Refused
from bot.requests.permission import Permission
from handlers import help
from handlers.dispatch import Answer
from handlers.payloads import Click, Command, Submission


async def command(command: Command, permission: Permission) -> Answer:
    """Say how the bot is used."""
    return await help.show(command, permission)


async def button(_click: Click) -> Answer:
    """Refuse a button of another version."""
    raise Refused(Reason.UNKNOWN_BUTTON)


async def form(_form: Submission) -> Answer:
    """Refuse a form of another version."""
    raise Refused(Reason.UNKNOWN_BUTTON)


async def nothing_to_do(ack: AsyncAck) -> None:
    """Acknowledge what nobody waits for."""
    await ack()


async def no_options(ack: AsyncAck) -> None:
    """Nothing to choose from."""
    await ack(options=[])
