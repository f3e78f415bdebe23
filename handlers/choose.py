"""A person presses one of the buttons that only they see: a customer, or an option.

A customer is answered with what can be upgraded there, an option with the review form. The
form opens from what was stored when the option was listed, so it needs no call to Microsoft.
"""

import asyncio

from bot.messages import forms
from bot.requests.find import Finder
from bot.requests.submit import Submitter
from bot.slack.messenger import Messenger
from handlers.dispatch import Answer
from handlers.listing import list_options
from handlers.payloads import Click


async def customer(click: Click, finder: Finder, messenger: Messenger) -> Answer:
    """List what can be upgraded at the chosen customer."""
    chosen = await finder.customer(click.value, click.actor)
    return await list_options(chosen, click, finder, messenger, finder.defaults)


async def option(click: Click, submitter: Submitter, messenger: Messenger) -> Answer:
    """Open the review form."""
    offered, policy = await submitter.choose(click.value, click.actor.person)
    change, earlier = await asyncio.gather(
        submitter.price(offered.subscription, offered.option), submitter.earlier(offered)
    )
    form = forms.review(offered, policy, change, earlier)
    await messenger.open_form(click.trigger_id, form)
    return []
