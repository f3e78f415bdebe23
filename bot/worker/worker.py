"""What happens without a click: claiming what was confirmed, performing it, looking for lost
answers, reminding, expiring, showing again.

There are two kinds of job, *attend to this request* and *attend to this item*: read the rows, do
what is due, show it. A step puts one into the queue together with its rows, and a tick puts one for
what has become due since. The rows alone say what that is, so nothing is forgotten by a restart,
and a job too many does nothing. An item is performed by a job of its own, so that its request can
be decided about and shown meanwhile.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.domain import steps
from bot.domain.item import Step
from bot.domain.refusals import RefusedStep
from bot.domain.request import Request, RequestStep, Transition
from bot.domain.steps import Due
from bot.errors import Refused, Unavailable
from bot.slack.errors import SLACK_ERRORS, pause_of, word_of
from bot.slack.home_tabs import HomeTabs
from bot.slack.publisher import Publisher
from bot.store import Snapshot, Store, item_job, patiently
from bot.store.schedule import ITEM
from bot.tasks import KeyedLock, Rush
from bot.telemetry import logs
from bot.worker.executor import Executor

log = structlog.get_logger()

TICK = 2.0
"""Seconds between two looks at the rows that are due."""

AFTER_TROUBLE = [timedelta(seconds=s) for s in (3, 5, 10, 20, 30, 60, 60, 120, 300, 600)]
"""How long a job is left alone that ended in trouble, time after time: most trouble at Slack is
over in a moment, and people wait for the card."""

HAND_OVER_WITHIN = 5.0
"""Seconds at a stop. What is not handed over is found by its heart that does not beat."""

UNPOSTABLE = frozenset(
    {"not_in_channel", "channel_not_found", "is_archived", "is_inactive", "restricted_action"}
)
"""Slack's words for a channel that cannot be written to until a person does something."""

BY_ITSELF: dict[Due, Callable[[Request, datetime], Transition]] = {
    Step.EXPIRE: steps.expire,
    Step.REMIND: steps.remind,
    RequestStep.STOP: steps.stop,
    RequestStep.END: steps.end,
    RequestStep.SUM_UP: steps.sum_up,
    RequestStep.FOLLOW_UP: steps.follow_up,
}


