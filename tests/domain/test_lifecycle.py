"""Every state and every step of an item: legal, or refused with a reason."""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain import lifecycle
from bot.domain.change import Fact
from bot.domain.drift import Difference
from bot.domain.item import (
    IN_FLIGHT,
    LEGAL,
    OPEN,
    SETTLED,
    Approval,
    Ending,
    Item,
    ItemTransition,
    State,
    Step,
    Votes,
)
from bot.domain.outcome import Aftermath, FollowUp, LicenceCount, Outcome
from bot.domain.refusals import RefusedStep
from bot.errors import Reason
from tests.factories import (
    ALICE,
    BOB,
    CAROL,
    CHANGE,
    DAY,
    NOW,
    POLICY,
    SUBSCRIPTION,
    approval_of,
    item_in,
    tried,
    voted,
)

HOUR = timedelta(hours=1)

STEPS: dict[Step, Callable[[Item], ItemTransition]] = {
    Step.APPROVE: lambda item: lifecycle.approve(item, BOB, NOW),
    Step.LOOKING: lambda item: lifecycle.looking(item, CAROL, NOW),
    Step.DECLINE: lambda item: lifecycle.decline(item, CAROL, NOW, "No."),
    Step.WITHDRAW: lambda item: lifecycle.withdraw(item, ALICE, NOW),
    Step.REMIND: lambda item: lifecycle.remind(item, NOW + 2 * HOUR),
    Step.CLAIM: lambda item: lifecycle.claim(item, ALICE, NOW),
    Step.EXPIRE: lambda item: lifecycle.expire(item, item.expires_at),
    Step.SEND: lambda item: lifecycle.send(tried(item, sent_at=None), NOW),
    Step.DRIFT: lambda item: lifecycle.drift(
        tried(item, sent_at=None), SUBSCRIPTION, CHANGE, POLICY, (), NOW
    ),
    Step.RELEASE: lambda item: lifecycle.release(item, NOW, "not_sent"),
    Step.FINISH: lambda item: lifecycle.finish(item, NOW, Outcome("t")),
    Step.FAIL: lambda item: lifecycle.fail(item, NOW, Outcome()),
    Step.FOLLOW: lambda item: lifecycle.follow(item, NOW, "operation"),
    Step.MARK_UNKNOWN: lambda item: lifecycle.mark_unknown(item, NOW),
    Step.LOOK: lambda item: lifecycle.look(item, NOW),
    Step.FOLLOW_UP: lambda item: lifecycle.follow_up(item, NOW, None),
}


def refusal(step: Callable[..., ItemTransition], item: Item, *given: object) -> Reason:
    """Why a step is refused, with the item as it is."""
    with pytest.raises(RefusedStep) as refused:
        step(item, *given)
    assert refused.value.item is not None
    assert refused.value.item.id == item.id
    assert refused.value.item.state is item.state
    return refused.value.reason


# All states and all steps


@pytest.mark.parametrize(("state", "step"), list(itertools.product(State, STEPS)))
def test_every_step_in_every_state_is_legal_or_refused(state: State, step: Step) -> None:
    """A legal step leads where the table says and counts one version; others change nothing."""
    before = item_in(state)
    if (state, step) in LEGAL:
        after, event = STEPS[step](before)
        assert after.state in LEGAL[state, step]
        assert after.version == before.version + 1
        assert (event.step, event.state) == (step, after.state)
    else:
        assert refusal(STEPS[step], before) is Reason.WRONG_STATE


def test_the_table_covers_every_step_but_the_first() -> None:
    """A step that is added is tested."""
    assert set(STEPS) == set(Step) - {Step.ASK}


def test_every_state_is_open_in_flight_or_settled() -> None:
    """A state that is added stands in one of the three lists."""
    assert sorted([*OPEN, *IN_FLIGHT, *SETTLED]) == sorted(State)
    assert [state for state in State if item_in(state).is_open] == list(OPEN)


