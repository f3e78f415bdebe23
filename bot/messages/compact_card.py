"""The card of several items.

However many there are and however long their names, all of them are on the card: the more there
are, the shorter each is told. They stand last, because the text that is read aloud has room for
about twenty.
"""

from urllib.parse import urlsplit

from bot.domain.change import Change
from bot.domain.item import OPEN, Item, State
from bot.domain.policy import Confirm, Evidence
from bot.domain.price import total
from bot.domain.request import Request
from bot.domain.subscription import Customer, Kind, Subscription, UpgradeOption
from bot.messages import action_ids, words
from bot.messages.blocks import (
    SECTION_LIMIT,
    Block,
    Message,
    actions,
    button,
    confirm,
    context,
    escape_mrkdwn,
    everyone_of,
    header,
    link,
    mention,
    moment,
    section,
)
from bot.messages.language import N_, gettext, listed, ngettext, sentences
from bot.messages.parts import (
    banners,
    looking,
    marker,
    names,
    partner_center,
    price,
    said_aloud,
    upgrades,
)

ITEMS_TEXT = 8800
"""Characters for all items of a message; Slack takes about 13,000 in a message."""

LONGEST_ITEM = 400
AROUND_NAMES = 75
"""Characters of an item beside its four names: its state, the seats and the way."""

LONGEST_CONSENT = 700
BANNERS = 3

STATES = {
    State.AWAITING_APPROVAL: N_("⏳ waits"),
    State.APPROVED: N_("🔵 approved"),
    State.PERFORMING: N_("⚙️ in progress"),
    State.UNKNOWN: N_("⚠️ being checked"),
    State.DONE: N_("✅ upgraded"),
    State.FAILED: N_("❌ failed"),
    State.DECLINED: N_("⛔ declined"),
    State.WITHDRAWN: N_("↩️ withdrawn"),
    State.EXPIRED: N_("⏰ expired"),
}
"""How an item stands, for its line."""


def card(request: Request, portal: str) -> Message:
    """The card of several items, however they stand."""
    seats = sum(item.change.seats for item in request.items)
    blocks = [
        header(marker(request)),
        section(
            ngettext(
                "*{count} upgrade*, {seats}, asked for by {who} {at}",
                "*{count} upgrades*, {seats}, asked for by {who} {at}",
                len(request.items),
                seats=ngettext("{count} seat in all", "{count} seats in all", seats),
                who=mention(request.requester),
                at=moment(request.created_at),
            )
        ),
        *banners(_banners(request)),
        section(
            gettext("*Price:* {price}", price=price(total(item.price for item in request.items)))
        ),
        section(gettext("*Reason:* {reason}", reason=escape_mrkdwn(request.reason, 600))),
    ]
    if any(item.policy.evidence is not Evidence.OFF for item in request.items):
        blocks.append(
            section(gettext("*Customer's consent:* {consent}", consent=_consent(request)))
        )
    if request.those(*OPEN):
        blocks.append(context(_cannot_be_undone(request)))
    blocks.append(context("\n".join(_status(request))))
    blocks += sections([_line(item, len(request.items)) for item in request.items])
    if pressable := _buttons(request, portal):
        blocks.append(actions(f"{request.id}-{request.revision}", *pressable))
    return Message(blocks)


