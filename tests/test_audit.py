"""The audit trail: everything is on it, nothing of it can be touched unseen, people can be
forgotten, and what is printed of it is safe to open."""

# ruff: noqa: S608 - the statements are put together of what stands here

import asyncio
import csv
import io
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import audit
from bot.commands.audit import FORGOTTEN, export
from bot.domain.item import State
from bot.domain.policy import Person
from bot.messages.files import cell
from bot.sandbox.practice import ALICE, BOB, CAROL, CHANNEL
from bot.store import Store, Tie, hash_chain
from bot.store.trail import TURN
from bot.worker.maintenance import Maintenance
from tests import factories
from tests.conftest import Start
from tests.postgres import PostgresServer
from tests.processes import start as start_command
from tests.processes import variables
from tests.store.old_version import database_of, file_of
from tests.store.taking import approve
from tests.tables import asked
from tests.workspace import START, Conversation


def path_of(workspace: Conversation) -> Path:
    """The file of the bot's database."""
    return workspace.practice.folder / "upgrade-bot.db"


def store_of(workspace: Conversation) -> Store:
    """The running bot's store."""
    return workspace.bot.store


async def an_upgrade(workspace: Conversation, reason: str = "They need Office.") -> None:
    """From the command to the last follow-up, with a person who may not approve."""
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
    of_item, of_request = chains(lines)
    assert [(each["what"], who[str(each["by"]).rpartition("/")[2]]) for each in of_item] == [
        ("ask", "alice"),
        ("approve", "carol"),
        ("claim", "alice"),
        ("send", "bot"),
        ("finish", "bot"),
        ("care", "bot"),
        ("care", "bot"),
    ]
    assert [(each["what"], who[str(each["by"]).rpartition("/")[2]]) for each in of_request] == [
        ("ask", "alice"),
        ("confirm", "alice"),
    ]
    assert of_request[0]["of"] == f"request/{of_item[0]['of']}"
    assert journal[3]["reason"] == "may_not_approve"
    assert journal[3]["facts"]["tried"] == "approve"  # type: ignore[index]
    assert journal[3]["facts"]["request"] == of_item[0]["of"]  # type: ignore[index]


def chains(lines: list[dict[str, object]]) -> tuple[list[dict[str, object]], ...]:
    """The lines of items, and those of requests."""
    of_requests = [each for each in lines if str(each["of"]).startswith("request/")]
    of_items = [each for each in lines if each["of"] != "journal" and each not in of_requests]
    return of_items, of_requests


@pytest.mark.parametrize("number", [1, 2])
async def test_a_refusal_says_what_was_tried_by_its_own_word(
    workspace: Conversation, number: int
) -> None:
    """The same for one item and for several: not by what a file of the program is called."""
    await asked(workspace, number)
    yes = "Approve" if number == 1 else "Approve all"
    await workspace.alice.presses(yes)
    await workspace.bob.presses("Withdraw")
    await workspace.bob.presses("Decline")
    await workspace.carol.presses(yes)
    await workspace.bob.presses("Upgrade now")
    await workspace.card()
    await workspace.thread()
    for who in (workspace.alice, workspace.bob):
        await who.reads()
    lines = await exported(store_of(workspace))
    refused = [each["facts"] for each in lines if each["what"] == "refused"]
    tried = [each["tried"] for each in refused]  # type: ignore[index]
    assert tried == ["approve", "withdraw", "decline", "perform"]


async def test_a_request_of_two_items_is_on_it_with_each_of_them(workspace: Conversation) -> None:
    """What holds for one item holds for several: each has its chain, and the request has one."""
    await asked(workspace, 2)
    await workspace.carol.presses("Approve all")
    await workspace.alice.presses("Upgrade now")
    await workspace.card()
    await workspace.thread()
    await workspace.alice.reads()
    assert await workspace.bot.maintenance.once()
    of_items, of_requests = chains(await exported(store_of(workspace)))
    steps: dict[object, list[object]] = {}
    for line in of_items:
        steps.setdefault(line["of"], []).append(line["what"])
    assert list(steps.values()) == [["ask", "approve", "claim", "send", "finish"]] * 2
    assert [each["what"] for each in of_requests] == ["ask", "confirm", "sum_up"]
    assert set(of_requests[1]["facts"]["items"]) == steps.keys()  # type: ignore[index]
    assert {each["card"] for each in of_requests} == {each["card"] for each in of_items}
    assert len({each["correlation_id"] for each in of_items}) == 2
    assert (await store_of(workspace).trail.verify()).broken == []


