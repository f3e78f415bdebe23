"""The private answer to `/upgrade status`: what is in order for the reader here, and what is not."""

from bot.domain.policy import Readiness
from bot.errors import Reason
from bot.messages.blocks import Message, section

WHY_NOT = {
    Reason.NOT_IN_A_CHANNEL: "nobody could decide in a direct message: use the channel of your team",
    Reason.NOT_A_MEMBER: "you are a guest, a bot, or of another workspace",
    Reason.MEMBER_UNREADABLE: "Slack does not tell me who you are; try again in a minute",
    Reason.MAY_NOT_REQUEST: "you are not in the list of those who may; ask your operator",
    Reason.MAY_NOT_APPROVE: "you are not in every list of approvers; ask your operator",
    Reason.APPROVERS_UNREADABLE: (
        "Slack does not tell me who is in the user groups; an operator has to look at them"
    ),
}


def status(ready: Readiness) -> Message:
    """A line for each thing, the ones that are wrong with what to do."""
    here = "I am in this channel."
    if not ready.is_here:
        here = "I am not in this channel, so no card can appear here: type `/invite @upgrade-bot`."
    customers = "All customers are known, so you can type ahead."
    if not ready.knows_customers:
        customers = "I am still reading the list of customers; type the beginning of a name."
    lines = [
        _line(ready.is_here, here),
        _may(ready.may_ask, "ask for upgrades here"),
        _may(ready.may_approve, "approve what others ask for here"),
        _line(ready.knows_customers, customers),
    ]
    return Message([section("\n".join(lines))])


def _may(why_not: Reason | None, what: str) -> str:
    if why_not is None:
        return _line(True, f"You may {what}.")
    return _line(False, f"You may not {what}: {WHY_NOT[why_not]}.")


def _line(good: bool, text: str) -> str:
    return f"{'✅ Good:' if good else '⚠️ Not so:'} {text}"
