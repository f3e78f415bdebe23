"""The audit trail: sealed history, a journal, personal data apart; and requests by their state."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.store.migrations.frozen import (
    TIME,
    canonical,
    digest_of_document,
    hide,
    isoformat,
    let_it_only_grow,
    only,
    parts_of,
    seal,
)

revision = "0006"
down_revision = "0005"

AT_ONCE = 1000
"""Rows that are read at once."""


def upgrade() -> None:
    """Seal the history that there is, as it is; from here on the database lets nothing of it be
    changed but that personal data is taken away."""
    _let_history_be_changed()
    op.add_column("history", sa.Column("personal", sa.Text))
    for name in ("personal_hash", "seal"):
        op.add_column("history", sa.Column(name, sa.Text, server_default="", nullable=False))
    op.add_column("requests", sa.Column("seal", sa.Text, server_default="", nullable=False))
    op.add_column(
        "requests", sa.Column("tied_version", sa.Integer, server_default="0", nullable=False)
    )
    op.create_index(
        "requests_untied", "requests", ["id"], **only(sa.text("tied_version < version"))
    )
    op.create_index("requests_by_state", "requests", ["state"])
    op.create_index(
        "requests_with_people", "requests", ["created_at"], **only(sa.text("requester_id <> ''"))
    )
    journal = op.create_table(
        "journal",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("personal", sa.Text),
        sa.Column("personal_hash", sa.Text, nullable=False),
        sa.Column("seal", sa.Text, nullable=False),
    )
    op.create_index("journal_by_kind", "journal", ["kind", "number"])
    op.create_index(
        "journal_with_people", "journal", ["at"], **only(journal.c.personal.is_not(None))
    )
    _seal_what_there_is()
    for table in ("history", "journal"):
        let_it_only_grow(op.get_bind(), table)


def _let_history_be_changed() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER history_no_update")
        op.execute("DROP TRIGGER history_no_delete")
    else:
        op.execute("DROP TRIGGER history_only_grows ON history")
        op.execute("DROP FUNCTION history_only_grows()")


def _seal_what_there_is() -> None:
    """Line by line, in the order of each request. Its newest line vouches for the request as it
    stands today."""
    connection = op.get_bind()
    history, requests = _tables()
    last = ("", 0)
    before = ""
    while rows := connection.execute(_after(history, requests, last)).all():
        for row in rows:
            if row.request_id != last[0]:
                before = ""
            facts, personal = parts_of(json.loads(row.body))
            if row.version == row.newest:
                facts["request"] = {"document": digest_of_document(row.document)}
            text, hidden = hide(personal)
            body = canonical(facts)
            at = isoformat(row.at)
            line = (row.request_id, str(row.version), row.step, at, body, hidden)
            before = seal(before, *line)
            connection.execute(
                sa.update(history)
                .where(history.c.request_id == row.request_id, history.c.version == row.version)
                .values(body=body, personal=text, personal_hash=hidden, seal=before)
            )
            if row.version == row.newest:
                head = sa.update(requests).where(requests.c.id == row.request_id)
                connection.execute(head.values(seal=before))
            last = (row.request_id, row.version)


def _tables() -> tuple[sa.TableClause, sa.TableClause]:
    names = ("body", "personal", "personal_hash", "seal", "request_id", "version", "step")
    history = sa.table("history", *(sa.column(name) for name in names), sa.column("at", TIME))
    requests = sa.table(
        "requests", *(sa.column(name) for name in ("id", "version", "body", "seal"))
    )
    return history, requests


def _after(
    history: sa.TableClause, requests: sa.TableClause, last: tuple[str, int]
) -> sa.Select[Any]:
    key = (history.c.request_id, history.c.version)
    return (
        sa.select(
            *key,
            history.c.step,
            history.c.at,
            history.c.body,
            requests.c.version.label("newest"),
            requests.c.body.label("document"),
        )
        .join_from(history, requests, requests.c.id == history.c.request_id)
        .where(sa.tuple_(*key) > sa.tuple_(*last))
        .order_by(*key)
        .limit(AT_ONCE)
    )
