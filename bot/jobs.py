"""What happens without a click: performing, looking for lost answers, expiring, showing again.

There is one kind of job, *attend to this request*: read its row, do what is due, show it.
The rows alone say what is due, so nothing is forgotten by a restart, and a job too many does
nothing.
"""

import asyncio
from datetime import timedelta

import structlog

from bot.announcer import Announcer
from bot.background import Background
from bot.errors import Refused
from bot.messages import replies
from bot.performer import Performer
from bot.slack import SLACK_ERRORS, word_of
from bot.store import Store

log = structlog.get_logger()

TICK = 2.0
"""Seconds between two looks at the rows that are due."""

AFTER_TROUBLE = [timedelta(seconds=s) for s in (10, 20, 60, 120, 300, 600)]
"""How long a request is left alone that could not be attended to or shown, time after time."""

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
    ) -> None:
        self._store = store
        self._performer = performer
        self._announcer = announcer
        self._background = background
        self._running: dict[str, bool] = {}
        self._in_trouble: set[str] = set()
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
        for request_id in {*await self._store.due(), *await self._store.unshown()}:
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
            if request_id in self._in_trouble:
                self._in_trouble.discard(request_id)
                await self._store.rested(request_id)
        except Exception as error:
            await self._in_trouble_with(request_id, error)
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

    async def _in_trouble_with(self, request_id: str, error: Exception) -> None:
        """The request is left alone for a while and then attended to again. Where a person can
        help, or wonders why nothing is to be seen, the requester is told, once."""
        self._in_trouble.add(request_id)
        await self._store.rest(request_id, AFTER_TROUBLE)
        word = word_of(error)
        if isinstance(error, SLACK_ERRORS):
            log.warning("jobs.not_shown", request=request_id, trouble=word)
        else:
            log.error("jobs.attending_failed", request=request_id, exc_info=error)
        by_slack = isinstance(error, SLACK_ERRORS)
        if request_id not in self._told and (word in UNPOSTABLE or not by_slack):
            self._told.add(request_id)
            await self._tell_requester(request_id, in_channel=not by_slack)

    async def _tell_requester(self, request_id: str, *, in_channel: bool) -> None:
        request = await self._store.request(request_id)
        words = replies.not_shown(request) if in_channel else replies.not_posted(request)
        try:
            await self._announcer.tell(request.requester, request.channel_id, words)
        except SLACK_ERRORS as trouble:
            log.warning("jobs.not_told", request=request_id, trouble=word_of(trouble))
