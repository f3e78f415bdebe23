"""A team with thousands of requests that wait: a restart floods nobody and forgets nothing."""

import sqlite3

from bot.domain.item import State
from tests.workspace import Conversation


async def test_a_restart_leaves_ten_thousand_waiting_requests_in_peace(
    workspace: Conversation,
) -> None:
    """Not one card is written again; and the one that somebody looks at goes on."""
    await with_more_requests(workspace, 10_000)
    before = len(workspace.practice.slack.api.calls)
    await workspace.practice.start_bot()
    await workspace.bot.quiet()
    calls = [call.method for call in workspace.practice.slack.api.calls[before:]]
    assert "auth.test" in calls
    assert not [method for method in calls if method.startswith("chat.")]
    await workspace.carol.presses("Approve")
    assert "Approved" in await workspace.card()
    assert "Approved by @carol" in await workspace.thread()


async def test_of_hundreds_that_are_due_at_once_each_gets_its_turn(
    workspace: Conversation,
) -> None:
    """One tick begins with the hundred that are due the longest, the next goes on."""
    ids = await with_more_requests(workspace, 150)
    await workspace.practice.start_bot()
    await workspace.passes(days=30)
    await workspace.passes(seconds=2)
    assert await in_state(workspace, ids, State.EXPIRED) == ids
    assert (await workspace.thread()).count("expired") >= len(ids)
    await workspace.card()


async def with_more_requests(workspace: Conversation, count: int) -> list[str]:
    """Alice asks for an upgrade, and while the bot is stopped her request is copied `count`
    times; the ids of all of them."""
    await workspace.alice.asks_for_e3()
    await workspace.card()
    await workspace.practice.stop_bot()
    workspace.has_copied_rows = True
    with sqlite3.connect(workspace.practice.folder / "upgrade-bot.db") as database:
        (original,) = database.execute("SELECT id FROM requests").fetchone()
        copies = [f"copy-{number}" for number in range(count)]
        for table in ("requests", "items", "request_history", "item_history", "cards"):
            copy(database, table, original, copies)
    database.close()
    return sorted([original, *copies])


def copy(database: sqlite3.Connection, table: str, original: str, copies: list[str]) -> None:
    """Copy one request's rows in one table, as the same rows of other requests."""
    of = {"requests": "id", "items": "id", "item_history": "item_id"}.get(table, "request_id")
    rows = database.execute(f"SELECT * FROM {table} WHERE {of} = ?", [original])  # noqa: S608 - our own names
    columns = [column[0] for column in rows.description]
    marks = ", ".join("?" * len(columns))
    for row in rows.fetchall():
        database.executemany(
            f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608 - our own names
            ([renamed(value, original, copy) for value in row] for copy in copies),
        )


def renamed(value: object, original: str, name: str) -> object:
    """A column's value with the other id in it."""
    return value.replace(original, name) if isinstance(value, str) else value


async def in_state(workspace: Conversation, ids: list[str], state: State) -> list[str]:
    """Those of the requests that are in a state."""
    return [i for i in ids if (await workspace.bot.store.requests.get(i)).items[0].state is state]
