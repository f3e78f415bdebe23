"""What passes between the bot and the two practice servers, byte for byte."""

import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

KEPT = 1000
"""The latest of them."""


@dataclass(eq=False)
class Exchange:
    """One call and its answer. `kind`: `payload`, `web_api`, `response_url`, `partner_center` or
    `sign_in`. While it has no answer, `took_ms` is None."""

    number: int
    kind: str
    name: str
    at: datetime
    method: str
    url: str
    headers: dict[str, str]
    sent: Any
    status: int | str = ""
    answered: Any = None
    took_ms: float | None = None
    failed: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    begun: float = field(default_factory=time.perf_counter)


class Traffic:
    """The latest exchanges. Whoever is in `watchers` is told of each when it begins and ends."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self.exchanges: deque[Exchange] = deque(maxlen=KEPT)
        self.watchers: list[Callable[[Exchange], None]] = []

    def begins(
        self,
        kind: str,
        name: str,
        *,
        sent: Any,
        method: str = "POST",
        url: str = "",
        headers: dict[str, str] | None = None,
    ) -> Exchange:
        """Somebody calls."""
        exchange = Exchange(
            next(self._numbers), kind, name, self._clock(), method, url, headers or {}, sent
        )
        self.exchanges.append(exchange)
        self._tell(exchange)
        return exchange

    def ends(
        self, exchange: Exchange, *, status: int | str, answered: Any = None, failed: bool = False
    ) -> None:
        """… and is answered, or not."""
        exchange.took_ms = (time.perf_counter() - exchange.begun) * 1000
        exchange.status, exchange.answered, exchange.failed = status, answered, failed
        self._tell(exchange)

    def _tell(self, exchange: Exchange) -> None:
        for watch in self.watchers:
            watch(exchange)
