"""An approver presses *Leave rows out* on a card of several upgrades: a form asks which and why."""

from bot.errors import Reason, Refused
from bot.messages import action_ids, forms, notices
from bot.requests.decide import Decisions
from bot.slack.messenger import Messenger
from handlers.dispatch import Answer
from handlers.payloads import Click, Submission


async def ask_which(click: Click, decisions: Decisions, messenger: Messenger) -> Answer:
    """Open the form, with the items that this person may decline."""
    items = await decisions.may_decline(click.card_ref, click.actor)
    await messenger.open_form(click.trigger_id, forms.leave_out(*items, click.value))
    return []


async def submit(form: Submission, decisions: Decisions) -> Answer:
    """Decline the chosen items."""
    chosen, why = form.all_chosen(action_ids.ROWS), form.field(action_ids.REASON)
    if not chosen:  # Slack does not send such a form
        raise Refused(Reason.UNKNOWN_BUTTON)
    declined = await decisions.decline(form.card_ref, form.actor, why, chosen)
    return notices.kept(declined) if declined else []