def test_final_states_have_no_way_out_and_nothing_due() -> None:
    """Done is done."""
    final = {State.FAILED, State.DECLINED, State.WITHDRAWN, State.EXPIRED}
    assert not {state for state, _ in LEGAL} & final
    assert all(lifecycle.due_at(item_in(state)) is None for state in final)
    assert {after for (state, _), after in LEGAL.items() if state is State.DONE} == {(State.DONE,)}


def test_the_diagram_in_the_readme_is_the_table() -> None:
    """The picture of the architecture page cannot rot."""
    text = (Path(__file__).parents[2] / "bot" / "README.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^\s+(\w+) --> (\w+)(?: :.*)?$", text, re.MULTILINE))
    told = {
        (before.value, after.value)
        for (before, _), afters in LEGAL.items()
        for after in afters
        if before is not after
    }
    assert drawn == told


# What people do


@pytest.mark.parametrize(("approvals", "state"), [(0, State.APPROVED), (1, OPEN[0]), (2, OPEN[0])])
def test_an_item_begins_approved_only_where_the_policy_wants_no_approval(
    approvals: int, state: State
) -> None:
    """Its history begins with who asked for it."""
    policy = replace(POLICY, approvals=approvals)
    fresh = item_in(State.AWAITING_APPROVAL, version=0, policy=policy)
    item, event = lifecycle.ask(fresh, ALICE)
    assert (item.state, item.version) == (state, 1)
    assert (event.step, event.state, event.at, event.by) == (Step.ASK, state, NOW, ALICE)


@pytest.mark.parametrize(
    "step",
    [Step.LOOKING, Step.APPROVE, Step.DECLINE, Step.WITHDRAW, Step.CLAIM],
)
def test_peoples_steps_are_refused_when_time_is_up(step: Step) -> None:
    """At the very second, and without any timer."""
    state = State.APPROVED if step is Step.CLAIM else State.AWAITING_APPROVAL
    late = item_in(state, expires_at=NOW)
    assert refusal(STEPS[step], late) is Reason.EXPIRED
    in_time = replace(late, expires_at=NOW + timedelta(seconds=1))
    assert STEPS[step](in_time)


def test_everybody_has_one_vote() -> None:
    """However many are needed, and also when they are complete."""
    item = item_in(State.AWAITING_APPROVAL, policy=replace(POLICY, approvals=2))
    once, event = lifecycle.approve(item, CAROL, NOW)
    assert (once.state, event.state, event.by) == (State.AWAITING_APPROVAL,) * 2 + (CAROL,)
    assert refusal(lifecycle.approve, once, CAROL, NOW) is Reason.VOTED_ALREADY
    twice, event = lifecycle.approve(once, BOB, NOW)
    assert (twice.state, event.state, event.by) == (State.APPROVED,) * 2 + (BOB,)
    assert refusal(lifecycle.approve, twice, CAROL, NOW) is Reason.VOTED_ALREADY


def test_an_approval_names_the_exact_thing() -> None:
    """Who said yes to what is kept with the vote, and by which formula."""
    item = item_in(State.AWAITING_APPROVAL)
    after, _ = lifecycle.approve(item, CAROL, NOW)
    assert after.votes.approvals == (Approval(CAROL, NOW, item.fingerprint(), 1),)


def test_an_approver_who_approves_is_not_looking_any_more() -> None:
    """And one who says it twice has stopped looking; others go on."""
    item = item_in(State.AWAITING_APPROVAL, policy=replace(POLICY, approvals=2))
    both = lifecycle.looking(lifecycle.looking(item, CAROL, NOW)[0], BOB, NOW)[0]
    assert both.votes.looking == (CAROL, BOB)
    assert lifecycle.looking(both, CAROL, NOW)[0].votes.looking == (BOB,)
    approved, _ = lifecycle.approve(both, CAROL, NOW + timedelta(minutes=1))
    assert approved.votes.looking == (BOB,)


def test_a_decline_keeps_who_why_and_when() -> None:
    """In the item and in its history."""
    declined, event = lifecycle.decline(item_in(State.APPROVED), CAROL, NOW, "Not now.")
    assert declined.ending == Ending(NOW, CAROL, "Not now.")
    assert (event.by, event.note) == (CAROL, "Not now.")


