"""What migrations need of the store, as it was when they were written.

Only migrations use it, and it does not change with the store: otherwise a database that was brought
along yesterday would be another one than one that is brought along tomorrow.
"""

import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

Json = dict[str, Any]

TIME = sa.DateTime(timezone=True)
NOBODY = {"team_id": "", "user_id": ""}

_OF_DOCUMENT: Json = {
    "requester": NOBODY,
    "reason": "",
    "readers": [],
    "confirmed_by": None,
    "closed_by": None,
    "closed_because": "",
}
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def only(condition: Any) -> dict[str, Any]:
    """Makes an index one over the rows that meet the condition."""
    return {"sqlite_where": condition, "postgresql_where": condition}


def isoformat(at: datetime) -> str:
    """A point in time as it is sealed; SQLite has forgotten its zone."""
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)).isoformat()


def canonical(value: Any) -> str:
    """The one text of a JSON value."""
    return _CANONICAL.encode(value)


def digest(text: str) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def seal(before: str, *line: str) -> str:
    """The seal of a line after the line whose seal was `before`; empty for the first one."""
    return digest(canonical([before, *line]))


def hide(personal: Json) -> tuple[str | None, str]:
    """Personal data as the text that is kept beside its line, and the hash that is sealed in its
    stead; nothing when there is none."""
    if not personal:
        return None, ""
    text = canonical({"salt": secrets.token_hex(16), **personal})
    return text, digest(text)


def parts_of(event: Json) -> tuple[Json, Json]:
    """What stays for ever of an event, and what is personal."""
    facts, personal = dict(event), {}
    if facts.pop("by", None):
        personal["by"] = event["by"]
    if event["step"] == "decline" and facts.pop("note", ""):
        personal["note"] = event["note"]
    outcome = facts.get("outcome")
    if outcome and outcome["license_errors"]:
        facts["outcome"] = {**outcome, "license_errors": []}
        personal["license_errors"] = outcome["license_errors"]
    return facts, personal


def digest_of_document(text: str) -> str:
    """A hash of a request's document that stays the same when its people are forgotten."""
    document = json.loads(text)
    left = {**document, **_OF_DOCUMENT}
    left["approvals"] = [{**approval, "by": NOBODY} for approval in document["approvals"]]
    if document["outcome"]:
        left["outcome"] = {**document["outcome"], "license_errors": []}
    return digest(canonical(left))


def let_it_only_grow(connection: sa.Connection, table: str) -> None:
    """From here on the database lets nothing of a history be changed but that personal data is
    taken away. The error says `history` for all of them."""
    if connection.dialect.name == "sqlite":
        columns = [column["name"] for column in sa.inspect(connection).get_columns(table)]
        same = " AND ".join(f"NEW.{c} IS OLD.{c}" for c in columns if c != "personal")
        stop = "BEGIN SELECT RAISE(ABORT, 'history can only grow'); END"
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
            f"WHEN NOT (NEW.personal IS NULL AND {same}) {stop}"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {stop}"
        )
        return
    connection.exec_driver_sql(
        "CREATE OR REPLACE FUNCTION history_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN IF TG_OP = 'UPDATE' AND NEW.personal IS NULL "
        "AND to_jsonb(NEW) - 'personal' = to_jsonb(OLD) - 'personal' THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION 'history can only grow'; END $$"
    )
    for when, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_only_grows_{each.lower()} BEFORE {when} ON {table} "
            f"FOR EACH {each} EXECUTE FUNCTION history_only_grows()"
        )


def let_it_change(connection: sa.Connection, table: str) -> None:
    """Take away what keeps a history from being changed."""
    if connection.dialect.name == "sqlite":
        for verb in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER {table}_no_{verb}")
    else:
        for each in ("row", "statement"):
            connection.exec_driver_sql(f"DROP TRIGGER {table}_only_grows_{each} ON {table}")
