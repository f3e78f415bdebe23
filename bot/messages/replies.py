"""Private answers: refusals, troubles, help. Each says what happened, what did not change,
and what to do."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.domain.policy import Confirm, Names, Policy, Standing
from bot.domain.upgrade import State, UpgradeRequest
from bot.errors import (
    NotAllowed,
    NotFound,
    PartnerCenterError,
    Reason,
    Refused,
    SignInFailed,
    Throttled,
    Unreachable,
)
from bot.messages import words
from bot.messages.blocks import Message, anyone_of, context, mention, moment, outside, section

NOTHING_CHANGED = "Nothing was changed."


def refusal(refused: Refused) -> Message:
    """One polite sentence for a refusal, with the true state where there is one."""
    return Message([section(refusal_text(refused))])


def refusal_text(refused: Refused) -> str:
    """The sentence alone, for the fields of a form."""
    return SENTENCES[refused.reason](refused.about)


def _not_a_member(about: Mapping[str, Any]) -> str:
    standing = about.get("standing", Standing.STRANGER)
    return (
        "Only full members of this workspace can use upgrades, and Slack says that you are "
        f"{_STANDINGS[standing]}. {NOTHING_CHANGED}"
    )


_STANDINGS = {
    Standing.GUEST: "a guest",
    Standing.BOT: "a bot",
    Standing.DEACTIVATED: "deactivated",
    Standing.STRANGER: "from another workspace",
    Standing.FULL_MEMBER: "a full member",
}


def _unknown_customer(about: Mapping[str, Any]) -> str:
    said = f"No customer is called “{outside(about['text'])}”."
    nearest = about["nearest"]
    if not nearest:
        return (
            f"{said} {NOTHING_CHANGED} Type the beginning of its name, its domain or its tenant id."
        )
    names = ", ".join(f"`/upgrade {outside(c.name)}` ({outside(c.domain)})" for c in nearest)
    return f"{said} Did you mean {names}? {NOTHING_CHANGED}"


def _as_it_is(about: Mapping[str, Any]) -> str:
    request: UpgradeRequest = about["request"]
    return f"{true_state(request)} Your click changed nothing."


def true_state(request: UpgradeRequest) -> str:
    """How a request stands, for somebody who came too late."""
    match request.state:
        case State.AWAITING_APPROVAL:
            have = f"{len(request.approvals)} of {request.policy.approvals} approvals"
            return f"This is still waiting: it has {have}."
        case State.APPROVED if request.approvals:
            last = request.approvals[-1]
            return f"This was already approved by {mention(last.by)} {moment(last.at)}."
        case State.APPROVED:
            return "This needs no approval; it waits for *Upgrade now*."
        case State.PERFORMING if request.confirmed_by and request.confirmed_at:
            by, at = mention(request.confirmed_by), moment(request.confirmed_at)
            return f"This upgrade is already running: {by} confirmed it {at}."
        case State.DECLINED | State.WITHDRAWN if request.closed_by and request.closed_at:
            by, at = mention(request.closed_by), moment(request.closed_at)
            return f"This was already {request.state.value} by {by} {at}."
        case _:
            return _FINAL[request.state]


_FINAL = {
    State.AWAITING_APPROVAL: "This is still waiting for approval.",
    State.APPROVED: "This was already approved.",
    State.PERFORMING: "This upgrade is already running.",
    State.UNKNOWN: "This was sent, and the bot is finding out what came of it.",
    State.DONE: "This upgrade is already done; the result is in the thread.",
    State.FAILED: "This upgrade has already failed; the thread says why.",
    State.DECLINED: "This was already declined.",
    State.WITHDRAWN: "This was already withdrawn.",
    State.EXPIRED: "This has expired; nobody decided in time.",
}


def _own_request(about: Mapping[str, Any]) -> str:
    who = _approvers(about["request"].policy.approvers)
    return f"You asked for this upgrade, so somebody else has to approve it: {who}. Your click changed nothing."


def _may_not_approve(about: Mapping[str, Any]) -> str:
    who = _approvers(about["request"].policy.approvers)
    return f"Only {who} can decide about this. Your click changed nothing."


def _may_not_confirm(about: Mapping[str, Any]) -> str:
    request: UpgradeRequest = about["request"]
    if request.policy.confirm.value == "approver":
        who = _approvers(request.policy.approvers)
        return f"Not the requester but {who} starts this upgrade. Your click changed nothing."
    return f"Only {mention(request.requester)}, who asked for it, can start this upgrade. Your click changed nothing."


def _expired(about: Mapping[str, Any]) -> str:
    at = moment(about["request"].expires_at)
    return f"This expired {at}, so your click changed nothing. Type `/upgrade` to ask again."


def _approvers(lists: tuple[Names, ...]) -> str:
    return ", who are also of ".join(anyone_of(names) for names in lists) or "nobody"


def _says(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda _about: text


SENTENCES: dict[Reason, Callable[[Mapping[str, Any]], str]] = {
    Reason.NOT_A_NAME: _says(
        "That is not a customer's name. Nothing was looked up. Type for example `/upgrade contoso`, "
        "a domain such as `/upgrade contoso.onmicrosoft.com`, or a tenant id."
    ),
    Reason.UNKNOWN_CUSTOMER: _unknown_customer,
    Reason.NO_SUBSCRIPTION: lambda about: (
        f"*{outside(about['customer'].name)}* ({outside(about['customer'].domain)}) has no "
        f"subscription, so there is nothing to upgrade. {NOTHING_CHANGED}"
    ),
    Reason.NOT_A_MEMBER: _not_a_member,
    Reason.MEMBER_UNREADABLE: _says(
        "Slack did not tell me who you are, so I did nothing. Please try again in a minute."
    ),
    Reason.MAY_NOT_REQUEST: lambda about: (
        f"Only {_approvers(about['policy'].requesters)} can ask for upgrades here. {NOTHING_CHANGED}"
    ),
    Reason.NOT_IN_A_CHANNEL: _says(
        "Nobody could decide here. Type the command in the channel in which your team decides. "
        f"{NOTHING_CHANGED}"
    ),
    Reason.TOO_FAST: _says(
        "That was very often in a short time, and everybody shares what Partner Center lets the bot "
        "ask. Nothing was looked up. Wait a minute, then try again."
    ),
    Reason.TOO_MANY_OPEN: lambda about: (
        f"You have {about['most']} requests that wait already. Nothing was asked for. Withdraw one, "
        "or let the team decide about them first; `/upgrade history mine` lists them."
    ),
    Reason.OFFER_GONE: _says(
        f"These options are more than a day old, or not mine. {NOTHING_CHANGED} Type `/upgrade` "
        "again to see what is possible now."
    ),
    Reason.NOT_YOUR_OFFER: _says(
        f"These options were listed for somebody else. {NOTHING_CHANGED} Type `/upgrade` yourself."
    ),
    Reason.REASON_MISSING: _says("Please say why: the others read it."),
    Reason.EVIDENCE_MISSING: _says("The policy asks for a link to the customer's consent."),
    Reason.SEATS_OUT_OF_RANGE: lambda about: f"Please type a number from 1 to {about['most']}.",
    Reason.EVIDENCE_NOT_A_LINK: _says(
        "Please give a web address that begins with https:// and has at most 500 characters."
    ),
    Reason.UNKNOWN_REQUEST: _says(
        "I do not know this request (any more). Your click changed nothing. Type `/upgrade` to "
        "begin a new one."
    ),
    Reason.UNKNOWN_BUTTON: _says(
        "This button is outdated or not mine. Your click changed nothing. Type `/upgrade` to begin "
        "again."
    ),
    Reason.OTHER_CHANNEL: _says(
        "This is a copy of a request of another channel, and copies decide nothing. Your click "
        "changed nothing. Please decide at the request itself."
    ),
    Reason.CHANGED_SINCE: _says(
        "The request has changed since this button was shown. Your click changed nothing. Please "
        "read the card again and decide anew."
    ),
    Reason.DELIVERED_AGAIN: _says(f"This click has arrived before. {NOTHING_CHANGED}"),
    Reason.WRONG_STATE: _as_it_is,
    Reason.EXPIRED: _expired,
    Reason.SUBSCRIPTION_BUSY: _says(
        "Another upgrade of this subscription is running, or its outcome is not known yet. Your click "
        "changed nothing. Wait until that one is settled."
    ),
    Reason.OWN_REQUEST: _own_request,
    Reason.MAY_NOT_APPROVE: _may_not_approve,
    Reason.APPROVERS_UNREADABLE: _says(
        "Slack did not tell me who may decide here, so your click changed nothing. Please try "
        "again in a minute; if it stays like this, an operator has to look at the user groups."
    ),
    Reason.VOTED_ALREADY: lambda about: (
        f"You have approved this already. {true_state(about['request'])} Another person has to "
        "approve it too."
        if about["request"].state is State.AWAITING_APPROVAL
        else f"You have approved this already. {true_state(about['request'])}"
    ),
    Reason.MAY_NOT_WITHDRAW: lambda about: (
        f"Only {mention(about['request'].requester)}, who asked for it, can withdraw this. Your "
        "click changed nothing."
    ),
    Reason.MAY_NOT_CONFIRM: _may_not_confirm,
    Reason.NOTHING_TO_CHECK: _as_it_is,
}
"""One sentence for every reason; a test finds a missing one."""


def trouble(error: PartnerCenterError) -> str:
    """Trouble at Microsoft in words: what happened and what to do."""
    if error.code in words.SIGN_IN:
        return words.SIGN_IN[error.code]
    match error:
        case SignInFailed():
            said = f" ({outside(error.code)})" if error.code else ""
            return (
                f"Microsoft does not accept the bot's sign-in{said}. An operator has to renew it."
            )
        case NotAllowed():
            return "Partner Center does not allow this for this customer. An operator has to look at the GDAP roles."
        case NotFound():
            return "Partner Center does not know this customer or subscription any more."
        case Throttled():
            return "Partner Center asks to slow down. Please try again in a minute."
        case Unreachable():
            return "Partner Center does not answer. Please try again in some minutes."
        case _:
            return "Partner Center answered something that I do not understand."


def trouble_reply(error: PartnerCenterError) -> Message:
    """The private answer to whoever ran into trouble at Microsoft."""
    ids = (
        f"Correlation id {error.correlation_id or 'none'}, request id {error.request_id or 'none'}"
    )
    return Message([section(f"{trouble(error)} {NOTHING_CHANGED}"), context(ids)])


def slack_trouble() -> Message:
    """The private answer when Slack did not do its part, such as opening a form in time."""
    return Message(
        [
            section(
                f"Slack did not answer me in time. {NOTHING_CHANGED} Please press the button again."
            )
        ]
    )


def no_database() -> Message:
    """The private answer while the bot's own database cannot be reached."""
    return Message(
        [
            section(
                "I cannot reach my database at the moment, so I may not have noted what you did. "
                "If the card does not show it within a minute, press again: doing it twice does "
                "no harm."
            )
        ]
    )


