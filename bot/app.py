"""The composition root: builds everything, knows everything, and is known by nothing but the
command line and the tests."""

import asyncio
import ssl
import uuid
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, NamedTuple

import aiohttp
import httpx
import structlog
from pydantic import TypeAdapter
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands.approver_report import explain
from bot.commands.login import application
from bot.config.settings import Settings
from bot.domain.policy import PolicyBook
from bot.partner_center import ENDPOINTS, Client, Limits, PartnerCenter, SignIn
from bot.partner_center.directory import Directory
from bot.preflight import Preflight
from bot.preflight.database import AWAY, GONE, open_store
from bot.preflight.diagnostics import Finding, Mark, StartProblem, bad
from bot.requests.decide import Decisions
from bot.requests.find import Finder
from bot.requests.permission import Permission
from bot.requests.preview import Previewer
from bot.requests.queries import Queries
from bot.requests.rate_limit import RateLimit
from bot.requests.submit import Submitter
from bot.server.health import Health
from bot.server.http import HttpServer
from bot.slack.bolt_app import BoltApp
from bot.slack.errors import no_redirects
from bot.slack.home_tabs import HomeTabs
from bot.slack.messenger import Messenger
from bot.slack.people import SlackPeople
from bot.slack.publisher import Publisher
from bot.slack.socket_mode import SocketMode
from bot.store import Store
from bot.store.vault import SealedVault
from bot.tasks import Rush, Tasks
from bot.telemetry import metrics
from bot.worker.executor import Executor
from bot.worker.maintenance import Maintenance
from bot.worker.worker import Worker
from handlers import Dispatcher, register

log = structlog.get_logger()

GRACE = 25.0
"""Seconds that running work gets at a stop; what takes longer is settled at the next start."""

POLICIES = TypeAdapter(PolicyBook)


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


