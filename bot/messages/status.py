"""The private answer to `/upgrade status`: what is in order for the reader here, and what is not."""

from bot.domain.policy import Readiness
from bot.errors import Reason
from bot.messages.blocks import Message, section
from bot.messages.language import N_, gettext

WHY_NOT = {
    Reason.NOT_IN_A_CHANNEL: N_(
        "nobody could decide in a direct message: use the channel of your team"
    ),
    Reason.NOT_A_MEMBER: N_("you are a guest, a bot, or of another workspace"),
    Reason.MEMBER_UNREADABLE: N_("Slack does not tell me who you are; try again in a minute"),
    Reason.MAY_NOT_REQUEST: N_("you are not in the list of those who may; ask your operator"),
    Reason.MAY_NOT_APPROVE: N_("you are not in every list of approvers; ask your operator"),
    Reason.APPROVERS_UNREADABLE: N_(
        "Slack does not tell me who is in the user groups; an operator has to look at them"
    ),
}


def status(ready: Readiness) -> Message:
    """A line for each thing, the ones that are wrong with what to do."""
    here = gettext("I am in this channel.")
    if not ready.is_here:
        here = gettext(
            "I am not in this channel, so no card can appear here: type `/invite @upgrade-bot`."
        )
    customers = gettext("All customers are known, so you can type ahead.")
    if not ready.knows_customers:
        customers = gettext(
            "I am still reading the list of customers; type the beginning of a name."
        )
    lines = [_line(ready.is_here, here), *rights(ready), _line(ready.knows_customers, customers)]
    return Message([section("\n".join(lines))])


def rights(ready: Readiness) -> list[str]:
    """What the reader may do, and why not."""
    ask = gettext("You may ask for upgrades here.")
    if ready.may_ask:
        ask = gettext(
            "You may not ask for upgrades here: {why}.", why=gettext(WHY_NOT[ready.may_ask])
        )
    approve = gettext("You may approve what others ask for here.")
    if ready.may_approve:
        why = gettext(WHY_NOT[ready.may_approve])
        approve = gettext("You may not approve what others ask for here: {why}.", why=why)
    return [_line(not ready.may_ask, ask), _line(not ready.may_approve, approve)]


def _line(good: bool, text: str) -> str:
    return gettext("✅ Good: {text}", text=text) if good else gettext("⚠️ Not so: {text}", text=text)
