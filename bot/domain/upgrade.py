"""The request and its story: the states, the legal steps, and when something is due.

A step is a pure function from a request to `(the request after it, what goes into history)`.
It raises `Refused` when it is not legal; the store makes sure that only one of several
people who take a step from the same version gets it.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.policy import Confirm, Evidence, Person, Policy
from bot.domain.subscription import (
    Customer,
    Obstacle,
    Subscription,
    UpgradeOption,
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

LOOK_FOR = timedelta(hours=1)
"""How long a lost answer is looked for before a person is asked."""


class State(StrEnum):
    """Where a request stands."""

    AWAITING_APPROVAL = "awaiting_approval"
    """Shown in the channel. Nothing has been sent to Partner Center."""

    APPROVED = "approved"
    """Enough people approved exactly what the card shows. Nothing is being sent."""

    PERFORMING = "performing"
    """Claimed by one confirmation. If `sent_at` is set, the upgrade may have been sent;
    if not, it certainly was not. With `operation_id` Partner Center has it and works on it."""

    UNKNOWN = "unknown"
    """It was sent and the answer is lost. Nothing is sent again while the bot looks."""

    DONE = "done"
    """Partner Center says, or shows, that it happened. Final, but for looking after it."""

    FAILED = "failed"
    """Partner Center refused, or it cannot happen any more. The subscription was not
    changed by us. Final."""

    DECLINED = "declined"
    """An approver said no. Final."""

    WITHDRAWN = "withdrawn"
    """The requester took it back. Final."""

    EXPIRED = "expired"
    """Nobody decided or confirmed in time. Final."""


class Step(StrEnum):
    """What can happen to a request."""

    ASK = "ask"
    APPROVE = "approve"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    CLAIM = "claim"
    SEND = "send"
    FOLLOW = "follow"
    DRIFT = "drift"
    HAND_BACK = "hand_back"
    FINISH = "finish"
    FAIL = "fail"
    LOSE_ANSWER = "lose_answer"
    LOOK = "look"
    CARE = "care"


_S = State
LEGAL: dict[tuple[State, Step], tuple[State, ...]] = {
    (_S.AWAITING_APPROVAL, Step.APPROVE): (_S.AWAITING_APPROVAL, _S.APPROVED, _S.PERFORMING),
    (_S.AWAITING_APPROVAL, Step.DECLINE): (_S.DECLINED,),
    (_S.AWAITING_APPROVAL, Step.WITHDRAW): (_S.WITHDRAWN,),
    (_S.AWAITING_APPROVAL, Step.EXPIRE): (_S.EXPIRED,),
    (_S.APPROVED, Step.DECLINE): (_S.DECLINED,),
    (_S.APPROVED, Step.WITHDRAW): (_S.WITHDRAWN,),
    (_S.APPROVED, Step.EXPIRE): (_S.EXPIRED,),
    (_S.APPROVED, Step.CLAIM): (_S.PERFORMING,),
    (_S.PERFORMING, Step.SEND): (_S.PERFORMING,),
    (_S.PERFORMING, Step.FOLLOW): (_S.PERFORMING,),
    (_S.PERFORMING, Step.LOOK): (_S.PERFORMING,),
    (_S.PERFORMING, Step.DRIFT): (_S.AWAITING_APPROVAL, _S.APPROVED),
    (_S.PERFORMING, Step.HAND_BACK): (_S.APPROVED,),
    (_S.PERFORMING, Step.FINISH): (_S.DONE,),
    (_S.PERFORMING, Step.FAIL): (_S.FAILED,),
    (_S.PERFORMING, Step.LOSE_ANSWER): (_S.UNKNOWN,),
    (_S.UNKNOWN, Step.LOOK): (_S.UNKNOWN,),
    (_S.UNKNOWN, Step.FOLLOW): (_S.PERFORMING,),
    (_S.UNKNOWN, Step.FINISH): (_S.DONE,),
    (_S.UNKNOWN, Step.FAIL): (_S.FAILED,),
    (_S.UNKNOWN, Step.HAND_BACK): (_S.APPROVED,),
    (_S.DONE, Step.CARE): (_S.DONE,),
}
"""Every legal step and where it may lead. What is not here is refused."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes to one exact thing."""

    by: Person
    at: datetime
    fingerprint: str


