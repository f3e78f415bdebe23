"""Several upgrades at once: one bundle, whose rows are requests like any other.

People decide about a bundle, and each of its rows takes its ordinary step of `story.py`. A step
here leads from a bundle to `(the bundle after it, the steps of its rows, what goes into its
history)`; all of it is stored in one transaction.

Once somebody has confirmed, the bot begins one row after the other. A row that is begun is
performed as any request is, and what becomes of it moves the bundle on (`moved`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.domain import lifecycle
from bot.domain.policy import Person
from bot.domain.upgrade import CardRef, Event, State, Transition, UpgradeRequest
from bot.errors import Reason, Refused

PREFIX = "bundle/"
"""What the id of every bundle begins with, and of no request."""

MOST_ROWS = 50

IN_FLIGHT = (State.PERFORMING, State.UNKNOWN)
OPEN = (State.AWAITING_APPROVAL, State.APPROVED)


def is_bundle(id: str) -> bool:
    """Whether it is the id of a bundle, and not of a request."""
    return id.startswith(PREFIX)


class BundleStep(StrEnum):
    """What can happen to a bundle."""

    ASK = "ask"
    APPROVE = "approve"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    REMIND = "remind"
    EXPIRE = "expire"
    CONFIRM = "confirm"
    BEGIN = "begin"
    """A row was claimed for performing."""

    SKIP = "skip"
    """A row that had been confirmed could not be begun any more; `note` is the reason."""

    MOVE = "move"
    """A row took a step of its own."""

    STOP = "stop"
    """More rows failed than may; the rest is left alone."""

    END = "end"
    """All rows that were confirmed have been begun."""

    SUM_UP = "sum_up"
    """Every row has come to its end."""


@dataclass(frozen=True, slots=True)
class BundleEvent:
    """One line of a bundle's history: what happened to which rows. `kept` are the rows that
    somebody wanted to decide about and could not, with why; `of` is a row's own step."""

    step: BundleStep
    at: datetime
    by: Person | None = None
    rows: tuple[str, ...] = ()
    note: str = ""
    kept: tuple[tuple[str, Reason], ...] = ()
    of: Event | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rows that were asked for together, and how far they were performed.

    `confirmed` are the rows, as they were, that the last confirmation was about: `begun` of them
    were begun or skipped, in that order, and `at_work` is the id of the one that holds up the next;
    empty when none does. `moved_at` is when something last happened. `correlation_id` is that of
    the click that asked; each row has one of its own. `rows` are all rows as they are now.
    """

    id: str
    version: int
    requester: Person
    channel_id: str
    reason: str
    evidence: str
    request_ids: tuple[str, ...]
    failures_allowed: int
    created_at: datetime
    moved_at: datetime
    confirmed_by: Person | None = None
    confirmed_at: datetime | None = None
    confirmed: tuple[CardRef, ...] = ()
    begun: int = 0
    at_work: str = ""
    is_running: bool = False
    is_stopped: bool = False
    is_summed_up: bool = False
    correlation_id: str = ""
    rows: tuple[UpgradeRequest, ...] = ()

    @property
    def card_ref(self) -> CardRef:
        """What the buttons of its card stand for: good for these rounds of approvals, and these
        attempts to perform."""
        rounds, attempts = (row.round for row in self.rows), (row.attempt for row in self.rows)
        return CardRef(self.id, sum(rounds), sum(attempts))

    def row(self, request_id: str) -> UpgradeRequest:
        """One of its rows. Raises LookupError."""
        found = [row for row in self.rows if row.id == request_id]
        if not found:
            raise LookupError(request_id)
        return found[0]

    def those(self, *states: State) -> tuple[UpgradeRequest, ...]:
        """The rows that are in one of these states."""
        return tuple(row for row in self.rows if row.state in states)

    @property
    def run(self) -> tuple[UpgradeRequest, ...]:
        """The rows that the last confirmation was about, in the order they are begun."""
        return tuple(self.row(card_ref.request_id) for card_ref in self.confirmed)

    @property
    def in_trouble(self) -> tuple[UpgradeRequest, ...]:
        """The rows of the last confirmation that failed, whose end is not known, or that came
        back without having been sent: whatever is wrong there may be wrong for the next too."""
        pairs = zip(self.confirmed[: self.begun], self.run, strict=False)
        return tuple(row for card_ref, row in pairs if _is_in_trouble(card_ref, row))

    @property
    def is_settled(self) -> bool:
        """Whether nothing will happen to any row any more, by people or by Partner Center."""
        return not self.is_running and not self.those(*OPEN, *IN_FLIGHT)


BundleTransition = tuple[Bundle, tuple[Transition, ...], BundleEvent]

WhyNot = Callable[[UpgradeRequest], Reason | None]
"""Why Slack's answers forbid somebody to decide about a row; None when they allow it."""