class Worker:
    """Attends to requests and items: at once when asked with `put`, and by itself when due."""

    def __init__(
        self,
        *,
        store: Store,
        executor: Executor,
        publisher: Publisher,
        rush: Rush,
        homes: HomeTabs,
        take_over: timedelta,
    ) -> None:
        self._store = store
        self._executor = executor
        self._publisher = publisher
        self._rush = rush
        self._homes = homes
        self._take_over = take_over
        self._turns = KeyedLock()
        self._running: set[str] = set()
        self._in_trouble: set[str] = set()
        self._not_shown: dict[str, int] = {}
        """Requests that Slack did not take, and at which revision."""
        self._told: set[str] = set()
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Settle what was in flight when the only bot ended, then attend to what is due."""
        if not self._store.is_shared:
            await self._executor.mark_answers_of_the_dead()
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
            try:
                async with asyncio.timeout(HAND_OVER_WITHIN):
                    await self._hand_over()
            except (TimeoutError, Unavailable):
                log.warning("worker.not_handed_over")

    async def _hand_over(self) -> None:
        """Let another bot, or the next, go on with what is running. The only bot shows what has
        come to its end meanwhile: people wait for it."""
        for job in self._running:
            if job.startswith(ITEM):
                await self._executor.hand_over(job.removeprefix(ITEM))
        if self._store.is_shared:
            return
        for request_id in await self._store.schedule.behind():
            try:
                await self._publisher.show(await self._store.requests.snapshot(request_id))
            except SLACK_ERRORS as trouble:
                log.warning("worker.not_shown", request=request_id, trouble=word_of(trouble))

    async def put(self, request_id: str) -> None:
        """Attend to the request now, though no step asked for it."""
        try:
            await self._store.schedule.attend([request_id])
        except Unavailable:
            log.warning("worker.no_database", request=request_id)

    async def tick(self) -> None:
        """Attend to everything that is due, and show again what Slack does not show yet; but for
        what is being attended to here already, which goes on until nothing is left."""
        due = await self._store.schedule.due()
        if left := [job for job in due if job not in self._running]:
            await self._store.schedule.attend(left)

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                await self.tick()
            except Unavailable:
                log.warning("worker.no_database")
            except Exception:
                log.exception("worker.tick_failed")

    async def _attend(self, job: str, name: str) -> None:
        """One job. While the database is away it ends: the rows say later what is left to do."""
        await self._rush.over()
        async with self._turns[job]:
            self._running.add(job)
            try:
                await self._until_nothing_is_left(job, name)
            except Unavailable:
                log.warning("worker.no_database", job=job)
            except Exception:
                log.exception("worker.attending_failed", job=job)
            self._running.discard(job)  # unless it was cancelled

    async def _until_nothing_is_left(self, job: str, name: str) -> None:
        try:
            if job.startswith(ITEM):
                await self._attend_to_item(job.removeprefix(ITEM), name)
            else:
                while await self._attend_to_request(job):
                    pass
                self._homes.refresh()
            if job in self._in_trouble:
                self._in_trouble.discard(job)
                self._not_shown.pop(job, None)
                await self._store.schedule.rested(job)
        except Unavailable:
            raise
        except _Rests:
            log.info("worker.rests", job=job)
        except Exception as error:
            await self._in_trouble_with(job, error)

    async def _attend_to_item(self, item_id: str, name: str) -> None:
        try:
            while await self._executor.attend(item_id, name):
                pass
        except Refused as refused:  # others were faster, and their step has its own job
            log.info("worker.overtaken", item=item_id, reason=refused.reason)

    async def _attend_to_request(self, request_id: str) -> bool:
        """Show it, do what is due; say whether anything happened, here or by others."""
        try:
            snapshot = await self._store.requests.snapshot(request_id)
        except Refused as refused:  # a job of an older version
            log.info("worker.unknown_request", request=request_id, reason=refused.reason)
            return False
        revision = snapshot.request.revision
        if snapshot.rests and self._not_shown.get(request_id) == revision:
            raise _Rests
        logs.correlate(snapshot.request.correlation_id)
        showing = asyncio.create_task(self._publisher.show(snapshot))
        acted = False
        try:
            acted = await self._do_what_is_due(snapshot)
        finally:
            (shown,) = await asyncio.gather(showing, return_exceptions=True)
        if isinstance(shown, BaseException):
            if acted:
                return True
            self._not_shown[request_id] = revision
            raise shown
        return acted or shown > revision

    async def _do_what_is_due(self, snapshot: Snapshot) -> bool:
        """Take the one step that is due; whether any was."""
        request = snapshot.request
        due = steps.due(request, snapshot.now)
        if due is None:
            return False
        log.info("worker.step", request=request.id, step=due)
        try:
            if due is Step.CLAIM:
                await self._claim_next(request)
            else:
                await self._take(request, BY_ITSELF[due], [])
        except Refused as refused:  # others were faster: what there is now is shown
            log.info("worker.overtaken", request=request.id, reason=refused.reason)
        return True

    async def _claim_next(self, request: Request) -> None:
        """Claim the next item and give it a job of its own, in one transaction; or skip it."""
        confirmed = request.next
        if confirmed is None:
            return

        def claim(newest: Request, now: datetime) -> Transition:
            if newest.next != confirmed or steps.due(newest, now) is not Step.CLAIM:
                raise _Overtaken
            return steps.claim_next(newest, now)

        item_id = confirmed.item_id
        try:
            await self._take(request, claim, [item_job(item_id)])
        except _Overtaken:
            log.info("worker.overtaken", request=request.id)
        except RefusedStep as refused:
            reason = refused.reason
            log.info("worker.skipped", request=request.id, item=item_id, reason=reason)
            await self._take(
                request, lambda newest, now: steps.skip(newest, now, item_id, reason), []
            )

    async def _take(
        self,
        request: Request,
        step: Callable[[Request, datetime], Transition],
        attend: list[str],
    ) -> None:
        take = self._store.requests.take
        await patiently(lambda: take(request.id, step, attend=attend))

    async def _in_trouble_with(self, job: str, error: Exception) -> None:
        """The job is left alone for a while and then attended to again. People are told privately
        what the channel cannot show them, or that something is wrong, once."""
        self._in_trouble.add(job)
        at_least = pause_of(error)
        await self._store.schedule.rest(job, [max(each, at_least) for each in AFTER_TROUBLE])
        word = word_of(error)
        if isinstance(error, SLACK_ERRORS):
            log.warning("worker.not_shown", job=job, trouble=word)
        else:
            log.error("worker.attending_failed", job=job, exc_info=error)
        if word in UNPOSTABLE:
            await self._publisher.tell_privately(job, word)
        elif not isinstance(error, SLACK_ERRORS) and job not in self._told:
            self._told.add(job)
            await self._tell_requester(job)

    async def _tell_requester(self, job: str) -> None:
        requests = self._store.requests
        if job.startswith(ITEM):
            request = await requests.of_item(job.removeprefix(ITEM))
        else:
            request = await requests.get(job)
        try:
            await self._publisher.tell_not_shown(request)
        except SLACK_ERRORS as trouble:
            log.warning("worker.not_told", request=request.id, trouble=word_of(trouble))


class _Rests(Exception):
    """Slack did not take this revision a moment ago, and is left alone for a while."""


class _Overtaken(Exception):
    """Others have claimed the item, or there is something else to do first."""
