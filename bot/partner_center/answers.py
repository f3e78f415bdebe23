"""What both commerce worlds answer: listed options, verdicts on a POST, and what is seen later."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from bot.domain.outcome import Outcome
from bot.domain.subscription import Obstacle, ObstacleCode, UpgradeOption
from bot.errors import (
    NotAllowed,
    NotFound,
    PartnerCenterError,
    Rejected,
    SignInFailed,
    Throttled,
)


@dataclass(frozen=True, slots=True)
class Listed:
    """An option, and exactly what Partner Center listed for it."""

    option: UpgradeOption
    as_listed: dict[str, Any]


class Verdict(Enum):
    """What is known after a POST."""

    HAPPENED = "it happened"
    STARTED = "Partner Center has it and works on it"
    REFUSED = "it did not happen, Partner Center said no"
    NOT_SENT = "it did not happen, Partner Center never got to decide"
    LOST = "nobody knows"


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, with what Partner Center said (HAPPENED, REFUSED), the operation to follow
    (STARTED) or what stood in the way (NOT_SENT, LOST)."""

    verdict: Verdict
    outcome: Outcome | None = None
    operation_id: str = ""
    error: PartnerCenterError | None = None


class Observation(Enum):
    """What Partner Center shows of an upgrade that was sent."""

    HAPPENED = "it happened"
    RUNNING = "Partner Center works on it"
    REFUSED = "Partner Center tried, and it failed"
    UNDER_WAY = "Partner Center's records have it, its subscriptions do not show it yet"
    UNTOUCHED = "the subscription is as if nothing had been sent"
    UNCLEAR = "none of these"


@dataclass(frozen=True, slots=True)
class LookResult:
    """A sight, with the outcome (HAPPENED, REFUSED) or the operation (RUNNING)."""

    observation: Observation
    outcome: Outcome | None = None
    operation_id: str = ""


def judge_error(error: PartnerCenterError) -> Answer:
    """What an error says about whether the POST had an effect. In doubt: nobody knows.

    A conflict (409) can mean that an earlier attempt of ours is still at work, and a time-out
    (408) that the server lost patience with itself.
    """
    if isinstance(error, SignInFailed | Throttled) or error.never_sent:
        return Answer(Verdict.NOT_SENT, error=error)
    if isinstance(error, Rejected | NotAllowed | NotFound) and error.status not in (408, 409):
        return Answer(Verdict.REFUSED, Outcome(status=error.status, code=error.code or ""))
    return Answer(Verdict.LOST, error=error)


def obstacle(code: str, description: str) -> Obstacle:
    """A reason against an upgrade; `code` is a name, or whatever came that is new to us."""
    known = code in {each.value for each in ObstacleCode}
    return Obstacle(ObstacleCode(code) if known else ObstacleCode.UNKNOWN, code, description)
