"""What happens without a click: performing, looking for lost answers, expiring, showing again.

There is one kind of job, *attend to this request* (or to this bundle of them): read its row, do
what is due, show it. A step
puts one into the queue together with its rows, and a tick puts one for whatever has become due
since. The rows alone say what that is, so nothing is forgotten by a restart, and a job too many
does nothing.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog

from bot.domain.bundle import is_bundle
from bot.errors import Refused, Unavailable
from bot.slack.errors import SLACK_ERRORS, pause_of, word_of
from bot.slack.home_tabs import HomeTabs
from bot.slack.publisher import Publisher
from bot.store import Store
from bot.tasks import KeyedLock, Rush
from bot.worker.conductor import Conductor
from bot.worker.executor import Executor

log = structlog.get_logger()

TICK = 2.0
"""Seconds between two looks at the rows that are due."""

AFTER_TROUBLE = [timedelta(seconds=s) for s in (3, 5, 10, 20, 30, 60, 60, 120, 300, 600)]
"""How long a request is left alone that could not be attended to or shown, time after time: most
trouble at Slack is over in a moment, and somebody waits for the card."""

HAND_OVER_WITHIN = 5.0
"""Seconds at a stop. Whatever is not handed over is found by its heart that does not beat."""

UNPOSTABLE = frozenset(
    {"not_in_channel", "channel_not_found", "is_archived", "is_inactive", "restricted_action"}
)
"""Slack's words for a channel that cannot be written to until a person does something."""


class Worker:
    """Attends to requests: at once when asked with `put`, and by itself when they are due."""

    def __init__(
        self,
        *,
        store: Store,
        executor: Executor,
        conductor: Conductor,
        publisher: Publisher,
        rush: Rush,
        homes: HomeTabs,
        take_over: timedelta,
    ) -> None:
        self._store = store
        self._executor = executor
        self._conductor = conductor
        self._publisher = publisher
        self._rush = rush
        self._homes = homes
        self._take_over = take_over
        self._turns = KeyedLock()
        self._running: set[str] = set()
        self._in_trouble: set[str] = set()
        self._told: set[str] = set()
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Settle what was in flight when the only bot ended, then attend to what is due."""
        if not self._store.is_shared:
            await self._executor.lose_answers_of_the_dead()
        await self.tick()
        self._store.queue.start(self._attend, self._take_over)
        self._ticker = asyncio.create_task(self._tick_for_ever(), name="ticking")

    async def stop(self, grace: float) -> None:
        """Begin nothing new by itself, give what is running `grace` seconds, and hand over what
        is not done then. Without any grace it is as if the process had died."""
        if self._ticker is None:
            return
        self._ticker.cancel()
        await self._store.queue.stop(grace)
        if grace:
            with suppress(TimeoutError):
                async with asyncio.timeout(HAND_OVER_WITHIN):
                    for id in self._running:
                        if not is_bundle(id):
                            await self._executor.hand_over(id)

    async def put(self, request_id: str) -> None:
        """Attend to the request now, though no step asked for it."""
        try:
            await self._store.attend([request_id])
        except Unavailable:
            log.warning("worker.no_database", request=request_id)

    async def tick(self) -> None:
        """Attend to everything that is due, and show again what Slack does not show yet; but for
        what is being attended to here already, which goes on until nothing is left."""
        left = {*await self._store.due(), *await self._store.unshown()} - self._running
        if left:
            await self._store.attend([*left])

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                await self.tick()
            except Unavailable:
                log.warning("worker.no_database")
            except Exception:
                log.exception("worker.tick_failed")

    async def _attend(self, request_id: str, job: str) -> None:
        """One job. While the database is away it ends: the rows say later what is left to do."""
        await self._rush.over()
        async with self._turns[request_id]:
            self._running.add(request_id)
            try:
                await self._until_nothing_is_left(request_id, job)
            except Unavailable:
                log.warning("worker.no_database", request=request_id)
            except Exception:
                log.exception("worker.attending_failed", request=request_id)
            self._running.discard(request_id)  # unless it was cancelled

    async def _until_nothing_is_left(self, request_id: str, job: str) -> None:
        try:
            while await self._attend_once(request_id, job):
                pass
            self._homes.refresh()
            if request_id in self._in_trouble:
                self._in_trouble.discard(request_id)
                await self._store.rested(request_id)
        except Unavailable:
            raise
        except Exception as error:
            await self._in_trouble_with(request_id, error)

    async def _attend_once(self, request_id: str, job: str) -> bool:
        """Show it, do what is due; say whether anything happened, be it by somebody else."""
        before = await self._store.version(request_id)
        showing = asyncio.create_task(self._publisher.show(request_id))
        try:
            if is_bundle(request_id):
                await self._conductor.attend(request_id)
            else:
                await self._executor.attend(request_id, job)
        except Refused as refused:  # somebody else was faster: what there is now is shown
            log.info("worker.overtaken", request=request_id, reason=refused.reason)
        finally:
            (trouble,) = await asyncio.gather(showing, return_exceptions=True)
        after = await self._store.version(request_id)
        if trouble and after == before:
            raise trouble
        return after != before

    async def _in_trouble_with(self, request_id: str, error: Exception) -> None:
        """The request is left alone for a while and then attended to again. People are told
        privately what the channel cannot show them, or that something is wrong, once."""
        self._in_trouble.add(request_id)
        at_least = pause_of(error)
        await self._store.rest(request_id, [max(each, at_least) for each in AFTER_TROUBLE])
        word = word_of(error)
        if isinstance(error, SLACK_ERRORS):
            log.warning("worker.not_shown", request=request_id, trouble=word)
        else:
            log.error("worker.attending_failed", request=request_id, exc_info=error)
        if word in UNPOSTABLE:
            await self._publisher.tell_privately(request_id, word)
        elif not isinstance(error, SLACK_ERRORS) and request_id not in self._told:
            self._told.add(request_id)
            await self._tell_requester(request_id)

    async def _tell_requester(self, request_id: str) -> None:
        try:
            await self._publisher.tell_not_shown(request_id)
        except SLACK_ERRORS as trouble:
            log.warning("worker.not_told", request=request_id, trouble=word_of(trouble))
