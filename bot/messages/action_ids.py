"""What stands in buttons and forms: names of actions, and opaque ids. Never facts.

A button says which row of the store it is about; what is performed is read there. So a
forged, old or copied button can change nothing.
"""

import re

from bot.domain.bundle import Bundle
from bot.domain.upgrade import CardRef, UpgradeRequest
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

ASK_FOR_ALL = "ask_for_all"
APPROVE_ALL = "approve_all"
LEAVE_OUT = "leave_out"
DECLINE_ALL = "decline_all"
WITHDRAW_ALL = "withdraw_all"
UPGRADE_ALL = "upgrade_all"
CHECK_ALL = "check_all"

FIND_FORM = "find"
REVIEW_FORM = "review"
DECLINE_FORM = "decline_reason"
BULK_FORM = "bulk"
LEAVE_OUT_FORM = "leave_out_reason"
DECLINE_ALL_FORM = "decline_all_reason"

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


def of_card(request: UpgradeRequest) -> str:
    """The value of a card's buttons: good for this round, and for one attempt."""
    return f"{request.id}.{request.round}.{request.attempt}"


def of_bundle(bundle: Bundle) -> str:
    """The value of the buttons of a bundle's card: good for the rounds and attempts of its rows."""
    card_ref = bundle.card_ref
    return f"{bundle.id}.{card_ref.round}.{card_ref.attempt}"


def card_ref(value: str) -> CardRef:
    """What the button of a card points at. Raises Refused(UNKNOWN_BUTTON) for anything else."""
    match = re.fullmatch(r"((?:bundle/)?[0-9a-f-]{36})\.(\d{1,6})\.(\d{1,6})", value)
    if not match:
        raise Refused(Reason.UNKNOWN_BUTTON)
    return CardRef(match[1], int(match[2]), int(match[3]))
