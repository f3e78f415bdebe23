"""Bundles at their edges: who may, which rows a step hits, and what the bot does by itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import bundle as steps
from bot.domain import lifecycle
from bot.domain.bundle import IN_FLIGHT, OPEN, Bundle, BundleStep, BundleTransition
from bot.domain.upgrade import Outcome, State, Step, Transition, UpgradeRequest
from bot.errors import Reason, Refused
from tests.domain.test_several_at_once import (
    BOB,
    approved,
    bundle_of,
    came_back,
    confirmed,
    done,
    drifted,
    failed,
    followed,
    lost,
    nothing,
    running,
    settled,
)
from tests.domain.test_the_states import ALICE, CAROL, NOW

HOUR = timedelta(hours=1)


def changed(bundle: Bundle, id: str, **changes: object) -> Bundle:
    """The bundle with one of its rows changed."""
    rows = tuple(
        replace(row, **changes) if row.id == id else row  # type: ignore[arg-type]
        for row in bundle.rows
    )
    return replace(bundle, rows=rows)


def declined(bundle: Bundle, *which: str, why: str = "No.") -> BundleTransition:
    rounds = bundle.card_ref.round
    return steps.decline(bundle, CAROL, NOW, rounds, why, frozenset(which), nothing)


def states(bundle: Bundle) -> list[str]:
    return [row.state.value for row in bundle.rows]


# Who it is


@pytest.mark.parametrize(
    ("id", "is_one"),
    [
        ("bundle/11111111-1111-4111-8111-111111111111", True),
        ("11111111-1111-4111-8111-111111111111", False),
        ("11111111-1111-4111-8111-111111111111/bundle/", False),
        ("", False),
    ],
)
def test_an_id_says_whether_it_is_a_bundles(id: str, is_one: bool) -> None:
    """A job has nothing but the id to know what it has to attend to."""
    assert steps.is_bundle(id) is is_one


def test_a_row_of_another_bundle_is_none_of_its_own() -> None:
    """Rather than some row, where ids were mixed up."""
    bundle = bundle_of(2)
    assert bundle.row("r1").id == "r1"
    with pytest.raises(LookupError, match="r2"):
        bundle.row("r2")


# A no


def test_a_no_hits_the_rows_that_were_chosen_and_no_other() -> None:
    """Those that wait and those that are approved; with who and why."""
    bundle = approved(bundle_of(4))
    bundle = changed(bundle, "r3", state=State.AWAITING_APPROVAL, approvals=())
    after, taken, event = declined(bundle, "r1", "r3", why="Their contract ends.")
    assert states(after) == ["approved", "declined", "approved", "declined"]
    assert [row.id for row, _ in taken] == ["r1", "r3"]
    assert (event.step, event.rows, event.kept) == (BundleStep.DECLINE, ("r1", "r3"), ())
    assert (event.by, event.note) == (CAROL, "Their contract ends.")
    for id in event.rows:
        row = after.row(id)
        assert (row.closed_by, row.closed_because) == (CAROL, "Their contract ends.")
    assert (after.row("r0"), after.row("r2")) == (bundle.row("r0"), bundle.row("r2"))


def test_a_no_without_a_reason_is_none() -> None:
    """The requester wants to know."""
    with pytest.raises(Refused) as refused:
        declined(bundle_of(2), "r0", why="")
    assert refused.value.reason is Reason.REASON_MISSING


def test_whoever_may_decline_some_declines_those_and_reads_about_the_others() -> None:
    """Each row by its own policy; where it is none, the answer is that of a single request."""
    bundle = bundle_of(2)

    def why_not(row: UpgradeRequest) -> Reason | None:
        return Reason.MAY_NOT_APPROVE if row.id == "r0" else None

    both = frozenset(["r0", "r1"])
    after, _, event = steps.decline(bundle, CAROL, NOW, 2, "No.", both, why_not)
    assert states(after) == ["awaiting_approval", "declined"]
    assert (event.rows, event.kept) == (("r1",), (("r0", Reason.MAY_NOT_APPROVE),))
    with pytest.raises(Refused) as refused:
        steps.decline(bundle, CAROL, NOW, 2, "No.", frozenset(["r0"]), why_not)
    assert refused.value.reason is Reason.MAY_NOT_APPROVE
    assert refused.value.about == {"request": bundle.row("r0")}


def test_a_no_that_comes_too_late_for_a_row_says_so() -> None:
    """It was begun while the form was open: whoever chose it must not believe it is stopped."""
    bundle, _, _ = steps.begin(settled(running(4), done), NOW)
    after, _, event = declined(bundle, "r0", "r1", "r2")
    assert states(after) == ["done", "performing", "declined", "approved"]
    assert event.rows == ("r2",)
    assert event.kept == (("r0", Reason.WRONG_STATE), ("r1", Reason.WRONG_STATE))
    with pytest.raises(Refused) as refused:
        declined(bundle, "r1")
    assert refused.value.reason is Reason.WRONG_STATE
    assert refused.value.about == {"request": bundle.row("r1")}
    with pytest.raises(Refused) as refused:
        declined(bundle)
    assert refused.value.reason is Reason.NOTHING_TO_DECIDE


def test_what_was_declined_before_its_turn_is_passed_over_and_the_next_is_begun() -> None:
    """Nothing is sent for it, and it is no failure."""
    bundle = settled(running(3), done)
    bundle, _, _ = declined(bundle, "r1")
    with pytest.raises(Refused) as refused:
        steps.begin(bundle, NOW)
    assert refused.value.reason is Reason.WRONG_STATE
    bundle, taken, event = steps.skip(bundle, NOW, 1, refused.value.reason)
    assert (taken, event.rows, event.note) == ((), ("r1",), "wrong_state")
    assert steps.due(bundle, NOW) is BundleStep.BEGIN
    bundle = settled(bundle, done)
    assert states(bundle) == ["done", "declined", "done"]
    assert bundle.row("r1").attempt == 0
    assert steps.due(bundle, NOW) is BundleStep.END


# Taking it back


def test_only_who_asked_takes_it_back() -> None:
    """Approvers decline."""
    bundle = approved(bundle_of(2))
    for who in (BOB, CAROL):
        with pytest.raises(Refused) as refused:
            steps.withdraw(bundle, who, NOW)
        assert refused.value.reason is Reason.MAY_NOT_WITHDRAW
        assert refused.value.about["request"].requester == ALICE


def test_taking_it_back_stops_what_is_not_begun_and_nothing_else() -> None:
    """What is done stays done, and what is at work goes on."""
    bundle, _, _ = steps.begin(settled(running(4), done), NOW)
    after, _, event = steps.withdraw(bundle, ALICE, NOW)
    assert states(after) == ["done", "performing", "withdrawn", "withdrawn"]
    assert (event.rows, event.by) == (("r2", "r3"), ALICE)
    assert after.row("r1") == bundle.row("r1")
    assert after.at_work == "r1"


@pytest.mark.parametrize("end", [State.DECLINED, State.WITHDRAWN, State.EXPIRED, State.FAILED])
def test_where_everything_has_ended_nobody_decides_anything(end: State) -> None:
    """Neither yes nor no, and nothing is started."""
    bundle = bundle_of(2)
    bundle = changed(changed(bundle, "r0", state=end), "r1", state=end)
    decisions: list[Callable[[], object]] = [
        lambda: steps.approve(bundle, CAROL, NOW, 2, nothing),
        lambda: steps.withdraw(bundle, ALICE, NOW),
        lambda: steps.confirm(bundle, ALICE, NOW, 2, 0, nothing),
    ]
    for decide in decisions:
        with pytest.raises(Refused) as refused:
            decide()
        assert refused.value.reason is Reason.NOTHING_TO_DECIDE
        assert refused.value.about == {"bundle": bundle}


# What the bot does by itself


def at_work() -> Bundle:
    return steps.begin(running(2), NOW)[0]


def troubled() -> Bundle:
    return settled(running(2), failed)


def all_begun() -> Bundle:
    return settled(settled(running(2), done), done)


def ended() -> Bundle:
    return steps.end(all_begun(), NOW)[0]


def summed_up() -> Bundle:
    return steps.sum_up(ended(), NOW)[0]


def stopped() -> Bundle:
    return steps.stop(troubled(), NOW)[0]


BY_ITSELF: dict[BundleStep, Callable[[Bundle, datetime], BundleTransition]] = {
    BundleStep.EXPIRE: steps.expire,
    BundleStep.REMIND: steps.remind,
    BundleStep.STOP: steps.stop,
    BundleStep.END: steps.end,
    BundleStep.SUM_UP: steps.sum_up,
}


@pytest.mark.parametrize("step", BY_ITSELF)
@pytest.mark.parametrize(
    ("bundle", "at", "due"),
    [
        (bundle_of(2), NOW, None),
        (bundle_of(2), NOW + 2 * HOUR - timedelta(seconds=1), None),
        (bundle_of(2), NOW + 2 * HOUR, BundleStep.REMIND),
        (bundle_of(2), NOW + 24 * HOUR - timedelta(seconds=1), BundleStep.REMIND),
        (bundle_of(2), NOW + 24 * HOUR, BundleStep.EXPIRE),
        (approved(bundle_of(2)), NOW + 2 * HOUR, None),
        (approved(bundle_of(2)), NOW + 24 * HOUR, BundleStep.EXPIRE),
        (running(2), NOW, BundleStep.BEGIN),
        (at_work(), NOW, None),
        (troubled(), NOW, BundleStep.STOP),
        (stopped(), NOW, None),
        (all_begun(), NOW, BundleStep.END),
        (ended(), NOW, BundleStep.SUM_UP),
        (summed_up(), NOW, None),
        (declined(bundle_of(2), "r0", "r1")[0], NOW, None),  # nothing was tried
    ],
)
def test_by_itself_the_bot_takes_the_step_that_is_due_and_no_other(
    bundle: Bundle, at: datetime, due: BundleStep | None, step: BundleStep
) -> None:
    """A job that comes too late, or from another bot, ends, stops, reminds and sums up nothing; and
    a bundle is looked at by then where something is due, and not before."""
    assert steps.due(bundle, at) is due
    by = steps.due_at(bundle)
    assert (due is not None) == (by is not None and by <= at)
    if step is due:
        after, _, event = BY_ITSELF[step](bundle, at)
        assert (event.step, event.at, event.by) == (step, at, None)
        assert (after.version, after.moved_at) == (bundle.version + 1, at)
        assert steps.due(after, at) is not due
    else:
        with pytest.raises(Refused) as refused:
            BY_ITSELF[step](bundle, at)
        assert refused.value.reason is Reason.WRONG_STATE


@pytest.mark.parametrize(
    "bundle", [approved(bundle_of(2)), at_work(), all_begun(), ended(), stopped()]
)
def test_no_row_is_begun_or_passed_over_but_the_next_of_what_was_confirmed(bundle: Bundle) -> None:
    """Not before anybody confirmed, not while one is at work, and none after the last or a stop."""
    steps_of_rows: list[Callable[[], BundleTransition]] = [
        lambda: steps.begin(bundle, NOW),
        lambda: steps.skip(bundle, NOW, bundle.begun, Reason.EXPIRED),
    ]
    for step in steps_of_rows:
        with pytest.raises(Refused) as refused:
            step()
        assert refused.value.reason is Reason.WRONG_STATE
        assert refused.value.about == {"bundle": bundle}


def test_a_stop_names_what_went_wrong_and_an_end_all_that_had_its_turn() -> None:
    """And of neither somebody is the doer."""
    bundle = settled(settled(settled(running(4, 1), failed), done), came_back)
    after, taken, event = steps.stop(bundle, NOW)
    assert (event.rows, event.by, taken) == (("r0", "r2"), None, ())
    assert (after.is_running, after.is_stopped) == (False, True)
    assert states(after) == ["failed", "done", "approved", "approved"]
    bundle = settled(settled(running(2, 1), failed), done)
    after, _, event = steps.end(bundle, NOW)
    assert event.rows == ("r0", "r1")
    assert (after.is_running, after.is_stopped) == (False, False)


def test_only_those_are_reminded_of_whose_time_it_is() -> None:
    """The approvers of the others are left in peace until theirs."""
    bundle = bundle_of(3)
    patient = replace(bundle.rows[1].policy, remind_after=5 * HOUR)
    bundle = changed(bundle, "r1", policy=patient)
    bundle = declined(bundle, "r2")[0]
    assert steps.due_at(bundle) == NOW + 2 * HOUR
    after, _, event = steps.remind(bundle, NOW + 2 * HOUR)
    assert event.rows == ("r0",)
    assert [row.reminders for row in after.rows] == [1, 0, 0]
    assert steps.due_at(after) == NOW + 5 * HOUR
    after, _, event = steps.remind(after, NOW + 5 * HOUR)
    assert event.rows == ("r1",)
    assert steps.due_at(after) == NOW + 6 * HOUR


def test_each_row_expires_by_its_own_time() -> None:
    """The others can still be approved, and nobody is reminded of what has expired."""
    bundle = changed(bundle_of(3), "r1", expires_at=NOW + 2 * HOUR)
    assert steps.due(bundle, NOW + 2 * HOUR) is BundleStep.EXPIRE  # before anybody is reminded
    after, _, event = steps.expire(bundle, NOW + 2 * HOUR)
    assert event.rows == ("r1",)
    assert states(after) == ["awaiting_approval", "expired", "awaiting_approval"]
    _, _, event = steps.remind(after, NOW + 2 * HOUR)
    assert event.rows == ("r0", "r2")
    assert states(approved(after)) == ["approved", "expired", "approved"]


def test_what_expires_before_its_turn_is_not_begun() -> None:
    """It is ended first, whether or not one is at work; then it is passed over, and is no
    failure."""
    bundle = changed(running(3), "r1", expires_at=NOW + HOUR)
    late = NOW + HOUR
    assert steps.due(steps.begin(bundle, NOW)[0], late) is BundleStep.EXPIRE
    bundle = settled(bundle, done)
    assert steps.due(bundle, late) is BundleStep.EXPIRE
    with pytest.raises(Refused) as refused:
        steps.begin(bundle, late)
    assert refused.value.reason is Reason.EXPIRED
    bundle, _, event = steps.expire(bundle, late)
    assert event.rows == ("r1",)
    with pytest.raises(Refused) as refused:
        steps.begin(bundle, late)
    bundle, _, _ = steps.skip(bundle, late, 1, refused.value.reason)
    assert steps.due(bundle, late) is BundleStep.BEGIN
    begun, (claimed,), _ = steps.begin(bundle, late)
    assert begun.at_work == claimed[0].id == "r2"


def test_news_of_an_earlier_row_does_not_make_way_for_the_next() -> None:
    """Only the row that holds it up does: else two would be sent at once."""
    bundle, _, _ = steps.begin(settled(running(3), followed), NOW)
    earlier, event = lifecycle.finish(bundle.row("r0"), NOW, Outcome("t"))
    bundle, _, told = steps.moved(changed_to(bundle, earlier), earlier, event)
    assert (told.rows, told.of) == (("r0",), event)
    assert bundle.at_work == "r1"
    assert steps.due(bundle, NOW) is None
    with pytest.raises(Refused):
        steps.begin(bundle, NOW)


def test_what_was_passed_over_and_what_drifted_is_no_failure() -> None:
    """Also where it is approved afterwards: nothing was tried, or nobody has to approve it."""
    passed_over, _, _ = steps.skip(running(2), NOW, 0, Reason.SUBSCRIPTION_BUSY)
    assert states(passed_over) == ["approved", "approved"]
    assert passed_over.in_trouble == ()
    assert steps.due(passed_over, NOW) is BundleStep.BEGIN

    def drifted_alone(row: UpgradeRequest, at: datetime) -> Transition:
        policy = replace(row.policy, approvals=0)
        return lifecycle.drift(row, row.subscription, row.option, policy, (), at)

    anew = settled(running(2), drifted_alone)
    assert states(anew) == ["approved", "approved"]
    assert anew.in_trouble == ()
    assert steps.due(anew, NOW) is BundleStep.BEGIN


def test_what_runs_is_not_settled_before_its_end_was_said() -> None:
    """Though every row has ended: the whole is summed up after that, and not twice."""
    assert [b.is_settled for b in (all_begun(), ended(), summed_up())] == [False, True, True]
    assert not settled(settled(running(2), followed), done).is_settled


SETTLE = st.sampled_from([done, failed, lost, followed, came_back, drifted])


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=4),
    st.lists(SETTLE, max_size=8),
    st.integers(0, 2),
    st.booleans(),
)
def test_left_alone_every_bundle_comes_to_its_end(
    hours: list[tuple[int, int]],
    ends: list[Callable[[UpgradeRequest, datetime], Transition]],
    allowed: int,
    is_begun: bool,
) -> None:
    """Each time it is looked at there is something to do, and then less is left; no row is begun or
    reminded of when its time is up, and at last none is open."""
    bundle = bundle_of(len(hours), allowed)
    for row, (expires, reminds) in zip(bundle.rows, hours, strict=True):
        policy = replace(row.policy, expires_after=expires * HOUR, remind_after=reminds * HOUR)
        bundle = changed(bundle, row.id, policy=policy, expires_at=NOW + expires * HOUR)
    if is_begun:
        bundle = confirmed(approved(bundle))
    now, looks = NOW, 0
    while (at := steps.due_at(bundle)) is not None:
        looks += 1
        assert looks < 200
        now = max(now, at)
        due = steps.due(bundle, now)
        assert due is not None
        if due is BundleStep.BEGIN:
            bundle = begun_or_passed_over(bundle, now, ends)
            continue
        before = bundle
        bundle, taken, event = BY_ITSELF[due](bundle, now)
        for row, happened in taken:
            is_late = now >= before.row(row.id).expires_at
            assert is_late == (happened.step is Step.EXPIRE)
            assert row.id in event.rows
    assert not bundle.those(*OPEN)
    assert not bundle.is_running
    was_tried = any(row.attempt for row in bundle.rows)
    assert bundle.is_summed_up == (was_tried and not bundle.those(*IN_FLIGHT))


def begun_or_passed_over(
    bundle: Bundle, now: datetime, ends: list[Callable[[UpgradeRequest, datetime], Transition]]
) -> Bundle:
    """The next row, as it goes."""
    try:
        begun, ((claimed, _),), _ = steps.begin(bundle, now)
    except Refused as refused:
        return steps.skip(bundle, now, bundle.begun, refused.reason)[0]
    assert now < claimed.expires_at
    row, event = (ends.pop() if ends else done)(claimed, now)
    return steps.moved(changed_to(begun, row), row, event)[0]


def changed_to(bundle: Bundle, row: UpgradeRequest) -> Bundle:
    return replace(bundle, rows=tuple(row if each.id == row.id else each for each in bundle.rows))


def test_a_row_that_came_back_is_open_again_and_can_expire() -> None:
    """It was tried, so the whole is summed up when it has; not before."""
    over, _, _ = steps.end(settled(running(1), came_back), NOW)
    assert steps.due(over, NOW) is None
    assert steps.due_at(over) == over.rows[0].expires_at
    expired, _, _ = steps.expire(over, NOW + 24 * HOUR)
    assert steps.due(expired, NOW + 24 * HOUR) is BundleStep.SUM_UP
