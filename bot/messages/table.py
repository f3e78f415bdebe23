"""Several upgrades at once, before the team is asked: the form into which a table is pasted, and the
preview of what its lines mean."""

from bot.domain.item import Item
from bot.domain.policy import Evidence, Policy
from bot.domain.price import total
from bot.domain.request import MOST_ITEMS
from bot.domain.subscription import UpgradeType
from bot.domain.table import Amiss, BadLine, Draft, Wanted
from bot.errors import Unreachable
from bot.messages import action_ids, forms, words
from bot.messages.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    escape_mrkdwn,
    plain,
    section,
)
from bot.messages.compact_card import ITEMS_TEXT, change_line, sections
from bot.messages.language import gettext, listed, ngettext
from bot.messages.parts import price, upgrades
from bot.messages.trouble import trouble

LONGEST_TABLE = 3000
"""As much as Slack takes in a field."""

EXAMPLE = (
    "contoso.onmicrosoft.com, Office 365 Enterprise E3\n"
    "northwind.example, Office 365 Business Premium, with licence transfer"
)

NAMED = 3


def paste(channel_id: str, policy: Policy, lines: str = "") -> Block:
    """The form behind `/upgrade bulk`; `lines` stand in it already."""
    table = {
        "type": "plain_text_input",
        "action_id": action_ids.TABLE,
        "multiline": True,
        "max_length": LONGEST_TABLE,
        "focus_on_load": True,
        "placeholder": plain(EXAMPLE, 150),
        **({"initial_value": lines} if lines else {}),
    }
    hint = ngettext(
        "At most {count} line: customer, target plan, and where users' licences move too, “with licence "
        "transfer”. Commas, semicolons or the tabs of a sheet. A domain or a tenant id is exact.",
        "At most {count} lines: customer, target plan, and where users' licences move too, “with licence "
        "transfer”. Commas, semicolons or the tabs of a sheet. A domain or a tenant id is exact.",
        MOST_ITEMS,
    )
    blocks = [
        forms.field(action_ids.TABLE, gettext("Upgrades, one a line"), hint, table, optional=False)
    ]
    hint = gettext("Why do these customers need it? The approvers read this.")
    blocks.append(forms.reason(gettext("Reason"), hint))
    if policy.evidence is not Evidence.OFF:
        blocks.append(forms.evidence(required=policy.evidence is Evidence.REQUIRED))
    blocks.append(
        context(gettext("You see what every line would do. Nothing is asked or ordered yet."))
    )
    title, submit = gettext("Several upgrades"), gettext("Preview")
    return forms.form(action_ids.TABLE_FORM, title, submit, channel_id, blocks)


def looking(lines: int) -> Message:
    """At once, while the customers are looked up."""
    text = ngettext(
        "I look at {count} line. The preview comes here, to you alone.",
        "I look at {count} lines. The preview comes here, to you alone.",
        lines,
    )
    return Message([section(text)])


