"""What a person sees of many requests: their Home, and what was asked for here or by them."""

import asyncio
from datetime import datetime
from itertools import compress

from bot.domain import lifecycle
from bot.domain.item import State
from bot.domain.lists import Home, ListedItem
from bot.domain.policy import Confirm, MemberKind, Person, PolicyBook
from bot.errors import Refused
from bot.requests.find import Finder
from bot.requests.permission import Actor, People, Permission
from bot.store import Store

HOME_SHOWS = 10
"""Items in each list of a Home."""

MOST_UNDECIDED = 50
"""The newest items among which those are sought that wait for a person."""


class Queries:
    """Lists of items, each for one person, over the store."""

    def __init__(
        self,
        *,
        store: Store,
        people: People,
        permission: Permission,
        policies: PolicyBook,
        finder: Finder,
    ) -> None:
        self._store = store
        self._people = people
        self._permission = permission
        self._policies = policies
        self._finder = finder

    async def asked_by_me(self, actor: Actor, limit: int) -> list[ListedItem]:
        """What this person asked for, in every channel, the newest first. Raises Refused where they
        may not ask."""
        await self._permission.require_requester(actor, self._policies.defaults)
        return await self._store.lists.asked_by(actor.person, limit)

    async def asked_here(self, customer: str, actor: Actor, limit: int) -> list[ListedItem]:
        """What was asked for in this channel, for a customer or, where none is named, for all;
        the newest first. Raises Refused: as `Finder.find`."""
        await self._permission.require_requester(actor, self._policies.defaults)
        ids = [each.id for each in await self._finder.find(customer, actor)] if customer else None
        return await self._store.lists.asked_in(actor.channel_id, ids, limit)

    async def home(self, person: Person) -> Home:
        """What this person's Home shows."""
        kind = await self._people.member_kind(person)
        policy = self._policies.defaults
        if kind is not MemberKind.FULL_MEMBER:
            return Home(kind, policy)
        asked, waits = await asyncio.gather(
            self._store.lists.asked_by(person, HOME_SHOWS * 5),
            self._waits_for(person),
        )
        mine = tuple(each for each in asked if each.item.ending is None)[:HOME_SHOWS]
        lately = tuple(each for each in asked if each.item.ending)[:HOME_SHOWS]
        return Home(kind, policy, waits, mine, lately)

    async def _waits_for(self, person: Person) -> tuple[ListedItem, ...]:
        """What this person could approve or confirm now."""
        undecided = await self._store.lists.undecided(person.team_id, MOST_UNDECIDED)
        now = await self._store.now()
        theirs = await asyncio.gather(*(self._is_next(each, person, now) for each in undecided))
        return tuple(compress(undecided, theirs))[:HOME_SHOWS]

    async def _is_next(self, listed: ListedItem, person: Person, now: datetime) -> bool:
        """Whether this person could take the step that people have to take next."""
        item, place = listed.item, (listed.requester, listed.channel_id)
        if item.state is State.AWAITING_APPROVAL:
            reason = await self._permission.why_not_approve(item, *place, person, now)
            return reason is None
        by_approver = item.policy.confirm is Confirm.APPROVER
        if (person == listed.requester) is by_approver:
            return False
        try:
            if by_approver:
                forbids = await self._permission.forbids([item], listed.channel_id, person)
                if forbids(item):
                    return False
            lifecycle.claim(item, person, now)
        except Refused:
            return False
        return True
