"""An approver presses *Decline*: a form asks why, and the requester reads it in the thread."""

from bot.messages import action_ids, forms, notices
from bot.requests.decide import Decisions
from bot.slack.messenger import Messenger
from handlers.dispatch import Answer
from handlers.payloads import Click, Submission


async def ask_why(click: Click, decisions: Decisions, messenger: Messenger) -> Answer:
    """Open the form, for those who may decline."""
    items = await decisions.may_decline(click.card_ref, click.actor)
    await messenger.open_form(click.trigger_id, forms.decline(*items, click.value))
    return []


async def submit(form: Submission, decisions: Decisions) -> Answer:
    """Decline everything that is open, with the reason that was given."""
    why = form.field(action_ids.REASON)
    declined = await decisions.decline(form.card_ref, form.actor, why)
    return notices.kept(declined) if declined else []