async def test_an_upgrade_is_tied_to_all_that_it_hangs_on(workspace: Conversation) -> None:
    """The card's link, who approved what under which policy, the ids that Microsoft has, and
    Partner Center's own record of it."""
    await an_upgrade(workspace)
    card = await workspace.newest_card()
    of_item, _ = chains(await exported(store_of(workspace)))
    lines = {str(each["what"]): each for each in of_item}
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
    "CREATE TEMP TABLE done AS SELECT id FROM items WHERE state = 'done';"
    "DROP TRIGGER item_history_no_update; DROP TRIGGER item_history_no_delete;"
    "DROP TRIGGER request_history_no_update; DROP TRIGGER request_history_no_delete;"
    "DROP TRIGGER journal_no_update; DROP TRIGGER journal_no_delete; PRAGMA foreign_keys=OFF;"
)
"""A person who can write to the file can also take its guards away."""

NOT_AS_WRITTEN = "it is not as it was written"


@pytest.mark.parametrize(
    ("statement", "of", "number", "how"),
    [
        (
            "UPDATE item_history SET body = replace(body, 'approve', 'decline') "
            "WHERE version = 2 AND item_id IN done",
            "done",
            2,
            NOT_AS_WRITTEN,
        ),
        (
            "UPDATE item_history SET at = datetime(at, '-1 day') "
            "WHERE version = 3 AND item_id IN done",
            "done",
            3,
            NOT_AS_WRITTEN,
        ),
        (
            "UPDATE item_history SET personal = replace(personal, 'U0CAROL', 'U0DAVID') "
            "WHERE version = 2 AND item_id IN done",
            "done",
            2,
            "what it says of people is not what was written",
        ),
        (
            "DELETE FROM item_history WHERE version = 2 AND item_id IN done",
            "done",
            3,
            "the lines from 2 to here are missing",
        ),
        (
            "DELETE FROM item_history WHERE version >= 5 AND item_id IN done",
            "done",
            5,
            "the lines from here on are missing",
        ),
        (
            """UPDATE items SET body = replace(body, '"approvals":1', '"approvals":0') """
            "WHERE id IN done",
            "done",
            7,
            "the request is not what this line made of it",
        ),
        (
            "INSERT INTO item_history SELECT item_id, version + 1, 'care', at, body, personal, "
            "personal_hash, seal, revision FROM item_history WHERE version = 7 AND item_id IN done",
            "done",
            8,
            NOT_AS_WRITTEN,
        ),
        (
            "DELETE FROM item_history WHERE item_id IN done; DELETE FROM items WHERE id IN done",
            "done",
            7,
            "of the journal knows it with another seal, or at all",
        ),
        ("DELETE FROM item_history WHERE item_id IN done", "done", 1, "its history is missing"),
        (
            """UPDATE requests SET body = replace(body, '"attempt":0', '"attempt":1') """
            "WHERE id IN done",
            "request",
            2,
            "the request is not what this line made of it",
        ),
        (
            "UPDATE request_history SET body = replace(body, 'confirm', 'end') "
            "WHERE version = 2 AND request_id IN done",
            "request",
            2,
            NOT_AS_WRITTEN,
        ),
        (
            "DELETE FROM request_history WHERE version = 1 AND request_id IN done",
            "request",
            2,
            "the lines from 1 to here are missing",
        ),
        (
            "DELETE FROM request_history WHERE request_id IN done",
            "request",
            1,
            "its history is missing",
        ),
        ("UPDATE journal SET body = '{}' WHERE kind = 'refused'", "journal", 4, NOT_AS_WRITTEN),
        ("DELETE FROM journal WHERE kind = 'refused'", "journal", 5, "the lines from 4 to here"),
        ("UPDATE journal SET kind = 'looked' WHERE number = 4", "journal", 4, NOT_AS_WRITTEN),
    ],
    ids=str,
)
async def test_what_is_touched_is_named(
    workspace: Conversation, tmp_path: Path, statement: str, of: str, number: int, how: str
) -> None:
    """By a person who has the file, and takes its triggers away first."""
    await an_upgrade(workspace)
    await workspace.bot.maintenance.once()
    copied = copy_of(workspace, tmp_path)
    with closing(sqlite3.connect(copied)) as database, database:
        ((done,),) = database.execute("SELECT id FROM items WHERE state = 'done'").fetchall()
        database.executescript(UNLOCK + statement)
    store = await Store.open(f"sqlite:///{copied}")
    proof = await store.trail.verify()
    named = next(each for each in proof.broken if how in each.how)
    chains = {"done": done, "request": f"request/{done}", "journal": "journal"}
    assert (named.of, named.number) == (chains[of], number)
    said = list(audit.verdict(proof, None))
    assert said[0].startswith("TOUCHED: ")
    await store.close()


