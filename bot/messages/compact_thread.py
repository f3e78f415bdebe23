"""What the thread of several items says once for all that a step hit, and of the request itself."""

from collections import Counter
from collections.abc import Callable

from bot.domain.item import Event, Item, State, Step
from bot.domain.outcome import FollowUp, Outcome
from bot.domain.request import Request, RequestEvent, RequestStep
from bot.errors import Reason
from bot.messages import words
from bot.messages.blocks import (
    Message,
    escape_mrkdwn,
    escape_plain,
    everyone_of,
    link,
    mention,
    moment,
    section,
)
from bot.messages.compact_card import consent_is_long
from bot.messages.files import File, csv_file
from bot.messages.language import N_, gettext, listed, ngettext, sentences
from bot.messages.parts import name, names, upgrades, who_may_confirm

FILE = "upgrades-"
"""What the name of the file of all items begins with."""

COLUMNS = (
    "customer", "domain", "subscription", "from", "to", "seats", "kind", "outcome", "why",
    "new subscription", "correlation id",
)  # fmt: skip
"""The heads of the file; always in English, because programs read it too."""

SKIPPED = {
    Reason.SUBSCRIPTION_BUSY: N_("another upgrade of the same subscription is running"),
    Reason.CHANGED_SINCE: N_("it has changed since it was confirmed"),
    Reason.EXPIRED: N_("it expired before its turn came"),
}
"""Why an item that was confirmed was not claimed."""

ENDS = {
    State.DONE: N_("upgraded"),
    State.FAILED: N_("failed"),
    State.UNKNOWN: N_("being checked"),
    State.PERFORMING: N_("still worked on by Partner Center"),
    State.AWAITING_APPROVAL: N_("waiting for approval"),
    State.APPROVED: N_("approved and not performed"),
    State.DECLINED: N_("declined"),
    State.WITHDRAWN: N_("withdrawn"),
    State.EXPIRED: N_("expired"),
}


def of_request(request: Request, event: RequestEvent) -> tuple[Message | None, File | None]:
    """What is said of a step of the request as a whole, and the file that belongs to it."""
    file = _file(request) if event.step is RequestStep.SUM_UP else None
    return _OF_REQUEST[event.step](request, event), file


def _approved(request: Request, items: list[Item], event: Event) -> Message:
    text = gettext("Approved by {who}: {which}.", who=_who(event), which=_which(request, items))
    ready = request.those(State.APPROVED)
    if ready and not request.is_running and not request.those(State.AWAITING_APPROVAL):
        who = listed(dict.fromkeys(who_may_confirm(item, request) for item in ready))
        text = sentences(text, gettext("{who}: *Upgrade now* can be pressed.", who=who))
    return _message(text)


def _declined(request: Request, items: list[Item], event: Event) -> Message:
    return _message(
        gettext(
            "{requester}: {who} declined {which}: {why} Nothing was ordered for them.",
            requester=mention(request.requester),
            who=_who(event),
            which=_which(request, items),
            why=escape_mrkdwn(event.note, 1500),
        )
    )


def _withdrawn(request: Request, items: list[Item], event: Event) -> Message:
    return _message(
        gettext(
            "{who} withdrew {which}. Nothing was ordered for them.",
            who=_who(event),
            which=_which(request, items),
        )
    )


def _expired(request: Request, items: list[Item], _event: Event) -> Message:
    return _message(
        gettext(
            "{requester}: {which} expired before being approved and confirmed. Nothing was ordered "
            "for them. Type `/upgrade bulk` to ask again.",
            requester=mention(request.requester),
            which=_which(request, items),
        )
    )


def _reminded(_request: Request, items: list[Item], _event: Event) -> Message:
    who = dict.fromkeys(everyone_of(item.policy.approvers) for item in items)
    return _message(
        ngettext(
            "{who}: {count} upgrade still waits for approval. It expires {at}.",
            "{who}: {count} upgrades still wait for approval. The first of them expires {at}.",
            len(items),
            who=gettext("; ").join(list(who)[:4]),
            at=moment(min(item.expires_at for item in items)),
        )
    )


TOGETHER: dict[Step, Callable[[Request, list[Item], Event], Message | None]] = {
    Step.APPROVE: _approved,
    Step.DECLINE: _declined,
    Step.WITHDRAW: _withdrawn,
    Step.EXPIRE: _expired,
    Step.REMIND: _reminded,
    Step.ASK: lambda _request, _items, _event: None,
    Step.CLAIM: lambda _request, _items, _event: None,
    Step.LOOKING: lambda _request, _items, _event: None,
}
"""Steps that are told once for all items that they hit."""


def _asked(request: Request, _event: RequestEvent) -> Message | None:
    """Only what has no room on the card."""
    if not consent_is_long(request):
        return None
    linked = link(request.evidence, gettext("link"))
    return _message(gettext("Customer's consent: {link}", link=linked))


def _confirmed(request: Request, event: RequestEvent) -> Message:
    return _message(
        gettext(
            "Started by {who}: {which}, one after the other.",
            who=_who(event),
            which=_which(request, _items(request, event)),
        )
    )


