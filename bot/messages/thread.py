"""The thread of a card: the request's history, a message a step, the result among them."""

from collections.abc import Callable

from bot.domain.subscription import Kind, Subscription, UpgradeType
from bot.domain.upgrade import Aftermath, Event, LicenseError, Outcome, State, Step, UpgradeRequest
from bot.messages import words
from bot.messages.blocks import (
    Block,
    Message,
    anyone_of,
    context,
    mention,
    moment,
    outside,
    outside_plain,
    section,
    table,
)

PEOPLE_SHOWN = 20


def line(request: UpgradeRequest, event: Event) -> Message | None:
    """What the thread says about a step; None where the card says it all."""
    say = LINES.get(event.step)
    return say(request, event) if say else None


def _approved(request: UpgradeRequest, event: Event) -> Message:
    return _say(f"Approved by {_who(event)}.{_next_after_approval(request, event)}")


def _declined(request: UpgradeRequest, event: Event) -> Message:
    return _say(
        f"{mention(request.requester)}: {_who(event)} declined this: {outside(event.note, 1500)} "
        "Nothing was ordered."
    )


def _withdrawn(_request: UpgradeRequest, event: Event) -> Message:
    return _say(f"{_who(event)} withdrew this. Nothing was ordered.")


def _expired(request: UpgradeRequest, _event: Event) -> Message:
    return _say(
        f"{mention(request.requester)}: this expired before it was approved and confirmed. "
        "Nothing was ordered. Type `/upgrade` to ask again."
    )


def _reminded(request: UpgradeRequest, _event: Event) -> Message:
    missing = request.policy.approvals - len(request.approvals)
    who = ", who are also of ".join(anyone_of(names) for names in request.policy.approvers)
    return _say(
        f"{who}: this still waits for {'an approval' if missing == 1 else f'{missing} approvals'}. "
        f"It expires {moment(request.expires_at)}."
    )


def _claimed(request: UpgradeRequest, event: Event) -> Message:
    return _say(f"Started by {_who(event)}. Partner Center request id {request.ms_request_id}")


def _followed(request: UpgradeRequest, _event: Event) -> Message:
    return _say(
        "Partner Center has taken it and works on it, which takes minutes and sometimes a day. I "
        f"follow it and say here when it is done. Operation {outside(request.operation_id)}"
    )


def _drifted(request: UpgradeRequest, event: Event) -> Message:
    return _say(
        f"{mention(request.requester)}: *not sent*, because it has changed since it was approved. "
        "The approvals are void; please decide again.\n"
        + "\n".join(words.difference(each) for each in event.differences)
    )


def _handed_back(request: UpgradeRequest, event: Event) -> Message:
    return _say(
        f"{mention(request.requester)}: {words.HANDED_BACK[event.note]} *Upgrade now* can be "
        "pressed again.",
        reference(request),
    )


def _lost(request: UpgradeRequest, _event: Event) -> Message:
    return _say(
        f"{mention(request.requester)}: the upgrade was sent, but Partner Center's answer did not "
        "arrive. *Do not repeat it.* I keep looking at Partner Center until I know, and say so here.",
        reference(request),
    )


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
    Step.HAND_BACK: _handed_back,
    Step.LOSE_ANSWER: _lost,
    Step.FINISH: _finished,
    Step.FAIL: _failed,
    Step.CARE: _cared,
}
"""What is said of each step. What is missing here, the card says, or nobody needs to know."""


def result(request: UpgradeRequest, outcome: Outcome) -> Message:
    """The UpgradeResult in words."""
    head = [
        f"✅ {mention(request.requester)}: *{outside(request.customer.name)}* was upgraded.",
        *_subscriptions(request, outcome),
        f"Type: {words.how(request.option)}",
        f"Seats: {request.option.seats}",
        *_duration(request),
    ]
    if outcome.seen:
        head.append(
            "The answer itself was lost; this is what Partner Center shows. It does not tell "
            "whether every user's licence moved: please check."
        )
    blocks = [section("\n".join(head)), *_licences(request, outcome), context(reference(request))]
    return Message(blocks)


def _duration(request: UpgradeRequest) -> list[str]:
    if request.sent_at is None or request.closed_at is None:
        return []
    seconds = round((request.closed_at - request.sent_at).total_seconds())
    if seconds < 2:
        return ["Duration: about a second"]
    return [f"Duration: {f'{seconds} seconds' if seconds < 120 else f'{seconds // 60} minutes'}"]


