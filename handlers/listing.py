"""Whatever leads to a customer, be it a name, a button or a form, ends in a list for one person's
eyes: each subscription with a button for every possible upgrade and the reason for every
impossible one.

A long list comes in several messages, the first as soon as there is something to press.
"""

from contextlib import aclosing

from bot.domain.subscription import Customer
from bot.messages import options
from handlers.guard import Answer, Desk
from handlers.inbound import Click, Command, Search


async def list_options(customer: Customer, event: Command | Click | Search, desk: Desk) -> Answer:
    """Show what can be upgraded, as it becomes known."""
    place, url, goes_on = event.place, event.response_url, False
    async with aclosing(desk.asking.options(customer, place)) as parts:
        async for part in parts:
            messages = options.upgrade_options(customer, part, goes_on=goes_on)
            url = await desk.announcer.respond(url, place.person, place.channel_id, messages)
            goes_on = True
    return []
