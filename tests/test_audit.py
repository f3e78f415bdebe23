"""The audit trail: everything is on it, nothing of it can be touched unseen, people can be
forgotten, and what is printed of it is safe to open."""

import asyncio
import csv
import io
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import audit
from bot.commands.audit import FORGOTTEN, cell, export
from bot.domain import lifecycle
from bot.domain.policy import Person
from bot.domain.upgrade import State
from bot.sandbox.practice import ALICE, BOB, CAROL
from bot.store import Store, Tie, hash_chain
from bot.store.postgres import Postgres
from bot.store.trail import TURN
from bot.worker.maintenance import Maintenance
from tests.conftest import Start
from tests.domain.test_the_states import request_in
from tests.postgres import PostgresServer
from tests.requests import NO_LIMIT
from tests.store.old_version import bring_to
from tests.test_run import start as start_command
from tests.test_run import variables
from tests.workspace import START, Conversation

OLD = Path(__file__).parent / "store" / "version_0004.sqlite"
"""A database as the version before the audit trail left it: one upgrade done, with two licences
that did not move, one request declined, and one that waits."""


def path_of(workspace: Conversation) -> Path:
    """The file of the bot's database."""
    return workspace.practice.folder / "upgrade-bot.db"


def store_of(workspace: Conversation) -> Store:
    """The running bot's store."""
    assert workspace.bot.store
    return workspace.bot.store


async def an_upgrade(workspace: Conversation, reason: str = "They need Office.") -> None:
    """From the command to the looking after, with somebody who may not approve."""
    await workspace.alice.types("/upgrade northwind")
    await workspace.alice.reads()
    await workspace.alice.presses("Office 365 Enterprise E3 (with licence transfer)")
    await workspace.alice.fills_in(reason=reason, evidence="https://crm.example/7")
    await workspace.bob.presses("Approve")
    await workspace.bob.reads()
    await workspace.carol.presses("Approve")
    await workspace.alice.presses("Upgrade now")
    await workspace.card()
    await workspace.passes(days=2)
    await workspace.card()
    await workspace.thread()


async def exported(store: Store, since: datetime | None = None) -> list[dict[str, object]]:
    """The trail as JSON."""
    to = io.StringIO()
    await export(store, to, since=since, as_json=True)
    lines: list[dict[str, object]] = json.loads(to.getvalue())
    return lines


async def test_every_step_refusal_and_look_is_on_it(workspace: Conversation) -> None:
    """In the order in which it happened, and by whom."""
    await an_upgrade(workspace)
    await workspace.bot.maintenance.once()
    lines = await exported(store_of(workspace))
    who = {ALICE: "alice", BOB: "bob", CAROL: "carol", "upgrade-bot": "bot"}
    journal = [each for each in lines if each["of"] == "journal"]
    assert [(each["what"], who[str(each["by"]).rpartition("/")[2]]) for each in journal] == [
        ("policy", "bot"),
        ("started", "bot"),
        ("looked", "alice"),
        ("refused", "bob"),
        ("tie", "bot"),
    ]
    lifecycle = [each for each in lines if each["of"] != "journal"]
    assert [(each["what"], who[str(each["by"]).rpartition("/")[2]]) for each in lifecycle] == [
        ("ask", "alice"),
        ("approve", "carol"),
        ("claim", "alice"),
        ("send", "bot"),
        ("finish", "bot"),
        ("care", "bot"),
        ("care", "bot"),
    ]
    assert journal[3]["reason"] == "may_not_approve"
    assert journal[3]["facts"]["tried"] == "approve"  # type: ignore[index]
    assert journal[3]["facts"]["request"] == lifecycle[0]["of"]  # type: ignore[index]


