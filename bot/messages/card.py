"""The card: one message a request, edited in place. The request is what it shows.

Its facts stay; its marker, its last lines and its buttons change with the state.
"""

from decimal import Decimal
from urllib.parse import quote, urlsplit

from bot import buttons
from bot.domain.policy import Confirm, Evidence
from bot.domain.price import PriceChange
from bot.domain.upgrade import Earlier, State, UpgradeRequest
from bot.messages import words
from bot.messages.blocks import (
    Block,
    Message,
    actions,
    button,
    confirm,
    context,
    everyone_of,
    fields,
    header,
    link,
    link_button,
    mention,
    moment,
    outside,
    outside_plain,
    section,
)
from bot.messages.language import count, day, listed, marked, money, numeral, say, sentences

MARKERS = {
    State.AWAITING_APPROVAL: marked("⏳ Approval needed"),
    State.APPROVED: marked("🔵 Approved"),
    State.PERFORMING: marked("⚙️ Upgrade in progress"),
    State.UNKNOWN: marked("⚠️ Checking the result"),
    State.DONE: marked("✅ Upgraded"),
    State.FAILED: marked("❌ Upgrade failed"),
    State.DECLINED: marked("⛔ Declined"),
    State.WITHDRAWN: marked("↩️ Withdrawn"),
    State.EXPIRED: marked("⏰ Expired"),
}


def marker(state: State) -> str:
    """The state in a sign and a word."""
    return say(MARKERS[state])


def card(request: UpgradeRequest, portal: str = "") -> Message:
    """The card of a request, in whatever state it is. `portal`: where Partner Center's own pages
    are; empty where that is not known."""
    blocks = [
        header(marker(request.state)),
        section(what(request)),
        *banners(request.policy.banners),
        fields(*_facts(request)),
        section(say("*Price:* {price}", price=price(request.price))),
        section(say("*Reason:* {reason}", reason=outside(request.reason, 1500))),
    ]
    if request.policy.evidence is not Evidence.OFF:
        consent = _evidence(request.evidence)
        blocks.append(section(say("*Customer's consent:* {consent}", consent=consent)))
    if request.is_open:
        blocks.append(context(words.cannot_be_undone(request.subscription, request.option)))
    if request.earlier:
        blocks.append(context(_earlier(request)))
    if request.round > 1 and request.is_open:
        changed = say("⚠️ It has changed since it was first approved; the thread says what.")
        blocks.append(context(changed))
    blocks.append(context(status_line(request)))
    if pressable := _buttons(request, portal):
        blocks.append(actions(f"{request.id}-{request.version}", *pressable))
    return Message(blocks)


def what(request: UpgradeRequest) -> str:
    """The customer and the change, in two lines."""
    customer, option = request.customer, request.option
    old, new = outside(request.subscription.name), outside(option.name)
    change = say("{old} → *{new}*, {how}", old=old, new=new, how=words.how(option))
    return f"*{outside(customer.name)}* ({outside(customer.domain)})\n{change}"


def banners(texts: tuple[str, ...]) -> list[Block]:
    """What the policy wants everybody to know about such requests."""
    return [section(f"🚩 *{outside(text, 300)}*") for text in texts]


def price(change: PriceChange | None) -> str:
    """What it costs more, or that nobody knows."""
    if change is None:
        return say("not known to the bot; look it up before you decide")
    values = {
        "month": _signed(change, change.per_month),
        "day": day(change.as_of),
    }
    if change.to_the_end is None:
        return say("{month} a month, by the price list of {day}", **values)
    values["rest"] = _signed(change, change.to_the_end)
    return say(
        "{month} a month, about {rest} until the end of the term, by the price list of {day}",
        **values,
    )


def _signed(change: PriceChange, amount: Decimal) -> str:
    return ("+" if amount > 0 else "") + money(amount, change.currency)


