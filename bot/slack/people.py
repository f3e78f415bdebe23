"""Who somebody is, and who belongs to a group: asked of Slack when somebody clicks.

Answers are kept for a minute. Whatever Slack does not say means no.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.policy import CHANNEL, MemberKind, Names, Person
from bot.errors import Reason, Refused
from bot.slack.errors import SLACK_ERRORS, word_of

log = structlog.get_logger()

KEPT_FOR = timedelta(minutes=1)
ASK_WITHIN = 2.0
"""Seconds. A click must be acknowledged within 3, and these questions come before that."""

DECIDE_WITHIN = 2.5
"""Seconds for all of them, where some have to be asked again."""

DEFAULT_LOCALE = "en-US"


class SlackPeople:
    """The people of one workspace. `team_id` is the bot's own; others' people are strangers."""

    def __init__(self, client: AsyncWebClient, team_id: str, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._team_id = team_id
        self._clock = clock
        self._kept: dict[str, tuple[datetime, Any]] = {}
        self._asking: dict[str, _Asked] = {}

    async def member_kind(self, person: Person) -> MemberKind:
        """What Slack says the person is. Raises Refused(MEMBER_UNREADABLE)."""
        if person.team_id != self._team_id:
            return MemberKind.STRANGER
        try:
            user = await self._keep(person.user_id, partial(self._user, person.user_id))
        except SLACK_ERRORS as error:
            log.warning("people.unreadable", user=person.user_id, trouble=word_of(error))
            raise Refused(Reason.MEMBER_UNREADABLE) from error
        return _member_kind(user, self._team_id)

    async def locale(self, person: Person) -> str:
        """The language that the person reads, as `en-US`; that where Slack does not say."""
        try:
            user = await self._keep(person.user_id, partial(self._user, person.user_id))
        except SLACK_ERRORS:
            return DEFAULT_LOCALE
        return str(user.get("locale") or DEFAULT_LOCALE)

    async def belongs(self, person: Person, lists: tuple[Names, ...], channel_id: str) -> bool:
        """Whether every list has a name that means this person; `channel` is the channel's
        members.

        All that is unknown is asked at once. Raises Refused(APPROVERS_UNREADABLE) when the
        answer hangs on something that could not be read.
        """
        if all(self._is_known_among(person, names, channel_id) for names in lists):
            return True
        try:
            async with asyncio.timeout(DECIDE_WITHIN):
                answers = await self._ask_whether(person, lists, channel_id)
        except TimeoutError:
            answers = [None]
        if False in answers:
            return False
        if None in answers:
            raise Refused(Reason.APPROVERS_UNREADABLE)
        return True

    async def is_here(self, channel_id: str) -> bool:
        """Whether the bot itself is in the channel; a private one it is not in it cannot see. Of
        direct messages Slack tells nothing without one more scope; its own are what it is in."""
        if channel_id.startswith("D"):
            return True
        try:
            answer = await self._client.conversations_info(channel=channel_id)
        except SLACK_ERRORS as error:
            log.info("people.channel_unreadable", channel=channel_id, trouble=word_of(error))
            return False
        channel = answer["channel"]
        return bool(channel.get("is_member") or channel.get("is_im"))

    async def named(self, lists: tuple[Names, ...], channel_id: str) -> list[Person]:
        """Everybody whom one of the lists means, by the order of their ids.

        Raises Refused(APPROVERS_UNREADABLE) when it cannot be found out.
        """
        named: set[str] = set()
        for name in {name for names in lists for name in names}:
            try:
                named |= await self._meant_by(name, channel_id)
            except SLACK_ERRORS as error:
                log.warning("people.group_unreadable", names=name, trouble=word_of(error))
                raise Refused(Reason.APPROVERS_UNREADABLE) from error
        return [Person(self._team_id, user_id) for user_id in sorted(named)]

    async def _meant_by(self, name: str, channel_id: str) -> frozenset[str]:
        if name == CHANNEL:
            return await self._channel(channel_id)
        return await self._group(name) if name.startswith("S") else frozenset({name})

    async def name(self, person: Person) -> str:
        """What people call somebody; the id where Slack does not say."""
        try:
            user = await self._keep(person.user_id, partial(self._user, person.user_id))
        except SLACK_ERRORS:
            return person.user_id
        return str(user.get("real_name") or person.user_id)

    def _is_known_among(self, person: Person, names: Names, channel_id: str) -> bool:
        """Whether one of the names means the person by what is kept, without asking."""
        if person.user_id in names:
            return True
        members = [self._kept_of(key) for key in _to_ask(names, channel_id)]
        return any(person.user_id in each for each in members if each is not None)

    async def _ask_whether(
        self, person: Person, lists: tuple[Names, ...], channel_id: str
    ) -> list[bool | None]:
        """An answer for each list. No is said only by what was asked from now on: whoever was added
        a moment ago is not refused for it. What is kept stays, as others may live on it."""
        now = asyncio.get_running_loop().time()
        asked = {key for names in lists for key in _to_ask(names, channel_id)}
        from_before = any(key in self._kept or key in self._asking for key in asked)
        answers = await self._are_among(person, lists, channel_id)
        if False in answers and from_before:
            answers = await self._are_among(person, lists, channel_id, since=now)
        return answers

    async def _are_among(
        self, person: Person, lists: tuple[Names, ...], channel_id: str, since: float | None = None
    ) -> list[bool | None]:
        return await asyncio.gather(
            *(self._is_among(person, names, channel_id, since) for names in lists)
        )

    async def _is_among(
        self, person: Person, names: Names, channel_id: str, since: float | None
    ) -> bool | None:
        """Whether one of the names means the person; None when it could not be found out."""
        if person.user_id in names:
            return True
        asked = [
            self._keep(
                key, partial(self._channel if key == channel_id else self._group, key), since
            )
            for key in _to_ask(names, channel_id)
        ]
        unreadable = False
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(answer, SLACK_ERRORS):
                log.warning("people.group_unreadable", names=names, trouble=word_of(answer))
                unreadable = True
            elif isinstance(answer, BaseException):
                raise answer
            elif person.user_id in answer:
                return True
        return None if unreadable else False

    async def _keep(
        self, key: str, ask: Callable[[], Awaitable[Any]], since: float | None = None
    ) -> Any:
        """What is kept, or what Slack says; whoever asks meanwhile waits for the same answer. With
        `since` only for one that was asked for from then on, by the loop's clock."""
        kept = self._kept_of(key) if since is None else None
        if kept is not None:
            return kept
        async with asyncio.timeout(ASK_WITHIN):
            for is_last in (False, True):
                asked = self._asking.get(key)
                is_own = asked is None or (since is not None and asked.at < since)
                if asked is None or is_own:
                    asked = self._ask(key, ask)
                try:
                    return await asyncio.shield(asked.answer)
                except SLACK_ERRORS:
                    if is_own or is_last:  # another's may have waited longer than this one would
                        raise
        raise AssertionError("the second question is the last")

    def _ask(self, key: str, ask: Callable[[], Awaitable[Any]]) -> "_Asked":
        answer = asyncio.create_task(self._answer(key, ask), name="asking Slack")
        asked = self._asking[key] = _Asked(asyncio.get_running_loop().time(), answer)
        answer.add_done_callback(partial(self._answered, key, asked))
        return asked

    async def _answer(self, key: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        asked_at = self._clock()
        async with asyncio.timeout(ASK_WITHIN):
            answer = await ask()
        self._kept[key] = (asked_at, answer)
        return answer

    def _answered(self, key: str, asked: "_Asked", answer: asyncio.Task[Any]) -> None:
        if self._asking.get(key) is asked:
            del self._asking[key]
        if not answer.cancelled():
            answer.exception()  # whoever still waits is told

    def _kept_of(self, key: str) -> Any:
        """What is kept, if it is not too old; nor from the future, as after a clock is set back."""
        at, kept = self._kept.get(key, (None, None))
        return kept if at and at <= self._clock() < at + KEPT_FOR else None

    async def _user(self, user_id: str) -> dict[str, Any]:
        answer = await self._client.users_info(user=user_id, include_locale=True)
        return dict(answer["user"])

    async def _group(self, group_id: str) -> frozenset[str]:
        answer = await self._client.usergroups_users_list(usergroup=group_id)
        return frozenset(answer["users"])

    async def _channel(self, channel_id: str) -> frozenset[str]:
        members: set[str] = set()
        cursor = ""
        while True:
            page = await self._client.conversations_members(
                channel=channel_id, limit=1000, cursor=cursor
            )
            members.update(page["members"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return frozenset(members)


class _Asked(NamedTuple):
    """A question that Slack has not answered yet, and when it was asked by the loop's clock."""

    at: float
    answer: asyncio.Task[Any]


def _to_ask(names: Names, channel_id: str) -> list[str]:
    """Of whom Slack has to be asked who belongs to them: user groups, and the channel."""
    groups = [name for name in names if name.startswith("S")]
    return [*groups, channel_id] if CHANNEL in names else groups


def _member_kind(user: dict[str, Any], team_id: str) -> MemberKind:
    if user.get("deleted"):
        return MemberKind.DEACTIVATED
    if user.get("is_bot") or user.get("id") == "USLACKBOT":
        return MemberKind.BOT
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return MemberKind.GUEST
    if user.get("is_stranger") or user.get("team_id", team_id) != team_id:
        return MemberKind.STRANGER
    return MemberKind.FULL_MEMBER
