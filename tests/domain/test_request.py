"""What people do to a request, of one item or of several: who may, and which items it changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain import lifecycle, steps
from bot.domain.item import OPEN, Item, State, Step
from bot.domain.policy import Confirm, Evidence, Person
from bot.domain.refusals import RefusedStep
from bot.domain.request import (
    CardRef,
    Confirmed,
    Request,
    RequestEvent,
    RequestStep,
    Run,
    Transition,
)
from bot.domain.steps import nothing_forbids
from bot.errors import Reason, Refused
from tests.factories import (
    ALICE,
    BOB,
    CAROL,
    NOW,
    POLICY,
    approved,
    asked,
    came_back,
    confirmed,
    done,
    drifted,
    failed,
    followed,
    item_id,
    item_in,
    lost,
    performed,
    request_in,
    request_of,
    running,
    tried,
    voted,
    waiting,
    with_item,
)

SINGLE_OR_SEVERAL = pytest.mark.parametrize("number", [1, 2])

FIRST, SECOND, THIRD, FOURTH = (item_id(n) for n in (1, 2, 3, 4))

Decision = Callable[[Request], Transition]


def refusal(step: Callable[..., Transition], *given: Any) -> RefusedStep:
    """The refusal that a step meets."""
    with pytest.raises(RefusedStep) as refused:
        step(*given)
    return refused.value


def approve(request: Request, who: Person = CAROL) -> Transition:
    return steps.approve(request, who, NOW, request.card_ref.round, nothing_forbids)


def looking(request: Request, who: Person = CAROL) -> Transition:
    return steps.looking(request, who, NOW, request.card_ref.round, nothing_forbids)


def decline(request: Request, *which: str, why: str = "No.") -> Transition:
    chosen = frozenset(which or request.item_ids)
    return steps.decline(request, CAROL, NOW, request.card_ref.round, why, chosen, nothing_forbids)


def withdraw(request: Request, who: Person = ALICE) -> Transition:
    return steps.withdraw(request, who, NOW)


def confirm(request: Request, who: Person = ALICE) -> Transition:
    return steps.confirm(request, who, NOW, request.card_ref, nothing_forbids)


def states(request: Request) -> list[State]:
    return [item.state for item in request.items]


def changed(request: Request, id: str, **changes: Any) -> Request:
    """The request with one of its items changed."""
    return with_item(request, replace(request.item(id), **changes))


# What it is


@SINGLE_OR_SEVERAL
def test_an_item_of_another_request_is_none_of_its_own(number: int) -> None:
    """Rather than any item, where ids were mixed up."""
    request = waiting(number)
    assert [request.item(item.id) for item in request.items] == list(request.items)
    with pytest.raises(LookupError, match=THIRD):
        request.item(THIRD)


@SINGLE_OR_SEVERAL
def test_a_card_is_good_for_the_rounds_and_attempts_of_all_items(number: int) -> None:
    """So that it changes when any item does."""
    request = request_in(State.APPROVED, number)
    assert request.card_ref == CardRef(FIRST, number, 0)
    last = request.items[-1]
    again = with_item(request, tried(voted(last, round=3), number=2))
    assert again.card_ref == CardRef(FIRST, number + 2, 2)


@SINGLE_OR_SEVERAL
def test_a_request_of_one_item_is_single(number: int) -> None:
    """There is no other difference in what is stored."""
    assert waiting(number).is_single is (number == 1)


# Asking


@SINGLE_OR_SEVERAL
def test_all_items_are_asked_for_in_one_step(number: int) -> None:
    """The history of the request says who asked for which, and that of each item begins."""
    transition = asked(number)
    request, ids = transition.request, tuple(item_id(n + 1) for n in range(number))
    assert transition.event == RequestEvent(RequestStep.ASK, NOW, ALICE, ids)
    assert [(item.id, event.step, event.by) for item, event in transition.items] == [
        (id, Step.ASK, ALICE) for id in ids
    ]
    assert request.items == tuple(item for item, _ in transition.items)
    assert states(request) == [State.AWAITING_APPROVAL] * number
    assert (request.item_ids, request.version, request.revision) == (ids, 1, 1)
    assert request.changed_at == request.created_at == NOW


@SINGLE_OR_SEVERAL
def test_a_request_says_why_and_brings_the_consent_that_a_policy_wants(number: int) -> None:
    """Otherwise the form stays open, also when only the last item wants it."""
    with pytest.raises(Refused) as refused:
        asked(number, reason="")
    assert refused.value.reason is Reason.REASON_MISSING
    items = [item_in(State.AWAITING_APPROVAL, n + 1) for n in range(number)]
    items[-1] = replace(items[-1], policy=replace(POLICY, evidence=Evidence.REQUIRED))
    with pytest.raises(Refused) as refused:
        asked(items=items, evidence="")
    assert refused.value.reason is Reason.EVIDENCE_MISSING
    with_consent = asked(items=items, evidence="https://crm.example/1").request
    assert states(with_consent) == [State.AWAITING_APPROVAL] * number
    assert asked(number, evidence="").request.evidence == ""


@SINGLE_OR_SEVERAL
def test_without_approvals_a_request_begins_approved(number: int) -> None:
    """So that its requester may confirm it alone."""
    request = waiting(number, approvals=0)
    assert states(request) == [State.APPROVED] * number
    assert request.run is None
    assert len(confirm(request).request.confirmed) == number


def test_the_strictest_policy_says_how_many_items_may_fail() -> None:
    """It counts for all, because they are performed one after the other."""
    allowed = [replace(POLICY, failures_allowed=number) for number in (3, 1, 2)]
    items = [
        item_in(State.AWAITING_APPROVAL, n, policy=policy) for n, policy in enumerate(allowed, 1)
    ]
    assert asked(items=items).request.failures_allowed == 1


# Looking and approving


@SINGLE_OR_SEVERAL
@pytest.mark.parametrize("step", [looking, approve])
def test_a_requester_neither_looks_at_nor_approves_their_own_request(
    step: Callable[..., Transition], number: int
) -> None:
    """Not even to say that they look."""
    request = waiting(number)
    refused = refusal(step, request, ALICE)
    assert refused.reason is Reason.OWN_REQUEST
    assert (refused.item, refused.request) == (request.items[0], request)


@SINGLE_OR_SEVERAL
def test_an_approver_says_that_they_look_and_that_they_do_no_longer(number: int) -> None:
    """At all that waits, and not for others."""
    once = looking(looking(waiting(number)).request, BOB)
    assert [item.votes.looking for item in once.request.items] == [(CAROL, BOB)] * number
    assert [event.step for _, event in once.items] == [Step.LOOKING] * number
    assert once.event is None
    twice = looking(once.request).request
    assert [item.votes.looking for item in twice.items] == [(BOB,)] * number


def test_who_looks_at_a_part_looks_at_all_of_it_first() -> None:
    """As where one item was asked about anew meanwhile."""
    request = looking(waiting(2)).request
    votes = replace(request.items[0].votes, looking=())
    all_of_it = looking(changed(request, request.items[0].id, votes=votes)).request
    assert [item.votes.looking for item in all_of_it.items] == [(CAROL,)] * 2


@SINGLE_OR_SEVERAL
def test_one_more_yes_is_for_all_that_waits(number: int) -> None:
    """It is one line in the history of each item, and none in that of the request."""
    before = waiting(number)
    transition = approve(before)
    after = transition.request
    assert states(after) == [State.APPROVED] * number
    assert [(event.step, event.by) for _, event in transition.items] == [
        (Step.APPROVE, CAROL)
    ] * number
    assert (transition.event, transition.kept, after.run) == (None, (), None)
    assert (after.version, after.revision) == (before.version, before.revision + 1)


@SINGLE_OR_SEVERAL
def test_everybody_has_one_vote(number: int) -> None:
    """However many are needed."""
    once = approved(waiting(number, approvals=2))
    assert states(once) == [State.AWAITING_APPROVAL] * number
    refused = refusal(approve, once, CAROL)
    assert refused.reason is Reason.VOTED_ALREADY
    assert (refused.item, refused.request) == (once.items[0], once)
    assert states(approved(once, BOB)) == [State.APPROVED] * number


def test_a_second_yes_of_one_person_counts_for_the_items_that_have_none() -> None:
    """The others are named as kept."""
    request = approved(waiting(2, approvals=2))
    request = with_item(request, voted(request.item(SECOND), approvals=()))
    transition = approve(request)
    assert [item.id for item, _ in transition.items] == [SECOND]
    assert transition.kept == ((request.item(FIRST), Reason.VOTED_ALREADY),)


def test_each_item_is_decided_by_its_own_policy() -> None:
    """An approver of some approves those, and learns which not, and why."""
    request = waiting(3)

    def forbids(item: Item) -> Reason | None:
        return Reason.MAY_NOT_APPROVE if item.id == SECOND else None

    for step, after in (
        (steps.approve, State.APPROVED),
        (steps.looking, State.AWAITING_APPROVAL),
    ):
        transition = step(request, CAROL, NOW, 3, forbids)
        assert [item.id for item, _ in transition.items] == [FIRST, THIRD]
        assert transition.kept == ((request.item(SECOND), Reason.MAY_NOT_APPROVE),)
        assert transition.request.item(SECOND) is request.item(SECOND)
        assert states(transition.request) == [after, State.AWAITING_APPROVAL, after]


@SINGLE_OR_SEVERAL
@pytest.mark.parametrize("step", [steps.approve, steps.looking])
def test_a_person_who_may_approve_no_item_is_refused(
    step: Callable[..., Transition], number: int
) -> None:
    """With why they may not, and about which item."""
    request = waiting(number)
    refused = refusal(step, request, CAROL, NOW, number, lambda _item: Reason.MAY_NOT_APPROVE)
    assert refused.reason is Reason.MAY_NOT_APPROVE
    assert (refused.item, refused.request) == (request.items[0], request)


# The last yes confirms too


@SINGLE_OR_SEVERAL
def test_with_confirm_by_nobody_the_last_yes_confirms_too(number: int) -> None:
    """It is stored in the same step, and the items are claimed later."""
    before = waiting(number, confirm=Confirm.NOBODY)
    transition = approve(before)
    after, ids = transition.request, before.item_ids
    assert [(item.state, event.step) for item, event in transition.items] == [
        (State.APPROVED, Step.APPROVE)
    ] * number
    assert transition.event == RequestEvent(RequestStep.CONFIRM, NOW, CAROL, ids)
    assert after.run == Run(CAROL, NOW, tuple(Confirmed(id, 1, 0, CAROL) for id in ids))
    assert (after.version, after.revision) == (before.version + 1, before.revision + 1)
    assert steps.due(after, NOW) is Step.CLAIM
    (item, event), *others = steps.claim_next(after, NOW).items
    assert (item.state, item.attempt.by, event.step) == (State.PERFORMING, CAROL, Step.CLAIM)
    assert (item.id, others) == (FIRST, [])


@SINGLE_OR_SEVERAL
def test_with_confirm_by_nobody_only_the_last_yes_confirms(number: int) -> None:
    """It is that of the last one who approves."""
    once = approve(waiting(number, confirm=Confirm.NOBODY, approvals=2))
    assert (once.event, once.request.run) == (None, None)
    twice = approve(once.request, BOB).request
    assert twice.run is not None
    assert (twice.run.by, len(twice.confirmed)) == (BOB, number)


def test_only_items_whose_policy_says_so_are_confirmed_by_the_last_yes() -> None:
    """The others wait for a person."""
    request = waiting(2)
    request = changed(request, SECOND, policy=replace(POLICY, confirm=Confirm.NOBODY))
    transition = approve(request)
    assert states(transition.request) == [State.APPROVED] * 2
    assert transition.event == RequestEvent(RequestStep.CONFIRM, NOW, CAROL, (SECOND,))
    assert [item.id for item in transition.request.confirmed] == [SECOND]


def test_what_the_last_yes_confirms_stands_behind_what_is_running() -> None:
    """Each item is claimed for the person who confirmed it."""
    request = running(2)
    by_policy = item_in(State.AWAITING_APPROVAL, 3, policy=replace(POLICY, confirm=Confirm.NOBODY))
    request = request_of([*request.items, by_policy], run=request.run)
    request = steps.claim_next(request, NOW).request
    transition = approve(request)
    assert transition.event == RequestEvent(RequestStep.CONFIRM, NOW, CAROL, (THIRD,))
    request = steps.move(transition.request, done(request.item(FIRST), NOW)).request
    request = performed(performed(request, done), done)
    assert states(request) == [State.DONE] * 3
    assert [item.attempt.by for item in request.items] == [ALICE, ALICE, CAROL]


def test_what_the_last_yes_confirms_after_a_stop_runs_alone() -> None:
    """What was left alone stays so until a person confirms it."""
    stopped = steps.stop(performed(running(3), failed), NOW).request
    by_policy = item_in(State.AWAITING_APPROVAL, 4, policy=replace(POLICY, confirm=Confirm.NOBODY))
    request = approved(request_of([*stopped.items, by_policy], run=stopped.run))
    assert [item.id for item in request.confirmed] == [FOURTH]
    assert steps.due(request, NOW) is Step.CLAIM
    assert steps.claim_next(request, NOW).items[0][0].id == FOURTH


@SINGLE_OR_SEVERAL
def test_with_confirm_by_nobody_the_requester_confirms_what_came_back(number: int) -> None:
    """The approvers have said all that they have to say."""
    request = approved(waiting(number, confirm=Confirm.NOBODY))
    for _ in range(number):
        request = performed(replace(request, failures_allowed=number), came_back)
    assert not request.is_running
    assert refusal(confirm, request, CAROL).reason is Reason.MAY_NOT_CONFIRM
    again = confirm(request, ALICE).request
    assert again.run is not None
    assert (again.run.by, len(again.confirmed)) == (ALICE, number)


@SINGLE_OR_SEVERAL
def test_with_confirm_by_nobody_what_drifted_is_confirmed_by_its_next_last_yes(number: int) -> None:
    """It is one item of the confirmation, and it had its turn when it is claimed again."""
    request = performed(approved(waiting(number, confirm=Confirm.NOBODY)), drifted)
    assert states(request)[0] is State.AWAITING_APPROVAL
    request = approved(request, BOB)
    assert sorted(item.id for item in request.confirmed) == sorted(request.item_ids)
    assert request.over == ()
    for _ in range(number):
        request = performed(request, done)
    assert states(request) == [State.DONE] * number
    assert request.item(FIRST).attempt.by == BOB
    assert sorted(item.id for item in request.over) == sorted(request.item_ids)


def test_an_item_that_drifted_and_then_fails_is_one_failure() -> None:
    """The rest is left alone after as many failed items as the policy says, and not after fewer."""
    policy: dict[str, Any] = {"confirm": Confirm.NOBODY, "failures_allowed": 1}
    request = performed(approved(waiting(3, **policy)), drifted)
    request = approved(request)  # the first one stands behind the others now
    late = item_in(State.AWAITING_APPROVAL, 4, policy=replace(POLICY, **policy))
    request = approved(request_of([*request.items, late], run=request.run, failures_allowed=1), BOB)
    request = performed(performed(performed(request, done), done), failed)
    assert states(request) == [State.FAILED, State.DONE, State.DONE, State.APPROVED]
    assert [item.id for item in request.in_trouble] == [FIRST]
    assert steps.due(request, NOW) is Step.CLAIM


# A no


@SINGLE_OR_SEVERAL
def test_a_decline_without_a_reason_is_none(number: int) -> None:
    """The requester wants to know."""
    request = waiting(number)
    with pytest.raises(Refused) as refused:
        decline(request, why="")
    assert refused.value.reason is Reason.REASON_MISSING


def test_a_no_hits_the_items_that_were_chosen_and_no_other() -> None:
    """Those that wait and those that are approved; with who and why."""
    request = with_item(approved(waiting(4)), item_in(State.AWAITING_APPROVAL, 4))
    transition = decline(request, SECOND, FOURTH, why="Their contract ends.")
    after = transition.request
    assert states(after) == [State.APPROVED, State.DECLINED] * 2
    assert [item.id for item, _ in transition.items] == [SECOND, FOURTH]
    assert (transition.event, transition.kept) == (None, ())
    for item, event in transition.items:
        assert (event.step, event.by, event.note) == (Step.DECLINE, CAROL, "Their contract ends.")
        assert item.ending is not None
        assert (item.ending.by, item.ending.because) == (CAROL, "Their contract ends.")
        assert after.item(item.id) == item
    assert (after.item(FIRST), after.item(THIRD)) == (request.item(FIRST), request.item(THIRD))


def test_an_approver_of_some_declines_those_and_learns_about_the_others() -> None:
    """Each item by its own policy; where there is none, the answer is that of a single item."""
    request = waiting(2)

    def forbids(item: Item) -> Reason | None:
        return Reason.MAY_NOT_APPROVE if item.id == FIRST else None

    both = frozenset([FIRST, SECOND])
    transition = steps.decline(request, CAROL, NOW, 2, "No.", both, forbids)
    assert states(transition.request) == [State.AWAITING_APPROVAL, State.DECLINED]
    assert transition.kept == ((request.item(FIRST), Reason.MAY_NOT_APPROVE),)
    only_first = (request, CAROL, NOW, 2, "No.", frozenset([FIRST]), forbids)
    refused = refusal(steps.decline, *only_first)
    assert refused.reason is Reason.MAY_NOT_APPROVE
    assert (refused.item, refused.request) == (request.item(FIRST), request)


def test_a_no_that_comes_too_late_for_an_item_says_so() -> None:
    """It was claimed while the form was open: the person must not believe that it is stopped."""
    request = steps.claim_next(performed(running(4), done), NOW).request
    transition = decline(request, FIRST, SECOND, THIRD)
    assert states(transition.request) == [
        State.DONE,
        State.PERFORMING,
        State.DECLINED,
        State.APPROVED,
    ]
    assert [item.id for item, _ in transition.items] == [THIRD]
    assert transition.kept == (
        (request.item(FIRST), Reason.WRONG_STATE),
        (request.item(SECOND), Reason.WRONG_STATE),
    )
    refused = refusal(decline, request, SECOND)
    assert refused.reason is Reason.WRONG_STATE
    assert (refused.item, refused.request) == (request.item(SECOND), request)


@SINGLE_OR_SEVERAL
def test_a_no_to_no_item_decides_nothing(number: int) -> None:
    """A form that was sent without a choice, or with items of another request."""
    request = waiting(number)
    for chosen in (frozenset[str](), frozenset([THIRD])):
        given = (request, CAROL, NOW, number, "No.", chosen, nothing_forbids)
        refused = refusal(steps.decline, *given)
        assert (refused.reason, refused.item) == (Reason.NOTHING_TO_DECIDE, None)
        assert refused.request is request


@SINGLE_OR_SEVERAL
def test_a_no_by_an_old_card_to_what_was_claimed_says_that_it_was(number: int) -> None:
    """That is the true answer, rather than that the card has changed."""
    request = performed(running(number), followed)
    given = (request, CAROL, NOW, 99, "No.", frozenset([FIRST]), nothing_forbids)
    assert refusal(steps.decline, *given).reason is Reason.WRONG_STATE


# Taking it back


@SINGLE_OR_SEVERAL
@pytest.mark.parametrize("who", [BOB, CAROL])
def test_only_the_requester_withdraws(who: Person, number: int) -> None:
    """Approvers decline."""
    request = approved(waiting(number))
    refused = refusal(withdraw, request, who)
    assert refused.reason is Reason.MAY_NOT_WITHDRAW
    assert (refused.item, refused.request) == (request.items[0], request)


@SINGLE_OR_SEVERAL
@pytest.mark.parametrize("state", OPEN)
def test_the_requester_takes_back_all_that_is_not_claimed(state: State, number: int) -> None:
    """Whether it waits or is approved."""
    transition = withdraw(request_in(state, number))
    assert states(transition.request) == [State.WITHDRAWN] * number
    assert [(event.step, event.by) for _, event in transition.items] == [
        (Step.WITHDRAW, ALICE)
    ] * number
    assert transition.event is None


def test_taking_it_back_stops_what_is_not_claimed_and_nothing_else() -> None:
    """What is done stays done, and what is at work goes on."""
    request = steps.claim_next(performed(running(4), done), NOW).request
    transition = withdraw(request)
    after = transition.request
    assert states(after) == [State.DONE, State.PERFORMING, State.WITHDRAWN, State.WITHDRAWN]
    assert [(item.id, event.by) for item, event in transition.items] == [
        (THIRD, ALICE),
        (FOURTH, ALICE),
    ]
    assert after.item(SECOND) == request.item(SECOND)
    assert after.at_work == (request.item(SECOND),)


# Upgrade now


@SINGLE_OR_SEVERAL
def test_a_confirmation_is_about_the_items_as_they_are_and_claims_none(number: int) -> None:
    """It is a line of the history of the request, and none of the items'."""
    before = approved(waiting(number))
    transition = confirm(before)
    after, ids = transition.request, before.item_ids
    assert transition.event == RequestEvent(RequestStep.CONFIRM, NOW, ALICE, ids)
    assert (transition.items, transition.kept) == ((), ())
    assert after.run == Run(ALICE, NOW, tuple(Confirmed(id, 1, 0, ALICE) for id in ids))
    assert after.items == before.items
    assert (after.version, after.revision) == (before.version + 1, before.revision + 1)


