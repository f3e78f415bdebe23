"""How the bot is, for whoever watches it: whether each part works, and figures that must be asked
for."""

import asyncio
from datetime import timedelta

from bot.domain.item import State
from bot.errors import Unavailable
from bot.partner_center import SignIn
from bot.server.http import OK
from bot.slack.socket_mode import SocketMode
from bot.store import Store
from bot.telemetry import metrics

ANSWER_WITHIN = 2.0
"""Seconds within which the database must answer for the bot to be ready."""

COUNT_EVERY = 30.0
"""Seconds between two counts of all requests, however often somebody looks at the figures."""


class Health:
    """Looks at the parts of a bot that runs. Whoever starts and stops the bot says whether it is
    `accepting`, and which `sockets` there are."""

    def __init__(self, store: Store, sign_in: SignIn) -> None:
        self._store = store
        self._sign_in = sign_in
        self._counted_at = -COUNT_EVERY
        self.sockets: SocketMode | None = None
        """None in HTTP mode."""
        self.accepting = False
        """Whether the bot takes work."""

    async def parts(self) -> dict[str, str]:
        """How each part is without which no click is answered: `ok`, or what is wrong."""
        parts = {"work": OK if self.accepting else "is starting or stopping"}
        if self.sockets:
            connected = await self.sockets.connected()
            parts["slack"] = OK if connected else "there is no connection to Slack"
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._store.revision()
            parts["database"] = OK
        except (Unavailable, TimeoutError):
            parts["database"] = "the database does not answer"
        return parts

    async def measure(self) -> None:
        """Bring the figures up to date that somebody has to be asked for."""
        for part, state in (await self.parts()).items():
            metrics.READY.labels(part).set(state == OK)
        if self.sockets:
            metrics.SOCKETS.set(await self.sockets.connected())
        if lasts := self._sign_in.lasts():
            metrics.SIGN_IN_DAYS.set(lasts / timedelta(days=1))
        loop_time = asyncio.get_running_loop().time()
        if loop_time - self._counted_at >= COUNT_EVERY:
            try:
                by_state = await self._store.lists.by_state()
                metrics.QUEUE.set(await self._store.queue.depth())
            except (Unavailable, OSError):
                return  # what was counted last stays, and `ready` says why
            self._counted_at = loop_time
            for state in State:
                metrics.REQUESTS.labels(state).set(by_state.get(state, 0))