@dataclass(frozen=True, slots=True)
class LicenseError:
    """A user whose licence did not move, and Partner Center's own words why."""

    user_id: str
    name: str
    email: str
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Partner Center answered, or what looking at it showed.

    `status` and `code` are those of an HTTP refusal. `seen` means that the answer was lost
    and the outcome was read from the state of the subscriptions; then nothing is known
    about single users. `moved` is false when the plan changed but the licences' move failed
    as a whole.
    """

    target_subscription_id: str = ""
    license_errors: tuple[LicenseError, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    status: int | None = None
    code: str = ""
    seen: bool = False
    moved: bool = True


@dataclass(frozen=True, slots=True)
class LicenceCount:
    """How many licences of a product are assigned, and how many there are."""

    sku_id: str
    name: str
    assigned: int
    total: int


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What there is some time after an upgrade: the old and the new subscription, None when
    they are not there, and the licences, empty when the sign-in may not see them."""

    source: Subscription | None
    target: Subscription | None
    licences: tuple[LicenceCount, ...] = ()


class Fact(StrEnum):
    """The facts that an approval is for."""

    SEATS = "seats"
    STATUS = "status"
    PLAN = "plan"
    TERM = "term"
    BILLING_CYCLE = "billing_cycle"
    ENDS_AT = "ends_at"
    TARGET = "target"
    ELIGIBLE = "eligible"
    TARGET_SEATS = "target_seats"


MAY_BE_UNSAID = frozenset({Fact.TERM, Fact.BILLING_CYCLE, Fact.ENDS_AT})
"""Facts that Partner Center says in one answer and not in the other; that is no change."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that is no longer what was approved. Values as text, empty when there is none."""

    fact: Fact
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """One wish to upgrade one subscription, from the form to the end.

    `ms_request_id` is what Partner Center will see and stays the same for every attempt;
    `round` counts how often drift made everybody decide anew, `attempt` how often it was
    confirmed; `sent_before` is set once an attempt was sent whose end was never seen.
    """

    id: str
    version: int
    state: State
    requester: Person
    channel_id: str
    customer: Customer
    subscription: Subscription
    option: UpgradeOption
    reason: str
    evidence: str
    policy: Policy
    ms_request_id: str
    correlation_id: str
    created_at: datetime
    expires_at: datetime
    round: int = 1
    attempt: int = 0
    sent_before: bool = False
    approvals: tuple[Approval, ...] = ()
    confirmed_by: Person | None = None
    confirmed_at: datetime | None = None
    sent_at: datetime | None = None
    operation_id: str = ""
    looks: int = 0
    looked_at: datetime | None = None
    closed_by: Person | None = None
    closed_at: datetime | None = None
    closed_because: str = ""
    outcome: Outcome | None = None
    licences_before: tuple[LicenceCount, ...] = ()
    cared: int = 0

    @property
    def fingerprint(self) -> str:
        """The exact thing that is approved, as 64 hexadecimal digits."""
        facts = [self.customer.id, self.subscription.id, self.option.type.value]
        facts += [f"{fact}={value}" for fact, value in _facts(self.subscription, self.option)]
        return hashlib.sha256("\n".join(facts).lower().encode()).hexdigest()

    @property
    def is_open(self) -> bool:
        """Whether people can still decide about it."""
        return self.state in (State.AWAITING_APPROVAL, State.APPROVED)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a card's button stands for: a request, the round of approvals that the card was
    shown in, and how many attempts to perform it there had been."""

    request_id: str
    round: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a request's history: who did what when, and what came of it."""

    step: Step
    state: State
    at: datetime
    by: Person | None = None
    note: str = ""
    differences: tuple[Difference, ...] = ()
    outcome: Outcome | None = None
    aftermath: Aftermath | None = None


Taken = tuple[UpgradeRequest, Event]


def ask(request: UpgradeRequest) -> Taken:
    """The first step. Raises Refused when the form lacks what the policy demands."""
    if not request.reason:
        raise Refused(Reason.REASON_MISSING)
    if request.policy.evidence is Evidence.REQUIRED and not request.evidence:
        raise Refused(Reason.EVIDENCE_MISSING)
    state = State.AWAITING_APPROVAL if request.policy.approvals else State.APPROVED
    request = replace(request, state=state, version=1)
    return request, Event(Step.ASK, state, request.created_at, request.requester)


