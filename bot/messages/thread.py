"""The thread of a card: the request's history, a message a step, the result among them."""

from bot.domain.subscription import Kind, UpgradeType
from bot.domain.upgrade import Event, LicenseError, Outcome, State, Step, UpgradeRequest
from bot.messages import words
from bot.messages.blocks import Block, Message, context, mention, outside, section

PEOPLE_SHOWN = 20


def line(request: UpgradeRequest, event: Event) -> Message | None:
    """What the thread says about a step; None where the card says it all."""
    match event.step:
        case Step.APPROVE:
            return _say(f"Approved by {_who(event)}.{_next_after_approval(request, event)}")
        case Step.DECLINE:
            return _say(
                f"{mention(request.requester)}: {_who(event)} declined this: "
                f"{outside(event.note, 1500)} Nothing was ordered."
            )
        case Step.WITHDRAW:
            return _say(f"{_who(event)} withdrew this. Nothing was ordered.")
        case Step.EXPIRE:
            return _say(
                f"{mention(request.requester)}: this expired before it was approved and confirmed. "
                "Nothing was ordered. Type `/upgrade` to ask again."
            )
        case Step.CLAIM:
            return _say(
                f"Started by {_who(event)}. Partner Center request id {request.ms_request_id}"
            )
        case Step.FOLLOW:
            return _say(
                "Partner Center has taken it and works on it, which takes minutes and sometimes a "
                f"day. I follow it and say here when it is done. Operation {outside(request.operation_id)}"
            )
        case Step.DRIFT:
            return _say(
                f"{mention(request.requester)}: *not sent*, because it has changed since it "
                "was approved. The approvals are void; please decide again.\n"
                + "\n".join(words.difference(each) for each in event.differences)
            )
        case Step.HAND_BACK:
            return _say(
                f"{mention(request.requester)}: {words.HANDED_BACK[event.note]} "
                "*Upgrade now* can be pressed again.",
                reference(request),
            )
        case Step.LOSE_ANSWER:
            return _say(
                f"{mention(request.requester)}: the upgrade was sent, but Partner Center's answer "
                "did not arrive. *Do not repeat it.* I keep looking at Partner Center until I know, and "
                "say so here.",
                reference(request),
            )
        case Step.FINISH:
            return result(request, event.outcome or Outcome())
        case Step.FAIL:
            return _failure(request, event.outcome or Outcome())
        case _:
            return None


def result(request: UpgradeRequest, outcome: Outcome) -> Message:
    """The UpgradeResult in words."""
    head = [
        f"✅ {mention(request.requester)}: *{outside(request.customer.name)}* was upgraded.",
        *_subscriptions(request, outcome),
        f"Type: {words.how(request.option)}",
        f"Seats: {request.option.seats}",
    ]
    if outcome.seen:
        head.append(
            "The answer itself was lost; this is what Partner Center shows. It does not tell "
            "whether every user's licence moved: please check."
        )
    blocks = [section("\n".join(head)), *_licences(request, outcome), context(reference(request))]
    return Message(blocks)


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
        groups = [shown[start : start + 5] for start in range(0, len(shown), 5)]
        rest = len(failed) - len(shown)
        return [
            section(
                f"*{len(failed)} licences did not move.* Assign the new licence to these people "
                "in the admin centre:"
            ),
            *(section("\n".join(_person(each) for each in group)) for group in groups),
            *([section(f"… and {rest} more, to be seen in Partner Center.")] if rest else []),
        ]
    if request.option.type is UpgradeType.UPGRADE_ONLY:
        return [section("Users keep their old licences until somebody assigns the new ones.")]
    return []


def _person(error: LicenseError) -> str:
    who = outside(error.name, 60) or "somebody without a name"
    where = outside(error.email or error.user_id, 80)
    return f"• {who} ({where}): {outside(' '.join(error.causes), 120) or 'no reason was given'}"


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
