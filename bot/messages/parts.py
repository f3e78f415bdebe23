"""What cards, forms and threads have in common: markers, names, prices, whose turn it is."""

from decimal import Decimal
from urllib.parse import quote

from bot.domain.item import Earlier, Item, State
from bot.domain.policy import Confirm
from bot.domain.price import PriceChange
from bot.domain.request import Request, Status, status
from bot.messages import action_ids, words
from bot.messages.blocks import (
    Block,
    escape_mrkdwn,
    escape_plain,
    everyone_of,
    link,
    link_button,
    mention,
    moment,
    section,
)
from bot.messages.language import N_, day, gettext, listed, money, ngettext

NAMED = 5
"""Items that are named in one sentence; the others are counted."""

LOOKING_NAMED = 10
"""People of whom a card says by name that they are looking; the others are counted."""

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

OF_SEVERAL = {
    Status.RUNNING: N_("⚙️ Upgrades in progress"),
    Status.STOPPED: N_("✋ Stopped"),
    Status.WAITING: N_("⏳ Approval needed"),
    Status.APPROVED: N_("🔵 Approved"),
    Status.CHECKING: N_("⚠️ Checking the result"),
    Status.DONE: N_("✅ Upgraded"),
    Status.PARTLY_DONE: N_("⚠️ Partly upgraded"),
    Status.FAILED: N_("❌ Upgrades failed"),
    Status.DECLINED: N_("⛔ Declined"),
    Status.WITHDRAWN: N_("↩️ Withdrawn"),
    Status.EXPIRED: N_("⏰ Expired"),
    Status.CLOSED: N_("⛔ Closed"),
}


def marker_of(state: State) -> str:
    """The state of an item, as a sign and a word."""
    return gettext(MARKERS[state])


def marker(request: Request) -> str:
    """Where a request stands, as a sign and words."""
    shown = status(request)
    if not request.is_single:
        return gettext(OF_SEVERAL[shown])
    is_running = shown is Status.RUNNING
    return marker_of(State.PERFORMING if is_running else request.items[0].state)


def what(item: Item) -> str:
    """The customer and the change, in two lines."""
    customer, change = item.customer, item.change
    old, new = escape_mrkdwn(item.subscription.name), escape_mrkdwn(change.name)
    said = gettext("{old} → *{new}*, {how}", old=old, new=new, how=words.how(change))
    return f"*{escape_mrkdwn(customer.name)}* ({escape_mrkdwn(customer.domain)})\n{said}"


def name(item: Item) -> str:
    """An item's customer, with the domain that tells apart two of one name."""
    return f"*{escape_mrkdwn(item.customer.name, 60)}* ({escape_mrkdwn(item.customer.domain, 60)})"


def names(items: list[Item]) -> str:
    """Which upgrades: by name where they are few, else the first and how many more."""
    shown = listed(name(item) for item in items[:NAMED])
    if len(items) <= NAMED:
        return shown
    more = ngettext("{count} more", "{count} more", len(items) - NAMED)
    return gettext("{names} and {more}", names=shown, more=more)


def upgrades(number: int) -> str:
    """`12 upgrades`."""
    return ngettext("{count} upgrade", "{count} upgrades", number)


def banners(texts: tuple[str, ...]) -> list[Block]:
    """What the policy wants everybody to know about such requests."""
    return [section(f"🚩 *{escape_mrkdwn(text, 300)}*") for text in texts]


def price(change: PriceChange | None) -> str:
    """What it costs more, or that the bot does not know."""
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


def earlier_line(each: Earlier) -> str:
    """Another item about the same subscription: how it stood, and where it is."""
    named = gettext("{state}: {plan}", state=marker_of(each.state), plan=escape_mrkdwn(each.target))
    return gettext(
        "• {request}, asked by {who} {when}",
        request=link(each.link, named) if each.link else named,
        who=mention(each.requester),
        when=moment(each.created_at),
    )


def who_may_confirm(item: Item, request: Request) -> str:
    """Whose turn it is to press *Upgrade now*."""
    if item.policy.confirm is Confirm.APPROVER:
        return everyone_of(item.policy.approvers)
    return mention(request.requester)


def looking(items: tuple[Item, ...]) -> str:
    """Who says that they are looking at it; empty where nobody does."""
    people = list(dict.fromkeys(person for item in items for person in item.votes.looking))
    if not people:
        return ""
    who = listed(mention(person) for person in people[:LOOKING_NAMED])
    if (more := len(people) - LOOKING_NAMED) > 0:
        others = ngettext("{count} more", "{count} more", more)
        who = gettext("{names} and {more}", names=who, more=others)
    return ngettext("👀 {who} is looking.", "👀 {who} are looking.", len(people), who=who)


def partner_center(request: Request, portal: str) -> list[Block]:
    """The button that opens Partner Center: at the customer, or where there are several at the list
    of customers. `portal` is the page of a `{customer}`; empty where it is not known."""
    customers = {item.customer.id for item in request.items}
    if not portal:
        return []
    address = portal.partition("/{customer}")[0]
    if len(customers) == 1:
        address = portal.format(customer=quote(customers.pop(), safe=""))
    return [link_button(gettext("Partner Center"), action_ids.PORTAL, address)]


def said_aloud(buttons: list[Block], about: str) -> list[Block]:
    """The buttons with what a screen reader says of them: other cards have some of the same
    text."""
    return [
        {**each, "accessibility_label": f"{each['text']['text']}: {about}"[:75]} for each in buttons
    ]


def about_single(item: Item) -> str:
    """The customer and the target, short enough for a button's label."""
    return f"{escape_plain(item.customer.name, 25)}, {escape_plain(item.change.name, 25)}"