def _facts(request: UpgradeRequest) -> list[str]:
    subscription = request.subscription
    facts = [
        say("*Seats:* {seats}", seats=_seats(request)),
        say("*Users' licences:* {licences}", licences=words.licences(request.option)),
        say("*Requested by:* {who}", who=mention(request.requester)),
        say("*Asked:* {when}", when=moment(request.created_at)),
        say("*Effective:* {when}", when=words.effective(request.option)),
    ]
    if term := words.term(request.option) or words.term(subscription):
        facts.append(say("*Term:* {term}", term=term))
    if subscription.ends_at:
        facts.append(say("*Term ends:* {day}", day=day(subscription.ends_at)))
    return facts


def _seats(request: UpgradeRequest) -> str:
    seats, now = request.option.seats, request.subscription.seats
    if seats == now:
        return numeral(seats)
    return say("{seats} (the old subscription has {now})", seats=numeral(seats), now=numeral(now))


def _evidence(url: str) -> str:
    if not url:
        return say("none given")
    return link(url, say("link to {host}", host=outside(urlsplit(url).netloc)))


def _earlier(request: UpgradeRequest) -> str:
    """Other requests about the same subscription, as they stood when this one was made."""
    lines = [earlier_line(each) for each in request.earlier]
    return "\n".join([say("⚠️ *This subscription was asked about before:*"), *lines])


def earlier_line(each: Earlier) -> str:
    """Another request about the same subscription: how it stood, and where it is."""
    named = say("{state}: {plan}", state=marker(each.state), plan=outside(each.target))
    return say(
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
                _approved_by(request) or say("No approval is needed."),
                say("{who} can upgrade now.", who=who_may_confirm(request)),
                _expires(request),
            )
        case State.PERFORMING:
            return sentences(
                _confirmed(request),
                _approved_by(request) or say("No approval was needed."),
            )
        case State.UNKNOWN:
            return say(
                "Partner Center's answer was lost. *Do not repeat the upgrade.* The bot looks at "
                "Partner Center until it knows."
            )
        case State.DONE:
            return sentences(_confirmed(request), _approved_by(request), _licences(request))
        case State.FAILED:
            return sentences(_confirmed(request), say("Why it failed is in the thread."))
        case State.DECLINED if request.closed_by and request.closed_at:
            return say(
                "Declined by {who} {when}: {why}",
                who=mention(request.closed_by),
                when=moment(request.closed_at),
                why=outside(request.closed_because, 1000),
            )
        case State.WITHDRAWN if request.closed_by and request.closed_at:
            return say(
                "Withdrawn by {who} {when}. Nothing was ordered.",
                who=mention(request.closed_by),
                when=moment(request.closed_at),
            )
        case State.DECLINED | State.WITHDRAWN:
            return marker(request.state)
        case State.EXPIRED:
            return say("Nobody decided or confirmed in time. Nothing was ordered.")


def _waiting(request: UpgradeRequest) -> str:
    needed = request.policy.approvals
    who = everyone_of(request.policy.approvers)
    may = say("{who} may approve.", who=who)
    if _starts_at_once(request):
        may = say("{who} may approve, and *the last approval starts the upgrade*.", who=who)
    have = numeral(len(request.approvals))
    return sentences(
        count("{have} of {count} approval.", "{have} of {count} approvals.", needed, have=have),
        _approved_by(request),
        _readers(request),
        may,
        _expires(request),
    )


def _expires(request: UpgradeRequest) -> str:
    return say("The request expires {when}.", when=moment(request.expires_at))


def _starts_at_once(request: UpgradeRequest) -> bool:
    return request.policy.confirm is Confirm.NOBODY


def _licences(request: UpgradeRequest) -> str:
    """Where people still have to be helped, the card says it too."""
    outcome = request.outcome
    if outcome and outcome.license_errors:
        return count(
            "*{count} licence did not move*; the thread says whose.",
            "*{count} licences did not move*; the thread says whose.",
            len(outcome.license_errors),
        )
    if outcome and not outcome.moved:
        return say("*The users' licences did not move*; the thread says more.")
    if outcome and outcome.seen:
        return say("Please check the users' licences; the thread says why.")
    return say("The result is in the thread.")


