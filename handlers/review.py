"""A person submits the review form: seats and plan as shown, a reason, a link to the consent.

The request's card appears in the channel. A form that lacks something stays open and says what.
"""

from bot.messages import action_ids
from bot.requests.submit import Submitter
from handlers.dispatch import Answer
from handlers.payloads import Submission


async def submit(form: Submission, submitter: Submitter) -> Answer:
    """Make the request; its card is posted."""
    await submitter.submit(
        form.view.private_metadata,
        form.actor,
        form_id=form.view.id,
        reason=form.field(action_ids.REASON),
        evidence=form.field(action_ids.EVIDENCE),
        seats=form.field(action_ids.SEATS),
    )
    return []