def _subscriptions(request: UpgradeRequest, outcome: Outcome) -> list[str]:
    """Old and new. A whole transition of new commerce keeps the subscription and its id."""
    option, subscription = request.option, request.subscription
    old, new = outside(subscription.name), outside(option.name)
    target = outside(outcome.target_subscription_id)
    if outcome.target_subscription_id.lower() == subscription.id.lower():
        return [f"Subscription: now {new}, before {old} (the same subscription, `{target}`)"]
    left = "suspended"
    if subscription.kind is Kind.NEW_COMMERCE:
        rest = subscription.seats - option.seats
        left = f"keeps {rest} seats" if rest else "has ended"
    if option.into:
        new = f"{new}, moved into “{outside(option.into_name or option.into, 60)}”"
    return [
        f"Old subscription: {old}, {left} (`{outside(subscription.id)}`)",
        f"New subscription: {new} (`{target}`)",
    ]


def _licences(request: UpgradeRequest, outcome: Outcome) -> list[Block]:
    failed = outcome.license_errors
    if not outcome.moved:
        why = " ".join(words.public_obstacle(each) for each in outcome.obstacles)
        return [section(f"*The users' licences did not move.* {why} Assign the new ones by hand.")]
    if failed:
        shown = failed[:PEOPLE_SHOWN]
        rest = len(failed) - len(shown)
        more = f" And {rest} more, to be seen in Partner Center." if rest else ""
        return [
            section(
                f"*{len(failed)} licences did not move.* Assign the new licence to these people "
                f"in the admin centre.{more}"
            ),
            table([["Person", "Address", "Why"], *(_person(each) for each in shown)]),
        ]
    if request.option.type is UpgradeType.UPGRADE_ONLY:
        return [section("Users keep their old licences until somebody assigns the new ones.")]
    return []


def _person(error: LicenseError) -> list[str]:
    """A row. Twenty of them have to stay below what Slack takes of a table's text."""
    return [
        outside_plain(error.name, 60) or "somebody without a name",
        outside_plain(error.email or error.user_id, 80),
        outside_plain(" ".join(error.causes), 120) or "no reason was given",
    ]


def _failure(request: UpgradeRequest, outcome: Outcome) -> Message:
    if outcome.seen:
        why = (
            "Its answer was lost, and by now the subscription has changed in another way than this "
            "upgrade would have. Look at Partner Center before you do anything else."
        )
        return _say(f"❌ {mention(request.requester)}: {_name(request)} {why}", reference(request))
    if outcome.obstacles:
        why = " ".join(words.public_obstacle(each) for each in outcome.obstacles)
    else:
        why = f"Partner Center refused it (HTTP {outcome.status}, code {outside(outcome.code) or 'none'})."
    return _say(
        f"❌ {mention(request.requester)}: {_name(request)} was not upgraded. {why}\n"
        "This bot has changed nothing. Type `/upgrade` to see what is possible now.",
        reference(request),
    )


def _name(request: UpgradeRequest) -> str:
    return f"*{outside(request.customer.name)}*"


def aftercare(request: UpgradeRequest, there: Aftermath) -> str:
    """One line on how a finished upgrade stands, and what is left to do."""
    parts = [f"The new plan is {_stands(there.target)}."]
    if there.source and there.target and there.source.id != there.target.id:
        parts.append(f"The old subscription is {_stands(there.source)}.")
    before = {count.sku_id.lower(): count for count in request.licences_before}
    for now in there.licences:
        was = before.get(now.sku_id.lower())
        if was is None or (was.assigned, was.total) != (now.assigned, now.total):
            then = f"{was.assigned} of {was.total}" if was else "none"
            parts.append(
                f"Licences of {outside(now.name)}: {now.assigned} of {now.total} assigned, before {then}."
            )
    if there.source and there.source.add_ons:
        names = ", ".join(outside(name, 60) for name in there.source.add_ons[:5])
        parts.append(f"⚠️ {mention(request.requester)}: left over on the old one: {names}.")
    if there.target is None or not there.target.is_active:
        parts.append(f"⚠️ {mention(request.requester)}: please look at it in Partner Center.")
    return "Looked after: " + " ".join(parts[:10])


def _stands(subscription: Subscription | None) -> str:
    if subscription is None:
        return "not to be found"
    return f"{words.status(subscription)}, with {subscription.seats} seats"


def reference(request: UpgradeRequest) -> str:
    """What Microsoft's support asks for."""
    return (
        f"For Microsoft's support: correlation id {request.correlation_id}, "
        f"request id {request.ms_request_id}"
    )


def _next_after_approval(request: UpgradeRequest, event: Event) -> str:
    if event.state is State.APPROVED:
        return f" {mention(request.requester)}: *Upgrade now* can be pressed."
    return ""


def _who(event: Event) -> str:
    return mention(event.by) if event.by else "the bot"


def _say(text: str, small: str = "") -> Message:
    return Message([section(text)] + ([context(small)] if small else []))