def _approved_by(request: UpgradeRequest) -> str:
    who = listed(f"{mention(a.by)} ({moment(a.at)})" for a in request.approvals)
    return say("Approved by {who}.", who=who) if who else ""


def _readers(request: UpgradeRequest) -> str:
    if not request.readers:
        return ""
    who = listed(mention(reader) for reader in request.readers)
    return count("👀 {who} is looking.", "👀 {who} are looking.", len(request.readers), who=who)


def who_may_confirm(request: UpgradeRequest) -> str:
    """Whose turn it is to press *Upgrade now*."""
    if request.policy.confirm is Confirm.APPROVER:
        return everyone_of(request.policy.approvers)
    return mention(request.requester)


def _confirmed(request: UpgradeRequest) -> str:
    if not request.confirmed_by or not request.confirmed_at:
        return ""
    who, when = mention(request.confirmed_by), moment(request.confirmed_at)
    return say("Confirmed by {who} {when}.", who=who, when=when)


def _buttons(request: UpgradeRequest, portal: str) -> list[Block]:
    value = buttons.of_card(request)
    pressable = _decisions(request, value)
    if portal:
        address = portal.format(customer=quote(request.customer.id, safe=""))
        pressable.append(link_button(say("Partner Center"), buttons.PORTAL, address))
    return [{**each, "accessibility_label": _aloud(request, each)} for each in pressable]


def _decisions(request: UpgradeRequest, value: str) -> list[Block]:
    decline = button(say("Decline"), buttons.DECLINE, value, style="danger")
    withdraw = button(say("Withdraw"), buttons.WITHDRAW, value)
    match request.state:
        case State.AWAITING_APPROVAL:
            asked = _question(request) if _starts_at_once(request) else _approval(request)
            approve = button(say("Approve"), buttons.APPROVE, value, style="primary", confirm=asked)
            looking = button(say("I'm looking"), buttons.LOOKING, value)
            return [approve, looking, decline, withdraw]
        case State.APPROVED:
            question = _question(request)
            label = say("Upgrade now")
            now = button(label, buttons.UPGRADE_NOW, value, style="primary", confirm=question)
            return [now, decline, withdraw]
        case State.UNKNOWN:
            return [button(say("Check again"), buttons.CHECK_AGAIN, value)]
        case State.FAILED if request.may_be_tried_again:
            return [button(say("Try again"), buttons.ASK_AGAIN, value)]
        case State.DECLINED | State.WITHDRAWN | State.EXPIRED:
            return [button(say("Ask again"), buttons.ASK_AGAIN, value)]
        case _:
            return []


def _aloud(request: UpgradeRequest, pressable: Block) -> str:
    """What a screen reader says of a button: other cards have one of the same text."""
    customer, target = (
        outside_plain(request.customer.name, 25),
        outside_plain(request.option.name, 25),
    )
    said = f"{pressable['text']['text']}: {customer}, {target}"
    return said[:75]


def _question(request: UpgradeRequest) -> Block:
    """The dialog before the click that buys."""
    text = say("{change} This cannot be undone.", change=_change(request))
    return confirm(say("Upgrade now?"), text, say("Upgrade now"), say("Go back"))


def _approval(request: UpgradeRequest) -> Block:
    """The dialog before a yes, which does not buy yet."""
    return confirm(say("Approve this upgrade?"), _change(request), say("Approve"), say("Go back"))


def _change(request: UpgradeRequest) -> str:
    """Customer, plan, kind and seats, for a dialog that shows no formatting."""
    customer, option = request.customer, request.option
    return say(
        "{customer} ({domain}): {old} becomes {new}, {kind}, {seats}.",
        customer=outside_plain(customer.name, 60),
        domain=outside_plain(customer.domain, 60),
        old=outside_plain(request.subscription.name, 45),
        new=outside_plain(option.name, 45),
        kind=words.kind(option),
        seats=words.seats(option.seats),
    )
