"""The card: one message a request, edited in place. The request is what it shows.

Its facts stay; its marker, its last lines and its buttons change with the state. One item is shown
in full, several are shown compactly.
"""

from urllib.parse import urlsplit

from bot.domain.item import OPEN, Item, State
from bot.domain.policy import Confirm, Evidence
from bot.domain.request import Request
from bot.messages import action_ids, compact_card, words
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
    mention,
    moment,
    section,
)
from bot.messages.language import day, gettext, listed, ngettext, numeral, sentences
from bot.messages.parts import (
    about_single,
    banners,
    earlier_line,
    looking,
    marker,
    marker_of,
    partner_center,
    price,
    said_aloud,
    what,
    who_may_confirm,
)


def card(request: Request, portal: str = "") -> Message:
    """The card of a request, in whatever state it is. `portal`: where Partner Center's own pages
    are; empty where that is not known."""
    return full_card(request, portal) if request.is_single else compact_card.card(request, portal)


def full_card(request: Request, portal: str) -> Message:
    """The card of a single item."""
    (item,) = request.items
    blocks = [
        header(marker(request)),
        section(what(item)),
        *banners(item.policy.banners),
        fields(*_facts(request, item)),
        section(gettext("*Price:* {price}", price=price(item.price))),
        section(gettext("*Reason:* {reason}", reason=escape_mrkdwn(request.reason, 1500))),
    ]
    if item.policy.evidence is not Evidence.OFF:
        consent = _evidence(request.evidence)
        blocks.append(section(gettext("*Customer's consent:* {consent}", consent=consent)))
    if item.is_open:
        blocks.append(context(words.cannot_be_undone(item.subscription, item.change)))
    if item.earlier:
        blocks.append(context(_earlier(item)))
    if item.votes.round > 1 and item.is_open:
        changed = gettext("⚠️ It has changed since it was first approved; the thread says what.")
        blocks.append(context(changed))
    blocks.append(context(status_line(request, item)))
    if pressable := _buttons(request, item, portal):
        blocks.append(actions(f"{request.id}-{request.revision}", *pressable))
    return Message(blocks)


def _facts(request: Request, item: Item) -> list[str]:
    subscription, change = item.subscription, item.change
    facts = [
        gettext("*Seats:* {seats}", seats=_seats(item)),
        gettext("*Users' licences:* {licences}", licences=words.licences(change)),
        gettext("*Requested by:* {who}", who=mention(request.requester)),
        gettext("*Asked:* {when}", when=moment(request.created_at)),
        gettext("*Effective:* {when}", when=words.effective(change)),
    ]
    if term := words.term(change) or words.term(subscription):
        facts.append(gettext("*Term:* {term}", term=term))
    if subscription.ends_at:
        facts.append(gettext("*Term ends:* {day}", day=day(subscription.ends_at)))
    return facts


def _seats(item: Item) -> str:
    seats, now = item.change.seats, item.subscription.seats
    if seats == now:
        return numeral(seats)
    return gettext(
        "{seats} (the old subscription has {now})", seats=numeral(seats), now=numeral(now)
    )


def _evidence(url: str) -> str:
    if not url:
        return gettext("none given")
    return link(url, gettext("link to {host}", host=escape_mrkdwn(urlsplit(url).netloc)))


def _earlier(item: Item) -> str:
    """Other items about the same subscription, as they stood when this one was asked for."""
    lines = [earlier_line(each) for each in item.earlier]
    return "\n".join([gettext("⚠️ *This subscription was asked about before:*"), *lines])


def status_line(request: Request, item: Item) -> str:
    """Where it stands, who acted, and who is next."""
    match item.state:
        case State.AWAITING_APPROVAL:
            return _waiting(item)
        case State.APPROVED if not request.is_running:
            return sentences(
                _approved_by(item) or gettext("No approval is needed."),
                gettext("{who} can upgrade now.", who=who_may_confirm(item, request)),
                _expires(item),
            )
        case State.APPROVED | State.PERFORMING:
            return sentences(
                _confirmed(request), _approved_by(item) or gettext("No approval was needed.")
            )
        case State.UNKNOWN:
            return gettext(
                "Partner Center's answer was lost. *Do not repeat the upgrade.* The bot looks at "
                "Partner Center until it knows."
            )
        case State.DONE:
            return sentences(_confirmed(request), _approved_by(item), _licences(item))
        case State.FAILED:
            return sentences(_confirmed(request), gettext("Why it failed is in the thread."))
        case State.EXPIRED:
            return gettext("Nobody decided or confirmed in time. Nothing was ordered.")
        case State.DECLINED | State.WITHDRAWN:
            return _ended_by(item)


