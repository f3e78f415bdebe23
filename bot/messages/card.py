"""The card: one message a request, edited in place. The request is what it shows.

Its facts stay; its marker, its last lines and its buttons change with the state.
"""

from decimal import Decimal
from urllib.parse import quote, urlsplit

from bot.domain.policy import Confirm, Evidence
from bot.domain.price import PriceChange
from bot.domain.upgrade import Earlier, State, UpgradeRequest
from bot.messages import action_ids, words
from bot.messages.blocks import (
    Block,
    Message,
    actions,
    button,
    confirm,
    context,
    escape_mrkdwn,
    escape_plain,
    everyone_of,
    fields,
    header,
    link,
    link_button,
    mention,
    moment,
    section,
)
from bot.messages.language import N_, day, gettext, listed, money, ngettext, numeral, sentences

MARKERS = {
    State.AWAITING_APPROVAL: N_("⏳ Approval needed"),
    State.APPROVED: N_("🔵 Approved"),
    State.PERFORMING: N_("⚙️ Upgrade in progress"),
    State.UNKNOWN: N_("⚠️ Checking the result"),
    State.DONE: N_("✅ Upgraded"),
    State.FAILED: N_("❌ Upgrade failed"),
    State.DECLINED: N_("⛔ Declined"),
    State.WITHDRAWN: N_("↩️ Withdrawn"),
    State.EXPIRED: N_("⏰ Expired"),
}


def marker(state: State) -> str:
    """The state in a sign and a word."""
    return gettext(MARKERS[state])


def card(request: UpgradeRequest, portal: str = "") -> Message:
    """The card of a request, in whatever state it is. `portal`: where Partner Center's own pages
    are; empty where that is not known."""
    blocks = [
        header(marker(request.state)),
        section(what(request)),
        *banners(request.policy.banners),
        fields(*_facts(request)),
        section(gettext("*Price:* {price}", price=price(request.price))),
        section(gettext("*Reason:* {reason}", reason=escape_mrkdwn(request.reason, 1500))),
    ]
    if request.policy.evidence is not Evidence.OFF:
        consent = _evidence(request.evidence)
        blocks.append(section(gettext("*Customer's consent:* {consent}", consent=consent)))
    if request.is_open:
        blocks.append(context(words.cannot_be_undone(request.subscription, request.option)))
    if request.earlier:
        blocks.append(context(_earlier(request)))
    if request.round > 1 and request.is_open:
        changed = gettext("⚠️ It has changed since it was first approved; the thread says what.")
        blocks.append(context(changed))
    blocks.append(context(status_line(request)))
    if pressable := _buttons(request, portal):
        blocks.append(actions(f"{request.id}-{request.version}", *pressable))
    return Message(blocks)


def what(request: UpgradeRequest) -> str:
    """The customer and the change, in two lines."""
    customer, option = request.customer, request.option
    old, new = escape_mrkdwn(request.subscription.name), escape_mrkdwn(option.name)
    change = gettext("{old} → *{new}*, {how}", old=old, new=new, how=words.how(option))
    return f"*{escape_mrkdwn(customer.name)}* ({escape_mrkdwn(customer.domain)})\n{change}"


def banners(texts: tuple[str, ...]) -> list[Block]:
    """What the policy wants everybody to know about such requests."""
    return [section(f"🚩 *{escape_mrkdwn(text, 300)}*") for text in texts]


def price(change: PriceChange | None) -> str:
    """What it costs more, or that nobody knows."""
    if change is None:
        return gettext("not known to the bot; look it up before you decide")
    values = {
        "month": _signed(change, change.per_month),
        "day": day(change.as_of),
    }
    if change.to_the_end is None:
        return gettext("{month} a month, by the price list of {day}", **values)
    values["rest"] = _signed(change, change.to_the_end)
    return gettext(
        "{month} a month, about {rest} until the end of the term, by the price list of {day}",
        **values,
    )


def _signed(change: PriceChange, amount: Decimal) -> str:
    return ("+" if amount > 0 else "") + money(amount, change.currency)


