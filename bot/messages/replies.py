"""Private answers: refusals, troubles, help. Each says what happened, what did not change,
and what to do."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.domain.policy import Confirm, MemberKind, Person, Policy
from bot.domain.subscription import Customer
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
from bot.messages.blocks import (
    Message,
    context,
    escape_mrkdwn,
    everyone_of,
    mention,
    moment,
    section,
)
from bot.messages.language import N_, gettext, listed, ngettext, numeral, sentences

NOTHING_CHANGED = N_("Nothing was changed.")
YOUR_CLICK = N_("Your click changed nothing.")


def refusal(refused: Refused) -> Message:
    """One polite sentence for a refusal, with the true state where there is one."""
    return Message([section(refusal_text(refused))])


def refusal_text(refused: Refused) -> str:
    """The sentence alone, for the fields of a form."""
    return SENTENCES[refused.reason](refused.about)


def _not_a_member(about: Mapping[str, Any]) -> str:
    member_kind = about.get("member_kind", MemberKind.STRANGER)
    return gettext(
        "Only full members of this workspace can use upgrades, and Slack says that you are "
        "{standing}. {nothing_changed}",
        standing=gettext(_MEMBER_KINDS[member_kind]),
        nothing_changed=gettext(NOTHING_CHANGED),
    )


_MEMBER_KINDS = {
    MemberKind.GUEST: N_("a guest"),
    MemberKind.BOT: N_("a bot"),
    MemberKind.DEACTIVATED: N_("deactivated"),
    MemberKind.STRANGER: N_("from another workspace"),
    MemberKind.FULL_MEMBER: N_("a full member"),
}


def _unknown_customer(about: Mapping[str, Any]) -> str:
    said = gettext("No customer is called “{name}”.", name=escape_mrkdwn(about["text"]))
    nearest: list[Customer] = about["nearest"]
    if nearest:
        names = listed(
            f"`/upgrade {escape_mrkdwn(c.name)}` ({escape_mrkdwn(c.domain)})" for c in nearest
        )
        hint = gettext("Did you mean {names}?", names=names)
    else:
        hint = gettext("Type the beginning of its name, its domain or its tenant id.")
    return sentences(said, hint, gettext(NOTHING_CHANGED))


def _no_subscription(about: Mapping[str, Any]) -> str:
    customer: Customer = about["customer"]
    said = gettext(
        "*{name}* ({domain}) has no subscription, so there is nothing to upgrade.",
        name=escape_mrkdwn(customer.name),
        domain=escape_mrkdwn(customer.domain),
    )
    return sentences(said, gettext(NOTHING_CHANGED))


def _may_not_request(about: Mapping[str, Any]) -> str:
    who = everyone_of(about["policy"].requesters)
    said = gettext("Only {who} can ask for upgrades here.", who=who)
    return sentences(said, gettext(NOTHING_CHANGED))


def _as_it_is(about: Mapping[str, Any]) -> str:
    return sentences(true_state(about["request"]), gettext(YOUR_CLICK))


def true_state(request: UpgradeRequest) -> str:
    """How a request stands, for somebody who came too late."""
    match request.state:
        case State.AWAITING_APPROVAL:
            return ngettext(
                "This is still waiting: it has {have} of {count} approval.",
                "This is still waiting: it has {have} of {count} approvals.",
                request.policy.approvals,
                have=numeral(len(request.approvals)),
            )
        case State.APPROVED if request.approvals:
            last = request.approvals[-1]
            return _by(N_("This was already approved by {who} {when}."), last.by, last.at)
        case State.APPROVED:
            return gettext("This needs no approval; it waits for *Upgrade now*.")
        case State.PERFORMING if request.confirmed_by and request.confirmed_at:
            said = N_("This upgrade is already running: {who} confirmed it {when}.")
            return _by(said, request.confirmed_by, request.confirmed_at)
        case State.DECLINED if request.closed_by and request.closed_at:
            said = N_("This was already declined by {who} {when}.")
            return _by(said, request.closed_by, request.closed_at)
        case State.WITHDRAWN if request.closed_by and request.closed_at:
            said = N_("This was already withdrawn by {who} {when}.")
            return _by(said, request.closed_by, request.closed_at)
        case _:
            return gettext(_FINAL[request.state])


def _by(sentence: str, who: Person, when: datetime) -> str:
    return gettext(sentence, who=mention(who), when=moment(when))


_FINAL = {
    State.AWAITING_APPROVAL: N_("This is still waiting for approval."),
    State.APPROVED: N_("This was already approved."),
    State.PERFORMING: N_("This upgrade is already running."),
    State.UNKNOWN: N_("This was sent, and the bot is finding out what came of it."),
    State.DONE: N_("This upgrade is already done; the result is in the thread."),
    State.FAILED: N_("This upgrade has already failed; the thread says why."),
    State.DECLINED: N_("This was already declined."),
    State.WITHDRAWN: N_("This was already withdrawn."),
    State.EXPIRED: N_("This has expired; nobody decided in time."),
}


def _own_request(about: Mapping[str, Any]) -> str:
    said = gettext(
        "You asked for this upgrade, so somebody else has to approve it: {who}.",
        who=_approvers(about["request"]),
    )
    return sentences(said, gettext(YOUR_CLICK))


def _may_not_approve(about: Mapping[str, Any]) -> str:
    if "request" not in about:
        return gettext("You are not in every list of approvers.")
    said = gettext("Only {who} can decide about this.", who=_approvers(about["request"]))
    return sentences(said, gettext(YOUR_CLICK))


def _may_not_confirm(about: Mapping[str, Any]) -> str:
    request: UpgradeRequest = about["request"]
    if request.policy.confirm is Confirm.APPROVER:
        said = gettext(
            "Not the requester but {who} starts this upgrade.", who=_approvers(about["request"])
        )
    else:
        who = mention(request.requester)
        said = gettext("Only {who}, who asked for it, can start this upgrade.", who=who)
    return sentences(said, gettext(YOUR_CLICK))


def _may_not_withdraw(about: Mapping[str, Any]) -> str:
    who = mention(about["request"].requester)
    said = gettext("Only {who}, who asked for it, can withdraw this.", who=who)
    return sentences(said, gettext(YOUR_CLICK))


def _expired(about: Mapping[str, Any]) -> str:
    return gettext(
        "This expired {when}, so your click changed nothing. Type `/upgrade` to ask again.",
        when=moment(about["request"].expires_at),
    )


def _voted_already(about: Mapping[str, Any]) -> str:
    request: UpgradeRequest = about["request"]
    said = sentences(gettext("You have approved this already."), true_state(request))
    if request.state is State.AWAITING_APPROVAL:
        return sentences(said, gettext("Another person has to approve it too."))
    return said


def _seats_out_of_range(about: Mapping[str, Any]) -> str:
    return gettext("Please type a number from 1 to {most}.", most=numeral(about["most"]))


def _approvers(request: UpgradeRequest) -> str:
    return everyone_of(request.policy.approvers)


def _says(*said: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda _about: sentences(*(gettext(sentence) for sentence in said))


SENTENCES: dict[Reason, Callable[[Mapping[str, Any]], str]] = {
    Reason.NOT_A_NAME: _says(
        N_(
            "That is not a customer's name. Nothing was looked up. Type for example `/upgrade "
            "contoso`, a domain such as `/upgrade contoso.onmicrosoft.com`, or a tenant id."
        )
    ),
    Reason.UNKNOWN_CUSTOMER: _unknown_customer,
    Reason.NO_SUBSCRIPTION: _no_subscription,
    Reason.NOT_A_MEMBER: _not_a_member,
    Reason.MEMBER_UNREADABLE: _says(
        N_("Slack did not tell me who you are, so I did nothing. Please try again in a minute.")
    ),
    Reason.MAY_NOT_REQUEST: _may_not_request,
    Reason.NOT_IN_A_CHANNEL: _says(
        N_("Nobody could decide here. Type the command in the channel in which your team decides."),
        NOTHING_CHANGED,
    ),
    Reason.TOO_FAST: _says(
        N_(
            "That was very often in a short time, and everybody shares what Partner Center lets the "
            "bot ask. Nothing was looked up. Wait a minute, then try again."
        )
    ),
    Reason.TOO_MANY_OPEN: lambda about: ngettext(
        "You have {count} request that waits already. Nothing was asked for. Withdraw one, or let "
        "the team decide about them first; `/upgrade history mine` lists them.",
        "You have {count} requests that wait already. Nothing was asked for. Withdraw one, or let "
        "the team decide about them first; `/upgrade history mine` lists them.",
        about["most"],
    ),
    Reason.OFFER_GONE: _says(
        N_("These options are more than a day old, or not mine."),
        NOTHING_CHANGED,
        N_("Type `/upgrade` again to see what is possible now."),
    ),
    Reason.NOT_YOUR_OFFER: _says(
        N_("These options were listed for somebody else."),
        NOTHING_CHANGED,
        N_("Type `/upgrade` yourself."),
    ),
    Reason.REASON_MISSING: _says(N_("Please say why: the others read it.")),
    Reason.EVIDENCE_MISSING: _says(N_("The policy asks for a link to the customer's consent.")),
    Reason.SEATS_OUT_OF_RANGE: _seats_out_of_range,
    Reason.EVIDENCE_NOT_A_LINK: _says(
        N_("Please give a web address that begins with https:// and has at most 500 characters.")
    ),
    Reason.UNKNOWN_REQUEST: _says(
        N_("I do not know this request (any more)."),
        YOUR_CLICK,
        N_("Type `/upgrade` to begin a new one."),
    ),
    Reason.UNKNOWN_BUTTON: _says(
        N_("This button is outdated or not mine."),
        YOUR_CLICK,
        N_("Type `/upgrade` to begin again."),
    ),
    Reason.OTHER_CHANNEL: _says(
        N_("This is a copy of a request of another channel, and copies decide nothing."),
        YOUR_CLICK,
        N_("Please decide at the request itself."),
    ),
    Reason.CHANGED_SINCE: _says(
        N_("The request has changed since this button was shown."),
        YOUR_CLICK,
        N_("Please read the card again and decide anew."),
    ),
    Reason.DELIVERED_AGAIN: _says(N_("This click has arrived before."), NOTHING_CHANGED),
    Reason.WRONG_STATE: _as_it_is,
    Reason.EXPIRED: _expired,
    Reason.SUBSCRIPTION_BUSY: _says(
        N_("Another upgrade of this subscription is running, or its outcome is not known yet."),
        YOUR_CLICK,
        N_("Wait until that one is settled."),
    ),
    Reason.OWN_REQUEST: _own_request,
    Reason.MAY_NOT_APPROVE: _may_not_approve,
    Reason.APPROVERS_UNREADABLE: _says(
        N_("Slack did not tell me who may decide here."),
        YOUR_CLICK,
        N_(
            "Please try again in a minute; if it stays like this, an operator has to look at the "
            "user groups."
        ),
    ),
    Reason.VOTED_ALREADY: _voted_already,
    Reason.MAY_NOT_WITHDRAW: _may_not_withdraw,
    Reason.MAY_NOT_CONFIRM: _may_not_confirm,
    Reason.NOTHING_TO_CHECK: _as_it_is,
    Reason.TABLE_UNREADABLE: lambda _about: gettext(
        "No line has a customer and a plan. Write for example: contoso.onmicrosoft.com, Office 365 "
        "Enterprise E3"
    ),
    Reason.TOO_MANY_ROWS: lambda about: ngettext(
        "At most {most} at once: this is {count} line. Ask for the rest by themselves.",
        "At most {most} at once: these are {count} lines. Ask for the rest by themselves.",
        about["rows"],
        most=about["most"],
    ),
    Reason.BUNDLE_RUNNING: lambda about: gettext(
        "These upgrades are running already: {who} started them {at}. Your click changed nothing.",
        who=mention(about["bundle"].confirmed_by),
        at=moment(about["bundle"].confirmed_at),
    ),
    Reason.NOTHING_TO_DECIDE: lambda _about: gettext(
        "Nothing here waits for that any more; the card shows how each upgrade stands. Your click "
        "changed nothing."
    ),
}
"""One sentence for every reason; a test finds a missing one."""


def trouble(error: PartnerCenterError) -> str:
    """Trouble at Microsoft in words: what happened and what to do."""
    if error.code in words.SIGN_IN:
        return gettext(words.SIGN_IN[error.code])
    match error:
        case SignInFailed():
            return gettext(
                "Microsoft does not accept the bot's sign-in (code {code}). An operator has to "
                "renew it.",
                code=escape_mrkdwn(error.code or "") or gettext("none"),
            )
        case NotAllowed():
            return gettext(
                "Partner Center does not allow this for this customer. An operator has to look at "
                "the GDAP roles."
            )
        case NotFound():
            return gettext("Partner Center does not know this customer or subscription any more.")
        case Throttled():
            return gettext("Partner Center asks to slow down. Please try again in a minute.")
        case Unreachable():
            return gettext("Partner Center does not answer. Please try again in some minutes.")
        case _:
            return gettext("Partner Center answered something that I do not understand.")


def trouble_reply(error: PartnerCenterError) -> Message:
    """The private answer to whoever ran into trouble at Microsoft."""
    ids = gettext(
        "Correlation id {correlation_id}, request id {request_id}",
        correlation_id=error.correlation_id or gettext("none"),
        request_id=error.request_id or gettext("none"),
    )
    return Message([section(sentences(trouble(error), gettext(NOTHING_CHANGED))), context(ids)])


def slack_trouble() -> Message:
    """The private answer when Slack did not do its part, such as opening a form in time."""
    said = (
        gettext("Slack did not answer me in time."),
        gettext(NOTHING_CHANGED),
        gettext("Please press the button again."),
    )
    return Message([section(sentences(*said))])


def no_database() -> Message:
    """The private answer while the bot's own database cannot be reached."""
    return Message(
        [
            section(
                gettext(
                    "I cannot reach my database at the moment, so I may not have noted what you "
                    "did. If the card does not show it within a minute, press again: doing it "
                    "twice does no harm."
                )
            )
        ]
    )


