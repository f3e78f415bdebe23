"""The thread of a card: the request's history, a message a step, the result among them."""

from bot.domain.subscription import UpgradeType
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
        case Step.DRIFT:
            return _say(
                f"{mention(request.requester)}: *not sent*, because it no longer is what was "
                "approved. The approvals are void; please decide anew.\n"
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
                "did not arrive. *Do not repeat it.* I look at Partner Center until I know, and "
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
    option, subscription = request.option, request.subscription
    head = [
        f"✅ {mention(request.requester)}: *{outside(request.customer.name)}* was upgraded.",
        f"Old subscription: {outside(subscription.name)}, suspended (`{outside(subscription.id)}`)",
        f"New subscription: {outside(option.name)} (`{outside(outcome.target_subscription_id)}`)",
        f"Type: {words.UPGRADE_TYPES[option.type]}",
        f"Seats: {option.seats}",
    ]
    if outcome.seen:
        head.append(
            "The answer itself was lost; this is what Partner Center shows. It does not tell "
            "whether every user's licence moved: please check."
        )
    blocks = [section("\n".join(head)), *_licences(request, outcome), context(reference(request))]
    return Message(blocks)


def _licences(request: UpgradeRequest, outcome: Outcome) -> list[Block]:
    failed = outcome.license_errors
    if failed:
        people = "\n".join(_person(each) for each in failed[:PEOPLE_SHOWN])
        more = len(failed) - PEOPLE_SHOWN
        rest = f"\n… and {more} more, to be seen in Partner Center." if more > 0 else ""
        return [
            section(
                f"*{len(failed)} licences did not move.* Assign the new licence to these people "
                "in the admin centre:"
            ),
            section(people + rest),
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
        why = "the subscription has changed in another way, so this upgrade cannot happen any more."
    elif outcome.obstacles:
        why = " ".join(words.obstacle(each) for each in outcome.obstacles)
    else:
        why = f"Partner Center refused it (HTTP {outcome.status}, code {outside(outcome.code) or 'none'})."
    return _say(
        f"❌ {mention(request.requester)}: *{outside(request.customer.name)}* was not upgraded. {why}\n"
        "This bot has changed nothing. Type `/upgrade` to see what is possible now.",
        reference(request),
    )


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
