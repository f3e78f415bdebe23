"""A person presses *Check again* on a card whose outcome is unknown.

The bot looks at Partner Center at once, and tells them what it saw.
"""

from bot.messages import replies
from handlers.dispatch import Answer, Desk
from handlers.payloads import Click


async def check_again(click: Click, desk: Desk) -> Answer:
    """Look for the lost answer now."""
    await desk.decisions.check_again(click.card_ref, click.actor)
    request = await desk.executor.look(click.card_ref.request_id)
    await desk.worker.put(request.id)
    return [replies.looked(request)]
