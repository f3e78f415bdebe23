"""The queue in memory, of the only bot on a file."""

import asyncio
from datetime import timedelta

from bot.store.queue import AT_ONCE, Queue

TAKE_OVER = timedelta(seconds=30)


async def test_what_waits_already_is_not_put_once_more() -> None:
    """While Slack hangs for all that can run at once, every look finds the same ones due again; a
    click must not wait behind them for an hour."""
    queue, attended, slack_answers = Queue(), list[str](), asyncio.Event()
    busy = asyncio.Semaphore(0)

    async def attend(job: str, _name: str) -> None:
        attended.append(job)
        busy.release()
        await slack_answers.wait()

    running, waiting = ([f"{kind}{n}" for n in range(AT_ONCE)] for kind in ("running", "waiting"))
    queue.put_soon(running)
    queue.start(attend, TAKE_OVER)
    for _ in running:
        await busy.acquire()
    for _ in range(100):
        queue.put_soon(waiting)
    queue.put_soon(["clicked", "clicked"])
    assert await queue.depth() == 2 * AT_ONCE + 1
    slack_answers.set()
    await queue.quiet()
    assert sorted(attended) == sorted([*running, *waiting, "clicked"])
    queue.put_soon(["clicked"])  # something new has happened
    await queue.quiet()
    assert attended.count("clicked") == 2
    await queue.stop(5)


async def test_what_is_being_attended_to_is_put_again() -> None:
    """It may have been read before what happened now."""
    queue, attended = Queue(), list[str]()

    async def attend(job: str, _name: str) -> None:
        attended.append(job)
        if len(attended) == 1:
            queue.put_soon([job])

    queue.put_soon(["request"])
    queue.start(attend, TAKE_OVER)
    await queue.quiet()
    assert attended == ["request", "request"]
    await queue.stop(5)