def copy_of(workspace: Conversation, folder: Path) -> Path:
    """A copy that is made while the bot runs, as `.docker/README.md` says."""
    to = folder / "copy.db"
    with closing(sqlite3.connect(path_of(workspace))) as database:
        database.execute("VACUUM INTO ?", [str(to)])
    return to


async def test_a_trail_that_was_made_anew_is_found_by_a_tie_of_the_log(
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
    """A forger at work: another person approved, and every seal after it is made again."""
    heads: dict[tuple[str, int], str] = {}
    for of, prefix in (("item", ""), ("request", "request/")):
        query = (
            f"SELECT {of}_id, version, step, at, body, personal "
            f"FROM {of}_history ORDER BY {of}_id, version"
        )
        before = chain = ""
        for id, version, step, at, body, personal in database.execute(query).fetchall():
            before = before if prefix + id == chain else ""
            forged = personal and personal.replace("U0CAROL", "U0DAVID")
            hidden = hash_chain.digest(forged) if forged else ""
            when = datetime.fromisoformat(at).replace(tzinfo=UTC).isoformat()
            chain = prefix + id
            before = hash_chain.seal(before, chain, str(version), step, when, body, hidden)
            heads[chain, version] = before
            database.execute(
                f"UPDATE {of}_history SET personal = ?, personal_hash = ?, seal = ? "
                f"WHERE {of}_id = ? AND version = ?",
                [forged, hidden, before, id, version],
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
        of = str(each["of"]).removeprefix("request/")
        if of in settled and each["what"] in ("ask", "approve", "claim", "confirm"):
            assert (each["by"], each["personal"]) == (FORGOTTEN, FORGOTTEN)
        if each["of"] in settled:
            assert each["customer"] == "Northwind Traders", "what is no person stays"
    assert any(str(each["by"]).endswith(BOB) for each in lines if each["what"] == "ask")
    proof = await store.trail.verify()
    assert (proof.broken, proof.forgotten) == ([], 8)
    await keeping.once()
    assert [each["what"] for each in lines].count("forgot") == 1, "it is done once"

    (done,) = settled
    request = await store.requests.of_item(str(done))
    assert (request.requester.user_id, request.reason) == ("", "")
    assert request.items[0].state is State.DONE
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
    listed = await kept.lists.asked_in(CHANNEL, None, 9)
    ids = {each.item.state: each.item.id for each in listed}
    events = await kept.requests.item_history(ids[State.DECLINED])
    assert [(event.by, event.note) for event in events] == [(None, ""), (None, "")]
    people = {state: (await kept.requests.get(id)).requester.user_id for state, id in ids.items()}
    assert people == {
        State.DECLINED: "",
        State.DONE: ALICE,
        State.AWAITING_APPROVAL: BOB,
    }


async def test_the_setting_is_read(start: Start) -> None:
    """`UPGRADE_BOT_PEOPLE_DAYS`; without it people are kept."""
    workspace = await start()
    await an_upgrade(workspace)
    await workspace.practice.stop_bot()
    variables = {**workspace.practice.environment(), "UPGRADE_BOT_PEOPLE_DAYS": "1"}
    workspace.practice.environment = lambda: variables  # type: ignore[method-assign]
    await workspace.practice.start_bot()
    await workspace.bot.maintenance.once()
    assert (await store_of(workspace).trail.verify()).forgotten == 8


@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET seal = 'x'", "UPDATE {} SET personal = '{{}}'", "DELETE FROM {}"],
)
@pytest.mark.parametrize("table", ["item_history", "request_history", "journal"])
async def test_the_database_itself_lets_nothing_but_people_be_taken_away(
    kept: Store, table: str, statement: str
) -> None:
    """On both databases."""
    await kept.trail.note("looked", {"customer": "c"}, Person("T", "U"))
    await kept.requests.add(factories.another(1), most=factories.NO_LIMIT)
    text = statement.format(table)
    with pytest.raises(sa.exc.DBAPIError, match="history can only grow"):
        await kept._database.write(lambda connection: connection.exec_driver_sql(text))
    assert (await kept.trail.verify()).broken == []


@pytest.fixture(params=["sqlite", "postgresql"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Rows from before the audit trail (see `store/test_migrations.py`), brought to this version
    three hours later."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    url = await database_of("0004", tmp_path, server)
    store = await Store.open(url, lambda: START + timedelta(hours=5))
    yield store
    await store.close()


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


@pytest.mark.parametrize("items", [1, 2])
async def test_a_dump_of_postgresql_is_restored(postgres: PostgresServer, items: int) -> None:
    """Requests, their sealed histories and what is left to do go along."""
    url = await postgres.new_database()
    before = await Store.open(url, lambda: START)
    asked = factories.another(1, items)
    id = (await before.requests.add(asked, most=factories.NO_LIMIT)).id
    assert await Maintenance(before, None).once()
    store = await Store.open(await postgres.restored(url), lambda: START)
    assert await store.requests.get(id) == await before.requests.get(id)
    assert await store.queue.depth() == await before.queue.depth() == 1
    await store.requests.take(id, approve())
    found = await store.trail.verify()
    assert (found.lines, found.broken) == (2 + 2 * items, [])
    await before.close()
    await store.close()


async def test_waiting_for_the_journal_leaves_the_connections_to_others(
    postgres: PostgresServer,
) -> None:
    """Another bot holds it, and is frozen: clicks go on all the same."""
    url = await postgres.new_database()
    store = await Store.open(url)
    frozen = await asyncpg.connect(url)
    await frozen.execute("BEGIN")
    await frozen.execute("SELECT pg_advisory_xact_lock($1)", TURN)
    who = Person("T1", "CAROL")
    notes = [store.trail.note("looked", {"customer": str(n)}, who) for n in range(20)]
    noting = asyncio.gather(*notes)
    await asyncio.wait_for(store.now(), 2)
    assert not noting.done()
    await frozen.close()
    await noting
    await store.close()


EVIL = ("=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1")


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_is_a_formula(text: str) -> None:
    """The known ways in; JSON has what was written."""
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
    """A reason that would be a formula is none there."""
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
    of_item, _ = chains(await exported(store))
    (item_id,) = {str(each["of"]) for each in of_item}
    commits: list[str] = []
    engine = store._database._engine  # type: ignore[attr-defined]
    sa.event.listen(engine, "commit", lambda _connection: commits.append("commit"))
    await store.requests.take(item_id, approve(Person("T0PRACTICE", CAROL)))
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
        database.execute("UPDATE item_history SET body = '{}' WHERE step = 'approve'")
    code, said = await run("verify")
    assert code == 2
    assert said.startswith("TOUCHED: item ")
    assert ", line 2 (2026-11-20 09:00:00 UTC)" in said
    for wrong in (("verify", "--tie", "nonsense"), ("export", "--since", "long ago")):
        code, _ = await run(*wrong)
        assert code == 2

    shutil.copy(file_of("0004", tmp_path), copied)
    code, said = await run("verify")
    assert code == 2
    assert "The first start of this version seals the history." in said
