"""What the bot does by itself for a bundle: begin one row after the other, stop when too much goes
wrong, remind, expire, and sum up.

A row that is begun is performed by a job of its own, as any request is, with all that holds for
one; its steps move the bundle on. So the bundle's own job never waits, and whichever bot comes next
reads in the rows how far it is.
"""

from collections.abc import Callable
from datetime import datetime

import structlog

from bot.domain import bundle as steps
from bot.domain.bundle import Bundle, BundleStep, BundleTransition
from bot.errors import Refused
from bot.store import Store, patiently
from bot.telemetry import logs

log = structlog.get_logger()

BY_ITSELF: dict[BundleStep, Callable[[Bundle, datetime], BundleTransition]] = {
    BundleStep.EXPIRE: steps.expire,
    BundleStep.REMIND: steps.remind,
    BundleStep.STOP: steps.stop,
    BundleStep.END: steps.end,
    BundleStep.SUM_UP: steps.sum_up,
}


class Conductor:
    """Attends to bundles, over the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def attend(self, bundle_id: str) -> None:
        """Take the one step that is due, if any is.

        Raises Refused when somebody else was faster.
        """
        bundle = await self._store.bundles.bundle(bundle_id)
        logs.correlate(bundle.correlation_id)
        due = steps.due(bundle, await self._store.now())
        if due is BundleStep.BEGIN:
            await self._begin(bundle)
        elif due is not None:
            log.info("worker.step", bundle=bundle_id, step=due)
            await self._take(bundle_id, BY_ITSELF[due])

    async def _begin(self, bundle: Bundle) -> None:
        """Claim the next row and give it a job of its own, in one transaction; or pass it over."""
        row_id = bundle.confirmed[bundle.begun].request_id

        def begin(newest: Bundle, now: datetime) -> BundleTransition:
            if newest.begun != bundle.begun or steps.due(newest, now) is not BundleStep.BEGIN:
                raise _Overtaken
            return steps.begin(newest, now)

        try:
            await self._take(bundle.id, begin, attend=[row_id])
        except _Overtaken:
            log.info("worker.overtaken", bundle=bundle.id)
        except Refused as refused:
            reason = refused.reason
            log.info("worker.skipped", bundle=bundle.id, request=row_id, reason=reason)
            await self._take(
                bundle.id, lambda newest, now: steps.skip(newest, now, bundle.begun, reason)
            )

    async def _take(
        self,
        bundle_id: str,
        step: Callable[[Bundle, datetime], BundleTransition],
        attend: list[str] | None = None,
    ) -> None:
        await patiently(lambda: self._store.bundles.take(bundle_id, step, attend=attend or []))


class _Overtaken(Exception):
    """Somebody else has begun the row, or there is something else to do first."""