@SINGLE_OR_SEVERAL
@pytest.mark.parametrize(
    ("who_confirms", "theirs", "others"),
    [
        (Confirm.REQUESTER, [ALICE], [BOB, CAROL]),
        (Confirm.NOBODY, [ALICE], [BOB, CAROL]),
        (Confirm.APPROVER, [BOB, CAROL], [ALICE]),
    ],
)
def test_who_confirms_is_the_policys_to_say(
    who_confirms: Confirm, theirs: list[Person], others: list[Person], number: int
) -> None:
    """The other one is refused."""
    request = request_in(State.APPROVED, number)
    for item in request.items:
        request = changed(request, item.id, policy=replace(POLICY, confirm=who_confirms))
    for who in others:
        refused = refusal(confirm, request, who)
        assert refused.reason is Reason.MAY_NOT_CONFIRM
        assert (refused.item, refused.request) == (request.items[0], request)
        assert not steps.confirms(request.items[0], request, who)
    for who in theirs:
        assert len(confirm(request, who).request.confirmed) == number
        assert steps.confirms(request.items[0], request, who)


def test_a_person_starts_the_items_that_are_theirs_to_start() -> None:
    """Items that an approver has to confirm are not started for the requester, or the other way."""
    strict = replace(POLICY, confirm=Confirm.APPROVER)
    request = changed(approved(waiting(2)), SECOND, policy=strict)
    by_alice = confirm(request, ALICE)
    assert [item.id for item in by_alice.request.confirmed] == [FIRST]
    assert by_alice.kept == ((request.item(SECOND), Reason.MAY_NOT_CONFIRM),)
    by_carol = confirm(request, CAROL)
    assert [item.id for item in by_carol.request.confirmed] == [SECOND]
    assert by_carol.kept == ((request.item(FIRST), Reason.MAY_NOT_CONFIRM),)