def _facts(request: UpgradeRequest) -> list[str]:
    subscription = request.subscription
    facts = [
        gettext("*Seats:* {seats}", seats=_seats(request)),
        gettext("*Users' licences:* {licences}", licences=words.licences(request.option)),
        gettext("*Requested by:* {who}", who=mention(request.requester)),
        gettext("*Asked:* {when}", when=moment(request.created_at)),
        gettext("*Effective:* {when}", when=words.effective(request.option)),
    ]
    if term := words.term(request.option) or words.term(subscription):
        facts.append(gettext("*Term:* {term}", term=term))
    if subscription.ends_at:
        facts.append(gettext("*Term ends:* {day}", day=day(subscription.ends_at)))
    return facts


def _seats(request: UpgradeRequest) -> str:
    seats, now = request.option.seats, request.subscription.seats
    if seats == now:
        return numeral(seats)
    return gettext(
        "{seats} (the old subscription has {now})", seats=numeral(seats), now=numeral(now)
    )


def _evidence(url: str) -> str:
    if not url:
        return gettext("none given")
    return link(url, gettext("link to {host}", host=escape_mrkdwn(urlsplit(url).netloc)))


def _earlier(request: UpgradeRequest) -> str:
    """Other requests about the same subscription, as they stood when this one was made."""
    lines = [earlier_line(each) for each in request.earlier]
    return "\n".join([gettext("⚠️ *This subscription was asked about before:*"), *lines])


def earlier_line(each: Earlier) -> str:
    """Another request about the same subscription: how it stood, and where it is."""
    named = gettext("{state}: {plan}", state=marker(each.state), plan=escape_mrkdwn(each.target))
    return gettext(
        "• {request}, asked by {who} {when}",
        request=link(each.link, named) if each.link else named,
        who=mention(each.requester),
        when=moment(each.created_at),
    )


def status_line(request: UpgradeRequest) -> str:
    """Where it stands, who acted, and who is next."""
    match request.state:
        case State.AWAITING_APPROVAL:
            return _waiting(request)
        case State.APPROVED:
            return sentences(
                _approved_by(request) or gettext("No approval is needed."),
                gettext("{who} can upgrade now.", who=who_may_confirm(request)),
                _expires(request),
            )
        case State.PERFORMING:
            return sentences(
                _confirmed(request),
                _approved_by(request) or gettext("No approval was needed."),
            )
        case State.UNKNOWN:
            return gettext(
                "Partner Center's answer was lost. *Do not repeat the upgrade.* The bot looks at "
                "Partner Center until it knows."
            )
        case State.DONE:
            return sentences(_confirmed(request), _approved_by(request), _licences(request))
        case State.FAILED:
            return sentences(_confirmed(request), gettext("Why it failed is in the thread."))
        case State.DECLINED if request.closed_by and request.closed_at:
            return gettext(
                "Declined by {who} {when}: {why}",
                who=mention(request.closed_by),
                when=moment(request.closed_at),
                why=escape_mrkdwn(request.closed_because, 1000),
            )
        case State.WITHDRAWN if request.closed_by and request.closed_at:
            return gettext(
                "Withdrawn by {who} {when}. Nothing was ordered.",
                who=mention(request.closed_by),
                when=moment(request.closed_at),
            )
        case State.DECLINED | State.WITHDRAWN:
            return marker(request.state)
        case State.EXPIRED:
            return gettext("Nobody decided or confirmed in time. Nothing was ordered.")


def _waiting(request: UpgradeRequest) -> str:
    needed = request.policy.approvals
    who = everyone_of(request.policy.approvers)
    may = gettext("{who} may approve.", who=who)
    if _starts_at_once(request):
        may = gettext("{who} may approve, and *the last approval starts the upgrade*.", who=who)
    have = numeral(len(request.approvals))
    return sentences(
        ngettext("{have} of {count} approval.", "{have} of {count} approvals.", needed, have=have),
        _approved_by(request),
        _readers(request),
        may,
        _expires(request),
    )


def _expires(request: UpgradeRequest) -> str:
    return gettext("The request expires {when}.", when=moment(request.expires_at))


def _starts_at_once(request: UpgradeRequest) -> bool:
    return request.policy.confirm is Confirm.NOBODY


def _licences(request: UpgradeRequest) -> str:
    """Where people still have to be helped, the card says it too."""
    outcome = request.outcome
    if outcome and outcome.license_errors:
        return ngettext(
            "*{count} licence did not move*; the thread says whose.",
            "*{count} licences did not move*; the thread says whose.",
            len(outcome.license_errors),
        )
    if outcome and not outcome.moved:
        return gettext("*The users' licences did not move*; the thread says more.")
    if outcome and outcome.seen:
        return gettext("Please check the users' licences; the thread says why.")
    return gettext("The result is in the thread.")


