"""The legal steps of an item, each a pure function, and when something is due.

A step leads from an item to `(the item after it, what goes into its history)` and raises
`RefusedStep` when it is not legal. What a person does to several items at once stands in
`request.py`.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.change import Change
from bot.domain.drift import FORMULA, Difference
from bot.domain.item import (
    IN_FLIGHT,
    LEGAL,
    Approval,
    Attempt,
    Ending,
    Event,
    Item,
    ItemTransition,
    State,
    Step,
    Votes,
)
from bot.domain.outcome import Aftermath, FollowUp, LicenceCount, Outcome
from bot.domain.policy import Person, Policy
from bot.domain.refusals import RefusedStep
from bot.domain.subscription import Subscription
from bot.errors import Reason

ANSWER_WITHIN = timedelta(minutes=4)
"""After this nobody waits for Partner Center's answer any more: the call itself has 3 minutes."""

LOOK_AFTER = [timedelta(seconds=s) for s in (0, 5, 10, 30, 60, 120, 300, 600)]
"""The pauses before the first look at a lost answer, the second, …; the last one repeats."""

FOLLOW_AFTER = [timedelta(seconds=s) for s in (15, 30, 60, 120, 300, 600, 1200, 1800)]
"""The pauses before the looks at a transition that Partner Center works on; minutes to a day."""

FOLLOW_UP_AFTER = [timedelta(hours=1), timedelta(days=1)]
"""When a finished change is looked at once more."""

FOLLOW_FOR = timedelta(days=3)
"""How long a transition may be missing from Partner Center's history before a person is told."""

SEND_WITHIN = timedelta(seconds=30)
"""How long after it was stored that it will be sent it still may be. A bot that takes longer was
frozen, and others have gone on."""

LOOK_FOR = timedelta(hours=1)
"""How long a lost answer is looked for before a person is asked."""


def ask(item: Item, by: Person) -> ItemTransition:
    """The first step."""
    state = State.AWAITING_APPROVAL if item.policy.approvals else State.APPROVED
    return replace(item, state=state, version=1), Event(Step.ASK, state, item.created_at, by)


def looking(item: Item, who: Person, at: datetime) -> ItemTransition:
    """An approver says that they are looking at it, or, said once more, no longer."""
    _check(item, Step.LOOKING, at)
    others = _without(item.votes.looking, who)
    now = others if who in item.votes.looking else (*others, who)
    after = replace(item, votes=replace(item.votes, looking=now))
    return _take(after, Step.LOOKING, State.AWAITING_APPROVAL, at, who)


def approve(item: Item, who: Person, at: datetime) -> ItemTransition:
    """One more yes. Whether `who` is an approver is the caller's question to Slack."""
    if any(approval.by == who for approval in item.votes.approvals):
        raise RefusedStep(Reason.VOTED_ALREADY, item)
    _check(item, Step.APPROVE, at)
    vote = Approval(who, at, item.fingerprint(), FORMULA)
    votes = replace(
        item.votes,
        approvals=(*item.votes.approvals, vote),
        looking=_without(item.votes.looking, who),
    )
    is_last = len(votes.approvals) >= item.policy.approvals
    state = State.APPROVED if is_last else State.AWAITING_APPROVAL
    return _take(replace(item, votes=votes), Step.APPROVE, state, at, who)


def decline(item: Item, who: Person, at: datetime, why: str) -> ItemTransition:
    """An approver says no, and why."""
    _check(item, Step.DECLINE, at)
    closed = replace(item, ending=Ending(at, who, why))
    return _take(closed, Step.DECLINE, State.DECLINED, at, who, note=why)


def withdraw(item: Item, who: Person, at: datetime) -> ItemTransition:
    """The requester takes it back."""
    _check(item, Step.WITHDRAW, at)
    closed = replace(item, ending=Ending(at, who))
    return _take(closed, Step.WITHDRAW, State.WITHDRAWN, at, who)


def remind(item: Item, at: datetime) -> ItemTransition:
    """The approvers are asked once more, also when the bot was away for several reminders.

    Raises RefusedStep when it is not time yet.
    """
    _legal(item, Step.REMIND)
    if at < remind_at(item):
        raise RefusedStep(Reason.WRONG_STATE, item)
    reminded = item
    while remind_at(reminded) <= at:
        votes = replace(reminded.votes, reminders=reminded.votes.reminders + 1)
        reminded = replace(reminded, votes=votes)
    return _take(reminded, Step.REMIND, State.AWAITING_APPROVAL, at)


