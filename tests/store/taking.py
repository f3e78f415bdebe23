"""Steps as `store.requests.take` wants them: given the request as it is, and the time."""

from datetime import datetime

from bot.domain import lifecycle, steps
from bot.domain.item import Item
from bot.domain.outcome import Outcome
from bot.domain.policy import Person
from bot.domain.request import Request, Transition
from bot.store import Store
from bot.store.requests import Step
from tests.factories import ALICE, CAROL, ItemStep


def approve(who: Person = CAROL) -> Step:
    """A yes to all that waits."""
    return lambda request, now: steps.approve(
        request, who, now, request.card_ref.round, steps.nothing_forbids
    )


def decline(*which: str, who: Person = CAROL) -> Step:
    """A no to some items, or to all."""
    return lambda request, now: steps.decline(
        request,
        who,
        now,
        request.card_ref.round,
        "Not now.",
        frozenset(which or request.item_ids),
        steps.nothing_forbids,
    )


def withdraw(who: Person = ALICE) -> Step:
    """All that is open is taken back."""
    return lambda request, now: steps.withdraw(request, who, now)


def confirm(who: Person = ALICE) -> Step:
    """*Upgrade now*."""
    return lambda request, now: steps.confirm(
        request, who, now, request.card_ref, steps.nothing_forbids
    )


def moved(item_id: str, step: ItemStep) -> Step:
    """An item takes a step by itself."""

    def move(request: Request, now: datetime) -> Transition:
        item: Item = request.item(item_id)
        return steps.move(request, step(item, now))

    return move


def send(item_id: str) -> Step:
    """An item is sent."""
    return moved(item_id, lifecycle.send)


def finish(item_id: str) -> Step:
    """What was sent of an item has happened."""
    return moved(item_id, lambda item, now: lifecycle.finish(item, now, Outcome("new")))


def follow_up(item_id: str) -> Step:
    """A finished item was looked at once more."""
    return moved(item_id, lambda item, now: lifecycle.follow_up(item, now, None))


async def perform_next(store: Store, request_id: str) -> str:
    """The next item is claimed, sent and finished; its id."""
    claimed = await store.requests.take(request_id, steps.claim_next)
    item, _ = claimed.items[0]
    for step in (send(item.id), finish(item.id)):
        await store.requests.take(request_id, step)
    return item.id
