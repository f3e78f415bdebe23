"""Who could approve a request, and why others could not, for `upgrade-bot check` and its card.

Each item of a request has its own policy and votes, so each is explained, and what is so of several
is said once.
"""

import re

from bot.domain.item import Item
from bot.domain.request import Request
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
    """The lines that say it of every item of a request, named by its id, by that of an item, or by
    the link of its card.

    Raises StartProblem where it cannot be found out.
    """
    try:
        request = await _request(store, which)
    except Refused as refused:
        raise _not_explained("request", refused) from refused
    answers = [(item, await _answers(decisions, request, item)) for item in request.items]
    everybody = dict.fromkeys(who for _, each in answers for who, _ in each)
    names = {who.user_id: await people.name(who) for who in everybody}
    return approver_report(answers, names)


async def _request(store: Store, which: str) -> Request:
    """Raises Refused(UNKNOWN_REQUEST)."""
    id = which.strip()
    if card := CARD.search(which):
        channel, seconds, fraction = card.groups()
        id = await store.cards.request_at(channel, f"{seconds}.{fraction}")
    try:
        return await store.requests.get(id)
    except Refused:
        return await store.requests.of_item(id)


async def _answers(decisions: Decisions, request: Request, item: Item) -> Answers:
    """Raises StartProblem, which names the item: others of its card may have other approvers."""
    try:
        return await decisions.who_may_approve(request, item)
    except Refused as refused:
        raise _not_explained(f"request {item.id}", refused) from refused


def _not_explained(name: str, refused: Refused) -> StartProblem:
    return StartProblem([bad(name, *NOT_EXPLAINED[refused.reason])])
