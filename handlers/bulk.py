"""A person types `/upgrade bulk`, and asks for several upgrades at once.

A form takes a pasted table; a private preview says what every line would do; its button posts one
card for all. There the approvers approve all rows that they may, leave some out, or decline, and
whoever may presses *Upgrade now* once. Whatever a click could not change is said privately.
"""

from contextlib import suppress

from bot.errors import Reason, Refused
from bot.messages import action_ids, bulk, bundle
from bot.requests.permission import Actor
from bot.requests.submit_table import look_ups
from handlers.dispatch import Answer, Desk
from handlers.payloads import Click, Command, Search, Submission


async def open_form(command: Command, desk: Desk) -> Answer:
    """Open the form for the table."""
    await desk.permission.may_ask(command.actor)
    form = bulk.paste(command.channel_id, desk.permission.policy_here(command.actor))
    await desk.publisher.open_form(command.trigger_id, form)
    return []


async def check(form: Search, desk: Desk) -> Answer:
    """Say at once what the form lacks, or that its lines are looked up. That takes no look-up yet,
    because the same form can be delivered again."""
    lines = await desk.bulk.read(*_typed(form))
    desk.rate_limit.require(form.actor.person, look_ups(form.field(action_ids.TABLE)))
    return [bulk.looking(len(lines))]


async def preview(form: Search, desk: Desk) -> Answer:
    """Say what every line would do. It takes as many look-ups as it looks at customers."""
    desk.rate_limit.take(form.actor.person, look_ups(form.field(action_ids.TABLE)))
    return [bulk.preview(*await desk.bulk.preview(*_typed(form)))]


async def ask(click: Click, desk: Desk) -> Answer:
    """Make the bundle; its card is posted."""
    _, left_out = await desk.bulk.ask(click.value, click.actor)
    return bulk.left_out(left_out)


async def approve(click: Click, desk: Desk) -> Answer:
    """Count one more yes for every row that this person may approve."""
    return bundle.kept(*await desk.bundles.approve(click.card_ref, click.actor))


async def ask_which(click: Click, desk: Desk) -> Answer:
    """Open the form that asks which rows to leave out, and why."""
    rows = await desk.bundles.may_decline(click.card_ref, click.actor)
    await desk.publisher.open_form(click.trigger_id, bundle.leave_out(*rows, click.value))
    return []


async def leave_out(form: Submission, desk: Desk) -> Answer:
    """Decline the chosen rows."""
    chosen, why = form.all_chosen(action_ids.ROWS), form.field(action_ids.REASON)
    if not chosen:  # Slack does not send such a form
        raise Refused(Reason.UNKNOWN_BUTTON)
    decided = await desk.bundles.decline(form.card_ref, form.actor.person, why, chosen)
    return bundle.kept(*decided) if decided else []


async def ask_why(click: Click, desk: Desk) -> Answer:
    """Open the form that asks why all are declined."""
    rows = await desk.bundles.may_decline(click.card_ref, click.actor)
    await desk.publisher.open_form(click.trigger_id, bundle.decline_all(*rows, click.value))
    return []


async def decline(form: Submission, desk: Desk) -> Answer:
    """Decline every row that is open."""
    why = form.field(action_ids.REASON)
    decided = await desk.bundles.decline(form.card_ref, form.actor.person, why)
    return bundle.kept(*decided) if decided else []


async def withdraw(click: Click, desk: Desk) -> Answer:
    """Take back every row that is open."""
    return bundle.kept(*await desk.bundles.withdraw(click.card_ref, click.actor))


async def upgrade_now(click: Click, desk: Desk) -> Answer:
    """Have every approved row performed, one after the other."""
    return bundle.kept(*await desk.bundles.confirm(click.card_ref, click.actor))


async def check_again(click: Click, desk: Desk) -> Answer:
    """Look for the lost answers now."""
    for request_id in await desk.bundles.check_again(click.card_ref, click.actor):
        with suppress(Refused):  # somebody else has found out meanwhile
            await desk.executor.look(request_id)
    return [bundle.looked(await desk.bundles.bundle(click.card_ref.request_id))]


def _typed(form: Search) -> tuple[str, Actor, str, str]:
    """Table, place, reason and consent."""
    table, reason = form.field(action_ids.TABLE), form.field(action_ids.REASON)
    return table, form.actor, reason, form.field(action_ids.EVIDENCE)