@SINGLE_OR_SEVERAL
def test_what_slack_forbids_is_not_confirmed(number: int) -> None:
    """An approver may have left the list since they approved."""
    request = approved(waiting(number))
    last = request.item_ids[-1]

    def forbids(item: Item) -> Reason | None:
        return Reason.MAY_NOT_APPROVE if item.id == last else None

    given = (request, ALICE, NOW, request.card_ref, forbids)
    if number == 1:
        assert refusal(steps.confirm, *given).reason is Reason.MAY_NOT_APPROVE
        return
    transition = steps.confirm(*given)
    assert [item.id for item in transition.request.confirmed] == [FIRST]
    assert transition.kept == ((request.item(SECOND), Reason.MAY_NOT_APPROVE),)


@SINGLE_OR_SEVERAL
def test_an_item_without_its_approvals_is_not_confirmed(number: int) -> None:
    """The gate that stands before the claim stands here already."""
    request = request_in(State.APPROVED, number)
    for item in request.items:
        request = with_item(request, voted(item, approvals=()))
    refused = refusal(confirm, request)
    assert refused.reason is Reason.CHANGED_SINCE
    assert (refused.item, refused.request) == (request.items[0], request)


@SINGLE_OR_SEVERAL
@pytest.mark.parametrize("claimed", [False, True])
def test_what_runs_is_not_confirmed_again(claimed: bool, number: int) -> None:
    """By the newest button or an older one, before the first item is claimed and after it."""
    request = running(number)
    old = request.card_ref
    if claimed:
        request = steps.claim_next(request, NOW).request
    for ref in (request.card_ref, old):
        refused = refusal(steps.confirm, request, ALICE, NOW, ref, nothing_forbids)
        assert (refused.reason, refused.request) == (Reason.ALREADY_RUNNING, request)


