"""The forms: reviewing a request before it is posted, and saying why one is declined."""

from bot.domain.item import Earlier, Item
from bot.domain.offer import Offered
from bot.domain.policy import Confirm, Evidence, Policy
from bot.domain.price import PriceChange
from bot.domain.request import Request
from bot.domain.subscription import Customer, UpgradeOption
from bot.messages import action_ids, words
from bot.messages.blocks import (
    Block,
    context,
    escape_mrkdwn,
    escape_plain,
    everyone_of,
    fields,
    plain,
    section,
)
from bot.messages.language import N_, gettext, ngettext, numeral, sentences
from bot.messages.parts import banners, earlier_line, names, price, upgrades, what

LONGEST_REASON = 1000
WARNED_OF = 3
CUSTOMERS_OFFERED = 100
"""As many as Slack takes."""


def find(channel_id: str) -> Block:
    """The form behind `/upgrade` alone: a field that offers customers while one types."""
    element = {
        "type": "external_select",
        "action_id": action_ids.CUSTOMER,
        "placeholder": plain(gettext("A part of the name, the domain or the tenant id"), 150),
        "min_query_length": 2,
        "focus_on_load": True,
    }
    hint = gettext("You see what can be upgraded. Nothing is ordered yet.")
    customer = field(action_ids.CUSTOMER, gettext("Customer"), hint, element, optional=False)
    return form(
        action_ids.FIND_FORM,
        gettext("Find a customer"),
        gettext("Show upgrades"),
        channel_id,
        [customer],
    )


def customers(found: list[Customer]) -> list[Block]:
    """What the field offers: the domain tells apart those of one name."""
    return [
        {"text": plain(escape_plain(f"{each.name} ({each.domain})", 75), 75), "value": each.id}
        for each in found[:CUSTOMERS_OFFERED]
    ]


def review(
    offered: Offered, policy: Policy, change: PriceChange | None, earlier: tuple[Earlier, ...]
) -> Block:
    """The review form behind an option's button; the offer's id is all that comes back.
    `earlier`: other requests about the same subscription, which are warned of."""
    customer, subscription, option = offered.customer, offered.subscription, offered.option
    term = words.term(option) or words.term(subscription) or gettext("as Partner Center has it")
    blocks = [
        section(
            f"*{escape_mrkdwn(customer.name)}* ({escape_mrkdwn(customer.domain)})\n"
            f"{escape_mrkdwn(subscription.name)} → *{escape_mrkdwn(option.name)}*"
        ),
        *banners(policy.banners),
        fields(
            gettext("*Seats:* {seats}", seats=numeral(option.seats)),
            gettext("*Kind:* {kind}", kind=words.how(option)),
            gettext("*Users' licences:* {licences}", licences=words.licences(option)),
            gettext("*Term:* {term}", term=term),
            gettext("*Effective:* {when}", when=words.effective(option)),
        ),
        section(gettext("*Price:* {price}", price=price(change))),
        section(words.cannot_be_undone(subscription, option)),
        *([section(_warning(earlier))] if earlier else []),
        *([_seats(option)] if option.seats_can_be_fewer and option.seats > 1 else []),
        reason(
            gettext("Reason"), gettext("Why does the customer need it? The approvers read this.")
        ),
    ]
    if policy.evidence is not Evidence.OFF:
        blocks.append(evidence(required=policy.evidence is Evidence.REQUIRED))
    blocks.append(context(_who_is_asked(policy)))
    title, submit = gettext("Review the upgrade"), gettext("Ask the team")
    return form(action_ids.REVIEW_FORM, title, submit, offered.id, blocks)


def decline(request: Request, may: list[str], value: str) -> Block:
    """The form behind *Decline*. `may`: the items that this person may decline; `value` is that of
    the card's button."""
    items = [request.item(each) for each in may]
    about = gettext("{upgrades}: {which}", upgrades=upgrades(len(items)), which=names(items))
    title = gettext("Decline the upgrades")
    if request.is_single:
        about, title = what(items[0]), gettext("Decline the upgrade")
    blocks = [section(about), _why_not()]
    return form(action_ids.DECLINE_FORM, title, gettext("Decline"), value, blocks)


