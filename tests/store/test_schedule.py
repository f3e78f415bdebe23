"""The rows alone say what the bot has to attend to, and since when."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bot.domain import lifecycle, steps
from bot.domain.item import State
from bot.domain.request import Request
from bot.store import PostedCard, Store, item_job
from tests.factories import DAY, NO_LIMIT, NOW, another
from tests.store.taking import approve, confirm, finish, follow_up, moved, send, withdraw

of_one_and_of_two = pytest.mark.parametrize("items", [1, 2])
HOUR = timedelta(hours=1)


class Clock:
    """The time in the store."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """It stands still until it is moved."""
    return Clock()


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[Store]:
    """An empty database whose time can be moved."""
    store = await Store.open(url, clock)
    yield store
    await store.close()


async def shown(store: Store, request: Request) -> None:
    """Slack shows all of it."""
    at = (await store.requests.get(request.id)).revision
    before = await store.cards.get(request.id)
    await store.cards.record(request.id, before, PostedCard("C", f"1.{request.id}", at, at))


async def added(store: Store, items: int, number: int = 1) -> Request:
    """A new request in the store, shown."""
    request = await store.requests.add(another(number, items), most=NO_LIMIT)
    await shown(store, request)
    return request


@of_one_and_of_two
async def test_a_request_is_due_to_be_reminded_of_and_to_expire(
    store: Store, clock: Clock, items: int
) -> None:
    """While people can decide about it; its items are not due by themselves."""
    request = await added(store, items)
    assert await store.schedule.due() == []
    clock.now = NOW + 2 * HOUR
    assert await store.schedule.due() == [request.id]
    await store.requests.take(request.id, steps.remind)
    await store.requests.take(request.id, approve())
    await shown(store, request)
    assert await store.schedule.due() == []
    clock.now = NOW + DAY
    assert await store.schedule.due() == [request.id]
    await store.requests.take(request.id, steps.expire)
    await shown(store, request)
    assert await store.schedule.due() == []


@of_one_and_of_two
async def test_what_was_confirmed_is_due_until_all_of_it_is_over(
    store: Store, clock: Clock, items: int
) -> None:
    """The request to claim its next item, and the item to be performed and followed up."""
    request = await added(store, items)
    await store.requests.take(request.id, approve())
    await store.requests.take(request.id, confirm())
    for each in request.item_ids:
        await shown(store, request)
        assert await store.schedule.due() == [request.id]
        await store.requests.take(request.id, steps.claim_next)
        await shown(store, request)
        assert await store.schedule.due() == [item_job(each)] == [f"item/{each}"]
        await store.requests.take(request.id, send(each))
        await store.requests.take(request.id, finish(each))
    if items > 1:
        assert await store.schedule.due() == [request.id]
        await store.requests.take(request.id, steps.sum_up)
    await shown(store, request)
    assert await store.schedule.due() == []
    for after in lifecycle.FOLLOW_UP_AFTER:
        clock.now = NOW + after
        jobs = {item_job(each) for each in request.item_ids}
        assert set(await store.schedule.due()) == jobs
        for each in request.item_ids:
            await store.requests.take(request.id, follow_up(each))
        if items > 1 and after == lifecycle.FOLLOW_UP_AFTER[0]:
            assert await store.schedule.due() == [request.id]
            await store.requests.take(request.id, steps.follow_up)
        await shown(store, request)
        assert await store.schedule.due() == []


async def test_a_lost_answer_is_looked_for_and_those_that_may_be_lost_are_known(
    store: Store, clock: Clock
) -> None:
    """After a restart, too."""
    request = await added(store, 2)
    one, other = request.item_ids
    await store.requests.take(request.id, approve())
    await store.requests.take(request.id, confirm())
    await store.requests.take(request.id, steps.claim_next)
    assert await store.schedule.in_flight() == [one]
    await store.requests.take(request.id, send(one))
    await shown(store, request)
    assert await store.schedule.due() == []
    clock.now = NOW + lifecycle.ANSWER_WITHIN
    assert await store.schedule.due() == [item_job(one)]
    await store.requests.take(request.id, moved(one, lifecycle.mark_unknown))
    assert await store.schedule.in_flight() == []
    await shown(store, request)
    assert await store.schedule.due() == [item_job(one)]
    await store.requests.take(request.id, moved(one, lifecycle.look))
    after = await store.requests.get(request.id)
    assert [item.state for item in after.items] == [State.UNKNOWN, State.APPROVED]
    await shown(store, request)
    assert await store.schedule.due() == [request.id], "what is wrong with one may stop the rest"
    await store.requests.take(request.id, steps.stop)
    await shown(store, request)
    assert await store.schedule.due() == []
    await store.requests.take(request.id, finish(one))
    assert (await store.requests.get(request.id)).item(other).state is State.APPROVED


@pytest.mark.parametrize("is_item", [False, True])
async def test_what_ends_in_trouble_rests_longer_each_time(
    store: Store, clock: Clock, is_item: bool
) -> None:
    """And as at first once it went well, or long after."""
    request = await added(store, 1)
    await store.requests.take(request.id, approve())
    await store.requests.take(request.id, confirm())
    if is_item:
        await store.requests.take(request.id, steps.claim_next)
    await shown(store, request)
    (job,) = await store.schedule.due()
    assert job == (item_job(request.id) if is_item else request.id)
    pauses = [timedelta(minutes=1), timedelta(minutes=5)]

    async def rests_for(minutes: int) -> None:
        await store.schedule.rest(job, pauses)
        clock.now += timedelta(minutes=minutes, seconds=-1)
        assert await store.schedule.due() == []
        clock.now += timedelta(seconds=1)
        assert await store.schedule.due() == [job]

    for minutes in (1, 5, 5):
        await rests_for(minutes)
    await store.schedule.rested(job)
    await rests_for(1)
    clock.now += HOUR
    await rests_for(1)


@of_one_and_of_two
async def test_what_is_not_shown_rests_too(store: Store, clock: Clock, items: int) -> None:
    """Slack has to be asked again, but not all the time."""
    request = await store.requests.add(another(1, items), most=NO_LIMIT)
    assert not (await store.requests.snapshot(request.id)).rests
    await store.schedule.rest(request.id, [HOUR])
    assert await store.schedule.due() == []
    assert (await store.requests.snapshot(request.id)).rests
    clock.now += HOUR
    assert await store.schedule.due() == [request.id]
    assert not (await store.requests.snapshot(request.id)).rests


async def test_the_longest_due_comes_first_and_no_more_than_asked_for(
    store: Store, clock: Clock
) -> None:
    """A bot that was away for days begins with what has waited longest."""
    for number in (1, 2, 3):
        clock.now = NOW + number * HOUR
        request = await store.requests.add(another(number), most=NO_LIMIT)
        await store.requests.take(request.id, approve())
        await store.requests.take(request.id, confirm())
        await shown(store, request)
    jobs = await store.schedule.due()
    assert jobs == [another(number).request.id for number in (1, 2, 3)]
    assert await store.schedule.due(limit=2) == jobs[:2]
    await store.requests.take(jobs[0], withdraw())
    await shown(store, await store.requests.get(jobs[0]))
    assert await store.schedule.due() == jobs[1:]
