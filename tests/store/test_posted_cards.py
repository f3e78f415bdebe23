"""What Slack shows of a request is recorded by the bot that showed it, and only by one."""

import asyncio

import pytest

from bot.domain.request import Request
from bot.errors import Reason, Refused
from bot.store import PostedCard, Store
from tests.factories import NO_LIMIT, another
from tests.store.taking import approve

of_one_and_of_two = pytest.mark.parametrize("items", [1, 2])

POSTED = PostedCard("C", "1.1", 1, 0)
TOLD = PostedCard("C", "1.1", 1, 1, "1.2", "https://practice.slack.example/archives/C/p11")


async def added(store: Store, items: int) -> Request:
    """A new request in the store."""
    return await store.requests.add(another(1, items), most=NO_LIMIT)


@of_one_and_of_two
async def test_what_is_not_shown_yet_is_due(store: Store, items: int) -> None:
    """Card and thread both have to be up to date."""
    request = await added(store, items)
    assert await store.schedule.due() == [request.id]
    assert await store.cards.record(request.id, None, POSTED) == 1
    assert await store.schedule.due() == [request.id]
    assert await store.cards.record(request.id, POSTED, TOLD) == 1
    assert await store.schedule.due() == []
    await store.requests.take(request.id, approve())
    assert await store.schedule.due() == [request.id]


@of_one_and_of_two
async def test_recording_returns_the_newest_revision(store: Store, items: int) -> None:
    """So that the bot which has shown an older one knows that it has to go on."""
    request = await added(store, items)
    await store.requests.take(request.id, approve())
    assert await store.cards.record(request.id, None, POSTED) == 2
    newer = TOLD._replace(card_revision=2, told_revision=2)
    assert await store.cards.record(request.id, POSTED, newer) == 2
    assert await store.cards.get(request.id) == newer


@of_one_and_of_two
async def test_what_another_has_shown_meanwhile_is_not_overwritten(
    store: Store, items: int
) -> None:
    """Two bots that show the same request: the second learns of the first."""
    request = await added(store, items)
    other = POSTED._replace(ts="2.2")
    assert await store.cards.get(request.id) is None
    assert await store.cards.record(request.id, None, POSTED)
    assert await store.cards.record(request.id, None, other) is None
    assert await store.cards.record(request.id, other, TOLD) is None
    assert await store.cards.get(request.id) == POSTED
    assert await store.schedule.due() == [request.id]


async def test_of_many_that_record_at_once_one_does(store: Store) -> None:
    """The first card, and every later one."""
    request = await added(store, 2)
    first = [POSTED._replace(ts=f"{number}.0") for number in range(10)]
    ends = await asyncio.gather(*(store.cards.record(request.id, None, card) for card in first))
    assert sorted(end or 0 for end in ends) == [0] * 9 + [1]
    there = await store.cards.get(request.id)
    assert there == first[ends.index(1)]
    later = [there._replace(told_revision=1, told_ts=f"{number}.1") for number in range(10)]
    ends = await asyncio.gather(*(store.cards.record(request.id, there, card) for card in later))
    assert sorted(end or 0 for end in ends) == [0] * 9 + [1]


@of_one_and_of_two
async def test_a_request_is_found_by_the_place_of_its_card(store: Store, items: int) -> None:
    """And no other place is taken for it."""
    request = await added(store, items)
    await store.cards.record(request.id, None, POSTED)
    assert await store.cards.request_at("C", "1.1") == request.id
    for place in (("C", "1.2"), ("D", "1.1")):
        with pytest.raises(Refused) as refused:
            await store.cards.request_at(*place)
        assert refused.value.reason is Reason.UNKNOWN_REQUEST


async def test_a_card_of_no_request_is_not_recorded(store: Store) -> None:
    """It belongs to nothing."""
    assert await store.cards.record("unknown", None, POSTED) is None
    assert await store.cards.get("unknown") is None


async def test_of_bots_that_tell_a_revision_privately_one_is_the_first(store: Store) -> None:
    """Each revision once, and none after a newer one."""
    request = await added(store, 1)
    first = [store.cards.is_first_told(request.id, 1) for _ in range(3)]
    assert sorted(await asyncio.gather(*first)) == [False, False, True]
    assert await store.cards.is_first_told(request.id, 3)
    assert not await store.cards.is_first_told(request.id, 2)