def ask(bundle: Bundle, rows: tuple[UpgradeRequest, ...]) -> BundleTransition:
    """The first step. Raises Refused when a row lacks what its policy demands."""
    taken = tuple(lifecycle.ask(row) for row in rows)
    asked = replace(bundle, request_ids=tuple(row.id for row in rows))
    event = BundleEvent(BundleStep.ASK, bundle.created_at, bundle.requester)
    return _take(asked, event, taken)


def approve(
    bundle: Bundle, who: Person, at: datetime, rounds: int, why_not: WhyNot
) -> BundleTransition:
    """One more yes to every row that waits for one, as far as this person may."""
    _check_rounds(bundle, rounds)
    waiting = bundle.those(State.AWAITING_APPROVAL)
    taken, kept = _decided(
        waiting, why_not, lambda row: lifecycle.approve(row, who, at, row.round), bundle
    )
    return _take(bundle, BundleEvent(BundleStep.APPROVE, at, who, kept=kept), taken)


def decline(
    bundle: Bundle,
    who: Person,
    at: datetime,
    rounds: int,
    why: str,
    which: frozenset[str],
    why_not: WhyNot,
) -> BundleTransition:
    """A no, and why, to those of `which` that are still open. One that has been begun or closed
    since they were chosen is named as kept."""
    if not why:
        raise Refused(Reason.REASON_MISSING)
    _check_rounds(bundle, rounds)
    chosen = [row for row in bundle.rows if row.id in which]
    taken, kept = _decided(
        chosen, why_not, lambda row: lifecycle.decline(row, who, at, row.round, why), bundle
    )
    return _take(bundle, BundleEvent(BundleStep.DECLINE, at, who, note=why, kept=kept), taken)


def withdraw(bundle: Bundle, who: Person, at: datetime) -> BundleTransition:
    """The requester takes back whatever is not begun yet."""
    if who != bundle.requester:
        raise Refused(Reason.MAY_NOT_WITHDRAW, request=bundle.rows[0])
    taken, kept = _decided(
        bundle.those(*OPEN), _nothing_forbids, lambda row: lifecycle.withdraw(row, who, at), bundle
    )
    return _take(bundle, BundleEvent(BundleStep.WITHDRAW, at, who, kept=kept), taken)


def confirm(
    bundle: Bundle, who: Person, at: datetime, rounds: int, attempts: int, why_not: WhyNot
) -> BundleTransition:
    """*Upgrade now*: every approved row that this person may start will be begun, as it is now.
    Nothing is claimed yet."""
    if bundle.is_running:
        raise Refused(Reason.BUNDLE_RUNNING, bundle=bundle)
    if (rounds, attempts) != (bundle.card_ref.round, bundle.card_ref.attempt):
        raise Refused(Reason.CHANGED_SINCE, bundle=bundle)
    claims, kept = _decided(
        bundle.those(State.APPROVED),
        why_not,
        lambda row: lifecycle.claim(row, who, at, row.round, row.attempt),
        bundle,
    )
    ids = {claimed.id for claimed, _ in claims}
    rows = [row for row in bundle.rows if row.id in ids]
    confirmed = replace(
        bundle,
        confirmed_by=who,
        confirmed_at=at,
        confirmed=tuple(CardRef(row.id, row.round, row.attempt) for row in rows),
        begun=0,
        is_running=True,
        is_stopped=False,
    )
    ids_in_order = tuple(row.id for row in rows)
    return _take(confirmed, BundleEvent(BundleStep.CONFIRM, at, who, ids_in_order, kept=kept))


