"""The thread of a card: the request's history, a message a step, the result among them."""

from collections.abc import Callable

from bot.domain.subscription import Kind, Subscription, UpgradeType
from bot.domain.upgrade import (
    Aftermath,
    Event,
    LicenceCount,
    LicenseError,
    Outcome,
    State,
    Step,
    UpgradeRequest,
)
from bot.messages import words
from bot.messages.blocks import (
    Block,
    Message,
    context,
    escape_mrkdwn,
    escape_plain,
    everyone_of,
    mention,
    moment,
    section,
    table,
)
from bot.messages.card import who_may_confirm
from bot.messages.files import File, csv_file
from bot.messages.language import gettext, listed, ngettext, numeral, sentences

PEOPLE_SHOWN = 20


def line(request: UpgradeRequest, event: Event) -> Message | None:
    """What the thread says about a step; None where the card says it all."""
    tell = LINES.get(event.step)
    return tell(request, event) if tell else None


def _approved(request: UpgradeRequest, event: Event) -> Message:
    said = gettext("Approved by {who}.", who=_who(event))
    if event.state is not State.APPROVED:
        return _say(said)
    may = gettext("{who}: *Upgrade now* can be pressed.", who=who_may_confirm(request))
    return _say(sentences(said, may))


def _declined(request: UpgradeRequest, event: Event) -> Message:
    return _say(
        gettext(
            "{requester}: {who} declined this. Nothing was ordered. Reason: {why}",
            requester=mention(request.requester),
            who=_who(event),
            why=escape_mrkdwn(event.note, 1500),
        )
    )


def _withdrawn(_request: UpgradeRequest, event: Event) -> Message:
    return _say(gettext("{who} withdrew this. Nothing was ordered.", who=_who(event)))


def _expired(request: UpgradeRequest, _event: Event) -> Message:
    return _say(
        gettext(
            "{requester}: this expired before it was approved and confirmed. Nothing was ordered. "
            "Type `/upgrade` to ask again.",
            requester=mention(request.requester),
        )
    )


def _reminded(request: UpgradeRequest, _event: Event) -> Message:
    missing = request.policy.approvals - len(request.approvals)
    waits = ngettext(
        "{who}: this still waits for {count} approval.",
        "{who}: this still waits for {count} approvals.",
        missing,
        who=everyone_of(request.policy.approvers),
    )
    return _say(sentences(waits, gettext("It expires {when}.", when=moment(request.expires_at))))


def _claimed(request: UpgradeRequest, event: Event) -> Message:
    return _say(
        gettext(
            "Started by {who}. Partner Center request id {request_id}",
            who=_who(event),
            request_id=request.ms_request_id,
        )
    )


def _followed(request: UpgradeRequest, _event: Event) -> Message:
    return _say(
        gettext(
            "Partner Center has taken it and works on it, which takes minutes and sometimes a day. "
            "I follow it and say here when it is done. Operation {operation}",
            operation=escape_mrkdwn(request.operation_id),
        )
    )


def _drifted(request: UpgradeRequest, event: Event) -> Message:
    said = gettext(
        "{requester}: *not sent*, because it has changed since it was approved. The approvals are "
        "void; please decide again.",
        requester=mention(request.requester),
    )
    return _say("\n".join([said, *(words.difference(each) for each in event.differences)]))


def _handed_back(request: UpgradeRequest, event: Event) -> Message:
    said = gettext(
        "{requester}: {why}",
        requester=mention(request.requester),
        why=gettext(words.HANDED_BACK[event.note]),
    )
    may = gettext("{who}: *Upgrade now* can be pressed again.", who=who_may_confirm(request))
    return _say(sentences(said, may), reference(request))


def _lost(request: UpgradeRequest, _event: Event) -> Message:
    said = gettext(
        "{requester}: the upgrade was sent, but Partner Center's answer did not arrive. *Do not "
        "repeat it.* I keep looking at Partner Center until I know, and say so here.",
        requester=mention(request.requester),
    )
    return _say(said, reference(request))


def _finished(request: UpgradeRequest, event: Event) -> Message:
    return result(request, event.outcome or Outcome())


def _failed(request: UpgradeRequest, event: Event) -> Message:
    return _failure(request, event.outcome or Outcome())


def _cared(request: UpgradeRequest, event: Event) -> Message | None:
    return _say(aftercare(request, event.aftermath)) if event.aftermath else None


