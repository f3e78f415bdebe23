"""Doing again what has failed for a moment, by stamina."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import stamina

T = TypeVar("T")


async def retried(
    work: Callable[[], Awaitable[T]],
    on: type[Exception] | Callable[[Exception], bool | float],
    **how: Any,
) -> T:
    """What `work` returns. While it raises what `on` names, or says is worth it, it is done again,
    with the pauses and as often as stamina is told `how`; then its last error is raised.

    The first time is without stamina, which has a loop of fifty objects in circles: nearly all goes
    well at once, and the garbage collector would stop everybody to find them.
    """
    try:
        return await work()
    except Exception as error:
        first = error
    async for attempt in stamina.retry_context(on, **how):
        with attempt:
            if attempt.num == 1:
                raise first
            return await work()
    raise AssertionError("stamina either returns or raises")
