"""A person opens the bot's Home tab.

They see what waits for them, what they asked for, what was done lately, and how it is used.
"""

from bot.slack.home_tabs import HomeTabs
from handlers.payloads import HomeOpened


async def opened(event: HomeOpened, home_tabs: HomeTabs) -> None:
    """Show it, and keep it up to date while they look."""
    if event.event.tab == "home":
        await home_tabs.opened(event.person)
