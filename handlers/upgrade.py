"""A person types `/upgrade contoso`.

Only they see the answer: the customer's subscriptions with a button for every possible
upgrade and the reason for every impossible one; or which customers the word may mean.
`/upgrade` alone, `bulk`, `help`, `history` and `status` are answered by `find.py` and the files of
these names.
"""

from bot.messages import options
from bot.requests.find import Finder
from bot.requests.permission import Permission
from bot.requests.queries import Queries
from bot.slack.messenger import Messenger
from handlers import bulk, find, help, history, status
from handlers.dispatch import Answer
from handlers.listing import list_options
from handlers.payloads import Command


async def typed(
    command: Command,
    finder: Finder,
    permission: Permission,
    messenger: Messenger,
    queries: Queries,
) -> Answer:
    """What the first word asks for; any other is a customer."""
    match command.text.lower().split():
        case []:
            return await find.open_form(command, finder, permission, messenger)
        case ["help"]:
            return await help.show(command, permission)
        case ["bulk"]:
            return await bulk.open_form(command, permission, messenger)
        case ["status"]:
            return await status.show(command, finder)
        case ["history", *_]:
            return await history.show(command, queries)
    return await find_and_list(command, finder, messenger)


async def find_and_list(command: Command, finder: Finder, messenger: Messenger) -> Answer:
    """Find the customer and list what can be upgraded."""
    found = await finder.find(command.text, command.actor)
    if len(found) > 1:
        return [options.which_customer(found)]
    return await list_options(found[0], command, finder, messenger, finder.defaults)
