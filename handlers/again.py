"""A person presses *Ask again* or *Try again* on the card of a request that came to nothing.

Only they see what can be upgraded at the same customer now, or for several customers the form with
their lines; the ended request stays as it is.
"""

from bot.messages import table
from bot.requests.decide import Decisions
from bot.requests.find import Finder
from bot.requests.permission import Permission
from bot.slack.messenger import Messenger
from handlers.dispatch import Answer
from handlers.listing import list_options
from handlers.payloads import Click


async def press(
    click: Click,
    decisions: Decisions,
    finder: Finder,
    permission: Permission,
    messenger: Messenger,
) -> Answer:
    """List what can be upgraded now, or open the form for a table."""
    items = await decisions.ask_again(click.card_ref, click.actor)
    if len({item.customer.id for item in items}) == 1:
        return await list_options(items[0].customer, click, finder, messenger, items[0].policy)
    policy = permission.policy_here(click.actor)
    form = table.paste(click.actor.channel_id, policy, table.again(items))
    await messenger.open_form(click.trigger_id, form)
    return []
