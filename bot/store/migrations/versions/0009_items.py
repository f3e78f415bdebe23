"""A request has items: what was a request of its own, or a row of a bundle, is an item now.

Their documents and histories stay as they are. Beside each that had a card of its own, a request is
put that has the same id; a bundle becomes a request. No card has to be drawn anew.
"""

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.store.migrations.frozen import (
    NOBODY,
    TIME,
    Json,
    canonical,
    digest,
    hide,
    isoformat,
    let_it_change,
    let_it_only_grow,
    only,
    seal,
)

revision = "0009"
down_revision = "0008"

OPEN = "state IN ('awaiting_approval', 'approved')"
IN_FLIGHT = "state IN ('performing', 'unknown')"

OLD_INDEXES = (
    "due", "unshown", "untied", "by_state", "with_people", "by_requester", "by_subscription",
    "by_channel", "by_customer", "open", "open_by_requester", "by_bundle", "one_at_a_time",
)  # fmt: skip

STEPS = {"begin": "claim"}
"""What a step of a bundle was for its rows, where it has another name."""

OWN_STEPS = ("ask", "confirm", "skip", "stop", "end", "sum_up")
"""The steps of a bundle that stay in the history of the request."""


def upgrade() -> None:
    """Rename what is there, put the requests beside it, and seal the histories of bundles."""
    _requests_become_items()
    _make_the_new_tables()
    _put_requests_beside_items()
    _bundles_become_requests()
    for name in ("shown", "bundles_shown", "bundle_history", "bundles"):
        op.drop_table(name)
    _make_indexes()
    for name in ("item_history", "request_history"):
        let_it_only_grow(op.get_bind(), name)


def _requests_become_items() -> None:
    for name in OLD_INDEXES:
        op.drop_index(f"requests_{name}", "requests")
    let_it_change(op.get_bind(), "history")
    for old, new in (("requests", "items"), ("history", "item_history")):
        op.rename_table(old, new)
    for table, old, new in (
        ("items", "bundle_id", "request_id"),
        ("item_history", "request_id", "item_id"),
        ("votes", "request_id", "item_id"),
    ):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    op.add_column("items", sa.Column("partner_id", sa.Text, server_default="", nullable=False))
    op.add_column("item_history", sa.Column("revision", sa.Integer))


