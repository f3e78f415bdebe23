"""Each refusal has a reason, and the facts of its sentence."""

from dataclasses import replace

import pytest

from bot.domain.item import State
from bot.domain.policy import MemberKind
from bot.domain.refusals import (
    MayNotApprove,
    MayNotRequest,
    NoSubscription,
    NotAMember,
    RefusedStep,
    TooMany,
    UnknownCustomer,
)
from bot.errors import Reason, Refused
from tests.factories import CUSTOMER, POLICY, request_in


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (RefusedStep(Reason.EXPIRED), Reason.EXPIRED),
        (UnknownCustomer("Contso", [CUSTOMER]), Reason.UNKNOWN_CUSTOMER),
        (NoSubscription(CUSTOMER), Reason.NO_SUBSCRIPTION),
        (NotAMember(), Reason.NOT_A_MEMBER),
        (MayNotRequest(POLICY), Reason.MAY_NOT_REQUEST),
        (MayNotApprove(), Reason.MAY_NOT_APPROVE),
        (TooMany(Reason.TOO_MANY_ROWS, 50, 51), Reason.TOO_MANY_ROWS),
        (TooMany(Reason.TOO_FAST, 5), Reason.TOO_FAST),
    ],
)
def test_a_refusal_says_its_reason(refused: Refused, reason: Reason) -> None:
    """Also where it is only logged as a text."""
    assert (refused.reason, str(refused)) == (reason, reason.value)


def test_a_refusal_carries_the_facts_of_its_sentence() -> None:
    """No sentence has to find them out again."""
    other = replace(CUSTOMER, id="c")
    unknown = UnknownCustomer("Contso", [CUSTOMER, other])
    assert (unknown.text, unknown.nearest) == ("Contso", [CUSTOMER, other])
    assert NoSubscription(CUSTOMER).customer == CUSTOMER
    assert MayNotRequest(POLICY).policy == POLICY
    assert NotAMember(MemberKind.GUEST).kind is MemberKind.GUEST
    rows = TooMany(Reason.TOO_MANY_ROWS, 50, 51)
    assert (rows.most, rows.number) == (50, 51)


def test_who_slack_does_not_know_is_of_another_workspace() -> None:
    """Without another word of Slack's."""
    assert NotAMember().kind is MemberKind.STRANGER


def test_a_refused_step_of_an_item_becomes_one_of_its_request() -> None:
    """The reason and the item stay."""
    request = request_in(State.DONE, 2)
    refused = RefusedStep(Reason.WRONG_STATE, request.items[1])
    assert refused.request is None
    of_request = refused.of(request)
    assert (of_request.reason, of_request.item) == (Reason.WRONG_STATE, request.items[1])
    assert of_request.request is request