def preview(draft: Draft, bad: list[BadLine]) -> Message:
    """What every good line would do, and what to do about every bad one."""
    lines = len(draft.wanted) + len(bad)
    blocks: list[Block] = []
    if draft.wanted:
        seats = ngettext(
            "{count} seat in all", "{count} seats in all", sum(w.option.seats for w in draft.wanted)
        )
        head = gettext("*{upgrades}*, {seats}:", upgrades=upgrades(len(draft.wanted)), seats=seats)
        blocks += sections([head, *(_good(each, lines) for each in draft.wanted)])
        together = total(each.price for each in draft.wanted)
        blocks.append(section(gettext("*Price:* {price}", price=price(together))))
    if bad:
        head = ngettext(
            "*{count} line cannot be asked for:*", "*{count} lines cannot be asked for:*", len(bad)
        )
        room = min(400, ITEMS_TEXT // lines)
        blocks += sections([head, *(_bad(each, room) for each in bad)])
    if not draft.wanted:
        blocks.append(
            context(
                gettext(
                    "Nothing was asked for. Type `/upgrade bulk` and paste the corrected lines."
                )
            )
        )
        return Message(blocks)
    ask = ngettext(
        "Ask the team for {count} upgrade", "Ask the team for {count} upgrades", len(draft.wanted)
    )
    blocks.append(
        actions(f"draft-{draft.id}", button(ask, action_ids.ASK_FOR_ALL, draft.id, style="primary"))
    )
    note = gettext("Nothing is asked or ordered yet. The button is good for a day.")
    if bad:
        note += " " + gettext(
            "Lines that cannot be asked for now can be pasted again later, by themselves."
        )
    blocks.append(context(note))
    return Message(blocks)


def left_out(wanted: list[Wanted]) -> list[Message]:
    """What was asked for otherwise between the preview and the button."""
    if not wanted:
        return []
    which = listed(escape_mrkdwn(each.customer.domain, 60) for each in wanted[:NAMED])
    more = len(wanted) - NAMED
    if more > 0:
        which = gettext(
            "{names} and {more}", names=which, more=ngettext("{count} more", "{count} more", more)
        )
    text = gettext(
        "Left out, because the same subscription was asked for meanwhile or is being upgraded: {which}.",
        which=which,
    )
    return [Message([section(text)])]


def again(items: list[Item]) -> str:
    """The lines of a table that ask for these items once more."""
    lines: list[str] = []
    for item in items:
        cells = [item.customer.domain, item.change.offer_id]
        if item.change.type is UpgradeType.WITH_LICENSE_TRANSFER:
            cells.append("with licence transfer")
        line = ", ".join(cells)
        if sum(map(len, lines)) + len(lines) + len(line) <= LONGEST_TABLE:
            lines.append(line)
    return "\n".join(lines)


def _good(wanted: Wanted, lines: int) -> str:
    what = change_line(wanted.customer, wanted.subscription, wanted.option, lines)
    return gettext("line {number}: {what}", number=wanted.number, what=what)


def _bad(bad: BadLine, room: int) -> str:
    """`line 3: …`, at most `room` characters; what was typed is cut, and what to do is not."""
    return gettext(
        "line {number}: {why}", number=bad.line.number, why=_why(bad, max(16, room // 6))
    )


def _why(bad: BadLine, width: int) -> str:
    typed, target = escape_mrkdwn(bad.line.customer, width), escape_mrkdwn(bad.line.target, width)
    whose = escape_mrkdwn(bad.customers[0].name, width) if bad.customers else typed
    match bad.amiss:
        case Amiss.NOT_A_ROW:
            return gettext(
                "“{typed}” is not a line of customer, plan and, if need be, “with licence transfer”. "
                "Put a name that has a comma in quotation marks.",
                typed=typed,
            )
        case Amiss.UNKNOWN_WAY:
            return gettext(
                "“{way}” is neither “with licence transfer” nor “upgrade only”. Put a name that has "
                "a comma in quotation marks.",
                way=escape_mrkdwn(bad.line.way, width),
            )
        case Amiss.NOT_A_NAME:
            return gettext("“{typed}” is not a customer's name.", typed=typed)
        case Amiss.UNKNOWN_CUSTOMER if bad.customers:
            meant = listed(escape_mrkdwn(each.domain, width) for each in bad.customers[:2])
            return gettext(
                "no customer is called {typed}. Did you mean {meant}?", typed=typed, meant=meant
            )
        case Amiss.UNKNOWN_CUSTOMER:
            return gettext("no customer is called {typed}. Write the domain.", typed=typed)
        case Amiss.SEVERAL_CUSTOMERS:
            return _several(bad, typed, width)
        case Amiss.NO_SUCH_TARGET if bad.targets:
            there = listed(escape_mrkdwn(each, width) for each in bad.targets[:2])
            return gettext(
                "{customer} cannot become “{target}”. Possible: {there}.",
                customer=whose,
                target=target,
                there=there,
            )
        case Amiss.NO_SUCH_TARGET:
            return gettext("nothing can be upgraded at {customer} in this way.", customer=whose)
        case Amiss.SEVERAL_SUBSCRIPTIONS:
            return gettext(
                "{customer} has several subscriptions that can become {target}. Ask with "
                "`/upgrade {domain}`.",
                customer=whose,
                target=target,
                domain=escape_mrkdwn(bad.customers[0].domain, width),
            )
        case _:
            return _why_not(bad, whose, target)


def _several(bad: BadLine, typed: str, width: int) -> str:
    domains = listed(escape_mrkdwn(each.domain, width) for each in bad.customers[:2])
    return ngettext(
        "{count} customer is meant by {typed}. Write the domain: {domains}.",
        "{count} customers are meant by {typed}. Write the domain: {domains}.",
        len(bad.customers),
        typed=typed,
        domains=domains,
    )


def _why_not(bad: BadLine, customer: str, target: str) -> str:
    match bad.amiss:
        case Amiss.NOT_POSSIBLE if bad.obstacles:
            return gettext(
                "{customer} cannot become {target} now. {why}",
                customer=customer,
                target=target,
                why=words.obstacle(bad.obstacles[0]),
            )
        case Amiss.NOT_POSSIBLE:
            return gettext(
                "{customer} can become {target} only at the renewal.",
                customer=customer,
                target=target,
            )
        case Amiss.TWICE:
            return gettext("the same subscription as line {other}.", other=bad.other)
        case Amiss.BUSY:
            return gettext(
                "{customer}: this subscription is asked for already, or being upgraded.",
                customer=customer,
            )
        case Amiss.EVIDENCE_MISSING:
            return gettext(
                "{customer}: the policy asks for a link to the customer's consent.",
                customer=customer,
            )
        case Amiss.MAY_NOT_REQUEST:
            return gettext("{customer}: you may not ask for this one.", customer=customer)
        case _:
            said = trouble(bad.trouble or Unreachable(""))
            return gettext("{customer}: {trouble}", customer=customer, trouble=said)
