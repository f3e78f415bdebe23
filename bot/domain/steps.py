"""The steps of a request. What people do, they do to a request: each item takes its own step of
`lifecycle.py`, and all of it is one `Transition`, which is stored in one transaction.

Once it is confirmed, the bot claims one item after the other, and performs it.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from bot.domain import lifecycle
from bot.domain.item import OPEN, Item, ItemTransition, State, Step
from bot.domain.policy import Confirm, Evidence, Person
from bot.domain.refusals import RefusedStep
from bot.domain.request import (
    CardRef,
    Confirmed,
    Forbids,
    Kept,
    Request,
    RequestEvent,
    RequestStep,
    Run,
    Transition,
)
from bot.errors import Reason, Refused


def nothing_forbids(_item: Item) -> None:
    """For steps about which Slack is not asked."""


def ask(request: Request, items: tuple[Item, ...]) -> Transition:
    """The first step. Raises Refused when the form lacks what a policy demands."""
    if not request.reason:
        raise Refused(Reason.REASON_MISSING)
    required = any(item.policy.evidence is Evidence.REQUIRED for item in items)
    if required and not request.evidence:
        raise Refused(Reason.EVIDENCE_MISSING)
    asked = replace(
        request,
        item_ids=tuple(item.id for item in items),
        failures_allowed=min(item.policy.failures_allowed for item in items),
    )
    taken = tuple(lifecycle.ask(item, request.requester) for item in items)
    event = RequestEvent(RequestStep.ASK, request.created_at, request.requester, asked.item_ids)
    return _take(asked, request.created_at, taken, event)


def looking(
    request: Request, who: Person, at: datetime, rounds: int, forbids: Forbids
) -> Transition:
    """An approver says that they are looking at what waits, or, where they look at all of it
    already, no longer."""
    if who == request.requester:
        raise RefusedStep(Reason.OWN_REQUEST, request.items[0], request)
    waiting = _waiting(request, rounds)
    new = [item for item in waiting if who not in item.votes.looking]
    taken, kept = _each(
        request, new or waiting, forbids, lambda item: lifecycle.looking(item, who, at)
    )
    return _take(request, at, taken, kept=kept)


def approve(
    request: Request, who: Person, at: datetime, rounds: int, forbids: Forbids
) -> Transition:
    """One more yes to every item that waits for one, as far as this person may.

    With `confirm = "nobody"` the last yes to an item is its confirmation too, in the same step.
    """
    if who == request.requester:
        raise RefusedStep(Reason.OWN_REQUEST, request.items[0], request)
    waiting = _waiting(request, rounds)
    taken, kept = _each(request, waiting, forbids, lambda item: lifecycle.approve(item, who, at))
    after = _take(request, at, taken, kept=kept)
    complete = [
        item
        for item, _ in taken
        if item.state is State.APPROVED and item.policy.confirm is Confirm.NOBODY
    ]
    return _confirmed_by_policy(after, complete, who, at) if complete else after


def decline(
    request: Request,
    who: Person,
    at: datetime,
    rounds: int,
    why: str,
    which: frozenset[str],
    forbids: Forbids,
) -> Transition:
    """A no, and why, to those of `which` that are still open. One that has been claimed or closed
    since they were chosen is named as kept."""
    if not why:
        raise Refused(Reason.REASON_MISSING)
    chosen = [item for item in request.items if item.id in which]
    if any(item.is_open for item in chosen):
        _check_rounds(request, rounds)
    taken, kept = _each(
        request, chosen, forbids, lambda item: lifecycle.decline(item, who, at, why)
    )
    return _take(request, at, taken, kept=kept)


def withdraw(request: Request, who: Person, at: datetime) -> Transition:
    """The requester takes back what is not claimed yet."""
    if who != request.requester:
        raise RefusedStep(Reason.MAY_NOT_WITHDRAW, request.items[0], request)
    open_items = request.those(*OPEN) or (request.items if request.is_single else ())
    taken, kept = _each(
        request, open_items, nothing_forbids, lambda item: lifecycle.withdraw(item, who, at)
    )
    return _take(request, at, taken, kept=kept)


def confirms(item: Item, request: Request, who: Person) -> bool:
    """Whether a person is the one who presses *Upgrade now* for an item. With `confirm =
    "approver"` the caller has to ask Slack whether they are an approver; with `"nobody"` a person
    is asked only after the item was handed back."""
    return (who == request.requester) is not (item.policy.confirm is Confirm.APPROVER)


def confirm(
    request: Request, who: Person, at: datetime, ref: CardRef, forbids: Forbids
) -> Transition:
    """*Upgrade now*: every approved item that this person may start will be claimed, as it is now.
    Nothing is claimed yet."""
    is_theirs = not request.is_single or confirms(request.items[0], request, who)
    if request.is_running and is_theirs:
        raise RefusedStep(Reason.ALREADY_RUNNING, None, request)

    def step(item: Item) -> ItemTransition:
        if not confirms(item, request, who):
            raise RefusedStep(Reason.MAY_NOT_CONFIRM, item)
        return lifecycle.claim(item, who, at)

    ready = request.those(State.APPROVED) or (request.items if request.is_single else ())
    claims, kept = _each(request, ready, forbids, step)
    if (ref.round, ref.attempt) != (request.card_ref.round, request.card_ref.attempt):
        raise RefusedStep(Reason.CHANGED_SINCE, None, request)
    items = tuple(_as_it_is(request.item(item.id), who) for item, _ in claims)
    return _run(Transition(request, kept=kept), Run(who, at, items), items, at)


def claim_next(request: Request, at: datetime) -> Transition:
    """The next item is claimed, as it was confirmed. Raises RefusedStep when it has changed."""
    confirmed = request.next
    if confirmed is None or request.at_work:
        raise RefusedStep(Reason.WRONG_STATE, None, request)
    item = request.item(confirmed.item_id)
    if (item.votes.round, item.attempt.number) != (confirmed.round, confirmed.attempt):
        raise RefusedStep(Reason.CHANGED_SINCE, item, request)
    try:
        return _take(request, at, (lifecycle.claim(item, confirmed.by, at),))
    except RefusedStep as refused:
        raise refused.of(request) from refused


def skip(request: Request, at: datetime, item_id: str, reason: Reason) -> Transition:
    """The next item could not be claimed."""
    is_next = request.next is not None and request.next.item_id == item_id
    if request.run is None or request.at_work or not is_next:
        raise RefusedStep(Reason.WRONG_STATE, None, request)
    run = replace(request.run, skipped=(*request.run.skipped, item_id))
    event = RequestEvent(RequestStep.SKIP, at, None, (item_id,), reason.value)
    return _take(replace(request, run=run), at, event=event)


def stop(request: Request, at: datetime) -> Transition:
    """Too much went wrong. What is approved stays so, and a person may confirm it again."""
    run = _due_run(request, at, RequestStep.STOP)
    troubled = tuple(item.id for item in request.in_trouble)
    event = RequestEvent(RequestStep.STOP, at, None, troubled)
    return _take(replace(request, run=replace(run, is_stopped=True, is_told=True)), at, event=event)


def end(request: Request, at: datetime) -> Transition:
    """Everything that was confirmed has been claimed, and nothing holds up the rest."""
    run = _due_run(request, at, RequestStep.END)
    ids = tuple(each.item_id for each in run.items)
    event = RequestEvent(RequestStep.END, at, None, ids)
    return _take(replace(request, run=replace(run, is_told=True)), at, event=event)


def sum_up(request: Request, at: datetime) -> Transition:
    """Every item has come to its end, and the result is told as a whole."""
    run = _due_run(request, at, RequestStep.SUM_UP)
    event = RequestEvent(RequestStep.SUM_UP, at)
    done = replace(request, is_summed_up=True, run=replace(run, is_told=True))
    return _take(done, at, event=event)


def follow_up(request: Request, at: datetime) -> Transition:
    """Every finished item was looked at once more, and what that came to is told as a whole."""
    _due_run(request, at, RequestStep.FOLLOW_UP)
    event = RequestEvent(RequestStep.FOLLOW_UP, at)
    return _take(replace(request, is_followed_up=True), at, event=event)


def remind(request: Request, at: datetime) -> Transition:
    """The approvers are asked once more, about all items for which it is time."""
    taken = tuple(lifecycle.remind(item, at) for item in _to_remind_of(request, at))
    if not taken:
        raise RefusedStep(Reason.WRONG_STATE, None, request)
    return _take(request, at, taken)


def expire(request: Request, at: datetime) -> Transition:
    """Time is up for some items."""
    taken = tuple(lifecycle.expire(item, at) for item in _late(request, at))
    if not taken:
        raise RefusedStep(Reason.WRONG_STATE, None, request)
    return _take(request, at, taken)


def move(request: Request, transition: ItemTransition) -> Transition:
    """An item took a step by itself."""
    return _take(request, transition[1].at, (transition,))


Due = Step | RequestStep
"""What the bot has to do by itself: EXPIRE, REMIND or CLAIM items, STOP, END, SUM_UP or FOLLOW_UP a
run."""


def due(request: Request, now: datetime) -> Due | None:
    """What the bot has to do by itself now."""
    if _late(request, now):
        return Step.EXPIRE
    if _to_remind_of(request, now):
        return Step.REMIND
    return _due_of_run(request)


def due_at(request: Request) -> datetime | None:
    """When the bot has to attend to the request by itself; None when never."""
    if _due_of_run(request):
        return request.changed_at
    times = [item.expires_at for item in request.those(*OPEN)]
    times += [lifecycle.remind_at(item) for item in request.those(State.AWAITING_APPROVAL)]
    return min(times, default=None)


def _due_of_run(request: Request) -> Due | None:
    if request.run is None or request.at_work:
        return None
    if request.next:
        too_many = len(request.in_trouble) > request.failures_allowed
        return RequestStep.STOP if too_many else Step.CLAIM
    if request.is_single:
        return None
    if not request.is_settled:
        return None if request.run.is_told else RequestStep.END
    if not request.is_summed_up:
        return RequestStep.SUM_UP
    return RequestStep.FOLLOW_UP if _are_followed_up(request) else None


def _are_followed_up(request: Request) -> bool:
    """Whether there are finished items, each was looked at once more, and that is not told."""
    finished = request.those(State.DONE)
    each = all(item.ending and item.ending.follow_ups for item in finished)
    return bool(finished) and each and not request.is_followed_up


def _due_run(request: Request, at: datetime, step: RequestStep) -> Run:
    """The run about which a step is due. Raises RefusedStep when it is not."""
    if request.run is None or due(request, at) is not step:
        raise RefusedStep(Reason.WRONG_STATE, None, request)
    return request.run


def _confirmed_by_policy(
    before: Transition, items: list[Item], who: Person, at: datetime
) -> Transition:
    """The items are confirmed by the last approval of each, behind what is running already. One
    that drifted in the same run takes its new place there, and is no second item."""
    request, confirmed = before.request, tuple(_as_it_is(item, who) for item in items)
    run = Run(who, at, confirmed)
    if request.run and request.is_running and not request.run.is_told:
        anew = {each.item_id for each in confirmed}
        others = (each for each in request.run.items if each.item_id not in anew)
        run = replace(request.run, items=(*others, *confirmed))
    return _run(before, run, confirmed, at)


def _run(before: Transition, run: Run, items: tuple[Confirmed, ...], at: datetime) -> Transition:
    """The request with a run, which goes into its history; one transaction is one revision."""
    ids = tuple(each.item_id for each in items)
    event = RequestEvent(RequestStep.CONFIRM, at, items[0].by, ids)
    confirmed = replace(before.request, run=run)
    if not before.items:
        return _take(confirmed, at, event=event, kept=before.kept)
    confirmed = replace(confirmed, version=confirmed.version + 1)
    return Transition(confirmed, before.items, event, before.kept)


def _as_it_is(item: Item, who: Person) -> Confirmed:
    return Confirmed(item.id, item.votes.round, item.attempt.number, who)


def _take(
    request: Request,
    at: datetime,
    items: Iterable[ItemTransition] = (),
    event: RequestEvent | None = None,
    kept: tuple[Kept, ...] = (),
) -> Transition:
    """The request with its items as they are after their steps."""
    items = tuple(items)
    now = {item.id: item for item in request.items} | {item.id: item for item, _ in items}
    after = replace(
        request,
        version=request.version + (event is not None),
        revision=request.revision + 1,
        changed_at=at,
        items=tuple(now[item_id] for item_id in request.item_ids),
    )
    return Transition(after, items, event, kept)


def _each(
    request: Request,
    items: Iterable[Item],
    forbids: Forbids,
    step: Callable[[Item], ItemTransition],
) -> tuple[tuple[ItemTransition, ...], tuple[Kept, ...]]:
    """The step of each item that can take it, and the others with why they cannot. Raises
    RefusedStep when none can."""
    taken: list[ItemTransition] = []
    refusals: list[RefusedStep] = []
    for item in items:
        try:
            if reason := forbids(item):
                raise RefusedStep(reason, item)
            taken.append(step(item))
        except RefusedStep as refused:
            refusals.append(refused.of(request))
    if not taken:
        raise refusals[0] if refusals else RefusedStep(Reason.NOTHING_TO_DECIDE, None, request)
    return tuple(taken), tuple((each.item, each.reason) for each in refusals if each.item)


def _waiting(request: Request, rounds: int) -> tuple[Item, ...]:
    """The items that wait for approval; of a single one that does not, the refusal says why."""
    waiting = request.those(State.AWAITING_APPROVAL)
    if waiting or not request.is_single:
        _check_rounds(request, rounds)
    return waiting or (request.items if request.is_single else ())


def _check_rounds(request: Request, rounds: int) -> None:
    if rounds != request.card_ref.round:
        raise RefusedStep(Reason.CHANGED_SINCE, None, request)


def _late(request: Request, now: datetime) -> list[Item]:
    return [item for item in request.those(*OPEN) if now >= item.expires_at]


def _to_remind_of(request: Request, now: datetime) -> list[Item]:
    waiting = request.those(State.AWAITING_APPROVAL)
    return [item for item in waiting if lifecycle.remind_at(item) <= now < item.expires_at]
