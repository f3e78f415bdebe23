"""What happens without a click: performing, looking for lost answers, expiring, showing again.

There is one kind of job, *attend to this request*: read its row, do what is due, show it.
The rows alone say what is due, so nothing is forgotten by a restart, and a job too many does
nothing.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from slack_sdk.errors import SlackApiError

from bot.announcer import SLACK_ERRORS, Announcer
from bot.background import Background
from bot.errors import Refused
from bot.messages import replies
from bot.performer import Performer
from bot.store import Store

log = structlog.get_logger()

TICK = 2.0
"""Seconds between two looks at the rows that are due."""

AFTER_TROUBLE = timedelta(seconds=20)
"""A request that could not be attended to or shown is left alone for so long."""

UNPOSTABLE = frozenset({"not_in_channel", "channel_not_found", "is_archived", "restricted_action"})


class Jobs:
    """Attends to requests: at once when asked with `put`, and by itself when they are due."""

    def __init__(
        self,
        *,
        store: Store,
        performer: Performer,
        announcer: Announcer,
        background: Background,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._performer = performer
        self._announcer = announcer
        self._background = background
        self._clock = clock
        self._running: dict[str, bool] = {}
        self._not_before: dict[str, datetime] = {}
        self._told: set[str] = set()
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Settle what was in flight when the process ended, then attend to what is due."""
        await self._performer.lose_answers_of_the_dead()
        await self.tick()
        self._ticker = asyncio.create_task(self._tick_for_ever(), name="ticking")

    def stop(self) -> None:
        """Begin nothing new by itself. What is running goes on."""
        if self._ticker:
            self._ticker.cancel()

    def put(self, request_id: str) -> None:
        """Attend to the request now. While that is going on already, once more afterwards."""
        if request_id in self._running:
            self._running[request_id] = True
            return
        self._running[request_id] = False
        self._background.start(self._attend(request_id), f"attending {request_id}")

    async def tick(self) -> None:
        """Attend to everything that is due, and show again what Slack does not show yet."""
        waiting = {*await self._store.due(), *await self._store.unshown()}
        now = self._clock()
        for request_id in waiting:
            if self._not_before.get(request_id, now) <= now:
                self.put(request_id)

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                await self.tick()
            except Exception:
                log.exception("jobs.tick_failed")

    async def _attend(self, request_id: str) -> None:
        try:
            again = True
            while again:
                self._running[request_id] = False
                again = await self._attend_once(request_id) or self._running[request_id]
            self._not_before.pop(request_id, None)
        except SLACK_ERRORS as error:
            self._not_before[request_id] = self._clock() + AFTER_TROUBLE
            await self._not_shown(request_id, error)
        except Exception:
            self._not_before[request_id] = self._clock() + AFTER_TROUBLE
            log.exception("jobs.attending_failed", request=request_id)
        finally:
            del self._running[request_id]

    async def _attend_once(self, request_id: str) -> bool:
        """Do what is due and show it, the beginning at once; say whether anything was done."""
        before = await self._store.request(request_id)
        showing = asyncio.create_task(self._announcer.show(request_id))
        try:
            after = await self._performer.attend(request_id)
        except Refused as refused:  # somebody else was faster: what there is now is shown
            log.info("jobs.overtaken", request=request_id, reason=refused.reason)
            after = await self._store.request(request_id)
        finally:
            (trouble,) = await asyncio.gather(showing, return_exceptions=True)
        if after.version != before.version:
            await self._announcer.show(request_id)
            return True
        if trouble:
            raise trouble
        return False

    async def _not_shown(self, request_id: str, error: Exception) -> None:
        """Slack does not show the request. It is tried again; where a person can help, the
        requester is told, once."""
        word = error.response.get("error") if isinstance(error, SlackApiError) else ""
        log.warning("jobs.not_shown", request=request_id, trouble=word or type(error).__name__)
        if word not in UNPOSTABLE or request_id in self._told:
            return
        self._told.add(request_id)
        request = await self._store.request(request_id)
        try:
            await self._announcer.tell(
                request.requester, request.channel_id, replies.not_posted(request)
            )
        except SLACK_ERRORS as trouble:
            log.warning("jobs.not_told", request=request_id, trouble=type(trouble).__name__)
