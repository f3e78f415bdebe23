"""The UpgradeResult in words: what came of an item, whose licences did not move, and what is left
to do."""

from bot.domain.item import Item
from bot.domain.outcome import Aftermath, LicenceCount, LicenseError, Outcome
from bot.domain.request import Request
from bot.domain.subscription import Kind, Subscription, UpgradeType
from bot.messages import words
from bot.messages.blocks import (
    Block,
    Message,
    context,
    escape_mrkdwn,
    escape_plain,
    mention,
    section,
    table,
)
from bot.messages.files import File, csv_file
from bot.messages.language import gettext, listed, ngettext, numeral, sentences
from bot.messages.parts import name

PEOPLE_SHOWN = 20


def result(request: Request, item: Item, outcome: Outcome) -> Message:
    """What the thread says of an upgrade that happened."""
    customer = escape_mrkdwn(item.customer.name)
    head = [
        gettext(
            "✅ {requester}: *{customer}* was upgraded.",
            requester=mention(request.requester),
            customer=customer,
        ),
        *_subscriptions(item, outcome),
        gettext("Type: {kind}", kind=words.how(item.change)),
        gettext("Seats: {seats}", seats=numeral(item.change.seats)),
        *_duration(item),
    ]
    if outcome.seen:
        head.append(
            gettext(
                "The answer itself was lost; this is what Partner Center shows. It does not tell "
                "whether every user's licence moved: please check."
            )
        )
    blocks = [section("\n".join(head)), *_licences(item, outcome), context(reference(item))]
    return Message(blocks)


def short_result(item: Item, outcome: Outcome) -> Message:
    """The same of one of several that went well, in two lines."""
    text = gettext(
        "✅ {which} was upgraded: {old} → {new}, {seats}, {way}.",
        which=name(item),
        old=escape_mrkdwn(item.subscription.name),
        new=escape_mrkdwn(item.change.name),
        seats=words.seats(item.change.seats),
        way=words.how(item.change),
    )
    small = gettext(
        "New subscription {target}. {reference}",
        target=escape_mrkdwn(outcome.target_subscription_id),
        reference=reference(item),
    )
    return Message([section(text), context(small)])


def _duration(item: Item) -> list[str]:
    if item.attempt.sent_at is None or item.ending is None:
        return []
    seconds = round((item.ending.at - item.attempt.sent_at).total_seconds())
    if seconds < 120:
        return [ngettext("Duration: {count} second", "Duration: {count} seconds", max(seconds, 1))]
    return [ngettext("Duration: {count} minute", "Duration: {count} minutes", seconds // 60)]


def _subscriptions(item: Item, outcome: Outcome) -> list[str]:
    """Old and new. A whole transition of new commerce keeps the subscription and its id."""
    change, subscription = item.change, item.subscription
    old, new = escape_mrkdwn(subscription.name), escape_mrkdwn(change.name)
    target = f"`{escape_mrkdwn(outcome.target_subscription_id)}`"
    if outcome.target_subscription_id.lower() == subscription.id.lower():
        same = gettext(
            "Subscription: now {new}, before {old} (the same subscription, {id})",
            new=new,
            old=old,
            id=target,
        )
        return [same]
    if change.into:
        into = escape_mrkdwn(change.into_name or change.into, 60)
        new = gettext("{plan}, moved into “{into}”", plan=new, into=into)
    source = f"`{escape_mrkdwn(subscription.id)}`"
    return [
        gettext("Old subscription: {old}, {left} ({id})", old=old, left=_left(item), id=source),
        gettext("New subscription: {new} ({id})", new=new, id=target),
    ]


def _left(item: Item) -> str:
    """What becomes of the old subscription."""
    if item.subscription.kind is not Kind.NEW_COMMERCE:
        return gettext("suspended")
    rest = item.subscription.seats - item.change.seats
    if not rest:
        return gettext("has ended")
    return ngettext("keeps {count} seat", "keeps {count} seats", rest)


def _licences(item: Item, outcome: Outcome) -> list[Block]:
    failed = outcome.license_errors
    if not outcome.moved:
        why = " ".join(words.public_obstacle(each) for each in outcome.obstacles)
        said = gettext(
            "*The users' licences did not move.* {why} Assign the new ones by hand.", why=why
        )
        return [section(said)]
    if failed:
        return [section(_not_moved(len(failed))), _people(failed[:PEOPLE_SHOWN])]
    if item.change.type is UpgradeType.UPGRADE_ONLY:
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


def licences_file(item: Item, outcome: Outcome | None) -> File | None:
    """Everybody whose licence did not move, where they are more than the table shows."""
    failed = outcome.license_errors if outcome else ()
    if len(failed) <= PEOPLE_SHOWN:
        return None
    heads = [gettext("Person"), gettext("Address"), gettext("User id"), gettext("Why")]
    rows = [[each.name, each.email, each.user_id, " ".join(each.causes)] for each in failed]
    title = gettext("Licences that did not move: {customer}", customer=item.customer.name)
    return csv_file(f"licences-{item.id[:8]}.csv", escape_plain(title, 200), heads, rows)


def failure(request: Request, item: Item, outcome: Outcome) -> tuple[str, str]:
    """What the thread says of an upgrade that did not happen, and the small line below it."""
    who, customer = mention(request.requester), f"*{escape_mrkdwn(item.customer.name)}*"
    if outcome.seen:
        said = gettext(
            "❌ {requester}: {customer}: its answer was lost, and by now the subscription has "
            "changed in another way than this upgrade would have. Look at Partner Center before "
            "you do anything else.",
            requester=who,
            customer=customer,
        )
        return said, reference(item)
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
    return f"{said}\n{rest}", reference(item)


def follow_up(request: Request, item: Item, there: Aftermath) -> str:
    """One line on how a finished upgrade stands, and what is left to do."""
    who = mention(request.requester)
    parts = [gettext("The new plan is {stands}.", stands=_stands(there.target))]
    if there.source and there.target and there.source.id != there.target.id:
        parts.append(gettext("The old subscription is {stands}.", stands=_stands(there.source)))
    parts += _moved_licences(item, there)
    if there.source and there.source.add_ons:
        names = listed(escape_mrkdwn(name, 60) for name in there.source.add_ons[:5])
        parts.append(gettext("⚠️ {who}: left over on the old one: {names}.", who=who, names=names))
    if there.target is None or not there.target.is_active:
        parts.append(gettext("⚠️ {who}: please look at it in Partner Center.", who=who))
    return gettext("Looked after: {findings}", findings=" ".join(parts[:10]))


def _moved_licences(item: Item, there: Aftermath) -> list[str]:
    """Products of which other numbers of licences are assigned than before."""
    before = {each.sku_id.lower(): each for each in item.attempt.licences_before}
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


def reference(item: Item) -> str:
    """What Microsoft's support asks for."""
    return gettext(
        "For Microsoft's support: correlation id {correlation_id}, request id {request_id}",
        correlation_id=item.correlation_id,
        request_id=item.ms_request_id,
    )