def test_a_withdrawal_keeps_who_and_when() -> None:
    """It needs no reason."""
    withdrawn, event = lifecycle.withdraw(item_in(State.APPROVED), ALICE, NOW)
    assert withdrawn.ending == Ending(NOW, ALICE)
    assert (event.by, event.note) == (ALICE, "")


def test_a_claim_needs_approvals_of_exactly_what_there_is() -> None:
    """After any mistake before, an approval of something else opens nothing."""
    item = item_in(State.APPROVED)
    yes = approval_of(item)
    for wrong in (
        voted(item, approvals=(replace(yes, fingerprint="something else"),)),
        voted(item, approvals=()),
        replace(item, change=replace(CHANGE, seats=26)),
        replace(item, policy=replace(POLICY, approvals=2)),
    ):
        assert refusal(lifecycle.claim, wrong, ALICE, NOW) is Reason.CHANGED_SINCE
    assert lifecycle.claim(item, ALICE, NOW)[0].state is State.PERFORMING


def test_each_approval_is_compared_by_the_formula_it_was_made_by() -> None:
    """One that does not exist is no approval, but a mistake."""
    item = item_in(State.APPROVED)
    unknown = voted(item, approvals=(replace(approval_of(item), formula=0),))
    with pytest.raises(KeyError):
        lifecycle.claim(unknown, ALICE, NOW)


# Time


def test_reminders_double_and_begin_again_after_drift() -> None:
    """After two hours, four more, eight more; and after a drift two hours from then."""
    item = item_in(State.AWAITING_APPROVAL)
    for hours in (2, 6, 14, 30):
        at = NOW + hours * HOUR
        assert lifecycle.remind_at(item) == at
        too_early = at - timedelta(seconds=1)
        assert refusal(lifecycle.remind, item, too_early) is Reason.WRONG_STATE
        item, event = lifecycle.remind(item, at)
        assert (event.at, event.by) == (at, None)
    drifting = tried(replace(item, state=State.PERFORMING), sent_at=None)
    later = NOW + 40 * HOUR
    drifted, _ = lifecycle.drift(drifting, SUBSCRIPTION, CHANGE, POLICY, (), later)
    assert lifecycle.remind_at(drifted) == later + 2 * HOUR


def test_after_an_absence_one_reminder_stands_for_all_that_were_missed() -> None:
    """The next one is when it would have been anyway."""
    after, _ = lifecycle.remind(item_in(State.AWAITING_APPROVAL), NOW + 13 * HOUR)
    assert after.votes.reminders == 2
    assert lifecycle.remind_at(after) == NOW + 14 * HOUR


def test_nothing_expires_early() -> None:
    """A timer that runs too soon does nothing."""
    item = item_in(State.APPROVED)
    too_early = item.expires_at - timedelta(seconds=1)
    assert refusal(lifecycle.expire, item, too_early) is Reason.WRONG_STATE
    expired, event = lifecycle.expire(item, item.expires_at)
    assert expired.ending == Ending(item.expires_at)
    assert event.by is None


@pytest.mark.parametrize("state", OPEN)
def test_while_people_can_decide_the_item_itself_is_never_due(state: State) -> None:
    """Its request is attended to then."""
    assert lifecycle.due_at(item_in(state)) is None


@pytest.mark.parametrize("state", IN_FLIGHT)
def test_an_item_that_may_be_at_partner_center_is_due_some_time(state: State) -> None:
    """Nothing waits for ever."""
    for item in (item_in(state), tried(item_in(state), sent_at=None)):
        assert lifecycle.due_at(item) is not None


def test_a_claimed_item_is_due_at_once_and_a_sent_one_when_no_answer_comes() -> None:
    """A claim is followed by a check, and a call by its answer."""
    sent = item_in(State.PERFORMING)
    assert lifecycle.due_at(tried(sent, sent_at=None)) == sent.attempt.at == NOW
    late = tried(sent, sent_at=NOW + HOUR)
    assert lifecycle.due_at(late) == NOW + HOUR + lifecycle.ANSWER_WITHIN


