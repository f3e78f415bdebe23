"""Lists show items, each with who asked for it where, and the link of the card."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import steps
from bot.domain.item import Item
from bot.domain.lists import ListedItem
from bot.domain.request import Request
from bot.domain.subscription import Customer
from bot.store import PostedCard, Store
from tests.factories import ALICE, BOB, CUSTOMER, NO_LIMIT, NOW, another
from tests.store.taking import approve, confirm, withdraw

OTHER_CUSTOMER = replace(CUSTOMER, id="other")


async def added(
    store: Store, number: int, items: int, customer: Customer = CUSTOMER, **of: object
) -> Request:
    """A request of that number, so many minutes after the first."""
    at = NOW + timedelta(minutes=number)
    asked = another(number, items, created_at=at, **of)
    new = tuple(
        (replace(item, created_at=at, customer=customer), event) for item, event in asked.items
    )
    whole = replace(asked.request, items=tuple(item for item, _ in new))
    request = await store.requests.add(replace(asked, request=whole, items=new), most=NO_LIMIT)
    link = f"https://s/{number}"
    await store.cards.record(request.id, None, PostedCard("C", f"{number}.1", 1, 1, "", link))
    return request


def ids(listed: list[ListedItem]) -> list[set[str]]:
    """The items of each request, in the order of the list."""
    found: list[set[str]] = []
    last = ""
    for each in listed:
        if each.item.request_id != last:
            found.append(set())
        last = each.item.request_id
        found[-1].add(each.item.id)
    return found


@pytest.mark.parametrize("items", [1, 2])
async def test_another_item_in_flight_for_a_subscription_is_found(store: Store, items: int) -> None:
    """Not the item itself, and none of another subscription."""
    one, two = await added(store, 1, items), await added(store, 2, items)
    rival = replace(two.items[0], subscription=one.items[0].subscription)
    is_another = store.lists.is_another_in_flight
    assert not await is_another(rival)
    await store.requests.take(one.id, approve())
    await store.requests.take(one.id, confirm())
    assert not await is_another(rival)
    claimed, _ = (await store.requests.take(one.id, steps.claim_next)).items[0]
    assert await is_another(rival)
    assert not await is_another(claimed)
    assert not await is_another(two.items[0])


@pytest.mark.parametrize("items", [1, 2])
async def test_items_are_listed_the_newest_first(store: Store, items: int) -> None:
    """By who asked, by channel and customer, by subscription, and while people can decide."""
    one = await added(store, 1, items)
    two = await added(store, 2, items, requester=BOB, channel_id="C2")
    three = await added(store, 3, items, customer=OTHER_CUSTOMER, requester=BOB)
    lists, all_of = store.lists, [set(each.item_ids) for each in (three, two, one)]
    assert ids(await lists.asked_by(BOB, 10)) == all_of[:2]
    assert ids(await lists.asked_in(one.channel_id, None, 10)) == [all_of[0], all_of[2]]
    assert ids(await lists.asked_in(one.channel_id, [OTHER_CUSTOMER.id], 10)) == all_of[:1]
    assert ids(await lists.asked_in(one.channel_id, [], 10)) == []
    assert ids(await lists.undecided(ALICE.team_id, 10)) == all_of
    assert ids(await lists.undecided("another workspace", 10)) == []
    await store.requests.take(two.id, withdraw(BOB))
    assert ids(await lists.undecided(ALICE.team_id, 10)) == [all_of[0], all_of[2]]
    assert len(await lists.undecided(ALICE.team_id, 1)) == 1
    subscription = two.items[-1].subscription.id
    for each in (subscription, subscription.upper()):
        assert ids(await lists.asked_for(each, 10)) == [{two.item_ids[-1]}]


async def test_what_is_listed_has_what_its_request_says(store: Store) -> None:
    """And no link before there is a card."""
    request = await added(store, 1, 2, requester=BOB, channel_id="C2")
    items: dict[str, Item] = {item.id: item for item in request.items}
    assert {each.item.id: each for each in await store.lists.asked_by(BOB, 10)} == {
        id: ListedItem(items[id], BOB, "C2", "https://s/1") for id in request.item_ids
    }
    await store.requests.add(another(2), most=NO_LIMIT)
    (without_card,) = await store.lists.asked_by(ALICE, 10)
    assert (without_card.requester, without_card.link) == (ALICE, "")


async def test_items_are_counted_by_state(store: Store) -> None:
    """For the figures."""
    assert await store.lists.by_state() == {}
    await added(store, 1, 3)
    await store.requests.take((await added(store, 2, 2)).id, approve())
    assert await store.lists.by_state() == {"awaiting_approval": 3, "approved": 2}
