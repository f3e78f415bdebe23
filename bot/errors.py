"""What can go wrong, named by what it means to people.

`Refused` is somebody's own doing and always ends in one polite sentence. `PartnerCenterError`
is trouble at Microsoft and carries what their support asks for. `Unavailable` is our own
database out of reach.
Anything else that is raised is a mistake of ours.
"""

from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why a step was refused. Every reason has one sentence in `bot/messages/refusals.py`."""

    NOT_A_NAME = "not_a_name"
    UNKNOWN_CUSTOMER = "unknown_customer"
    NO_SUBSCRIPTION = "no_subscription"

    NOT_A_MEMBER = "not_a_member"
    MEMBER_UNREADABLE = "member_unreadable"
    MAY_NOT_REQUEST = "may_not_request"
    NOT_IN_A_CHANNEL = "not_in_a_channel"

    TOO_FAST = "too_fast"
    TOO_MANY_OPEN = "too_many_open"

    OFFER_GONE = "offer_gone"
    NOT_YOUR_OFFER = "not_your_offer"
    REASON_MISSING = "reason_missing"
    EVIDENCE_MISSING = "evidence_missing"
    EVIDENCE_NOT_A_LINK = "evidence_not_a_link"

    SEATS_OUT_OF_RANGE = "seats_out_of_range"

    UNKNOWN_REQUEST = "unknown_request"
    UNKNOWN_BUTTON = "unknown_button"
    OTHER_CHANNEL = "other_channel"
    DELIVERED_AGAIN = "delivered_again"
    CHANGED_SINCE = "changed_since"
    WRONG_STATE = "wrong_state"
    EXPIRED = "expired"
    SUBSCRIPTION_BUSY = "subscription_busy"

    OWN_REQUEST = "own_request"
    MAY_NOT_APPROVE = "may_not_approve"
    APPROVERS_UNREADABLE = "approvers_unreadable"
    VOTED_ALREADY = "voted_already"
    MAY_NOT_WITHDRAW = "may_not_withdraw"
    MAY_NOT_CONFIRM = "may_not_confirm"
    NOTHING_TO_CHECK = "nothing_to_check"

    TABLE_UNREADABLE = "table_unreadable"
    TOO_MANY_ROWS = "too_many_rows"
    ALREADY_RUNNING = "already_running"
    NOTHING_TO_DECIDE = "nothing_to_decide"


class Refused(Exception):
    """A person asked for something that is not possible; nothing has changed. Reasons whose
    sentence has facts in it have a class of their own, in `bot/domain/refusals.py`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class PartnerCenterError(Exception):
    """Partner Center or its sign-in did not do what was asked.

    Carries the HTTP status, Microsoft's own code, and the two ids their support asks for.
    `never_sent` is true when the call itself never left, so nothing can have happened.
    The message is safe to log but is never shown to people: `bot/messages` has the words.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        correlation_id: str | None = None,
        never_sent: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.correlation_id = correlation_id
        self.never_sent = never_sent


class Unreachable(PartnerCenterError):
    """No connection, no answer in time, or an answer of the 5xx kind."""


class Throttled(PartnerCenterError):
    """Partner Center asks to slow down; `retry_after` is in seconds, when it said so."""

    def __init__(self, message: str, *, retry_after: float | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.retry_after = retry_after


class SignInFailed(PartnerCenterError):
    """Microsoft does not accept the bot's sign-in: an operator must act."""


class NotAllowed(PartnerCenterError):
    """The sign-in is good, but its roles are too weak for this customer or call."""


class NotFound(PartnerCenterError):
    """The customer or subscription is not there (any more)."""


class Rejected(PartnerCenterError):
    """Partner Center understood the call and said no."""


class Unreadable(PartnerCenterError):
    """The answer was not what Partner Center answers."""


class Unavailable(Exception):
    """The database cannot be reached, or its disk is full. Whether a write that was under way is
    there is seen when it can be used again."""
