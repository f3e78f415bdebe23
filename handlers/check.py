"""A person presses *Check again* on a card whose outcome is unknown.

The bot looks at Partner Center at once, and tells them what it saw.
"""

from bot.messages import replies
from handlers.guard import Answer, Desk
from handlers.inbound import Click


async def check_again(click: Click, desk: Desk) -> Answer:
    """Look for the lost answer now."""
    await desk.workflow.check_again(click.pointer, click.place)
    request = await desk.performer.look(click.pointer.request_id)
    await desk.jobs.put(request.id)
    return [replies.looked(request)]