def new_id() -> str:
    """An id that nobody can guess: of a request, an offer, or a call."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Connections:
    """Clients of Slack and Partner Center, and the probes over them."""

    slack: AsyncWebClient
    partner_center: Client
    sign_in: SignIn
    preflight: Preflight


class Asking(NamedTuple):
    """From a typed name to a request, and what there is to read, under the names that handlers give
    them."""

    finder: Finder
    submitter: Submitter
    previewer: Previewer
    queries: Queries


class Bot:
    """The whole bot, from settings: `async with Bot(…) as bot`, or `start` and `stop` it. It cannot
    be started twice.

    The database's clock decides what is late, and the machine's how long something is remembered;
    `clock` replaces both. `trust` is for servers whose certificate the machine does not know.
    """

    store: Store
    directory: Directory
    worker: Worker
    maintenance: Maintenance
    health: Health
    http: HttpServer

    def __init__(
        self,
        settings: Settings,
        policies: PolicyBook,
        *,
        clock: Callable[[], datetime] | None = None,
        trust: ssl.SSLContext | None = None,
        retry_pause: float = 0.5,
    ) -> None:
        self._settings = settings
        self._policies = policies
        self._given_clock = clock
        self._clock = clock or now
        self._trust = trust
        self._retry_pause = retry_pause
        self._rush = Rush()
        self.tasks = Tasks(self._rush)
        self._running = AsyncExitStack()
        self._grace = GRACE

    async def __aenter__(self) -> "Bot":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Check everything, settle what was in flight, and take work. Raises StartProblem."""
        try:
            await self._start()
        except BaseException:
            await self.stop(grace=0)
            raise

    async def stop(self, grace: float = GRACE) -> None:
        """Take no more work, give what is running `grace` seconds, close everything."""
        self._grace = grace
        await self._running.aclose()

    async def quiet(self) -> None:
        """Wait until nothing is left that was begun; a bot of a shared database never knows."""
        if not self.store.is_shared:
            await self.store.queue.quiet()
        await self.tasks.quiet()

    async def check(self) -> list[Finding]:
        """What every probe finds; nothing is begun, and older tables stay as they are."""
        broken: list[Finding] = []
        store = None
        async with AsyncExitStack() as opened:
            try:
                store = await self._open_store(opened, only_if_new=True)
            except StartProblem as problem:
                broken = problem.findings
            connections = await self._connect(opened, store)
            return [*broken, *await connections.preflight.run(thoroughly=True)]

    async def explain(self, which: str) -> list[str]:
        """The lines that say who could approve a request, named by its id or by the link of its
        card. Raises StartProblem."""
        async with AsyncExitStack() as opened:
            try:
                store = await self._open_store(opened)
                connections = await self._prepare(opened, store)
                team_id = connections.preflight.slack.team_id
                people = SlackPeople(connections.slack, team_id, self._clock)
                permission = Permission(people, self._policies)
                return await explain(which, store, Decisions(store, people, permission), people)
            except AWAY as error:
                raise StartProblem([GONE]) from error

    async def _start(self) -> None:
        store = self.store = await self._open_store(self._running)
        connections = await self._prepare(self._running, store)
        team_id = connections.preflight.slack.team_id
        days = self._settings.upgrade_bot_people_days
        self.maintenance = Maintenance(store, timedelta(days=days) if days else None)
        self.health = Health(store, connections.sign_in)
        dispatcher = self._dispatcher(connections, store, team_id)
        secret = self._settings.slack_signing_secret
        signed_with = secret.get_secret_value() if secret else ""
        app = BoltApp(connections.slack, team_id, signed_with, self._rush)
        register(app, dispatcher)
        self.directory.start()
        self._running.callback(self.directory.stop)
        self._running.push_async_callback(self._drain)
        await self.worker.start()
        await self._note_the_start(store, connections.preflight.slack.workspace_url)
        self._keep_doing(connections.sign_in.keep_alive_for_ever(), "keeping signed in")
        self._keep_doing(self.maintenance.for_ever(), "maintenance")
        mode = await self._listen(app)
        self._running.callback(self._refuse_work)
        self.health.accepting = True
        log.info("bot.ready", mode=mode, port=self.http.port)

    def _refuse_work(self) -> None:
        self.health.accepting = False

    async def _drain(self) -> None:
        await asyncio.gather(self.tasks.drain(self._grace), self.worker.stop(self._grace))

    def _keep_doing(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Until the bot stops."""
        self._running.callback(asyncio.create_task(work, name=name).cancel)

    async def _note_the_start(self, store: Store, workspace_url: str) -> None:
        """The audit trail says which version started, for which workspace, and under which policy
        wherever that is another than before."""
        trail, policy = store.trail, POLICIES.dump_python(self._policies, mode="json")
        before = await trail.newest("policy")
        if before is None or before["policy"] != policy:
            await trail.note("policy", {"policy": policy})
        facts = {"version": version("upgrade-bot"), "workspace_url": workspace_url}
        await trail.note("started", facts)

    async def _prepare(self, opened: AsyncExitStack, store: Store) -> Connections:
        """Connections that were looked at. Raises StartProblem when something is bad."""
        connections = await self._connect(opened, store)
        findings = await connections.preflight.run()
        for finding in findings:
            if finding.mark is Mark.WARNING:
                log.warning("bot.preflight", name=finding.name, what=finding.what, fix=finding.fix)
        if wrong := [finding for finding in findings if finding.mark is Mark.BAD]:
            raise StartProblem(wrong)
        return connections

    async def _connect(self, opened: AsyncExitStack, store: Store | None) -> Connections:
        slack = self._slack_client(await self._session(opened))
        client, sign_in = self._partner_center(opened, store)
        preflight = Preflight(
            self._settings,
            self._policies,
            slack=slack,
            partner_center=client,
            sign_in=sign_in,
            store=store,
            correlation_id=new_id(),
        )
        return Connections(slack, client, sign_in, preflight)

    async def _open_store(self, opened: AsyncExitStack, *, only_if_new: bool = False) -> Store:
        url = self._settings.upgrade_bot_database_url.get_secret_value()
        store = await open_store(url, self._given_clock, only_if_new=only_if_new)
        opened.push_async_callback(store.close)
        return store

    async def _session(self, opened: AsyncExitStack) -> aiohttp.ClientSession:
        traces = [metrics.slack_calls(), no_redirects()]
        session = aiohttp.ClientSession(trace_configs=traces)
        opened.push_async_callback(session.close)
        return session

    def _slack_client(self, session: aiohttp.ClientSession) -> AsyncWebClient:
        """No call is repeated by itself: the rows say what still has to be shown."""
        return AsyncWebClient(
            token=self._settings.slack_bot_token.get_secret_value(),
            base_url=self._settings.slack_api_url + "/",
            session=session,
            timeout=10,
            retry_handlers=[],
        )

    def _partner_center(self, opened: AsyncExitStack, store: Store | None) -> tuple[Client, SignIn]:
        settings = self._settings
        trust = self._trust or ssl.create_default_context()  # the machine's, as for Slack
        blocking = httpx.Client(verify=trust, timeout=10)
        http = httpx.AsyncClient(verify=trust)
        opened.callback(blocking.close)
        opened.push_async_callback(http.aclose)
        refresh_token, key = settings.partner_center_refresh_token, settings.upgrade_bot_secret_key
        sign_in = SignIn(
            application(settings, blocking),
            app_only=settings.partner_center_auth == "app_only",
            refresh_token=refresh_token.get_secret_value() if refresh_token else None,
            vault=SealedVault(store, key.get_secret_value()) if key and store else None,
            clock=self._clock,
        )
        limits = Limits(
            connect=settings.upgrade_bot_connect_seconds,
            read=settings.upgrade_bot_read_seconds,
            write=settings.upgrade_bot_write_seconds,
            retry_pause=self._retry_pause,
        )
        endpoints = ENDPOINTS[settings.partner_center_cloud]
        api = settings.partner_center_api_url or endpoints.api
        return Client(http, api, sign_in, new_id, limits), sign_in

    def _dispatcher(self, connections: Connections, store: Store, team_id: str) -> Dispatcher:
        """Everything that handlers work with, and what attends to requests beside them."""
        people = SlackPeople(connections.slack, team_id, self._clock)
        permission = Permission(people, self._policies)
        partner_center = PartnerCenter(connections.partner_center)
        self.directory = Directory(partner_center.customers, new_id)
        messenger = Messenger(connections.slack)
        executor = Executor(store=store, partner_center=partner_center, policies=self._policies)
        decisions = Decisions(store, people, permission)
        rate_limit = RateLimit(self._clock)
        asking = self._asking(store, people, permission, partner_center)
        home_tabs = HomeTabs(store, asking.queries.home, people.locale, messenger, self.tasks)
        workspace_url = connections.preflight.slack.workspace_url
        self.worker = Worker(
            store=store,
            executor=executor,
            publisher=self._publisher(messenger, store, people, workspace_url),
            rush=self._rush,
            homes=home_tabs,
            take_over=timedelta(seconds=self._settings.upgrade_bot_take_over_seconds),
        )
        services = {
            "decisions": decisions,
            "executor": executor,
            "home_tabs": home_tabs,
            "messenger": messenger,
            "permission": permission,
            "rate_limit": rate_limit,
            **asking._asdict(),
        }
        return Dispatcher(
            services,
            tasks=self.tasks,
            people=people,
            decisions=decisions,
            rate_limit=rate_limit,
            messenger=messenger,
            worker=self.worker,
        )

    def _publisher(
        self, messenger: Messenger, store: Store, people: SlackPeople, workspace_url: str
    ) -> Publisher:
        return Publisher(
            messenger,
            store,
            workspace_url=workspace_url,
            portal=ENDPOINTS[self._settings.partner_center_cloud].portal,
            language=self._settings.upgrade_bot_language,
            locale_of=people.locale,
        )

    def _asking(
        self,
        store: Store,
        people: SlackPeople,
        permission: Permission,
        partner_center: PartnerCenter,
    ) -> Asking:
        policies = self._policies
        finder = Finder(
            store=store,
            partner_center=partner_center,
            directory=self.directory,
            people=people,
            permission=permission,
            policies=policies,
            new_id=new_id,
        )
        submitter = Submitter(
            store=store,
            permission=permission,
            policies=policies,
            prices=self._settings.upgrade_bot_prices,
            partner_id=self._settings.partner_center_tenant_id,
            new_id=new_id,
        )
        previewer = Previewer(
            finder=finder,
            submitter=submitter,
            permission=permission,
            store=store,
            partner_center=partner_center,
            new_id=new_id,
        )
        queries = Queries(
            store=store, people=people, permission=permission, policies=policies, finder=finder
        )
        return Asking(finder, submitter, previewer, queries)

    async def _listen(self, app: AsyncApp) -> str:
        """Take Slack's deliveries; returns how."""
        token, secret = self._settings.slack_app_token, self._settings.slack_signing_secret
        signed = None if token or not secret else (app, secret.get_secret_value())
        health = self.health
        self.http = HttpServer(
            self._settings.upgrade_bot_http, health.parts, health.measure, signed
        )
        try:
            await self.http.start()
        except OSError as error:
            what = f"cannot listen there ({error.strerror})"
            raise StartProblem([bad("UPGRADE_BOT_HTTP", what, "Take another port.")]) from error
        self._running.push_async_callback(self.http.stop)
        if not token:
            return "http"
        count = self._settings.upgrade_bot_sockets
        sockets = health.sockets = SocketMode(app, token.get_secret_value(), count)
        self._running.push_async_callback(sockets.close)
        await sockets.connect()
        return "socket"
