"""What the bot does to a request by itself: it claims one confirmed item after the other, leaves
the rest alone after failures, reminds, expires, and says how it all ended; and what the request
shows as meanwhile."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import lifecycle, steps
from bot.domain.item import IN_FLIGHT, LEGAL, OPEN, SETTLED, Item, ItemTransition, State, Step
from bot.domain.outcome import Outcome
from bot.domain.policy import Confirm
from bot.domain.refusals import RefusedStep
from bot.domain.request import Request, RequestEvent, RequestStep, Status, Transition, status
from bot.domain.steps import Due
from bot.errors import Reason, Refused
from tests.factories import (
    ALICE,
    BOB,
    CAROL,
    NOW,
    ItemStep,
    approved,
    came_back,
    confirmed,
    done,
    drifted,
    failed,
    followed,
    item_id,
    item_in,
    just_lost,
    lost,
    performed,
    request_in,
    request_of,
    running,
    waiting,
    with_item,
)

SINGLE_OR_SEVERAL = pytest.mark.parametrize("number", [1, 2])

FIRST, SECOND, THIRD, FOURTH = (item_id(n) for n in (1, 2, 3, 4))

HOUR = timedelta(hours=1)


def refusal(step: Callable[..., Transition], *given: Any) -> RefusedStep:
    """The refusal that a step meets."""
    with pytest.raises(RefusedStep) as refused:
        step(*given)
    return refused.value


def declined(request: Request, *which: str) -> Request:
    rounds, chosen = request.card_ref.round, frozenset(which)
    step = steps.decline(request, CAROL, NOW, rounds, "No.", chosen, steps.nothing_forbids)
    return step.request


def changed(request: Request, id: str, **changes: Any) -> Request:
    """The request with one of its items changed."""
    return with_item(request, replace(request.item(id), **changes))


def states(request: Request) -> list[State]:
    return [item.state for item in request.items]


def ids(items: tuple[Item, ...]) -> list[str]:
    return [item.id for item in items]


def claimed(request: Request) -> Request:
    return steps.claim_next(request, NOW).request


def all_claimed(number: int, *came_of_it: ItemStep) -> Request:
    """A request of so many items of which each had its turn, with what came of the first ones; the
    others are done."""
    request = running(number, failures_allowed=number)
    for n in range(number):
        request = performed(request, came_of_it[n] if n < len(came_of_it) else done)
    return request


# One after the other


@pytest.mark.parametrize("number", [1, 2, 3])
def test_items_are_claimed_in_order_for_who_confirmed(number: int) -> None:
    """One after the other, and then all is settled."""
    request = running(number)
    for n in range(number):
        assert request.is_running
        assert steps.due(request, NOW) is Step.CLAIM
        assert request.next is not None
        assert request.next.item_id == item_id(n + 1)
        assert (ids(request.over), request.at_work) == ([item_id(m + 1) for m in range(n)], ())
        transition = steps.claim_next(request, NOW)
        ((item, event),) = transition.items
        assert (item.id, item.attempt.by, event.by) == (item_id(n + 1), ALICE, ALICE)
        assert transition.event is None
        assert transition.request.at_work == (item,)
        assert transition.request.is_running
        assert ids(transition.request.over) == [item_id(m + 1) for m in range(n)]
        request = performed(request, done)
    assert request.is_settled
    assert not request.is_running
    assert request.over == request.confirmed == request.items


def test_of_several_items_the_end_is_summed_up_once() -> None:
    """It is told as a whole, and then nothing is due any more."""
    request = all_claimed(2)
    assert steps.due(request, NOW) is RequestStep.SUM_UP
    transition = steps.sum_up(request, NOW)
    assert transition.event == RequestEvent(RequestStep.SUM_UP, NOW)
    request = transition.request
    assert request.run is not None
    assert (request.is_summed_up, request.run.is_told) == (True, True)
    assert (steps.due(request, NOW), steps.due_at(request)) == (None, None)


def test_of_several_items_the_looks_an_hour_later_are_told_once() -> None:
    """When all that was finished was looked at, and not again after a day."""
    request = steps.sum_up(all_claimed(2), NOW).request
    for _ in lifecycle.FOLLOW_UP_AFTER:
        for item in request.items:
            assert steps.due(request, NOW) is None
            request = steps.move(request, lifecycle.follow_up(item, NOW, None)).request
        if not request.is_followed_up:
            assert steps.due(request, NOW) is RequestStep.FOLLOW_UP
            transition = steps.follow_up(request, NOW)
            assert transition.event == RequestEvent(RequestStep.FOLLOW_UP, NOW)
            request = transition.request
    assert request.is_followed_up
    assert (steps.due(request, NOW), steps.due_at(request)) == (None, None)


def test_where_nothing_was_upgraded_nothing_is_looked_at_later() -> None:
    """Of what failed there is only the sum."""
    request = steps.sum_up(all_claimed(2, failed), NOW).request
    assert steps.due(request, NOW) is None
    assert refusal(steps.follow_up, request, NOW).reason is Reason.WRONG_STATE


@pytest.mark.parametrize("came_of_it", [done, failed, lost, followed, came_back, drifted])
def test_of_a_single_item_neither_an_end_nor_a_sum_is_told(came_of_it: ItemStep) -> None:
    """Its own history says all there is to say."""
    request = performed(running(1), came_of_it)
    assert steps.due(request, NOW) is None
    for step in (steps.end, steps.sum_up, steps.stop):
        assert refusal(step, request, NOW).reason is Reason.WRONG_STATE


def test_before_anything_is_confirmed_nothing_runs() -> None:
    """Neither while it waits nor when it is approved."""
    for request in (waiting(2), approved(waiting(2))):
        assert (request.run, request.next, request.confirmed, request.over) == (None, None, (), ())
        assert (request.is_running, request.at_work, request.in_trouble) == (False, (), ())
        assert not request.is_settled


@pytest.mark.parametrize(
    ("came_of_it", "holds_up"),
    [(just_lost, True), (lost, False), (followed, False), (done, False), (failed, False),
     (came_back, False), (drifted, False)],
)  # fmt: skip
@SINGLE_OR_SEVERAL
def test_a_lost_answer_holds_up_the_next_item_until_the_bot_has_looked(
    came_of_it: ItemStep, holds_up: bool, number: int
) -> None:
    """It may be there at once; what Partner Center works on holds up nothing."""
    request = performed(running(number, failures_allowed=1), came_of_it)
    assert ids(request.at_work) == ([FIRST] if holds_up else [])
    assert ids(request.over) == ([] if holds_up else [FIRST])
    assert request.is_running is (holds_up or number == 2)
    claims = number == 2 and not holds_up
    assert (steps.due(request, NOW) is Step.CLAIM) is claims
    if claims:
        assert ids(claimed(request).at_work) == [SECOND]
    else:
        assert refusal(steps.claim_next, request, NOW).reason is Reason.WRONG_STATE


def test_news_of_an_earlier_item_does_not_make_way_for_the_next() -> None:
    """Only the item that holds it up does: else two would be sent at once."""
    request = claimed(performed(running(3), followed))
    news = lifecycle.finish(request.item(FIRST), NOW, Outcome("t"))
    request = steps.move(request, news).request
    assert request.item(FIRST).state is State.DONE
    assert ids(request.at_work) == [SECOND]
    assert steps.due(request, NOW) is None
    assert refusal(steps.claim_next, request, NOW).reason is Reason.WRONG_STATE


# Failures


@pytest.mark.parametrize(
    ("came_of_it", "counts"),
    [(failed, True), (lost, True), (came_back, True), (done, False), (followed, False),
     (drifted, False)],
)  # fmt: skip
def test_what_counts_against_the_failures_that_are_allowed(
    came_of_it: ItemStep, counts: bool
) -> None:
    """Failed, unknown, or come back unsent; not what is worked on, and not what has drifted."""
    after = performed(running(3), came_of_it)
    assert ids(after.in_trouble) == ([FIRST] if counts else [])
    assert steps.due(after, NOW) is (RequestStep.STOP if counts else Step.CLAIM)
    tolerant = performed(running(3, failures_allowed=1), came_of_it)
    assert steps.due(tolerant, NOW) is Step.CLAIM
    again = performed(tolerant, came_of_it)
    assert steps.due(again, NOW) is (RequestStep.STOP if counts else Step.CLAIM)


def test_what_was_skipped_and_what_drifted_is_no_failure() -> None:
    """Also where it is approved afterwards: nothing was tried, or no approval is needed."""
    skipped = steps.skip(running(2), NOW, FIRST, Reason.SUBSCRIPTION_BUSY).request
    assert states(skipped) == [State.APPROVED, State.APPROVED]
    assert skipped.in_trouble == ()
    assert steps.due(skipped, NOW) is Step.CLAIM

    def drifted_alone(item: Item, at: datetime) -> ItemTransition:
        policy = replace(item.policy, approvals=0)
        return lifecycle.drift(item, item.subscription, item.change, policy, (), at)

    anew = performed(running(2), drifted_alone)
    assert states(anew) == [State.APPROVED, State.APPROVED]
    assert anew.in_trouble == ()
    assert steps.due(anew, NOW) is Step.CLAIM
    assert anew.next is not None
    assert anew.next.item_id == SECOND


def test_a_stop_names_what_went_wrong_and_leaves_the_rest_alone() -> None:
    """The bot does it, and no person."""
    request = running(4, failures_allowed=1)
    for came_of_it in (failed, done, came_back):
        request = performed(request, came_of_it)
    transition = steps.stop(request, NOW)
    assert transition.event == RequestEvent(RequestStep.STOP, NOW, None, (FIRST, THIRD))
    assert transition.items == ()
    after = transition.request
    assert after.run is not None
    assert (after.is_running, after.run.is_stopped, after.run.is_told) == (False, True, True)
    assert after.next is None
    assert states(after) == [State.FAILED, State.DONE, State.APPROVED, State.APPROVED]


def test_what_failed_last_stops_nothing() -> None:
    """There is no rest that could be left alone."""
    assert steps.due(performed(performed(running(2), done), failed), NOW) is RequestStep.SUM_UP
    waits_too = [*running(1).items, item_in(State.AWAITING_APPROVAL, 2)]
    request = performed(request_of(waits_too, run=running(1).run), failed)
    assert steps.due(request, NOW) is RequestStep.END


# What cannot be claimed any more


@SINGLE_OR_SEVERAL
def test_an_item_that_is_not_as_it_was_confirmed_is_not_claimed(number: int) -> None:
    """The confirmation is good for one round and one attempt; it is skipped, once."""
    request = running(number)
    request = with_item(request, replace(request.item(FIRST), votes=replace(
        request.item(FIRST).votes, round=2)))  # fmt: skip
    refused = refusal(steps.claim_next, request, NOW)
    assert refused.reason is Reason.CHANGED_SINCE
    assert (refused.item, refused.request) == (request.item(FIRST), request)
    transition = steps.skip(request, NOW, FIRST, refused.reason)
    assert transition.event == RequestEvent(RequestStep.SKIP, NOW, None, (FIRST,), "changed_since")
    assert transition.items == ()
    skipped = transition.request
    assert ids(skipped.over) == [FIRST]
    assert (skipped.next is None) is (number == 1)
    late = (skipped, NOW, FIRST, Reason.CHANGED_SINCE)  # by the bot that comes second
    assert refusal(steps.skip, *late).reason is Reason.WRONG_STATE


@SINGLE_OR_SEVERAL
def test_an_item_without_its_approvals_is_not_claimed(number: int) -> None:
    """The gate of the item itself is the last one, and says which request it is about."""
    request = running(number)
    seats = replace(request.item(FIRST).subscription, seats=26)
    request = changed(request, FIRST, subscription=seats)
    refused = refusal(steps.claim_next, request, NOW)
    assert refused.reason is Reason.CHANGED_SINCE
    assert (refused.item, refused.request) == (request.item(FIRST), request)


def test_an_item_whose_subscription_is_busy_is_skipped_and_the_next_one_claimed() -> None:
    """It stays approved, and a person may confirm it again afterwards."""
    request = steps.skip(running(2), NOW, FIRST, Reason.SUBSCRIPTION_BUSY).request
    assert request.run is not None
    assert request.run.skipped == (FIRST,)
    request = performed(request, done)
    assert states(request) == [State.APPROVED, State.DONE]
    assert steps.due(request, NOW) is RequestStep.END
    request = steps.end(request, NOW).request
    again = confirmed(request)
    assert ids(again.confirmed) == [FIRST]
    assert steps.due(again, NOW) is Step.CLAIM


def test_a_single_item_whose_subscription_is_busy_waits_for_a_person_again() -> None:
    """Nothing runs, and nothing is due but its expiry."""
    request = steps.skip(running(1), NOW, FIRST, Reason.SUBSCRIPTION_BUSY).request
    assert (request.is_running, steps.due(request, NOW)) == (False, None)
    assert steps.due_at(request) == request.item(FIRST).expires_at
    assert confirmed(request).is_running


@pytest.mark.parametrize(
    ("take", "state"),
    [
        (lambda request: declined(request, FIRST), State.DECLINED),
        (lambda request: steps.withdraw(request, ALICE, NOW).request, State.WITHDRAWN),
        (lambda request: steps.expire(request, request.items[0].expires_at).request, State.EXPIRED),
    ],
)
@SINGLE_OR_SEVERAL
def test_what_ended_before_its_turn_is_not_next_any_more(
    take: Callable[[Request], Request], state: State, number: int
) -> None:
    """Nothing is sent for it, it is no failure, and nothing has to be skipped."""
    request = running(number)
    if number == 2:
        later = request.item(SECOND).expires_at + HOUR
        request = changed(request, SECOND, expires_at=later)
    ended = take(request)
    assert ended.item(FIRST).state is state
    assert ended.item(FIRST).attempt.number == 0
    assert FIRST not in [each.item_id for each in (ended.next,) if each]
    assert ended.in_trouble == ()
    assert FIRST in ids(ended.over)
    assert refusal(steps.skip, ended, NOW, FIRST, Reason.WRONG_STATE).reason is Reason.WRONG_STATE
    assert ended.is_running is (number == 2 and state is not State.WITHDRAWN)


def test_what_was_declined_before_its_turn_is_passed_over_and_the_next_is_claimed() -> None:
    """And in the end it is summed up with the others."""
    request = declined(performed(running(3), done), SECOND)
    assert steps.due(request, NOW) is Step.CLAIM
    request = performed(request, done)
    assert states(request) == [State.DONE, State.DECLINED, State.DONE]
    assert request.item(SECOND).attempt.number == 0
    assert steps.due(request, NOW) is RequestStep.SUM_UP


def test_what_expires_before_its_turn_is_not_claimed() -> None:
    """It is ended first, whether or not one is at work; then the next one is claimed."""
    request = changed(running(3), SECOND, expires_at=NOW + HOUR)
    late = NOW + HOUR
    assert steps.due(claimed(request), late) is Step.EXPIRE
    request = performed(request, done)
    assert steps.due(request, late) is Step.EXPIRE
    refused = refusal(steps.claim_next, request, late)
    assert (refused.reason, refused.request) == (Reason.EXPIRED, request)
    transition = steps.expire(request, late)
    assert [item.id for item, _ in transition.items] == [SECOND]
    request = transition.request
    assert request.in_trouble == ()
    assert steps.due(request, late) is Step.CLAIM
    assert ids(steps.claim_next(request, late).request.at_work) == [THIRD]


@pytest.mark.parametrize(
    "before",
    [
        approved(waiting(1)),
        approved(waiting(2)),
        claimed(running(1)),
        claimed(running(2)),
        performed(running(2), just_lost),
        all_claimed(1),
        all_claimed(2),
        all_claimed(2, followed),
        steps.sum_up(all_claimed(2), NOW).request,
        steps.stop(performed(running(2), failed), NOW).request,
    ],
)
def test_no_item_is_claimed_or_skipped_but_the_next_of_what_was_confirmed(
    before: Request,
) -> None:
    """Not before it is confirmed, not while one is at work, and none after the last or a stop."""
    for item in before.items:
        refused = refusal(steps.skip, before, NOW, item.id, Reason.EXPIRED)
        assert (refused.reason, refused.request) == (Reason.WRONG_STATE, before)
    refused = refusal(steps.claim_next, before, NOW)
    assert (refused.reason, refused.request) == (Reason.WRONG_STATE, before)


def test_no_item_is_skipped_out_of_its_turn() -> None:
    """The one that is next is named."""
    request = running(2)
    out_of_turn = (request, NOW, SECOND, Reason.SUBSCRIPTION_BUSY)
    assert refusal(steps.skip, *out_of_turn).reason is Reason.WRONG_STATE


# The end


def test_an_end_names_all_that_was_confirmed() -> None:
    """And says it once, while other items are open."""
    request = all_claimed(2, failed, came_back)
    assert steps.due(request, NOW) is RequestStep.END
    transition = steps.end(request, NOW)
    assert transition.event == RequestEvent(RequestStep.END, NOW, None, (FIRST, SECOND))
    assert transition.items == ()
    after = transition.request
    assert after.run is not None
    assert (after.is_running, after.run.is_stopped, after.run.is_told) == (False, False, True)
    assert steps.due(after, NOW) is None


def test_an_end_is_told_for_each_confirmation() -> None:
    """The second one is about what it confirmed."""
    request = steps.end(all_claimed(2, done, came_back), NOW).request
    request = performed(confirmed(request), came_back)
    assert steps.due(request, NOW) is RequestStep.END
    transition = steps.end(request, NOW)
    assert transition.event == RequestEvent(RequestStep.END, NOW, None, (SECOND,))


def test_what_is_settled_has_no_end_but_is_summed_up() -> None:
    """One of the two says all."""
    request = all_claimed(2, failed)
    assert refusal(steps.end, request, NOW).reason is Reason.WRONG_STATE
    followed_still = all_claimed(2, followed)
    assert not followed_still.is_settled
    assert refusal(steps.sum_up, followed_still, NOW).reason is Reason.WRONG_STATE
    ended = steps.end(followed_still, NOW).request
    news = lifecycle.finish(ended.item(FIRST), NOW, Outcome("t"))
    settled = steps.move(ended, news).request
    assert settled.is_settled
    assert steps.due(settled, NOW) is RequestStep.SUM_UP


def test_an_item_that_came_back_is_open_again_and_can_expire() -> None:
    """The whole is summed up when it has; not before."""
    over = steps.end(all_claimed(2, done, came_back), NOW).request
    assert steps.due(over, NOW) is None
    late = over.item(SECOND).expires_at
    assert steps.due_at(over) == late
    expired = steps.expire(over, late).request
    assert steps.due(expired, late) is RequestStep.SUM_UP


@pytest.mark.parametrize("state", State)
@SINGLE_OR_SEVERAL
def test_a_request_is_settled_when_all_its_items_are(state: State, number: int) -> None:
    """Open items and items at Partner Center keep it from that."""
    assert request_in(state, number).is_settled is (state in SETTLED)
    with_another = request_of([item_in(State.DONE, 9), item_in(state)])
    assert with_another.is_settled is (state in SETTLED)


# By itself


@SINGLE_OR_SEVERAL
def test_waiting_items_are_reminded_of_and_expire_together(number: int) -> None:
    """It is one step for all; nothing is due for the single item."""
    request = waiting(number)
    assert {lifecycle.due_at(item) for item in request.items} == {None}
    assert steps.due_at(request) == NOW + 2 * HOUR
    reminded = steps.remind(request, NOW + 2 * HOUR)
    assert [event.step for _, event in reminded.items] == [Step.REMIND] * number
    request = reminded.request
    assert steps.due(request, NOW + 2 * HOUR) is None
    expired = steps.expire(request, NOW + 24 * HOUR)
    assert [event.step for _, event in expired.items] == [Step.EXPIRE] * number
    assert (reminded.event, expired.event) == (None, None)
    assert steps.due_at(expired.request) is None


@SINGLE_OR_SEVERAL
def test_reminders_double_and_the_expiry_comes_before_the_next_one(number: int) -> None:
    """After two hours, four more, eight more, and then it expires."""
    request = waiting(number)
    for hours in (2, 6, 14):
        at = NOW + hours * HOUR
        assert steps.due_at(request) == at
        too_early = at - timedelta(seconds=1)
        assert refusal(steps.remind, request, too_early).reason is Reason.WRONG_STATE
        request = steps.remind(request, at).request
    assert steps.due_at(request) == NOW + 24 * HOUR
    assert {item.expires_at for item in request.items} == {NOW + 24 * HOUR}


@pytest.mark.parametrize("state", OPEN)
@SINGLE_OR_SEVERAL
def test_a_request_that_people_can_decide_about_is_due_some_time(state: State, number: int) -> None:
    """Nothing waits for ever."""
    at = steps.due_at(request_in(state, number))
    assert at is not None
    assert steps.due(request_in(state, number), at) is not None


@pytest.mark.parametrize("state", SETTLED)
@SINGLE_OR_SEVERAL
def test_a_request_of_which_nothing_was_confirmed_is_never_due_when_it_has_ended(
    state: State, number: int
) -> None:
    """There is no result to sum up."""
    request = request_in(state, number)
    assert (steps.due(request, NOW), steps.due_at(request)) == (None, None)


def in_trouble() -> Request:
    return performed(running(2), failed)


def ended() -> Request:
    return steps.end(all_claimed(2, done, came_back), NOW).request


def stopped() -> Request:
    return steps.stop(in_trouble(), NOW).request


def summed_up() -> Request:
    return steps.sum_up(all_claimed(2), NOW).request


def followed_up() -> Request:
    request = summed_up()
    for item in request.items:
        request = steps.move(request, lifecycle.follow_up(item, NOW, None)).request
    return request


TAKEN_BY_ITSELF: dict[Due, Callable[[Request, datetime], Transition]] = {
    Step.EXPIRE: steps.expire,
    Step.REMIND: steps.remind,
    Step.CLAIM: steps.claim_next,
    RequestStep.STOP: steps.stop,
    RequestStep.END: steps.end,
    RequestStep.SUM_UP: steps.sum_up,
    RequestStep.FOLLOW_UP: steps.follow_up,
}


@pytest.mark.parametrize("step", TAKEN_BY_ITSELF)
@pytest.mark.parametrize(
    ("before", "at", "due"),
    [
        *(
            each
            for number in (1, 2)
            for each in (
                (waiting(number), NOW, None),
                (waiting(number), NOW + 2 * HOUR - timedelta(seconds=1), None),
                (waiting(number), NOW + 2 * HOUR, Step.REMIND),
                (waiting(number), NOW + 24 * HOUR - timedelta(seconds=1), Step.REMIND),
                (waiting(number), NOW + 24 * HOUR, Step.EXPIRE),
                (approved(waiting(number)), NOW + 2 * HOUR, None),
                (approved(waiting(number)), NOW + 24 * HOUR, Step.EXPIRE),
                (running(number), NOW, Step.CLAIM),
                (running(number), NOW + 24 * HOUR, Step.EXPIRE),
                (claimed(running(number)), NOW, None),
            )
        ),
        (all_claimed(1), NOW, None),
        (all_claimed(1, came_back), NOW, None),
        (all_claimed(1, drifted), NOW + 2 * HOUR, Step.REMIND),
        (in_trouble(), NOW, RequestStep.STOP),
        (stopped(), NOW, None),
        (stopped(), NOW + 24 * HOUR, Step.EXPIRE),
        (all_claimed(2), NOW, RequestStep.SUM_UP),
        (all_claimed(2, came_back), NOW, RequestStep.END),
        (all_claimed(2, followed), NOW, RequestStep.END),
        (ended(), NOW, None),
        (summed_up(), NOW, None),
        (followed_up(), NOW, RequestStep.FOLLOW_UP),
        (declined(waiting(2), FIRST, SECOND), NOW, None),  # nothing was confirmed
    ],
)
def test_by_itself_the_bot_takes_the_step_that_is_due_and_no_other(
    before: Request, at: datetime, due: Due | None, step: Due
) -> None:
    """A job that comes too late, or from another bot, ends, stops, reminds and sums up nothing; and
    a request is looked at by then where something is due, and not before."""
    assert steps.due(before, at) is due
    by = steps.due_at(before)
    assert (due is not None) == (by is not None and by <= at)
    if step is due:
        transition = TAKEN_BY_ITSELF[step](before, at)
        after, own = transition.request, transition.event
        taken = [(event.step, event.at) for _, event in transition.items]
        assert set(taken) == (set() if own else {(step, at)})
        assert own is None or (own.step, own.at, own.by) == (step, at, None)
        assert (after.revision, after.changed_at) == (before.revision + 1, at)
        assert after.version == before.version + (own is not None)
        assert steps.due(after, at) is not due
    elif step is not Step.CLAIM or before.next is None or before.at_work:
        refused = refusal(TAKEN_BY_ITSELF[step], before, at)
        assert (refused.reason, refused.request) == (Reason.WRONG_STATE, before)


def test_only_those_are_reminded_of_whose_time_it_is() -> None:
    """The approvers of the others are left in peace until theirs."""
    request = waiting(3)
    patient = replace(request.item(SECOND).policy, remind_after=5 * HOUR)
    request = declined(changed(request, SECOND, policy=patient), THIRD)
    for hours, hit, reminders, next_hours in (
        (2, FIRST, [1, 0, 0], 5),
        (5, SECOND, [1, 1, 0], 6),
    ):
        assert steps.due_at(request) == NOW + hours * HOUR
        transition = steps.remind(request, NOW + hours * HOUR)
        assert [item.id for item, _ in transition.items] == [hit]
        request = transition.request
        assert [item.votes.reminders for item in request.items] == reminders
        assert steps.due_at(request) == NOW + next_hours * HOUR


def test_each_item_expires_by_its_own_time() -> None:
    """The others can still be approved, and their approvers are reminded of no other."""
    request = changed(waiting(3), SECOND, expires_at=NOW + 2 * HOUR)
    assert steps.due(request, NOW + 2 * HOUR) is Step.EXPIRE  # before any reminder
    transition = steps.expire(request, NOW + 2 * HOUR)
    assert [item.id for item, _ in transition.items] == [SECOND]
    after = transition.request
    assert states(after) == [State.AWAITING_APPROVAL, State.EXPIRED, State.AWAITING_APPROVAL]
    reminded = steps.remind(after, NOW + 2 * HOUR)
    assert [item.id for item, _ in reminded.items] == [FIRST, THIRD]
    assert states(approved(after)) == [State.APPROVED, State.EXPIRED, State.APPROVED]


# What it shows as


def mixed(*of: State, **changes: Any) -> Request:
    """A request of items in these states."""
    return request_of((item_in(state, n) for n, state in enumerate(of, 1)), **changes)


SHOWN: list[tuple[Request, Status]] = [
    *(
        each
        for number in (1, 2)
        for each in (
            (waiting(number), Status.WAITING),
            (approved(waiting(number)), Status.APPROVED),
            (running(number), Status.RUNNING),
            (claimed(running(number)), Status.RUNNING),
            (all_claimed(number), Status.DONE),
            (all_claimed(number, *[failed] * number), Status.FAILED),
            (all_claimed(number, *[followed] * number), Status.RUNNING),
            (all_claimed(number, *[lost] * number), Status.CHECKING),
            (all_claimed(number, *[came_back] * number), Status.APPROVED),
            (all_claimed(number, *[drifted] * number), Status.WAITING),
            (request_in(State.DECLINED, number), Status.DECLINED),
            (request_in(State.WITHDRAWN, number), Status.WITHDRAWN),
            (request_in(State.EXPIRED, number), Status.EXPIRED),
        )
    ),
    # A single lost answer is what the card is about; among several it is one more step on the way.
    (performed(running(1), just_lost), Status.CHECKING),
    (performed(running(2), just_lost), Status.RUNNING),
    (performed(running(2, failures_allowed=1), lost), Status.RUNNING),
    # Stopped as long as something is left that could be confirmed again.
    (stopped(), Status.STOPPED),
    (in_trouble(), Status.RUNNING),
    (declined(stopped(), SECOND), Status.FAILED),
    (confirmed(stopped()), Status.RUNNING),
    # What people have to decide comes first, then what is being looked for, then what is worked on.
    (mixed(State.DONE, State.APPROVED, State.AWAITING_APPROVAL), Status.WAITING),
    (mixed(State.UNKNOWN, State.APPROVED, State.DONE), Status.APPROVED),
    (mixed(State.PERFORMING, State.UNKNOWN, State.FAILED), Status.CHECKING),
    (mixed(State.DONE, State.PERFORMING, State.FAILED), Status.RUNNING),
    # Of what was tried it is said what came of it; the rest is nothing.
    (mixed(State.DONE, State.FAILED), Status.PARTLY_DONE),
    (mixed(State.DONE, State.DECLINED), Status.DONE),
    (mixed(State.FAILED, State.WITHDRAWN), Status.FAILED),
    (mixed(State.DECLINED, State.WITHDRAWN), Status.CLOSED),
    (mixed(State.DECLINED, State.EXPIRED, State.EXPIRED), Status.CLOSED),
    # What came back and was withdrawn was tried.
    (
        steps.withdraw(all_claimed(2, failed, came_back), ALICE, NOW).request,
        Status.CLOSED,
    ),
    (
        steps.withdraw(all_claimed(2, done, came_back), ALICE, NOW).request,
        Status.PARTLY_DONE,
    ),
    (steps.withdraw(running(2), ALICE, NOW).request, Status.WITHDRAWN),
]


@pytest.mark.parametrize(("before", "shown"), SHOWN)
def test_what_a_request_shows_as_follows_from_its_items_and_its_confirmation(
    before: Request, shown: Status
) -> None:
    """What people can do about it comes first."""
    assert status(before) is shown


def test_every_status_is_shown_by_a_request() -> None:
    """One that is added is tested."""
    assert {shown for _, shown in SHOWN} == set(Status)


@pytest.mark.parametrize("state", State)
@SINGLE_OR_SEVERAL
def test_items_that_all_stand_alike_show_as_one_of_them(state: State, number: int) -> None:
    """However many they are."""
    assert status(request_in(state, number)) is status(request_in(state))


# Any story


ENDS = st.sampled_from([done, failed, just_lost, lost, followed, came_back, drifted])
PEOPLE_DO = ["look at it", "approve", "approve too", "decline", "confirm", "withdraw"]
BOTS_DO = ["news", "busy", "tick"]
HAPPENS = st.lists(st.one_of(ENDS, st.sampled_from([*PEOPLE_DO, *BOTS_DO])), max_size=25)


def happened(request: Request, what: object) -> Transition | None:
    """The step that something is, as far as it is one; None when nothing happens."""
    rounds, nothing = request.card_ref.round, steps.nothing_forbids
    match what:
        case "look at it":
            return steps.looking(request, CAROL, NOW, rounds, nothing)
        case "approve":
            return steps.approve(request, CAROL, NOW, rounds, nothing)
        case "approve too":
            return steps.approve(request, BOB, NOW, rounds, nothing)
        case "decline":
            return steps.decline(request, CAROL, NOW, rounds, "No.", frozenset([SECOND]), nothing)
        case "confirm":
            return steps.confirm(request, ALICE, NOW, request.card_ref, nothing)
        case "withdraw":
            return steps.withdraw(request, ALICE, NOW)
        case "news":
            return next(
                (steps.move(request, _news(item)) for item in request.those(*IN_FLIGHT)), None
            )
        case "busy" if request.next:
            return steps.skip(request, NOW, request.next.item_id, Reason.SUBSCRIPTION_BUSY)
        case _:
            due = steps.due(request, NOW)
            return TAKEN_BY_ITSELF[due](request, NOW) if due else None


def _news(item: Item) -> ItemTransition:
    """The bot looked once, and for what is followed or was looked for already, found the end."""
    is_new = item.state is State.UNKNOWN and item.attempt.looks == 0
    return lifecycle.look(item, NOW) if is_new else lifecycle.finish(item, NOW, Outcome("t"))


@given(HAPPENS, st.integers(1, 4), st.integers(0, 2), st.sampled_from(Confirm), st.integers(0, 2))
def test_in_any_story_what_is_due_is_found_by_its_time(
    happens: list[object], number: int, allowed: int, confirm: Confirm, approvals: int
) -> None:
    """Requests are looked at by `due_at`; nothing may be due that it does not name, each item is
    claimed at most as often as it was confirmed, and one at a time."""
    policy = {"failures_allowed": allowed, "confirm": confirm, "approvals": approvals}
    request = waiting(number, **policy)
    confirmations: list[str] = []
    for what in happens:
        try:
            transition = happened(request, what)
            if transition is None:
                continue
            _is_one_transaction(request, transition)
            request, event = transition.request, transition.event
            if event and event.step is RequestStep.CONFIRM:
                confirmations += event.items
            if callable(what):  # what comes of the item that was claimed just now
                for item, taken in transition.items:
                    if taken.step is Step.CLAIM:
                        request = steps.move(request, what(item, NOW)).request
        except Refused:
            continue
        due, at = steps.due(request, NOW), steps.due_at(request)
        assert (due is not None) == (at is not None and at <= NOW)
        assert not (request.is_single and isinstance(due, RequestStep))
        assert len(request.at_work) <= 1
        assert len(request.confirmed) == len(set(ids(request.confirmed)))
        assert request.is_running == (request.next is not None or request.at_work != ())
        assert all(each.attempt.number <= confirmations.count(each.id) for each in request.items)
        assert status(request) in Status


def _is_one_transaction(before: Request, transition: Transition) -> None:
    """Each transition counts one revision, and each line of a history one version of its own."""
    after, own = transition.request, transition.event
    assert (after.revision, after.changed_at) == (before.revision + 1, NOW)
    assert after.version == before.version + (own is not None)
    now = {item.id: item for item, _ in transition.items}
    assert after.items == tuple(now.get(item.id, item) for item in before.items)
    for item, event in transition.items:
        was = before.item(item.id)
        assert item.version == was.version + 1
        assert item.state is event.state
        assert item.state in LEGAL[was.state, event.step]


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=4),
    st.lists(ENDS, max_size=8),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from([Confirm.NOBODY, Confirm.REQUESTER]),
)
def test_left_alone_every_request_comes_to_its_end(
    hours: list[tuple[int, int]],
    ends: list[ItemStep],
    allowed: int,
    is_confirmed: bool,
    confirm: Confirm,
) -> None:
    """Each time it is looked at there is something to do, and then less is left; no item is claimed
    or reminded of when its time is up, and at last none is open."""
    request = waiting(len(hours), failures_allowed=allowed, confirm=confirm)
    for item, (expires, reminds) in zip(request.items, hours, strict=True):
        policy = replace(item.policy, expires_after=expires * HOUR, remind_after=reminds * HOUR)
        request = changed(request, item.id, policy=policy, expires_at=NOW + expires * HOUR)
    if is_confirmed:
        request = approved(request)
        request = request if confirm is Confirm.NOBODY else confirmed(request)
    now, looks = NOW, 0
    while (at := _next_time(request)) is not None:
        looks += 1
        assert looks < 200
        now = max(now, at)
        due = steps.due(request, now)
        if due is None:  # the answer that holds up the next one is looked for
            (item,) = request.at_work
            request = steps.move(request, lifecycle.look(item, now)).request
            continue
        before, transition = request, TAKEN_BY_ITSELF[due](request, now)
        request = transition.request
        for item, event in transition.items:
            is_late = now >= before.item(item.id).expires_at
            assert is_late == (event.step is Step.EXPIRE)
            assert event.step is due
            if due is Step.CLAIM:
                came_of_it = ends.pop() if ends else done
                request = steps.move(request, came_of_it(item, now)).request
    assert not request.those(*OPEN)
    assert not request.is_running
    is_told = request.run is not None and not request.is_single
    assert request.is_summed_up == (is_told and not request.those(*IN_FLIGHT))


def _next_time(request: Request) -> datetime | None:
    """When the bot attends to a request or to an item that holds up the next."""
    times = [lifecycle.due_at(item) for item in request.at_work]
    return min((at for at in [steps.due_at(request), *times] if at), default=None)
