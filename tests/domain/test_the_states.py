"""Every state and every step: legal, or refused with a reason."""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain import lifecycle
from bot.domain.drift import differences
from bot.domain.policy import Confirm, Evidence, Person, Policy
from bot.domain.subscription import (
    Customer,
    Kind,
    Subscription,
    UpgradeOption,
    UpgradeType,
)
from bot.domain.upgrade import LEGAL, Approval, Outcome, State, Step, Transition, UpgradeRequest
from bot.errors import Reason, Refused

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ALICE, CAROL = Person("T1", "ALICE"), Person("T1", "CAROL")
POLICY = Policy(
    approvals=1,
    approvers=(("S1",),),
    requesters=(("channel",),),
    confirm=Confirm.REQUESTER,
    expires_after=timedelta(hours=24),
    remind_after=timedelta(hours=2),
    evidence=Evidence.OPTIONAL,
)
SUBSCRIPTION = Subscription(
    "s",
    "e1",
    "E1",
    25,
    "active",
    Kind.TRADITIONAL,
    term="P1Y",
    billing_cycle="monthly",
    ends_at=NOW + timedelta(days=90),
)
OPTION = UpgradeOption("e3", "E3", UpgradeType.UPGRADE_ONLY, eligible=True, seats=25)


def request_in(state: State) -> UpgradeRequest:
    """A request as it is in some state."""
    at_work = state in (State.PERFORMING, State.UNKNOWN)
    request = UpgradeRequest(
        id="r",
        version=3,
        state=state,
        requester=ALICE,
        channel_id="C",
        customer=Customer("c", "Contoso", "contoso.example"),
        subscription=SUBSCRIPTION,
        option=OPTION,
        reason="Because.",
        evidence="",
        policy=POLICY,
        ms_request_id="m",
        correlation_id="k",
        created_at=NOW,
        expires_at=NOW + timedelta(hours=24),
        confirmed_at=NOW if at_work else None,
        sent_at=NOW if at_work else None,
        looked_at=NOW if state is State.UNKNOWN else None,
    )
    if state is not State.APPROVED:
        return request
    return replace(request, approvals=(Approval(CAROL, NOW, request.fingerprint),))


STEPS: dict[Step, Callable[[UpgradeRequest], Transition]] = {
    Step.APPROVE: lambda r: lifecycle.approve(r, CAROL, NOW, 1),
    Step.READ: lambda r: lifecycle.read(r, CAROL, NOW, 1),
    Step.DECLINE: lambda r: lifecycle.decline(r, CAROL, NOW, 1, "No."),
    Step.WITHDRAW: lambda r: lifecycle.withdraw(r, ALICE, NOW),
    Step.REMIND: lambda r: lifecycle.remind(r, NOW + timedelta(hours=2)),
    Step.CLAIM: lambda r: lifecycle.claim(r, ALICE, NOW, 1, 0),
    Step.EXPIRE: lambda r: lifecycle.expire(r, r.expires_at),
    Step.SEND: lambda r: lifecycle.send(replace(r, sent_at=None), NOW),
    Step.DRIFT: lambda r: lifecycle.drift(
        replace(r, sent_at=None), SUBSCRIPTION, OPTION, POLICY, (), NOW
    ),
    Step.RELEASE: lambda r: lifecycle.release(r, NOW, "not_sent"),
    Step.FINISH: lambda r: lifecycle.finish(r, NOW, Outcome("t")),
    Step.FAIL: lambda r: lifecycle.fail(r, NOW, Outcome()),
    Step.FOLLOW: lambda r: lifecycle.follow(r, NOW, "operation"),
    Step.MARK_UNKNOWN: lambda r: lifecycle.mark_unknown(r, NOW),
    Step.LOOK: lambda r: lifecycle.look(r, NOW),
    Step.FOLLOW_UP: lambda r: lifecycle.follow_up(r, NOW, None),
}


