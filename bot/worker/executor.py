"""Performs a claimed item, and looks for a lost answer.

The order is the promise. Claimed, checked once more, stored that it will be sent, sent, stored what
came of it. The process may die between any two of these, and the bot that attends to the item next
knows from its row alone what may be done: before the row says `sent_at`, nothing was sent; after
it, nothing is ever sent again on doubt.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from bot.domain import lifecycle, steps
from bot.domain.drift import Difference, differences
from bot.domain.item import Item, ItemTransition, State
from bot.domain.lifecycle import FOLLOW_FOR, LOOK_FOR, SEND_WITHIN
from bot.domain.outcome import LicenceCount, Outcome
from bot.domain.policy import PolicyBook, strictest
from bot.domain.refusals import RefusedStep
from bot.domain.request import Request, Transition
from bot.domain.subscription import Obstacle, ObstacleCode, Subscription
from bot.errors import NotFound, PartnerCenterError, Reason
from bot.partner_center import (
    Answer,
    Listed,
    LookResult,
    Observation,
    PartnerCenter,
    Trace,
    Verdict,
)
from bot.store import Store, patiently
from bot.telemetry import logs

log = structlog.get_logger()

Step = Callable[[Item, datetime], ItemTransition]


class Executor:
    """Attends to items, over the store and Partner Center."""

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

    async def attend(self, item_id: str, job: str = "") -> bool:
        """Do what the item needs now, whatever happened before: perform it, look for a lost
        answer, follow it up, or nothing; whether there was anything.

        A `job` runs once. One that finds its own name at what was sent was begun by a bot that
        is dead or cut off, so the answer is lost. Raises Refused when others settled it meanwhile.
        """
        request, now = await self._store.requests.of_item(item_id), await self._store.now()
        item = request.item(item_id)
        logs.correlate(item.correlation_id)
        if lifecycle.awaits_answer(item) and item.attempt.sent_by == job != "":
            await self._look(await self._mark_unknown(item))
            return True
        due = lifecycle.due_at(item)
        if due is None or due > now:
            return False
        if item.state is State.DONE:
            await self._follow_up(item)
        elif item.state is State.UNKNOWN or item.attempt.operation_id:
            await self._look(item)
        elif item.attempt.sent_at is None:
            await self._perform(request, item, job, now)
        else:
            await self._look(await self._mark_unknown(item))
        return True

    async def mark_answers_of_the_dead(self) -> None:
        """At the start of the only bot: what was sent and not answered is unknown now."""
        for item_id in await self._store.schedule.in_flight():
            await self.hand_over(item_id)

    async def hand_over(self, item_id: str) -> None:
        """This bot does not wait for the answer any more: the next one looks."""
        item = (await self._store.requests.of_item(item_id)).item(item_id)
        if lifecycle.awaits_answer(item):
            await self._mark_unknown(item)

    async def look(self, item: Item) -> None:
        """Look for a lost answer now, whether or not it is due. Raises Refused when none is."""
        await self._look(item)

    async def _perform(self, request: Request, item: Item, job: str, now: datetime) -> None:
        if now >= item.expires_at:
            await self._release(item, "claimed_too_long_ago")
            return
        try:
            subscription, listed, licences = await self._as_it_is_now(item)
        except PartnerCenterError as error:
            log.warning("executor.not_checked", item=item.id, trouble=str(error))
            await self._release(item, "not_checked")
            return
        if listed is None or subscription.was_upgraded:
            gone = Obstacle(ObstacleCode.TARGET_OFFER_NOT_FOUND)
            await self._settle(item, lifecycle.fail, Outcome(obstacles=(gone,)))
            return
        changed = differences(item.subscription, item.change, subscription, listed.option)
        if changed:
            await self._drift(request, item, subscription, listed, changed)
            return
        sent = await self._take(
            item, lambda newest, at: lifecycle.send(newest, at, job, licences), attend=[]
        )
        await self._send(sent, listed)

    async def _send(self, item: Item, listed: Listed) -> None:
        """Send it, and store what was answered even if others believe the answer to be lost."""
        sent_at = item.attempt.sent_at
        if sent_at and await self._store.now() >= sent_at + SEND_WITHIN:
            await self._settle_sent(
                item, lambda newest, at: lifecycle.release(newest, at, "claimed_too_long_ago")
            )
            return
        log.info("executor.sent", item=item.id, attempt=item.attempt.number)
        answer = await self._partner_center.perform(item, listed)
        log.info("executor.answer", item=item.id, verdict=answer.verdict.name)
        await self._settle_sent(item, lambda newest, at: _answered(newest, at, answer))

    async def _settle_sent(self, item: Item, step: Step) -> None:
        await self._take(item, step, if_so=lifecycle.is_answered)

    async def _drift(
        self,
        request: Request,
        item: Item,
        subscription: Subscription,
        listed: Listed,
        changed: tuple[Difference, ...],
    ) -> None:
        policy = self._policies.policy_for(
            seats=listed.option.seats, channel=request.channel_id, customer=item.customer.id
        )
        policy = strictest(item.policy, policy)
        change = item.change.as_listed(listed.option)
        await self._take(
            item,
            lambda newest, at: lifecycle.drift(newest, subscription, change, policy, changed, at),
        )

    async def _as_it_is_now(
        self, item: Item
    ) -> tuple[Subscription, Listed | None, tuple[LicenceCount, ...]]:
        """The approved subscription and option, read again, and the licences there are before.

        Raises PartnerCenterError.
        """
        customer, wanted = item.customer.id, item.subscription
        trace = Trace(item.correlation_id)
        try:
            subscription, listed, licences = await asyncio.gather(
                self._partner_center.customers.subscription(customer, wanted.id, trace),
                self._partner_center.options(customer, wanted, trace),
                self._partner_center.licences(customer, trace),
            )
        except NotFound:
            return replace(wanted, status="deleted"), None, ()
        same = (each for each in listed if item.change.is_listed_as(each.option))
        return subscription, next(same, None), licences

    async def _follow_up(self, item: Item) -> None:
        """Look once more at what was done, some time after it."""
        aftermath = None
        try:
            aftermath = await self._partner_center.aftermath(item)
        except PartnerCenterError as error:
            log.warning("executor.not_followed_up", item=item.id, trouble=str(error))
        await self._take(item, lambda newest, at: lifecycle.follow_up(newest, at, aftermath))

    async def _look(self, item: Item) -> None:
        """Look at Partner Center for the outcome of something sent, and never send it again."""
        try:
            seen = await self._partner_center.look(item)
        except PartnerCenterError as error:
            log.warning("executor.not_seen", item=item.id, trouble=str(error))
            await self._take(item, lifecycle.look)
            return
        await self._take(item, lambda newest, now: _seen(newest, now, seen))

    async def _mark_unknown(self, item: Item) -> Item:
        return await self._take(item, lifecycle.mark_unknown)

    async def _release(self, item: Item, note: str) -> Item:
        return await self._take(item, lambda newest, at: lifecycle.release(newest, at, note))

    async def _settle(
        self,
        item: Item,
        step: Callable[[Item, datetime, Outcome], ItemTransition],
        outcome: Outcome,
    ) -> Item:
        return await self._take(item, lambda newest, at: step(newest, at, outcome))

    async def _take(
        self,
        item: Item,
        step: Step,
        *,
        if_so: Callable[[Item, Item], bool] = lifecycle.is_same_attempt,
        attend: list[str] | None = None,
    ) -> Item:
        """Take a step that follows from what was found out about `item`, if that still is what
        there is; where `attend` is None its request is attended to. What was found out is not given
        up while the database is away.

        Raises Refused when others settled it meanwhile.
        """

        def only_then(request: Request, now: datetime) -> Transition:
            newest = request.item(item.id)
            if not if_so(item, newest):
                raise RefusedStep(Reason.WRONG_STATE, newest, request)
            return steps.move(request, step(newest, now))

        take = self._store.requests.take
        transition = await patiently(lambda: take(item.request_id, only_then, attend=attend))
        return transition.request.item(item.id)


def _answered(item: Item, now: datetime, answer: Answer) -> ItemTransition:
    """The step that Partner Center's answer stands for."""
    outcome = answer.outcome or Outcome()
    match answer.verdict:
        case Verdict.HAPPENED:
            return lifecycle.finish(item, now, outcome)
        case Verdict.STARTED:
            return lifecycle.follow(item, now, answer.operation_id)
        case Verdict.REFUSED if not item.attempt.lost_before:
            return lifecycle.fail(item, now, outcome)
        case Verdict.NOT_SENT:
            return lifecycle.release(item, now, "not_sent")
        case _:  # a refusal can be due to an earlier attempt whose end was never seen
            return lifecycle.mark_unknown(item, now)


def _seen(item: Item, now: datetime, seen: LookResult) -> ItemTransition:
    """The step that a look at Partner Center stands for."""
    attempt = item.attempt
    patience = FOLLOW_FOR if attempt.operation_id else LOOK_FOR
    long_enough = attempt.sent_at is not None and now >= attempt.sent_at + patience
    match seen.observation:
        case Observation.HAPPENED:
            return lifecycle.finish(item, now, seen.outcome or Outcome())
        case Observation.REFUSED:
            return lifecycle.fail(item, now, seen.outcome or Outcome())
        case Observation.RUNNING if seen.operation_id and not attempt.operation_id:
            return lifecycle.follow(item, now, seen.operation_id)
        case Observation.UNTOUCHED if long_enough and not attempt.operation_id:
            return lifecycle.release(item, now, "nothing_happened")
        case Observation.UNTOUCHED | Observation.UNCLEAR if long_enough:
            return lifecycle.fail(item, now, Outcome(seen=True))
    return lifecycle.look(item, now)
