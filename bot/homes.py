"""The Home tabs of the people who look at theirs: shown when opened, and anew after every step."""

import structlog

from bot.announcer import Announcer
from bot.background import Background
from bot.domain.policy import Person
from bot.errors import Unavailable
from bot.messages import home
from bot.messages.language import speaking
from bot.overview import Overview
from bot.permission import People
from bot.slack import SLACK_ERRORS, word_of
from bot.store import Store

log = structlog.get_logger()


class Homes:
    """Publishes Home tabs, one round at a time."""

    def __init__(
        self,
        store: Store,
        overview: Overview,
        people: People,
        announcer: Announcer,
        background: Background,
    ) -> None:
        self._store = store
        self._overview = overview
        self._people = people
        self._announcer = announcer
        self._background = background
        self._is_refreshing = False
        self._is_stale = False

    async def opened(self, person: Person) -> None:
        """Somebody opened their Home: show it, and keep it up to date for a while."""
        await self._store.home_opened(person)
        await self._show(person)

    def refresh(self) -> None:
        """Something happened: whoever looks at their Home sees it soon."""
        self._is_stale = True
        if not self._is_refreshing:
            self._is_refreshing = True
            self._background.start(self._until_fresh(), "refreshing homes")

    async def _until_fresh(self) -> None:
        try:
            while self._is_stale:
                self._is_stale = False
                for person in await self._store.homes():
                    await self._show(person)
        except Unavailable:
            log.warning("homes.no_database")
        finally:
            self._is_refreshing = False

    async def _show(self, person: Person) -> None:
        shown = await self._overview.home(person)
        with speaking(await self._people.locale(person)):
            view = home.view(shown)
        try:
            await self._announcer.publish_home(person, view)
        except SLACK_ERRORS as error:
            log.warning("homes.not_shown", user=person.user_id, trouble=word_of(error))