def _approved_by(request: UpgradeRequest) -> str:
    who = listed(f"{mention(a.by)} ({moment(a.at)})" for a in request.approvals)
    return gettext("Approved by {who}.", who=who) if who else ""


def _readers(request: UpgradeRequest) -> str:
    if not request.readers:
        return ""
    who = listed(mention(reader) for reader in request.readers)
    return ngettext("👀 {who} is looking.", "👀 {who} are looking.", len(request.readers), who=who)


def who_may_confirm(request: UpgradeRequest) -> str:
    """Whose turn it is to press *Upgrade now*."""
    if request.policy.confirm is Confirm.APPROVER:
        return everyone_of(request.policy.approvers)
    return mention(request.requester)


def _confirmed(request: UpgradeRequest) -> str:
    if not request.confirmed_by or not request.confirmed_at:
        return ""
    who, when = mention(request.confirmed_by), moment(request.confirmed_at)
    return gettext("Confirmed by {who} {when}.", who=who, when=when)


def _buttons(request: UpgradeRequest, portal: str) -> list[Block]:
    value = action_ids.of_card(request)
    pressable = _decisions(request, value)
    if portal:
        address = portal.format(customer=quote(request.customer.id, safe=""))
        pressable.append(link_button(gettext("Partner Center"), action_ids.PORTAL, address))
    return [{**each, "accessibility_label": _aloud(request, each)} for each in pressable]


def _decisions(request: UpgradeRequest, value: str) -> list[Block]:
    decline = button(gettext("Decline"), action_ids.DECLINE, value, style="danger")
    withdraw = button(gettext("Withdraw"), action_ids.WITHDRAW, value)
    match request.state:
        case State.AWAITING_APPROVAL:
            asked = _question(request) if _starts_at_once(request) else _approval(request)
            approve = button(
                gettext("Approve"), action_ids.APPROVE, value, style="primary", confirm=asked
            )
            looking = button(gettext("I'm looking"), action_ids.LOOKING, value)
            return [approve, looking, decline, withdraw]
        case State.APPROVED:
            question = _question(request)
            label = gettext("Upgrade now")
            now = button(label, action_ids.UPGRADE_NOW, value, style="primary", confirm=question)
            return [now, decline, withdraw]
        case State.UNKNOWN:
            return [button(gettext("Check again"), action_ids.CHECK_AGAIN, value)]
        case State.FAILED if request.may_be_tried_again:
            return [button(gettext("Try again"), action_ids.ASK_AGAIN, value)]
        case State.DECLINED | State.WITHDRAWN | State.EXPIRED:
            return [button(gettext("Ask again"), action_ids.ASK_AGAIN, value)]
        case _:
            return []


def _aloud(request: UpgradeRequest, pressable: Block) -> str:
    """What a screen reader says of a button: other cards have one of the same text."""
    customer, target = (
        escape_plain(request.customer.name, 25),
        escape_plain(request.option.name, 25),
    )
    said = f"{pressable['text']['text']}: {customer}, {target}"
    return said[:75]


def _question(request: UpgradeRequest) -> Block:
    """The dialog before the click that buys."""
    text = gettext("{change} This cannot be undone.", change=_change(request))
    return confirm(gettext("Upgrade now?"), text, gettext("Upgrade now"), gettext("Go back"))


def _approval(request: UpgradeRequest) -> Block:
    """The dialog before a yes, which does not buy yet."""
    return confirm(
        gettext("Approve this upgrade?"), _change(request), gettext("Approve"), gettext("Go back")
    )


def _change(request: UpgradeRequest) -> str:
    """Customer, plan, kind and seats, for a dialog that shows no formatting."""
    customer, option = request.customer, request.option
    return gettext(
        "{customer} ({domain}): {old} becomes {new}, {kind}, {seats}.",
        customer=escape_plain(customer.name, 60),
        domain=escape_plain(customer.domain, 60),
        old=escape_plain(request.subscription.name, 45),
        new=escape_plain(option.name, 45),
        kind=words.kind(option),
        seats=words.seats(option.seats),
    )