def begin(bundle: Bundle, at: datetime) -> BundleTransition:
    """The next row is claimed, as it was confirmed, for whoever confirmed. Raises Refused when it
    is not as it was."""
    card_ref = _next(bundle)
    if card_ref is None or bundle.confirmed_by is None:
        raise Refused(Reason.WRONG_STATE, bundle=bundle)
    row = bundle.row(card_ref.request_id)
    claimed = lifecycle.claim(row, bundle.confirmed_by, at, card_ref.round, card_ref.attempt)
    begun = replace(bundle, begun=bundle.begun + 1, at_work=row.id)
    return _take(begun, BundleEvent(BundleStep.BEGIN, at, bundle.confirmed_by), (claimed,))


def skip(bundle: Bundle, at: datetime, begun: int, reason: Reason) -> BundleTransition:
    """The row after `begun` could not be begun."""
    card_ref = _next(bundle)
    if card_ref is None or bundle.begun != begun:
        raise Refused(Reason.WRONG_STATE, bundle=bundle)
    skipped = replace(bundle, begun=begun + 1)
    passed_over = (card_ref.request_id,)
    return _take(skipped, BundleEvent(BundleStep.SKIP, at, None, passed_over, reason.value))


def stop(bundle: Bundle, at: datetime) -> BundleTransition:
    """Too much went wrong. What is approved stays so, and a person may confirm it again."""
    if due(bundle, at) is not BundleStep.STOP:
        raise Refused(Reason.WRONG_STATE, bundle=bundle)
    rows = tuple(row.id for row in bundle.in_trouble)
    stopped = replace(bundle, is_running=False, is_stopped=True)
    return _take(stopped, BundleEvent(BundleStep.STOP, at, None, rows))


def end(bundle: Bundle, at: datetime) -> BundleTransition:
    """Everything that was confirmed has been begun, and nothing holds up the rest."""
    if due(bundle, at) is not BundleStep.END:
        raise Refused(Reason.WRONG_STATE, bundle=bundle)
    ids = tuple(row.id for row in bundle.run)
    ended = replace(bundle, is_running=False)
    return _take(ended, BundleEvent(BundleStep.END, at, None, ids))


def sum_up(bundle: Bundle, at: datetime) -> BundleTransition:
    """Every row has come to its end, and the result is told as a whole."""
    if due(bundle, at) is not BundleStep.SUM_UP:
        raise Refused(Reason.WRONG_STATE, bundle=bundle)
    return _take(replace(bundle, is_summed_up=True), BundleEvent(BundleStep.SUM_UP, at))


def remind(bundle: Bundle, at: datetime) -> BundleTransition:
    """The approvers are asked once more, about all rows for which it is time."""
    taken = tuple(lifecycle.remind(row, at) for row in _to_remind_of(bundle, at))
    if not taken:
        raise Refused(Reason.WRONG_STATE, bundle=bundle)
    return _take(bundle, BundleEvent(BundleStep.REMIND, at), taken)


def expire(bundle: Bundle, at: datetime) -> BundleTransition:
    """Time is up for some rows."""
    taken = tuple(lifecycle.expire(row, at) for row in _late(bundle, at))
    if not taken:
        raise Refused(Reason.WRONG_STATE, bundle=bundle)
    return _take(bundle, BundleEvent(BundleStep.EXPIRE, at), taken)


def moved(bundle: Bundle, row: UpgradeRequest, event: Event) -> BundleTransition:
    """A row took a step by itself; the row is in `bundle.rows` as it is after that."""
    freed = row.id == bundle.at_work and not _holds_up(row)
    after = replace(bundle, at_work="" if freed else bundle.at_work)
    return _take(after, BundleEvent(BundleStep.MOVE, event.at, event.by, (row.id,), of=event))


