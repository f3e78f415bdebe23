"""What stands in buttons and forms: names of actions, and opaque ids. Never facts.

A button says which row of the store it is about; what is performed is read there. So a
forged, old or copied button can change nothing.
"""

import re

from bot.domain.request import CardRef, Request
from bot.errors import Reason, Refused

CHOOSE_CUSTOMER = re.compile(r"^choose_customer/\d+$")
CHOOSE_OPTION = re.compile(r"^choose_option/\d+$")
APPROVE = "approve"
LOOKING = "looking"
DECLINE = "decline"
LEAVE_OUT = "leave_out"
WITHDRAW = "withdraw"
UPGRADE_NOW = "upgrade_now"
CHECK_AGAIN = "check_again"
ASK_AGAIN = "ask_again"
PORTAL = "portal"
ASK_FOR_ALL = "ask_for_all"

FIND_FORM = "find"
REVIEW_FORM = "review"
DECLINE_FORM = "decline_reason"
LEAVE_OUT_FORM = "leave_out_reason"
TABLE_FORM = "bulk"

ALIASES = {
    APPROVE: "approve_all",
    DECLINE: "decline_all",
    WITHDRAW: "withdraw_all",
    UPGRADE_NOW: "upgrade_all",
    CHECK_AGAIN: "check_all",
    DECLINE_FORM: "decline_all_reason",
}
"""Other names of actions on cards and forms that an older version has posted."""

CUSTOMER = "customer"
REASON = "reason"
EVIDENCE = "evidence"
SEATS = "seats"
TABLE = "table"
ROWS = "rows"
"""Names of the fields of the forms: both block id and action id."""


def choose_customer(number: int) -> str:
    """The action id of the `number`th customer's button: unique within its message."""
    return f"choose_customer/{number}"


def choose_option(number: int) -> str:
    """The action id of the `number`th option's button."""
    return f"choose_option/{number}"


def named(action_id: str) -> re.Pattern[str]:
    """An action by its name, and by the one that an older version had for it."""
    names = (action_id, ALIASES.get(action_id, action_id))
    return re.compile(f"^({'|'.join(map(re.escape, names))})$")


def of_card(request: Request) -> str:
    """The value of a card's buttons: good for these rounds of approvals, and these attempts."""
    ref = request.card_ref
    return f"{ref.request_id}.{ref.round}.{ref.attempt}"


def card_ref(value: str) -> CardRef:
    """What the button of a card points at. Raises Refused(UNKNOWN_BUTTON) for anything else."""
    match = re.fullmatch(r"((?:bundle/)?[0-9a-f-]{36})\.(\d{1,6})\.(\d{1,6})", value)
    if not match:
        raise Refused(Reason.UNKNOWN_BUTTON)
    return CardRef(match[1], int(match[2]), int(match[3]))
