"""Several at once, as values: what is confirmed, what is begun, and when the rest is left alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import bundle as steps
from bot.domain import lifecycle
from bot.domain.bundle import Bundle, BundleStep
from bot.domain.policy import Confirm, Person
from bot.domain.table import Line, parse_table
from bot.domain.upgrade import Outcome, State, Transition, UpgradeRequest
from bot.errors import Reason, Refused
from tests.domain.test_the_states import ALICE, CAROL, NOW, POLICY, SUBSCRIPTION, request_in

BOB = Person("T1", "BOB")


def bundle_of(number: int, failures_allowed: int = 0) -> Bundle:
    """So many rows that wait for approval."""
    rows = tuple(row(f"r{n}") for n in range(number))
    empty = Bundle("bundle/b", 0, ALICE, "C", "Because.", "", (), failures_allowed, NOW, NOW)
    asked, _, _ = steps.ask(empty, rows)
    return asked


def row(id: str) -> UpgradeRequest:
    request = replace(request_in(State.AWAITING_APPROVAL), id=id, version=0)
    return replace(request, subscription=replace(SUBSCRIPTION, id=f"s-{id}"))


def approved(bundle: Bundle, who: Person = CAROL) -> Bundle:
    return steps.approve(bundle, who, NOW, bundle.card_ref.round, lambda _row: None)[0]


def confirmed(bundle: Bundle) -> Bundle:
    card_ref = bundle.card_ref
    return steps.confirm(bundle, ALICE, NOW, card_ref.round, card_ref.attempt, lambda _row: None)[0]


def running(number: int, failures_allowed: int = 0) -> Bundle:
    return confirmed(approved(bundle_of(number, failures_allowed)))


def settled(bundle: Bundle, step: Callable[[UpgradeRequest, datetime], Transition]) -> Bundle:
    """The next row is begun, and its step is taken."""
    begun, _, _ = steps.begin(bundle, NOW)
    after, event = step(begun.row(begun.at_work), NOW)
    rows = tuple(after if each.id == after.id else each for each in begun.rows)
    return steps.moved(replace(begun, rows=rows), after, event)[0]


def done(request: UpgradeRequest, at: datetime) -> Transition:
    return lifecycle.finish(lifecycle.send(request, at)[0], at, Outcome("t"))


def failed(request: UpgradeRequest, at: datetime) -> Transition:
    return lifecycle.fail(lifecycle.send(request, at)[0], at, Outcome())


def lost(request: UpgradeRequest, at: datetime) -> Transition:
    return lifecycle.look(lifecycle.mark_unknown(lifecycle.send(request, at)[0], at)[0], at)


def followed(request: UpgradeRequest, at: datetime) -> Transition:
    return lifecycle.follow(lifecycle.send(request, at)[0], at, "operation")


def came_back(request: UpgradeRequest, at: datetime) -> Transition:
    return lifecycle.release(request, at, "not_checked")


def drifted(request: UpgradeRequest, at: datetime) -> Transition:
    return lifecycle.drift(request, request.subscription, request.option, POLICY, (), at)


def test_rows_are_begun_in_order_for_whoever_confirmed() -> None:
    """One after the other, and then it is over and summed up once."""
    bundle = running(3)
    for n in range(3):
        assert steps.due(bundle, NOW) is BundleStep.BEGIN
        bundle = settled(bundle, done)
        assert bundle.row(f"r{n}").confirmed_by == ALICE
    bundle, _, _ = steps.end(bundle, NOW)
    assert bundle.is_settled
    assert steps.due(bundle, NOW) is BundleStep.SUM_UP
    bundle, _, _ = steps.sum_up(bundle, NOW)
    assert (steps.due(bundle, NOW), steps.due_at(bundle)) == (None, None)


@pytest.mark.parametrize(
    ("step", "counts"),
    [(failed, True), (lost, True), (came_back, True), (done, False), (followed, False),
     (drifted, False)],
)  # fmt: skip
def test_what_counts_against_the_failures_that_are_allowed(
    step: Callable[[UpgradeRequest, datetime], Transition], counts: bool
) -> None:
    """Failed, unknown, or come back unsent; not what is worked on, and not what has drifted."""
    after = settled(running(3), step)
    assert steps.due(after, NOW) is (BundleStep.STOP if counts else BundleStep.BEGIN)
    tolerant = settled(running(3, failures_allowed=1), step)
    assert steps.due(tolerant, NOW) is BundleStep.BEGIN


def test_after_a_stop_what_is_left_can_be_confirmed_and_earlier_failures_are_forgiven() -> None:
    """By a person, who has seen them."""
    stopped, _, _ = steps.stop(settled(running(3), failed), NOW)
    assert [each.state for each in stopped.rows] == [State.FAILED, State.APPROVED, State.APPROVED]
    again = confirmed(stopped)
    assert [card_ref.request_id for card_ref in again.confirmed] == ["r1", "r2"]
    assert steps.due(again, NOW) is BundleStep.BEGIN


def test_a_lost_answer_holds_up_the_next_until_somebody_has_looked() -> None:
    """It may be there at once."""

    def just_lost(request: UpgradeRequest, at: datetime) -> Transition:
        return lifecycle.mark_unknown(lifecycle.send(request, at)[0], at)

    assert settled(running(2), just_lost).at_work == "r0"
    assert settled(running(2), lost).at_work == ""


def test_a_row_that_is_not_as_it_was_confirmed_is_not_begun() -> None:
    """The pointer of the confirmation is good for one round and one attempt."""
    bundle = running(2)
    (first, second) = bundle.rows
    drifted_meanwhile = replace(bundle, rows=(replace(first, round=2), second))
    with pytest.raises(Refused) as refused:
        steps.begin(drifted_meanwhile, NOW)
    assert refused.value.reason is Reason.CHANGED_SINCE
    skipped, _, event = steps.skip(drifted_meanwhile, NOW, 0, refused.value.reason)
    assert (event.rows, event.note) == (("r0",), "changed_since")
    assert steps.begin(skipped, NOW)[0].at_work == "r1"
    with pytest.raises(Refused):
        steps.skip(skipped, NOW, 0, Reason.CHANGED_SINCE)  # by whoever came second


def test_what_runs_is_not_confirmed_again() -> None:
    """Whatever button is pressed."""
    bundle = running(2)
    with pytest.raises(Refused) as refused:
        confirmed(bundle)
    assert refused.value.reason is Reason.BUNDLE_RUNNING


def test_each_row_decides_by_its_own_policy() -> None:
    """Whoever may approve one approves that one, and the history says which not, and why."""
    bundle = bundle_of(3)

    def why_not(request: UpgradeRequest) -> Reason | None:
        return Reason.MAY_NOT_APPROVE if request.id == "r1" else None

    after, taken, event = steps.approve(bundle, CAROL, NOW, 3, why_not)
    assert [request.id for request, _ in taken] == list(event.rows) == ["r0", "r2"]
    assert event.kept == (("r1", Reason.MAY_NOT_APPROVE),)
    assert after.row("r1") is bundle.row("r1")
    with pytest.raises(Refused) as refused:
        steps.approve(bundle, ALICE, NOW, 3, lambda _row: None)
    assert refused.value.reason is Reason.OWN_REQUEST


def test_the_confirmer_starts_what_is_theirs_to_start() -> None:
    """Rows that an approver has to confirm are not claimed for the requester."""
    bundle = approved(bundle_of(2))
    strict = replace(bundle.rows[1], policy=replace(POLICY, confirm=Confirm.APPROVER))
    bundle = replace(bundle, rows=(bundle.rows[0], strict))
    by_alice = confirmed(bundle)
    assert [card_ref.request_id for card_ref in by_alice.confirmed] == ["r0"]


@pytest.mark.parametrize("rounds", [2, 4])
def test_an_old_card_decides_nothing(rounds: int) -> None:
    """Neither of fewer rounds nor of more."""
    bundle = bundle_of(3)
    decisions: list[Callable[[], object]] = [
        lambda: steps.approve(bundle, CAROL, NOW, rounds, nothing),
        lambda: steps.decline(bundle, CAROL, NOW, rounds, "No.", frozenset(["r0"]), nothing),
        lambda: steps.confirm(approved(bundle), ALICE, NOW, rounds, 0, nothing),
        lambda: steps.confirm(approved(bundle), ALICE, NOW, 3, 1, nothing),
    ]
    for decide in decisions:
        with pytest.raises(Refused) as refused:
            decide()
        assert refused.value.reason is Reason.CHANGED_SINCE


def nothing(_row: UpgradeRequest) -> None:
    """Slack forbids nothing."""


def test_waiting_rows_are_reminded_of_and_expire_together() -> None:
    """One event for all; nothing is due for the single row."""
    bundle = bundle_of(3)
    rows = [replace(each, bundle_id=bundle.id) for each in bundle.rows]
    assert {lifecycle.due_at(each) for each in rows} == {None}
    assert steps.due_at(bundle) == NOW + timedelta(hours=2)
    reminded, _, event = steps.remind(bundle, NOW + timedelta(hours=2))
    assert len(event.rows) == 3
    assert steps.due(reminded, NOW + timedelta(hours=2)) is None
    expired, _, event = steps.expire(reminded, NOW + timedelta(hours=24))
    assert len(event.rows) == 3
    assert steps.due_at(expired) is None


SETTLE = st.sampled_from([done, failed, lost, followed, came_back, drifted])
HAPPENS = st.lists(
    st.one_of(SETTLE, st.sampled_from(["approve", "confirm", "withdraw", "tick"])), max_size=25
)


@given(HAPPENS, st.integers(1, 4), st.integers(0, 2))
def test_whatever_happens_what_is_due_is_found_by_its_time(
    happens: list[object], number: int, allowed: int
) -> None:
    """The rows are looked at by `due_at`; nothing may be due that it does not name, and each row
    is claimed at most as often as people confirmed."""
    bundle, confirmations = bundle_of(number, allowed), 0
    for what in happens:
        try:
            if what == "approve":
                bundle = approved(bundle)
            elif what == "confirm":
                bundle = confirmed(bundle)
                confirmations += 1
            elif what == "withdraw":
                bundle, _, _ = steps.withdraw(bundle, ALICE, NOW)
            elif what == "tick":
                bundle = ticked(bundle)
            elif callable(what) and steps.due(bundle, NOW) is BundleStep.BEGIN:
                bundle = settled(bundle, what)
        except Refused:
            continue
        due, at = steps.due(bundle, NOW), steps.due_at(bundle)
        assert (due is not None) == (at is not None and at <= NOW)
        assert all(each.attempt <= confirmations for each in bundle.rows)


def ticked(bundle: Bundle) -> Bundle:
    """What the bot does by itself, but for beginning a row."""
    match steps.due(bundle, NOW):
        case BundleStep.STOP:
            return steps.stop(bundle, NOW)[0]
        case BundleStep.END:
            return steps.end(bundle, NOW)[0]
        case BundleStep.SUM_UP:
            return steps.sum_up(bundle, NOW)[0]
    return bundle


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a, E3", [Line(1, "a", "E3")]),
        ("\n\na;E3;with licence transfer\n", [Line(3, "a", "E3", "with licence transfer")]),
        ("Customer\tTarget plan\na, b\tE3\t\t", [Line(2, "a, b", "E3")]),
        ('"a, b", E3', [Line(1, "a, b", "E3")]),
        ("a, b, E3, upgrade only", [Line(1, "a", "b", "E3", more=True)]),
        ('"a, E3\nb, E3', [Line(1, "a, E3"), Line(2, "b", "E3")]),
        ("customer, plan", []),
        ("a, E3\nb,\tE3", [Line(1, "a", "E3"), Line(2, "b", "E3")]),
        (" , ,\n,", []),
    ],
)
def test_a_pasted_table_is_read_line_by_line(text: str, lines: list[Line]) -> None:
    """Whatever a sheet or a person puts; one broken line breaks no other."""
    assert parse_table(text) == lines


@pytest.mark.parametrize(
    ("way", "with_transfer"),
    [
        ("", False),
        ("upgrade only", False),
        ("  Upgrade\u00a0 ONLY ", False),
        ("with licence transfer", True),
        ("With  License Transfer", True),
        ("licence transfer", True),
        ("license transfer", True),
        ("without licence transfer", None),
        ("no licence transfer", None),
        ("transfer", None),
        ("upgrade", None),
        ("yes", None),
        ("E5", None),
    ],
)
def test_the_third_cell_says_whether_licences_move_or_nothing_is_guessed(
    way: str, with_transfer: bool | None
) -> None:
    """Two different orders; the plain one is meant where it says so or is empty."""
    assert Line(1, "a", "E3", way).with_transfer is with_transfer


@given(st.text(max_size=300))
def test_nothing_that_is_pasted_breaks_the_reading(text: str) -> None:
    """Each line says where it stands."""
    numbers = [line.number for line in parse_table(text)]
    assert numbers == sorted(set(numbers))