def test_what_runs_is_confirmed_by_no_other_either() -> None:
    """Of a single item it is said that it is not theirs; of several it can be theirs in part."""
    assert refusal(confirm, running(1), CAROL).reason is Reason.MAY_NOT_CONFIRM
    assert refusal(confirm, running(2), CAROL).reason is Reason.ALREADY_RUNNING


@SINGLE_OR_SEVERAL
def test_a_button_is_good_for_one_attempt(number: int) -> None:
    """A confirmation that is delivered again after an item came back does not begin another."""
    request = approved(waiting(number, failures_allowed=number))
    old = request.card_ref
    request = confirmed(request)
    for _ in range(number):
        request = performed(request, came_back)
    refused = refusal(steps.confirm, request, ALICE, NOW, old, nothing_forbids)
    assert (refused.reason, refused.request) == (Reason.CHANGED_SINCE, request)
    again = confirm(request).request
    assert again.run is not None
    assert [each.attempt for each in again.run.items] == [1] * number


def test_after_a_stop_what_is_left_can_be_confirmed_and_earlier_failures_are_forgiven() -> None:
    """By a person, who has seen them."""
    stopped = steps.stop(performed(running(3), failed), NOW).request
    assert states(stopped) == [State.FAILED, State.APPROVED, State.APPROVED]
    again = confirmed(stopped)
    assert [item.id for item in again.confirmed] == [SECOND, THIRD]
    assert again.in_trouble == ()
    assert steps.due(again, NOW) is Step.CLAIM