def _make_the_new_tables() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("requester_id", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_at", TIME),
        sa.Column("due_at", TIME),
        sa.Column("shown_revision", sa.Integer, server_default="0", nullable=False),
        sa.Column("rests_until", TIME),
        sa.Column("troubles", sa.Integer, server_default="0", nullable=False),
        sa.Column("told_privately", sa.Integer, server_default="0", nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("tied_version", sa.Integer, server_default="0", nullable=False),
        sa.Column("seal", sa.Text, server_default="", nullable=False),
    )
    op.create_table(
        "request_history",
        sa.Column("request_id", sa.Text, sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("personal", sa.Text),
        sa.Column("personal_hash", sa.Text, server_default="", nullable=False),
        sa.Column("seal", sa.Text, server_default="", nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_table(
        "cards",
        sa.Column("request_id", sa.Text, sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("ts", sa.Text, nullable=False),
        sa.Column("card_revision", sa.Integer, nullable=False),
        sa.Column("told_revision", sa.Integer, nullable=False),
        sa.Column("told_ts", sa.Text, server_default="", nullable=False),
        sa.Column("link", sa.Text, server_default="", nullable=False),
    )


def _document_in_sql() -> tuple[str, str]:
    """A request's document out of that of its item, and what is read from besides the items: on
    PostgreSQL a document that is read once a field takes a million requests a minute more."""
    if op.get_bind().dialect.name == "sqlite":
        fields = ["reason", "evidence", "correlation_id", "created_at"]
        read = [f"'{name}', json_extract(body, '$.{name}')" for name in fields]
        read.append("'requester', json(json_extract(body, '$.requester'))")
        made, of_items, said = "json_object", "json_array(id)", ""
    else:
        fields = ["requester", "reason", "evidence", "correlation_id", "created_at"]
        read = [f"'{name}', said.{name}" for name in fields]
        made, of_items = "json_build_object", "json_build_array(id)"
        columns = ", ".join(f"{name} json" for name in fields)
        said = f", json_to_record(body::json) AS said({columns})"
    own = "'id', id, 'version', 0, 'workspace', team_id, 'channel_id', channel_id"
    document = f"{made}({own}, {', '.join(read)}, 'item_ids', {of_items})"
    return f"CAST({document} AS TEXT)", said


def _put_requests_beside_items() -> None:
    """A request whose only item has its id. It has no line of history, so that its document says
    nothing that the item's does not say; proofs compare them."""
    document, said = _document_in_sql()
    op.execute(
        "INSERT INTO requests (id, version, revision, team_id, requester_id, channel_id, "
        "created_at, changed_at, due_at, shown_revision, rests_until, troubles, told_privately, "
        "body) SELECT id, 0, version, team_id, requester_id, channel_id, items.created_at, "
        "items.created_at, "
        f"CASE WHEN {OPEN} THEN due_at END, shown_version, rests_until, troubles, told_privately, "
        f"{document} FROM items{said} WHERE request_id = ''"
    )
    op.execute(
        "INSERT INTO cards (request_id, channel_id, ts, card_revision, told_revision, told_ts, "
        "link) SELECT request_id, channel_id, ts, card_version, told_version, told_ts, link "
        "FROM shown"
    )
    op.execute(  # one statement, as each writes every row again
        f"UPDATE items SET due_at = CASE WHEN NOT ({OPEN}) THEN due_at END, "
        "request_id = CASE request_id WHEN '' THEN id ELSE request_id END "
        f"WHERE request_id = '' OR ({OPEN} AND due_at IS NOT NULL)"
    )
    op.create_index("items_by_request", "items", ["request_id"])
    for name in ("shown_version", "told_privately"):
        op.execute(f"ALTER TABLE items DROP COLUMN {name}")


def _bundles_become_requests() -> None:
    connection = op.get_bind()
    bundles = sa.table(
        "bundles",
        *(
            sa.column(name)
            for name in ("id", "version", "team_id", "requester_id", "channel_id", "shown_version",
                         "troubles", "told_privately", "body")
        ),
        *(sa.column(name, TIME) for name in ("created_at", "due_at", "rests_until")),
    )  # fmt: skip
    for bundle in connection.execute(sa.select(bundles)).all():
        _one_bundle_becomes_a_request(connection, bundle)
    op.execute(
        "INSERT INTO cards (request_id, channel_id, ts, card_revision, told_revision, told_ts, "
        "link) SELECT bundle_id, channel_id, ts, card_version, told_version, told_ts, link "
        "FROM bundles_shown"
    )


def _one_bundle_becomes_a_request(connection: sa.Connection, bundle: Any) -> None:
    history = sa.table(
        "bundle_history",
        *(sa.column(name) for name in ("bundle_id", "version", "step", "body")),
        sa.column("at", TIME),
    )
    query = sa.select(history).where(history.c.bundle_id == bundle.id).order_by(history.c.version)
    lines = connection.execute(query).all()
    _say_in_which_revision(connection, bundle.id, lines)
    own = [line for line in lines if line.step in OWN_STEPS] or [_first_line(bundle)]
    document = _document_of(connection, bundle, len(own))
    row = {
        "id": bundle.id,
        "version": len(own),
        "revision": bundle.version,
        "team_id": bundle.team_id,
        "requester_id": bundle.requester_id,
        "channel_id": bundle.channel_id,
        "created_at": bundle.created_at,
        "changed_at": max((line.at for line in lines), default=bundle.created_at),
        "due_at": _due_at(connection, bundle),
        "shown_revision": bundle.shown_version,
        "rests_until": bundle.rests_until,
        "troubles": bundle.troubles,
        "told_privately": bundle.told_privately,
        "body": canonical(document),
        "seal": "",
    }
    requests = sa.table("requests", *(sa.column(name, _type_of(name)) for name in row))
    connection.execute(sa.insert(requests), row)
    _seal(connection, document, own)


def _due_at(connection: sa.Connection, bundle: Any) -> Any:
    """When it is attended to. Of one item alone neither the end of a run nor a sum is told: it is
    not due for these once people cannot decide about it any more."""
    ids = json.loads(bundle.body)["request_ids"]
    items = sa.table("items", sa.column("id"), sa.column("state"))
    is_open = sa.select(items.c.id).where(items.c.id.in_(ids), sa.text(OPEN)).limit(1)
    return bundle.due_at if len(ids) > 1 or connection.execute(is_open).first() else None


def _first_line(bundle: Any) -> Any:
    """Of a bundle whose history was forgotten with its people."""
    event: Json = {"at": isoformat(bundle.created_at), "by": None, "rows": [], "note": ""}
    return SimpleNamespace(
        step="ask", at=bundle.created_at, version=bundle.version, body=json.dumps(event)
    )


def _document_of(connection: sa.Connection, bundle: Any, version: int) -> Json:
    """A request's document out of that of a bundle."""
    old = json.loads(bundle.body)
    return {
        "id": bundle.id,
        "version": version,
        "workspace": bundle.team_id,
        "channel_id": bundle.channel_id,
        "requester": old["requester"],
        "reason": old["reason"],
        "evidence": old["evidence"],
        "correlation_id": old.get("correlation_id", ""),
        "created_at": old["created_at"],
        "failures_allowed": old["failures_allowed"],
        "item_ids": old["request_ids"],
        "run": _run_of(connection, old),
        "is_summed_up": old["is_summed_up"],
        "is_followed_up": old["is_summed_up"],  # what was told as over is not taken up again
    }


def _run_of(connection: sa.Connection, old: Json) -> Json | None:
    """What the last confirmation was about. Of those that had their turn, the ones that are still
    as they were confirmed were passed over."""
    if not old["confirmed"]:
        return None
    by = old["confirmed_by"] or NOBODY
    had_their_turn = [each["request_id"] for each in old["confirmed"][: old["begun"]]]
    items = sa.table("items", sa.column("id"), sa.column("state"), sa.column("body"))
    there = connection.execute(sa.select(items).where(items.c.id.in_(had_their_turn))).all()
    attempts = {each["request_id"]: each["attempt"] for each in old["confirmed"]}
    skipped = [
        row.id
        for row in there
        if row.state == "approved" and json.loads(row.body)["attempt"] == attempts[row.id]
    ]
    return {
        "by": by,
        "at": old["confirmed_at"],
        "items": [
            {
                "item_id": each["request_id"],
                "round": each["round"],
                "attempt": each["attempt"],
                "by": by,
            }
            for each in old["confirmed"]
        ],
        "skipped": skipped,
        "is_stopped": old["is_stopped"],
        "is_told": not old["is_running"],
    }


Step = tuple[str, int, str]
"""A line of a row's history: the row, the line's number, and the step."""

OF_THE_BUNDLE_ALONE = ("confirm", "skip", "stop", "end", "sum_up")


def _what_happened(line: Any) -> tuple[str, list[str]]:
    """The step that the rows took, and which rows; no ids are all of them."""
    event = json.loads(line.body)
    step = event["of"]["step"] if event.get("of") else STEPS.get(line.step, line.step)
    return step, event["rows"]


def _say_in_which_revision(connection: sa.Connection, bundle_id: str, lines: Iterable[Any]) -> None:
    """Which line of a row's history was written with which line of the bundle's: in both the same
    steps stand in the same order. What stands in none was told by none."""
    items = sa.table("items", sa.column("id"), sa.column("request_id"))
    history = sa.table(
        "item_history",
        *(sa.column(name) for name in ("item_id", "version", "step", "revision")),
    )
    query = (
        sa.select(history.c.item_id, history.c.version, history.c.step)
        .join_from(history, items, items.c.id == history.c.item_id)
        .where(items.c.request_id == bundle_id)
        .order_by(history.c.item_id, history.c.version)
    )
    revisions = _placed([tuple(row) for row in connection.execute(query)], lines)
    for (item_id, version, _), in_revision in revisions.items():
        same = (history.c.item_id == item_id) & (history.c.version == version)
        connection.execute(sa.update(history).where(same).values(revision=in_revision))


def _placed(left: list[Step], lines: Iterable[Any]) -> dict[Step, int]:
    revisions = dict.fromkeys(left, 0)
    for line in lines:
        if line.step in OF_THE_BUNDLE_ALONE:
            continue
        step, ids = _what_happened(line)
        for item_id in ids or {item_id for item_id, _, _ in left}:
            same = (row for row in left if row[0] == item_id and row[2] == step)
            if row := next(same, None):
                revisions[row] = line.version
                left.remove(row)
    return revisions


def _seal(connection: sa.Connection, document: Json, lines: list[Any]) -> None:
    """The lines of a bundle's history that stay, sealed one after the other; the newest vouches for
    the request as it stands now."""
    before = ""
    chain = f"request/{document['id']}"
    for version, line in enumerate(lines, 1):
        event = json.loads(line.body)
        facts: Json = {
            "step": line.step, "at": event["at"], "items": event["rows"], "note": event["note"],
        }  # fmt: skip
        if version == len(lines):
            facts["request"] = {"document": _digest_of(document)}
        text, hidden = hide({"by": event["by"]} if event["by"] else {})
        body = canonical(facts)
        before = seal(before, chain, str(version), line.step, isoformat(line.at), body, hidden)
        row = {
            "request_id": document["id"],
            "version": version,
            "step": line.step,
            "at": line.at,
            "body": body,
            "personal": text,
            "personal_hash": hidden,
            "seal": before,
            "revision": line.version,
        }
        history = sa.table("request_history", *(sa.column(name, _type_of(name)) for name in row))
        connection.execute(sa.insert(history), row)
    requests = sa.table("requests", sa.column("id"), sa.column("seal"))
    newest = sa.update(requests).where(requests.c.id == document["id"]).values(seal=before)
    connection.execute(newest)


def _digest_of(document: Json) -> str:
    """A hash of a request's document that stays the same when its people are forgotten."""
    left = {**document, "requester": NOBODY, "reason": ""}
    if run := document["run"]:
        items = [{**each, "by": NOBODY} for each in run["items"]]
        left["run"] = {**run, "by": NOBODY, "items": items}
    return digest(canonical(left))


def _type_of(name: str) -> Any:
    return TIME if name == "at" or name.endswith(("_at", "_until")) else None


def _make_indexes() -> None:
    of_open, people = only(sa.text(OPEN)), only(sa.text("requester_id <> ''"))
    due, untied = only(sa.text("due_at IS NOT NULL")), only(sa.text("tied_version < version"))
    for table in ("requests", "items"):
        op.create_index(f"{table}_due", table, ["due_at"], **due)
        op.create_index(f"{table}_untied", table, ["id"], **untied)
        op.create_index(f"{table}_with_people", table, ["created_at"], **people)
    behind = only(sa.text("shown_revision < revision"))
    op.create_index("requests_unshown", "requests", ["id"], **behind)
    op.create_index("items_by_state", "items", ["state"])
    op.create_index("items_by_requester", "items", ["team_id", "requester_id", "created_at"])
    op.create_index("items_by_subscription", "items", ["subscription_id", "created_at"])
    op.create_index("items_by_channel", "items", ["channel_id", "created_at"])
    op.create_index("items_by_customer", "items", ["channel_id", "customer_id", "created_at"])
    op.create_index("items_open", "items", ["team_id", "created_at"], **of_open)
    op.create_index("items_open_by_requester", "items", ["team_id", "requester_id"], **of_open)
    op.create_index(
        "items_one_at_a_time",
        "items",
        ["subscription_id"],
        unique=True,
        **only(sa.text(IN_FLIGHT)),
    )
    op.create_index("cards_by_place", "cards", ["channel_id", "ts"])
