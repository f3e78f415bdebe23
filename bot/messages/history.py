"""The private answer to `/upgrade history`: a line for each request, the newest first."""

from collections.abc import Mapping

from bot.domain.upgrade import State, UpgradeRequest
from bot.messages import words
from bot.messages.blocks import Message, context, escape_mrkdwn, link, mention, moment, section
from bot.messages.card import marker
from bot.messages.language import gettext, listed

SHOWN = 15
"""Requests in one answer; a message holds about twice as many."""

NAME = 80
"""Characters of a name, so that all of an answer's lines fit into one message."""

MINE = "mine"


def history(whose: str, found: list[UpgradeRequest], links: Mapping[str, str]) -> Message:
    """`whose`: what was typed, a customer, `mine`, or nothing for the channel. `found`: one more
    than are shown, where there are more. `links`: those of the cards, by the requests' ids."""
    if not found:
        return Message([section(_nothing(whose))])
    shown = found[:SHOWN]
    blocks = [section(_title(whose))]
    blocks += [section(line(request, links.get(request.id, ""))) for request in shown]
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


def line(request: UpgradeRequest, address: str) -> str:
    """One request, in two lines: how it stands, what and for whom, and when it was."""
    option, state = request.option, marker(request.state)
    old, new = escape_mrkdwn(request.subscription.name, NAME), escape_mrkdwn(option.name, NAME)
    change = gettext("{old} → *{new}*, {how}", old=old, new=new, how=words.how(option))
    asked = gettext(
        "Asked by {who} {when}", who=mention(request.requester), when=moment(request.created_at)
    )
    what = gettext(
        "{state} · *{customer}*: {change}, {seats}",
        state=link(address, state) if address else state,
        customer=escape_mrkdwn(request.customer.name, NAME),
        change=change,
        seats=words.seats(option.seats),
    )
    return f"{what}\n" + " · ".join([asked, *_decided(request)])


def _decided(request: UpgradeRequest) -> list[str]:
    """Who decided, and when it ended."""
    decided = []
    if approvers := listed(mention(approval.by) for approval in request.approvals):
        decided.append(gettext("approved by {who}", who=approvers))
    if request.closed_by and request.closed_at:
        by = {"who": mention(request.closed_by), "when": moment(request.closed_at)}
        if request.state is State.DECLINED:
            decided.append(gettext("declined by {who} {when}", **by))
        else:
            decided.append(gettext("withdrawn by {who} {when}", **by))
    elif request.closed_at:
        decided.append(gettext("ended {when}", when=moment(request.closed_at)))
    return decided