def approve(request: UpgradeRequest, who: Person, at: datetime, round: int) -> Taken:
    """One more yes. Whether `who` is an approver is the caller's question to Slack.

    With `confirm = "nobody"` the last yes is the confirmation too, in the same step.
    """
    if who == request.requester:
        raise Refused(Reason.OWN_REQUEST, request=request)
    if any(approval.by == who for approval in request.approvals):
        raise Refused(Reason.VOTED_ALREADY, request=request)
    _check(request, Step.APPROVE, at, round)
    approvals = (*request.approvals, Approval(who, at, request.fingerprint))
    after = replace(request, approvals=approvals)
    if len(approvals) < request.policy.approvals:
        return _take(after, Step.APPROVE, State.AWAITING_APPROVAL, at, who)
    if request.policy.confirm is not Confirm.NOBODY:
        return _take(after, Step.APPROVE, State.APPROVED, at, who)
    return _take(_claimed(after, who, at), Step.APPROVE, State.PERFORMING, at, who)


def decline(request: UpgradeRequest, who: Person, at: datetime, round: int, why: str) -> Taken:
    """An approver says no, and why."""
    if not why:
        raise Refused(Reason.REASON_MISSING)
    _check(request, Step.DECLINE, at, round)
    closed = replace(request, closed_by=who, closed_at=at, closed_because=why)
    return _take(closed, Step.DECLINE, State.DECLINED, at, who, note=why)


def withdraw(request: UpgradeRequest, who: Person, at: datetime) -> Taken:
    """The requester takes it back."""
    if who != request.requester:
        raise Refused(Reason.MAY_NOT_WITHDRAW, request=request)
    _check(request, Step.WITHDRAW, at)
    closed = replace(request, closed_by=who, closed_at=at)
    return _take(closed, Step.WITHDRAW, State.WITHDRAWN, at, who)


def claim(request: UpgradeRequest, who: Person, at: datetime, round: int, attempt: int) -> Taken:
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


def expire(request: UpgradeRequest, at: datetime) -> Taken:
    """Time is up. Raises Refused when it is not."""
    _legal(request, Step.EXPIRE)
    if at < request.expires_at:
        raise Refused(Reason.WRONG_STATE, request=request)
    return _take(replace(request, closed_at=at), Step.EXPIRE, State.EXPIRED, at)


def send(request: UpgradeRequest, at: datetime, licences: tuple[LicenceCount, ...] = ()) -> Taken:
    """The last thing stored before the first byte is sent; only one can win it. `licences` are
    the counts before, to be compared with later."""
    _legal(request, Step.SEND)
    if request.sent_at is not None:
        raise Refused(Reason.WRONG_STATE, request=request)
    sent = replace(request, sent_at=at, licences_before=licences)
    return _take(sent, Step.SEND, State.PERFORMING, at)


def drift(
    request: UpgradeRequest,
    subscription: Subscription,
    option: UpgradeOption,
    policy: Policy,
    differences: tuple[Difference, ...],
    at: datetime,
) -> Taken:
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
        round=request.round + 1,
        confirmed_by=None,
        confirmed_at=None,
        expires_at=at + policy.expires_after,
    )
    state = State.AWAITING_APPROVAL if policy.approvals else State.APPROVED
    return _take(anew, Step.DRIFT, state, at, differences=differences)


def hand_back(request: UpgradeRequest, at: datetime, note: str) -> Taken:
    """Certainly nothing happened; the approvals stand and a person may confirm again,
    under the same request id. `note` is a key of the words that say why."""
    _legal(request, Step.HAND_BACK)
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
    return _take(back, Step.HAND_BACK, State.APPROVED, at, note=note)


def finish(request: UpgradeRequest, at: datetime, outcome: Outcome) -> Taken:
    """It happened."""
    _legal(request, Step.FINISH)
    done = replace(request, outcome=outcome, closed_at=at)
    return _take(done, Step.FINISH, State.DONE, at, outcome=outcome)


