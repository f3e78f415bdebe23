"""A person presses one of the buttons that only they see: a customer, or an option.

A customer is answered with what can be upgraded there, an option with the review form. The
form opens from what was stored when the option was listed, so it needs no call to Microsoft.
"""

import asyncio

from bot.messages import forms
from handlers.guard import Answer, Desk
from handlers.inbound import Click
from handlers.listing import list_options


async def customer(click: Click, desk: Desk) -> Answer:
    """List what can be upgraded at the chosen customer."""
    chosen = await desk.asking.customer(click.value, click.place)
    return await list_options(chosen, click, desk)


async def option(click: Click, desk: Desk) -> Answer:
    """Open the review form."""
    offered, policy = await desk.asking.choose(click.value, click.place.person)
    change, earlier = await asyncio.gather(
        desk.asking.price(offered.subscription, offered.option), desk.asking.earlier(offered)
    )
    form = forms.review(offered, policy, change, earlier)
    await desk.announcer.open_form(click.trigger_id, form)
    return []
