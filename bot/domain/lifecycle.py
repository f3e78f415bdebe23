"""The legal steps, each a pure function, and when something is due.

A step leads from a request to `(the request after it, what goes into history)`. It raises
`Refused` when it is not legal; the store makes sure that only one of several people who take a
step from the same version gets it.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.drift import Difference
from bot.domain.policy import Confirm, Evidence, Person, Policy
from bot.domain.subscription import Subscription, UpgradeOption
from bot.domain.upgrade import (
    LEGAL,
    Aftermath,
    Approval,
    Event,
    LicenceCount,
    Outcome,
    State,
    Step,
    Transition,
    UpgradeRequest,
)
from bot.errors import Reason, Refused

ANSWER_WITHIN = timedelta(minutes=4)
"""After this nobody waits for Partner Center's answer any more: the call itself has 3 minutes."""

LOOK_AFTER = [timedelta(seconds=s) for s in (0, 5, 10, 30, 60, 120, 300, 600)]
"""The pauses before the first look at a lost answer, the second, …; the last one repeats."""

FOLLOW_AFTER = [timedelta(seconds=s) for s in (15, 30, 60, 120, 300, 600, 1200, 1800)]
"""The pauses before the looks at a transition that Partner Center works on; minutes to a day."""

CARE_AFTER = [timedelta(hours=1), timedelta(days=1)]
"""When a finished upgrade is looked at once more."""

FOLLOW_FOR = timedelta(days=3)
"""How long a transition may be missing from Partner Center's history before a person is told."""

SEND_WITHIN = timedelta(seconds=30)
"""How long after it was stored that it will be sent it still may be. Who takes longer was frozen,
and others have gone on."""

LOOK_FOR = timedelta(hours=1)
"""How long a lost answer is looked for before a person is asked."""


def ask(request: UpgradeRequest) -> Transition:
    """The first step. Raises Refused when the form lacks what the policy demands."""
    if not request.reason:
        raise Refused(Reason.REASON_MISSING)
    if request.policy.evidence is Evidence.REQUIRED and not request.evidence:
        raise Refused(Reason.EVIDENCE_MISSING)
    state = State.AWAITING_APPROVAL if request.policy.approvals else State.APPROVED
    request = replace(request, state=state, version=1)
    return request, Event(Step.ASK, state, request.created_at, request.requester)


def read(request: UpgradeRequest, who: Person, at: datetime, round: int) -> Transition:
    """An approver says that they are looking at it, or, said once more, no longer."""
    if who == request.requester:
        raise Refused(Reason.OWN_REQUEST, request=request)
    _check(request, Step.READ, at, round)
    others = _without(request.readers, who)
    readers = others if who in request.readers else (*others, who)
    return _take(replace(request, readers=readers), Step.READ, State.AWAITING_APPROVAL, at, who)


def approve(request: UpgradeRequest, who: Person, at: datetime, round: int) -> Transition:
    """One more yes. Whether `who` is an approver is the caller's question to Slack.

    With `confirm = "nobody"` the last yes is the confirmation too, in the same step.
    """
    if who == request.requester:
        raise Refused(Reason.OWN_REQUEST, request=request)
    if any(approval.by == who for approval in request.approvals):
        raise Refused(Reason.VOTED_ALREADY, request=request)
    _check(request, Step.APPROVE, at, round)
    approvals = (*request.approvals, Approval(who, at, request.fingerprint))
    is_last = len(approvals) >= request.policy.approvals
    after = replace(
        request,
        version=request.version + 1,
        state=State.APPROVED if is_last else State.AWAITING_APPROVAL,
        approvals=approvals,
        readers=_without(request.readers, who),
    )
    if is_last and request.policy.confirm is Confirm.NOBODY:
        after = replace(_claimed(after, who, at), state=State.PERFORMING)
    return after, Event(Step.APPROVE, after.state, at, who)


def decline(request: UpgradeRequest, who: Person, at: datetime, round: int, why: str) -> Transition:
    """An approver says no, and why."""
    if not why:
        raise Refused(Reason.REASON_MISSING)
    _check(request, Step.DECLINE, at, round)
    closed = replace(request, closed_by=who, closed_at=at, closed_because=why)
    return _take(closed, Step.DECLINE, State.DECLINED, at, who, note=why)


def withdraw(request: UpgradeRequest, who: Person, at: datetime) -> Transition:
    """The requester takes it back."""
    if who != request.requester:
        raise Refused(Reason.MAY_NOT_WITHDRAW, request=request)
    _check(request, Step.WITHDRAW, at)
    closed = replace(request, closed_by=who, closed_at=at)
    return _take(closed, Step.WITHDRAW, State.WITHDRAWN, at, who)