# Too late


@SINGLE_OR_SEVERAL
@pytest.mark.parametrize("change", [-1, 1])
def test_an_old_card_decides_nothing(change: int, number: int) -> None:
    """Neither of fewer rounds nor of more, and for a confirmation of fewer attempts or more."""
    request, rounds = waiting(number), number + change
    ready = approved(request)
    a_no = (rounds, "No.", frozenset([FIRST]), nothing_forbids)
    for step, given in (
        (steps.approve, (request, CAROL, NOW, rounds, nothing_forbids)),
        (steps.looking, (request, CAROL, NOW, rounds, nothing_forbids)),
        (steps.decline, (request, CAROL, NOW, *a_no)),
        (steps.decline, (ready, CAROL, NOW, *a_no)),
        (steps.confirm, (ready, ALICE, NOW, CardRef(FIRST, rounds, 0), nothing_forbids)),
        (steps.confirm, (ready, ALICE, NOW, CardRef(FIRST, number, change), nothing_forbids)),
    ):
        refused = refusal(step, *given)
        assert refused.reason is Reason.CHANGED_SINCE
        assert refused.request is given[0]


@SINGLE_OR_SEVERAL
def test_people_decide_nothing_when_time_is_up(number: int) -> None:
    """At the very second, and without any timer."""
    for state, decide in (
        (State.AWAITING_APPROVAL, looking),
        (State.AWAITING_APPROVAL, approve),
        (State.AWAITING_APPROVAL, decline),
        (State.AWAITING_APPROVAL, withdraw),
        (State.APPROVED, confirm),
    ):
        request = request_in(state, number)
        for item in request.items:
            assert decide(request).request.items
            request = changed(request, item.id, expires_at=NOW)
        refused = refusal(decide, request)
        assert refused.reason is Reason.EXPIRED
        assert (refused.item, refused.request) == (request.items[0], request)


