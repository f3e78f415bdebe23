"""A person types `/upgrade` alone and finds a customer by typing ahead.

A small form opens; while they type it offers the customers whose name, domain or tenant id they may
mean. Choosing one is answered, for their eyes only, with what can be upgraded there.
"""

from bot.messages import action_ids, forms, replies
from handlers.dispatch import Answer, Desk
from handlers.listing import list_options
from handlers.payloads import Command, Search, Typing


async def open_form(command: Command, desk: Desk) -> Answer:
    """Open the form; until all customers are known, say how to type one."""
    await desk.permission.may_ask(command.actor)
    if not desk.submitter.knows_customers:
        return [replies.usage(desk.permission.policy_here(command.actor))]
    await desk.publisher.open_form(command.trigger_id, forms.find(command.channel_id))
    return []


async def suggest(typing: Typing, desk: Desk) -> list[dict[str, object]]:
    """The customers that the letters may mean."""
    return forms.customers(await desk.submitter.typed_ahead(typing.value, typing.actor))


async def chosen(search: Search, desk: Desk) -> Answer:
    """List what can be upgraded at the chosen customer."""
    customer = await desk.submitter.customer(search.chosen(action_ids.CUSTOMER), search.actor)
    return await list_options(customer, search, desk)
