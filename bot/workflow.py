"""What people decide about a request, one function a step. Knows no Slack and no words.

Each function asks who may, takes one step in the store, and returns what is so afterwards.
What a person may not do, or what is not possible any more, raises `Refused` with the reason.
"""

from collections.abc import Callable
from datetime import datetime

from bot import logs
from bot.domain import story
from bot.domain.policy import Confirm, Person
from bot.domain.subscription import Customer
from bot.domain.typed import visible
from bot.domain.upgrade import Pointer, State, Taken, UpgradeRequest
from bot.errors import Reason, Refused
from bot.permission import Needs, People, Permission, Place
from bot.store import Store, patiently

Step = Callable[[UpgradeRequest, datetime], Taken]


class Workflow:
    """The decisions about requests, over the store and the people in Slack."""

    def __init__(self, store: Store, people: People, permission: Permission) -> None:
        self._store = store
        self._people = people
        self._permission = permission

    async def is_new(self, place: Place) -> bool:
        """Whether a command or click is answered for the first time, by any of the bots. Where
        nobody can tell it is taken for new."""
        return not place.delivery or await self._store.is_first(place.delivery)

    async def note_refusal(self, refused: Refused, what: str, place: Place) -> None:
        """Write into the audit trail that somebody was refused `what` they tried."""
        request = refused.about.get("request")
        facts = {"reason": refused.reason.value, "tried": what, "channel": place.channel_id}
        if refused.reason is not Reason.DELIVERED_AGAIN:
            more = {"request": request.id} if request else {}
            await patiently(lambda: self._store.trail.note("refused", facts | more, place.person))

    # Deciding

    async def approve(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """Raises Refused when this person may not, or not any more."""

        def step(newest: UpgradeRequest, now: datetime) -> Taken:
            return story.approve(newest, place.person, now, pointer.round)

        return await self._decide(pointer, place, step, _approver_unless_own(place.person))

    async def looking(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """*I'm looking*, or no longer. Raises Refused for whoever may not approve."""

        def step(newest: UpgradeRequest, now: datetime) -> Taken:
            return story.read(newest, place.person, now, pointer.round)

        return await self._decide(pointer, place, step, _approver_unless_own(place.person))

    async def may_decline(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """Before the form that asks why. Raises Refused when this person may not decline."""
        request = await self._card(pointer, place)
        if not request.is_open:
            raise Refused(Reason.WRONG_STATE, request=request)
        await self._permission.require_approver(request, place.person)
        return request

    async def decline(self, pointer: Pointer, person: Person, why: str) -> UpgradeRequest:
        """The form that asks why was submitted: everything is asked again.

        Raises Refused when this person may not, or not any more, or says no reason.
        """
        request = await self._store.request(pointer.request_id)
        logs.correlate(request.correlation_id)
        if request.bundle_id:
            raise Refused(Reason.UNKNOWN_BUTTON)
        if request.state is State.DECLINED and request.closed_by == person:
            return request  # the form was delivered again
        await self._permission.require_approver(request, person)
        return await self._store.take(
            pointer.request_id,
            lambda newest, now: story.decline(newest, person, now, pointer.round, visible(why)),
        )

    async def withdraw(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """Raises Refused for anybody but the requester, or when it is too late."""

        def step(newest: UpgradeRequest, now: datetime) -> Taken:
            return story.withdraw(newest, place.person, now)

        return await self._decide(pointer, place, step, lambda _newest: Needs.NOTHING)

    async def confirm(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """*Upgrade now*: claim the request for performing. Its job does the rest."""

        def step(newest: UpgradeRequest, now: datetime) -> Taken:
            return story.claim(newest, place.person, now, pointer.round, pointer.attempt)

        def needs(newest: UpgradeRequest) -> Needs:
            is_approvers = newest.policy.confirm is Confirm.APPROVER
            theirs = is_approvers and place.person != newest.requester
            return Needs.APPROVER if theirs else Needs.FULL_MEMBER

        return await self._decide(pointer, place, step, needs)

    async def check_again(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """*Check again*: anybody in the channel may have the bot look right now. Raises Refused
        when there is nothing to look for."""
        request = await self._card(pointer, place)
        if request.state is not State.UNKNOWN:
            raise Refused(Reason.NOTHING_TO_CHECK, request=request)
        return request

    async def ask_again(self, pointer: Pointer, place: Place) -> Customer:
        """*Ask again*, or *Try again*: the customer of a request that has ended without an upgrade.
        Raises Refused where it has not, and for whoever may not ask."""
        request = await self._card(pointer, place)
        ended = (State.DECLINED, State.WITHDRAWN, State.EXPIRED)
        if request.state not in ended and not request.may_be_tried_again:
            raise Refused(Reason.WRONG_STATE, request=request)
        await self._permission.require_requester(place, request.policy)
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
        self, pointer: Pointer, place: Place, step: Step, needs: Callable[[UpgradeRequest], Needs]
    ) -> UpgradeRequest:
        """Take a step that a person `needs` to be somebody for.

        Where what Slack has said in the last minute lets them pass, the click waits for one
        transaction and nothing else. Otherwise Slack is asked in between.
        """

        def at_once(newest: UpgradeRequest, now: datetime) -> Taken:
            _require_own_card(newest, place)
            if not self._permission.is_known(needs(newest), newest, place.person):
                raise _NotKnown(newest)
            return step(newest, now)

        async def take(step: Step) -> UpgradeRequest:
            return await self._store.take(pointer.request_id, step, delivery=place.delivery)

        try:
            request = await take(at_once)
        except _NotKnown as not_known:
            request = not_known.request
            logs.correlate(request.correlation_id)
            await self._permission.require(needs(request), request, place.person)
            request = await take(step)
        except Refused as refused:
            if refused_of := refused.about.get("request"):
                logs.correlate(refused_of.correlation_id)
            raise
        logs.correlate(request.correlation_id)
        return request

    async def _card(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """The request of a card."""
        request = await self._store.request(pointer.request_id)
        logs.correlate(request.correlation_id)
        _require_own_card(request, place)
        return request


class _NotKnown(Exception):
    """Slack must be asked who somebody is before they decide about the request."""

    def __init__(self, request: UpgradeRequest) -> None:
        super().__init__()
        self.request = request


def _require_own_card(request: UpgradeRequest, place: Place) -> None:
    """A copy of a card in another channel decides nothing. Raises Refused."""
    if request.bundle_id:  # it has no card of its own, so the button is forged
        raise Refused(Reason.UNKNOWN_BUTTON)
    if place.channel_id != request.channel_id:
        raise Refused(Reason.OTHER_CHANNEL, request=request)
    if place.person.team_id != request.requester.team_id:
        raise Refused(Reason.NOT_A_MEMBER)


def _approver_unless_own(person: Person) -> Callable[[UpgradeRequest], Needs]:
    """Of the requester nothing is asked: the step refuses them anyway."""
    return lambda newest: Needs.NOTHING if person == newest.requester else Needs.APPROVER