def expire(item: Item, at: datetime) -> ItemTransition:
    """Time is up. Raises RefusedStep when it is not."""
    _legal(item, Step.EXPIRE)
    if at < item.expires_at:
        raise RefusedStep(Reason.WRONG_STATE, item)
    return _take(replace(item, ending=Ending(at)), Step.EXPIRE, State.EXPIRED, at)


def claim(item: Item, who: Person, at: datetime) -> ItemTransition:
    """From here on it is performed, once, as `who` confirmed: the last gate before Microsoft, which
    wants enough approvals of exactly this."""
    _check(item, Step.CLAIM, at)
    meant = [
        each for each in item.votes.approvals if each.fingerprint == item.fingerprint(each.formula)
    ]
    if len(meant) < item.policy.approvals:
        raise RefusedStep(Reason.CHANGED_SINCE, item)
    number, lost_before = item.attempt.number + 1, item.attempt.lost_before
    attempt = Attempt(number, who, at, lost_before=lost_before)
    return _take(replace(item, attempt=attempt), Step.CLAIM, State.PERFORMING, at, who)


def send(
    item: Item, at: datetime, by: str = "", licences: tuple[LicenceCount, ...] = ()
) -> ItemTransition:
    """The last thing stored before the first byte is sent; only one can win it. `by` is the job
    that sends; `licences` are the counts before, to be compared with later."""
    _legal(item, Step.SEND)
    if item.attempt.sent_at is not None:
        raise RefusedStep(Reason.WRONG_STATE, item)
    attempt = replace(item.attempt, sent_at=at, sent_by=by, licences_before=licences)
    return _take(replace(item, attempt=attempt), Step.SEND, State.PERFORMING, at)


def drift(
    item: Item,
    subscription: Subscription,
    change: Change,
    policy: Policy,
    differences: tuple[Difference, ...],
    at: datetime,
) -> ItemTransition:
    """It is no longer what was approved. Nothing was sent, the approvals are void, and the
    card now asks about what there is, under a `policy` that is no laxer than before."""
    _legal(item, Step.DRIFT)
    if item.attempt.sent_at is not None:
        raise RefusedStep(Reason.WRONG_STATE, item)
    anew = replace(
        item,
        subscription=subscription,
        change=change,
        policy=policy,
        votes=Votes(round=item.votes.round + 1, asked_at=at),
        attempt=replace(item.attempt, by=None, at=None),
        expires_at=at + policy.expires_after,
    )
    state = State.AWAITING_APPROVAL if policy.approvals else State.APPROVED
    return _take(anew, Step.DRIFT, state, at, differences=differences)


def release(item: Item, at: datetime, note: str) -> ItemTransition:
    """Certainly nothing happened; the approvals stand and a person may confirm again,
    under the same request id. `note` is a key of the words that say why."""
    _legal(item, Step.RELEASE)
    lost_before = item.attempt.lost_before or item.state is State.UNKNOWN
    in_time = at < item.expires_at
    back = replace(
        item,
        attempt=Attempt(item.attempt.number, lost_before=lost_before),
        expires_at=item.expires_at if in_time else at + item.policy.expires_after,
    )
    return _take(back, Step.RELEASE, State.APPROVED, at, note=note)


def finish(item: Item, at: datetime, outcome: Outcome) -> ItemTransition:
    """It happened."""
    _legal(item, Step.FINISH)
    done = replace(item, ending=Ending(at, outcome=outcome))
    return _take(done, Step.FINISH, State.DONE, at, outcome=outcome)


def fail(item: Item, at: datetime, outcome: Outcome) -> ItemTransition:
    """It did not happen and will not."""
    _legal(item, Step.FAIL)
    failed = replace(item, ending=Ending(at, outcome=outcome))
    return _take(failed, Step.FAIL, State.FAILED, at, outcome=outcome)


def mark_unknown(item: Item, at: datetime) -> ItemTransition:
    """It was sent and nobody knows what came of it."""
    _legal(item, Step.MARK_UNKNOWN)
    if item.attempt.sent_at is None:
        raise RefusedStep(Reason.WRONG_STATE, item)
    attempt = replace(item.attempt, looks=0, looked_at=at)
    return _take(replace(item, attempt=attempt), Step.MARK_UNKNOWN, State.UNKNOWN, at)


