"""A person types `/upgrade contoso`.

Only they see the answer: the customer's subscriptions with a button for every possible
upgrade and the reason for every impossible one; or which customers the word may mean.
`/upgrade help` and `/upgrade history` are answered by the files of these names.
"""

from bot.messages import options
from handlers import help, history
from handlers.guard import Answer, Desk
from handlers.inbound import Command


async def typed(command: Command, desk: Desk) -> Answer:
    """What the first word asks for; any other is a customer."""
    match command.text.lower().split():
        case [] | ["help"]:
            return await help.show(command, desk)
        case ["history", *_]:
            return await history.show(command, desk)
    return await find(command, desk)


async def find(command: Command, desk: Desk) -> Answer:
    """Find the customer and list what can be upgraded."""
    found = await desk.workflow.find(command.text, command.place)
    if len(found) > 1:
        return [options.which_customer(found)]
    upgradable = await desk.workflow.options(found[0], command.place)
    return options.upgrade_options(found[0], upgradable)