async def test_an_upgrade_is_tied_to_all_that_it_hangs_on(workspace: Conversation) -> None:
    """The card's link, who approved what under which policy, the ids that Microsoft has, and
    Partner Center's own record of it."""
    await an_upgrade(workspace)
    card = await workspace.newest_card()
    lines = {str(each["what"]): each for each in await exported(store_of(workspace))}
    follow_up, approve = lines["care"], lines["approve"]
    post = next(call for call in workspace.partner_center.calls if call.method == "POST")
    assert (follow_up["request_id"], follow_up["correlation_id"]) == (
        post.request_id,
        post.correlation_id,
    )
    link = f"archives/{card.channel}/p{card.ts.replace('.', '')}"
    assert follow_up["card"] == f"{workspace.slack.url}{link}"
    assert follow_up["evidence"] == "https://crm.example/7"
    assert str(follow_up["partner_center_record"]).startswith(
        "upgrade_subscription succeeded 2026-11-"
    )
    assert follow_up["policy"]["approvers"] == [["S0APPROVERS"]]  # type: ignore[index]
    assert approve["fingerprint"] == lines["ask"]["fingerprint"]
    assert (approve["customer"], approve["to_plan"]) == (
        "Northwind Traders",
        "Office 365 Enterprise E3",
    )
    assert lines["finish"]["new_subscription_id"] == workspace.upgrades()[0][1]


async def test_another_policy_is_on_record_from_the_first_start_under_it(
    workspace: Conversation,
) -> None:
    """An edit that loosens the rules cannot be made unseen; the same policy is noted once."""
    await workspace.restarts()
    policy = workspace.practice.folder / "policy.toml"
    policy.write_text('[policy]\napprovers = ["channel"]\n', encoding="utf-8")
    await workspace.restarts()
    lines = await exported(store_of(workspace))
    assert [each["what"] for each in lines] == ["policy", "started", "started", "policy", "started"]
    assert lines[3]["policy"]["defaults"]["approvers"] == [["channel"]]  # type: ignore[index]


async def test_it_is_proved_whole_and_a_tie_in_the_log_proves_it_elsewhere(
    workspace: Conversation, log: list[dict[str, object]]
) -> None:
    """The log of another machine vouches for everything before the tie."""
    await an_upgrade(workspace)
    tie = await workspace.bot.maintenance.once()
    assert tie
    assert any(each["event"] == "audit.tied" and each["seal"] == tie.seal for each in log)
    await workspace.alice.asks_for_e3()
    await workspace.card()
    for known in (None, tie):
        proof = await store_of(workspace).trail.verify(known)
        assert proof.broken == []
        assert proof.last_tie == tie
    assert await workspace.bot.maintenance.once(), "what changed since is tied"
    assert await workspace.bot.maintenance.once() is None, "and then there is nothing left"


UNLOCK = (
    "CREATE TEMP TABLE done AS SELECT id FROM requests WHERE state = 'done';"
    "DROP TRIGGER history_no_update; DROP TRIGGER history_no_delete;"
    "DROP TRIGGER journal_no_update; DROP TRIGGER journal_no_delete; PRAGMA foreign_keys=OFF;"
)
"""Whoever can write to the file can also take its guards away."""

NOT_AS_WRITTEN = "it is not as it was written"


@pytest.mark.parametrize(
    ("statement", "of", "number", "how"),
    [
        (
            "UPDATE history SET body = replace(body, 'approve', 'decline') "
            "WHERE version = 2 AND request_id IN done",
            "done",
            2,
            NOT_AS_WRITTEN,
        ),
        (
            "UPDATE history SET at = datetime(at, '-1 day') "
            "WHERE version = 3 AND request_id IN done",
            "done",
            3,
            NOT_AS_WRITTEN,
        ),
        (
            "UPDATE history SET personal = replace(personal, 'U0CAROL', 'U0DAVID') "
            "WHERE version = 2 AND request_id IN done",
            "done",
            2,
            "what it says of people is not what was written",
        ),
        (
            "DELETE FROM history WHERE version = 2 AND request_id IN done",
            "done",
            3,
            "the lines from 2 to here are missing",
        ),
        (
            "DELETE FROM history WHERE version >= 5 AND request_id IN done",
            "done",
            5,
            "the lines from here on are missing",
        ),
        (
            """UPDATE requests SET body = replace(body, '"approvals":1', '"approvals":0') """
            "WHERE id IN done",
            "done",
            7,
            "the request is not what this line made of it",
        ),
        (
            "INSERT INTO history SELECT request_id, version + 1, 'care', at, body, personal, "
            "personal_hash, seal FROM history WHERE version = 7 AND request_id IN done",
            "done",
            8,
            NOT_AS_WRITTEN,
        ),
        (
            "DELETE FROM history WHERE request_id IN done; DELETE FROM requests WHERE id IN done",
            "done",
            7,
            "of the journal knows it with another seal, or at all",
        ),
        ("DELETE FROM history WHERE request_id IN done", "done", 1, "its history is missing"),
        ("UPDATE journal SET body = '{}' WHERE kind = 'refused'", "journal", 4, NOT_AS_WRITTEN),
        ("DELETE FROM journal WHERE kind = 'refused'", "journal", 5, "the lines from 4 to here"),
        ("UPDATE journal SET kind = 'looked' WHERE number = 4", "journal", 4, NOT_AS_WRITTEN),
    ],
    ids=str,
)
async def test_whatever_is_touched_is_named(
    workspace: Conversation, tmp_path: Path, statement: str, of: str, number: int, how: str
) -> None:
    """By somebody who has the file, and takes its triggers away first."""
    await an_upgrade(workspace)
    await workspace.bot.maintenance.once()
    copied = copy_of(workspace, tmp_path)
    with closing(sqlite3.connect(copied)) as database, database:
        ((done,),) = database.execute("SELECT id FROM requests WHERE state = 'done'").fetchall()
        database.executescript(UNLOCK + statement)
    store = await Store.open(f"sqlite:///{copied}")
    proof = await store.trail.verify()
    named = next(each for each in proof.broken if how in each.how)
    assert (named.of, named.number) == (done if of == "done" else "journal", number)
    said = list(audit.verdict(proof, None))
    assert said[0].startswith("TOUCHED: ")
    await store.close()


