"""A person types `/upgrade contoso`.

Only they see the answer: the customer's subscriptions with a button for every possible
upgrade and the reason for every impossible one; or which customers the word may mean.
`/upgrade` alone, `bulk`, `help`, `history` and `status` are answered by `find.py` and the files of
these names.
"""

from bot.messages import options
from handlers import bulk, find, help, history, status
from handlers.dispatch import Answer, Desk
from handlers.listing import list_options
from handlers.payloads import Command


async def typed(command: Command, desk: Desk) -> Answer:
    """What the first word asks for; any other is a customer."""
    match command.text.lower().split():
        case []:
            return await find.open_form(command, desk)
        case ["help"]:
            return await help.show(command, desk)
        case ["bulk"]:
            return await bulk.open_form(command, desk)
        case ["status"]:
            return await status.show(command, desk)
        case ["history", *_]:
            return await history.show(command, desk)
    return await find_and_list(command, desk)


async def find_and_list(command: Command, desk: Desk) -> Answer:
    """Find the customer and list what can be upgraded."""
    found = await desk.submitter.find(command.text, command.actor)
    if len(found) > 1:
        return [options.which_customer(found)]
    return await list_options(found[0], command, desk)
