"""A person opens the bot's Home tab.

They see what waits for them, what they asked for, what was done lately, and how it is used.
"""

from handlers.dispatch import Desk
from handlers.payloads import HomeOpened


async def opened(event: HomeOpened, desk: Desk) -> None:
    """Show it, and keep it up to date while they look."""
    if event.event.tab == "home":
        await desk.homes.opened(event.person)
