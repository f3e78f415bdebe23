"""A proxy before PostgreSQL that counts round trips: how often it is asked, and answers."""

import asyncio
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit, urlunsplit

CHUNK = 65536


@dataclass
class Connection:
    """One of the bot's connections, and whether it is the queue's, which listens for jobs."""

    round_trips: int = 0
    listens: bool = False


class RoundTrips:
    """`start` it, connect to `url`, read `of_the_store` and `of_the_queue`, `stop` it."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._server: asyncio.Server | None = None
        self._flows: set[asyncio.Task[None]] = set()
        self._connections: list[Connection] = []

    @property
    def url(self) -> str:
        """The database, by way of the proxy."""
        assert self._server
        _, port = self._server.sockets[0].getsockname()
        user = f"{self._upstream.username}@" if self._upstream.username else ""
        if self._upstream.password:
            user = f"{self._upstream.username}:{self._upstream.password}@"
        location = f"{user}127.0.0.1:{port}"
        return urlunsplit(self._upstream._replace(netloc=location, query=""))

    @property
    def of_the_store(self) -> int:
        """Round trips until now, but for those of the queue."""
        return sum(each.round_trips for each in self._connections if not each.listens)

    @property
    def of_the_queue(self) -> int:
        """Those of the queue."""
        return sum(each.round_trips for each in self._connections if each.listens)

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Close every connection."""
        assert self._server
        self._server.close()
        for flow in self._flows:
            flow.cancel()
        await asyncio.gather(*self._flows, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await self._connect()
        counted = Connection()
        self._connections.append(counted)
        is_asked = asyncio.Event()

        async def ask() -> None:
            while said := await reader.read(CHUNK):
                counted.listens |= b"LISTEN " in said
                is_asked.set()
                server_writer.write(said)

        async def answer() -> None:
            while said := await server_reader.read(CHUNK):
                counted.round_trips += is_asked.is_set()
                is_asked.clear()
                writer.write(said)

        flows = [asyncio.create_task(ask()), asyncio.create_task(answer())]
        self._flows.update(flows)
        await asyncio.wait(flows, return_when=asyncio.FIRST_COMPLETED)
        server_writer.close()
        writer.close()
        for flow in flows:
            flow.cancel()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = parse_qs(self._upstream.query).get("host", [""])[0]
        port = self._upstream.port or 5432
        if folder:
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        return await asyncio.open_connection(self._upstream.hostname, port)
