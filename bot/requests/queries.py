"""What somebody sees of many requests: their Home, and what was asked for here or by them."""

import asyncio
from datetime import datetime
from itertools import compress

from bot.domain import lifecycle
from bot.domain.home import Home
from bot.domain.policy import Confirm, MemberKind, Person, PolicyBook
from bot.domain.upgrade import State, UpgradeRequest
from bot.errors import Refused
from bot.requests.permission import Actor, People, Permission
from bot.requests.submit import Submitter
from bot.store import Store

HOME_SHOWS = 10
"""Requests in each list of a Home."""

MOST_UNDECIDED = 50
"""The newest requests among which those are sought that wait for a person."""


class Queries:
    """Lists of requests, each for one person, over the store."""

    def __init__(
        self,
        *,
        store: Store,
        people: People,
        permission: Permission,
        policies: PolicyBook,
        submitter: Submitter,
    ) -> None:
        self._store = store
        self._people = people
        self._permission = permission
        self._policies = policies
        self._submitter = submitter

    async def asked_by_me(self, actor: Actor, limit: int) -> list[UpgradeRequest]:
        """What this person asked for, wherever, the newest first. Raises Refused where they may not
        ask."""
        await self._permission.require_requester(actor, self._policies.defaults)
        return await self._store.asked_by(actor.person, limit)

    async def asked_here(self, customer: str, actor: Actor, limit: int) -> list[UpgradeRequest]:
        """What was asked for in this channel, for a customer or, where none is named, for all;
        the newest first. Raises Refused: as `Asking.find`."""
        await self._permission.require_requester(actor, self._policies.defaults)
        ids = (
            [each.id for each in await self._submitter.find(customer, actor)] if customer else None
        )
        return await self._store.asked_in(actor.channel_id, ids, limit)

    async def links(self, requests: list[UpgradeRequest]) -> dict[str, str]:
        """The links of the cards, by the requests' ids."""
        return await self._store.links([request.id for request in requests])

    async def home(self, person: Person) -> Home:
        """What this person's Home shows."""
        member_kind = await self._people.member_kind(person)
        policy = self._policies.defaults
        if member_kind is not MemberKind.FULL_MEMBER:
            return Home(member_kind, policy)
        asked, waits = await asyncio.gather(
            self._store.asked_by(person, HOME_SHOWS * 5),
            self._waits_for(person),
        )
        mine = tuple(request for request in asked if request.closed_at is None)[:HOME_SHOWS]
        lately = tuple(request for request in asked if request.closed_at)[:HOME_SHOWS]
        links = await self.links([*waits, *mine, *lately])
        return Home(member_kind, policy, waits, mine, lately, links)

    async def _waits_for(self, person: Person) -> tuple[UpgradeRequest, ...]:
        """What this person could approve or confirm now."""
        undecided = await self._store.undecided(person.team_id, MOST_UNDECIDED)
        now = await self._store.now()
        theirs = await asyncio.gather(*(self._is_next(each, person, now) for each in undecided))
        return tuple(compress(undecided, theirs))[:HOME_SHOWS]

    async def _is_next(self, request: UpgradeRequest, person: Person, now: datetime) -> bool:
        """Whether this person could take the step that people have to take next."""
        if request.state is State.AWAITING_APPROVAL:
            return await self._permission.why_not_approve(request, person, now) is None
        try:
            if request.policy.confirm is Confirm.APPROVER and person != request.requester:
                await self._permission.require_approver(request, person)
            lifecycle.claim(request, person, now, request.round, request.attempt)
        except Refused:
            return False
        return True