def leave_out(request: Request, may: list[str], value: str) -> Block:
    """The form behind *Leave rows out*, with the same arguments."""
    options = [{"text": plain(_option(request.item(each)), 75), "value": each} for each in may]
    element = {"type": "multi_static_select", "action_id": action_ids.ROWS, "options": options}
    hint = gettext("They are declined. The others stay as they are.")
    blocks = [
        field(action_ids.ROWS, gettext("Which upgrades?"), hint, element, optional=False),
        _why_not(),
    ]
    title = gettext("Leave rows out")
    return form(action_ids.LEAVE_OUT_FORM, title, gettext("Leave out"), value, blocks)


def _option(item: Item) -> str:
    """The domain, which tells apart, before the plan, which may be cut."""
    who = f"{escape_plain(item.customer.name, 24)} ({escape_plain(item.customer.domain, 28)})"
    return f"{who}: {escape_plain(item.change.name, 40)}"


def _why_not() -> Block:
    return reason(gettext("Why not?"), gettext("The requester reads this."))


def _warning(earlier: tuple[Earlier, ...]) -> str:
    lines = [earlier_line(each) for each in earlier[:WARNED_OF]]
    if more := len(earlier) - len(lines):
        lines.append(ngettext("• and {count} more", "• and {count} more", more))
    return "\n".join([gettext("⚠️ *This subscription was asked about before:*"), *lines])


def _who_is_asked(policy: Policy) -> str:
    if policy.approvals == 0:
        return gettext("No approval is needed; the card will have the button that upgrades.")
    asked = ngettext(
        "{count} approval of {who} will be needed.",
        "{count} approvals of {who} will be needed.",
        policy.approvals,
        who=everyone_of(policy.approvers),
    )
    return sentences(asked, gettext(_AFTERWARDS[policy.confirm]))


_AFTERWARDS = {
    Confirm.REQUESTER: N_("Nothing is ordered before that and your confirmation."),
    Confirm.APPROVER: N_("Nothing is ordered before that and an approver's confirmation."),
    Confirm.NOBODY: N_("*The last approval orders it.*"),
}


def reason(label: str, hint: str) -> Block:
    """The field for a reason."""
    element = {
        "type": "plain_text_input",
        "action_id": action_ids.REASON,
        "multiline": True,
        "max_length": LONGEST_REASON,
    }
    return field(action_ids.REASON, label, hint, element, optional=False)


def _seats(option: UpgradeOption) -> Block:
    element = {
        "type": "number_input",
        "action_id": action_ids.SEATS,
        "is_decimal_allowed": False,
        "initial_value": str(option.seats),
        "min_value": "1",
        "max_value": str(option.seats),
    }
    hint = gettext(
        "1 to {most}. The rest stays on the old plan; more seats can be bought afterwards.",
        most=numeral(option.seats),
    )
    return field(action_ids.SEATS, gettext("Seats"), hint, element, optional=False)


def evidence(*, required: bool) -> Block:
    """The field for the link to the consent."""
    element = {"type": "url_text_input", "action_id": action_ids.EVIDENCE}
    return field(
        action_ids.EVIDENCE,
        gettext("Link to the customer's consent"),
        gettext("The e-mail or ticket in which the customer agreed."),
        element,
        optional=not required,
    )


def field(block_id: str, label: str, hint: str, element: Block, *, optional: bool) -> Block:
    """A field of a form."""
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, 2000),
        "hint": plain(hint, 2000),
        "element": element,
        "optional": optional,
    }


def form(callback_id: str, title: str, submit: str, carried: str, blocks: list[Block]) -> Block:
    """A form. `carried` comes back with it."""
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title, 24),
        "submit": plain(submit, 24),
        "close": plain(gettext("Cancel"), 24),
        "private_metadata": carried,
        "blocks": blocks,
    }