def remind(request: UpgradeRequest, at: datetime) -> Transition:
    """The approvers are asked once more, also when the bot was away for several reminders.

    Raises Refused when it is not time yet.
    """
    _legal(request, Step.REMIND)
    if at < remind_at(request):
        raise Refused(Reason.WRONG_STATE, request=request)
    reminded = request
    while remind_at(reminded) <= at:
        reminded = replace(reminded, reminders=reminded.reminders + 1)
    return _take(reminded, Step.REMIND, State.AWAITING_APPROVAL, at)


def claim(
    request: UpgradeRequest, who: Person, at: datetime, round: int, attempt: int
) -> Transition:
    """Somebody presses *Upgrade now*: from here on it is performed, once.

    The button is good for one attempt, so a click that is delivered again does not repeat one.

    With `confirm = "approver"` the caller has asked Slack whether `who` is one. With
    `confirm = "nobody"` this is only reached after the request was handed back to people.
    """
    by_requester = request.policy.confirm is not Confirm.APPROVER
    if by_requester != (who == request.requester):
        raise Refused(Reason.MAY_NOT_CONFIRM, request=request)
    _check(request, Step.CLAIM, at, round)
    if attempt != request.attempt:
        raise Refused(Reason.CHANGED_SINCE, request=request)
    return _take(_claimed(request, who, at), Step.CLAIM, State.PERFORMING, at, who)


def expire(request: UpgradeRequest, at: datetime) -> Transition:
    """Time is up. Raises Refused when it is not."""
    _legal(request, Step.EXPIRE)
    if at < request.expires_at:
        raise Refused(Reason.WRONG_STATE, request=request)
    return _take(replace(request, closed_at=at), Step.EXPIRE, State.EXPIRED, at)


def send(
    request: UpgradeRequest, at: datetime, by: str = "", licences: tuple[LicenceCount, ...] = ()
) -> Transition:
    """The last thing stored before the first byte is sent; only one can win it. `by` is the job
    that sends; `licences` are the counts before, to be compared with later."""
    _legal(request, Step.SEND)
    if request.sent_at is not None:
        raise Refused(Reason.WRONG_STATE, request=request)
    sent = replace(request, sent_at=at, sent_by=by, licences_before=licences)
    return _take(sent, Step.SEND, State.PERFORMING, at)


def drift(
    request: UpgradeRequest,
    subscription: Subscription,
    option: UpgradeOption,
    policy: Policy,
    differences: tuple[Difference, ...],
    at: datetime,
) -> Transition:
    """It is no longer what was approved. Nothing was sent, the approvals are void, and the
    card now asks about what there is, under a `policy` that is no laxer than before.

    What is asked for stays an eligible option: while Partner Center does not list it as one,
    it drifts at every attempt and is never sent.
    """
    _legal(request, Step.DRIFT)
    if request.sent_at is not None:
        raise Refused(Reason.WRONG_STATE, request=request)
    anew = replace(
        request,
        subscription=subscription,
        option=replace(option.for_seats(request.option.seats), eligible=True, obstacles=()),
        policy=policy,
        approvals=(),
        readers=(),
        round=request.round + 1,
        waits_since=at,
        reminders=0,
        confirmed_by=None,
        confirmed_at=None,
        expires_at=at + policy.expires_after,
    )
    state = State.AWAITING_APPROVAL if policy.approvals else State.APPROVED
    return _take(anew, Step.DRIFT, state, at, differences=differences)


def release(request: UpgradeRequest, at: datetime, note: str) -> Transition:
    """Certainly nothing happened; the approvals stand and a person may confirm again,
    under the same request id. `note` is a key of the words that say why."""
    _legal(request, Step.RELEASE)
    in_time = at < request.expires_at
    back = replace(
        request,
        confirmed_by=None,
        confirmed_at=None,
        sent_at=None,
        sent_before=request.sent_before or request.state is State.UNKNOWN,
        operation_id="",
        looks=0,
        looked_at=None,
        expires_at=request.expires_at if in_time else at + request.policy.expires_after,
    )
    return _take(back, Step.RELEASE, State.APPROVED, at, note=note)


def finish(request: UpgradeRequest, at: datetime, outcome: Outcome) -> Transition:
    """It happened."""
    _legal(request, Step.FINISH)
    done = replace(request, outcome=outcome, closed_at=at)
    return _take(done, Step.FINISH, State.DONE, at, outcome=outcome)


def fail(request: UpgradeRequest, at: datetime, outcome: Outcome) -> Transition:
    """It did not happen and will not."""
    _legal(request, Step.FAIL)
    failed = replace(request, outcome=outcome, closed_at=at)
    return _take(failed, Step.FAIL, State.FAILED, at, outcome=outcome)


def mark_unknown(request: UpgradeRequest, at: datetime) -> Transition:
    """It was sent and nobody knows what came of it."""
    _legal(request, Step.MARK_UNKNOWN)
    if request.sent_at is None:
        raise Refused(Reason.WRONG_STATE, request=request)
    return _take(replace(request, looks=0, looked_at=at), Step.MARK_UNKNOWN, State.UNKNOWN, at)


