"""What the bot does by itself: perform a confirmed upgrade, look for a lost answer, remind, expire.

The order is the promise. Claimed (by the click), checked once more, stored that it will be
sent, sent, stored what came of it. The process may die between any two of these, and whoever
attends to the request next knows from the row alone what may be done: before the row says
`sent_at`, nothing was sent; after it, nothing is ever sent again on doubt.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from bot.domain import lifecycle
from bot.domain.drift import Difference, differences
from bot.domain.lifecycle import FOLLOW_FOR, LOOK_FOR, SEND_WITHIN
from bot.domain.policy import PolicyBook, strictest
from bot.domain.subscription import Obstacle, ObstacleCode, Subscription, UpgradeOption
from bot.domain.upgrade import LicenceCount, Outcome, State, Transition, UpgradeRequest
from bot.errors import NotFound, PartnerCenterError, Reason, Refused
from bot.partner_center import Answer, Listed, Observation, PartnerCenter, Trace, Verdict
from bot.store import Store, patiently
from bot.telemetry import logs

log = structlog.get_logger()


class Executor:
    """Attends to requests, over the store and Partner Center."""

    def __init__(
        self,
        *,
        store: Store,
        partner_center: PartnerCenter,
        policies: PolicyBook,
    ) -> None:
        self._store = store
        self._partner_center = partner_center
        self._policies = policies

    async def attend(self, request_id: str, job: str = "") -> UpgradeRequest:
        """Do what the request needs now, whatever happened before: perform it, look for a lost
        answer, expire it, or nothing. Returns the request as it is then.

        A `job` runs once. One that finds its own name at what was sent was begun by a bot that
        is dead or cut off, so the answer is lost.
        """
        request, now = await self._store.request(request_id), await self._store.now()
        logs.correlate(request.correlation_id)
        if _awaits_answer(request) and request.sent_by == job != "":
            return await self._look(await self._mark_unknown(request))
        due = lifecycle.due_at(request)
        if due is None or due > now:
            return request
        if request.is_open:
            late = now >= request.expires_at
            return await self._take(request, lifecycle.expire if late else lifecycle.remind)
        if request.state is State.DONE:
            return await self._follow_up(request)
        if request.state is State.UNKNOWN or request.operation_id:
            return await self._look(request)
        if request.sent_at is None:
            return await self._perform(request, job)
        return await self._look(await self._mark_unknown(request))

    async def lose_answers_of_the_dead(self) -> None:
        """At the start of the only bot: whatever was sent and not answered is unknown now."""
        for request_id in await self._store.in_flight():
            await self.hand_over(request_id)

    async def hand_over(self, request_id: str) -> None:
        """Nobody waits for the answer to this request any more: whoever comes next looks."""
        request = await self._store.request(request_id)
        if _awaits_answer(request):
            await self._mark_unknown(request)

    async def look(self, request_id: str) -> UpgradeRequest:
        """Look for a lost answer now, whether or not it is due. Raises Refused when none is."""
        return await self._look(await self._store.request(request_id))

    async def _perform(self, request: UpgradeRequest, job: str) -> UpgradeRequest:
        if await self._store.now() >= request.expires_at:
            return await self._release(request, "claimed_too_long_ago")
        try:
            subscription, listed, licences = await self._as_it_is_now(request)
        except PartnerCenterError as error:
            log.warning("executor.not_checked", request=request.id, trouble=str(error))
            return await self._release(request, "not_checked")
        if listed is None or subscription.was_upgraded:
            gone = Obstacle(ObstacleCode.TARGET_OFFER_NOT_FOUND)
            return await self._settle(request, lifecycle.fail, Outcome(obstacles=(gone,)))
        approved = (request.subscription, request.option)
        if changed := differences(approved, (subscription, listed.option)):
            return await self._drift(request, subscription, listed.option, changed)
        request = await self._take(
            request, lambda newest, now: lifecycle.send(newest, now, job, licences)
        )
        return await self._send(request, listed)

    async def _send(self, request: UpgradeRequest, listed: Listed) -> UpgradeRequest:
        """Send it, and store what was answered even if others believe the answer to be lost."""
        if request.sent_at and await self._store.now() >= request.sent_at + SEND_WITHIN:
            return await self._settle_sent(
                request, lambda newest, now: lifecycle.release(newest, now, "claimed_too_long_ago")
            )
        log.info("executor.sent", request=request.id, attempt=request.attempt)
        answer = await self._partner_center.perform(request, listed)
        log.info("executor.answer", request=request.id, verdict=answer.verdict.name)
        return await self._settle_sent(request, lambda newest, now: _answered(newest, now, answer))

    async def _settle_sent(
        self, request: UpgradeRequest, step: Callable[[UpgradeRequest, datetime], Transition]
    ) -> UpgradeRequest:
        return await self._take(request, step, if_so=lifecycle.is_answered)

    async def _drift(
        self,
        request: UpgradeRequest,
        subscription: Subscription,
        option: UpgradeOption,
        changed: tuple[Difference, ...],
    ) -> UpgradeRequest:
        policy = self._policies.policy_for(
            seats=option.seats,
            channel=request.channel_id,
            customer=request.customer.id,
        )
        policy = strictest(request.policy, policy)
        return await self._take(
            request,
            lambda newest, now: lifecycle.drift(newest, subscription, option, policy, changed, now),
        )

    async def _as_it_is_now(
        self, request: UpgradeRequest
    ) -> tuple[Subscription, Listed | None, tuple[LicenceCount, ...]]:
        """The approved subscription and option, read again, and the licences there are before.

        Raises PartnerCenterError.
        """
        customer, wanted = request.customer.id, request.subscription
        trace = Trace(request.correlation_id)
        try:
            subscription, listed, licences = await asyncio.gather(
                self._partner_center.customers.subscription(customer, wanted.id, trace),
                self._partner_center.options(customer, wanted, trace),
                self._partner_center.licences(customer, trace),
            )
        except NotFound:
            return replace(wanted, status="deleted"), None, ()
        same = (item for item in listed if item.option.is_same_as(request.option))
        return subscription, next(same, None), licences

    async def _follow_up(self, request: UpgradeRequest) -> UpgradeRequest:
        """Look once more at what was done, some time after it."""
        aftermath = None
        try:
            aftermath = await self._partner_center.aftermath(request)
        except PartnerCenterError as error:
            log.warning("executor.not_cared_for", request=request.id, trouble=str(error))
        return await self._take(
            request, lambda newest, now: lifecycle.follow_up(newest, now, aftermath)
        )

    async def _look(self, request: UpgradeRequest) -> UpgradeRequest:
        """Look at Partner Center for the outcome of something sent, and never send it again."""
        patience = FOLLOW_FOR if request.operation_id else LOOK_FOR
        now = await self._store.now()
        long_enough = request.sent_at is not None and now >= request.sent_at + patience
        try:
            seen = await self._partner_center.look(request)
        except PartnerCenterError as error:
            log.warning("executor.not_seen", request=request.id, trouble=str(error))
            return await self._take(request, lifecycle.look)
        match seen.observation:
            case Observation.HAPPENED:
                return await self._settle(request, lifecycle.finish, seen.outcome)
            case Observation.REFUSED:
                return await self._settle(request, lifecycle.fail, seen.outcome)
            case Observation.RUNNING if seen.operation_id and not request.operation_id:
                return await self._follow(request, seen.operation_id)
            case Observation.UNTOUCHED if long_enough and not request.operation_id:
                return await self._release(request, "nothing_happened")
            case Observation.UNTOUCHED | Observation.UNCLEAR if long_enough:
                return await self._settle(request, lifecycle.fail, Outcome(seen=True))
        return await self._take(request, lifecycle.look)

    async def _follow(self, request: UpgradeRequest, operation_id: str) -> UpgradeRequest:
        return await self._take(
            request, lambda newest, now: lifecycle.follow(newest, now, operation_id)
        )

    async def _mark_unknown(self, request: UpgradeRequest) -> UpgradeRequest:
        return await self._take(request, lifecycle.mark_unknown)

    async def _release(self, request: UpgradeRequest, note: str) -> UpgradeRequest:
        return await self._take(request, lambda newest, now: lifecycle.release(newest, now, note))

    async def _settle(
        self,
        request: UpgradeRequest,
        step: Callable[[UpgradeRequest, datetime, Outcome], Transition],
        outcome: Outcome | None,
    ) -> UpgradeRequest:
        return await self._take(
            request, lambda newest, now: step(newest, now, outcome or Outcome())
        )

    async def _take(
        self,
        request: UpgradeRequest,
        step: Callable[[UpgradeRequest, datetime], Transition],
        *,
        if_so: Callable[[UpgradeRequest, UpgradeRequest], bool] = lifecycle.is_same_attempt,
    ) -> UpgradeRequest:
        """Take a step that follows from what was found out about `request`, if that still is
        what there is. What was found out is not given up while the database is away. The bundle
        of a row is attended to: it may begin the next one.

        Raises Refused when somebody settled it meanwhile.
        """

        def only_then(newest: UpgradeRequest, now: datetime) -> Transition:
            if not if_so(request, newest):
                raise Refused(Reason.WRONG_STATE, request=newest)
            return step(newest, now)

        attend = [request.bundle_id] if request.bundle_id else []
        return await patiently(lambda: self._store.take(request.id, only_then, attend=attend))


def _awaits_answer(request: UpgradeRequest) -> bool:
    """Whether it may have been sent, and nobody has heard yet."""
    sent = request.state is State.PERFORMING and request.sent_at is not None
    return sent and not request.operation_id


def _answered(request: UpgradeRequest, now: datetime, answer: Answer) -> Transition:
    """The step that Partner Center's answer stands for."""
    outcome = answer.outcome or Outcome()
    match answer.verdict:
        case Verdict.HAPPENED:
            return lifecycle.finish(request, now, outcome)
        case Verdict.STARTED:
            return lifecycle.follow(request, now, answer.operation_id)
        case Verdict.REFUSED if not request.sent_before:
            return lifecycle.fail(request, now, outcome)
        case Verdict.NOT_SENT:
            return lifecycle.release(request, now, "not_sent")
        case _:  # a refusal can be due to an earlier attempt that nobody saw the end of
            return lifecycle.mark_unknown(request, now)
