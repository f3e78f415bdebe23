"""A name, a button or a form that leads to a customer ends in a list for one person's eyes: each
subscription with a button for every possible upgrade and the reason for every impossible one.

A long list comes in several messages, the first as soon as there is something to press.
"""

from contextlib import aclosing

from bot.domain.policy import Policy
from bot.domain.subscription import Customer
from bot.messages import options
from bot.messages.language import current_locale
from bot.requests.find import Finder
from bot.slack.messenger import Messenger
from handlers.dispatch import Answer
from handlers.payloads import Click, Command, Search


async def list_options(
    customer: Customer,
    event: Command | Click | Search,
    finder: Finder,
    messenger: Messenger,
    asked: Policy,
) -> Answer:
    """Show what can be upgraded, as it becomes known, to a person whom the policy `asked` lets
    ask."""
    actor, url, goes_on = event.actor, event.response_url, False
    found = finder.options(customer, actor, current_locale(), asked=asked)
    async with aclosing(found) as parts:
        async for part in parts:
            messages = options.upgrade_options(customer, part, goes_on=goes_on)
            url = await messenger.respond(url, actor.person, actor.channel_id, messages)
            goes_on = True
    return []