@pytest.mark.parametrize(("state", "step"), list(itertools.product(State, STEPS)))
def test_every_step_in_every_state_is_legal_or_refused(state: State, step: Step) -> None:
    """A legal step leads where the table says and counts one version; others change nothing."""
    before = request_in(state)
    if (state, step) in LEGAL:
        after, event = STEPS[step](before)
        assert after.state in LEGAL[state, step]
        assert after.version == before.version + 1
        assert (event.step, event.state) == (step, after.state)
    else:
        with pytest.raises(Refused) as refused:
            STEPS[step](replace(before, approvals=()))
        assert refused.value.reason is Reason.WRONG_STATE


def test_the_table_covers_every_step_but_the_first() -> None:
    """A step that is added is tested."""
    assert set(STEPS) == set(Step) - {Step.ASK}


def test_final_states_have_no_way_out_and_nothing_due() -> None:
    """Done is done."""
    final = {State.FAILED, State.DECLINED, State.WITHDRAWN, State.EXPIRED}
    assert not {state for state, _ in LEGAL} & final
    assert all(lifecycle.due_at(request_in(state)) is None for state in final)
    assert {after for (state, _), after in LEGAL.items() if state is State.DONE} == {(State.DONE,)}


def test_a_finished_upgrade_is_looked_after_twice() -> None:
    """After an hour, after a day, and then never again."""
    done = replace(request_in(State.DONE), closed_at=NOW)
    for pause in (timedelta(hours=1), timedelta(days=1)):
        assert lifecycle.due_at(done) == NOW + pause
        done, _ = lifecycle.follow_up(done, NOW, None)
    assert lifecycle.due_at(done) is None


def test_whatever_is_not_final_has_something_due() -> None:
    """Nothing waits for ever."""
    for state in {state for state, _ in LEGAL} - {State.DONE}:
        assert lifecycle.due_at(request_in(state)) is not None


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


@pytest.mark.parametrize(
    "step",
    [Step.READ, Step.APPROVE, Step.DECLINE, Step.WITHDRAW, Step.CLAIM],
)
def test_peoples_steps_are_refused_when_time_is_up(step: Step) -> None:
    """At the very second, and without any timer."""
    state = State.APPROVED if step is Step.CLAIM else State.AWAITING_APPROVAL
    late = replace(request_in(state), expires_at=NOW)
    with pytest.raises(Refused) as refused:
        STEPS[step](late)
    assert refused.value.reason is Reason.EXPIRED


def test_reminders_double_and_begin_again_after_drift() -> None:
    """After two hours, four more, eight more; and the expiry comes before the next one."""
    request = request_in(State.AWAITING_APPROVAL)
    for hours in (2, 6, 14):
        assert lifecycle.due_at(request) == NOW + timedelta(hours=hours)
        with pytest.raises(Refused):
            lifecycle.remind(request, NOW + timedelta(hours=hours, seconds=-1))
        request, _ = lifecycle.remind(request, NOW + timedelta(hours=hours))
    assert lifecycle.due_at(request) == request.expires_at
    fresh = request_in(State.AWAITING_APPROVAL)
    after_an_absence, _ = lifecycle.remind(fresh, NOW + timedelta(hours=13))
    assert lifecycle.due_at(after_an_absence) == NOW + timedelta(hours=14)
    drifting = replace(request, state=State.PERFORMING, sent_at=None)
    later = NOW + timedelta(hours=20)
    drifted, _ = lifecycle.drift(drifting, SUBSCRIPTION, OPTION, POLICY, (), later)
    assert lifecycle.due_at(drifted) == later + timedelta(hours=2)


def test_nothing_expires_early() -> None:
    """A timer that runs too soon does nothing."""
    with pytest.raises(Refused):
        lifecycle.expire(request_in(State.APPROVED), NOW)


def test_a_request_is_sent_at_most_once_for_each_claim() -> None:
    """Whoever comes second to the last commit before the POST does not send."""
    claimed, _ = lifecycle.claim(request_in(State.APPROVED), ALICE, NOW, 1, 0)
    sent, _ = lifecycle.send(claimed, NOW)
    with pytest.raises(Refused):
        lifecycle.send(sent, NOW)
    with pytest.raises(Refused):
        lifecycle.drift(sent, SUBSCRIPTION, OPTION, POLICY, (), NOW)


