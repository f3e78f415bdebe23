"""A person presses *Check again* on a card with an outcome that is not known.

The bot looks at Partner Center at once, and tells them what it saw.
"""

from contextlib import suppress

from bot.errors import Refused
from bot.messages import notices
from bot.requests.decide import Decisions
from bot.worker.executor import Executor
from handlers.dispatch import Answer
from handlers.payloads import Click


async def check_again(click: Click, decisions: Decisions, executor: Executor) -> Answer:
    """Look for the lost answers now."""
    for item in await decisions.check_again(click.card_ref, click.actor):
        with suppress(Refused):  # it was found out meanwhile
            await executor.look(item)
    return [notices.looked(await decisions.request(click.card_ref))]
