"""An item: one change to one subscription, with its states and all that is known of it.

How a step is taken stands in `lifecycle.py`, who asked for which items together in `request.py`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.change import Change
from bot.domain.drift import FORMULA, Difference, fingerprint
from bot.domain.outcome import Aftermath, FollowUp, LicenceCount, Outcome
from bot.domain.policy import Person, Policy
from bot.domain.price import PriceChange
from bot.domain.subscription import Customer, Subscription


class State(StrEnum):
    """Where an item stands."""

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


OPEN = (State.AWAITING_APPROVAL, State.APPROVED)
"""People can still decide about it, and nothing is being sent."""

IN_FLIGHT = (State.PERFORMING, State.UNKNOWN)
"""It may be at Partner Center; the rule *one at a time for a subscription* covers these."""

SETTLED = (State.DONE, State.FAILED, State.DECLINED, State.WITHDRAWN, State.EXPIRED)
"""Nothing changes about it any more."""


class Step(StrEnum):
    """What can happen to an item. The values are the words that stored histories have."""

    ASK = "ask"
    LOOKING = "read"
    APPROVE = "approve"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    REMIND = "remind"
    EXPIRE = "expire"
    CLAIM = "claim"
    SEND = "send"
    FOLLOW = "follow"
    DRIFT = "drift"
    RELEASE = "hand_back"
    FINISH = "finish"
    FAIL = "fail"
    MARK_UNKNOWN = "lose_answer"
    LOOK = "look"
    FOLLOW_UP = "care"


_S = State
LEGAL: dict[tuple[State, Step], tuple[State, ...]] = {
    (_S.AWAITING_APPROVAL, Step.LOOKING): (_S.AWAITING_APPROVAL,),
    (_S.AWAITING_APPROVAL, Step.APPROVE): (_S.AWAITING_APPROVAL, _S.APPROVED),
    (_S.AWAITING_APPROVAL, Step.DECLINE): (_S.DECLINED,),
    (_S.AWAITING_APPROVAL, Step.WITHDRAW): (_S.WITHDRAWN,),
    (_S.AWAITING_APPROVAL, Step.REMIND): (_S.AWAITING_APPROVAL,),
    (_S.AWAITING_APPROVAL, Step.EXPIRE): (_S.EXPIRED,),
    (_S.APPROVED, Step.DECLINE): (_S.DECLINED,),
    (_S.APPROVED, Step.WITHDRAW): (_S.WITHDRAWN,),
    (_S.APPROVED, Step.EXPIRE): (_S.EXPIRED,),
    (_S.APPROVED, Step.CLAIM): (_S.PERFORMING,),
    (_S.PERFORMING, Step.SEND): (_S.PERFORMING,),
    (_S.PERFORMING, Step.FOLLOW): (_S.PERFORMING,),
    (_S.PERFORMING, Step.LOOK): (_S.PERFORMING,),
    (_S.PERFORMING, Step.DRIFT): (_S.AWAITING_APPROVAL, _S.APPROVED),
    (_S.PERFORMING, Step.RELEASE): (_S.APPROVED,),
    (_S.PERFORMING, Step.FINISH): (_S.DONE,),
    (_S.PERFORMING, Step.FAIL): (_S.FAILED,),
    (_S.PERFORMING, Step.MARK_UNKNOWN): (_S.UNKNOWN,),
    (_S.UNKNOWN, Step.LOOK): (_S.UNKNOWN,),
    (_S.UNKNOWN, Step.FOLLOW): (_S.PERFORMING,),
    (_S.UNKNOWN, Step.FINISH): (_S.DONE,),
    (_S.UNKNOWN, Step.FAIL): (_S.FAILED,),
    (_S.UNKNOWN, Step.RELEASE): (_S.APPROVED,),
    (_S.DONE, Step.FOLLOW_UP): (_S.DONE,),
}
"""Every legal step and where it may lead. What is not here is refused."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes to one exact thing; `formula` is the version by which its fingerprint was
    made."""

    by: Person
    at: datetime
    fingerprint: str
    formula: int = 1


@dataclass(frozen=True, slots=True)
class Votes:
    """What people say about the change as it is now.

    `round` counts how often it changed, so that everybody decides anew. `asked_at` is when the
    approvers were last asked, None for the beginning; `reminders` how often they were reminded
    since. `looking` are approvers who say that they are looking at it.
    """

    round: int = 1
    asked_at: datetime | None = None
    reminders: int = 0
    looking: tuple[Person, ...] = ()
    approvals: tuple[Approval, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """The newest try to perform the change; `number` counts how often it was confirmed.

    `by` and `at` tell of the confirmation, None once it was handed back. `sent_by` is the job that
    sent it. `lost_before` is set once an earlier attempt was sent whose end was never seen.
    """

    number: int = 0
    by: Person | None = None
    at: datetime | None = None
    sent_at: datetime | None = None
    sent_by: str = ""
    operation_id: str = ""
    looks: int = 0
    looked_at: datetime | None = None
    licences_before: tuple[LicenceCount, ...] = ()
    lost_before: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended: when, by whom and why where a person ended it, and with what outcome.
    `follow_ups` counts how often a finished change was looked at once more, `followed_up` is what
    the newest look came to."""

    at: datetime
    by: Person | None = None
    because: str = ""
    outcome: Outcome | None = None
    follow_ups: int = 0
    followed_up: FollowUp | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """Another item about the same subscription, as it stood when this one was asked for; `link` is
    that of its card, empty where there is none."""

    state: State
    target: str
    requester: Person
    created_at: datetime
    link: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One change to one subscription, as it was seen when it was asked for.

    `partner_id` is the partner tenant that manages the customer. `ms_request_id` is what Partner
    Center will see and stays the same for every attempt; `correlation_id` names all calls about it.
    """

    id: str
    request_id: str
    version: int
    state: State
    partner_id: str
    customer: Customer
    subscription: Subscription
    change: Change
    policy: Policy
    ms_request_id: str
    correlation_id: str
    created_at: datetime
    expires_at: datetime
    votes: Votes = field(default_factory=Votes)
    attempt: Attempt = field(default_factory=Attempt)
    ending: Ending | None = None
    price: PriceChange | None = None
    earlier: tuple[Earlier, ...] = ()

    def fingerprint(self, formula: int = FORMULA) -> str:
        """The exact thing that is approved, as 64 hexadecimal digits."""
        return fingerprint(self.customer, self.subscription, self.change, formula)

    @property
    def is_open(self) -> bool:
        """Whether people can still decide about it."""
        return self.state in OPEN

    @property
    def outcome(self) -> Outcome:
        """What came of it, as far as that is known."""
        return (self.ending and self.ending.outcome) or Outcome()

    @property
    def ended_without_effect(self) -> bool:
        """Whether it may be asked for again: nothing was ordered, or Partner Center itself said
        that it changed nothing."""
        if self.state is State.FAILED:
            return not self.outcome.seen
        return self.state in (State.DECLINED, State.WITHDRAWN, State.EXPIRED)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an item's history: who did what when, and what came of it."""

    step: Step
    state: State
    at: datetime
    by: Person | None = None
    note: str = ""
    differences: tuple[Difference, ...] = ()
    outcome: Outcome | None = None
    aftermath: Aftermath | None = None


ItemTransition = tuple[Item, Event]
"""The item after a step, and what goes into its history."""
