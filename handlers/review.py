"""A person submits the review form: seats and plan as shown, a reason, a link to the consent.

The request's card appears in the channel. A form that lacks something stays open and says what.
"""

from bot import buttons
from handlers.guard import Answer, Desk
from handlers.inbound import Submission


async def submit(form: Submission, desk: Desk) -> Answer:
    """Make the request; its card is posted."""
    await desk.asking.ask(
        form.view.private_metadata,
        form.place.person,
        form_id=form.view.id,
        reason=form.field(buttons.REASON),
        evidence=form.field(buttons.EVIDENCE),
        seats=form.field(buttons.SEATS),
    )
    return []
