"""A person types `/upgrade contoso`.

Only they see the answer: the customer's subscriptions with a button for every possible
upgrade and the reason for every impossible one; or which customers the word may mean; or, for
`/upgrade help` and `/upgrade` alone, how it is used.
"""

from bot.messages import options, replies
from handlers.guard import Answer, Desk
from handlers.inbound import Command


async def find(command: Command, desk: Desk) -> Answer:
    """Find the customer and list what can be upgraded."""
    if command.text.strip().lower() in ("", "help"):
        return [replies.usage()]
    found = await desk.workflow.find(command.text, command.place)
    if len(found) > 1:
        return [options.which_customer(found)]
    upgradable = await desk.workflow.options(found[0], command.place)
    return options.upgrade_options(found[0], upgradable)