@pytest.mark.parametrize(
    "item",
    [
        tried(item_in(State.PERFORMING), looked_at=NOW + HOUR),
        tried(item_in(State.PERFORMING), operation_id="o"),
        tried(item_in(State.UNKNOWN), looked_at=None),
    ],
    ids=["looked at and not followed", "followed and never looked at", "lost and never looked at"],
)
def test_without_a_look_to_count_from_an_item_is_due_after_its_answer(item: Item) -> None:
    """It is sent in each of them, so it is found again in any case."""
    assert lifecycle.due_at(item) == NOW + lifecycle.ANSWER_WITHIN


@pytest.mark.parametrize(
    ("item", "pauses"),
    [
        (item_in(State.UNKNOWN), lifecycle.LOOK_AFTER),
        (
            tried(item_in(State.PERFORMING), operation_id="o", looked_at=NOW),
            lifecycle.FOLLOW_AFTER,
        ),
        (tried(item_in(State.UNKNOWN), operation_id="o"), lifecycle.FOLLOW_AFTER),
    ],
    ids=["lost", "followed", "lost and followed"],
)
def test_the_pauses_between_looks_grow_and_the_last_one_repeats(
    item: Item, pauses: list[timedelta]
) -> None:
    """What Partner Center works on is looked at less often than a lost answer."""
    now = NOW
    for pause in [*pauses, pauses[-1], pauses[-1]]:
        now += pause
        assert lifecycle.due_at(item) == now
        item, _ = lifecycle.look(item, now)


def test_a_finished_change_is_looked_at_twice_more() -> None:
    """After an hour, after a day, and then never again."""
    aftermath = Aftermath(SUBSCRIPTION, None)
    done = item_in(State.DONE, ending=Ending(NOW, outcome=Outcome("new")))
    for pause in (HOUR, DAY):
        assert lifecycle.due_at(done) == NOW + pause
        done, event = lifecycle.follow_up(done, NOW + pause, aftermath)
        assert event.aftermath == aftermath
    assert lifecycle.due_at(done) is None
    assert done.ending == Ending(
        NOW, outcome=Outcome("new"), follow_ups=2, followed_up=FollowUp.LEFT_TO_DO
    )


def test_a_finished_change_of_which_no_end_is_known_is_never_due() -> None:
    """As after its second look."""
    endless = item_in(State.DONE, ending=None)
    assert lifecycle.due_at(endless) is None
    looked, _ = lifecycle.follow_up(endless, NOW, None)
    assert looked.ending == Ending(NOW, follow_ups=1, followed_up=FollowUp.NOT_SEEN)


# Being performed


def test_a_claim_begins_an_attempt_with_nothing_of_the_one_before() -> None:
    """It counts, and it keeps in mind that an earlier answer was lost."""
    before = tried(item_in(State.APPROVED), number=3, lost_before=True, operation_id="o", looks=5)
    claimed, event = lifecycle.claim(before, ALICE, NOW + HOUR)
    attempt = claimed.attempt
    assert (attempt.number, attempt.by, attempt.at) == (4, ALICE, NOW + HOUR)
    assert (attempt.sent_at, attempt.operation_id, attempt.looks) == (None, "", 0)
    assert attempt.lost_before
    assert event.by == ALICE


def test_an_item_is_sent_at_most_once_for_each_claim() -> None:
    """The job that comes second to the last commit before the call does not send."""
    claimed, _ = lifecycle.claim(item_in(State.APPROVED), ALICE, NOW)
    counts = (LicenceCount("k", "E1", 20, 25),)
    sent, _ = lifecycle.send(claimed, NOW, "job", counts)
    assert (sent.attempt.sent_at, sent.attempt.sent_by) == (NOW, "job")
    assert sent.attempt.licences_before == counts
    assert refusal(lifecycle.send, sent, NOW) is Reason.WRONG_STATE


