"""What has changed, numbered, so that a page that was away learns what it missed."""

import asyncio
import itertools
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

KEPT = 2000


@dataclass(frozen=True)
class Change:
    """Something that pages have to show. `seen_by`: whose pages; None for everybody's."""

    number: int
    seen_by: frozenset[str] | None
    content: dict[str, Any]


class Changes:
    """The latest changes, and whoever waits for the next one."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._changes: deque[Change] = deque(maxlen=KEPT)
        self._waiting: set[asyncio.Event] = set()
        self.newest = 0

    def add(self, content: dict[str, Any], seen_by: Iterable[str] | None = None) -> None:
        """Something happened."""
        audience = None if seen_by is None else frozenset(seen_by)
        self.newest = next(self._numbers)
        self._changes.append(Change(self.newest, audience, content))
        for waiting in self._waiting:
            waiting.set()

    def after(self, number: int, user: str) -> list[Change] | None:
        """What somebody's page does not show yet; None when it was away for too long."""
        if number > self.newest or (self._changes and number < self._changes[0].number - 1):
            return None
        new = itertools.islice(self._changes, number - self._first, None)
        return [change for change in new if change.seen_by is None or user in change.seen_by]

    @property
    def _first(self) -> int:
        return self._changes[0].number - 1 if self._changes else self.newest

    def wait(self) -> "Waiting":
        """For use as `with changes.wait() as happened`."""
        return Waiting(self._waiting)


class Waiting:
    """An event that is set by every change as long as the block runs."""

    def __init__(self, waiting: set[asyncio.Event]) -> None:
        self._waiting = waiting
        self._event = asyncio.Event()

    def __enter__(self) -> asyncio.Event:
        self._waiting.add(self._event)
        return self._event

    def __exit__(self, *_: object) -> None:
        self._waiting.discard(self._event)