def our_mistake(reference: str) -> Message:
    """The private answer when the bot itself is at fault."""
    return Message(
        [
            section(
                "Something went wrong in the bot. What the request's card says is what is true. "
                "If you asked for something just now, look at the card before you try again."
            ),
            context(f"Reference for your operator: {reference}"),
        ]
    )


def not_posted(request: UpgradeRequest, word: str, happened: Message | None) -> Message:
    """To the requester and those who decided, when the bot may not post in the channel, as Slack's
    error `word` says. `happened`: what would stand in the thread; None while there is only the
    request."""
    what = f"the request for *{outside(request.customer.name)}* in <#{request.channel_id}>"
    why, remedy = _UNPOSTABLE.get(
        word, ("Slack does not let me post there", "Ask an admin of Slack")
    )
    if happened is None:
        return Message(
            [
                section(
                    f"I could not show {what}, because {why}. It is kept, and nothing was ordered. "
                    f"{remedy} and I will post it."
                )
            ]
        )
    intro = f"I cannot show how {what} goes on, because {why}. So I tell you here:"
    return Message(
        [section(intro), *happened.blocks, context(f"{remedy} and I will post it there.")]
    )


_NOT_THERE = ("I am not in that channel", "Type `/invite @upgrade-bot` there")
_ARCHIVED = ("that channel is archived", "Let somebody unarchive it")
_UNPOSTABLE = {
    "not_in_channel": _NOT_THERE,
    "channel_not_found": _NOT_THERE,
    "is_archived": _ARCHIVED,
    "is_inactive": _ARCHIVED,
    "restricted_action": ("only some people may post there", "Let an admin of Slack allow me"),
}


