"""An approver presses *Decline*: a form asks why, and the requester reads it in the thread."""

from bot.messages import action_ids, forms
from handlers.dispatch import Answer, Desk
from handlers.payloads import Click, Submission


async def ask_why(click: Click, desk: Desk) -> Answer:
    """Open the form, for those who may decline."""
    request = await desk.decisions.may_decline(click.card_ref, click.actor)
    await desk.publisher.open_form(click.trigger_id, forms.decline(request, click.value))
    return []


async def submit(form: Submission, desk: Desk) -> Answer:
    """End the request with the reason that was given."""
    why = form.field(action_ids.REASON)
    await desk.decisions.decline(form.card_ref, form.actor.person, why)
    return []
