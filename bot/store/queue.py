"""The jobs beside the rows, on PgQueuer: in PostgreSQL for any number of bots, in memory for one.

A job is the name of a request or an item that has to be attended to. On PostgreSQL it is put into
the queue in the transaction that gives it its reason, any bot takes it, and another takes it over
when that bot's heartbeat fails. In memory it dies with the process. Either way the rows say what is
left to do, so a job that is missing is put again, and a job too many does nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from pgqueuer import QueueManager
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.inmemory import InMemoryDriver, InMemoryQueries
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.models import Job

if TYPE_CHECKING:  # only a bot of PostgreSQL loads it
    import asyncpg

log = structlog.get_logger()

ATTEND = "attend"
AT_ONCE = 50
"""Jobs that one bot works at: Slack and Partner Center would refuse more."""

FORGET_EVERY = 300.0
"""Seconds between two times that the queue's own log is emptied: a kilobyte for every job, which in
memory was ten megabytes of a busy hour."""

RECONNECT = 0.5
"""Seconds between two attempts to reach the database again."""

Attend = Callable[[str, str], Awaitable[None]]
"""Attends to a request, given its id and the job's."""

Connect = Callable[[], Awaitable["asyncpg.Connection"]]


class Queue:
    """`put` jobs (in memory `put_soon`), `start` to work at them, `stop`. In memory, unless it is
    told how to `connect`, and by what errors one sees that the connection is `lost`."""

    def __init__(
        self, connect: Connect | None = None, lost: tuple[type[Exception], ...] = ()
    ) -> None:
        self._connect = connect
        self._lost = lost
        self._memory = InMemoryQueries(InMemoryDriver())
        self._serving: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._to_put: list[str] = []
        self._waiting: set[str] = set()
        self._putting: asyncio.Task[None] | None = None
        self._unfinished = 0
        self._finished = asyncio.Condition()

    def put_soon(self, request_ids: Sequence[str]) -> None:
        """Have the requests attended to, by a queue in memory: what is put by many steps at once is
        put together, after they are answered. One that waits already is not put once more."""
        new = [each for each in dict.fromkeys(request_ids) if each not in self._waiting]
        if not new:
            return
        self._waiting.update(new)
        self._unfinished += len(new)
        self._to_put += new
        if self._putting is None:
            self._putting = asyncio.create_task(self._put_together(), name="putting jobs")
            self._putting.add_done_callback(self._ended)

    async def _put_together(self) -> None:
        try:
            while self._to_put:
                ids, self._to_put = self._to_put, []
                await self._memory.enqueue([ATTEND] * len(ids), _payloads(ids), [0] * len(ids))
        finally:
            self._putting = None

    async def put(self, request_ids: Sequence[str], connection: "asyncpg.Connection") -> None:
        """Have the requests attended to, as soon as the transaction on `connection` is committed.

        A request has one job at a time, which goes on until nothing is left to do.
        """
        ids = sorted(request_ids)  # in one order, so that two bots cannot wait for each other
        await Queries(AsyncpgDriver(connection)).enqueue(
            [ATTEND] * len(ids),
            _payloads(ids),
            [0] * len(ids),
            dedupe_key=list(ids),
            on_conflict="skip",
        )

    def start(self, attend: Attend, take_over: timedelta) -> None:
        """Work at jobs from now on; those of a dead bot are taken over within `take_over`."""
        self._serving = asyncio.create_task(self._serve(attend, take_over), name="serving jobs")

    async def stop(self, grace: float) -> None:
        """Begin no job any more, give those that run `grace` seconds, and end them."""
        self._stopping.set()
        left = {task for task in (self._serving, *self._running) if task}
        if left:
            _, left = await asyncio.wait(left, timeout=grace)
        while left:  # PgQueuer waits for its jobs when it is cancelled once
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=0.1)

    async def depth(self) -> int:
        """Jobs that wait or run, of all bots."""
        if self._connect is None:
            return self._unfinished
        connection = await self._connect()
        try:
            counted = await Queries(AsyncpgDriver(connection)).queue_size()
        finally:
            await connection.close()
        return sum(each.count for each in counted)

    async def quiet(self) -> None:
        """Wait until every job of this process is finished. Only for a queue in memory."""
        async with self._finished:
            await self._finished.wait_for(lambda: not self._unfinished)

    async def _serve(self, attend: Attend, take_over: timedelta) -> None:
        """Work, and begin anew whenever the database's connection ended."""
        while not self._stopping.is_set():
            try:
                await self._serve_one_connection(attend, take_over)
            except self._lost as error:
                log.warning("queue.unreachable", trouble=type(error).__name__)
            except Exception:
                log.exception("queue.failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), RECONNECT)

    async def _serve_one_connection(self, attend: Attend, take_over: timedelta) -> None:
        """Until it is lost, or the bot stops. Jobs that run when it is lost go on to their end
        while a new connection is made."""
        lost = asyncio.Event()
        connection = await self._connect() if self._connect else None
        if connection:
            connection.add_termination_listener(lambda _connection: lost.set())
        queries = Queries(AsyncpgDriver(connection)) if connection else self._memory
        queuer = QueueManager(queries)
        queuer.entrypoint(ATTEND)(self._job(attend))
        work = _work(queuer, queries, take_over, connection)
        running = asyncio.create_task(work, name="running jobs")
        self._running.add(running)
        running.add_done_callback(self._ended)
        waits = [asyncio.ensure_future(event.wait()) for event in (lost, self._stopping)]
        try:
            await asyncio.wait({running, *waits}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            queuer.shutdown.set()
        if not lost.is_set():
            await running
        log.info("queue.connection_ended", lost=lost.is_set())

    def _ended(self, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        if not running.cancelled() and (error := running.exception()):
            log.info("queue.work_ended", trouble=type(error).__name__)

    def _job(self, attend: Attend) -> Callable[[Job], Awaitable[None]]:
        async def job(job: Job) -> None:
            request_id = (job.payload or b"").decode()
            self._waiting.discard(request_id)
            try:
                await attend(request_id, str(job.id))
            finally:
                async with self._finished:
                    self._unfinished -= 1
                    self._finished.notify_all()

        return job


async def _work(
    queuer: QueueManager,
    queries: Queries | InMemoryQueries,
    take_over: timedelta,
    connection: "asyncpg.Connection | None",
) -> None:
    """One job at a time is taken and reported at once; a heartbeat and a look at the hearts of
    others together take less than `take_over`."""
    forgetting = asyncio.create_task(_forget_for_ever(queries), name="forgetting old jobs")
    try:
        await queuer.run(
            batch_size=1,
            max_concurrent_tasks=AT_ONCE,
            heartbeat_timeout=take_over * 0.6,
            dequeue_timeout=take_over * 0.3,
            log_aggregation_interval=timedelta(),
            shutdown_on_listener_failure=True,
        )
    finally:
        forgetting.cancel()
        await asyncio.gather(forgetting, return_exceptions=True)
        if connection:
            connection.terminate()


async def _forget_for_ever(queries: Queries | InMemoryQueries) -> None:
    """PgQueuer keeps a line for everything that it did; the history of a request is ours."""
    while True:
        await queries.clear_queue_log(ATTEND)
        await asyncio.sleep(FORGET_EVERY)


def _payloads(request_ids: list[str]) -> list[bytes | None]:
    return [each.encode() for each in request_ids]
