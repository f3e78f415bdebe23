"""Private answers to refusals: one polite sentence for each reason, with the true state where there
is one."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.domain.item import Item, State
from bot.domain.policy import Confirm, MemberKind, Person
from bot.domain.refusals import (
    MayNotRequest,
    NoSubscription,
    NotAMember,
    RefusedStep,
    TooMany,
    UnknownCustomer,
)
from bot.domain.request import Request
from bot.errors import Reason, Refused
from bot.messages.blocks import Message, escape_mrkdwn, everyone_of, mention, moment, section
from bot.messages.language import N_, gettext, listed, ngettext, numeral, sentences

NOTHING_CHANGED = N_("Nothing was changed.")
YOUR_CLICK = N_("Your click changed nothing.")

ALREADY_RUNNING = N_("This upgrade is already running: {who} confirmed it {when}.")


def refusal(refused: Refused) -> Message:
    """The answer to a refusal."""
    return Message([section(refusal_text(refused))])


def refusal_text(refused: Refused) -> str:
    """The sentence alone, for the fields of a form."""
    return SENTENCES[refused.reason](refused)


def _not_a_member(refused: NotAMember) -> str:
    return gettext(
        "Only full members of this workspace can use upgrades, and Slack says that you are "
        "{standing}. {nothing_changed}",
        standing=gettext(_MEMBER_KINDS[refused.kind]),
        nothing_changed=gettext(NOTHING_CHANGED),
    )


_MEMBER_KINDS = {
    MemberKind.GUEST: N_("a guest"),
    MemberKind.BOT: N_("a bot"),
    MemberKind.DEACTIVATED: N_("deactivated"),
    MemberKind.STRANGER: N_("from another workspace"),
    MemberKind.FULL_MEMBER: N_("a full member"),
}


def _unknown_customer(refused: UnknownCustomer) -> str:
    said = gettext("No customer is called “{name}”.", name=escape_mrkdwn(refused.text))
    if nearest := refused.nearest:
        names = listed(
            f"`/upgrade {escape_mrkdwn(c.name)}` ({escape_mrkdwn(c.domain)})" for c in nearest
        )
        hint = gettext("Did you mean {names}?", names=names)
    else:
        hint = gettext("Type the beginning of its name, its domain or its tenant id.")
    return sentences(said, hint, gettext(NOTHING_CHANGED))


def _no_subscription(refused: NoSubscription) -> str:
    customer = refused.customer
    said = gettext(
        "*{name}* ({domain}) has no subscription, so there is nothing to upgrade.",
        name=escape_mrkdwn(customer.name),
        domain=escape_mrkdwn(customer.domain),
    )
    return sentences(said, gettext(NOTHING_CHANGED))


def _may_not_request(refused: MayNotRequest) -> str:
    who = everyone_of(refused.policy.requesters)
    said = gettext("Only {who} can ask for upgrades here.", who=who)
    return sentences(said, gettext(NOTHING_CHANGED))


def _as_it_is(refused: RefusedStep) -> str:
    if refused.request is None:
        return gettext(YOUR_CLICK)
    item = refused.item or refused.request.items[0]
    return sentences(true_state(refused.request, item), gettext(YOUR_CLICK))


def true_state(request: Request, item: Item) -> str:
    """How an item stands, for a person who came too late."""
    ending, attempt = item.ending, item.attempt
    match item.state:
        case State.AWAITING_APPROVAL:
            return ngettext(
                "This is still waiting: it has {have} of {count} approval.",
                "This is still waiting: it has {have} of {count} approvals.",
                item.policy.approvals,
                have=numeral(len(item.votes.approvals)),
            )
        case State.APPROVED if request.run and request.is_running:
            return _by(ALREADY_RUNNING, request.run.by, request.run.at)
        case State.APPROVED if item.votes.approvals:
            last = item.votes.approvals[-1]
            return _by(N_("This was already approved by {who} {when}."), last.by, last.at)
        case State.APPROVED:
            return gettext("This needs no approval; it waits for *Upgrade now*.")
        case State.PERFORMING if attempt.by and attempt.at:
            return _by(ALREADY_RUNNING, attempt.by, attempt.at)
        case State.DECLINED if ending and ending.by:
            return _by(N_("This was already declined by {who} {when}."), ending.by, ending.at)
        case State.WITHDRAWN if ending and ending.by:
            return _by(N_("This was already withdrawn by {who} {when}."), ending.by, ending.at)
        case _:
            return gettext(_FINAL[item.state])


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


def _own_request(refused: RefusedStep) -> str:
    said = gettext(
        "You asked for this upgrade, so somebody else has to approve it: {who}.",
        who=_approvers(refused),
    )
    return sentences(said, gettext(YOUR_CLICK))


def _may_not_approve(refused: Refused) -> str:
    if not isinstance(refused, RefusedStep):
        return gettext("You are not in every list of approvers.")
    said = gettext("Only {who} can decide about this.", who=_approvers(refused))
    return sentences(said, gettext(YOUR_CLICK))


def _may_not_confirm(refused: RefusedStep) -> str:
    if refused.item and refused.item.policy.confirm is Confirm.APPROVER:
        who = _approvers(refused)
        said = gettext("Not the requester but {who} starts this upgrade.", who=who)
    else:
        who = _requester(refused)
        said = gettext("Only {who}, who asked for it, can start this upgrade.", who=who)
    return sentences(said, gettext(YOUR_CLICK))


def _may_not_withdraw(refused: RefusedStep) -> str:
    said = gettext("Only {who}, who asked for it, can withdraw this.", who=_requester(refused))
    return sentences(said, gettext(YOUR_CLICK))


def _expired(refused: RefusedStep) -> str:
    if refused.item is None:
        return gettext(YOUR_CLICK)
    return gettext(
        "This expired {when}, so your click changed nothing. Type `/upgrade` to ask again.",
        when=moment(refused.item.expires_at),
    )


def _voted_already(refused: RefusedStep) -> str:
    said = gettext("You have approved this already.")
    if refused.item is None or refused.request is None:
        return said
    said = sentences(said, true_state(refused.request, refused.item))
    if refused.item.state is State.AWAITING_APPROVAL:
        return sentences(said, gettext("Another person has to approve it too."))
    return said


def _already_running(refused: RefusedStep) -> str:
    run = refused.request.run if refused.request else None
    if refused.request is None or run is None:
        return gettext(YOUR_CLICK)
    if refused.request.is_single:
        return sentences(_by(ALREADY_RUNNING, run.by, run.at), gettext(YOUR_CLICK))
    return gettext(
        "These upgrades are running already: {who} started them {at}. Your click changed nothing.",
        who=mention(run.by),
        at=moment(run.at),
    )


def _nothing_to_check(refused: RefusedStep) -> str:
    return _as_it_is(refused) if refused.item else _nothing_to_decide(refused)


def _nothing_to_decide(_refused: RefusedStep) -> str:
    return gettext(
        "Nothing here waits for that any more; the card shows how each upgrade stands. Your click "
        "changed nothing."
    )


def _seats_out_of_range(refused: TooMany) -> str:
    return gettext("Please type a number from 1 to {most}.", most=numeral(refused.most))


def _approvers(refused: RefusedStep) -> str:
    return everyone_of(refused.item.policy.approvers if refused.item else ())


def _requester(refused: RefusedStep) -> str:
    return mention(refused.request.requester) if refused.request else gettext("nobody")


def _says(*said: str) -> Callable[[Refused], str]:
    return lambda _refused: sentences(*(gettext(sentence) for sentence in said))


SENTENCES: dict[Reason, Callable[[Any], str]] = {
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
    Reason.TOO_MANY_OPEN: lambda refused: ngettext(
        "You have {count} request that waits already. Nothing was asked for. Withdraw one, or let "
        "the team decide about them first; `/upgrade history mine` lists them.",
        "You have {count} requests that wait already. Nothing was asked for. Withdraw one, or let "
        "the team decide about them first; `/upgrade history mine` lists them.",
        refused.most,
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
    Reason.NOTHING_TO_CHECK: _nothing_to_check,
    Reason.TABLE_UNREADABLE: lambda _refused: gettext(
        "No line has a customer and a plan. Write for example: contoso.onmicrosoft.com, Office 365 "
        "Enterprise E3"
    ),
    Reason.TOO_MANY_ROWS: lambda refused: ngettext(
        "At most {most} at once: this is {count} line. Ask for the rest by themselves.",
        "At most {most} at once: these are {count} lines. Ask for the rest by themselves.",
        refused.number,
        most=refused.most,
    ),
    Reason.ALREADY_RUNNING: _already_running,
    Reason.NOTHING_TO_DECIDE: _nothing_to_decide,
}
"""One sentence for every reason; a test finds a missing one."""
