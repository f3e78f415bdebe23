"""What every delivery of Slack's passes on its way in: it gets a name for the log, and is timed.

The name is the correlation id of everything that follows from it, up to the calls to Microsoft;
where it is about a request it is that request's. Until it is answered nothing is begun that nobody
waits for.
"""

import logging
import uuid
from functools import partial
from time import perf_counter
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.tasks import Rush
from bot.telemetry import logs, metrics

log = structlog.get_logger()

KINDS = frozenset({"command", "block_actions", "block_suggestion", "view_submission"})
"""What people wait for."""


class OneWorkspace(AsyncAuthorize):
    """Tells Bolt who we are, always the same, so that it need not ask Slack within the first
    click's time. (For a plain function it would gather arguments at each.)"""

    def __init__(self, team_id: str, bot_token: str) -> None:
        self._ours = AuthorizeResult(enterprise_id=None, team_id=team_id, bot_token=bot_token)

    async def __call__(self, **_: Any) -> AuthorizeResult:
        return self._ours


class BoltApp(AsyncApp):
    """Bolt, with a door before it. A middleware of Bolt's own ends before the listener begins, so
    it could not time one."""

    def __init__(
        self, slack: AsyncWebClient, team_id: str, signing_secret: str, rush: Rush
    ) -> None:
        """`signing_secret` is empty in Socket Mode."""
        quiet = logging.getLogger("slack_bolt")  # at INFO it would write whole payloads of people
        quiet.setLevel(logging.ERROR)
        super().__init__(
            name="upgrade-bot",  # Bolt would read the source of half the program to find one
            client=AsyncWebClient(
                base_url=slack.base_url, session=slack.session, timeout=10, retry_handlers=[]
            ),
            signing_secret=signing_secret,
            authorize=OneWorkspace(team_id, slack.token or ""),
            process_before_response=True,
            request_verification_enabled=False,  # `HttpServer` has, and sockets need none
            ssl_check_enabled=False,  # `HttpServer` answers it
            ignoring_self_events_enabled=False,  # the bot is subscribed to none of its own
            attaching_function_token_enabled=False,  # it is no step of a workflow
            logger=quiet,
        )
        self._rush = rush

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Let it in, and answer it."""
        logs.correlate(str(uuid.uuid4()))
        began = perf_counter()
        with self._rush:
            answer = await super().async_dispatch(req)
        noted = partial(_note, req.body, answer.status, perf_counter() - began)
        self._rush.afterwards(noted)  # a line in the log takes a third of an acknowledgement
        return answer


def _note(body: dict[str, Any], status: int, seconds: float) -> None:
    kind = str(body.get("type") or ("command" if "command" in body else "other"))
    kind = kind if kind in KINDS else "other"
    metrics.ACKNOWLEDGED.labels(kind).observe(seconds)
    log.info("slack.answered", kind=kind, status=status, seconds=round(seconds, 4))
