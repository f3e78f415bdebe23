"""The card of a bundle: one message for all its rows, edited in place; the forms behind its buttons,
and what only the person who decided reads.

However many rows there are and however long their names, all of them are on the card: the more
there are, the shorter each is told. They stand last, because the text that is read aloud has room
for about twenty.
"""

from urllib.parse import urlsplit

from bot.domain.bundle import OPEN, Bundle, BundleEvent
from bot.domain.policy import Confirm, Evidence
from bot.domain.price import total
from bot.domain.subscription import Customer, Kind, Subscription, UpgradeOption
from bot.domain.upgrade import State, UpgradeRequest
from bot.errors import Reason
from bot.messages import action_ids, forms, words
from bot.messages.blocks import (
    SECTION_LIMIT,
    Block,
    Message,
    actions,
    button,
    confirm,
    context,
    escape_mrkdwn,
    escape_plain,
    everyone_of,
    header,
    link,
    mention,
    moment,
    plain,
    section,
)
from bot.messages.card import banners, price
from bot.messages.language import N_, gettext, ngettext

ROWS_TEXT = 8800
"""Characters for all rows of a message; Slack takes about 13,000 in a message."""

LONGEST_ROW = 400
AROUND_NAMES = 75
"""Characters of a row beside its four names: its state, the seats and the way."""

LONGEST_CONSENT = 700
BANNERS = 3
NAMED = 5
"""Rows that are named in one sentence; the others are counted."""

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
"""How a row stands, for its line."""

CLOSED = {
    State.DONE: N_("✅ Upgraded"),
    State.FAILED: N_("❌ Upgrades failed"),
    State.DECLINED: N_("⛔ Declined"),
    State.WITHDRAWN: N_("↩️ Withdrawn"),
    State.EXPIRED: N_("⏰ Expired"),
}
"""The marker when all rows that were tried, or all rows, ended alike."""


def card(bundle: Bundle) -> Message:
    """The card of a bundle, however it stands."""
    seats = sum(row.option.seats for row in bundle.rows)
    blocks = [
        header(marker(bundle)),
        section(
            ngettext(
                "*{count} upgrade*, {seats}, asked for by {who} {at}",
                "*{count} upgrades*, {seats}, asked for by {who} {at}",
                len(bundle.rows),
                seats=ngettext("{count} seat in all", "{count} seats in all", seats),
                who=mention(bundle.requester),
                at=moment(bundle.created_at),
            )
        ),
        *banners(_banners(bundle)),
        section(gettext("*Price:* {price}", price=price(total(row.price for row in bundle.rows)))),
        section(gettext("*Reason:* {reason}", reason=escape_mrkdwn(bundle.reason, 600))),
    ]
    if any(row.policy.evidence is not Evidence.OFF for row in bundle.rows):
        blocks.append(section(gettext("*Customer's consent:* {link}", link=_consent(bundle))))
    if bundle.those(*OPEN):
        blocks.append(context(_cannot_be_undone(bundle)))
    blocks.append(context("\n".join(_status(bundle))))
    blocks += sections([_row_line(row, len(bundle.rows)) for row in bundle.rows])
    if pressable := _buttons(bundle):
        blocks.append(actions(f"{bundle.id}-{bundle.version}", *pressable))
    return Message(blocks)


def marker(bundle: Bundle) -> str:
    """Where the bundle stands, in an emoji and words."""
    if bundle.is_running:
        return gettext("⚙️ Upgrades in progress")
    if bundle.is_stopped and bundle.those(State.APPROVED):
        return gettext("✋ Stopped")
    if bundle.those(State.AWAITING_APPROVAL):
        return gettext("⏳ Approval needed")
    if bundle.those(State.APPROVED):
        return gettext("🔵 Approved")
    if bundle.those(State.UNKNOWN):
        return gettext("⚠️ Checking the result")
    if bundle.those(State.PERFORMING):
        return gettext("⚙️ Upgrades in progress")
    tried = {row.state for row in bundle.rows if row.attempt}
    ends = tried or {row.state for row in bundle.rows}
    if len(ends) == 1:
        return gettext(CLOSED[ends.pop()])
    return gettext("⚠️ Partly upgraded") if State.DONE in ends else gettext("⛔ Closed")


