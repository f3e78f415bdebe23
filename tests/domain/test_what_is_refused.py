"""The rules at their edges: what a form lacks, whose step it is, and what is the same thing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import lifecycle
from bot.domain.drift import differences
from bot.domain.policy import Confirm, Evidence, Person, Policy, PolicyBook, Rule
from bot.domain.subscription import Obstacle, ObstacleCode
from bot.domain.upgrade import Outcome, State, Step, UpgradeRequest
from bot.errors import Reason, Refused
from tests.domain.test_the_states import (
    ALICE,
    CAROL,
    NOW,
    OPTION,
    POLICY,
    SUBSCRIPTION,
    request_in,
)

BOB = Person("T1", "BOB")


def asked(**policy: object) -> UpgradeRequest:
    """A request that waits, under a policy with these changes."""
    changed: Policy = replace(POLICY, **policy)  # type: ignore[arg-type]
    return replace(request_in(State.AWAITING_APPROVAL), policy=changed)


def test_a_request_says_why_and_brings_the_consent_that_the_policy_wants() -> None:
    """Otherwise the form stays open."""
    with pytest.raises(Refused) as refused:
        lifecycle.ask(replace(asked(), reason=""))
    assert refused.value.reason is Reason.REASON_MISSING
    with pytest.raises(Refused) as refused:
        lifecycle.ask(asked(evidence=Evidence.REQUIRED))
    assert refused.value.reason is Reason.EVIDENCE_MISSING
    with_consent = replace(asked(evidence=Evidence.REQUIRED), evidence="https://crm.example/1")
    assert lifecycle.ask(with_consent)[0].state is State.AWAITING_APPROVAL


def test_without_approvals_a_request_begins_approved() -> None:
    """So that its requester may confirm it alone."""
    request, event = lifecycle.ask(asked(approvals=0))
    assert (request.state, event.state, event.by) == (State.APPROVED, State.APPROVED, ALICE)


def test_nobody_reads_or_approves_their_own_request() -> None:
    """Not even to say that they look."""
    for step in (lifecycle.read, lifecycle.approve):
        with pytest.raises(Refused) as refused:
            step(asked(), ALICE, NOW, 1)
        assert refused.value.reason is Reason.OWN_REQUEST


def test_everybody_has_one_vote() -> None:
    """However many are needed."""
    once, _ = lifecycle.approve(asked(approvals=2), CAROL, NOW, 1)
    assert once.state is State.AWAITING_APPROVAL
    with pytest.raises(Refused) as refused:
        lifecycle.approve(once, CAROL, NOW, 1)
    assert refused.value.reason is Reason.VOTED_ALREADY
    assert lifecycle.approve(once, BOB, NOW, 1)[0].state is State.APPROVED


def test_with_confirm_by_nobody_the_last_yes_starts_it() -> None:
    """In the same step, so that nobody has to be there."""
    request, event = lifecycle.approve(asked(confirm=Confirm.NOBODY), CAROL, NOW, 1)
    assert (request.state, request.confirmed_by) == (State.PERFORMING, CAROL)
    assert event.step is Step.APPROVE


def test_a_decline_says_why() -> None:
    """The requester wants to know."""
    with pytest.raises(Refused) as refused:
        lifecycle.decline(asked(), CAROL, NOW, 1, "")
    assert refused.value.reason is Reason.REASON_MISSING


def test_only_the_requester_withdraws() -> None:
    """Approvers decline."""
    with pytest.raises(Refused) as refused:
        lifecycle.withdraw(asked(), CAROL, NOW)
    assert refused.value.reason is Reason.MAY_NOT_WITHDRAW


@pytest.mark.parametrize(
    ("confirm", "who"),
    [(Confirm.REQUESTER, CAROL), (Confirm.APPROVER, ALICE), (Confirm.NOBODY, CAROL)],
)
def test_who_confirms_is_the_policys_to_say(confirm: Confirm, who: Person) -> None:
    """The other one is refused."""
    request, _ = lifecycle.approve(asked(), CAROL, NOW, 1)
    request = replace(request, policy=replace(request.policy, confirm=confirm))
    with pytest.raises(Refused) as refused:
        lifecycle.claim(request, who, NOW, 1, 0)
    assert refused.value.reason is Reason.MAY_NOT_CONFIRM


def test_an_operation_without_a_name_cannot_be_followed() -> None:
    """Nobody could look for it."""
    with pytest.raises(Refused) as refused:
        lifecycle.follow(request_in(State.PERFORMING), NOW, "")
    assert refused.value.reason is Reason.WRONG_STATE


def test_what_is_sent_or_drifted_is_so_once() -> None:
    """After the row that says it is sent, nothing is checked or sent again."""
    sent = request_in(State.PERFORMING)
    with pytest.raises(Refused):
        lifecycle.send(sent, NOW)
    with pytest.raises(Refused):
        lifecycle.drift(sent, SUBSCRIPTION, OPTION, POLICY, (), NOW)


def test_drift_where_nobody_approves_goes_back_to_the_requester() -> None:
    """Who has to confirm what there is now."""
    claimed = replace(request_in(State.PERFORMING), sent_at=None)
    policy = replace(POLICY, approvals=0)
    again, _ = lifecycle.drift(claimed, SUBSCRIPTION, OPTION, policy, (), NOW)
    assert (again.state, again.round, again.confirmed_by) == (State.APPROVED, 2, None)


def test_an_option_that_is_not_eligible_says_by_which_codes() -> None:
    """So that the difference can be told; without a code it is a plain no."""
    obstacle = Obstacle(ObstacleCode.OTHER)
    for obstacles, said in (((obstacle,), obstacle.code), ((), "no")):
        now = replace(OPTION, eligible=False, obstacles=obstacles)
        (difference,) = differences((SUBSCRIPTION, OPTION), (SUBSCRIPTION, now))
        assert (difference.was, difference.now) == ("yes", said)


def test_a_source_that_was_upgraded_is_suspended_for_that_reason() -> None:
    """And no other suspension is an upgrade."""
    assert SUBSCRIPTION.is_active
    for status, because, upgraded in (
        ("suspended", ("Transition",), True),
        ("suspended", ("Fraud",), False),
        ("suspended", (), False),
        ("active", ("Transition",), False),
    ):
        source = replace(SUBSCRIPTION, status=status, suspended_because=because)
        assert source.was_upgraded is upgraded


def test_a_choice_is_the_same_whatever_the_seats() -> None:
    """By what it is, into what, and when."""
    assert OPTION.is_same_as(replace(OPTION, offer_id="E3", seats=3, eligible=False))
    assert not OPTION.is_same_as(replace(OPTION, into="another subscription"))
    assert not OPTION.is_same_as(replace(OPTION, at_renewal=True))


def test_the_policies_are_the_defaults_and_each_rule_beside_them() -> None:
    """What an operator is told by `upgrade-bot check`; a rule that does not match changes none."""
    rule = Rule(min_seats=100, approvals=2, approvers=("S2",))
    book = PolicyBook(POLICY, (rule,))
    (nothing, defaults), (same_rule, tightened) = book.each()
    assert (nothing, defaults, same_rule) == (None, POLICY, rule)
    assert (tightened.approvals, tightened.approvers) == (2, (("S1",), ("S2",)))
    assert book.policy_for(seats=99, channel="C", customer="c") == POLICY
    assert book.policy_for(seats=100, channel="C", customer="c") == tightened


def test_a_finished_upgrade_that_nobody_closed_is_due_never() -> None:
    """As after its second look."""
    assert lifecycle.due_at(replace(request_in(State.DONE), closed_at=None)) is None
    followed = replace(request_in(State.PERFORMING), operation_id="o", looked_at=NOW)
    assert lifecycle.due_at(followed) == NOW + lifecycle.FOLLOW_AFTER[0]
    waiting = replace(request_in(State.PERFORMING), sent_at=None)
    assert lifecycle.due_at(waiting) == waiting.confirmed_at
    assert lifecycle.due_at(request_in(State.PERFORMING)) == NOW + lifecycle.ANSWER_WITHIN


def test_a_reader_who_approves_reads_no_longer() -> None:
    """And who says it twice has stopped looking."""
    reading, _ = lifecycle.read(asked(approvals=2), CAROL, NOW, 1)
    assert reading.readers == (CAROL,)
    assert lifecycle.read(reading, CAROL, NOW, 1)[0].readers == ()
    assert lifecycle.approve(reading, CAROL, NOW + timedelta(minutes=1), 1)[0].readers == ()


def test_an_answer_settles_the_attempt_that_it_is_for() -> None:
    """Also when others believed it lost meanwhile; but not the next attempt, and not what is
    followed under a name by now."""
    sent = request_in(State.PERFORMING)
    lost = replace(sent, state=State.UNKNOWN)
    assert lifecycle.is_answered(sent, sent)
    assert lifecycle.is_answered(sent, lost)
    assert not lifecycle.is_answered(sent, replace(sent, attempt=2))
    assert not lifecycle.is_answered(sent, replace(sent, state=State.APPROVED))
    assert not lifecycle.is_answered(sent, replace(sent, operation_id="o"))


@pytest.mark.parametrize("state", State)
def test_only_what_partner_center_itself_refused_may_be_tried_again(state: State) -> None:
    """What the bot concluded from looking, after the answer was lost, is for a person to judge: it
    may have been ordered after all."""
    refused = replace(request_in(state), outcome=Outcome(status=400, code="1"))
    assert refused.may_be_tried_again is (state is State.FAILED)
    concluded = replace(refused, outcome=Outcome(seen=True))
    assert not concluded.may_be_tried_again
