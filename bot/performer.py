"""What the bot does by itself: perform a confirmed upgrade, look for a lost answer, expire.

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

from bot.domain import upgrade as story
from bot.domain.policy import PolicyBook, strictest
from bot.domain.subscription import Subscription
from bot.domain.upgrade import LOOK_FOR, Outcome, State, Taken, UpgradeRequest
from bot.errors import NotFound, PartnerCenterError
from bot.partner_center import Customers, Listed, Sight, Upgrades, Verdict
from bot.store import Store

log = structlog.get_logger()


class Performer:
    """Attends to requests, over the store and Partner Center."""

    def __init__(
        self,
        *,
        store: Store,
        customers: Customers,
        upgrades: Upgrades,
        policies: PolicyBook,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._customers = customers
        self._upgrades = upgrades
        self._policies = policies
        self._clock = clock

    async def attend(self, request_id: str) -> UpgradeRequest:
        """Do what the request needs now, whatever happened before: perform it, look for a lost
        answer, expire it, or nothing. Returns the request as it is then."""
        request = await self._store.request(request_id)
        due = story.due_at(request)
        if due is None or due > self._clock():
            return request
        if request.is_open:
            return await self._store.take(request_id, story.expire)
        if request.state is State.UNKNOWN:
            return await self._look(request)
        if request.sent_at is None:
            return await self._perform(request)
        lost = await self._store.take(request_id, story.lose_answer)
        return await self._look(lost)

    async def lose_answers_of_the_dead(self) -> None:
        """At start: whatever was sent and not answered when the process ended is unknown now."""
        for request_id in await self._store.in_flight():
            request = await self._store.request(request_id)
            if request.sent_at is not None:
                await self._store.take(request_id, story.lose_answer)

    async def look(self, request_id: str) -> UpgradeRequest:
        """Look for a lost answer now, whether or not it is due. Raises Refused when none is."""
        return await self._look(await self._store.request(request_id))

    async def _perform(self, request: UpgradeRequest) -> UpgradeRequest:
        if self._clock() >= request.expires_at:
            return await self._hand_back(request.id, "claimed_too_long_ago")
        try:
            subscription, listed = await self._as_it_is_now(request)
        except PartnerCenterError as error:
            log.warning("performer.not_checked", request=request.id, trouble=str(error))
            return await self._hand_back(request.id, "not_checked")
        if listed and not story.differences(request, subscription, listed.option):
            return await self._send(request, listed)
        return await self._drift(request, subscription, listed)

    async def _send(self, request: UpgradeRequest, listed: Listed) -> UpgradeRequest:
        request = await self._store.take(request.id, story.send)
        answer = await self._upgrades.perform(request, listed)
        log.info("performer.answer", request=request.id, verdict=answer.verdict.name)
        match answer.verdict:
            case Verdict.HAPPENED:
                return await self._settle(request.id, story.finish, answer.outcome)
            case Verdict.REFUSED:
                return await self._settle(request.id, story.fail, answer.outcome)
            case Verdict.NOT_SENT:
                return await self._hand_back(request.id, "not_sent")
            case Verdict.LOST:
                return await self._store.take(request.id, story.lose_answer)

    async def _drift(
        self, request: UpgradeRequest, subscription: Subscription, listed: Listed | None
    ) -> UpgradeRequest:
        option = listed.option if listed else None
        changed = story.differences(request, subscription, option)
        policy = self._policies.policy_for(
            seats=(option or request.option).seats,
            channel=request.channel_id,
            customer=request.customer.id,
        )
        policy = strictest(request.policy, policy)
        return await self._store.take(
            request.id,
            lambda newest, now: story.drift(newest, subscription, option, policy, changed, now),
        )

    async def _as_it_is_now(self, request: UpgradeRequest) -> tuple[Subscription, Listed | None]:
        """The approved subscription and option, read again. Raises PartnerCenterError."""
        customer, wanted, traced = request.customer.id, request.subscription, request.correlation_id
        try:
            subscription, listed = await asyncio.gather(
                self._customers.subscription(customer, wanted.id, traced),
                self._upgrades.options(customer, wanted, traced),
            )
        except NotFound:
            return replace(wanted, status="deleted"), None
        same = (item for item in listed if item.option.is_same_as(request.option))
        return subscription, next(same, None)

    async def _look(self, request: UpgradeRequest) -> UpgradeRequest:
        """Look at Partner Center for the outcome of something sent, and never send it again."""
        long_enough = request.sent_at is not None and self._clock() >= request.sent_at + LOOK_FOR
        try:
            sight, outcome = await self._upgrades.look(request)
        except PartnerCenterError:
            return await self._store.take(request.id, story.look)
        if sight is Sight.HAPPENED:
            return await self._settle(request.id, story.finish, outcome)
        if sight is Sight.UNTOUCHED and long_enough:
            return await self._hand_back(request.id, "nothing_happened")
        if sight is Sight.UNCLEAR and long_enough:
            return await self._settle(request.id, story.fail, Outcome(seen=True))
        return await self._store.take(request.id, story.look)

    async def _hand_back(self, request_id: str, note: str) -> UpgradeRequest:
        return await self._store.take(
            request_id, lambda newest, now: story.hand_back(newest, now, note)
        )

    async def _settle(
        self,
        request_id: str,
        step: Callable[[UpgradeRequest, datetime, Outcome], Taken],
        outcome: Outcome | None,
    ) -> UpgradeRequest:
        return await self._store.take(
            request_id, lambda newest, now: step(newest, now, outcome or Outcome())
        )
