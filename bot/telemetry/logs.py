"""One log for everything, on standard error: ours and that of the libraries.

What belongs together has one `correlation_id`: from the click through all that follows from it to
the calls to Microsoft, which get it as `MS-CorrelationId`.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict

SECRET = re.compile(
    r"xox[a-z]-[\w.-]+|xapp-[\w.-]+|(?<=ticket=)[^&\s'\"]+|(?<=Bearer )[\w.~+/=-]+"
    r"|(?<=hooks\.slack\.com/)[^\s'\"]+|eyJ[\w-]{10,}\.[\w-]+\.[\w-]*"
    r"|(?<=://)[^/\s:@'\"]*:[^/\s@'\"]+(?=@)"
)
"""What looks like a secret: Slack's tokens, a Socket Mode ticket, a response URL, an access token,
the password in a database's address. Libraries put some of these into their complaints."""


def without_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A processor of structlog's: whatever is logged, by whomever, no secret is written."""
    return {key: _clean(value) for key, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return SECRET.sub("(secret)", value)
    if isinstance(value, Mapping):
        return {key: _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(each) for each in value]
    return (
        value
        if isinstance(value, int | float | bool | None)
        else SECRET.sub("(secret)", str(value))
    )


def configure(kind: str) -> None:
    """Log as `console` (for people) or `json` (for machines)."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: Any = (
        structlog.processors.JSONRenderer()
        if kind == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_secrets,
                last,
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("bot").setLevel(logging.INFO)
    logging.getLogger("handlers").setLevel(logging.INFO)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def correlate(correlation_id: str) -> None:
    """From here on everything that this task logs, and the tasks that it starts, has this id; an
    empty one, of what was stored before there were any, changes nothing."""
    if not correlation_id:
        return
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(correlation_id=correlation_id)


def correlation_id() -> str:
    """The id of what is going on; empty when it has none."""
    return str(structlog.contextvars.get_contextvars().get("correlation_id", ""))
