"""A person presses a button, or submits a form, that this version of the bot does not know.

They are told so, instead of seeing nothing happen.
"""

from bot.errors import Reason, Refused
from handlers.guard import Answer, Desk
from handlers.inbound import Click, Submission


async def button(_click: Click, _desk: Desk) -> Answer:
    """Refuse a button of another version."""
    raise Refused(Reason.UNKNOWN_BUTTON)


async def form(_form: Submission, _desk: Desk) -> Answer:
    """Refuse a form of another version."""
    raise Refused(Reason.UNKNOWN_BUTTON)
