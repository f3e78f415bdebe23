"""The forms: reviewing a request before it is posted, and saying why one is declined."""

from bot import buttons
from bot.domain.policy import Confirm, Evidence, Policy
from bot.domain.subscription import Customer, Subscription, UpgradeOption
from bot.domain.upgrade import UpgradeRequest
from bot.messages import words
from bot.messages.blocks import (
    Block,
    anyone_of,
    context,
    fields,
    mention,
    moment,
    outside,
    outside_plain,
    plain,
    section,
)
from bot.messages.card import MARKERS, what

LONGEST_REASON = 1000
WARNED_OF = 3
CUSTOMERS_OFFERED = 100
"""As many as Slack takes."""


def find(channel_id: str) -> Block:
    """The form behind `/upgrade` alone: a field that offers customers while one types."""
    element = {
        "type": "external_select",
        "action_id": buttons.CUSTOMER,
        "placeholder": plain("A part of the name, the domain or the tenant id", 150),
        "min_query_length": 2,
        "focus_on_load": True,
    }
    hint = "You see what can be upgraded. Nothing is ordered yet."
    field = _input(buttons.CUSTOMER, "Customer", hint, element, optional=False)
    return _form(buttons.FIND_FORM, "Find a customer", "Show upgrades", channel_id, [field])


def customers(found: list[Customer]) -> list[Block]:
    """What the field offers: the domain tells apart those of one name."""
    return [
        {"text": plain(outside_plain(f"{each.name} ({each.domain})", 75), 75), "value": each.id}
        for each in found[:CUSTOMERS_OFFERED]
    ]


def review(
    offer_id: str,
    customer: Customer,
    subscription: Subscription,
    option: UpgradeOption,
    policy: Policy,
    lately: list[UpgradeRequest],
) -> Block:
    """The review form behind an option's button. `offer_id` is all that comes back; `lately`:
    other requests about the same subscription, which are warned of."""
    blocks = [
        section(
            f"*{outside(customer.name)}* ({outside(customer.domain)})\n"
            f"{outside(subscription.name)} → *{outside(option.name)}*"
        ),
        fields(
            f"*Seats:* {option.seats}",
            f"*Kind:* {words.how(option)}",
            f"*Users' licences:* {words.LICENCES[option.type]}",
            f"*Term:* {words.term(option) or words.term(subscription) or 'as Partner Center has it'}",
        ),
        section(words.cannot_be_undone(subscription, option)),
        *([section(_warning(lately))] if lately else []),
        *([_seats(option)] if option.seats_can_be_fewer and option.seats > 1 else []),
        _reason("Reason", "Why does the customer need it? The approvers read this."),
    ]
    if policy.evidence is not Evidence.OFF:
        blocks.append(_evidence(required=policy.evidence is Evidence.REQUIRED))
    blocks.append(context(_who_is_asked(policy)))
    return _form(buttons.REVIEW_FORM, "Review the upgrade", "Ask the team", offer_id, blocks)


def decline(request: UpgradeRequest, value: str) -> Block:
    """The form behind *Decline*. `value` is that of the card's button."""
    blocks = [
        section(what(request)),
        _reason("Why not?", "The requester reads this."),
    ]
    return _form(buttons.DECLINE_FORM, "Decline the upgrade", "Decline", value, blocks)


def _warning(lately: list[UpgradeRequest]) -> str:
    lines = [
        f"• {MARKERS[request.state]}: {outside(request.option.name)}, asked by "
        f"{mention(request.requester)} in <#{request.channel_id}> {moment(request.created_at)}"
        for request in lately[:WARNED_OF]
    ]
    more = len(lately) - len(lines)
    lines += [f"• and {more} more"] if more else []
    return "⚠️ *This subscription was asked about before:*\n" + "\n".join(lines)


def _who_is_asked(policy: Policy) -> str:
    if policy.approvals == 0:
        return "No approval is needed; the card will have the button that upgrades."
    who = ", who are also of ".join(anyone_of(names) for names in policy.approvers)
    count = "One approval" if policy.approvals == 1 else f"{policy.approvals} approvals"
    return f"{count} of {who} will be needed. {_AFTERWARDS[policy.confirm]}"


_AFTERWARDS = {
    Confirm.REQUESTER: "Nothing is ordered before that and your confirmation.",
    Confirm.APPROVER: "Nothing is ordered before that and an approver's confirmation.",
    Confirm.NOBODY: "*The last approval orders it.*",
}


def _reason(label: str, hint: str) -> Block:
    element = {
        "type": "plain_text_input",
        "action_id": buttons.REASON,
        "multiline": True,
        "max_length": LONGEST_REASON,
    }
    return _input(buttons.REASON, label, hint, element, optional=False)


def _seats(option: UpgradeOption) -> Block:
    element = {
        "type": "number_input",
        "action_id": buttons.SEATS,
        "is_decimal_allowed": False,
        "initial_value": str(option.seats),
        "min_value": "1",
        "max_value": str(option.seats),
    }
    hint = (
        f"1 to {option.seats}. The rest stays on the old plan; more seats can be bought afterwards."
    )
    return _input(buttons.SEATS, "Seats", hint, element, optional=False)


def _evidence(*, required: bool) -> Block:
    element = {"type": "url_text_input", "action_id": buttons.EVIDENCE}
    return _input(
        buttons.EVIDENCE,
        "Link to the customer's consent",
        "The e-mail or ticket in which the customer agreed.",
        element,
        optional=not required,
    )


def _input(block_id: str, label: str, hint: str, element: Block, *, optional: bool) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, 2000),
        "hint": plain(hint, 2000),
        "element": element,
        "optional": optional,
    }


def _form(callback_id: str, title: str, submit: str, carried: str, blocks: list[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title, 24),
        "submit": plain(submit, 24),
        "close": plain("Cancel", 24),
        "private_metadata": carried,
        "blocks": blocks,
    }
