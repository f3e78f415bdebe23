"""An approver presses *Decline*: a form asks why, and the requester reads it in the thread."""

from bot import buttons
from bot.messages import forms
from handlers.guard import Answer, Desk
from handlers.inbound import Click, Submission


async def ask_why(click: Click, desk: Desk) -> Answer:
    """Open the form, for those who may decline."""
    request = await desk.workflow.may_decline(click.pointer, click.place)
    await desk.announcer.open_form(click.trigger_id, forms.decline(request, click.value))
    return []


async def submit(form: Submission, desk: Desk) -> Answer:
    """End the request with the reason that was given."""
    why = form.field(buttons.REASON)
    await desk.workflow.decline(form.pointer, form.place.person, why)
    return []
