"""Who may do what, asked of Slack at the moment of the click.

A person who may, passes; for others `Refused` is raised, with the reason. What Slack does not tell
means no.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain import lifecycle
from bot.domain.item import Item
from bot.domain.policy import CHANNEL, MemberKind, Names, Person, Policy, PolicyBook
from bot.domain.refusals import MayNotApprove, MayNotRequest, NotAMember
from bot.domain.request import Forbids
from bot.domain.steps import nothing_forbids
from bot.errors import Reason, Refused

Lists = tuple[Names, ...]
"""Lists of people of which a person must be in every one."""


class People(Protocol):
    """What Slack knows about people, asked at the moment of the click."""

    async def member_kind(self, person: Person) -> MemberKind:
        """What the person is. Raises Refused(MEMBER_UNREADABLE)."""

    async def locale(self, person: Person) -> str:
        """The language that the person reads, as `en-US`; that where Slack does not say."""

    async def is_here(self, channel_id: str) -> bool:
        """Whether the bot itself is in the channel."""

    async def named(self, lists: Lists, channel_id: str) -> list[Person]:
        """Everybody whom one of the lists means. Raises Refused(APPROVERS_UNREADABLE)."""

    async def belongs(self, person: Person, lists: Lists, channel_id: str) -> bool:
        """Whether every list has a name that means this person.

        Raises Refused(APPROVERS_UNREADABLE)."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who does something, in which channel, and by which delivery of Slack's: the same
    name for what Slack delivers again, and empty where it has none."""

    person: Person
    channel_id: str
    delivery: str = ""


class Permission:
    """What the policies ask of people, answered by what Slack knows about them."""

    def __init__(self, people: People, policies: PolicyBook) -> None:
        self._people = people
        self._policies = policies

    def policy_here(self, actor: Actor) -> Policy:
        """What holds in this channel for a small request of an ordinary customer."""
        return self._policies.policy_for(seats=0, channel=actor.channel_id, customer="")

    async def may_ask(self, actor: Actor) -> None:
        """Raises Refused when this person may not ask for upgrades here, or nobody can decide."""
        if actor.channel_id.startswith("D"):
            raise Refused(Reason.NOT_IN_A_CHANNEL)
        await self.require_requester(actor, self._policies.defaults)

    async def may_approve(self, actor: Actor) -> None:
        """Raises Refused when this person may not approve what is asked for here."""
        lists = self.policy_here(actor).approvers
        if not await self._is_full_member_of(actor.person, lists, actor.channel_id):
            raise MayNotApprove

    async def require_full_member(self, person: Person) -> None:
        """Raises Refused(NOT_A_MEMBER, MEMBER_UNREADABLE)."""
        kind = await self._people.member_kind(person)
        if kind is not MemberKind.FULL_MEMBER:
            raise NotAMember(kind)

    async def require_requester(
        self, actor: Actor, policy: Policy, asked: Policy | None = None
    ) -> None:
        """Raises Refused(MAY_NOT_REQUEST, NOT_A_MEMBER, APPROVERS_UNREADABLE, …). A person whom the
        policy `asked` has just let pass is asked about again only where the requesters differ.

        A person who types in a channel is in it, so the word `channel` needs no further question.
        """
        if asked and asked.requesters == policy.requesters:
            return
        lists = tuple(names for names in policy.requesters if CHANNEL not in names)
        if not await self._is_full_member_of(actor.person, lists, actor.channel_id):
            raise MayNotRequest(policy)

    async def forbids(self, items: Iterable[Item], channel_id: str, person: Person) -> Forbids:
        """Asks Slack about every distinct list of approvers of the items once, all at the same
        time: a click has three seconds. Raises Refused when the person is no full member."""
        lists = list(dict.fromkeys(item.policy.approvers for item in items))
        questions = [self._why_no_approver(each, channel_id, person) for each in lists]
        _, *answers = await asyncio.gather(self.require_full_member(person), *questions)
        reasons = dict(zip(lists, answers, strict=True))
        return lambda item: reasons.get(item.policy.approvers, Reason.MAY_NOT_APPROVE)

    async def why_not_approve(
        self, item: Item, requester: Person, channel_id: str, person: Person, now: datetime
    ) -> Reason | None:
        """Why this person could not approve the item now, by the same questions that their click
        would be asked; None when they could."""
        if person == requester:
            return Reason.OWN_REQUEST
        try:
            if reason := (await self.forbids([item], channel_id, person))(item):
                return reason
            lifecycle.approve(item, person, now)
        except Refused as refused:
            return refused.reason
        return None

    async def _why_no_approver(
        self, lists: Lists, channel_id: str, person: Person
    ) -> Reason | None:
        try:
            is_one = await self._people.belongs(person, lists, channel_id)
        except Refused as refused:
            return refused.reason
        return None if is_one else Reason.MAY_NOT_APPROVE

    async def _is_full_member_of(self, person: Person, lists: Lists, channel_id: str) -> bool:
        """Both questions at once: a click has three seconds, and each may take two."""
        belongs = asyncio.ensure_future(self._people.belongs(person, lists, channel_id))
        try:
            await self.require_full_member(person)
            return await belongs
        finally:
            belongs.cancel()
            await asyncio.gather(belongs, return_exceptions=True)


async def refusal(question: Awaitable[None]) -> Reason | None:
    """Why something is refused; None when it is not."""
    try:
        await question
    except Refused as refused:
        return refused.reason
    return None


__all__ = ["Actor", "Forbids", "People", "Permission", "nothing_forbids", "refusal"]
