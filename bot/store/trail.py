"""The audit trail: every line of every request's history, and a journal of everything else.

Each request's history is a chain of its own, so that bots which decide about different requests
never wait for each other. The journal is one chain more: who was refused, who looked at a customer,
with which policy a bot started. Now and then a line of the journal *ties* the chains together: it
names the newest seal of every request that has changed, and where its card stands in Slack.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from bot.domain.policy import Person
from bot.domain.upgrade import State, Step
from bot.store import hash_chain, tables
from bot.store.database import Database

JOURNAL = "journal"
"""Where a line stands that is of no request's history."""

TIE = "tie"
TIED_AT_ONCE = 500
READ_AT_ONCE = 1000
FORGOTTEN_AT_ONCE = 100

TURN = 0x6A6F75726E616C
"""The key of PostgreSQL's lock that whoever writes into the journal holds until they commit."""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

SETTLED = (State.DONE, State.FAILED, State.DECLINED, State.WITHDRAWN, State.EXPIRED)


class Tie(NamedTuple):
    """A line of the journal that ties chains together. Written down elsewhere, its seal shows that
    nothing before it was made anew."""

    number: int
    seal: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the trail: of a request's history (`of` its id), or of the journal. `personal` is
    empty where there is nothing of people, and None where they were forgotten."""

    of: str
    number: int
    at: datetime
    what: str
    facts: dict[str, Any]
    personal: dict[str, Any] | None
    seal: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a request: its document now, where its card stands (channel and time), and
    the policies it was under, each with the line of its history from which on it was."""

    document: dict[str, Any]
    card: tuple[str, str] | None
    policies: list[tuple[int, dict[str, Any]]]

    def policy_at(self, number: int) -> dict[str, Any] | None:
        """The policy in force at a line of its history."""
        until = [policy for since, policy in self.policies if since <= number]
        return until[-1] if until else None


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the trail is not as it was written, and how."""

    of: str
    number: int
    at: datetime
    how: str


@dataclass(frozen=True, slots=True)
class Verification:
    """How many lines were looked at, how many of them are without their people by now, the last
    tie, and everything that is not as it was written, the earliest first."""

    lines: int
    forgotten: int
    last_tie: Tie | None
    broken: list[Broken]


def add_to_journal(
    connection: sa.Connection,
    at: datetime,
    kind: str,
    facts: Mapping[str, Any],
    by: Person | None = None,
) -> Tie:
    """Write a line into the journal, as the last thing of a transaction."""
    table = tables.journal
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(TURN)))
    newest = sa.select(table.c.number, table.c.seal).order_by(table.c.number.desc()).limit(1)
    number, before = connection.execute(newest).one_or_none() or (0, "")
    who = {"by": {"team_id": by.team_id, "user_id": by.user_id}} if by else {}
    body, (personal, personal_hash) = hash_chain.canonical(facts), hash_chain.hide(who)
    line = (JOURNAL, str(number + 1), kind, _text(at), body, personal_hash)
    seal = hash_chain.seal(before, *line)
    row = {
        "number": number + 1,
        "at": at,
        "kind": kind,
        "body": body,
        "personal": personal,
        "personal_hash": personal_hash,
        "seal": seal,
    }
    connection.execute(sa.insert(table), row)
    return Tie(number + 1, seal)


class Trail:
    """Writes the journal, and reads, proves and partly forgets the whole trail."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = asyncio.Lock()
        """Held by whoever writes a line. In PostgreSQL they wait for each other anyway, and would
        wait with all the connections that clicks need."""

    async def note(self, kind: str, facts: Mapping[str, Any], by: Person | None = None) -> None:
        """Write a line into the journal. Raises Unavailable."""

        def write(connection: sa.Connection) -> None:
            add_to_journal(connection, self._database.now(connection), kind, facts, by)

        async with self._turn:
            await self._database.write(write)

    async def newest(self, kind: str) -> dict[str, Any] | None:
        """What the journal's newest line of a kind says."""
        table = tables.journal
        query = sa.select(table.c.body).where(table.c.kind == kind)
        query = query.order_by(table.c.number.desc()).limit(1)
        body = await self._database.read(lambda c: c.execute(query).scalar_one_or_none())
        return json.loads(body) if body else None

    async def tie(self) -> Tie | None:
        """Tie the chains of some requests that have changed; None when none has."""
        requests = tables.requests

        def write(connection: sa.Connection) -> Tie | None:
            heads = connection.execute(_UNTIED).all()
            if not heads:
                return None
            now = self._database.now(connection)
            for head in heads:
                tied = sa.update(requests).where(requests.c.id == head.id)
                connection.execute(tied.values(tied_version=head.version))
            return add_to_journal(connection, now, TIE, {"heads": [list(head) for head in heads]})

        return await self._database.write(write)

    async def forget(self, before: datetime) -> int:
        """Forget the people of some settled requests that were asked for `before`, and of the
        journal's lines from then; how many requests. The chains stay provable."""
        journal = tables.journal

        def write(connection: sa.Connection) -> int:
            old = connection.execute(_OLD, {"before": before}).all()
            for request_id, document in old:
                _forget(connection, request_id, document)
            _forget_bundles(connection, before)
            lines = sa.update(journal).where(journal.c.at < before, journal.c.personal.is_not(None))
            count = connection.execute(lines.values(personal=None)).rowcount
            if old or count:
                now = self._database.now(connection)
                facts = {"before": _text(before), "requests": len(old), "lines": count}
                add_to_journal(connection, now, "forgot", facts)
            return len(old)

        return await self._database.write(write)

    async def lines(self, since: datetime | None) -> AsyncIterator[Line]:
        """The trail from a time on, or all of it: the journal, then request by request."""
        async for row in self._journal(since):
            yield _line(JOURNAL, row.number, row.kind, row)
        async for row in self._history(since):
            yield _line(row.request_id, row.version, row.step, row)

    async def known_of(self, request_id: str) -> Known:
        """What is known of a request that there is."""
        requests, shown, history = tables.requests, tables.shown, tables.history
        asked = sa.select(history.c.version, history.c.body).where(
            history.c.request_id == request_id, history.c.step.in_((Step.ASK, Step.DRIFT))
        )
        query = (
            sa.select(requests.c.body, shown.c.channel_id, shown.c.ts)
            .outerjoin_from(requests, shown, shown.c.request_id == requests.c.id)
            .where(requests.c.id == request_id)
        )
        row = await self._database.read(lambda connection: connection.execute(query).one())
        lines = await self._rows(asked.order_by(history.c.version))
        said = [(line.version, json.loads(line.body).get("request", {})) for line in lines]
        policies = [(version, each["policy"]) for version, each in said if "policy" in each]
        return Known(json.loads(row.body), (row.channel_id, row.ts) if row.ts else None, policies)

    async def verify(self, known: Tie | None = None) -> Verification:
        """Prove the whole trail: that each line follows the one before, that each request is what
        its newest line vouches for, and that everything is there that was tied; and that a tie is
        among it that was `known` elsewhere."""
        proof = _Proof(known)
        async for row in self._journal():
            proof.follow(JOURNAL, row.number, row.kind, row)
            if row.kind == TIE:
                heads = json.loads(row.body)["heads"]
                proof.tied(row, heads, await self._seals_of(heads))
        async for row in self._history():
            proof.follow(row.request_id, row.version, row.step, row)
            proof.vouched_for(row)
        proof.end(await self._without_history())
        return proof.verification()

    async def _journal(self, since: datetime | None = None) -> AsyncIterator[Any]:
        table = tables.journal
        last = 0
        while True:
            query = sa.select(table).where(table.c.number > last).order_by(table.c.number)
            query = query.where(table.c.at >= since) if since else query
            found = await self._rows(query)
            for row in found:
                yield row
            if not found:
                return
            last = found[-1].number

    async def _history(self, since: datetime | None = None) -> AsyncIterator[Any]:
        """Each line with the request that it is of, as it was at the same moment."""
        table, requests = tables.history, tables.requests
        key = (table.c.request_id, table.c.version)
        last: tuple[str, int] = ("", 0)
        every = sa.select(
            table, requests.c.version.label("newest"), requests.c.body.label("document")
        ).outerjoin_from(table, requests, requests.c.id == table.c.request_id)
        while True:
            query = every.where(sa.tuple_(*key) > sa.tuple_(*last)).order_by(*key)
            query = query.where(table.c.at >= since) if since else query
            found = await self._rows(query)
            for row in found:
                yield row
            if not found:
                return
            last = (found[-1].request_id, found[-1].version)

    async def _rows(self, query: sa.Select[Any]) -> list[Any]:
        limited = query.limit(READ_AT_ONCE)
        return await self._database.read(lambda connection: list(connection.execute(limited)))

    async def _seals_of(self, heads: list[list[Any]]) -> dict[tuple[str, int], str]:
        table = tables.history
        keys = [(head[0], head[1]) for head in heads]
        query = sa.select(table.c.request_id, table.c.version, table.c.seal).where(
            sa.tuple_(table.c.request_id, table.c.version).in_(keys)
        )
        found = await self._database.read(lambda connection: connection.execute(query).all())
        return {(request_id, version): seal for request_id, version, seal in found}

    async def _without_history(self) -> list[Any]:
        history, requests = tables.history, tables.requests
        its = sa.select(1).where(history.c.request_id == requests.c.id)
        query = sa.select(requests.c.id, requests.c.created_at).where(~sa.exists(its))
        return await self._rows(query)