LINES: dict[Step, Callable[[UpgradeRequest, Event], Message | None]] = {
    Step.APPROVE: _approved,
    Step.DECLINE: _declined,
    Step.WITHDRAW: _withdrawn,
    Step.EXPIRE: _expired,
    Step.REMIND: _reminded,
    Step.CLAIM: _claimed,
    Step.FOLLOW: _followed,
    Step.DRIFT: _drifted,
    Step.RELEASE: _handed_back,
    Step.MARK_UNKNOWN: _lost,
    Step.FINISH: _finished,
    Step.FAIL: _failed,
    Step.FOLLOW_UP: _cared,
}
"""What is said of each step. What is missing here, the card says, or nobody needs to know."""


def result(request: UpgradeRequest, outcome: Outcome) -> Message:
    """The UpgradeResult in words."""
    customer = escape_mrkdwn(request.customer.name)
    head = [
        gettext(
            "✅ {requester}: *{customer}* was upgraded.",
            requester=mention(request.requester),
            customer=customer,
        ),
        *_subscriptions(request, outcome),
        gettext("Type: {kind}", kind=words.how(request.option)),
        gettext("Seats: {seats}", seats=numeral(request.option.seats)),
        *_duration(request),
    ]
    if outcome.seen:
        head.append(
            gettext(
                "The answer itself was lost; this is what Partner Center shows. It does not tell "
                "whether every user's licence moved: please check."
            )
        )
    blocks = [section("\n".join(head)), *_licences(request, outcome), context(reference(request))]
    return Message(blocks)