def change(customer: Customer, subscription: Subscription, option: UpgradeOption, rows: int) -> str:
    """What happens to one customer, in a line that is the shorter the more `rows` there are."""
    width = max(20, (min(LONGEST_ROW, ROWS_TEXT // rows) - AROUND_NAMES) // 4)
    return gettext(
        "*{customer}* ({domain}): {old} → {new}, {seats}, {way}",
        customer=escape_mrkdwn(customer.name, width),
        domain=escape_mrkdwn(customer.domain, width),
        old=escape_mrkdwn(subscription.name, width),
        new=escape_mrkdwn(option.name, width),
        seats=words.seats(option.seats),
        way=words.kind(option),
    )


def name(row: UpgradeRequest) -> str:
    """A row's customer, with the domain that tells apart two of one name."""
    return f"*{escape_mrkdwn(row.customer.name, 60)}* ({escape_mrkdwn(row.customer.domain, 60)})"


def names(rows: list[UpgradeRequest]) -> str:
    """Which upgrades: by name where they are few, else the first and how many more."""
    shown = ", ".join(name(row) for row in rows[:NAMED])
    if len(rows) <= NAMED:
        return shown
    more = ngettext("{count} more", "{count} more", len(rows) - NAMED)
    return gettext("{names} and {more}", names=shown, more=more)


def upgrades(number: int) -> str:
    """`12 upgrades`."""
    return ngettext("{count} upgrade", "{count} upgrades", number)


def sections(lines: list[str]) -> list[Block]:
    """As few sections as hold all lines."""
    texts = [""]
    for line in lines:
        if len(texts[-1]) + len(line) + 1 > SECTION_LIMIT:
            texts.append("")
        texts[-1] += f"{line}\n"
    return [section(text.rstrip("\n")) for text in texts]


def _row_line(row: UpgradeRequest, rows: int) -> str:
    state = gettext(STATES[row.state])
    if row.state is State.AWAITING_APPROVAL and row.policy.approvals > 1:
        state = gettext(
            "{state} ({given} of {needed})",
            state=state,
            given=len(row.approvals),
            needed=row.policy.approvals,
        )
    return f"{state} · {change(row.customer, row.subscription, row.option, rows)}"


def _banners(bundle: Bundle) -> tuple[str, ...]:
    """The warnings that the policy has for some of the customers, each once."""
    every = (banner for row in bundle.rows for banner in row.policy.banners)
    return tuple(dict.fromkeys(every))[:BANNERS]


def _consent(bundle: Bundle) -> str:
    if not bundle.evidence:
        return gettext("none given")
    host = escape_mrkdwn(urlsplit(bundle.evidence).netloc, 60)
    linked = link(bundle.evidence, gettext("link to {host}", host=host))
    return linked if len(linked) <= LONGEST_CONSENT else gettext("the link is in the thread")


def consent_is_long(bundle: Bundle) -> bool:
    """Whether the link to the consent has no room on the card."""
    return bool(bundle.evidence) and len(link(bundle.evidence, "")) > LONGEST_CONSENT - 100


def _cannot_be_undone(bundle: Bundle) -> str:
    rows = bundle.those(*OPEN)
    lines = [gettext("*An upgrade cannot be undone*, and its seats are bought at once.")]
    lines.append(gettext("There is no new cancellation window, and seats cannot be added with it."))
    if any(row.subscription.kind is not Kind.NEW_COMMERCE for row in rows):
        lines.append(
            gettext(
                "Old subscriptions outside new commerce are suspended, and promotions are lost."
            )
        )
    if scheduled := [row for row in rows if row.subscription.scheduled_change]:
        lines.append(
            gettext(
                "⚠️ What is scheduled for the renewal is deleted: {which}.", which=names(scheduled)
            )
        )
    if with_add_ons := [row for row in rows if row.subscription.add_ons]:
        lines.append(
            gettext(
                "⚠️ Add-ons stay behind and have to be looked after: {which}.",
                which=names(with_add_ons),
            )
        )
    return " ".join(lines)


def _status(bundle: Bundle) -> list[str]:
    """Who acted, who is next, how far it is."""
    lines = [_approved_by(bundle), *_approvals_needed(bundle), _next(bundle), _expiry(bundle)]
    if bundle.confirmed_by and bundle.confirmed_at:
        by, at = mention(bundle.confirmed_by), moment(bundle.confirmed_at)
        lines.append(gettext("Started by {who} {at}.", who=by, at=at))
        lines.append(progress(bundle))
    if bundle.those(State.UNKNOWN):
        lines.append(
            gettext(
                "Where Partner Center's answer was lost, *do not repeat the upgrade*. The bot looks "
                "until it knows."
            )
        )
    if bundle.is_settled:
        lines.append(gettext("The thread says what became of each."))
    return [line for line in lines if line]


def _approved_by(bundle: Bundle) -> str:
    votes: dict[str, int] = {}
    for row in bundle.rows:
        for each in row.approvals:
            votes[mention(each.by)] = votes.get(mention(each.by), 0) + 1
    who = ", ".join(f"{by} ({number})" for by, number in list(votes.items())[:10])
    return gettext("Approved by {who}.", who=who) if who else ""


def _approvals_needed(bundle: Bundle) -> list[str]:
    """A line for each policy under which rows still wait."""
    waiting: dict[tuple[int, str], int] = {}
    for row in bundle.those(State.AWAITING_APPROVAL):
        key = (row.policy.approvals, everyone_of(row.policy.approvers))
        waiting[key] = waiting.get(key, 0) + 1
    return [
        ngettext(
            "{rows}: {count} approval needed, of {who}.",
            "{rows}: {count} approvals needed, of {who}.",
            needed,
            rows=upgrades(number),
            who=who,
        )
        for (needed, who), number in list(waiting.items())[:4]
    ]


def _next(bundle: Bundle) -> str:
    """Who can start what is approved."""
    if bundle.is_running:
        return ""
    ready = bundle.those(State.APPROVED)
    by_approver = [row for row in ready if row.policy.confirm is Confirm.APPROVER]
    lines = []
    if number := len(ready) - len(by_approver):
        lines.append(
            gettext(
                "{who} can start {upgrades}.",
                who=mention(bundle.requester),
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


def _expiry(bundle: Bundle) -> str:
    rows = bundle.those(*OPEN)
    if not rows:
        return ""
    first = min(row.expires_at for row in rows)
    if all(row.expires_at == first for row in rows):
        return gettext("All of them expire {at}.", at=moment(first))
    return gettext("The first of them expires {at}.", at=moment(first))


def progress(bundle: Bundle) -> str:
    """How far the last confirmation is: done, failed, left, and the time that is left."""
    states = [row.state for row in bundle.run[: bundle.begun] if row.id != bundle.at_work]
    done, failed = states.count(State.DONE), states.count(State.FAILED)
    at_microsoft, unknown = states.count(State.PERFORMING), states.count(State.UNKNOWN)
    left = len(bundle.confirmed) - len(states)
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
    if bundle.is_running and (time := _time_left(bundle, len(states), left)):
        parts.append(time)
    return gettext("Progress: {parts}.", parts=", ".join(parts))


def _time_left(bundle: Bundle, over: int, left: int) -> str:
    if not over or not left or bundle.confirmed_at is None:
        return ""
    seconds = (bundle.moved_at - bundle.confirmed_at).total_seconds() / over * left
    if seconds < 60:
        return gettext("less than a minute left")
    return ngettext("about {count} minute left", "about {count} minutes left", round(seconds / 60))


def _buttons(bundle: Bundle) -> list[Block]:
    value = action_ids.of_bundle(bundle)
    waiting, ready = bundle.those(State.AWAITING_APPROVAL), bundle.those(State.APPROVED)
    shown = []
    if ready and not bundle.is_running:
        asked = _question(gettext("Upgrade now?"), ready, gettext("Upgrade now"), final=True)
        now = button(
            gettext("Upgrade now"), action_ids.UPGRADE_ALL, value, style="primary", confirm=asked
        )
        shown.append(now)
    if waiting:
        asked = _question(
            gettext("Approve these upgrades?"), waiting, gettext("Approve"), final=False
        )
        style = {} if shown else {"style": "primary"}
        label = gettext("Approve all")
        shown.append(button(label, action_ids.APPROVE_ALL, value, confirm=asked, **style))
    if waiting or ready:
        shown.append(button(gettext("Leave rows out"), action_ids.LEAVE_OUT, value))
        shown.append(button(gettext("Decline"), action_ids.DECLINE_ALL, value, style="danger"))
        shown.append(button(gettext("Withdraw"), action_ids.WITHDRAW_ALL, value))
    if bundle.those(State.UNKNOWN):
        shown.append(button(gettext("Check again"), action_ids.CHECK_ALL, value))
    return shown


def _question(title: str, rows: tuple[UpgradeRequest, ...], yes: str, *, final: bool) -> Block:
    """The dialog before a yes: how many upgrades, and how many seats."""
    seats = words.seats(sum(row.option.seats for row in rows))
    text = gettext("{upgrades} with {seats} in all.", upgrades=upgrades(len(rows)), seats=seats)
    if final:
        text = gettext("{what} This cannot be undone.", what=text)
    return confirm(title, text, yes, gettext("Go back"))


def leave_out(bundle: Bundle, may: list[str], value: str) -> Block:
    """The form behind *Leave rows out*. `may`: the rows that this person may decline; `value` is
    that of the card's button."""
    options = [{"text": plain(_option(bundle.row(each)), 75), "value": each} for each in may]
    element = {"type": "multi_static_select", "action_id": action_ids.ROWS, "options": options}
    hint = gettext("They are declined. The others stay as they are.")
    blocks = [
        forms.field(action_ids.ROWS, gettext("Which upgrades?"), hint, element, optional=False),
        _why_not(),
    ]
    title = gettext("Leave rows out")
    return forms.form(action_ids.LEAVE_OUT_FORM, title, gettext("Leave out"), value, blocks)


def decline_all(bundle: Bundle, may: list[str], value: str) -> Block:
    """The form behind *Decline*."""
    which = names([bundle.row(each) for each in may])
    blocks = [
        section(gettext("{upgrades}: {which}", upgrades=upgrades(len(may)), which=which)),
        _why_not(),
    ]
    title = gettext("Decline the upgrades")
    return forms.form(action_ids.DECLINE_ALL_FORM, title, gettext("Decline"), value, blocks)


def _option(row: UpgradeRequest) -> str:
    """The domain, which tells apart, before the plan, which may be cut."""
    who = f"{escape_plain(row.customer.name, 24)} ({escape_plain(row.customer.domain, 28)})"
    return f"{who}: {escape_plain(row.option.name, 40)}"


def _why_not() -> Block:
    return forms.reason(gettext("Why not?"), gettext("The requester reads this."))


def kept(bundle: Bundle, event: BundleEvent) -> list[Message]:
    """To whoever decided: the rows that they could not decide about, and why; nothing when there
    are none."""
    by_reason: dict[str, list[UpgradeRequest]] = {}
    for row_id, reason in event.kept:
        row = bundle.row(row_id)
        by_reason.setdefault(_why_kept(row, reason), []).append(row)
    if not by_reason:
        return []
    head = gettext(
        "Your click was for {upgrades}. It changed nothing about the others:",
        upgrades=upgrades(len(event.rows)),
    )
    lines = [
        gettext("• {which}: {why}", which=names(rows), why=why) for why, rows in by_reason.items()
    ]
    return [Message([section("\n".join([head, *lines]))])]


def _why_kept(row: UpgradeRequest, reason: Reason) -> str:
    match reason:
        case Reason.MAY_NOT_APPROVE:
            return gettext("only {who} can decide about it", who=everyone_of(row.policy.approvers))
        case Reason.MAY_NOT_CONFIRM if row.policy.confirm is Confirm.APPROVER:
            return gettext(
                "not the requester but {who} starts it", who=everyone_of(row.policy.approvers)
            )
        case Reason.MAY_NOT_CONFIRM:
            return gettext("only {who} can start it", who=mention(row.requester))
        case Reason.VOTED_ALREADY:
            return gettext("you have approved it already, and another person has to")
        case Reason.EXPIRED:
            return gettext("it has expired")
        case Reason.APPROVERS_UNREADABLE | Reason.MEMBER_UNREADABLE:
            return gettext("Slack did not tell me who may decide about it; try again in a minute")
        case _:
            return gettext("it has changed since")


def your_turn(bundle: Bundle, link: str) -> Message:
    """To the requester, when it is they who have to act: everything is approved."""
    ready = bundle.those(State.APPROVED)
    said = ngettext(
        "Your upgrade is approved. It is your turn: press *Upgrade now* on its card before {when}.",
        "Your {count} upgrades are approved. It is your turn: press *Upgrade now* on their card "
        "before {when}.",
        len(ready),
        when=moment(min(row.expires_at for row in ready)),
    )
    open_it = gettext("Open the card")
    where = f"<{link}|{open_it}>" if link else f"<#{bundle.channel_id}>"
    return Message([section(f"{said} {where}")])


def looked(bundle: Bundle) -> Message:
    """To whoever pressed *Check again*."""
    unknown = list(bundle.those(State.UNKNOWN))
    if unknown:
        text = gettext(
            "I looked at Partner Center just now and cannot tell yet: {which}. Please do not repeat "
            "these upgrades; I go on looking.",
            which=names(unknown),
        )
    else:
        text = gettext("I looked at Partner Center just now, and know what came of all of them.")
    return Message([section(text)])


def not_posted(bundle: Bundle, word: str, happened: Message | None) -> Message:
    """To the requester and those who decided, when the bot may not post in the channel, as Slack's
    error `word` says. `happened`: what would stand in the thread."""
    intro = gettext(
        "I cannot show {upgrades} in <#{channel}>, because Slack says `{word}`. It is all kept. Type "
        "`/invite @upgrade-bot` there, or ask an admin of Slack, and I will post it.",
        upgrades=upgrades(len(bundle.rows)),
        channel=bundle.channel_id,
        word=escape_mrkdwn(word, 60),
    )
    return Message([section(intro), *(happened.blocks if happened else [])])


def not_shown(bundle: Bundle) -> Message:
    """To the requester, when the bot itself cannot show or attend to the bundle."""
    text = gettext(
        "I have your request for {upgrades}, but something in me keeps me from showing how it "
        "stands. I try again; please tell your operator if it stays like this.",
        upgrades=upgrades(len(bundle.rows)),
    )
    reference = gettext("Reference for your operator: {reference}", reference=bundle.id)
    return Message([section(text), context(reference)])
