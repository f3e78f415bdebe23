"""Who belongs to a group, when many ask at once and Slack takes its time: what is shared, what is
kept, and for whom."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.policy import Person
from bot.errors import Reason, Refused
from bot.requests.rate_limit import AT_ONCE, RateLimit
from bot.slack import people
from bot.slack.people import SlackPeople

CAROL, BOB = Person("T1", "U0CAROL"), Person("T1", "U0BOB")
LISTS = (("S0APPROVERS",),)
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Groups:
    """The two calls to Slack, answered when the test lets them: each question sees the group as it
    was when it came in."""

    def __init__(self) -> None:
        self.members = {CAROL.user_id}
        self.asked: list[asyncio.Future[None]] = []
        self.lets_go = True
        self._news = asyncio.Event()

    async def usergroups_users_list(self, usergroup: str) -> dict[str, Any]:
        """Slack's."""
        assert usergroup == "S0APPROVERS"
        members, answer = sorted(self.members), asyncio.get_running_loop().create_future()
        self.asked.append(answer)
        self._news.set()
        if self.lets_go:
            answer.set_result(None)
        await answer
        return {"users": members}

    async def users_info(self, user: str, include_locale: bool) -> dict[str, Any]:
        """Slack's."""
        assert include_locale
        return {"user": {"id": user, "team_id": "T1"}}

    async def until_asked(self, times: int) -> None:
        """Wait until that many questions have come in."""
        while len(self.asked) < times:
            self._news.clear()
            await self._news.wait()


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def submitter(groups: Groups, clock: Callable[[], datetime] | None = None) -> SlackPeople:
    """What the bot asks with."""
    return SlackPeople(cast("AsyncWebClient", groups), "T1", clock or Clock())


async def test_a_question_is_answered_though_whoever_began_it_is_gone() -> None:
    """Of five who wait for one answer two give up."""
    groups = Groups()
    groups.lets_go = False
    slack = submitter(groups)
    waiting = [asyncio.create_task(slack.belongs(CAROL, LISTS, "C")) for _ in range(5)]
    await groups.until_asked(1)
    waiting[0].cancel()
    waiting[3].cancel()
    groups.asked[0].set_result(None)
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [answer for answer in answers if answer is True] == [True] * 3
    assert len(groups.asked) == 1


async def test_whoever_was_added_before_their_click_is_not_refused_by_an_older_question() -> None:
    """It was asked when they were not in the group yet."""
    groups = Groups()
    groups.lets_go = False
    slack = submitter(groups)
    carol = asyncio.create_task(slack.belongs(CAROL, LISTS, "C"))
    await groups.until_asked(1)
    groups.members.add(BOB.user_id)
    bob = asyncio.create_task(slack.belongs(BOB, LISTS, "C"))
    await asyncio.sleep(0)
    groups.lets_go = True
    groups.asked[0].set_result(None)
    assert await carol
    assert await bob
    assert len(groups.asked) == 2


async def test_a_question_of_anothers_that_failed_is_asked_once_more() -> None:
    """One lost answer does not refuse everybody who waited for it."""
    groups = Groups()
    groups.lets_go = False
    slack = submitter(groups)
    clicks = [asyncio.create_task(slack.belongs(CAROL, LISTS, "C")) for _ in range(3)]
    await groups.until_asked(1)
    groups.lets_go = True
    groups.asked[0].set_exception(TimeoutError())
    first, *others = await asyncio.gather(*clicks, return_exceptions=True)
    assert isinstance(first, Refused)
    assert first.reason is Reason.APPROVERS_UNREADABLE
    assert others == [True, True]
    assert len(groups.asked) == 2


async def test_somebody_elses_click_takes_nothing_from_an_approver() -> None:
    """Bob is no approver and Slack is down: Carol's right was read a moment ago and still holds."""
    groups = Groups()
    slack = submitter(groups)
    assert await slack.belongs(CAROL, LISTS, "C")
    groups.lets_go = False
    bob = asyncio.create_task(slack.belongs(BOB, LISTS, "C"))
    await groups.until_asked(2)
    groups.asked[1].set_exception(TimeoutError())
    with pytest.raises(Refused):
        await bob
    assert await slack.belongs(CAROL, LISTS, "C")


async def test_a_slack_that_does_not_answer_is_given_up_within_a_clicks_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where a list has to be asked again; and that means no."""
    monkeypatch.setattr(people, "DECIDE_WITHIN", 0.1)
    groups = Groups()
    slack = submitter(groups)
    assert await slack.belongs(CAROL, LISTS, "C")
    groups.lets_go = False
    with pytest.raises(Refused) as refused:
        await slack.belongs(BOB, LISTS, "C")
    assert refused.value.reason is Reason.APPROVERS_UNREADABLE


async def test_a_clock_that_is_set_back_keeps_no_right_for_longer() -> None:
    """What was read in the future is read again, and nobody waits an hour to look up."""
    groups, clock = Groups(), Clock()
    slack, rate_limit = submitter(groups, clock), RateLimit(clock)
    assert await slack.belongs(CAROL, LISTS, "C")
    rate_limit.take(CAROL, AT_ONCE)
    groups.members.clear()
    clock.now = START - timedelta(minutes=10)
    assert not await slack.belongs(CAROL, LISTS, "C")
    with pytest.raises(Refused):
        rate_limit.take(CAROL)
    clock.now += timedelta(minutes=1)
    rate_limit.take(CAROL)
