"""What the bot tells people in person: that it is their turn, what a channel cannot show, what a click
could not change, what it saw when they asked it to look."""

from bot.domain.item import Item, State
from bot.domain.policy import Confirm
from bot.domain.request import Kept, Request, Transition
from bot.errors import Reason
from bot.messages.blocks import (
    Message,
    context,
    escape_mrkdwn,
    everyone_of,
    mention,
    moment,
    section,
)
from bot.messages.language import N_, gettext, ngettext, sentences
from bot.messages.parts import names, upgrades
from bot.messages.refusals import true_state


def not_posted(request: Request, word: str, happened: list[Message]) -> Message:
    """To the requester and those who decided, when the bot may not post in the channel, as Slack's
    error `word` says. `happened`: what would stand in the thread; empty while there is only the
    request."""
    reason, remedy = (gettext(each) for each in _UNPOSTABLE.get(word, _UNPOSTABLE_SOMEHOW))
    about = {"channel": f"<#{request.channel_id}>", "why": reason}
    if request.is_single:
        about["customer"] = escape_mrkdwn(request.items[0].customer.name)
    else:
        about["upgrades"] = upgrades(len(request.items))
    if not happened:
        return Message([section(_kept_back(request, {**about, "remedy": remedy}))])
    blocks = [block for message in happened for block in message.blocks]
    return Message([section(_told_here(request, about)), *blocks, context(remedy)])


def _kept_back(request: Request, about: dict[str, str]) -> str:
    if request.is_single:
        return gettext(
            "I could not show the request for *{customer}* in {channel}, because {why}. It is kept, "
            "and nothing was ordered. {remedy}",
            **about,
        )
    return gettext(
        "I could not show the request for {upgrades} in {channel}, because {why}. It is kept, and "
        "nothing was ordered. {remedy}",
        **about,
    )


def _told_here(request: Request, about: dict[str, str]) -> str:
    if request.is_single:
        return gettext(
            "I cannot show how the request for *{customer}* in {channel} goes on, because {why}. So "
            "I tell you here:",
            **about,
        )
    return gettext(
        "I cannot show how the request for {upgrades} in {channel} goes on, because {why}. So I "
        "tell you here:",
        **about,
    )


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


def not_shown(request: Request) -> Message:
    """To the requester, when the bot itself cannot show or attend to the request."""
    if request.is_single:
        text = gettext(
            "I have your request for *{customer}*, but something in me keeps me from showing how it "
            "stands. I try again; please tell your operator if it stays like this.",
            customer=escape_mrkdwn(request.items[0].customer.name),
        )
    else:
        text = gettext(
            "I have your request for {upgrades}, but something in me keeps me from showing how it "
            "stands. I try again; please tell your operator if it stays like this.",
            upgrades=upgrades(len(request.items)),
        )
    reference = gettext("Reference for your operator: {reference}", reference=request.id)
    return Message([section(text), context(reference)])


def your_turn(request: Request, link: str) -> Message:
    """To the requester, when it is they who have to act: the approvals are there."""
    ready = request.those(State.APPROVED)
    when = moment(min(item.expires_at for item in ready))
    if request.is_single:
        said = gettext(
            "Your upgrade of *{customer}* to {target} is approved. It is your turn: press *Upgrade "
            "now* on its card before {when}.",
            customer=escape_mrkdwn(ready[0].customer.name),
            target=escape_mrkdwn(ready[0].change.name),
            when=when,
        )
    else:
        said = ngettext(
            "Your upgrade is approved. It is your turn: press *Upgrade now* on its card before "
            "{when}.",
            "Your {count} upgrades are approved. It is your turn: press *Upgrade now* on their card "
            "before {when}.",
            len(ready),
            when=when,
        )
    open_it = gettext("Open the card")
    where = f"<{link}|{open_it}>" if link else f"<#{request.channel_id}>"
    return Message([section(sentences(said, where))])


def looked(request: Request) -> Message:
    """To the person who pressed *Check again*."""
    unknown = list(request.those(State.UNKNOWN))
    if request.is_single and unknown:
        text = gettext(
            "I looked at Partner Center just now and cannot tell yet. Please do not repeat the "
            "upgrade; I go on looking."
        )
    elif request.is_single:
        said = gettext("I looked at Partner Center just now.")
        text = sentences(said, true_state(request, request.items[0]))
    elif unknown:
        text = gettext(
            "I looked at Partner Center just now and cannot tell yet: {which}. Please do not repeat "
            "these upgrades; I go on looking.",
            which=names(unknown),
        )
    else:
        text = gettext("I looked at Partner Center just now, and know what came of all of them.")
    return Message([section(text)])


def kept(transition: Transition) -> list[Message]:
    """To the person who decided: the items that they could not decide about, and why; nothing when
    there are none."""
    by_reason: dict[str, list[Item]] = {}
    for each in transition.kept:
        by_reason.setdefault(_why_kept(each, transition.request), []).append(each[0])
    if not by_reason:
        return []
    changed = len(transition.items) or len(transition.event.items if transition.event else ())
    head = gettext(
        "Your click was for {upgrades}. It changed nothing about the others:",
        upgrades=upgrades(changed),
    )
    lines = [
        gettext("• {which}: {why}", which=names(items), why=why) for why, items in by_reason.items()
    ]
    return [Message([section("\n".join([head, *lines]))])]


def _why_kept(kept: Kept, request: Request) -> str:
    item, reason = kept
    match reason:
        case Reason.MAY_NOT_APPROVE:
            return gettext("only {who} can decide about it", who=everyone_of(item.policy.approvers))
        case Reason.MAY_NOT_CONFIRM if item.policy.confirm is Confirm.APPROVER:
            return gettext(
                "not the requester but {who} starts it", who=everyone_of(item.policy.approvers)
            )
        case Reason.MAY_NOT_CONFIRM:
            return gettext("only {who} can start it", who=mention(request.requester))
        case Reason.VOTED_ALREADY:
            return gettext("you have approved it already, and another person has to")
        case Reason.EXPIRED:
            return gettext("it has expired")
        case Reason.APPROVERS_UNREADABLE | Reason.MEMBER_UNREADABLE:
            return gettext("Slack did not tell me who may decide about it; try again in a minute")
        case _:
            return gettext("it has changed since")
