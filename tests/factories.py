"""Requests and items in every state, made without living through their stories."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.domain import lifecycle, steps
from bot.domain.change import UpgradeNow
from bot.domain.item import (
    Approval,
    Attempt,
    Earlier,
    Ending,
    Event,
    Item,
    ItemTransition,
    State,
    Step,
    Votes,
)
from bot.domain.outcome import Outcome
from bot.domain.policy import Confirm, Evidence, Person, Policy
from bot.domain.price import PriceChange
from bot.domain.refusals import (
    MayNotRequest,
    NoSubscription,
    NotAMember,
    RefusedStep,
    TooMany,
    UnknownCustomer,
)
from bot.domain.request import Confirmed, Request, RequestEvent, RequestStep, Run, Transition
from bot.domain.subscription import Customer, Kind, Subscription, UpgradeOption, UpgradeType
from bot.errors import Reason, Refused

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)

ALICE, BOB, CAROL = (Person("T0PRACTICE", f"U0{name}") for name in ("ALICE", "BOB", "CAROL"))
"""Alice asks, Carol approves."""

NO_LIMIT = 1_000_000
"""For tests that add requests and do not care how many of them wait."""

POLICY = Policy(
    approvals=1,
    approvers=(("S0APPROVERS",),),
    requesters=(("channel",),),
    confirm=Confirm.REQUESTER,
    expires_after=DAY,
    remind_after=timedelta(hours=2),
    evidence=Evidence.OPTIONAL,
    banners=("Key account: ask Dana first",),
)

CUSTOMER = Customer("22222222-2222-4222-8222-222222222222", "Contoso", "contoso.example")

SUBSCRIPTION = Subscription(
    "33333333-3333-4333-8333-333333333333",
    "e1",
    "Office 365 Enterprise E1",
    25,
    "active",
    Kind.TRADITIONAL,
    term="P1Y",
    billing_cycle="monthly",
    ends_at=NOW + 100 * DAY,
)

OPTION = UpgradeOption(
    "e3", "Office 365 Enterprise E3", UpgradeType.UPGRADE_ONLY, eligible=True, seats=25
)

CHANGE = UpgradeNow("e3", "Office 365 Enterprise E3", UpgradeType.UPGRADE_ONLY, 25)

TRIED = (State.PERFORMING, State.UNKNOWN, State.DONE, State.FAILED)


def item_id(number: int) -> str:
    """The id of the `number`th item."""
    return f"{number:08}-1111-4111-8111-111111111111"


def item_in(
    state: State, number: int = 1, *, by: Person = ALICE, approver: Person = CAROL, **changes: Any
) -> Item:
    """An item as it is in some state: approved, confirmed, sent, as far as it came. `number` gives
    it an id and a subscription of its own."""
    item = Item(
        id=item_id(number),
        request_id=item_id(1),
        version=5,
        state=state,
        partner_id="66666666-6666-4666-8666-666666666666",
        customer=CUSTOMER,
        subscription=replace(SUBSCRIPTION, id=f"{number:08}-3333-4333-8333-333333333333"),
        change=CHANGE,
        policy=POLICY,
        ms_request_id=f"{number:08}-4444-4444-8444-444444444444",
        correlation_id=f"{number:08}-5555-4555-8555-555555555555",
        created_at=NOW,
        expires_at=NOW + DAY,
        price=PriceChange(Decimal(200), Decimal("650.51"), "EUR", NOW.date()),
        earlier=(
            Earlier(State.DONE, "Office 365 Enterprise E3", approver, NOW - 3 * DAY, "https://s/1"),
        ),
    )
    item = replace(item, **{name: changes[name] for name in changes if name in _WHAT})
    if state not in (State.AWAITING_APPROVAL, State.EXPIRED):
        item = replace(item, votes=Votes(approvals=(approval_of(item, approver),)))
    if state in TRIED:
        looked_at = NOW if state is State.UNKNOWN else None
        item = replace(item, attempt=Attempt(1, by, NOW, sent_at=NOW, looked_at=looked_at))
    endings = {
        State.DONE: Ending(NOW, outcome=Outcome("new"), follow_ups=2),
        State.FAILED: Ending(NOW, outcome=Outcome(status=400, code="1")),
        State.DECLINED: Ending(NOW, approver, "Not now."),
        State.WITHDRAWN: Ending(NOW, by),
        State.EXPIRED: Ending(NOW),
    }
    item = replace(item, ending=endings.get(state))
    return replace(item, **{name: changes[name] for name in changes if name not in _WHAT})


_WHAT = frozenset({"customer", "subscription", "change"})
"""What an approval is for, and so set before there is one."""


def approval_of(item: Item, who: Person = CAROL) -> Approval:
    """A yes to exactly this."""
    return Approval(who, NOW, item.fingerprint())


def voted(item: Item, **changes: Any) -> Item:
    """The item with other votes."""
    return replace(item, votes=replace(item.votes, **changes))


def tried(item: Item, **changes: Any) -> Item:
    """The item with another attempt."""
    return replace(item, attempt=replace(item.attempt, **changes))


def request_of(items: Iterable[Item], **changes: Any) -> Request:
    """A request of these items."""
    items = tuple(items)
    request = Request(
        id=item_id(1),
        version=1,
        workspace=ALICE.team_id,
        channel_id="C0UPGRADES",
        requester=ALICE,
        reason="They need Office on the desktop.",
        evidence="https://mail.example/42",
        correlation_id="77777777-7777-4777-8777-777777777777",
        created_at=NOW,
        item_ids=tuple(item.id for item in items),
        revision=5,
        changed_at=NOW,
        items=items,
    )
    request = replace(request, **changes)
    return replace(request, items=tuple(replace(i, request_id=request.id) for i in items))


def request_in(state: State, number: int = 1, **changes: Any) -> Request:
    """A request of so many items, all in that state. `changes` are those of the request."""
    return request_of((item_in(state, n + 1) for n in range(number)), **changes)


def asked(number: int = 1, *, items: Iterable[Item] | None = None, **changes: Any) -> Transition:
    """The first step of a request of so many items."""
    waiting = items or (item_in(State.AWAITING_APPROVAL, n + 1, version=0) for n in range(number))
    changes = {"version": 0, "revision": 0, "changed_at": None, "item_ids": ()} | changes
    request = request_of(waiting, **changes)
    return steps.ask(replace(request, items=()), request.items)


def another(number: int, items: int = 1, **changes: Any) -> Transition:
    """The first step of the `number`th request, with ids and subscriptions of its own. `changes`
    are those of the request, but for `policy`."""
    policy = changes.pop("policy", POLICY)
    first = 100 * number
    new = [
        item_in(State.AWAITING_APPROVAL, first + n, version=0, policy=policy) for n in range(items)
    ]
    return asked(items=new, **{"id": item_id(first), **changes})


def with_item(request: Request, item: Item) -> Request:
    """The request with another version of one of its items."""
    items = tuple(item if each.id == item.id else each for each in request.items)
    return replace(request, items=items)


# Requests that lived through their stories


def waiting(number: int = 1, **policy: Any) -> Request:
    """A request of so many items, just asked for under a policy with these changes."""
    items = [item_in(State.AWAITING_APPROVAL, n + 1, version=0) for n in range(number)]
    changed = replace(POLICY, **policy)
    return asked(items=[replace(item, policy=changed) for item in items]).request


def approved(request: Request, who: Person = CAROL) -> Request:
    """The request after one more yes to all that waits."""
    return steps.approve(request, who, NOW, request.card_ref.round, steps.nothing_forbids).request


def confirmed(request: Request, who: Person = ALICE) -> Request:
    """The request after *Upgrade now*."""
    return steps.confirm(request, who, NOW, request.card_ref, steps.nothing_forbids).request


def running(number: int = 1, **policy: Any) -> Request:
    """A request of so many items that are all approved and confirmed, and none claimed yet."""
    return confirmed(approved(waiting(number, **policy)))


ItemStep = Callable[[Item, datetime], ItemTransition]
"""What becomes of an item that was claimed."""


def performed(request: Request, step: ItemStep, at: datetime = NOW) -> Request:
    """The request after its next item was claimed, and `step` came of it."""
    claimed = steps.claim_next(request, at)
    return steps.move(claimed.request, step(claimed.items[0][0], at)).request


def done(item: Item, at: datetime) -> ItemTransition:
    """It was sent, and it happened."""
    return lifecycle.finish(lifecycle.send(item, at)[0], at, Outcome("t"))


def failed(item: Item, at: datetime) -> ItemTransition:
    """It was sent, and Partner Center refused."""
    return lifecycle.fail(lifecycle.send(item, at)[0], at, Outcome(status=400, code="1"))


def just_lost(item: Item, at: datetime) -> ItemTransition:
    """It was sent, the answer is lost, and the bot has not looked yet."""
    return lifecycle.mark_unknown(lifecycle.send(item, at)[0], at)


def lost(item: Item, at: datetime) -> ItemTransition:
    """It was sent, the answer is lost, and the bot has looked once."""
    return lifecycle.look(just_lost(item, at)[0], at)


def followed(item: Item, at: datetime) -> ItemTransition:
    """It was sent, and Partner Center works on it."""
    return lifecycle.follow(lifecycle.send(item, at)[0], at, "operation")


def came_back(item: Item, at: datetime) -> ItemTransition:
    """It was not sent, and a person may confirm it again."""
    return lifecycle.release(item, at, "not_checked")


def drifted(item: Item, at: datetime) -> ItemTransition:
    """It is no longer what was approved."""
    return lifecycle.drift(item, item.subscription, item.change, item.policy, (), at)


# What is said of requests


def run_of(request: Request, **changes: Any) -> Run:
    """A confirmation by Alice of everything that is approved or was tried."""
    items = (i for i in request.items if i.state is State.APPROVED or i.attempt.number)
    run = Run(ALICE, NOW, tuple(Confirmed(i.id, i.votes.round, 0, ALICE) for i in items))
    return replace(run, **changes)


BY_ITSELF = frozenset(Step) - {
    Step.ASK,
    Step.LOOKING,
    Step.APPROVE,
    Step.DECLINE,
    Step.WITHDRAW,
    Step.REMIND,
    Step.EXPIRE,
}
"""Steps that each item takes by itself; the others are those of several together."""


def transactions(
    request: Request, note: str = "Not now.", **facts: Any
) -> Iterator[tuple[tuple[ItemTransition, ...], RequestEvent | None]]:
    """Every step of one item, of some and of all, and every one of the request itself. `note` and
    `facts` are those of the items' events."""
    for number in sorted({1, min(17, len(request.items)), len(request.items)}):
        some = request.items[:number]
        for step in Step:
            said = "not_sent" if step is Step.RELEASE else note
            event = Event(step, State.APPROVED, NOW, CAROL, said, **facts)
            hit = some[:1] if step in BY_ITSELF else some
            yield tuple((item, event) for item in hit), None
        for own in RequestStep:
            why = Reason.SUBSCRIPTION_BUSY.value if own is RequestStep.SKIP else ""
            yield (), RequestEvent(own, NOW, CAROL, tuple(item.id for item in some), why)


def refused(reason: Reason, request: Request) -> Refused:
    """A refusal about the first item of a request, with the facts of its sentence."""
    item = request.items[0]
    with_facts: dict[Reason, Refused] = {
        Reason.UNKNOWN_CUSTOMER: UnknownCustomer(item.customer.name, [item.customer] * 3),
        Reason.NO_SUBSCRIPTION: NoSubscription(item.customer),
        Reason.NOT_A_MEMBER: NotAMember(),
        Reason.MAY_NOT_REQUEST: MayNotRequest(item.policy),
        Reason.TOO_MANY_OPEN: TooMany(reason, 20),
        Reason.TOO_MANY_ROWS: TooMany(reason, 50, 51),
        Reason.SEATS_OUT_OF_RANGE: TooMany(reason, 25),
    }
    return with_facts.get(reason, RefusedStep(reason, item, request))