def test_an_item_whose_time_is_up_is_kept_and_the_others_are_decided() -> None:
    """Each has a time of its own."""
    request = changed(waiting(2), FIRST, expires_at=NOW)
    for decide in (looking, approve, decline, withdraw):
        transition = decide(request)
        assert [item.id for item, _ in transition.items] == [SECOND]
        assert transition.kept == ((request.item(FIRST), Reason.EXPIRED),)


@pytest.mark.parametrize(
    "state", [State.DECLINED, State.WITHDRAWN, State.EXPIRED, State.FAILED, State.DONE]
)
@pytest.mark.parametrize(
    "decide", [looking, lambda request: approve(request, BOB), decline, withdraw, confirm]
)
def test_what_has_ended_is_not_decided_any_more(decide: Decision, state: State) -> None:
    """Neither by yes nor by no, and nothing is started; of a single item it is said how it
    stands."""
    single = request_in(state)
    refused = refusal(decide, single)
    assert (refused.reason, refused.request) == (Reason.WRONG_STATE, single)
    assert refused.item == single.items[0]
    several = request_in(state, 2)
    refused = refusal(decide, several)
    chosen = decide is decline  # by a form that names items
    assert refused.reason is (Reason.WRONG_STATE if chosen else Reason.NOTHING_TO_DECIDE)
    assert (refused.item, refused.request) == (several.items[0] if chosen else None, several)


