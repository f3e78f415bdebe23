"""The private answer to `/upgrade history`: a line for each request, the newest first."""

from bot.domain.item import Item, State
from bot.domain.lists import ListedItem
from bot.messages import words
from bot.messages.blocks import Message, context, escape_mrkdwn, link, mention, moment, section
from bot.messages.language import gettext, listed
from bot.messages.parts import marker_of

SHOWN = 15
"""Requests in one answer; a message holds about twice as many."""

NAME = 80
"""Characters of a name, so that all of an answer's lines fit into one message."""

MINE = "mine"


def history(whose: str, found: list[ListedItem]) -> Message:
    """`whose`: what was typed, a customer, `mine`, or nothing for the channel. `found`: one more
    than are shown, where there are more."""
    if not found:
        return Message([section(_nothing(whose))])
    shown = found[:SHOWN]
    blocks = [section(_title(whose))]
    blocks += [section(line(each)) for each in shown]
    if len(found) > len(shown):
        blocks.append(
            context(
                gettext(
                    "Older ones are not shown. `/upgrade history` and a customer's name shows "
                    "fewer."
                )
            )
        )
    return Message(blocks)


def _title(whose: str) -> str:
    if not whose:
        return gettext("*Upgrades asked for in this channel*, the newest first:")
    if whose.lower() == MINE:
        return gettext("*Upgrades asked for by you*, the newest first:")
    return gettext(
        "*Upgrades asked for “{name}” in this channel*, the newest first:",
        name=escape_mrkdwn(whose),
    )


def _nothing(whose: str) -> str:
    if not whose:
        return gettext("No upgrade was asked for in this channel yet.")
    if whose.lower() == MINE:
        return gettext("No upgrade was asked for by you yet.")
    return gettext(
        "No upgrade was asked for “{name}” in this channel yet.", name=escape_mrkdwn(whose)
    )


def line(listed_item: ListedItem) -> str:
    """One item, in two lines: how it stands, what and for whom, and when it was."""
    item, address = listed_item.item, listed_item.link
    change, state = item.change, marker_of(item.state)
    old, new = escape_mrkdwn(item.subscription.name, NAME), escape_mrkdwn(change.name, NAME)
    asked = gettext(
        "Asked by {who} {when}",
        who=mention(listed_item.requester),
        when=moment(item.created_at),
    )
    what = gettext(
        "{state} · *{customer}*: {change}, {seats}",
        state=link(address, state) if address else state,
        customer=escape_mrkdwn(item.customer.name, NAME),
        change=gettext("{old} → *{new}*, {how}", old=old, new=new, how=words.how(change)),
        seats=words.seats(change.seats),
    )
    return f"{what}\n" + " · ".join([asked, *_decided(item)])


def _decided(item: Item) -> list[str]:
    """Who decided, and when it ended."""
    decided, ending = [], item.ending
    if approvers := listed(mention(approval.by) for approval in item.votes.approvals):
        decided.append(gettext("approved by {who}", who=approvers))
    if ending and ending.by:
        by = {"who": mention(ending.by), "when": moment(ending.at)}
        if item.state is State.DECLINED:
            decided.append(gettext("declined by {who} {when}", **by))
        else:
            decided.append(gettext("withdrawn by {who} {when}", **by))
    elif ending:
        decided.append(gettext("ended {when}", when=moment(ending.at)))
    return decided
