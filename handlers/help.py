"""A person types `/upgrade help`.

Only they see how it is used, with examples, and who may ask, approve and confirm in this channel.
"""

from bot.messages import usage
from bot.requests.permission import Permission
from handlers.dispatch import Answer
from handlers.payloads import Command


async def show(command: Command, permission: Permission) -> Answer:
    """Say how it is used, and who may do what."""
    return [usage.usage(permission.policy_here(command.actor))]
