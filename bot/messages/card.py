"""The card: one message a request, edited in place. The request is what it shows.

Its facts stay; its marker, its last lines and its buttons change with the state.
"""

from urllib.parse import urlsplit

from bot import buttons
from bot.domain.policy import Confirm, Evidence, Person
from bot.domain.upgrade import State, UpgradeRequest
from bot.messages import words
from bot.messages.blocks import (
    Block,
    Message,
    actions,
    anyone_of,
    button,
    confirm,
    context,
    fields,
    header,
    link,
    mention,
    moment,
    outside,
    outside_plain,
    section,
)

MARKERS = {
    State.AWAITING_APPROVAL: "⏳ Approval needed",
    State.APPROVED: "🔵 Approved",
    State.PERFORMING: "⚙️ Upgrade in progress",
    State.UNKNOWN: "⚠️ Checking the result",
    State.DONE: "✅ Upgraded",
    State.FAILED: "❌ Upgrade failed",
    State.DECLINED: "⛔ Declined",
    State.WITHDRAWN: "↩️ Withdrawn",
    State.EXPIRED: "⏰ Expired",
}


def card(request: UpgradeRequest) -> Message:
    """The card of a request, in whatever state it is."""
    blocks = [
        header(MARKERS[request.state]),
        section(what(request)),
        fields(*_facts(request)),
        section(f"*Reason:* {outside(request.reason, 1500)}"),
    ]
    if request.policy.evidence is not Evidence.OFF:
        blocks.append(section(f"*Customer's consent:* {_evidence(request.evidence)}"))
    if request.is_open:
        undone = words.cannot_be_undone(request.subscription, request.option)
        blocks.append(context(undone))
    if request.round > 1 and request.is_open:
        blocks.append(
            context("⚠️ It has changed since it was first approved; the thread says what.")
        )
    blocks.append(context(status_line(request)))
    if pressable := _buttons(request):
        blocks.append(actions(f"{request.id}-{request.version}", *pressable))
    return Message(blocks)


def what(request: UpgradeRequest) -> str:
    """The customer and the change, in two lines."""
    customer, subscription, option = request.customer, request.subscription, request.option
    return (
        f"*{outside(customer.name)}* ({outside(customer.domain)})\n"
        f"{outside(subscription.name)} → *{outside(option.name)}*, "
        f"{words.how(option)}"
    )


def _facts(request: UpgradeRequest) -> list[str]:
    subscription = request.subscription
    facts = [
        f"*Seats:* {_seats(request)}",
        f"*Users' licences:* {words.LICENCES[request.option.type]}",
        f"*Requested by:* {mention(request.requester)}",
        f"*Asked:* {moment(request.created_at)}",
    ]
    if term := words.term(request.option) or words.term(subscription):
        facts.append(f"*Term:* {term}")
    if subscription.ends_at:
        facts.append(f"*Term ends:* {subscription.ends_at:%Y-%m-%d}")
    return facts


def _seats(request: UpgradeRequest) -> str:
    seats, now = request.option.seats, request.subscription.seats
    return str(seats) if seats == now else f"{seats} (the old subscription has {now})"


def _evidence(url: str) -> str:
    return link(url, f"link to {outside(urlsplit(url).netloc)}") if url else "none given"


def status_line(request: UpgradeRequest) -> str:
    """Where it stands, who acted, and who is next."""
    approvers = _approved_by(request)
    match request.state:
        case State.AWAITING_APPROVAL:
            return (
                f"{len(request.approvals)} of {request.policy.approvals} approvals. "
                + (f"Approved by {approvers}. " if approvers else "")
                + _readers(request)
                + f"{_who_may_approve(request)} may approve"
                + (
                    ", and *the last approval starts the upgrade*"
                    if _starts_at_once(request)
                    else ""
                )
                + f". The request expires {moment(request.expires_at)}."
            )
        case State.APPROVED:
            return (
                (f"Approved by {approvers}. " if approvers else "No approval is needed. ")
                + f"{_who_may_confirm(request)} can upgrade now. "
                + f"The request expires {moment(request.expires_at)}."
            )
        case State.PERFORMING:
            return (
                f"{_confirmed(request)} Approved by {approvers or 'nobody, as the policy allows'}."
            )
        case State.UNKNOWN:
            return (
                "Partner Center's answer was lost. *Do not repeat the upgrade.* The bot looks at "
                "Partner Center until it knows."
            )
        case State.DONE:
            return (
                f"{_confirmed(request)} Approved by {approvers or 'nobody'}. {_licences(request)}"
            )
        case State.FAILED:
            return f"{_confirmed(request)} Why it failed is in the thread."
        case State.DECLINED:
            return f"Declined by {_closed(request)}: {outside(request.closed_because, 1000)}"
        case State.WITHDRAWN:
            return f"Withdrawn by {_closed(request)}. Nothing was ordered."
        case State.EXPIRED:
            return "Nobody decided or confirmed in time. Nothing was ordered."


