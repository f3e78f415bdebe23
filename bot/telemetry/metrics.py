"""What is counted and timed, for Prometheus at `/metrics`.

Counters and histograms belong to the process. What the database or the connections know (requests
by state, the queue, the sign-in) is asked of them when somebody looks.
"""

import asyncio
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bot.domain.item import State, Step
from bot.domain.request import Transition

TEXT = CONTENT_TYPE_PLAIN_0_0_4

REGISTRY = CollectorRegistry()

_FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)
_UPSTREAM = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180)
_PATIENT = (60, 300, 900, 1800, 3600, 4 * 3600, 8 * 3600, 24 * 3600, 72 * 3600)


def _counter(name: str, what: str, *labels: str) -> Counter:
    return Counter(f"upgrade_bot_{name}", what, labels, registry=REGISTRY)


def _histogram(name: str, what: str, buckets: Iterable[float], *labels: str) -> Histogram:
    return Histogram(f"upgrade_bot_{name}", what, labels, buckets=tuple(buckets), registry=REGISTRY)


def _gauge(name: str, what: str, *labels: str) -> Gauge:
    return Gauge(f"upgrade_bot_{name}", what, labels, registry=REGISTRY)


STEPS = _counter("steps_total", "Steps taken, and the state after each", "step", "state")
REFUSALS = _counter("refusals_total", "People who were refused something", "reason")
UNTIL_APPROVED = _histogram("approval_seconds", "From a request to its last approval", _PATIENT)
UNTIL_DONE = _histogram("done_seconds", "From a request to the upgrade", _PATIENT)
ACKNOWLEDGED = _histogram(
    "acknowledgement_seconds", "From a delivery of Slack's to the answer", _FAST, "kind"
)
SLACK = _histogram("slack_seconds", "Calls to Slack", _UPSTREAM, "method", "status")
PARTNER_CENTER = _histogram(
    "partner_center_seconds", "Calls to Partner Center", _UPSTREAM, "method", "call", "status"
)
RETRIES = _counter("partner_center_retries_total", "Reads that were sent once more")
THROTTLES = _counter("partner_center_throttles_total", "Times Partner Center asked to slow down")
BAD_SIGNATURES = _counter("bad_signatures_total", "Calls that pretended to be Slack's")
RECONNECTIONS = _counter("socket_reconnections_total", "Sockets that the watchdog made anew")

TRANSACTIONS = _counter("database_transactions_total", "Transactions in the database", "kind")

REQUESTS = _gauge("requests", "Items of requests by state", "state")
QUEUE = _gauge("queue_jobs", "Jobs that wait or run")
SIGN_IN_DAYS = _gauge("sign_in_days_left", "Days that the refresh token lives unused")
SOCKETS = _gauge("sockets_connected", "Socket Mode connections that are open")
READY = _gauge("ready", "Whether a click would be answered", "part")

for _state in State:
    REQUESTS.labels(_state).set(0)


def steps_taken(transition: Transition) -> None:
    """A transition was committed."""
    for item, event in transition.items:
        STEPS.labels(event.step, event.state).inc()
        took = (event.at - item.created_at).total_seconds()
        if event.step is Step.APPROVE and event.state is not State.AWAITING_APPROVAL:
            UNTIL_APPROVED.observe(took)
        if event.step is Step.FINISH:
            UNTIL_DONE.observe(took)


def text() -> bytes:
    """Everything, as Prometheus reads it."""
    return generate_latest(REGISTRY)


def slack_calls() -> aiohttp.TraceConfig:
    """Times every call of a session to Slack, by method; the addresses themselves can be secret."""
    trace = aiohttp.TraceConfig()

    async def begin(_session: Any, context: SimpleNamespace, _params: Any) -> None:
        context.began = _now()

    async def end(_session: Any, context: SimpleNamespace, params: Any) -> None:
        status = str(params.response.status)
        SLACK.labels(_method(params.url.path), status).observe(_now() - context.began)

    async def fail(_session: Any, context: SimpleNamespace, params: Any) -> None:
        kind = type(params.exception).__name__
        SLACK.labels(_method(params.url.path), kind).observe(_now() - context.began)

    trace.on_request_start.append(begin)
    trace.on_request_end.append(end)
    trace.on_request_exception.append(fail)
    return trace


def _now() -> float:
    return asyncio.get_running_loop().time()


def _method(path: str) -> str:
    """The Web API's name of a call; everything else is an answer to a response URL."""
    name = path.rpartition("/")[2]
    return name if "." in name else "response_url"


def call_of(path: str) -> str:
    """A Partner Center path without the ids in it."""
    return "/".join(part for part in path.split("/") if not any(c.isdigit() for c in part))