def test_what_was_sent_does_not_drift() -> None:
    """After the line that says it is sent, nothing is checked again."""
    sent = item_in(State.PERFORMING)
    given = (SUBSCRIPTION, CHANGE, POLICY, (), NOW)
    assert refusal(lifecycle.drift, sent, *given) is Reason.WRONG_STATE


def test_an_unsent_item_cannot_have_lost_its_answer() -> None:
    """Before `sent_at` nothing was sent, so nothing can be unknown."""
    unsent = tried(item_in(State.PERFORMING), sent_at=None)
    assert refusal(lifecycle.mark_unknown, unsent, NOW) is Reason.WRONG_STATE


def test_an_operation_without_a_name_cannot_be_followed() -> None:
    """There is nothing to look for it by."""
    sent = item_in(State.PERFORMING)
    assert refusal(lifecycle.follow, sent, NOW, "") is Reason.WRONG_STATE
    followed, _ = lifecycle.follow(sent, NOW, "operation")
    assert followed.attempt.operation_id == "operation"


def test_looks_are_counted_anew_from_when_an_answer_is_lost_or_a_change_followed() -> None:
    """The pauses between them grow from the first one again."""
    later = NOW + HOUR
    sent = tried(item_in(State.PERFORMING), looks=5, looked_at=NOW)
    lost, _ = lifecycle.mark_unknown(sent, later)
    assert (lost.attempt.looks, lost.attempt.looked_at) == (0, later)
    assert lifecycle.due_at(lost) == later  # it may be there at once
    looked = tried(lost, looks=5)
    followed, _ = lifecycle.follow(looked, later + HOUR, "operation")
    assert (followed.attempt.looks, followed.attempt.looked_at) == (0, later + HOUR)


def test_drift_voids_the_votes_and_asks_about_what_there_is() -> None:
    """In another round, for as long as a new request has."""
    claimed = tried(item_in(State.PERFORMING), sent_at=None)
    claimed = voted(claimed, looking=(BOB,), reminders=3)
    more = replace(SUBSCRIPTION, seats=26), replace(CHANGE, seats=26)
    policy = replace(POLICY, approvals=2, expires_after=3 * HOUR)
    seats = (Difference(Fact.SEATS, "25", "26"),)
    anew, event = lifecycle.drift(claimed, *more, policy, seats, NOW + HOUR)
    assert anew.state is State.AWAITING_APPROVAL
    assert (anew.subscription, anew.change, anew.policy) == (*more, policy)
    assert anew.votes == Votes(round=2, asked_at=NOW + HOUR)
    assert (anew.attempt.number, anew.attempt.by, anew.attempt.at) == (1, None, None)
    assert anew.expires_at == NOW + 4 * HOUR
    assert event.differences == seats


def test_drift_without_approvals_goes_back_to_who_confirms() -> None:
    """They have to confirm what there is now."""
    claimed = tried(item_in(State.PERFORMING), sent_at=None)
    policy = replace(POLICY, approvals=0)
    again, _ = lifecycle.drift(claimed, SUBSCRIPTION, CHANGE, policy, (), NOW)
    assert (again.state, again.votes.round, again.attempt.by) == (State.APPROVED, 2, None)


def test_what_comes_back_keeps_its_approvals_and_its_number_of_attempts() -> None:
    """A person may confirm it again."""
    sent = item_in(State.PERFORMING)
    back, event = lifecycle.release(sent, NOW, "not_sent")
    assert back.votes == sent.votes
    assert (back.attempt.number, back.attempt.by, back.attempt.sent_at) == (1, None, None)
    assert back.expires_at == sent.expires_at
    assert event.note == "not_sent"
    assert lifecycle.claim(back, ALICE, NOW)[0].attempt.number == 2


def test_what_comes_back_when_its_time_is_up_has_it_once_more() -> None:
    """Else it could not be confirmed again."""
    sent = item_in(State.UNKNOWN)
    at = sent.expires_at
    back, _ = lifecycle.release(sent, at, "nothing_happened")
    assert back.expires_at == at + POLICY.expires_after