def _starts_at_once(request: UpgradeRequest) -> bool:
    return request.policy.confirm is Confirm.NOBODY


def _licences(request: UpgradeRequest) -> str:
    """Where people still have to be helped, the card says it too."""
    outcome = request.outcome
    if outcome and outcome.license_errors:
        return f"*{len(outcome.license_errors)} licences did not move*; the thread says whose."
    if outcome and not outcome.moved:
        return "*The users' licences did not move*; the thread says more."
    if outcome and outcome.seen:
        return "Please check the users' licences; the thread says why."
    return "The result is in the thread."


def _approved_by(request: UpgradeRequest) -> str:
    return ", ".join(f"{mention(a.by)} ({moment(a.at)})" for a in request.approvals)


def _readers(request: UpgradeRequest) -> str:
    if not request.readers:
        return ""
    who = ", ".join(mention(reader) for reader in request.readers)
    return f"👀 {who} {'is' if len(request.readers) == 1 else 'are'} looking. "


def _who_may_approve(request: UpgradeRequest) -> str:
    lists = [anyone_of(names) for names in request.policy.approvers]
    return ", who are also of ".join(lists) or "Nobody"


def _who_may_confirm(request: UpgradeRequest) -> str:
    if request.policy.confirm is Confirm.APPROVER:
        return _who_may_approve(request)
    return mention(request.requester)


def _confirmed(request: UpgradeRequest) -> str:
    if not request.confirmed_by or not request.confirmed_at:
        return ""
    return f"Confirmed by {mention(request.confirmed_by)} {moment(request.confirmed_at)}."


def _closed(request: UpgradeRequest) -> str:
    by = mention(request.closed_by) if isinstance(request.closed_by, Person) else "the bot"
    return f"{by} {moment(request.closed_at)}" if request.closed_at else by


def _buttons(request: UpgradeRequest) -> list[Block]:
    value = buttons.of_card(request)
    decline = button("Decline", buttons.DECLINE, value, style="danger")
    withdraw = button("Withdraw", buttons.WITHDRAW, value)
    match request.state:
        case State.AWAITING_APPROVAL:
            asked = _question(request) if _starts_at_once(request) else _approval(request)
            approve = button("Approve", buttons.APPROVE, value, style="primary", confirm=asked)
            return [approve, button("I'm looking", buttons.LOOKING, value), decline, withdraw]
        case State.APPROVED:
            now = button(
                "Upgrade now",
                buttons.UPGRADE_NOW,
                value,
                style="primary",
                confirm=_question(request),
            )
            return [now, decline, withdraw]
        case State.UNKNOWN:
            return [button("Check again", buttons.CHECK_AGAIN, value)]
        case _:
            return []


def _question(request: UpgradeRequest) -> Block:
    """The dialog before the click that buys."""
    change = f"{_change(request)} This cannot be undone."
    return confirm("Upgrade now?", change, "Upgrade now", "Go back")


def _approval(request: UpgradeRequest) -> Block:
    """The dialog before a yes, which does not buy yet."""
    return confirm("Approve this upgrade?", _change(request), "Approve", "Go back")


def _change(request: UpgradeRequest) -> str:
    """Customer, plan, kind and seats."""
    customer, option = request.customer, request.option
    return (
        f"{outside_plain(customer.name, 60)} ({outside_plain(customer.domain, 60)}): "
        f"{outside_plain(request.subscription.name, 45)} becomes {outside_plain(option.name, 45)}, "
        f"{words.UPGRADE_TYPES[option.type]}, {option.seats} seats."
    )
