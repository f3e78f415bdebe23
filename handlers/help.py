"""A person types `/upgrade help`.

Only they see how it is used, with examples, and who may ask, approve and confirm in this channel.
"""

from bot.messages import replies
from handlers.dispatch import Answer, Desk
from handlers.payloads import Command


async def show(command: Command, desk: Desk) -> Answer:
    """Say how it is used, and who may do what."""
    return [replies.usage(desk.permission.policy_here(command.actor))]