def fail(request: UpgradeRequest, at: datetime, outcome: Outcome) -> Taken:
    """It did not happen and will not."""
    _legal(request, Step.FAIL)
    failed = replace(request, outcome=outcome, closed_at=at)
    return _take(failed, Step.FAIL, State.FAILED, at, outcome=outcome)


def lose_answer(request: UpgradeRequest, at: datetime) -> Taken:
    """It was sent and nobody knows what came of it."""
    _legal(request, Step.LOSE_ANSWER)
    if request.sent_at is None:
        raise Refused(Reason.WRONG_STATE, request=request)
    return _take(replace(request, looks=0, looked_at=at), Step.LOSE_ANSWER, State.UNKNOWN, at)


def follow(request: UpgradeRequest, at: datetime, operation_id: str) -> Taken:
    """Partner Center has the upgrade and works on it; from here on it is followed."""
    _legal(request, Step.FOLLOW)
    followed = replace(request, operation_id=operation_id, looks=0, looked_at=at)
    return _take(followed, Step.FOLLOW, State.PERFORMING, at)


def look(request: UpgradeRequest, at: datetime) -> Taken:
    """The bot looked, and there is no news yet."""
    _legal(request, Step.LOOK)
    looked = replace(request, looks=request.looks + 1, looked_at=at)
    return _take(looked, Step.LOOK, request.state, at)


def care(request: UpgradeRequest, at: datetime, aftermath: Aftermath | None) -> Taken:
    """A finished upgrade was looked at once more; None when it could not be seen."""
    _legal(request, Step.CARE)
    cared = replace(request, cared=request.cared + 1)
    after, event = _take(cared, Step.CARE, State.DONE, at)
    return after, replace(event, aftermath=aftermath)


def is_same_attempt(request: UpgradeRequest, newest: UpgradeRequest) -> bool:
    """Whether what was found out about `request` is still about what there is now: somebody
    may have settled that attempt meanwhile, and a person may have begun another."""
    return (request.state, request.attempt, request.sent_at, request.operation_id) == (
        newest.state,
        newest.attempt,
        newest.sent_at,
        newest.operation_id,
    )


def differences(
    request: UpgradeRequest, subscription: Subscription, option: UpgradeOption | None
) -> tuple[Difference, ...]:
    """What Partner Center shows now that is not what was approved; empty when nothing."""
    was = dict(_facts(request.subscription, request.option))
    now = dict(_facts(subscription, option and option.for_seats(request.option.seats)))
    return tuple(
        Difference(fact, was[fact], now[fact])
        for fact in Fact
        if was[fact] != now[fact] and not (fact in MAY_BE_UNSAID and "" in (was[fact], now[fact]))
    )


def due_at(request: UpgradeRequest) -> datetime | None:
    """When the bot has to attend to the request by itself; None when never."""
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
) -> Taken:
    after = replace(request, state=state, version=request.version + 1)
    return after, Event(step, state, at, by, note, differences, outcome)


def _facts(subscription: Subscription, option: UpgradeOption | None) -> list[tuple[Fact, str]]:
    ends_at = subscription.ends_at.date().isoformat() if subscription.ends_at else ""
    return [
        (Fact.SEATS, str(subscription.seats)),
        (Fact.STATUS, subscription.status),
        (Fact.PLAN, subscription.offer_id.lower()),
        (Fact.TERM, subscription.term),
        (Fact.BILLING_CYCLE, subscription.billing_cycle),
        (Fact.ENDS_AT, ends_at),
        (Fact.TARGET, _target(option) if option else ""),
        (Fact.ELIGIBLE, _eligibility(option)),
        (Fact.TARGET_SEATS, str(option.seats) if option else ""),
    ]


def _eligibility(option: UpgradeOption | None) -> str:
    """`yes`, or the codes that stand against it."""
    if option is None:
        return "no"
    if option.eligible:
        return "yes"
    return " ".join(obstacle.code for obstacle in option.obstacles) or "no"


def _target(option: UpgradeOption) -> str:
    parts = (option.offer_id.lower(), option.into.lower(), option.term, option.billing_cycle)
    return " ".join(part for part in parts if part)