def _ended_by(item: Item) -> str:
    """Who declined or withdrew it; not where they are forgotten."""
    ending = item.ending
    if not ending or not ending.by:
        return marker_of(item.state)
    who, when = mention(ending.by), moment(ending.at)
    if item.state is State.WITHDRAWN:
        return gettext("Withdrawn by {who} {when}. Nothing was ordered.", who=who, when=when)
    why = escape_mrkdwn(ending.because, 1000)
    return gettext("Declined by {who} {when}: {why}", who=who, when=when, why=why)


def _waiting(item: Item) -> str:
    needed = item.policy.approvals
    who = everyone_of(item.policy.approvers)
    may = gettext("{who} may approve.", who=who)
    if _starts_at_once(item):
        may = gettext("{who} may approve, and *the last approval starts the upgrade*.", who=who)
    have = numeral(len(item.votes.approvals))
    return sentences(
        ngettext("{have} of {count} approval.", "{have} of {count} approvals.", needed, have=have),
        _approved_by(item),
        looking((item,)),
        may,
        _expires(item),
    )


def _expires(item: Item) -> str:
    return gettext("The request expires {when}.", when=moment(item.expires_at))


def _starts_at_once(item: Item) -> bool:
    return item.policy.confirm is Confirm.NOBODY


def _licences(item: Item) -> str:
    """Where people still have to be helped, the card says it too."""
    outcome = item.outcome
    if outcome.license_errors:
        return ngettext(
            "*{count} licence did not move*; the thread says whose.",
            "*{count} licences did not move*; the thread says whose.",
            len(outcome.license_errors),
        )
    if not outcome.moved:
        return gettext("*The users' licences did not move*; the thread says more.")
    if outcome.seen:
        return gettext("Please check the users' licences; the thread says why.")
    return gettext("The result is in the thread.")


def _approved_by(item: Item) -> str:
    who = listed(f"{mention(a.by)} ({moment(a.at)})" for a in item.votes.approvals)
    return gettext("Approved by {who}.", who=who) if who else ""


def _confirmed(request: Request) -> str:
    """Who pressed *Upgrade now*, and when."""
    attempt, run = request.items[0].attempt, request.run
    by, at = (run.by, run.at) if run else (attempt.by, attempt.at)
    if not by or not at:
        return ""
    return gettext("Confirmed by {who} {when}.", who=mention(by), when=moment(at))


def _buttons(request: Request, item: Item, portal: str) -> list[Block]:
    value = action_ids.of_card(request)
    pressable = [*_decisions(request, item, value), *partner_center(request, portal)]
    return said_aloud(pressable, about_single(item))


def _decisions(request: Request, item: Item, value: str) -> list[Block]:
    if item.state is State.AWAITING_APPROVAL:
        asked = _question(item) if _starts_at_once(item) else _approval(item)
        label = gettext("Approve")
        approve = button(label, action_ids.APPROVE, value, style="primary", confirm=asked)
        return [approve, button(gettext("I'm looking"), action_ids.LOOKING, value), *_ends(value)]
    if item.state in OPEN and not request.is_running:
        question, label = _question(item), gettext("Upgrade now")
        now = button(label, action_ids.UPGRADE_NOW, value, style="primary", confirm=question)
        return [now, *_ends(value)]
    if item.state is State.UNKNOWN:
        return [button(gettext("Check again"), action_ids.CHECK_AGAIN, value)]
    if item.ended_without_effect:
        failed = item.state is State.FAILED
        label = gettext("Try again") if failed else gettext("Ask again")
        return [button(label, action_ids.ASK_AGAIN, value)]
    return []


def _ends(value: str) -> list[Block]:
    """The buttons that end it."""
    decline = button(gettext("Decline"), action_ids.DECLINE, value, style="danger")
    return [decline, button(gettext("Withdraw"), action_ids.WITHDRAW, value)]


def _question(item: Item) -> Block:
    """The dialog before the click that buys."""
    text = gettext("{change} This cannot be undone.", change=_change(item))
    return confirm(gettext("Upgrade now?"), text, gettext("Upgrade now"), gettext("Go back"))


def _approval(item: Item) -> Block:
    """The dialog before a yes, which does not buy yet."""
    return confirm(
        gettext("Approve this upgrade?"), _change(item), gettext("Approve"), gettext("Go back")
    )


def _change(item: Item) -> str:
    """Customer, plan, kind and seats, for a dialog that shows no formatting."""
    customer, change = item.customer, item.change
    return gettext(
        "{customer} ({domain}): {old} becomes {new}, {kind}, {seats}.",
        customer=escape_plain(customer.name, 60),
        domain=escape_plain(customer.domain, 60),
        old=escape_plain(item.subscription.name, 45),
        new=escape_plain(change.name, 45),
        kind=words.kind(change),
        seats=words.seats(change.seats),
    )