class _Proof:
    """What was found so far, while one line after the other is looked at."""

    def __init__(self, known: Tie | None) -> None:
        self._known = known
        self._chain, self._number, self._seal = "", 0, ""
        self._until, self._at = 0, BEGINNING
        self._lines = self._forgotten = 0
        self._last_tie: Tie | None = None
        self._is_known = False
        self._broken: list[Broken] = []

    def follow(self, chain: str, number: int, what: str, row: Any) -> None:
        """The next line: of the same chain, or the first of another."""
        if chain != self._chain:
            self._ended()
            self._chain, self._number, self._seal = chain, 0, ""
        if number != self._number + 1:
            self._note(number, row.at, f"the lines from {self._number + 1} to here are missing")
        line = (chain, str(number), what, _text(row.at), row.body, row.personal_hash)
        if hash_chain.seal(self._seal, *line) != row.seal:
            self._note(number, row.at, "it is not as it was written, or not the line before it")
        if row.personal is not None and hash_chain.digest(row.personal) != row.personal_hash:
            self._note(number, row.at, "what it says of people is not what was written")
        self._lines += 1
        self._forgotten += row.personal is None and row.personal_hash != ""
        self._number, self._seal, self._at = number, row.seal, row.at
        self._until = getattr(row, "newest", None) or 0

    def vouched_for(self, row: Any) -> None:
        """The newest line of a request says by a hash what the request is."""
        if row.document is None:
            self._note(row.version, row.at, "its request is gone")
        elif row.version == row.newest:
            said = json.loads(row.body).get("request", {}).get("document")
            if said != hash_chain.digest_of_document(row.document):
                self._note(row.version, row.at, "the request is not what this line made of it")

    def tied(self, row: Any, heads: list[list[Any]], there: dict[tuple[str, int], str]) -> None:
        """A line of the journal that names the newest seals of some chains."""
        self._last_tie = Tie(row.number, row.seal)
        if self._known and self._known.number == row.number:
            self._is_known = self._known == self._last_tie
        for request_id, version, sealed, *_ in heads:
            if there.get((request_id, version)) != sealed:
                how = f"line {row.number} of the journal knows it with another seal, or at all"
                self._broken.append(Broken(request_id, version, row.at, how))

    def end(self, without_history: list[Any]) -> None:
        """After the last line."""
        self._ended()
        if self._known and not self._is_known:
            how = "there is no such tie as was written down elsewhere, so all before it may be new"
            self._broken.append(Broken(JOURNAL, self._known.number, BEGINNING, how))
        for request_id, created_at in without_history:
            self._broken.append(Broken(request_id, 1, created_at, "its history is missing"))

    def verification(self) -> Verification:
        """All that was found."""
        broken = sorted(self._broken, key=lambda each: (each.at, each.of, each.number))
        return Verification(self._lines, self._forgotten, self._last_tie, broken)

    def _ended(self) -> None:
        if self._number < self._until:
            self._note(self._number + 1, self._at, "the lines from here on are missing")
        self._until = 0

    def _note(self, number: int, at: datetime, how: str) -> None:
        self._broken.append(Broken(self._chain, number, at, how))


