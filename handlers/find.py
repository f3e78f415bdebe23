"""A person types `/upgrade` alone and finds a customer by typing ahead.

A small form opens; while they type it offers the customers whose name, domain or tenant id they may
mean. Choosing one is answered, for their eyes only, with what can be upgraded there.
"""

from bot.messages import action_ids, forms, usage
from bot.requests.find import Finder
from bot.requests.permission import Permission
from bot.slack.messenger import Messenger
from handlers.dispatch import Answer
from handlers.listing import list_options
from handlers.payloads import Command, Search, Typing


async def open_form(
    command: Command, finder: Finder, permission: Permission, messenger: Messenger
) -> Answer:
    """Open the form; until all customers are known, say how to type one."""
    await permission.may_ask(command.actor)
    if not finder.knows_customers:
        return [usage.usage(permission.policy_here(command.actor))]
    await messenger.open_form(command.trigger_id, forms.find(command.channel_id))
    return []


async def suggest(typing: Typing, finder: Finder) -> list[dict[str, object]]:
    """The customers that the letters may mean."""
    return forms.customers(await finder.typed_ahead(typing.value, typing.actor))


async def chosen(search: Search, finder: Finder, messenger: Messenger) -> Answer:
    """List what can be upgraded at the chosen customer."""
    customer = await finder.customer(search.chosen(action_ids.CUSTOMER), search.actor)
    return await list_options(customer, search, finder, messenger, finder.defaults)
