"""A person types `/upgrade bulk`, and asks for several upgrades at once.

A form takes a pasted table; a private preview says what every line would do; its button posts one
card for all.
"""

from bot.messages import action_ids, table
from bot.messages.language import current_locale
from bot.requests.permission import Actor, Permission
from bot.requests.preview import Previewer, look_ups
from bot.requests.rate_limit import RateLimit
from bot.requests.submit import Submitter
from bot.slack.messenger import Messenger
from handlers.dispatch import Answer
from handlers.payloads import Click, Command, Search


async def open_form(command: Command, permission: Permission, messenger: Messenger) -> Answer:
    """Open the form for the table."""
    await permission.may_ask(command.actor)
    form = table.paste(command.channel_id, permission.policy_here(command.actor))
    await messenger.open_form(command.trigger_id, form)
    return []


async def check(form: Search, previewer: Previewer, rate_limit: RateLimit) -> Answer:
    """Say at once what the form lacks, or that its lines are looked up. That takes no look-up yet,
    because the same form can be delivered again."""
    lines = await previewer.read(*_typed(form))
    rate_limit.require(form.actor.person, look_ups(form.field(action_ids.TABLE)))
    return [table.looking(len(lines))]


async def preview(form: Search, previewer: Previewer, rate_limit: RateLimit) -> Answer:
    """Say what every line would do. It takes as many look-ups as it looks at customers."""
    rate_limit.take(form.actor.person, look_ups(form.field(action_ids.TABLE)))
    previewed = await previewer.preview(*_typed(form), locale=current_locale())
    return [table.preview(*previewed)]


async def ask(click: Click, submitter: Submitter) -> Answer:
    """Make the request; its card is posted."""
    _, left_out = await submitter.submit_table(click.value, click.actor)
    return table.left_out(left_out)


def _typed(form: Search) -> tuple[str, Actor, str, str]:
    """Table, actor, reason and consent."""
    lines, reason = form.field(action_ids.TABLE), form.field(action_ids.REASON)
    return lines, form.actor, reason, form.field(action_ids.EVIDENCE)