def due(bundle: Bundle, now: datetime) -> BundleStep | None:
    """What the bot has to do by itself now."""
    if _late(bundle, now):
        return BundleStep.EXPIRE
    if _to_remind_of(bundle, now):
        return BundleStep.REMIND
    if bundle.is_running and not bundle.at_work:
        if _next(bundle) is None:
            return BundleStep.END
        stop = len(bundle.in_trouble) > bundle.failures_allowed
        return BundleStep.STOP if stop else BundleStep.BEGIN
    return BundleStep.SUM_UP if _is_to_be_summed_up(bundle) else None


def due_at(bundle: Bundle) -> datetime | None:
    """When the bot has to attend to the bundle by itself; None when never."""
    if (bundle.is_running and not bundle.at_work) or _is_to_be_summed_up(bundle):
        return bundle.moved_at
    times = [row.expires_at for row in bundle.those(*OPEN)]
    times += [lifecycle.remind_at(row) for row in bundle.those(State.AWAITING_APPROVAL)]
    return min(times, default=None)


def _take(bundle: Bundle, event: BundleEvent, taken: Iterable[Transition] = ()) -> BundleTransition:
    """The bundle with its rows as they are after their steps. The event is about those rows, unless
    it names others."""
    taken = tuple(taken)
    now = {row.id: row for row in bundle.rows} | {row.id: row for row, _ in taken}
    after = replace(
        bundle,
        version=bundle.version + 1,
        moved_at=event.at,
        rows=tuple(now[id] for id in bundle.request_ids),
    )
    ids = event.rows or tuple(row.id for row, _ in taken)
    return after, taken, replace(event, rows=ids)


def _decided(
    rows: Iterable[UpgradeRequest],
    why_not: WhyNot,
    step: Callable[[UpgradeRequest], Transition],
    bundle: Bundle,
) -> tuple[list[Transition], tuple[tuple[str, Reason], ...]]:
    """The step of each row that can take it, and the others with why they cannot. Raises Refused,
    as for a single request, when none can."""
    taken: list[Transition] = []
    refusals: list[tuple[UpgradeRequest, Refused]] = []
    for row in rows:
        try:
            if reason := why_not(row):
                raise Refused(reason, request=row)
            taken.append(step(row))
        except Refused as refused:
            refusals.append((row, refused))
    if not taken:
        raise refusals[0][1] if refusals else Refused(Reason.NOTHING_TO_DECIDE, bundle=bundle)
    return taken, tuple((row.id, refused.reason) for row, refused in refusals)


def _nothing_forbids(_row: UpgradeRequest) -> None:
    """For steps about which Slack is not asked."""


def _check_rounds(bundle: Bundle, rounds: int) -> None:
    if rounds != bundle.card_ref.round:
        raise Refused(Reason.CHANGED_SINCE, bundle=bundle)


def _next(bundle: Bundle) -> CardRef | None:
    """The row that is begun next."""
    if not bundle.is_running or bundle.at_work or bundle.begun >= len(bundle.confirmed):
        return None
    return bundle.confirmed[bundle.begun]


def _holds_up(row: UpgradeRequest) -> bool:
    """Whether the next row has to wait for it: not for what Partner Center works on, and where
    the answer was lost only until somebody has looked once."""
    if row.state is State.UNKNOWN:
        return row.looks == 0
    return row.state is State.PERFORMING and not row.operation_id


def _is_in_trouble(card_ref: CardRef, row: UpgradeRequest) -> bool:
    if row.state in (State.FAILED, State.UNKNOWN):
        return True
    came_back = row.state is State.APPROVED and row.attempt > card_ref.attempt
    return came_back and row.round == card_ref.round


def _late(bundle: Bundle, now: datetime) -> list[UpgradeRequest]:
    return [row for row in bundle.those(*OPEN) if now >= row.expires_at]


def _to_remind_of(bundle: Bundle, now: datetime) -> list[UpgradeRequest]:
    waiting = bundle.those(State.AWAITING_APPROVAL)
    return [row for row in waiting if lifecycle.remind_at(row) <= now < row.expires_at]


def _is_to_be_summed_up(bundle: Bundle) -> bool:
    """Once, and only where something was tried."""
    tried = any(row.attempt for row in bundle.rows)
    return bundle.is_settled and tried and not bundle.is_summed_up
