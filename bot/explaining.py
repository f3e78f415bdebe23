"""Who could approve a request, and why others could not, for `upgrade-bot check` and its card."""

import re

from bot.errors import Reason, Refused
from bot.findings import StartProblem, bad
from bot.messages.explanation import explanation
from bot.people import SlackPeople
from bot.store import Store
from bot.workflow import Workflow

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


async def explain(which: str, store: Store, workflow: Workflow, people: SlackPeople) -> list[str]:
    """The lines that say it of a request, named by its id or by the link of its card.

    Raises StartProblem where nobody can tell.
    """
    try:
        request = await store.request(await _request_id(store, which))
        answers = await workflow.who_may_approve(request)
    except Refused as refused:
        raise StartProblem([bad("request", *NOT_EXPLAINED[refused.reason])]) from refused
    names = {who.user_id: await people.name(who) for who, _ in answers}
    return explanation(request, answers, names)


async def _request_id(store: Store, which: str) -> str:
    """Raises Refused(UNKNOWN_REQUEST)."""
    if card := CARD.search(which):
        channel, seconds, fraction = card.groups()
        return await store.request_at(channel, f"{seconds}.{fraction}")
    return which.strip()
