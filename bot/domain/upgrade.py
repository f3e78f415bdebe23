"""The request: its states, the steps that are legal in each, and everything that is known of it.

How a step is taken stands in `story.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.drift import Difference, fingerprint
from bot.domain.policy import Person, Policy
from bot.domain.price import PriceChange
from bot.domain.subscription import Customer, Obstacle, Subscription, UpgradeOption


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
    READ = "read"
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
    (_S.AWAITING_APPROVAL, Step.READ): (_S.AWAITING_APPROVAL,),
    (_S.AWAITING_APPROVAL, Step.APPROVE): (_S.AWAITING_APPROVAL, _S.APPROVED, _S.PERFORMING),
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
    they are not there; the licences and Partner Center's own record of the upgrade, empty when the
    sign-in may not see them."""

    source: Subscription | None
    target: Subscription | None
    licences: tuple[LicenceCount, ...] = ()
    record: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """Another request about the same subscription, as it stood when this one was made; `link` is
    that of its card, empty where there is none."""

    state: State
    target: str
    requester: Person
    created_at: datetime
    link: str = ""


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """One wish to upgrade one subscription, from the form to the end.

    `readers` say that they are looking at it. `waits_since` is when approvers were last asked,
    None for the beginning; `reminders` how often they were reminded since.

    `ms_request_id` is what Partner Center will see and stays the same for every attempt;
    `round` counts how often drift made everybody decide anew, `attempt` how often it was
    confirmed; `sent_before` is set once an attempt was sent whose end was never seen; `sent_by` is
    the job that sent the last one. `bundle_id` is set where it was asked for together with others:
    then people decide about the bundle, which shows it too.
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
    waits_since: datetime | None = None
    reminders: int = 0
    attempt: int = 0
    sent_before: bool = False
    readers: tuple[Person, ...] = ()
    approvals: tuple[Approval, ...] = ()
    confirmed_by: Person | None = None
    confirmed_at: datetime | None = None
    sent_at: datetime | None = None
    sent_by: str = ""
    operation_id: str = ""
    looks: int = 0
    looked_at: datetime | None = None
    closed_by: Person | None = None
    closed_at: datetime | None = None
    closed_because: str = ""
    outcome: Outcome | None = None
    licences_before: tuple[LicenceCount, ...] = ()
    cared: int = 0
    price: PriceChange | None = None
    earlier: tuple[Earlier, ...] = ()
    bundle_id: str = ""

    @property
    def fingerprint(self) -> str:
        """The exact thing that is approved, as 64 hexadecimal digits."""
        return fingerprint(self.customer, self.subscription, self.option)

    @property
    def is_open(self) -> bool:
        """Whether people can still decide about it."""
        return self.state in (State.AWAITING_APPROVAL, State.APPROVED)

    @property
    def may_be_tried_again(self) -> bool:
        """Whether it failed, and certainly changed nothing: Partner Center itself said so."""
        return self.state is State.FAILED and not (self.outcome and self.outcome.seen)


@dataclass(frozen=True, slots=True)
class CardRef:
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


Transition = tuple[UpgradeRequest, Event]