def follow(item: Item, at: datetime, operation_id: str) -> ItemTransition:
    """Partner Center has the change and works on it; from here on it is followed."""
    _legal(item, Step.FOLLOW)
    if not operation_id:
        raise RefusedStep(Reason.WRONG_STATE, item)
    attempt = replace(item.attempt, operation_id=operation_id, looks=0, looked_at=at)
    return _take(replace(item, attempt=attempt), Step.FOLLOW, State.PERFORMING, at)


def look(item: Item, at: datetime) -> ItemTransition:
    """The bot looked, and there is no news yet."""
    _legal(item, Step.LOOK)
    attempt = replace(item.attempt, looks=item.attempt.looks + 1, looked_at=at)
    return _take(replace(item, attempt=attempt), Step.LOOK, item.state, at)


def follow_up(item: Item, at: datetime, aftermath: Aftermath | None) -> ItemTransition:
    """A finished change was looked at once more; None when it could not be seen."""
    _legal(item, Step.FOLLOW_UP)
    ending = item.ending or Ending(at)
    found = aftermath.found if aftermath else FollowUp.NOT_SEEN
    ended = replace(ending, follow_ups=ending.follow_ups + 1, followed_up=found)
    looked = replace(item, ending=ended)
    after, event = _take(looked, Step.FOLLOW_UP, State.DONE, at)
    return after, replace(event, aftermath=aftermath)


def is_answered(item: Item, newest: Item) -> bool:
    """Whether Partner Center's own answer to what was sent with `item` settles what there is
    now: the same attempt, also when its answer was believed to be lost meanwhile."""
    same = _sent(item) == _sent(newest)
    return same and newest.state in IN_FLIGHT and not newest.attempt.operation_id


def is_same_attempt(item: Item, newest: Item) -> bool:
    """Whether what was found out about `item` is still about what there is now: it may have been
    settled meanwhile, and a person may have begun another attempt."""
    same = _sent(item) == _sent(newest) and item.state is newest.state
    return same and item.attempt.operation_id == newest.attempt.operation_id


def awaits_answer(item: Item) -> bool:
    """Whether it may have been sent, and no answer was stored yet."""
    sent = item.state is State.PERFORMING and item.attempt.sent_at is not None
    return sent and not item.attempt.operation_id


def remind_at(item: Item) -> datetime:
    """When the approvers are reminded next: every pause is twice the one before."""
    since = item.votes.asked_at or item.created_at
    return since + item.policy.remind_after * ((2 << min(item.votes.reminders, 20)) - 1)


def due_at(item: Item) -> datetime | None:
    """When the bot has to attend to the item by itself; None when never. While people can decide
    about it, its request is attended to."""
    attempt, ending = item.attempt, item.ending
    if item.state is State.DONE and ending and ending.follow_ups < len(FOLLOW_UP_AFTER):
        return ending.at + FOLLOW_UP_AFTER[ending.follow_ups]
    if item.state not in IN_FLIGHT:
        return None
    if attempt.looked_at and (attempt.operation_id or item.state is State.UNKNOWN):
        pauses = FOLLOW_AFTER if attempt.operation_id else LOOK_AFTER
        return attempt.looked_at + pauses[min(attempt.looks, len(pauses) - 1)]
    return attempt.sent_at + ANSWER_WITHIN if attempt.sent_at else attempt.at


def _sent(item: Item) -> tuple[int, datetime | None]:
    return item.attempt.number, item.attempt.sent_at


def _without(people: tuple[Person, ...], who: Person) -> tuple[Person, ...]:
    return tuple(each for each in people if each != who)


def _check(item: Item, step: Step, at: datetime) -> None:
    """A person's step: legal, and in time."""
    _legal(item, step)
    if at >= item.expires_at:
        raise RefusedStep(Reason.EXPIRED, item)


def _legal(item: Item, step: Step) -> None:
    if (item.state, step) not in LEGAL:
        raise RefusedStep(Reason.WRONG_STATE, item)


def _take(
    item: Item,
    step: Step,
    state: State,
    at: datetime,
    by: Person | None = None,
    *,
    note: str = "",
    differences: tuple[Difference, ...] = (),
    outcome: Outcome | None = None,
) -> ItemTransition:
    after = replace(item, state=state, version=item.version + 1)
    return after, Event(step, state, at, by, note, differences, outcome)
