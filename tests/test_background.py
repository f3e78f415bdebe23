"""What goes on behind the acknowledgements, and when."""

import asyncio

import pytest

from bot.tasks import Rush, Tasks


async def test_what_nobody_waits_for_begins_when_everybody_is_answered() -> None:
    """Also when there was a moment between two people in which nobody waited."""
    rush, begun = Rush(), asyncio.Event()
    tasks = Tasks(rush)
    with rush:
        tasks.start(_set(begun), "behind")
        await asyncio.sleep(0)
    with rush:
        await asyncio.sleep(0)
        assert not begun.is_set()
    await tasks.quiet()
    assert begun.is_set()


async def test_a_rush_that_never_ends_holds_nothing_up_for_long() -> None:
    """It begins all the same, while somebody still waits."""
    rush, begun = Rush(), asyncio.Event()
    tasks = Tasks(rush)
    with rush:
        tasks.start(_set(begun), "behind")
        await asyncio.sleep(0)
        assert not begun.is_set()
        await begun.wait()


async def test_work_that_had_not_begun_when_all_ended_is_closed(
    recwarn: pytest.WarningsRecorder,
) -> None:
    """Python would complain of a coroutine that nobody ever awaited."""
    rush, begun = Rush(), asyncio.Event()
    tasks = Tasks(rush)
    with rush:
        tasks.start(_set(begun), "behind")
        await tasks.cancel()
    assert not begun.is_set()
    assert not recwarn


async def _set(event: asyncio.Event) -> None:
    event.set()


async def test_what_begins_while_the_bot_stops_is_waited_for() -> None:
    """As long as there is time left: a refusal is noted after the answer."""
    tasks, noted = Tasks(Rush()), asyncio.Event()

    async def answer() -> None:
        await asyncio.sleep(0)
        tasks.start(_set(noted), "noting")

    tasks.start(answer(), "answering")
    await tasks.drain(5)
    assert noted.is_set()
