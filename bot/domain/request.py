"""A request: one to fifty items that were asked for together and are shown by one card.

What it shows follows from its items. The steps, each from a request to a `Transition`, are in
`steps.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.item import IN_FLIGHT, OPEN, Item, ItemTransition, State
from bot.domain.policy import Person
from bot.errors import Reason

MOST_ITEMS = 50


class RequestStep(StrEnum):
    """What can happen to a request as a whole. The values are the words of stored histories."""

    ASK = "ask"
    CONFIRM = "confirm"
    SKIP = "skip"
    """An item that had been confirmed could not be claimed any more; `note` is the reason."""

    STOP = "stop"
    """More items failed than may; the rest is left alone."""

    END = "end"
    """All items that were confirmed have been claimed, and others are still open."""

    SUM_UP = "sum_up"
    """Every item has come to its end."""

    FOLLOW_UP = "follow_up"
    """Every finished item was looked at once more."""


@dataclass(frozen=True, slots=True)
class RequestEvent:
    """One line of a request's own history, about some or all of its items."""

    step: RequestStep
    at: datetime
    by: Person | None = None
    items: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class CardRef:
    """What a card's buttons stand for: a request, good for the rounds of approvals and the
    attempts to perform that the card was shown in, each summed over the items."""

    request_id: str
    round: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An item as it was when it was confirmed, and by whom."""

    item_id: str
    round: int
    attempt: int
    by: Person


@dataclass(frozen=True, slots=True)
class Run:
    """What the newest confirmation is about: the items in the order in which they are claimed.

    `skipped` are those that could not be claimed any more. `is_stopped` after too many failures;
    `is_told` once its end was told.
    """

    by: Person
    at: datetime
    items: tuple[Confirmed, ...]
    skipped: tuple[str, ...] = ()
    is_stopped: bool = False
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """Items that were asked for together, and how far they were performed.

    `version` counts the lines of its own history, `revision` every transaction that changed it or
    an item; `changed_at` is when the last one was. `correlation_id` is that of the click that
    asked; each item has one of its own.
    """

    id: str
    version: int
    workspace: str
    channel_id: str
    requester: Person
    reason: str
    evidence: str
    correlation_id: str
    created_at: datetime
    failures_allowed: int = 0
    item_ids: tuple[str, ...] = ()
    run: Run | None = None
    is_summed_up: bool = False
    is_followed_up: bool = False
    revision: int = 0
    changed_at: datetime | None = None
    items: tuple[Item, ...] = ()

    @property
    def card_ref(self) -> CardRef:
        """What the buttons of its card stand for now."""
        rounds = sum(item.votes.round for item in self.items)
        return CardRef(self.id, rounds, sum(item.attempt.number for item in self.items))

    @property
    def is_single(self) -> bool:
        """Whether it has one item."""
        return len(self.items) == 1

    def item(self, item_id: str) -> Item:
        """One of its items. Raises LookupError."""
        found = [item for item in self.items if item.id == item_id]
        if not found:
            raise LookupError(item_id)
        return found[0]

    def those(self, *states: State) -> tuple[Item, ...]:
        """The items that are in one of these states."""
        return tuple(item for item in self.items if item.state in states)

    @property
    def is_running(self) -> bool:
        """Whether confirmed items are still to be claimed, or one holds up the next."""
        return self.run is not None and (self.next is not None or bool(self.at_work))

    @property
    def next(self) -> Confirmed | None:
        """The item that is claimed next, as it was confirmed; None when none is."""
        if self.run is None or self.run.is_stopped:
            return None
        return next((each for each in self.run.items if self._is_left(each)), None)

    @property
    def at_work(self) -> tuple[Item, ...]:
        """The items that hold up the next one."""
        return tuple(item for item in self.items if _holds_up(item))

    @property
    def confirmed(self) -> tuple[Item, ...]:
        """The items that the newest confirmation is about, in the order in which they are
        claimed."""
        return tuple(self.item(each.item_id) for each in self.run.items) if self.run else ()

    @property
    def over(self) -> tuple[Item, ...]:
        """Those of them that had their turn, and hold up nothing any more."""
        if self.run is None:
            return ()
        had = (self.item(each.item_id) for each in self.run.items if not self._is_left(each))
        return tuple(item for item in had if not _holds_up(item))

    @property
    def in_trouble(self) -> tuple[Item, ...]:
        """The confirmed items that failed, whose end is not known, or that came back without having
        been sent: what is wrong there may be wrong for the next one too."""
        pairs = zip(self.run.items, self.confirmed, strict=True) if self.run else ()
        return tuple(item for each, item in pairs if _is_in_trouble(each, item))

    @property
    def is_settled(self) -> bool:
        """Whether nothing will happen to any item any more, by people or by Partner Center."""
        return not self.those(*OPEN, *IN_FLIGHT)

    def _is_left(self, each: Confirmed) -> bool:
        """Whether a confirmed item still waits for its turn."""
        item, skipped = self.item(each.item_id), self.run.skipped if self.run else ()
        untouched = item.state is State.APPROVED and item.attempt.number == each.attempt
        return untouched and item.id not in skipped


class Status(StrEnum):
    """What a request shows as."""

    RUNNING = "running"
    STOPPED = "stopped"
    WAITING = "waiting"
    APPROVED = "approved"
    CHECKING = "checking"
    DONE = "done"
    PARTLY_DONE = "partly_done"
    FAILED = "failed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    CLOSED = "closed"


def status(request: Request) -> Status:
    """What a request shows as follows from its items and its confirmation."""
    if request.is_running and not (request.is_single and request.those(State.UNKNOWN)):
        return Status.RUNNING
    if request.run and request.run.is_stopped and request.those(State.APPROVED):
        return Status.STOPPED
    for state, shown in _SHOWN_FIRST.items():
        if request.those(state):
            return shown
    tried = {item.state for item in request.items if item.attempt.number}
    ends = tried or {item.state for item in request.items}
    if len(ends) == 1:
        return Status(ends.pop())
    return Status.PARTLY_DONE if State.DONE in ends else Status.CLOSED


_SHOWN_FIRST = {
    State.AWAITING_APPROVAL: Status.WAITING,
    State.APPROVED: Status.APPROVED,
    State.UNKNOWN: Status.CHECKING,
    State.PERFORMING: Status.RUNNING,
}


Kept = tuple[Item, Reason]
"""An item that a person's step did not change, and why."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A step of a request: the request after it, its items' steps, the line of its own history if
    there is one, and what the step could not change."""

    request: Request
    items: tuple[ItemTransition, ...] = ()
    event: RequestEvent | None = None
    kept: tuple[Kept, ...] = field(default=())


Forbids = Callable[[Item], Reason | None]
"""Why Slack's answers forbid a person to decide about an item; None when they allow it."""


def _holds_up(item: Item) -> bool:
    """Whether the next item has to wait for it: not for what Partner Center works on, and where
    the answer was lost only until the bot has looked once."""
    if item.state is State.UNKNOWN:
        return item.attempt.looks == 0
    return item.state is State.PERFORMING and not item.attempt.operation_id


def _is_in_trouble(confirmed: Confirmed, item: Item) -> bool:
    if item.state in (State.FAILED, State.UNKNOWN):
        return True
    came_back = item.state is State.APPROVED and item.attempt.number > confirmed.attempt
    return came_back and item.votes.round == confirmed.round
