"""The statements that are run most, put into words once.

For a row SQLite takes some millionths of a second, and SQLAlchemy, each time, twenty more to get
there. So on SQLite its words and conversions are kept, and only the driver is called; on
PostgreSQL the way to the server takes longer than either, and nothing is different.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError


class Done(Protocol):
    """What SQLAlchemy's result and the driver's cursor both say. It does not outlive its
    transaction: as long as one is kept, SQLite goes on reading what was there then."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""

    def fetchone(self) -> Any | None:
        """The next row that was found."""


Convert = Callable[[Any], Any]


class _Words(NamedTuple):
    sql: str
    values: list[tuple[str, Convert | None]]
    """By name, in the order of the question marks, and what makes each the driver's."""


class Prepared:
    """A statement with named parameters, for one row at a time."""

    def __init__(self, statement: sa.Select[Any] | sa.Insert | sa.Update) -> None:
        self._statement = statement
        self._words: dict[tuple[str, ...], _Words] = {}

    def run(self, connection: sa.Connection, row: Mapping[str, Any]) -> Done:
        """Run it in the transaction that is open, with exactly the columns of this row. What is
        found is as the driver has it: texts and numbers. Raises SQLAlchemy's errors for what the
        database refuses."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self._statement, row)
        names = tuple(row)
        words = self._words.get(names)
        if words is None:
            words = self._words[names] = self._in_words(connection.dialect, names)
        values = [convert(row[name]) if convert else row[name] for name, convert in words.values]
        driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
        try:
            return driver.execute(words.sql, values)
        except sqlite3.Error as error:
            # Without the values, because they can be what people wrote.
            raise DBAPIError.instance(words.sql, None, error, sqlite3.Error) from error

    def _in_words(self, dialect: Dialect, names: tuple[str, ...]) -> _Words:
        said = self._statement.compile(dialect=dialect, column_keys=list(names))
        types = {name: bind.type.dialect_impl(dialect) for name, bind in said.binds.items()}
        order = said.positiontup or []
        return _Words(str(said), [(name, types[name].bind_processor(dialect)) for name in order])