_requests, _shown = tables.requests, tables.shown

_UNTIED = (
    sa.select(
        _requests.c.id, _requests.c.version, _requests.c.seal, _shown.c.channel_id, _shown.c.ts
    )
    .outerjoin_from(_requests, _shown, _shown.c.request_id == _requests.c.id)
    .where(_requests.c.tied_version < _requests.c.version)
    .order_by(_requests.c.id)
    .limit(TIED_AT_ONCE)
    .with_for_update(of=_requests, skip_locked=True)
)
"""What somebody is changing just now is tied the next time."""

_OLD = (
    sa.select(_requests.c.id, _requests.c.body)
    .where(
        _requests.c.created_at < sa.bindparam("before"),
        sa.text("requester_id <> ''"),
        _requests.c.state.in_(SETTLED),
        _requests.c.due_at.is_(None),
    )
    .order_by(_requests.c.created_at)
    .limit(FORGOTTEN_AT_ONCE)
    .with_for_update(of=_requests, skip_locked=True)
)


def _forget(connection: sa.Connection, request_id: str, document: str) -> None:
    history, votes, requests = tables.history, tables.votes, tables.requests
    left = hash_chain.canonical(hash_chain.forgotten(json.loads(document)))
    row = {"body": left, "team_id": "", "requester_id": ""}
    connection.execute(sa.update(requests).where(requests.c.id == request_id).values(row))
    lines = sa.update(history).where(history.c.request_id == request_id)
    connection.execute(lines.where(history.c.personal.is_not(None)).values(personal=None))
    connection.execute(sa.delete(votes).where(votes.c.request_id == request_id))


def _forget_bundles(connection: sa.Connection, before: datetime) -> None:
    """Those of which every row is forgotten."""
    bundles, requests = tables.bundles, tables.requests
    known = sa.exists().where(
        requests.c.bundle_id == bundles.c.id, sa.text("requests.requester_id <> ''")
    )
    old = sa.select(bundles.c.id, bundles.c.body).where(
        bundles.c.created_at < before, bundles.c.requester_id != "", ~known
    )
    for bundle_id, document in connection.execute(old.limit(FORGOTTEN_AT_ONCE)).all():
        nobody = {"requester": hash_chain.NOBODY, "reason": "", "confirmed_by": None}
        left = hash_chain.canonical({**json.loads(document), **nobody})
        row = {"body": left, "team_id": "", "requester_id": ""}
        connection.execute(sa.update(bundles).where(bundles.c.id == bundle_id).values(row))
        history = tables.bundle_history
        connection.execute(sa.delete(history).where(history.c.bundle_id == bundle_id))


def _line(of: str, number: int, what: str, row: Any) -> Line:
    forgotten = row.personal is None and row.personal_hash
    personal = None if forgotten else hash_chain.shown(row.personal)
    return Line(of, number, row.at, what, json.loads(row.body), personal, row.seal)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
