"""The audit trail: every line of every history, and a journal of everything else.

Each item has a chain of its own, and so has each request, so that bots which decide about different
requests never wait for each other. The journal is one chain more: who was refused, who looked at a
customer, with which policy a bot started. Now and then a line of the journal *ties* the chains
together: it names the newest seal of every chain that has grown, and where the card stands in
Slack.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from bot.domain.item import SETTLED, Step
from bot.domain.policy import Person
from bot.domain.subscription import Customer
from bot.store import hash_chain, tables
from bot.store.database import Database

JOURNAL = "journal"
"""Where a line stands that is of no history."""

OF_REQUEST = "request/"
"""What the name of a request's chain begins with; that of an item is the item's id."""

TIE = "tie"
TIED_AT_ONCE = 500
READ_AT_ONCE = 1000
FORGOTTEN_AT_ONCE = 100

TURN = 0x6A6F75726E616C
"""The key of PostgreSQL's lock that whoever writes into the journal holds until they commit."""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Tie(NamedTuple):
    """A line of the journal that ties chains together. Written down elsewhere, its seal shows that
    nothing before it was made anew."""

    number: int
    seal: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the trail: of an item's history (`of` its id), of a request's (its chain's name),
    or of the journal. `personal` is
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
    """What is known of a request and, for a line of an item, of that item: their documents now,
    where the card stands (channel and time), and the policies the item was under, each with the
    line of its history from which on it was."""

    request: dict[str, Any]
    item: dict[str, Any]
    card: tuple[str, str] | None
    policies: list[tuple[int, dict[str, Any]]]

    def policy_at(self, number: int) -> dict[str, Any] | None:
        """The policy in force at a line of the item's history."""
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

    async def note_look(self, customer: Customer, channel_id: str, by: Person) -> None:
        """Write into the journal that a person looked at a customer."""
        looked = {"customer": customer.id, "name": customer.name, "channel": channel_id}
        await self.note("looked", looked, by)

    async def newest(self, kind: str) -> dict[str, Any] | None:
        """What the journal's newest line of a kind says."""
        table = tables.journal
        query = sa.select(table.c.body).where(table.c.kind == kind)
        query = query.order_by(table.c.number.desc()).limit(1)
        body = await self._database.read(lambda c: c.execute(query).scalar_one_or_none())
        return json.loads(body) if body else None

    async def tie(self) -> Tie | None:
        """Tie some chains that have grown; None when none has."""

        def write(connection: sa.Connection) -> Tie | None:
            heads: list[list[Any]] = []
            for table, query, name in _UNTIED:
                for row in connection.execute(query).all():
                    same = sa.update(table).where(table.c.id == row.id)
                    connection.execute(same.values(tied_version=row.version))
                    heads.append([name(row.id), *row[1:]])
            if not heads:
                return None
            now = self._database.now(connection)
            return add_to_journal(connection, now, TIE, {"heads": heads})

        return await self._database.write(write)

    async def forget(self, before: datetime) -> int:
        """Forget the people of some settled items that were asked for `before`, of requests of
        which every item is, and of the journal's lines from then; how many items. The chains stay
        provable."""
        journal = tables.journal

        def write(connection: sa.Connection) -> int:
            old = connection.execute(_OLD_ITEMS, {"before": before}).all()
            for item_id, document in old:
                _forget_item(connection, item_id, document)
            for request_id, document in connection.execute(_OLD_REQUESTS, {"before": before}).all():
                _forget_request(connection, request_id, document)
            lines = sa.update(journal).where(journal.c.at < before, journal.c.personal.is_not(None))
            count = connection.execute(lines.values(personal=None)).rowcount
            if old or count:
                now = self._database.now(connection)
                facts = {"before": _text(before), "requests": len(old), "lines": count}
                add_to_journal(connection, now, "forgot", facts)
            return len(old)

        return await self._database.write(write)

    async def lines(self, since: datetime | None) -> AsyncIterator[Line]:
        """The trail from a time on, or all of it: the journal, then chain by chain."""
        async for row in self._journal(since):
            yield _line(JOURNAL, row.number, row.kind, row)
        for chain in _CHAINS:
            async for row in self._history(chain, since):
                yield _line(chain.name(row.of), row.version, row.step, row)

    async def known_of(self, chain: str) -> Known:
        """What is known of the item or the request that a chain is of."""
        requests, items, cards = tables.requests, tables.items, tables.cards
        history = tables.item_history
        is_request = chain.startswith(OF_REQUEST)
        its = requests.c.id == chain.removeprefix(OF_REQUEST) if is_request else items.c.id == chain
        query = (
            sa.select(
                requests.c.body.label("request"),
                items.c.body.label("item"),
                cards.c.channel_id,
                cards.c.ts,
            )
            .join_from(requests, items, items.c.request_id == requests.c.id)
            .outerjoin(cards, cards.c.request_id == requests.c.id)
            .where(its)
            .limit(1)
        )
        row = await self._database.read(lambda connection: connection.execute(query).one())
        card = (row.channel_id, row.ts) if row.ts else None
        if is_request:
            return Known(json.loads(row.request), {}, card, [])
        asked = sa.select(history.c.version, history.c.body).where(
            history.c.item_id == chain, history.c.step.in_((Step.ASK, Step.DRIFT))
        )
        lines = await self._rows(asked.order_by(history.c.version))
        said = [(line.version, json.loads(line.body).get("request", {})) for line in lines]
        policies = [(version, each["policy"]) for version, each in said if "policy" in each]
        return Known(json.loads(row.request), json.loads(row.item), card, policies)

    async def verify(self, known: Tie | None = None) -> Verification:
        """Prove the whole trail: that each line follows the one before, that each request and item
        is what its newest line vouches for, and that everything is there that was tied; and that a
        tie is among it that was `known` elsewhere."""
        proof = _Proof(known)
        async for row in self._journal():
            proof.follow(JOURNAL, row.number, row.kind, row)
            if row.kind == TIE:
                heads = json.loads(row.body)["heads"]
                proof.tied(row, heads, await self._seals_of(heads))
        for chain in _CHAINS:
            async for row in self._history(chain):
                proof.follow(chain.name(row.of), row.version, row.step, row)
                proof.vouched_for(row)
        proof.end()
        async for row in self._without_history():
            proof.without_history(row)
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

    async def _history(self, chain: "_Chain", since: datetime | None = None) -> AsyncIterator[Any]:
        """Each line with the document that it is of, as it was at the same moment."""
        table, of = chain.lines, chain.of
        key = (chain.key, table.c.version)
        last: tuple[str, int] = ("", 0)
        every = sa.select(
            table,
            chain.key.label("of"),
            of.c.version.label("newest"),
            of.c.body.label("document"),
        ).outerjoin_from(table, of, of.c.id == chain.key)
        while True:
            query = every.where(sa.tuple_(*key) > sa.tuple_(*last)).order_by(*key)
            query = query.where(table.c.at >= since) if since else query
            found = await self._rows(query)
            for row in found:
                yield row
            if not found:
                return
            last = (found[-1].of, found[-1].version)

    async def _rows(self, query: sa.Select[Any]) -> list[Any]:
        limited = query.limit(READ_AT_ONCE)
        return await self._database.read(lambda connection: list(connection.execute(limited)))

    async def _seals_of(self, heads: list[list[Any]]) -> dict[tuple[str, int], str]:
        there: dict[tuple[str, int], str] = {}
        for chain in _CHAINS:
            keys = [(chain.id_of(head[0]), head[1]) for head in heads if chain.is_of(head[0])]
            table = chain.lines
            query = sa.select(chain.key.label("of"), table.c.version, table.c.seal).where(
                sa.tuple_(chain.key, table.c.version).in_(keys)
            )
            for row in await self._rows(query):
                there[chain.name(row.of), row.version] = row.seal
        return there

    async def _without_history(self) -> AsyncIterator[Any]:
        """Items that have no line of history; and requests, with the document of their item."""
        items, requests = tables.items, tables.requests
        its = sa.select(1).where(tables.item_history.c.item_id == items.c.id)
        query = sa.select(items.c.id.label("of"), items.c.created_at, sa.literal("").label("body"))
        for row in await self._rows(query.where(~sa.exists(its))):
            yield row
        of_request = sa.select(1).where(tables.request_history.c.request_id == requests.c.id)
        last = ""
        while True:
            query = (
                sa.select(
                    requests.c.id.label("of"),
                    requests.c.created_at,
                    requests.c.body,
                    items.c.body.label("item"),
                )
                .outerjoin_from(requests, items, items.c.id == requests.c.id)
                .where(requests.c.id > last, ~sa.exists(of_request))
                .order_by(requests.c.id)
            )
            found = await self._rows(query)
            for row in found:
                yield row
            if not found:
                return
            last = found[-1].of


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
        """The newest line of a history says by a hash what its request or item is."""
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

    def end(self) -> None:
        """After the last line."""
        self._ended()
        if self._known and not self._is_known:
            how = "there is no such tie as was written down elsewhere, so all before it may be new"
            self._broken.append(Broken(JOURNAL, self._known.number, BEGINNING, how))

    def without_history(self, row: Any) -> None:
        """An item always has one. A request may have none where its item was once a request of its
        own; then it says nothing that the item does not say."""
        if not row.body or not _says_no_more(json.loads(row.body), row.item):
            chain = OF_REQUEST + row.of if row.body else row.of
            self._broken.append(Broken(chain, 1, row.created_at, "its history is missing"))

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


def _says_no_more(request: dict[str, Any], item: str | None) -> bool:
    """Whether a request's document follows from that of its only item, which has taken no step
    since it was a request of its own: with that the request would have got a history."""
    said = json.loads(item) if item else {}
    if "requester" not in said or request.get("version") != 0 or request.get("run"):
        return False
    names = ("requester", "reason", "evidence", "channel_id", "correlation_id", "created_at")
    same = all(request.get(name) == said.get(name) for name in names)
    return same and request.get("item_ids") == [request["id"]]


class _Chain(NamedTuple):
    """The lines of items, or of requests: where they stand, and what they are of."""

    of: sa.Table
    lines: sa.Table
    key: sa.Column[str]
    prefix: str

    def name(self, id: str) -> str:
        """What the chain of one is called."""
        return self.prefix + id

    def id_of(self, name: str) -> str:
        """The id again."""
        return name.removeprefix(self.prefix)

    def is_of(self, name: str) -> bool:
        """Whether a chain of that name is one of these."""
        return name.startswith(OF_REQUEST) is bool(self.prefix)


_requests, _items, _cards = tables.requests, tables.items, tables.cards

_CHAINS = (
    _Chain(_items, tables.item_history, tables.item_history.c.item_id, ""),
    _Chain(_requests, tables.request_history, tables.request_history.c.request_id, OF_REQUEST),
)


def _untied(table: sa.Table, request_id: sa.Column[str]) -> sa.Select[Any]:
    """Those that have changed since they were tied; what is being changed just now comes later."""
    return (
        sa.select(table.c.id, table.c.version, table.c.seal, _cards.c.channel_id, _cards.c.ts)
        .outerjoin_from(table, _cards, _cards.c.request_id == request_id)
        .where(table.c.tied_version < table.c.version)
        .order_by(table.c.id)
        .limit(TIED_AT_ONCE)
        .with_for_update(of=table, skip_locked=True)
    )


_UNTIED = (
    (_items, _untied(_items, _items.c.request_id), _CHAINS[0].name),
    (_requests, _untied(_requests, _requests.c.id), _CHAINS[1].name),
)

_OLD_ITEMS = (
    sa.select(_items.c.id, _items.c.body)
    .where(
        _items.c.created_at < sa.bindparam("before"),
        sa.text("requester_id <> ''"),
        _items.c.state.in_(SETTLED),
        _items.c.due_at.is_(None),
    )
    .order_by(_items.c.created_at)
    .limit(FORGOTTEN_AT_ONCE)
    .with_for_update(of=_items, skip_locked=True)
)

_WITH_PEOPLE = sa.exists().where(
    _items.c.request_id == _requests.c.id, sa.text("items.requester_id <> ''")
)
_OLD_REQUESTS = (
    sa.select(_requests.c.id, _requests.c.body)
    .where(
        _requests.c.created_at < sa.bindparam("before"),
        sa.text("requests.requester_id <> ''"),
        ~_WITH_PEOPLE,
    )
    .order_by(_requests.c.created_at)
    .limit(FORGOTTEN_AT_ONCE)
    .with_for_update(of=_requests, skip_locked=True)
)


def _forget_item(connection: sa.Connection, item_id: str, document: str) -> None:
    history, votes = tables.item_history, tables.votes
    row = {"body": _without_people(document), "requester_id": ""}
    connection.execute(sa.update(_items).where(_items.c.id == item_id).values(row))
    lines = sa.update(history).where(history.c.item_id == item_id)
    connection.execute(lines.where(history.c.personal.is_not(None)).values(personal=None))
    connection.execute(sa.delete(votes).where(votes.c.item_id == item_id))


def _forget_request(connection: sa.Connection, request_id: str, document: str) -> None:
    history = tables.request_history
    row = {"body": _without_people(document), "requester_id": ""}
    connection.execute(sa.update(_requests).where(_requests.c.id == request_id).values(row))
    lines = sa.update(history).where(history.c.request_id == request_id)
    connection.execute(lines.where(history.c.personal.is_not(None)).values(personal=None))


def _without_people(document: str) -> str:
    return hash_chain.canonical(hash_chain.without_people(json.loads(document)))


def _line(of: str, number: int, what: str, row: Any) -> Line:
    forgotten = row.personal is None and row.personal_hash
    personal = None if forgotten else hash_chain.shown(row.personal)
    return Line(of, number, row.at, what, json.loads(row.body), personal, row.seal)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
