"""A person presses one of the buttons that only they see: a customer, or an option.

A customer is answered with what can be upgraded there, an option with the review form. The
form opens from what was stored when the option was listed, so it needs no call to Microsoft.
"""

import asyncio

from bot.messages import forms
from handlers.dispatch import Answer, Desk
from handlers.listing import list_options
from handlers.payloads import Click


async def customer(click: Click, desk: Desk) -> Answer:
    """List what can be upgraded at the chosen customer."""
    chosen = await desk.submitter.customer(click.value, click.actor)
    return await list_options(chosen, click, desk)


async def option(click: Click, desk: Desk) -> Answer:
    """Open the review form."""
    offered, policy = await desk.submitter.choose(click.value, click.actor.person)
    change, earlier = await asyncio.gather(
        desk.submitter.price(offered.subscription, offered.option), desk.submitter.earlier(offered)
    )
    form = forms.review(offered, policy, change, earlier)
    await desk.publisher.open_form(click.trigger_id, form)
    return []