def copy_of(workspace: Conversation, folder: Path) -> Path:
    """A copy that is made while the bot runs, as `.docker/README.md` says."""
    to = folder / "copy.db"
    with closing(sqlite3.connect(path_of(workspace))) as database:
        database.execute("VACUUM INTO ?", [str(to)])
    return to


async def test_whoever_makes_everything_anew_is_found_by_a_tie_of_the_log(
    workspace: Conversation, tmp_path: Path
) -> None:
    """All seals fit, but for the one that was written down elsewhere."""
    await an_upgrade(workspace)
    tie = await workspace.bot.maintenance.once()
    copied = copy_of(workspace, tmp_path)
    with closing(sqlite3.connect(copied)) as database, database:
        database.executescript(UNLOCK)
        make_anew(database)
    store = await Store.open(f"sqlite:///{copied}")
    assert (await store.trail.verify()).broken == [], "it looks whole"
    (broken,) = (await store.trail.verify(tie)).broken
    assert "there is no such tie as was written down elsewhere" in broken.how
    assert (await store.trail.verify(Tie(999, "f" * 64))).broken, "nor one that never was"
    await store.close()


def make_anew(database: sqlite3.Connection) -> None:
    """A forger at work: somebody else approved, and every seal after it is made again."""
    lines = database.execute("SELECT * FROM history ORDER BY request_id, version").fetchall()
    before, chain = "", ""
    heads = {}
    for request_id, version, step, at, body, personal, _hash, _seal in lines:
        before = before if request_id == chain else ""
        forged = personal and personal.replace("U0CAROL", "U0DAVID")
        hidden = hash_chain.digest(forged) if forged else ""
        when = datetime.fromisoformat(at).replace(tzinfo=UTC).isoformat()
        before = hash_chain.seal(before, request_id, str(version), step, when, body, hidden)
        chain, heads[request_id, version] = request_id, before
        database.execute(
            "UPDATE history SET personal = ?, personal_hash = ?, seal = ? "
            "WHERE request_id = ? AND version = ?",
            [forged, hidden, before, request_id, version],
        )
    before = ""
    for number, at, kind, body, hidden in database.execute(
        "SELECT number, at, kind, body, personal_hash FROM journal ORDER BY number"
    ).fetchall():
        facts = json.loads(body)
        for head in facts.get("heads", []):
            head[2] = heads[head[0], head[1]]
        when = datetime.fromisoformat(at).replace(tzinfo=UTC).isoformat()
        text = hash_chain.canonical(facts)
        before = hash_chain.seal(before, "journal", str(number), kind, when, text, hidden)
        change = "UPDATE journal SET body = ?, seal = ? WHERE number = ?"
        database.execute(change, [text, before, number])


