"""The Home tabs of the people who look at theirs: shown when opened, and anew after every step."""

from collections.abc import Awaitable, Callable

import structlog

from bot.domain.lists import Home
from bot.domain.policy import Person
from bot.errors import Unavailable
from bot.messages import home
from bot.messages.language import use_locale
from bot.slack.errors import SLACK_ERRORS, word_of
from bot.slack.messenger import Messenger
from bot.store import Store
from bot.tasks import Tasks

log = structlog.get_logger()


class HomeTabs:
    """Publishes Home tabs, one round at a time."""

    def __init__(
        self,
        store: Store,
        home_of: Callable[[Person], Awaitable[Home]],
        locale_of: Callable[[Person], Awaitable[str]],
        messenger: Messenger,
        tasks: Tasks,
    ) -> None:
        self._store = store
        self._home_of = home_of
        self._locale_of = locale_of
        self._messenger = messenger
        self._background = tasks
        self._is_refreshing = False
        self._is_stale = False

    async def opened(self, person: Person) -> None:
        """Somebody opened their Home: show it, and keep it up to date for a while."""
        await self._store.homes.opened(person)
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
                for person in await self._store.homes.people():
                    await self._show(person)
        except Unavailable:
            log.warning("home_tabs.no_database")
        finally:
            self._is_refreshing = False

    async def _show(self, person: Person) -> None:
        shown = await self._home_of(person)
        with use_locale(await self._locale_of(person)):
            view = home.view(shown)
        try:
            await self._messenger.publish_home(person, view)
        except SLACK_ERRORS as error:
            log.warning("home_tabs.not_shown", user=person.user_id, trouble=word_of(error))
