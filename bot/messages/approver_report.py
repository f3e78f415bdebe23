"""What `upgrade-bot check` says about the requests of a card: how they stand, and who could approve
them.

For a terminal: people by their names, nothing of Slack's markup.
"""

from collections.abc import Mapping, Sequence

from bot.domain.item import Item, State
from bot.domain.policy import Person
from bot.errors import Reason

Answers = Sequence[tuple[Person, Reason | None]]
"""People, and why each could not approve."""

WHY_NOT = {
    Reason.OWN_REQUEST: "asked for it, and nobody approves their own request",
    Reason.MAY_NOT_APPROVE: "is not in every list of approvers",
    Reason.NOT_A_MEMBER: "is a guest, a bot, deactivated, or of another workspace",
    Reason.MEMBER_UNREADABLE: "Slack does not say who this is, and what is unclear means no",
    Reason.APPROVERS_UNREADABLE: "Slack does not say who is in the lists, and that means no",
    Reason.VOTED_ALREADY: "has approved it already, and everybody has one vote",
    Reason.WRONG_STATE: "it does not wait for an approval",
    Reason.EXPIRED: "it has expired",
}

STANDS = {
    State.AWAITING_APPROVAL: "It waits for approval.",
    State.APPROVED: "It is approved and waits for Upgrade now.",
    State.PERFORMING: "It is being performed.",
    State.UNKNOWN: "It was sent, and the bot is finding out what came of it.",
    State.DONE: "It is done.",
    State.FAILED: "It has failed.",
    State.DECLINED: "It was declined.",
    State.WITHDRAWN: "It was withdrawn.",
    State.EXPIRED: "It has expired.",
}


def approver_report(answers: Sequence[tuple[Item, Answers]], names: Mapping[str, str]) -> list[str]:
    """The lines about one or more requests; those of which the same is to be said stand together.
    `names`: what people are called, by their ids."""
    said: dict[tuple[str, ...], list[Item]] = {}
    for request, each in answers:
        said.setdefault(_who_could(request, each, names), []).append(request)
    lines: list[str] = []
    for who_could, requests in said.items():
        lines += [""] if lines else []
        lines += [line for request in requests for line in _what(request)]
        lines += [f"Of each of these {len(requests)} requests:"] if len(requests) > 1 else []
        lines += who_could
    return lines


def _what(request: Item) -> list[str]:
    return [
        f"Request {request.id}",
        f"{request.customer.name}: {request.subscription.name} to {request.change.name}, "
        f"{request.change.seats} seats",
    ]


def _who_could(request: Item, answers: Answers, names: Mapping[str, str]) -> tuple[str, ...]:
    policy = request.policy
    lists = "; and in: ".join(", ".join(sorted(each)) for each in policy.approvers)
    people = [(f"{names[who.user_id]} ({who.user_id})", why) for who, why in answers]
    may = [f"  yes  {name}: a full member, in every list" for name, why in people if why is None]
    no = [f"  no   {name}: {WHY_NOT[why]}" for name, why in people if why is not None]
    have = f"{len(request.votes.approvals)} of {policy.approvals} approvals"
    return (
        f"{STANDS[request.state]} It has {have}, and expires "
        f"{request.expires_at:%Y-%m-%d %H:%M} UTC.",
        f"By the policy that it was asked under, approvers are in: {lists}.",
        f"Who could approve it now ({len(may)}):",
        *may,
        *no,
    )