async def test_people_are_forgotten_and_the_chain_holds(workspace: Conversation) -> None:
    """After the days of the setting, in all that is settled: who asked, who approved, what they
    wrote, whose licences did not move. Nothing of it is left anywhere in the file."""
    await an_upgrade(workspace, reason="Ms Gundersen wants it.")
    await workspace.bob.asks_for_e3()
    await workspace.card()
    store = store_of(workspace)
    keeping = Maintenance(store, timedelta(days=1))
    await keeping.once()
    lines = await exported(store)
    settled = {each["of"] for each in lines if each["what"] == "finish"}
    for each in lines:
        if each["of"] in settled and each["what"] in ("ask", "approve", "claim"):
            assert (each["by"], each["personal"]) == (FORGOTTEN, FORGOTTEN)
            assert each["customer"] == "Northwind Traders", "what is no person stays"
    assert any(str(each["by"]).endswith(BOB) for each in lines if each["what"] == "ask")
    proof = await store.trail.verify()
    assert (proof.broken, proof.forgotten) == ([], 6)
    await keeping.once()
    assert [each["what"] for each in lines].count("forgot") == 1, "it is done once"

    (done,) = settled
    request = await store.request(str(done))
    assert (request.requester.user_id, request.reason, request.state) == ("", "", State.DONE)
    await workspace.alice.types("/upgrade history northwind")
    assert "Asked by somebody" in await workspace.alice.reads()
    await workspace.practice.stop_bot()
    content = path_of(workspace).read_bytes()
    for trace in (b"Gundersen", b"lee@northwind.example", b"Megan Bowen", CAROL.encode()):
        assert trace not in content


async def test_nobody_is_forgotten_before_the_time_or_while_it_goes_on(kept: Store) -> None:
    """On both databases: what waits, and what is still looked after, keeps its people."""
    for days in (None, timedelta(days=9)):
        await Maintenance(kept, days).once()
        assert (await kept.trail.verify()).forgotten == 0
    await Maintenance(kept, timedelta(hours=1)).once()
    proof = await kept.trail.verify()
    assert (proof.broken, proof.forgotten) == ([], 2)
    (done, _), (declined, _), (waiting, _) = old_requests()
    assert [event.by for _, event in await kept.history(declined)] == [None, None]
    assert [event.note for _, event in await kept.history(declined)] == ["", ""]
    assert (await kept.request(declined)).requester.user_id == ""
    assert [(await kept.request(each)).requester.user_id for each in (done, waiting)] == [
        ALICE,
        BOB,
    ]


async def test_the_setting_is_read(start: Start) -> None:
    """`UPGRADE_BOT_PEOPLE_DAYS`; without it people are kept."""
    workspace = await start()
    await an_upgrade(workspace)
    await workspace.practice.stop_bot()
    variables = {**workspace.practice.environment(), "UPGRADE_BOT_PEOPLE_DAYS": "1"}
    workspace.practice.environment = lambda: variables  # type: ignore[method-assign]
    await workspace.practice.start_bot()
    await workspace.bot.maintenance.once()
    assert (await store_of(workspace).trail.verify()).forgotten == 6


@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET seal = 'x'", "UPDATE {} SET personal = '{{}}'", "DELETE FROM {}"],
)
@pytest.mark.parametrize("table", ["history", "journal"])
async def test_the_database_itself_lets_nothing_but_people_be_taken_away(
    kept: Store, table: str, statement: str
) -> None:
    """On both databases."""
    await kept.trail.note("looked", {"customer": "c"}, Person("T", "U"))
    text = statement.format(table)
    with pytest.raises(sa.exc.DBAPIError, match="history can only grow"):
        await kept._database.write(lambda connection: connection.exec_driver_sql(text))
    assert (await kept.trail.verify()).broken == []


def old_requests() -> list[tuple[str, list[dict[str, object]]]]:
    """The events of the old file, as its version read them."""
    with closing(sqlite3.connect(OLD)) as database:
        ids = [row[0] for row in database.execute("SELECT id FROM requests ORDER BY created_at")]
        query = "SELECT body FROM history WHERE request_id = ? ORDER BY version"
        return [(each, [json.loads(b) for (b,) in database.execute(query, [each])]) for each in ids]