def not_shown(request: UpgradeRequest) -> Message:
    """To the requester, when the bot itself cannot show or attend to the request."""
    return Message(
        [
            section(
                f"I have your request for *{outside(request.customer.name)}*, but something in me "
                "keeps me from showing how it stands. I try again; please tell your operator if it "
                "stays like this."
            ),
            context(f"Reference for your operator: {request.id}"),
        ]
    )


def looked(request: UpgradeRequest) -> Message:
    """To whoever pressed *Check again*."""
    if request.state is State.UNKNOWN:
        return Message(
            [
                section(
                    "I looked at Partner Center just now and cannot tell yet. Please do not repeat "
                    "the upgrade; I go on looking."
                )
            ]
        )
    return Message([section(f"I looked at Partner Center just now. {true_state(request)}")])


def usage(policy: Policy) -> Message:
    """The answer to `/upgrade help`, and to `/upgrade` alone: how it is used, and who may do what
    in this channel by its `policy`."""
    count = f"{policy.approvals} approval" + ("" if policy.approvals == 1 else "s")
    approve = (
        f"{_approvers(policy.approvers)} ({count}, nobody approves their own request)"
        if policy.approvals
        else "nobody has to"
    )
    confirm = {
        Confirm.REQUESTER: "whoever asked",
        Confirm.APPROVER: f"not whoever asked, but {_approvers(policy.approvers)}",
        Confirm.NOBODY: "nobody: the last approval starts it",
    }[policy.confirm]
    return Message(
        [
            section(
                "Type `/upgrade` and the customer, in the channel where your team decides:\n"
                "• `/upgrade contoso`: a part of the name\n"
                "• `/upgrade contoso.onmicrosoft.com`: the domain, or the tenant id\n"
                "• `/upgrade history`: what was asked for here; also `history mine`, or "
                "`history contoso`\n"
                "• `/upgrade status`: when I do not do what you expect\n"
                "You see what can be upgraded, you ask for it, the team approves, you confirm."
            ),
            section(
                f"*Who may do what here*\n"
                f"Ask: {_approvers(policy.requesters)}\n"
                f"Approve or decline: {approve}\n"
                f"Press *Upgrade now*: {confirm}"
            ),
            context("Large upgrades and some customers can need more; the form says so."),
        ]
    )