def test_only_an_attempt_that_was_unknown_was_lost() -> None:
    """A refusal of the next attempt can be due to it, so it is not forgotten later either."""
    never_sent, _ = lifecycle.release(item_in(State.PERFORMING), NOW, "not_sent")
    assert not never_sent.attempt.lost_before
    lost, _ = lifecycle.release(item_in(State.UNKNOWN), NOW, "nothing_happened")
    assert lost.attempt.lost_before
    again = lifecycle.claim(lost, ALICE, NOW)[0]
    assert lifecycle.release(again, NOW, "not_sent")[0].attempt.lost_before


def test_what_was_found_out_about_one_attempt_says_nothing_about_the_next() -> None:
    """A look that comes back late must not settle what a person has begun meanwhile."""
    first = item_in(State.UNKNOWN)
    back, _ = lifecycle.release(first, NOW, "nothing_happened")
    second, _ = lifecycle.send(lifecycle.claim(back, ALICE, NOW)[0], NOW)
    assert not lifecycle.is_same_attempt(first, back)
    assert not lifecycle.is_same_attempt(first, second)
    assert not lifecycle.is_same_attempt(first, replace(second, state=State.UNKNOWN))
    assert not lifecycle.is_same_attempt(first, replace(first, state=State.DONE))
    assert not lifecycle.is_same_attempt(first, tried(first, operation_id="o"))
    assert lifecycle.is_same_attempt(first, tried(first, looks=3))


def test_an_answer_settles_the_attempt_that_it_is_for() -> None:
    """Also when others believed it lost meanwhile; but not the next attempt, and not what is
    followed under a name by now."""
    sent = item_in(State.PERFORMING)
    assert lifecycle.is_answered(sent, sent)
    assert lifecycle.is_answered(sent, replace(sent, state=State.UNKNOWN))
    assert not lifecycle.is_answered(sent, tried(sent, number=2))
    assert not lifecycle.is_answered(sent, tried(sent, sent_at=NOW + HOUR))
    assert not lifecycle.is_answered(sent, replace(sent, state=State.APPROVED))
    assert not lifecycle.is_answered(sent, tried(sent, operation_id="o"))


@pytest.mark.parametrize("state", State)
def test_only_what_was_sent_and_neither_answered_nor_followed_awaits_an_answer(
    state: State,
) -> None:
    """When a bot dies, these are the items whose answer is lost."""
    item = item_in(state)
    assert lifecycle.awaits_answer(item) is (state is State.PERFORMING)
    assert not lifecycle.awaits_answer(tried(item, sent_at=None))
    assert not lifecycle.awaits_answer(tried(item, operation_id="o"))


@pytest.mark.parametrize(
    ("step", "state"), [(lifecycle.finish, State.DONE), (lifecycle.fail, State.FAILED)]
)
def test_the_outcome_is_kept_in_the_item_and_in_its_history(
    step: Callable[..., ItemTransition], state: State
) -> None:
    """With when it was known."""
    outcome = Outcome("t", status=400)
    after, event = step(item_in(State.UNKNOWN), NOW + HOUR, outcome)
    assert (after.state, after.ending) == (state, Ending(NOW + HOUR, outcome=outcome))
    assert after.outcome == event.outcome == outcome


@pytest.mark.parametrize("state", State)
def test_without_an_end_there_is_no_outcome(state: State) -> None:
    """What is asked of it is answered with nothing."""
    expected = {State.DONE: Outcome("new"), State.FAILED: Outcome(status=400, code="1")}
    assert item_in(state).outcome == expected.get(state, Outcome())


@pytest.mark.parametrize("state", State)
def test_what_ended_without_effect_may_be_asked_for_again(state: State) -> None:
    """What the bot concluded from looking, after the answer was lost, is for a person to judge: it
    may have been ordered after all."""
    ends = (State.FAILED, State.DECLINED, State.WITHDRAWN, State.EXPIRED)
    item = item_in(state)
    assert item.ended_without_effect is (state in ends)
    concluded = replace(item, ending=Ending(NOW, outcome=Outcome(seen=True)))
    assert concluded.ended_without_effect is (state in ends and state is not State.FAILED)