async def old_database(folder: Path, server: PostgresServer | None) -> str:
    """The rows of the old file, in a database of either kind that is of its version."""
    if server is None:
        shutil.copy(OLD, folder / "old.db")
        return f"sqlite:///{folder / 'old.db'}"
    url = await server.new_database()
    engine = sa.create_engine(f"sqlite:///{OLD}")
    database = Postgres(url, None)
    with engine.connect() as old:
        await database.write(lambda connection: bring_to(connection, "0004", old))
    await database.close()
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """The old rows, brought to this version, three hours later."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    store = await Store.open(
        await old_database(tmp_path, server), lambda: START + timedelta(hours=5)
    )
    yield store
    await store.close()


async def test_an_old_database_is_brought_to_this_version(kept: Store) -> None:
    """Nothing of it is lost, all of it is sealed, and it goes on where it was."""
    store = kept
    for request_id, old in old_requests():
        events = [event for _, event in await store.history(request_id)]
        assert [event.step for event in events] == [each["step"] for each in old]
        assert [event.note for event in events] == [each["note"] for each in old]
        request = await store.request(request_id)
        assert request.version == len(old)
    proof = await store.trail.verify()
    assert proof.broken == []
    assert proof.lines == sum(len(old) for _, old in old_requests())
    (done, *_), *_ = old_requests()
    outcome = next(event.outcome for _, event in await store.history(done) if event.outcome)
    assert [error.email for error in outcome.license_errors] == [
        "lee@northwind.example",
        "megan@northwind.example",
    ]
    assert await Maintenance(store, None).once()
    assert (await store.trail.verify()).broken == []
    (*_, (waiting, _)) = old_requests()
    carol = Person("T0PRACTICE", CAROL)
    await store.take(waiting, lambda r, now: lifecycle.approve(r, carol, now, 1))
    assert (await store.trail.verify()).broken == []


async def test_a_back_up_is_restored(workspace: Conversation, tmp_path: Path) -> None:
    """A copy made while the bot works is whole; put in the place of the file, the bot goes on."""
    await workspace.alice.asks_for_e3()
    await workspace.card()
    copied = copy_of(workspace, tmp_path)
    await workspace.practice.stop_bot()
    for path in path_of(workspace).parent.glob("upgrade-bot.db*"):
        path.unlink()
    shutil.copy(copied, path_of(workspace))
    await workspace.practice.start_bot()
    await workspace.carol.presses("Approve")
    await workspace.alice.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()
    assert (await store_of(workspace).trail.verify()).broken == []


async def test_a_dump_of_postgresql_is_restored(postgres: PostgresServer) -> None:
    """Requests, their sealed history and what is left to do go along."""
    url, carol = await postgres.new_database(), Person("T1", "CAROL")
    before = await Store.open(url, lambda: START)
    asked = request_in(State.AWAITING_APPROVAL)
    await before.add(lifecycle.ask(replace(asked, version=0)), most=NO_LIMIT)
    assert await Maintenance(before, None).once()
    store = await Store.open(await postgres.restored(url), lambda: START)
    assert await store.request(asked.id) == await before.request(asked.id)
    assert await store.queue.depth() == await before.queue.depth() == 1
    await store.take(asked.id, lambda newest, now: lifecycle.approve(newest, carol, now, 1))
    found = await store.trail.verify()
    assert (found.lines, found.broken) == (3, [])
    await before.close()
    await store.close()


async def test_whoever_waits_for_the_journal_leaves_the_connections_to_others(
    postgres: PostgresServer,
) -> None:
    """Another bot holds it, and is frozen: clicks go on all the same."""
    url = await postgres.new_database()
    store = await Store.open(url)
    frozen = await asyncpg.connect(url)
    await frozen.execute("BEGIN")
    await frozen.execute("SELECT pg_advisory_xact_lock($1)", TURN)
    somebody = Person("T1", "CAROL")
    notes = [store.trail.note("looked", {"customer": str(n)}, somebody) for n in range(20)]
    noting = asyncio.gather(*notes)
    await asyncio.wait_for(store.now(), 2)
    assert not noting.done()
    await frozen.close()
    await noting
    await store.close()


EVIL = ("=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1")


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_is_a_formula(text: str) -> None:
    """The known ways in; whoever reads JSON gets what was written."""
    assert cell(text).startswith("'")


@given(st.text())
def test_no_text_at_all_becomes_a_formula(text: str) -> None:
    """Whatever it is, it is read back as one cell that begins with no sign of a formula."""
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerow([cell(text), "end"])
    ((first, last),) = csv.reader(io.StringIO(written.getvalue(), newline=""))
    assert last == "end"
    assert not first.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert not first.startswith(("\t", "\r", "\n"))


async def test_a_table_is_safe_to_open(workspace: Conversation) -> None:
    """Somebody asks with a reason that would be a formula."""
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    await workspace.alice.presses("Office 365 Enterprise E3 (upgrade only)")
    await workspace.alice.fills_in(reason="fine")
    await workspace.card()
    await workspace.carol.presses("Decline")
    await workspace.carol.fills_in(reason='=HYPERLINK("http://evil.example","Click")')
    await workspace.card()
    await workspace.thread()
    to = io.StringIO()
    await export(store_of(workspace), to, since=None, as_json=False)
    rows = list(csv.DictReader(io.StringIO(to.getvalue())))
    (declined,) = [row for row in rows if row["what"] == "decline"]
    assert declined["note"] == '\'=HYPERLINK("http://evil.example","Click")'
    assert declined["policy"].startswith('{"approvals": 1')
    assert list(rows[0]) == list(audit.COLUMNS)


async def test_only_what_is_new_enough_is_exported(workspace: Conversation) -> None:
    """`--since`, with the policy that was in force although it was set before."""
    await an_upgrade(workspace)
    lines = await exported(store_of(workspace), since=START + timedelta(hours=1))
    assert [each["what"] for each in lines] == ["care", "care"]
    assert lines[0]["policy"]["approvals"] == 1  # type: ignore[index]


async def test_a_decision_is_still_one_commit(workspace: Conversation) -> None:
    """With its seal in it; what is slow about a click is the disk."""
    await workspace.alice.asks_for_e3()
    await workspace.card()
    store = store_of(workspace)
    (request,) = {each["of"] for each in await exported(store)} - {"journal"}
    commits: list[str] = []
    engine = store._database._engine  # type: ignore[attr-defined]
    sa.event.listen(engine, "commit", lambda _connection: commits.append("commit"))
    carol = Person("T0PRACTICE", CAROL)
    await store.take(str(request), lambda r, now: lifecycle.approve(r, carol, now, 1))
    assert len(commits) == 1
    await workspace.card()
    await workspace.thread()


async def test_the_commands_need_the_database_alone(
    workspace: Conversation, tmp_path: Path
) -> None:
    """An auditor has a copy, and none of the bot's secrets."""
    await an_upgrade(workspace)
    tie = await workspace.bot.maintenance.once()
    assert tie
    copied = copy_of(workspace, tmp_path)
    needed = {"PATH": variables(workspace.practice)["PATH"]}
    environment = {**needed, "UPGRADE_BOT_DATABASE_URL": f"sqlite:///{copied}"}

    async def run(*command: str) -> tuple[int, str]:
        process = await start_command(environment, "audit", *command)
        said, complained = await process.communicate()
        return int(process.returncode or 0), (said + complained).decode()

    code, said = await run("verify", "--tie", f"{tie.number}:{tie.seal}")
    assert code == 0
    assert "lines are as they were written." in said
    assert f"The tie {tie.number} that was written down elsewhere is among them." in said
    code, said = await run("export", "--csv", "--since", "2026-11-01")
    assert code == 0
    assert {row["what"] for row in csv.DictReader(io.StringIO(said))} >= {"looked", "ask", "tie"}
    code, said = await run("export", "--json")
    assert {each["what"] for each in json.loads(said)} >= {"ask", "tie", "care"}
    with closing(sqlite3.connect(copied)) as database, database:
        database.executescript(UNLOCK)
        database.execute("UPDATE history SET body = '{}' WHERE step = 'approve'")
    code, said = await run("verify")
    assert code == 2
    assert said.startswith("TOUCHED: request ")
    assert ", line 2 (2026-11-20 09:00:00 UTC)" in said
    for wrong in (("verify", "--tie", "nonsense"), ("export", "--since", "long ago")):
        code, _ = await run(*wrong)
        assert code == 2

    shutil.copy(OLD, copied)
    code, said = await run("verify")
    assert code == 2
    assert "The first start of this version seals the history." in said