def _duration(request: UpgradeRequest) -> list[str]:
    if request.sent_at is None or request.closed_at is None:
        return []
    seconds = round((request.closed_at - request.sent_at).total_seconds())
    if seconds < 120:
        return [ngettext("Duration: {count} second", "Duration: {count} seconds", max(seconds, 1))]
    return [ngettext("Duration: {count} minute", "Duration: {count} minutes", seconds // 60)]


def _subscriptions(request: UpgradeRequest, outcome: Outcome) -> list[str]:
    """Old and new. A whole transition of new commerce keeps the subscription and its id."""
    option, subscription = request.option, request.subscription
    old, new = escape_mrkdwn(subscription.name), escape_mrkdwn(option.name)
    target = f"`{escape_mrkdwn(outcome.target_subscription_id)}`"
    if outcome.target_subscription_id.lower() == subscription.id.lower():
        same = gettext(
            "Subscription: now {new}, before {old} (the same subscription, {id})",
            new=new,
            old=old,
            id=target,
        )
        return [same]
    if option.into:
        into = escape_mrkdwn(option.into_name or option.into, 60)
        new = gettext("{plan}, moved into “{into}”", plan=new, into=into)
    source = f"`{escape_mrkdwn(subscription.id)}`"
    return [
        gettext("Old subscription: {old}, {left} ({id})", old=old, left=_left(request), id=source),
        gettext("New subscription: {new} ({id})", new=new, id=target),
    ]


def _left(request: UpgradeRequest) -> str:
    """What becomes of the old subscription."""
    if request.subscription.kind is not Kind.NEW_COMMERCE:
        return gettext("suspended")
    rest = request.subscription.seats - request.option.seats
    return (
        ngettext("keeps {count} seat", "keeps {count} seats", rest)
        if rest
        else gettext("has ended")
    )


def _licences(request: UpgradeRequest, outcome: Outcome) -> list[Block]:
    failed = outcome.license_errors
    if not outcome.moved:
        why = " ".join(words.public_obstacle(each) for each in outcome.obstacles)
        said = gettext(
            "*The users' licences did not move.* {why} Assign the new ones by hand.", why=why
        )
        return [section(said)]
    if failed:
        return [section(_not_moved(len(failed))), _people(failed[:PEOPLE_SHOWN])]
    if request.option.type is UpgradeType.UPGRADE_ONLY:
        said = gettext("Users keep their old licences until somebody assigns the new ones.")
        return [section(said)]
    return []


def _not_moved(failed: int) -> str:
    said = ngettext(
        "*{count} licence did not move.* Assign the new licence to this person in the admin centre.",
        "*{count} licences did not move.* Assign the new licence to these people in the admin "
        "centre.",
        failed,
    )
    if failed <= PEOPLE_SHOWN:
        return said
    more = gettext(
        "The table shows {shown} of them; the file in this thread has all.",
        shown=numeral(PEOPLE_SHOWN),
    )
    return sentences(said, more)


def _people(failed: tuple[LicenseError, ...]) -> Block:
    heads = [gettext("Person"), gettext("Address or id"), gettext("Why")]
    return table([heads, *(_person(each) for each in failed)])


def _person(error: LicenseError) -> list[str]:
    """A row. Twenty of them have to stay below what Slack takes of a table's text."""
    return [
        escape_plain(error.name, 60) or gettext("somebody without a name"),
        escape_plain(error.email or error.user_id, 80),
        escape_plain(" ".join(error.causes), 120) or gettext("no reason was given"),
    ]


def attachment(request: UpgradeRequest, event: Event) -> File | None:
    """The file that belongs to a step's line: everybody whose licence did not move, where they
    are more than the table shows."""
    failed = event.outcome.license_errors if event.outcome else ()
    if event.step is not Step.FINISH or len(failed) <= PEOPLE_SHOWN:
        return None
    heads = [gettext("Person"), gettext("Address"), gettext("User id"), gettext("Why")]
    rows = [[each.name, each.email, each.user_id, " ".join(each.causes)] for each in failed]
    title = gettext("Licences that did not move: {customer}", customer=request.customer.name)
    return csv_file(f"licences-{request.id[:8]}.csv", escape_plain(title, 200), heads, rows)


def without_its_file(message: Message, word: str) -> Message:
    """The same line where the file could not be added, as Slack's error `word` says."""
    said = gettext(
        "The file could not be added (Slack says {word}). Partner Center shows everybody.",
        word=escape_mrkdwn(word),
    )
    return Message([*message.blocks, context(said)])


def _failure(request: UpgradeRequest, outcome: Outcome) -> Message:
    who, customer = mention(request.requester), f"*{escape_mrkdwn(request.customer.name)}*"
    if outcome.seen:
        said = gettext(
            "❌ {requester}: {customer}: its answer was lost, and by now the subscription has "
            "changed in another way than this upgrade would have. Look at Partner Center before "
            "you do anything else.",
            requester=who,
            customer=customer,
        )
        return _say(said, reference(request))
    why = " ".join(words.public_obstacle(each) for each in outcome.obstacles) or gettext(
        "Partner Center refused it (HTTP {status}, code {code}).",
        status=outcome.status,
        code=escape_mrkdwn(outcome.code) or gettext("none"),
    )
    said = gettext(
        "❌ {requester}: {customer} was not upgraded. {why}",
        requester=who,
        customer=customer,
        why=why,
    )
    rest = gettext("This bot has changed nothing. Type `/upgrade` to see what is possible now.")
    return _say(f"{said}\n{rest}", reference(request))


def aftercare(request: UpgradeRequest, there: Aftermath) -> str:
    """One line on how a finished upgrade stands, and what is left to do."""
    who = mention(request.requester)
    parts = [gettext("The new plan is {stands}.", stands=_stands(there.target))]
    if there.source and there.target and there.source.id != there.target.id:
        parts.append(gettext("The old subscription is {stands}.", stands=_stands(there.source)))
    parts += _moved_licences(request, there)
    if there.source and there.source.add_ons:
        names = listed(escape_mrkdwn(name, 60) for name in there.source.add_ons[:5])
        parts.append(gettext("⚠️ {who}: left over on the old one: {names}.", who=who, names=names))
    if there.target is None or not there.target.is_active:
        parts.append(gettext("⚠️ {who}: please look at it in Partner Center.", who=who))
    return gettext("Looked after: {findings}", findings=" ".join(parts[:10]))


def _moved_licences(request: UpgradeRequest, there: Aftermath) -> list[str]:
    """Products of which other numbers of licences are assigned than before."""
    before = {each.sku_id.lower(): each for each in request.licences_before}
    parts = []
    for now in there.licences:
        was = before.get(now.sku_id.lower())
        if was is None or (was.assigned, was.total) != (now.assigned, now.total):
            parts.append(
                gettext(
                    "Licences of {product}: {now} assigned, before {then}.",
                    product=escape_mrkdwn(now.name),
                    now=_of(now),
                    then=_of(was) if was else gettext("none"),
                )
            )
    return parts


def _of(number: LicenceCount) -> str:
    return gettext(
        "{assigned} of {total}", assigned=numeral(number.assigned), total=numeral(number.total)
    )


def _stands(subscription: Subscription | None) -> str:
    if subscription is None:
        return gettext("not to be found")
    return gettext(
        "{status}, with {seats}",
        status=words.status(subscription),
        seats=words.seats(subscription.seats),
    )


def reference(request: UpgradeRequest) -> str:
    """What Microsoft's support asks for."""
    return gettext(
        "For Microsoft's support: correlation id {correlation_id}, request id {request_id}",
        correlation_id=request.correlation_id,
        request_id=request.ms_request_id,
    )


def _who(event: Event) -> str:
    return mention(event.by) if event.by else gettext("the bot")


def _say(text: str, small: str = "") -> Message:
    return Message([section(text)] + ([context(small)] if small else []))
