"""Who may do what, asked of Slack at the moment of the click.

Whoever may, passes; for anybody else `Refused` is raised, with the reason. What Slack does not tell
means no.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from bot.domain import lifecycle
from bot.domain.policy import CHANNEL, MemberKind, Names, Person, Policy, PolicyBook
from bot.domain.upgrade import UpgradeRequest
from bot.errors import Reason, Refused


class People(Protocol):
    """What Slack knows about people, asked at the moment of the click."""

    async def member_kind(self, person: Person) -> MemberKind:
        """What somebody is. Raises Refused(MEMBER_UNREADABLE)."""

    async def locale(self, person: Person) -> str:
        """The language that the person reads, as `en-US`; that where Slack does not say."""

    async def is_here(self, channel_id: str) -> bool:
        """Whether the bot itself is in the channel."""

    async def named(self, lists: tuple[Names, ...], channel_id: str) -> list[Person]:
        """Everybody whom one of the lists means. Raises Refused(APPROVERS_UNREADABLE)."""

    async def belongs(self, person: Person, lists: tuple[Names, ...], channel_id: str) -> bool:
        """Whether every list has a name that means this person.

        Raises Refused(APPROVERS_UNREADABLE)."""

    def is_known_to_belong(self, person: Person, lists: tuple[Names, ...], channel_id: str) -> bool:
        """Whether Slack has said in the last minute that the person is a full member, and that
        every list has a name that means them."""


class Needs(Enum):
    """What a person needs to be for a step."""

    NOTHING = "nothing"
    FULL_MEMBER = "a full member"
    APPROVER = "an approver of the request"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, in which channel, and by which delivery of Slack's: the same name for
    whatever Slack delivers again, and empty where nobody can tell."""

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
            raise Refused(Reason.MAY_NOT_APPROVE)

    async def require_full_member(self, person: Person) -> None:
        """Raises Refused(NOT_A_MEMBER, MEMBER_UNREADABLE)."""
        member_kind = await self._people.member_kind(person)
        if member_kind is not MemberKind.FULL_MEMBER:
            raise Refused(Reason.NOT_A_MEMBER, member_kind=member_kind)

    async def require_requester(self, actor: Actor, policy: Policy) -> None:
        """Raises Refused(MAY_NOT_REQUEST, NOT_A_MEMBER, APPROVERS_UNREADABLE, …).

        Whoever types in a channel is in it, so the word `channel` needs no further question."""
        lists = tuple(names for names in policy.requesters if CHANNEL not in names)
        if not await self._is_full_member_of(actor.person, lists, actor.channel_id):
            raise Refused(Reason.MAY_NOT_REQUEST, policy=policy)

    async def require_approver(self, request: UpgradeRequest, person: Person) -> None:
        """Raises Refused(MAY_NOT_APPROVE, NOT_A_MEMBER, APPROVERS_UNREADABLE, …)."""
        lists = request.policy.approvers
        if not await self._is_full_member_of(person, lists, request.channel_id):
            raise Refused(Reason.MAY_NOT_APPROVE, request=request)

    def is_known(self, needs: Needs, request: UpgradeRequest, person: Person) -> bool:
        """Whether Slack need not be asked, because its last word lets this person pass. Calls
        nobody, so that it can be asked within a transaction."""
        if needs is Needs.NOTHING:
            return True
        lists = request.policy.approvers if needs is Needs.APPROVER else ()
        return self._people.is_known_to_belong(person, lists, request.channel_id)

    async def require(self, needs: Needs, request: UpgradeRequest, person: Person) -> None:
        """Ask Slack. Raises Refused as `require_full_member` and `require_approver`."""
        if needs is Needs.APPROVER:
            await self.require_approver(request, person)
        elif needs is Needs.FULL_MEMBER:
            await self.require_full_member(person)

    async def why_not_approve(
        self, request: UpgradeRequest, person: Person, now: datetime
    ) -> Reason | None:
        """Why this person could not approve the request now, by the same questions that their
        click would be asked; None when they could."""
        try:
            if person != request.requester:
                await self.require_approver(request, person)
            lifecycle.approve(request, person, now, request.round)
        except Refused as refused:
            return refused.reason
        return None

    async def _is_full_member_of(
        self, person: Person, lists: tuple[Names, ...], channel_id: str
    ) -> bool:
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