def test_an_unsent_request_cannot_have_lost_its_answer() -> None:
    """Before `sent_at` nothing was sent, so nothing can be unknown."""
    with pytest.raises(Refused):
        lifecycle.mark_unknown(replace(request_in(State.PERFORMING), sent_at=None), NOW)


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"seats": 26}, "seats"),
        ({"status": "suspended"}, "status"),
        ({"offer_id": "e2"}, "plan"),
        ({"term": "P3Y"}, "term"),
        ({"billing_cycle": "annual"}, "billing_cycle"),
        ({"ends_at": NOW}, "ends_at"),
    ],
)
def test_every_fact_of_the_subscription_is_part_of_the_fingerprint(
    change: dict[str, Any], fact: str
) -> None:
    """Any change is a difference, and another exact thing."""
    request = request_in(State.APPROVED)
    changed = replace(SUBSCRIPTION, **change)
    (difference,) = differences((request.subscription, OPTION), (changed, OPTION))
    assert difference.fact == fact
    assert replace(request, subscription=changed).fingerprint != request.fingerprint


@pytest.mark.parametrize("fact", ["term", "billing_cycle", "ends_at"])
def test_what_partner_center_does_not_say_this_time_is_no_difference(fact: str) -> None:
    """One of its answers has the field, the other has not."""
    unsaid: dict[str, Any] = {fact: None if fact == "ends_at" else ""}
    silent = replace(SUBSCRIPTION, **unsaid)
    assert differences((SUBSCRIPTION, OPTION), (silent, OPTION)) == ()


def test_the_case_of_ids_is_no_difference() -> None:
    """Partner Center writes the same id in either case."""
    same = replace(SUBSCRIPTION, offer_id="E1"), replace(OPTION, offer_id="E3")
    assert differences((SUBSCRIPTION, OPTION), same) == ()


def test_an_approval_names_the_exact_thing() -> None:
    """Who said yes to what is kept with the vote."""
    request = request_in(State.AWAITING_APPROVAL)
    after, _ = lifecycle.approve(request, CAROL, NOW, 1)
    assert after.approvals[0].fingerprint == request.fingerprint


def test_a_vote_for_an_earlier_round_does_not_count() -> None:
    """The button of a card that has changed since is refused."""
    with pytest.raises(Refused) as refused:
        lifecycle.approve(replace(request_in(State.AWAITING_APPROVAL), round=2), CAROL, NOW, 1)
    assert refused.value.reason is Reason.CHANGED_SINCE


def test_a_claim_needs_approvals_of_exactly_what_there_is() -> None:
    """Whatever went wrong before, an approval of something else opens nothing."""
    request = request_in(State.APPROVED)
    other = replace(request, approvals=(Approval(CAROL, NOW, "something else"),))
    for wrong in (other, replace(request, approvals=())):
        with pytest.raises(Refused):
            lifecycle.claim(wrong, ALICE, NOW, 1, 0)


def test_a_button_is_good_for_one_attempt() -> None:
    """A confirmation that is delivered again after a hand-back does not begin another."""
    claimed, _ = lifecycle.claim(request_in(State.APPROVED), ALICE, NOW, 1, 0)
    back, _ = lifecycle.release(claimed, NOW, "not_sent")
    with pytest.raises(Refused) as refused:
        lifecycle.claim(back, ALICE, NOW, 1, 0)
    assert refused.value.reason is Reason.CHANGED_SINCE
    assert lifecycle.claim(back, ALICE, NOW, 1, 1)


def test_what_was_found_out_about_one_attempt_says_nothing_about_the_next() -> None:
    """A look that comes back late must not settle what somebody began meanwhile."""
    first = request_in(State.UNKNOWN)
    back, _ = lifecycle.release(first, NOW, "nothing_happened")
    approved = replace(back, approvals=(Approval(CAROL, NOW, back.fingerprint),))
    second, _ = lifecycle.send(lifecycle.claim(approved, ALICE, NOW, 1, 0)[0], NOW)
    assert second.sent_before
    assert not lifecycle.is_same_attempt(first, back)
    assert not lifecycle.is_same_attempt(first, second)
    assert lifecycle.is_same_attempt(first, replace(first, looks=3))
