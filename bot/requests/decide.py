"""What people decide about a request, one function a step. Knows no Slack and no words.

Each function asks who may, takes one step in the store, and returns what is so afterwards.
What a person may not do, or what is not possible any more, raises `Refused` with the reason.
"""

from collections.abc import Callable
from datetime import datetime

from bot.domain import lifecycle
from bot.domain.policy import Confirm, Person
from bot.domain.subscription import Customer
from bot.domain.text_rules import visible
from bot.domain.upgrade import CardRef, State, Transition, UpgradeRequest
from bot.errors import Reason, Refused
from bot.requests.permission import Actor, Needs, People, Permission
from bot.store import Store, patiently
from bot.telemetry import logs

Step = Callable[[UpgradeRequest, datetime], Transition]


class Decisions:
    """The decisions about requests, over the store and the people in Slack."""

    def __init__(self, store: Store, people: People, permission: Permission) -> None:
        self._store = store
        self._people = people
        self._permission = permission

    async def is_new(self, actor: Actor) -> bool:
        """Whether a command or click is answered for the first time, by any of the bots. Where
        nobody can tell it is taken for new."""
        return not actor.delivery or await self._store.is_first(actor.delivery)

    async def note_refusal(self, refused: Refused, what: str, actor: Actor) -> None:
        """Write into the audit trail that somebody was refused `what` they tried."""
        request = refused.about.get("request")
        facts = {"reason": refused.reason.value, "tried": what, "channel": actor.channel_id}
        if refused.reason is not Reason.DELIVERED_AGAIN:
            more = {"request": request.id} if request else {}
            await patiently(lambda: self._store.trail.note("refused", facts | more, actor.person))

    # Deciding

    async def approve(self, card_ref: CardRef, actor: Actor) -> UpgradeRequest:
        """Raises Refused when this person may not, or not any more."""

        def step(newest: UpgradeRequest, now: datetime) -> Transition:
            return lifecycle.approve(newest, actor.person, now, card_ref.round)

        return await self._decide(card_ref, actor, step, _approver_unless_own(actor.person))

    async def looking(self, card_ref: CardRef, actor: Actor) -> UpgradeRequest:
        """*I'm looking*, or no longer. Raises Refused for whoever may not approve."""

        def step(newest: UpgradeRequest, now: datetime) -> Transition:
            return lifecycle.read(newest, actor.person, now, card_ref.round)

        return await self._decide(card_ref, actor, step, _approver_unless_own(actor.person))

    async def may_decline(self, card_ref: CardRef, actor: Actor) -> UpgradeRequest:
        """Before the form that asks why. Raises Refused when this person may not decline."""
        request = await self._card(card_ref, actor)
        if not request.is_open:
            raise Refused(Reason.WRONG_STATE, request=request)
        await self._permission.require_approver(request, actor.person)
        return request

    async def decline(self, card_ref: CardRef, person: Person, why: str) -> UpgradeRequest:
        """The form that asks why was submitted: everything is asked again.

        Raises Refused when this person may not, or not any more, or says no reason.
        """
        request = await self._store.request(card_ref.request_id)
        logs.correlate(request.correlation_id)
        if request.bundle_id:
            raise Refused(Reason.UNKNOWN_BUTTON)
        if request.state is State.DECLINED and request.closed_by == person:
            return request  # the form was delivered again
        await self._permission.require_approver(request, person)
        return await self._store.take(
            card_ref.request_id,
            lambda newest, now: lifecycle.decline(
                newest, person, now, card_ref.round, visible(why)
            ),
        )

    async def withdraw(self, card_ref: CardRef, actor: Actor) -> UpgradeRequest:
        """Raises Refused for anybody but the requester, or when it is too late."""

        def step(newest: UpgradeRequest, now: datetime) -> Transition:
            return lifecycle.withdraw(newest, actor.person, now)

        return await self._decide(card_ref, actor, step, lambda _newest: Needs.NOTHING)

    async def confirm(self, card_ref: CardRef, actor: Actor) -> UpgradeRequest:
        """*Upgrade now*: claim the request for performing. Its job does the rest."""

        def step(newest: UpgradeRequest, now: datetime) -> Transition:
            return lifecycle.claim(newest, actor.person, now, card_ref.round, card_ref.attempt)

        def needs(newest: UpgradeRequest) -> Needs:
            is_approvers = newest.policy.confirm is Confirm.APPROVER
            theirs = is_approvers and actor.person != newest.requester
            return Needs.APPROVER if theirs else Needs.FULL_MEMBER

        return await self._decide(card_ref, actor, step, needs)

    async def check_again(self, card_ref: CardRef, actor: Actor) -> UpgradeRequest:
        """*Check again*: anybody in the channel may have the bot look right now. Raises Refused
        when there is nothing to look for."""
        request = await self._card(card_ref, actor)
        if request.state is not State.UNKNOWN:
            raise Refused(Reason.NOTHING_TO_CHECK, request=request)
        return request

    async def ask_again(self, card_ref: CardRef, actor: Actor) -> Customer:
        """*Ask again*, or *Try again*: the customer of a request that has ended without an upgrade.
        Raises Refused where it has not, and for whoever may not ask."""
        request = await self._card(card_ref, actor)
        ended = (State.DECLINED, State.WITHDRAWN, State.EXPIRED)
        if request.state not in ended and not request.may_be_tried_again:
            raise Refused(Reason.WRONG_STATE, request=request)
        await self._permission.require_requester(actor, request.policy)
        return request.customer

    async def who_may_approve(self, request: UpgradeRequest) -> list[tuple[Person, Reason | None]]:
        """The requester, and everybody whom the policy names, each with why they could not
        approve the request now; by the same questions that their click would be asked.

        Raises Refused(APPROVERS_UNREADABLE).
        """
        named = await self._people.named(request.policy.approvers, request.channel_id)
        now = await self._store.now()
        return [
            (person, await self._permission.why_not_approve(request, person, now))
            for person in dict.fromkeys([request.requester, *named])
        ]

    async def _decide(
        self, card_ref: CardRef, actor: Actor, step: Step, needs: Callable[[UpgradeRequest], Needs]
    ) -> UpgradeRequest:
        """Take a step that a person `needs` to be somebody for.

        Where what Slack has said in the last minute lets them pass, the click waits for one
        transaction and nothing else. Otherwise Slack is asked in between.
        """

        def at_once(newest: UpgradeRequest, now: datetime) -> Transition:
            _require_own_card(newest, actor)
            if not self._permission.is_known(needs(newest), newest, actor.person):
                raise _NotKnown(newest)
            return step(newest, now)

        async def take(step: Step) -> UpgradeRequest:
            return await self._store.take(card_ref.request_id, step, delivery=actor.delivery)

        try:
            request = await take(at_once)
        except _NotKnown as not_known:
            request = not_known.request
            logs.correlate(request.correlation_id)
            await self._permission.require(needs(request), request, actor.person)
            request = await take(step)
        except Refused as refused:
            if refused_of := refused.about.get("request"):
                logs.correlate(refused_of.correlation_id)
            raise
        logs.correlate(request.correlation_id)
        return request

    async def _card(self, card_ref: CardRef, actor: Actor) -> UpgradeRequest:
        """The request of a card."""
        request = await self._store.request(card_ref.request_id)
        logs.correlate(request.correlation_id)
        _require_own_card(request, actor)
        return request


class _NotKnown(Exception):
    """Slack must be asked who somebody is before they decide about the request."""

    def __init__(self, request: UpgradeRequest) -> None:
        super().__init__()
        self.request = request


def _require_own_card(request: UpgradeRequest, actor: Actor) -> None:
    """A copy of a card in another channel decides nothing. Raises Refused."""
    if request.bundle_id:  # it has no card of its own, so the button is forged
        raise Refused(Reason.UNKNOWN_BUTTON)
    if actor.channel_id != request.channel_id:
        raise Refused(Reason.OTHER_CHANNEL, request=request)
    if actor.person.team_id != request.requester.team_id:
        raise Refused(Reason.NOT_A_MEMBER)


def _approver_unless_own(person: Person) -> Callable[[UpgradeRequest], Needs]:
    """Of the requester nothing is asked: the step refuses them anyway."""
    return lambda newest: Needs.NOTHING if person == newest.requester else Needs.APPROVER