def change_line(
    customer: Customer, subscription: Subscription, change: Change | UpgradeOption, lines: int
) -> str:
    """What happens to one customer, in a line that is the shorter the more `lines` there are."""
    width = max(20, (min(LONGEST_ITEM, ITEMS_TEXT // lines) - AROUND_NAMES) // 4)
    return gettext(
        "*{customer}* ({domain}): {old} → {new}, {seats}, {way}",
        customer=escape_mrkdwn(customer.name, width),
        domain=escape_mrkdwn(customer.domain, width),
        old=escape_mrkdwn(subscription.name, width),
        new=escape_mrkdwn(change.name, width),
        seats=words.seats(change.seats),
        way=words.kind(change),
    )


def sections(lines: list[str]) -> list[Block]:
    """As few sections as hold all lines."""
    texts = [""]
    for line in lines:
        if len(texts[-1]) + len(line) + 1 > SECTION_LIMIT:
            texts.append("")
        texts[-1] += f"{line}\n"
    return [section(text.rstrip("\n")) for text in texts]


def _line(item: Item, lines: int) -> str:
    state = gettext(STATES[item.state])
    if item.state is State.AWAITING_APPROVAL and item.policy.approvals > 1:
        state = gettext(
            "{state} ({given} of {needed})",
            state=state,
            given=len(item.votes.approvals),
            needed=item.policy.approvals,
        )
    return f"{state} · {change_line(item.customer, item.subscription, item.change, lines)}"


def _banners(request: Request) -> tuple[str, ...]:
    """The warnings that the policy has for some of the customers, each once."""
    every = (banner for item in request.items for banner in item.policy.banners)
    return tuple(dict.fromkeys(every))[:BANNERS]


def _consent(request: Request) -> str:
    if not request.evidence:
        return gettext("none given")
    host = escape_mrkdwn(urlsplit(request.evidence).netloc, 60)
    linked = link(request.evidence, gettext("link to {host}", host=host))
    return linked if len(linked) <= LONGEST_CONSENT else gettext("the link is in the thread")


def consent_is_long(request: Request) -> bool:
    """Whether the link to the consent has no room on the card."""
    return bool(request.evidence) and len(link(request.evidence, "")) > LONGEST_CONSENT - 100


def _cannot_be_undone(request: Request) -> str:
    items = request.those(*OPEN)
    lines = [gettext("*An upgrade cannot be undone*, and its seats are bought at once.")]
    lines.append(gettext("There is no new cancellation window, and seats cannot be added with it."))
    if any(item.subscription.kind is not Kind.NEW_COMMERCE for item in items):
        lines.append(
            gettext(
                "Old subscriptions outside new commerce are suspended, and promotions are lost."
            )
        )
    if scheduled := [item for item in items if item.subscription.scheduled_change]:
        lines.append(
            gettext(
                "⚠️ What is scheduled for the renewal is deleted: {which}.", which=names(scheduled)
            )
        )
    if with_add_ons := [item for item in items if item.subscription.add_ons]:
        lines.append(
            gettext(
                "⚠️ Add-ons stay behind and have to be looked after: {which}.",
                which=names(with_add_ons),
            )
        )
    return " ".join(lines)


def _status(request: Request) -> list[str]:
    """Who acted, who is next, how far it is."""
    lines = [
        _approved_by(request),
        *_approvals_needed(request),
        looking(request.those(State.AWAITING_APPROVAL)),
        _next(request),
        _expiry(request),
    ]
    if run := request.run:
        by, at = mention(run.by), moment(run.at)
        lines.append(gettext("Started by {who} {at}.", who=by, at=at))
        lines.append(progress(request))
    if request.those(State.UNKNOWN):
        lines.append(
            gettext(
                "Where Partner Center's answer was lost, *do not repeat the upgrade*. The bot looks "
                "until it knows."
            )
        )
    if request.is_settled:
        lines.append(gettext("The thread says what became of each."))
    return [line for line in lines if line]


def _approved_by(request: Request) -> str:
    votes: dict[str, int] = {}
    for item in request.items:
        for each in item.votes.approvals:
            votes[mention(each.by)] = votes.get(mention(each.by), 0) + 1
    who = listed(f"{by} ({number})" for by, number in list(votes.items())[:10])
    return gettext("Approved by {who}.", who=who) if who else ""


def _approvals_needed(request: Request) -> list[str]:
    """A line for each policy under which items still wait."""
    waiting: dict[tuple[int, str, bool], int] = {}
    for item in request.those(State.AWAITING_APPROVAL):
        policy = item.policy
        starts = policy.confirm is Confirm.NOBODY
        key = (policy.approvals, everyone_of(policy.approvers), starts)
        waiting[key] = waiting.get(key, 0) + 1
    return [_needed(number, *key) for key, number in list(waiting.items())[:4]]


def _needed(number: int, approvals: int, who: str, starts: bool) -> str:
    needed = ngettext(
        "{rows}: {count} approval needed, of {who}.",
        "{rows}: {count} approvals needed, of {who}.",
        approvals,
        rows=upgrades(number),
        who=who,
    )
    last = gettext("*The last approval of each starts it.*") if starts else ""
    return sentences(needed, last)


def _next(request: Request) -> str:
    """Who can start what is approved."""
    if request.is_running:
        return ""
    ready = request.those(State.APPROVED)
    by_approver = [item for item in ready if item.policy.confirm is Confirm.APPROVER]
    lines = []
    if number := len(ready) - len(by_approver):
        lines.append(
            gettext(
                "{who} can start {upgrades}.",
                who=mention(request.requester),
                upgrades=upgrades(number),
            )
        )
    if by_approver:
        lines.append(
            gettext(
                "{who} can start {upgrades}.",
                who=everyone_of(by_approver[0].policy.approvers),
                upgrades=upgrades(len(by_approver)),
            )
        )
    return " ".join(lines)


def _expiry(request: Request) -> str:
    items = request.those(*OPEN)
    if not items:
        return ""
    first = min(item.expires_at for item in items)
    if all(item.expires_at == first for item in items):
        return gettext("All of them expire {at}.", at=moment(first))
    return gettext("The first of them expires {at}.", at=moment(first))


def progress(request: Request) -> str:
    """How far the newest confirmation is: done, failed, left, and the time that is left."""
    states = [item.state for item in request.over]
    done, failed = states.count(State.DONE), states.count(State.FAILED)
    at_microsoft, unknown = states.count(State.PERFORMING), states.count(State.UNKNOWN)
    left = len(request.confirmed) - len(states)
    parts = [ngettext("{count} done", "{count} done", done)]
    if failed:
        parts.append(ngettext("{count} failed", "{count} failed", failed))
    if unknown:
        parts.append(ngettext("{count} being checked", "{count} being checked", unknown))
    if at_microsoft:
        parts.append(ngettext("{count} at Microsoft", "{count} at Microsoft", at_microsoft))
    if others := len(states) - done - failed - unknown - at_microsoft:
        parts.append(ngettext("{count} not performed", "{count} not performed", others))
    if left:
        parts.append(ngettext("{count} left", "{count} left", left))
    if request.is_running and (time := _time_left(request, len(states), left)):
        parts.append(time)
    return gettext("Progress: {parts}.", parts=listed(parts))


def _time_left(request: Request, over: int, left: int) -> str:
    if not over or not left or request.run is None or request.changed_at is None:
        return ""
    seconds = (request.changed_at - request.run.at).total_seconds() / over * left
    if seconds < 60:
        return gettext("less than a minute left")
    return ngettext("about {count} minute left", "about {count} minutes left", round(seconds / 60))


def _buttons(request: Request, portal: str) -> list[Block]:
    value = action_ids.of_card(request)
    waiting, ready = request.those(State.AWAITING_APPROVAL), request.those(State.APPROVED)
    shown = []
    if ready and not request.is_running:
        question = _question(gettext("Upgrade now?"), ready, gettext("Upgrade now"), final=True)
        more = {"style": "primary", "confirm": question}
        shown.append(button(gettext("Upgrade now"), action_ids.UPGRADE_NOW, value, **more))
    if waiting:
        shown += _approvals(waiting, value, is_first=not shown)
    if waiting or ready:
        shown.append(button(gettext("Leave rows out"), action_ids.LEAVE_OUT, value))
        shown.append(button(gettext("Decline"), action_ids.DECLINE, value, style="danger"))
        shown.append(button(gettext("Withdraw"), action_ids.WITHDRAW, value))
    if request.those(State.UNKNOWN):
        shown.append(button(gettext("Check again"), action_ids.CHECK_AGAIN, value))
    if not waiting and not ready:
        shown += _once_more(request, value)
    return said_aloud([*shown, *partner_center(request, portal)], upgrades(len(request.items)))


def _once_more(request: Request, value: str) -> list[Block]:
    """*Try again*, or *Ask again*, where something has ended without an upgrade."""
    ended = [item for item in request.items if item.ended_without_effect]
    if not ended:
        return []
    failed = any(item.state is State.FAILED for item in ended)
    label = gettext("Try again") if failed else gettext("Ask again")
    return [button(label, action_ids.ASK_AGAIN, value)]


def _approvals(waiting: tuple[Item, ...], value: str, *, is_first: bool) -> list[Block]:
    starts = any(item.policy.confirm is Confirm.NOBODY for item in waiting)
    title, yes = gettext("Approve these upgrades?"), gettext("Approve")
    more: Block = {"style": "primary"} if is_first else {}
    more["confirm"] = _question(title, waiting, yes, final=starts)
    return [
        button(gettext("Approve all"), action_ids.APPROVE, value, **more),
        button(gettext("I'm looking"), action_ids.LOOKING, value),
    ]


def _question(title: str, items: tuple[Item, ...], yes: str, *, final: bool) -> Block:
    """The dialog before a yes: how many upgrades, and how many seats."""
    seats = words.seats(sum(item.change.seats for item in items))
    text = gettext("{upgrades} with {seats} in all.", upgrades=upgrades(len(items)), seats=seats)
    if final:
        text = gettext("{what} This cannot be undone.", what=text)
    return confirm(title, text, yes, gettext("Go back"))
