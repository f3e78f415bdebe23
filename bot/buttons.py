"""What stands in buttons and forms: names of actions, and opaque ids. Never facts.

A button says which row of the store it is about; what is performed is read there. So a
forged, old or copied button can change nothing.
"""

import re

from bot.domain.upgrade import Pointer, UpgradeRequest
from bot.errors import Reason, Refused

CHOOSE_CUSTOMER = re.compile(r"^choose_customer/\d+$")
CHOOSE_OPTION = re.compile(r"^choose_option/\d+$")
APPROVE = "approve"
LOOKING = "looking"
DECLINE = "decline"
WITHDRAW = "withdraw"
UPGRADE_NOW = "upgrade_now"
CHECK_AGAIN = "check_again"
ASK_AGAIN = "ask_again"
PORTAL = "portal"

FIND_FORM = "find"
REVIEW_FORM = "review"
DECLINE_FORM = "decline_reason"

CUSTOMER = "customer"
REASON = "reason"
EVIDENCE = "evidence"
SEATS = "seats"
"""Names of the fields of the forms: both block id and action id."""


def choose_customer(number: int) -> str:
    """The action id of the `number`th customer's button: unique within its message."""
    return f"choose_customer/{number}"


def choose_option(number: int) -> str:
    """The action id of the `number`th option's button."""
    return f"choose_option/{number}"


def of_card(request: UpgradeRequest) -> str:
    """The value of a card's buttons: good for this round, and for one attempt."""
    return f"{request.id}.{request.round}.{request.attempt}"


def pointer(value: str) -> Pointer:
    """What a card's button points at. Raises Refused(UNKNOWN_BUTTON) for anything else."""
    match = re.fullmatch(r"([0-9a-f-]{36})\.(\d{1,6})\.(\d{1,6})", value)
    if not match:
        raise Refused(Reason.UNKNOWN_BUTTON)
    return Pointer(match[1], int(match[2]), int(match[3]))
