"""What a click costs at most, in transactions, round trips and calls."""

from statistics import median

from tests import costs
from tests.postgres import PostgresServer
from tests.workspace import Conversation

APPROVE = 6
"""Transactions: the request is read for its policy, the step is taken, its job reads the request,
what Slack shows is recorded, that the requester is told is noted, and who looks at their Home is
read."""

UPGRADE_TWO = 40
ROUND_TRIPS = 25


async def test_an_approval_is_six_transactions(workspace: Conversation) -> None:
    """With its card shown and the requester told."""
    assert await costs.transactions_of_an_approval(workspace) == APPROVE
    await workspace.thread()


async def test_an_approval_of_twelve_items_is_as_many(workspace: Conversation) -> None:
    """One step, one card, one message."""
    assert await costs.transactions_of_approving(workspace, 12) == APPROVE
    await workspace.thread()


async def test_two_upgrades_are_forty_transactions_at_most(workspace: Conversation) -> None:
    """From the confirmation until everything is settled and shown."""
    await costs.transactions_of_approving(workspace, 2)
    await workspace.thread()
    assert await costs.transactions_of_upgrading(workspace) <= UPGRADE_TWO
    await workspace.thread()


async def test_a_look_up_asks_slack_and_microsoft_each_question_once(
    workspace: Conversation,
) -> None:
    """Who the person is and what they read, what the customer has, and what each of its three
    subscriptions can become."""
    assert await costs.calls_of_a_look_up(workspace) == {
        "users.info": 1,
        "GET /v1/customers/…/subscriptions": 1,
        "GET /v1/customers/…/subscriptions/…/upgrades": 3,
        "response_url": 1,
    }


async def test_a_look_up_asks_each_question_about_the_person_once(
    workspace: Conversation,
) -> None:
    """What they are, whether they may ask, and what they read; also where nobody has to be called
    for it."""
    asked = await costs.questions_of_a_look_up(workspace)
    assert (asked["member_kind"], asked["belongs"], asked["locale"]) == (1, 1, 1)


async def test_an_approval_takes_twenty_five_round_trips_to_postgresql_at_most(
    postgres: PostgresServer,
) -> None:
    """By the database's own clock; the median, as a new connection takes more."""
    taken = await costs.round_trips_of_approvals(await postgres.new_database(), 5)
    assert median(taken) <= ROUND_TRIPS, taken
