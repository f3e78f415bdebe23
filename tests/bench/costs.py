"""What a click costs, counted: transactions, round trips to PostgreSQL, and calls."""

from tests import costs
from tests.bench.figure import Figure, Goal, Measured, middle
from tests.postgres import PostgresServer
from tests.workspace import Conversation, new_practice

LOOK_UP = 6
"""Calls: who the person is, the customer's subscriptions, what each of the three can become, and
the answer."""


async def counting(*, quick: bool) -> Measured:
    """Counted once, but for the round trips, of which the median counts."""
    server = PostgresServer()
    server.start()
    try:
        trips = await costs.round_trips_of_approvals(await server.new_database(), 3 if quick else 9)
    finally:
        server.stop()
    practice = new_practice()
    await practice.start()
    workspace = Conversation(practice)
    await practice.start_bot()
    try:
        look_up = (await costs.calls_of_a_look_up(workspace)).total()
        approve = await costs.transactions_of_an_approval(workspace)
        upgrade = await costs.transactions_of_upgrading(workspace)
        approve_two = await costs.transactions_of_approving(workspace, 2)
        upgrade_two = await costs.transactions_of_upgrading(workspace)
    finally:
        await practice.stop()
    unit = "transactions"
    return Measured(
        [
            Figure("Approve, with its card shown", approve, unit, None, 6, Goal.BELOW),
            Figure("Approve of two items", approve_two, unit, None, 6, Goal.BELOW),
            Figure("Upgrade now, to the end", upgrade, unit, None, 20, Goal.BELOW),
            Figure("Upgrade now of two items", upgrade_two, unit, None, 40, Goal.BELOW),
            Figure("Approve on PostgreSQL", middle(trips), "round trips", None, 25, Goal.BELOW),
            Figure("a look-up", look_up, "calls", LOOK_UP, 1, Goal.EQUAL),
        ]
    )