def our_mistake(reference: str) -> Message:
    """The private answer when the bot itself is at fault."""
    return Message(
        [
            section(
                gettext(
                    "Something went wrong in the bot. What the request's card says is what is "
                    "true. If you asked for something just now, look at the card before you try "
                    "again."
                )
            ),
            context(gettext("Reference for your operator: {reference}", reference=reference)),
        ]
    )


def not_posted(request: UpgradeRequest, word: str, happened: Message | None) -> Message:
    """To the requester and those who decided, when the bot may not post in the channel, as Slack's
    error `word` says. `happened`: what would stand in the thread; None while there is only the
    request."""
    about = {
        "customer": escape_mrkdwn(request.customer.name),
        "channel": f"<#{request.channel_id}>",
        "why": gettext(_UNPOSTABLE.get(word, _UNPOSTABLE_SOMEHOW)[0]),
    }
    remedy = gettext(_UNPOSTABLE.get(word, _UNPOSTABLE_SOMEHOW)[1])
    if happened is None:
        return Message(
            [
                section(
                    gettext(
                        "I could not show the request for *{customer}* in {channel}, because "
                        "{why}. It is kept, and nothing was ordered. {remedy}",
                        **about,
                        remedy=remedy,
                    )
                )
            ]
        )
    intro = gettext(
        "I cannot show how the request for *{customer}* in {channel} goes on, because {why}. So I "
        "tell you here:",
        **about,
    )
    return Message([section(intro), *happened.blocks, context(remedy)])


