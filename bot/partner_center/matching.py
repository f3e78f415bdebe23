"""Recognises a change that was sent in what Partner Center shows afterwards."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.domain.item import Item
from bot.domain.subscription import Subscription

CLOCKS_DIFFER = timedelta(minutes=10)


def is_same(one: str, other: str) -> bool:
    """Whether two ids are the same: Partner Center writes them in any case."""
    return one.lower() == other.lower()


def source_of(item: Item, there: Iterable[Subscription]) -> Subscription | None:
    """The item's subscription among those that are there now."""
    return next((each for each in there if is_same(each.id, item.subscription.id)), None)


def is_since_sent(moment: datetime, item: Item) -> bool:
    """Whether something of that moment can follow from what was sent."""
    return moment >= (item.attempt.sent_at or item.created_at) - CLOCKS_DIFFER


def can_be_target(subscription: Subscription, item: Item) -> bool:
    """Whether a subscription can be what the change has made: of its offer and its seats, and not
    older than the sending."""
    return (
        is_same(subscription.offer_id, item.change.offer_id)
        and subscription.seats == item.change.seats
        and (subscription.created_at is None or is_since_sent(subscription.created_at, item))
    )
