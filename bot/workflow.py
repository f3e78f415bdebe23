"""What people decide about a request, one function a step. Knows no Slack and no words.

Each function asks who may, takes one step in the store, and returns what is so afterwards.
What a person may not do, or what is not possible any more, raises `Refused` with the reason.
"""

from bot import logs
from bot.asking import visible
from bot.domain import story
from bot.domain.policy import Confirm, Person
from bot.domain.subscription import Customer
from bot.domain.upgrade import Pointer, State, UpgradeRequest
from bot.errors import Reason, Refused
from bot.permission import People, Permission, Place
from bot.store import Store, patiently


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
        request = await self._card(pointer, place)
        if place.person != request.requester:  # their refusal needs no call to Slack
            await self._permission.require_approver(request, place.person)
        return await self._store.take(
            request.id,
            lambda newest, now: story.approve(newest, place.person, now, pointer.round),
            delivery=place.delivery,
        )

    async def looking(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """*I'm looking*, or no longer. Raises Refused for whoever may not approve."""
        request = await self._card(pointer, place)
        if place.person != request.requester:
            await self._permission.require_approver(request, place.person)
        return await self._store.take(
            request.id,
            lambda newest, now: story.read(newest, place.person, now, pointer.round),
            delivery=place.delivery,
        )

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
        await self._card(pointer, place)
        return await self._store.take(
            pointer.request_id,
            lambda newest, now: story.withdraw(newest, place.person, now),
            delivery=place.delivery,
        )

    async def confirm(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """*Upgrade now*: claim the request for performing. `attend` does the rest."""
        request = await self._card(pointer, place)
        if request.policy.confirm is Confirm.APPROVER and place.person != request.requester:
            await self._permission.require_approver(request, place.person)
        else:
            await self._permission.require_full_member(place.person)
        return await self._store.take(
            pointer.request_id,
            lambda newest, now: story.claim(
                newest, place.person, now, pointer.round, pointer.attempt
            ),
            delivery=place.delivery,
        )

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

    async def _card(self, pointer: Pointer, place: Place) -> UpgradeRequest:
        """The request of a card. A copy of the card in another channel decides nothing."""
        request = await self._store.request(pointer.request_id)
        logs.correlate(request.correlation_id)
        if request.bundle_id:  # it has no card of its own, so the button is forged
            raise Refused(Reason.UNKNOWN_BUTTON)
        if place.channel_id != request.channel_id:
            raise Refused(Reason.OTHER_CHANNEL, request=request)
        if place.person.team_id != request.requester.team_id:
            raise Refused(Reason.NOT_A_MEMBER)
        return request