_NOT_THERE = (
    N_("I am not in that channel"),
    N_("Type `/invite @upgrade-bot` there and I will post it."),
)
_ARCHIVED = (
    N_("that channel is archived"),
    N_("Let somebody unarchive it and I will post it."),
)
_UNPOSTABLE = {
    "not_in_channel": _NOT_THERE,
    "channel_not_found": _NOT_THERE,
    "is_archived": _ARCHIVED,
    "is_inactive": _ARCHIVED,
    "restricted_action": (
        N_("only some people may post there"),
        N_("Let an admin of Slack allow me and I will post it."),
    ),
}
_UNPOSTABLE_SOMEHOW = (
    N_("Slack does not let me post there"),
    N_("Ask an admin of Slack and I will post it."),
)


def not_shown(request: UpgradeRequest) -> Message:
    """To the requester, when the bot itself cannot show or attend to the request."""
    return Message(
        [
            section(
                gettext(
                    "I have your request for *{customer}*, but something in me keeps me from "
                    "showing how it stands. I try again; please tell your operator if it stays "
                    "like this.",
                    customer=escape_mrkdwn(request.customer.name),
                )
            ),
            context(gettext("Reference for your operator: {reference}", reference=request.id)),
        ]
    )


def your_turn(request: UpgradeRequest, link: str) -> Message:
    """To the requester, when it is they who have to act: the approval is there."""
    open_it = gettext("Open the card")
    said = gettext(
        "Your upgrade of *{customer}* to {target} is approved. It is your turn: press *Upgrade "
        "now* on its card before {when}.",
        customer=escape_mrkdwn(request.customer.name),
        target=escape_mrkdwn(request.option.name),
        when=moment(request.expires_at),
    )
    where = f"<{link}|{open_it}>" if link else f"<#{request.channel_id}>"
    return Message([section(sentences(said, where))])