@pytest.mark.parametrize(
    ("before", "decide", "reason"),
    [
        (running(1), approve, Reason.VOTED_ALREADY),
        (running(1), lambda request: approve(request, BOB), Reason.WRONG_STATE),
        (running(1), looking, Reason.WRONG_STATE),
        (waiting(1), confirm, Reason.WRONG_STATE),
        (performed(running(1), lost), confirm, Reason.WRONG_STATE),
        (performed(running(1), lost), withdraw, Reason.WRONG_STATE),
        (performed(running(1), lost), decline, Reason.WRONG_STATE),
    ],
)
def test_of_a_single_item_that_does_not_wait_for_that_the_refusal_says_how_it_stands(
    before: Request, decide: Decision, reason: Reason
) -> None:
    """Also by a button of an older card, which the person sees as it is not any more."""
    refused = refusal(decide, before)
    assert (refused.reason, refused.request) == (reason, before)
    assert refused.item == before.items[0]


def test_of_a_single_item_that_does_not_wait_an_old_card_is_no_reason() -> None:
    """That another person was faster is the better answer."""
    ready = approved(waiting(1))
    refused = refusal(steps.approve, ready, BOB, NOW, 99, nothing_forbids)
    assert (refused.reason, refused.item) == (Reason.WRONG_STATE, ready.items[0])
    pressed = CardRef(FIRST, 99, 99)
    done_already = performed(running(1), done)
    refused = refusal(steps.confirm, done_already, ALICE, NOW, pressed, nothing_forbids)
    assert (refused.reason, refused.item) == (Reason.WRONG_STATE, done_already.items[0])


@pytest.mark.parametrize("step", [steps.approve, steps.looking])
def test_of_several_items_an_old_card_is_the_reason_also_when_none_of_them_waits(
    step: Callable[..., Transition],
) -> None:
    """The newest card shows how each of them stands."""
    ready = approved(waiting(2))
    refused = refusal(step, ready, BOB, NOW, 99, nothing_forbids)
    assert (refused.reason, refused.item) == (Reason.CHANGED_SINCE, None)
    assert refused.request is ready


@SINGLE_OR_SEVERAL
def test_each_step_of_an_item_changes_the_request_by_one_revision(number: int) -> None:
    """What an item does by itself is a line of its own history only."""
    claimed = steps.claim_next(running(number), NOW).request
    later = NOW + timedelta(minutes=1)
    sent = lifecycle.send(claimed.item(FIRST), later)
    transition = steps.move(claimed, sent)
    after = transition.request
    assert (transition.items, transition.event) == ((sent,), None)
    assert after.item(FIRST) == sent[0]
    assert after.items[1:] == claimed.items[1:]
    assert (after.version, after.revision) == (claimed.version, claimed.revision + 1)
    assert after.changed_at == later
