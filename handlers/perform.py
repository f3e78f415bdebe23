"""The requester (or whom the policy names) presses *Upgrade now* and confirms.

The card shows that it is running, then what came of it; the result stands in its thread.
"""

from handlers.dispatch import Answer, Desk
from handlers.payloads import Click


async def upgrade_now(click: Click, desk: Desk) -> Answer:
    """Claim the upgrade for this click, and have it performed."""
    await desk.decisions.confirm(click.card_ref, click.actor)
    return []