def looked(request: UpgradeRequest) -> Message:
    """To whoever pressed *Check again*."""
    if request.state is State.UNKNOWN:
        return Message(
            [
                section(
                    gettext(
                        "I looked at Partner Center just now and cannot tell yet. Please do not "
                        "repeat the upgrade; I go on looking."
                    )
                )
            ]
        )
    said = gettext("I looked at Partner Center just now.")
    return Message([section(sentences(said, true_state(request)))])


def usage(policy: Policy) -> Message:
    """The answer to `/upgrade help`: how it is used, and who may do what in this channel by its
    `policy`."""
    return Message(
        [section(examples()), section(who_may_what(policy)), context(gettext(MORE_NEEDED))]
    )


MORE_NEEDED = N_("Large upgrades and some customers can need more; the form says so.")


def examples() -> str:
    """What can be typed."""
    lines = [
        gettext("Type `/upgrade` and the customer, in the channel where your team decides:"),
        gettext("• `/upgrade contoso`: a part of the name"),
        gettext("• `/upgrade contoso.onmicrosoft.com`: the domain, or the tenant id"),
        gettext("• `/upgrade` alone: find the customer by typing ahead"),
        gettext("• `/upgrade bulk`: several customers with one approval"),
        gettext(
            "• `/upgrade history`: what was asked for here; also `history mine`, or `history "
            "contoso`"
        ),
        gettext("• `/upgrade status`: when I do not do what you expect"),
        gettext("You see what can be upgraded, you ask for it, the team approves, you confirm."),
    ]
    return "\n".join(lines)


def who_may_what(policy: Policy) -> str:
    """Who may ask, approve and confirm by a policy."""
    who = everyone_of(policy.approvers)
    approve = gettext("nobody has to")
    if policy.approvals:
        approve = ngettext(
            "{who} ({count} approval, nobody approves their own request)",
            "{who} ({count} approvals, nobody approves their own request)",
            policy.approvals,
            who=who,
        )
    confirm = {
        Confirm.REQUESTER: gettext("whoever asked"),
        Confirm.APPROVER: gettext("not whoever asked, but {who}", who=who),
        Confirm.NOBODY: gettext("nobody: the last approval starts it"),
    }[policy.confirm]
    requesters = everyone_of(policy.requesters)
    return "\n".join(
        [
            gettext("*Who may do what here*"),
            gettext("Ask: {who}", who=requesters),
            gettext("Approve or decline: {who}", who=approve),
            gettext("Press *Upgrade now*: {who}", who=confirm),
        ]
    )