def follow(request: UpgradeRequest, at: datetime, operation_id: str) -> Transition:
    """Partner Center has the upgrade and works on it; from here on it is followed."""
    _legal(request, Step.FOLLOW)
    if not operation_id:
        raise Refused(Reason.WRONG_STATE, request=request)
    followed = replace(request, operation_id=operation_id, looks=0, looked_at=at)
    return _take(followed, Step.FOLLOW, State.PERFORMING, at)


def look(request: UpgradeRequest, at: datetime) -> Transition:
    """The bot looked, and there is no news yet."""
    _legal(request, Step.LOOK)
    looked = replace(request, looks=request.looks + 1, looked_at=at)
    return _take(looked, Step.LOOK, request.state, at)


def follow_up(request: UpgradeRequest, at: datetime, aftermath: Aftermath | None) -> Transition:
    """A finished upgrade was looked at once more; None when it could not be seen."""
    _legal(request, Step.FOLLOW_UP)
    cared = replace(request, cared=request.cared + 1)
    after, event = _take(cared, Step.FOLLOW_UP, State.DONE, at)
    return after, replace(event, aftermath=aftermath)


def is_answered(request: UpgradeRequest, newest: UpgradeRequest) -> bool:
    """Whether Partner Center's own answer to what was sent with `request` settles what there is
    now: the same attempt, also when its answer was believed to be lost meanwhile."""
    in_flight = (State.PERFORMING, State.UNKNOWN)
    same = (request.attempt, request.sent_at) == (newest.attempt, newest.sent_at)
    return same and newest.state in in_flight and not newest.operation_id


def is_same_attempt(request: UpgradeRequest, newest: UpgradeRequest) -> bool:
    """Whether what was found out about `request` is still about what there is now: somebody
    may have settled that attempt meanwhile, and a person may have begun another."""
    return (request.state, request.attempt, request.sent_at, request.operation_id) == (
        newest.state,
        newest.attempt,
        newest.sent_at,
        newest.operation_id,
    )


def remind_at(request: UpgradeRequest) -> datetime:
    """When the approvers are reminded next: every pause is twice the one before."""
    since = request.waits_since or request.created_at
    return since + request.policy.remind_after * ((2 << min(request.reminders, 20)) - 1)


def due_at(request: UpgradeRequest) -> datetime | None:
    """When the bot has to attend to the request by itself; None when never. While people can
    decide about a row of a bundle, the bundle is attended to and not the row."""
    if request.bundle_id and request.is_open:
        return None
    if request.state is State.AWAITING_APPROVAL:
        return min(request.expires_at, remind_at(request))
    if request.is_open:
        return request.expires_at
    if request.state is State.DONE and request.closed_at and request.cared < len(CARE_AFTER):
        return request.closed_at + CARE_AFTER[request.cared]
    if request.state not in (State.PERFORMING, State.UNKNOWN):
        return None
    if request.looked_at and (request.operation_id or request.state is State.UNKNOWN):
        pauses = FOLLOW_AFTER if request.operation_id else LOOK_AFTER
        return request.looked_at + pauses[min(request.looks, len(pauses) - 1)]
    return request.sent_at + ANSWER_WITHIN if request.sent_at else request.confirmed_at


def _claimed(request: UpgradeRequest, who: Person, at: datetime) -> UpgradeRequest:
    """The last gate before Microsoft: enough people said yes to exactly this."""
    meant = [each for each in request.approvals if each.fingerprint == request.fingerprint]
    if len(meant) < request.policy.approvals:
        raise Refused(Reason.CHANGED_SINCE, request=request)
    return replace(
        request, confirmed_by=who, confirmed_at=at, sent_at=None, attempt=request.attempt + 1
    )


def _without(people: tuple[Person, ...], who: Person) -> tuple[Person, ...]:
    return tuple(each for each in people if each != who)


def _check(request: UpgradeRequest, step: Step, at: datetime, round: int | None = None) -> None:
    """A person's step: legal, in time, and about the thing that the person saw."""
    _legal(request, step)
    if at >= request.expires_at:
        raise Refused(Reason.EXPIRED, request=request)
    if round is not None and round != request.round:
        raise Refused(Reason.CHANGED_SINCE, request=request)


def _legal(request: UpgradeRequest, step: Step) -> None:
    if (request.state, step) not in LEGAL:
        raise Refused(Reason.WRONG_STATE, request=request)


def _take(
    request: UpgradeRequest,
    step: Step,
    state: State,
    at: datetime,
    by: Person | None = None,
    *,
    note: str = "",
    differences: tuple[Difference, ...] = (),
    outcome: Outcome | None = None,
) -> Transition:
    after = replace(request, state=state, version=request.version + 1)
    return after, Event(step, state, at, by, note, differences, outcome)
