"""Who could approve a request, and why others could not, for `upgrade-bot check` and its card.

The card of several at once has many requests. Each has its own policy and votes, so each is
explained, and what is so of several is said once.
"""

import re

from bot.domain.bundle import is_bundle
from bot.domain.upgrade import UpgradeRequest
from bot.errors import Reason, Refused
from bot.messages.approver_report import Answers, approver_report
from bot.preflight.diagnostics import StartProblem, bad
from bot.requests.decide import Decisions
from bot.slack.people import SlackPeople
from bot.store import Store

CARD = re.compile(r"/archives/(\w+)/p(\d+)(\d{6})(?:\?|$)")
"""The link that Slack copies for a message, and what is in it: channel and time."""

NOT_EXPLAINED = {
    Reason.UNKNOWN_REQUEST: (
        "there is no such request",
        "Copy the link of its card in Slack (More actions > Copy link).",
    ),
    Reason.APPROVERS_UNREADABLE: (
        "Slack does not say who is in the lists of approvers, so nobody could approve it",
        "Check that the user groups exist and the bot is in the channel.",
    ),
}


async def explain(which: str, store: Store, decisions: Decisions, people: SlackPeople) -> list[str]:
    """The lines that say it of a request or of every row of a bundle, named by its id or by the
    link of its card.

    Raises StartProblem where nobody can tell.
    """
    try:
        requests = await _requests(store, which)
    except Refused as refused:
        raise _not_explained("request", refused) from refused
    answers = [(request, await _answers(decisions, request)) for request in requests]
    everybody = dict.fromkeys(who for _, each in answers for who, _ in each)
    names = {who.user_id: await people.name(who) for who in everybody}
    return approver_report(answers, names)


async def _requests(store: Store, which: str) -> tuple[UpgradeRequest, ...]:
    """Raises Refused(UNKNOWN_REQUEST)."""
    id = which.strip()
    if card := CARD.search(which):
        channel, seconds, fraction = card.groups()
        id = await store.shown_at(channel, f"{seconds}.{fraction}")
    if is_bundle(id):
        return (await store.bundles.bundle(id)).rows
    return (await store.request(id),)


async def _answers(decisions: Decisions, request: UpgradeRequest) -> Answers:
    """Raises StartProblem, which names the request: others of its card may have other approvers."""
    try:
        return await decisions.who_may_approve(request)
    except Refused as refused:
        raise _not_explained(f"request {request.id}", refused) from refused


def _not_explained(name: str, refused: Refused) -> StartProblem:
    return StartProblem([bad(name, *NOT_EXPLAINED[refused.reason])])
