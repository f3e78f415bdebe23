"""A statement that is kept in words does what SQLAlchemy does with it, on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from bot.domain.upgrade import State
from bot.store import Store, tables
from bot.store.prepared import Prepared
from tests.domain.test_the_states import NOW

IN_TOKYO = datetime(2026, 11, 25, 3, 0, tzinfo=timezone(timedelta(hours=9)))
ADD = sa.insert(tables.requests)
OF = tables.requests.c.id == sa.bindparam("of")
CHANGE = Prepared(sa.update(tables.requests).where(OF))


def row(id: str) -> dict[str, Any]:
    """A request, as far as a table knows."""
    whole = {column.name: "" for column in tables.requests.c if isinstance(column.type, sa.Text)}
    numbers = {"version": 1, "shown_version": 0}
    return {**whole, **numbers, "id": id, "created_at": NOW, "due_at": IN_TOKYO, "body": id}


async def stored(store: Store, id: str) -> dict[str, Any]:
    """All of it."""
    query = sa.select(tables.requests).where(tables.requests.c.id == id)
    return await store._database.read(lambda c: dict(c.execute(query).one()._mapping))


async def changed(store: Store, id: str, change: dict[str, Any]) -> int:
    """How many rows of that id were changed."""
    here = {"of": id, **change}
    return await store._database.write(lambda c: CHANGE.run(c, here).rowcount)


async def test_a_row_is_stored_as_sqlalchemy_stores_it(store: Store) -> None:
    """Also a time of another zone, a state, and what has no value."""
    ours, theirs = (row(id) | {"state": State.APPROVED, "rests_until": None} for id in ("a", "b"))
    await store._database.write(lambda c: Prepared(ADD).run(c, ours))
    await store._database.write(lambda c: c.execute(ADD, theirs))
    a, b = [await stored(store, id) for id in ("a", "b")]
    assert a == b | {"id": "a", "body": "a"}
    assert a["due_at"] == IN_TOKYO
    assert a["due_at"].astimezone(UTC).hour == 18


async def test_the_columns_of_a_row_are_changed_and_no_others(store: Store) -> None:
    """One statement, for rows of other columns each."""
    await store._database.write(lambda c: Prepared(ADD).run(c, row("a")))
    before = await stored(store, "a")
    changes: list[dict[str, Any]] = [{"version": 2}, {"seal": "s", "version": 3}, {"due_at": None}]
    for change in changes:
        assert await changed(store, "a", change) == 1
        before |= change
        assert await stored(store, "a") == before
    assert await changed(store, "nowhere", {"version": 9}) == 0


async def test_what_is_not_there_is_not_found(store: Store) -> None:
    """And what is there is."""
    find = Prepared(sa.select(tables.requests.c.body, tables.requests.c.version).where(OF))
    await store._database.write(lambda c: Prepared(ADD).run(c, row("a")))

    async def found(id: str) -> object:
        return await store._database.read(lambda c: find.run(c, {"of": id}).fetchone())

    assert await found("a") == ("a", 1)
    assert await found("b") is None


async def test_an_error_is_sqlalchemys_and_undoes_the_transaction(store: Store) -> None:
    """Whoever catches it need not know how the statement was run."""
    await store._database.write(lambda c: Prepared(ADD).run(c, row("a")))

    def again(connection: sa.Connection) -> None:
        CHANGE.run(connection, {"of": "a", "version": 2})
        Prepared(ADD).run(connection, row("a"))

    with pytest.raises(IntegrityError):
        await store._database.write(again)
    assert (await stored(store, "a"))["version"] == 1


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_an_error_does_not_repeat_what_somebody_wrote(store: Store) -> None:
    """It ends in a log."""
    secret = row("a") | {"body": "between you and me"}
    await store._database.write(lambda c: c.execute(sa.text("DROP TABLE requests")))
    with pytest.raises(OperationalError) as raised:
        await store._database.write(lambda c: Prepared(ADD).run(c, secret))
    assert "no such table" in str(raised.value)
    assert "between you and me" not in str(raised.value)
