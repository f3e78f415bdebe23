"""A person types `/upgrade bulk`, and asks for several upgrades at once.

A form takes a pasted table; a private preview says what every line would do; its button posts one
card for all. There the approvers approve all rows that they may, leave some out, or decline, and
whoever may presses *Upgrade now* once. Whatever a click could not change is said privately.
"""

from contextlib import suppress

from bot import buttons
from bot.bulk import look_ups
from bot.errors import Reason, Refused
from bot.messages import bulk, bundle
from bot.permission import Place
from handlers.guard import Answer, Desk
from handlers.inbound import Click, Command, Search, Submission


async def open_form(command: Command, desk: Desk) -> Answer:
    """Open the form for the table."""
    await desk.permission.may_ask(command.place)
    form = bulk.paste(command.channel_id, desk.permission.policy_here(command.place))
    await desk.announcer.open_form(command.trigger_id, form)
    return []


async def check(form: Search, desk: Desk) -> Answer:
    """Say at once what the form lacks, or that its lines are looked up. That takes no look-up yet,
    because the same form can be delivered again."""
    lines = await desk.bulk.read(*_typed(form))
    desk.pace.require(form.place.person, look_ups(form.field(buttons.TABLE)))
    return [bulk.looking(len(lines))]


async def preview(form: Search, desk: Desk) -> Answer:
    """Say what every line would do. It takes as many look-ups as it looks at customers."""
    desk.pace.take(form.place.person, look_ups(form.field(buttons.TABLE)))
    return [bulk.preview(*await desk.bulk.preview(*_typed(form)))]


async def ask(click: Click, desk: Desk) -> Answer:
    """Make the bundle; its card is posted."""
    _, left_out = await desk.bulk.ask(click.value, click.place)
    return bulk.left_out(left_out)


async def approve(click: Click, desk: Desk) -> Answer:
    """Count one more yes for every row that this person may approve."""
    return bundle.kept(*await desk.bundles.approve(click.pointer, click.place))


async def ask_which(click: Click, desk: Desk) -> Answer:
    """Open the form that asks which rows to leave out, and why."""
    rows = await desk.bundles.may_decline(click.pointer, click.place)
    await desk.announcer.open_form(click.trigger_id, bundle.leave_out(*rows, click.value))
    return []


async def leave_out(form: Submission, desk: Desk) -> Answer:
    """Decline the chosen rows."""
    chosen, why = form.all_chosen(buttons.ROWS), form.field(buttons.REASON)
    if not chosen:  # Slack does not send such a form
        raise Refused(Reason.UNKNOWN_BUTTON)
    decided = await desk.bundles.decline(form.pointer, form.place.person, why, chosen)
    return bundle.kept(*decided) if decided else []


async def ask_why(click: Click, desk: Desk) -> Answer:
    """Open the form that asks why all are declined."""
    rows = await desk.bundles.may_decline(click.pointer, click.place)
    await desk.announcer.open_form(click.trigger_id, bundle.decline_all(*rows, click.value))
    return []


async def decline(form: Submission, desk: Desk) -> Answer:
    """Decline every row that is open."""
    why = form.field(buttons.REASON)
    decided = await desk.bundles.decline(form.pointer, form.place.person, why)
    return bundle.kept(*decided) if decided else []


async def withdraw(click: Click, desk: Desk) -> Answer:
    """Take back every row that is open."""
    return bundle.kept(*await desk.bundles.withdraw(click.pointer, click.place))


async def upgrade_now(click: Click, desk: Desk) -> Answer:
    """Have every approved row performed, one after the other."""
    return bundle.kept(*await desk.bundles.confirm(click.pointer, click.place))


async def check_again(click: Click, desk: Desk) -> Answer:
    """Look for the lost answers now."""
    for request_id in await desk.bundles.check_again(click.pointer, click.place):
        with suppress(Refused):  # somebody else has found out meanwhile
            await desk.performer.look(request_id)
    return [bundle.looked(await desk.bundles.bundle(click.pointer.request_id))]


def _typed(form: Search) -> tuple[str, Place, str, str]:
    """Table, place, reason and consent."""
    table, reason = form.field(buttons.TABLE), form.field(buttons.REASON)
    return table, form.place, reason, form.field(buttons.EVIDENCE)