def _skipped(request: Request, event: RequestEvent) -> Message:
    why = SKIPPED.get(Reason(event.note), N_("it is not as it was confirmed"))
    return _message(
        gettext(
            "{which} was passed over: {why}. Nothing was sent for it.",
            which=name(request.item(event.items[0])),
            why=gettext(why),
        )
    )


def _stopped(request: Request, event: RequestEvent) -> Message:
    left = len(request.those(State.APPROVED))
    return _message(
        ngettext(
            "✋ {requester}: *stopped*, because {count} upgrade failed, is not known to have worked, "
            "or came back: {which}. The policy allows {allowed}. {left} approved, and *Upgrade now* "
            "can be pressed again.",
            "✋ {requester}: *stopped*, because {count} upgrades failed, are not known to have worked, "
            "or came back: {which}. The policy allows {allowed}. {left} approved, and *Upgrade now* "
            "can be pressed again.",
            len(event.items),
            requester=mention(request.requester),
            which=_which(request, _items(request, event)),
            allowed=request.failures_allowed,
            left=ngettext("{count} upgrade stays", "{count} upgrades stay", left),
        )
    )


def _ended(request: Request, event: RequestEvent) -> Message:
    return _message(
        gettext(
            "{requester}: everything that was started has had its turn: {ends}.",
            requester=mention(request.requester),
            ends=_ends(_items(request, event)),
        )
    )


def _summed_up(request: Request, _event: RequestEvent) -> Message:
    return _message(
        gettext(
            "{requester}: everything is settled: {ends}.",
            requester=mention(request.requester),
            ends=_ends(list(request.items)),
        )
    )


def _followed_up(request: Request, _event: RequestEvent) -> Message | None:
    """One line for all: fifty times that all is well would be too much. Of looks by a version that
    did not store what they came to nothing is said."""
    found = Counter(item.ending.followed_up for item in request.items if item.ending)
    well, left, not_seen = (found[each] for each in FollowUp)
    said = []
    if well:
        said.append(
            ngettext(
                "The new plan of {count} upgrade is active, and nothing is left over.",
                "The new plans of {count} upgrades are active, and nothing is left over.",
                well,
            )
        )
    if left:
        said.append(
            ngettext(
                "With {count} something is left to do: its own line above says what.",
                "With {count} something is left to do: their own lines above say what.",
                left,
            )
        )
    if not_seen:
        said.append(
            ngettext("{count} could not be looked at.", "{count} could not be looked at.", not_seen)
        )
    if not said:
        return None
    return _message(gettext("Looked after: {findings}", findings=sentences(*said)))


_OF_REQUEST: dict[RequestStep, Callable[[Request, RequestEvent], Message | None]] = {
    RequestStep.ASK: _asked,
    RequestStep.CONFIRM: _confirmed,
    RequestStep.SKIP: _skipped,
    RequestStep.STOP: _stopped,
    RequestStep.END: _ended,
    RequestStep.SUM_UP: _summed_up,
    RequestStep.FOLLOW_UP: _followed_up,
}


def _items(request: Request, event: RequestEvent) -> list[Item]:
    return [request.item(each) for each in event.items]


def _ends(items: list[Item]) -> str:
    """How many ended how, in the order of the states."""
    counted = [(gettext(ENDS[state]), sum(i.state is state for i in items)) for state in ENDS]
    return listed(f"{number} {word}" for word, number in counted if number)


def _which(request: Request, items: list[Item]) -> str:
    """The items of a step: all of them, or which."""
    if len(items) == len(request.items):
        return ngettext("all {count} upgrades", "all {count} upgrades", len(items))
    return gettext("{upgrades} ({which})", upgrades=upgrades(len(items)), which=names(items))


def _who(event: Event | RequestEvent) -> str:
    return mention(event.by) if event.by else gettext("the bot")


def _message(text: str) -> Message:
    return Message([section(text)])


def _file(request: Request) -> File:
    """All items, when everything is settled."""
    title = gettext("What became of {upgrades}", upgrades=upgrades(len(request.items)))
    return csv_file(f"{FILE}{request.id[-12:]}.csv", title, COLUMNS, map(_cells, request.items))


def _cells(item: Item) -> list[str]:
    cells = [
        item.customer.name,
        item.customer.domain,
        item.subscription.id,
        item.subscription.name,
        item.change.name,
        str(item.change.seats),
        item.change.type.value,
        item.state.value,
        _why(item, item.outcome),
        item.outcome.target_subscription_id,
        item.correlation_id,
    ]
    return [escape_plain(each, 1000) for each in cells]


def _why(item: Item, outcome: Outcome) -> str:
    """Why it is not simply done; for the whole channel, so without Microsoft's own text."""
    if item.ending and item.ending.because:
        return item.ending.because
    parts = [words.public_obstacle(each) for each in outcome.obstacles]
    if outcome.status:
        parts.append(f"HTTP {outcome.status} {outcome.code}".strip())
    if outcome.license_errors:
        number = len(outcome.license_errors)
        parts.append(
            ngettext("{count} licence did not move", "{count} licences did not move", number)
        )
    if outcome.seen:
        parts.append(gettext("the answer was lost; this is what Partner Center shows"))
    return gettext("; ").join(parts)
