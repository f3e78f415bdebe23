"""What people decide about a request, one function a step. Knows no Slack and no words.

Permission is asked before the transaction, of the lists of approvers that the items had when they
were read; the step inside is pure. Where an item has another policy by then, it is asked again.
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from bot.domain import steps
from bot.domain.item import OPEN, Item, State
from bot.domain.policy import Confirm, Person
from bot.domain.refusals import NotAMember, RefusedStep
from bot.domain.request import CardRef, Forbids, Request, Transition
from bot.domain.steps import nothing_forbids
from bot.domain.text_rules import visible
from bot.errors import Reason, Refused
from bot.requests.permission import Actor, People, Permission
from bot.store import Store, patiently
from bot.telemetry import logs

Asked = Callable[[Request], Iterable[Item]]
"""The items about whose approvers Slack is asked."""

Decide = Callable[..., Transition]
"""A step of a person, given the request, the time, and what forbids it."""


class Decisions:
    """The decisions about requests, over the store and the people in Slack."""

    def __init__(self, store: Store, people: People, permission: Permission) -> None:
        self._store = store
        self._people = people
        self._permission = permission

    async def is_new(self, actor: Actor) -> bool:
        """Whether a command or click is answered for the first time, by any of the bots. Without a
        delivery it is taken for new."""
        return not actor.delivery or await self._store.deliveries.is_first(actor.delivery)

    async def note_refusal(self, refused: Refused, what: str, actor: Actor) -> None:
        """Write into the audit trail that a person was refused `what` they tried."""
        if refused.reason is Reason.DELIVERED_AGAIN:
            return
        facts = {"reason": refused.reason.value, "tried": what, "channel": actor.channel_id}
        if isinstance(refused, RefusedStep) and refused.request:
            facts["request"] = refused.request.id
        await patiently(lambda: self._store.trail.note("refused", facts, actor.person))

    # Deciding

    async def approve(self, ref: CardRef, actor: Actor) -> Transition:
        """One more yes to every item that this person may approve. Raises Refused when there is
        none."""
        who = actor.person
        return await self._decide(
            await self._card(ref, actor),
            actor,
            _waiting_for(who),
            lambda newest, now, forbids: steps.approve(newest, who, now, ref.round, forbids),
        )

    async def looking(self, ref: CardRef, actor: Actor) -> Transition:
        """*I'm looking*, or no longer. Raises Refused for a person who may not approve."""
        who = actor.person
        return await self._decide(
            await self._card(ref, actor),
            actor,
            _waiting_for(who),
            lambda newest, now, forbids: steps.looking(newest, who, now, ref.round, forbids),
        )

    async def may_decline(self, ref: CardRef, actor: Actor) -> tuple[Request, list[str]]:
        """Before the forms that ask why: the ids of the items that this person may decline. Raises
        Refused when there is none."""
        request = await self._card(ref, actor)
        items = request.those(*OPEN)
        if not items:
            reason = Reason.WRONG_STATE if request.is_single else Reason.NOTHING_TO_DECIDE
            raise RefusedStep(reason, request.items[0], request)
        forbids = await self._permission.forbids(items, request.channel_id, actor.person)
        may = [item.id for item in items if forbids(item) is None]
        if not may:
            reason = forbids(items[0]) or Reason.MAY_NOT_APPROVE
            raise RefusedStep(reason, items[0], request)
        return request, may

    async def decline(
        self, ref: CardRef, actor: Actor, why: str, which: Iterable[str] | None = None
    ) -> Transition | None:
        """A form was submitted: those items, or where `which` is None all that are open, are
        declined; None when that was done already. Raises Refused as `may_decline`."""
        request = await self._store.requests.get(ref.request_id)
        logs.correlate(request.correlation_id)
        who = actor.person
        if who.team_id != request.requester.team_id:
            raise NotAMember
        if _was_declined(request, who, frozenset(request.item_ids if which is None else which)):
            return None  # the form was delivered again
        waits = [item.id for item in request.those(*OPEN)] or request.item_ids
        chosen = frozenset(waits if which is None else which)
        try:
            return await self._decide(
                request,
                actor,
                _among(chosen),
                lambda newest, now, forbids: steps.decline(
                    newest, who, now, ref.round, visible(why), chosen, forbids
                ),
            )
        except Refused:
            if _was_declined(await self._store.requests.get(request.id), who, chosen):
                return None  # by the same form, a moment ago
            raise

    async def withdraw(self, ref: CardRef, actor: Actor) -> Transition:
        """Raises Refused for anybody but the requester, or when it is too late."""
        return await self._decide(
            await self._card(ref, actor),
            actor,
            None,
            lambda newest, now, _forbids: steps.withdraw(newest, actor.person, now),
        )

    async def confirm(self, ref: CardRef, actor: Actor) -> Transition:
        """*Upgrade now*: store who confirmed which items. The worker claims them, one after the
        other. Raises Refused when this person may start none."""
        request, who = await self._card(ref, actor), actor.person
        await self._permission.require_full_member(who)
        await self._require_idle(request)

        def by_approver(newest: Request) -> list[Item]:
            ready = newest.those(State.APPROVED) if who != newest.requester else ()
            return [item for item in ready if item.policy.confirm is Confirm.APPROVER]

        def step(newest: Request, now: datetime, forbids: Forbids) -> Transition:
            asked = by_approver(newest)
            return steps.confirm(
                newest, who, now, ref, lambda item: forbids(item) if item in asked else None
            )

        return await self._decide(request, actor, by_approver, step)

    async def _require_idle(self, request: Request) -> None:
        """Raises Refused(SUBSCRIPTION_BUSY) where another request is changing the subscription now.
        Of several items each is looked at when its turn comes: by then the other may be over."""
        if not request.is_single or request.items[0].state is not State.APPROVED:
            return
        (item,) = request.items
        if await self._store.lists.is_another_in_flight(item):
            raise RefusedStep(Reason.SUBSCRIPTION_BUSY, item, request)

    async def check_again(self, ref: CardRef, actor: Actor) -> list[Item]:
        """*Check again*: anybody in the channel may have the bot look right now for the items whose
        end is not known. Raises Refused when there is none."""
        request = await self._card(ref, actor)
        unknown = request.those(State.UNKNOWN)
        if not unknown:
            item = request.items[0] if request.is_single else None
            raise RefusedStep(Reason.NOTHING_TO_CHECK, item, request)
        return list(unknown)

    async def ask_again(self, ref: CardRef, actor: Actor) -> list[Item]:
        """*Ask again*, or *Try again*: the items that have ended without an upgrade. Raises Refused
        where there is none, and for a person who may not ask."""
        request = await self._card(ref, actor)
        ended = [item for item in request.items if item.ended_without_effect]
        if not ended:
            raise RefusedStep(Reason.WRONG_STATE, request.items[0], request)
        for policy in dict.fromkeys(item.policy for item in ended):
            await self._permission.require_requester(actor, policy)
        return ended

    async def who_may_approve(
        self, request: Request, item: Item
    ) -> list[tuple[Person, Reason | None]]:
        """The requester, and everybody whom the policy names, each with why they could not
        approve the item now; by the same questions that their click would be asked.

        Raises Refused(APPROVERS_UNREADABLE).
        """
        named = await self._people.named(item.policy.approvers, request.channel_id)
        now = await self._store.now()
        place = (request.requester, request.channel_id)
        return [
            (person, await self._permission.why_not_approve(item, *place, person, now))
            for person in dict.fromkeys([request.requester, *named])
        ]

    async def request(self, ref: CardRef) -> Request:
        """The request of a card, as it is now. Raises Refused(UNKNOWN_REQUEST)."""
        return await self._store.requests.get(ref.request_id)

    async def _decide(
        self, request: Request, actor: Actor, about: Asked | None, decide: Decide
    ) -> Transition:
        """Take a step for which Slack is asked about the approvers of some items; without any,
        nothing is asked."""
        while True:
            asked = list(about(request)) if about else []
            forbids: Forbids = nothing_forbids
            if asked:
                place = (request.channel_id, actor.person)
                forbids = await self._permission.forbids(asked, *place)
            known = {item.policy.approvers for item in asked}

            def step(newest: Request, now: datetime) -> Transition:
                if about and not known.issuperset(i.policy.approvers for i in about(newest)):  # noqa: B023 - it is called in this turn
                    raise _Moved(newest)
                return decide(newest, now, forbids)  # noqa: B023 - the same

            take: Awaitable[Transition] = self._store.requests.take(
                request.id, step, delivery=actor.delivery
            )
            try:
                return await take
            except _Moved as moved:
                request = moved.request

    async def _card(self, ref: CardRef, actor: Actor) -> Request:
        """The request of a card. A copy of the card in another channel decides nothing."""
        request = await self._store.requests.get(ref.request_id)
        logs.correlate(request.correlation_id)
        require_own_card(request, actor)
        return request


class _Moved(Exception):
    """Items have other policies than when Slack was asked."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


def require_own_card(request: Request, actor: Actor) -> None:
    """A copy of a card in another channel decides nothing. Raises Refused."""
    if actor.channel_id != request.channel_id:
        raise RefusedStep(Reason.OTHER_CHANNEL, None, request)
    if actor.person.team_id != request.requester.team_id:
        raise NotAMember


def _waiting_for(who: Person) -> Asked:
    """The items that wait for an approval; of the requester nothing is asked, because the step
    refuses them anyway."""
    return lambda request: (
        request.those(State.AWAITING_APPROVAL) if who != request.requester else ()
    )


def _among(chosen: frozenset[str]) -> Asked:
    """The items of these ids."""
    return lambda request: [item for item in request.items if item.id in chosen]


def _was_declined(request: Request, who: Person, chosen: frozenset[str]) -> bool:
    """Whether this person has declined these items already, those that had not ended otherwise."""
    items = [item for item in request.items if item.id in chosen]
    declined = [
        item
        for item in items
        if item.state is State.DECLINED and item.ending and item.ending.by == who
    ]
    return bool(declined) and not any(item.is_open for item in items)
