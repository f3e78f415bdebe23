"""The private answer to `/upgrade history`: a line for each request, the newest first."""

from bot.domain.upgrade import State, UpgradeRequest
from bot.messages import words
from bot.messages.blocks import Message, context, mention, moment, outside, section
from bot.messages.card import MARKERS

SHOWN = 15
"""Requests in one answer; a message holds about twice as many."""

MINE = "mine"


def history(whose: str, found: list[UpgradeRequest]) -> Message:
    """`whose`: what was typed, a customer, `mine`, or nothing for the channel. `found`: one more
    than are shown, where there are more."""
    whom = {"": "in this channel", MINE: "by you"}.get(
        whose.lower(), f"for “{outside(whose)}” in this channel"
    )
    if not found:
        return Message([section(f"No upgrade was asked for {whom} yet.")])
    shown = found[:SHOWN]
    blocks = [section(f"*Upgrades asked for {whom}*, the newest first:")]
    blocks += [section(_line(request)) for request in shown]
    if len(found) > len(shown):
        blocks.append(
            context(
                "Older ones are not shown. `/upgrade history` and a customer's name shows fewer."
            )
        )
    return Message(blocks)


def _line(request: UpgradeRequest) -> str:
    option = request.option
    change = f"{outside(request.subscription.name)} → {outside(option.name)}, {words.how(option)}"
    return (
        f"{MARKERS[request.state]} · *{outside(request.customer.name)}*: {change}, "
        f"{option.seats} seats\n"
        f"Asked by {mention(request.requester)} {moment(request.created_at)}{_decided(request)}"
    )


def _decided(request: UpgradeRequest) -> str:
    """Who decided, and when it ended."""
    approvers = ", ".join(mention(approval.by) for approval in request.approvals)
    decided = f" · approved by {approvers}" if approvers else ""
    if request.closed_by and request.closed_at:
        by, at = mention(request.closed_by), moment(request.closed_at)
        return f"{decided} · {request.state.value} by {by} {at}"
    if request.closed_at and request.state in (State.DONE, State.FAILED, State.EXPIRED):
        return f"{decided} · ended {moment(request.closed_at)}"
    return decided
