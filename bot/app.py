"""The composition root: builds everything, knows everything, and is known by nothing but the
command line and the tests."""

import asyncio
import logging
import ssl
import uuid
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

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
from bot.requests.decide_bundle import Bundles
from bot.requests.permission import Permission
from bot.requests.queries import Queries
from bot.requests.rate_limit import RateLimit
from bot.requests.submit import Submitter
from bot.requests.submit_table import TableSubmitter
from bot.server.health import Health
from bot.server.http import HttpServer
from bot.slack.bolt_app import BoltApp, OneWorkspace
from bot.slack.errors import no_redirects
from bot.slack.home_tabs import HomeTabs
from bot.slack.people import SlackPeople
from bot.slack.publisher import Publisher
from bot.slack.socket_mode import SocketMode
from bot.store import Store
from bot.store.vault import SealedVault
from bot.tasks import Rush, Tasks
from bot.telemetry import metrics
from bot.worker.conductor import Conductor
from bot.worker.executor import Executor
from bot.worker.maintenance import Maintenance
from bot.worker.worker import Worker
from handlers import Desk, Dispatcher, register

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


class Bot:
    """The whole bot, from settings. `start` it, `stop` it; it cannot be started twice.

    The database's clock decides what is late, and the machine's how long something is remembered;
    `clock` replaces both. `trust` is for servers whose certificate the machine does not know.
    """

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
        self._sockets: SocketMode | None = None
        self._closing: list[Callable[[], object]] = []
        self._slack: AsyncWebClient
        self._workspace_url = ""
        self.maintenance: Maintenance
        self.health: Health | None = None
        self.web: HttpServer | None = None
        self.worker: Worker | None = None
        self.directory: Directory | None = None
        self.store: Store | None = None

    async def start(self) -> None:
        """Check everything, settle what was in flight, and take work. Raises StartProblem."""
        try:
            await self._start()
        except BaseException:
            await self.stop(grace=0)
            raise

    async def _start(self) -> None:
        desk, slack, sign_in, team_id = await self._prepare()
        assert self.store  # noqa: S101 - opened by `_prepare`
        health = self.health = Health(self.store, sign_in)
        self.worker = desk.worker
        if self.directory:
            self.directory.start()
        app = self._bolt(slack, team_id)
        register(app, Dispatcher(desk, self.tasks))
        await desk.worker.start()
        await self._note_the_start()
        self._keep_doing(sign_in.keep_alive_for_ever(), "keeping signed in")
        self._keep_doing(self.maintenance.for_ever(), "upkeep")
        await self._listen(app, health)
        health.accepting = True
        log.info("bot.ready", mode="socket" if self._sockets else "http", port=self._port)

    def _keep_doing(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Until the bot stops."""
        self._closing.append(asyncio.create_task(work, name=name).cancel)

    async def _note_the_start(self) -> None:
        """The audit trail says which version started, for which workspace, and under which policy
        wherever that is another than before."""
        assert self.store  # noqa: S101 - opened by `_prepare`
        trail, policy = self.store.trail, POLICIES.dump_python(self._policies, mode="json")
        before = await trail.newest("policy")
        if before is None or before["policy"] != policy:
            await trail.note("policy", {"policy": policy})
        facts = {"version": version("upgrade-bot"), "workspace_url": self._workspace_url}
        await trail.note("started", facts)

    async def check(self) -> list[Finding]:
        """What every probe finds; nothing is begun, and older tables stay as they are."""
        try:
            broken: list[Finding] = []
            try:
                self.store = await self._open_store(only_if_new=True)
            except StartProblem as problem:
                broken = problem.findings
            _, preflight, _ = await self._connect(self.store)
            return [*broken, *await preflight.run(thoroughly=True)]
        finally:
            await self.stop(grace=0)

    async def explain(self, which: str) -> list[str]:
        """The lines that say who could approve a request, named by its id or by the link of its
        card. Raises StartProblem.
        """
        try:
            desk, slack, _, team_id = await self._prepare()
            assert self.store  # noqa: S101 - just prepared
            people = SlackPeople(slack, team_id, self._clock)
            return await explain(which, self.store, desk.decisions, people)
        except AWAY as error:
            raise StartProblem([GONE]) from error
        finally:
            await self.stop(grace=0)

    async def _prepare(self) -> tuple[Desk, AsyncWebClient, SignIn, str]:
        store = self.store = await self._open_store()
        client, preflight, sign_in = await self._connect(store)
        findings = await preflight.run()
        for finding in findings:
            if finding.mark is Mark.WARNING:
                log.warning("bot.preflight", name=finding.name, what=finding.what, fix=finding.fix)
        if wrong := [finding for finding in findings if finding.mark is Mark.BAD]:
            raise StartProblem(wrong)
        team_id, self._workspace_url = preflight.slack.team_id, preflight.slack.workspace_url
        days = self._settings.upgrade_bot_people_days
        self.maintenance = Maintenance(store, timedelta(days=days) if days else None)
        desk = self._desk(self._slack, PartnerCenter(client), store, team_id)
        return desk, self._slack, sign_in, team_id

    async def _connect(self, store: Store | None) -> tuple[Client, Preflight, SignIn]:
        """Clients of Slack and Partner Center, and the probes over them."""
        self._slack = self._slack_client(await self._session())
        client, sign_in = self._partner_center(store)
        preflight = Preflight(
            self._settings,
            self._policies,
            slack=self._slack,
            partner_center=client,
            sign_in=sign_in,
            store=store,
            correlation_id=new_id(),
        )
        return client, preflight, sign_in

    async def _open_store(self, *, only_if_new: bool = False) -> Store:
        url = self._settings.upgrade_bot_database_url.get_secret_value()
        store = await open_store(url, self._given_clock, only_if_new=only_if_new)
        self._closing.append(store.close)
        return store

    async def stop(self, grace: float = GRACE) -> None:
        """Take no more work, give what is running `grace` seconds, close everything."""
        if self.health:
            self.health.accepting = False
        if self.directory:
            self.directory.stop()
        if self._sockets:
            await self._sockets.close()
        if self.web:
            await self.web.stop()
        draining = [self.tasks.drain(grace)]
        if self.worker:
            draining.append(self.worker.stop(grace))
        await asyncio.gather(*draining)
        for close in reversed(self._closing):
            ended = close()
            if asyncio.iscoroutine(ended):
                await ended
        self._closing.clear()

    async def quiet(self) -> None:
        """Wait until nothing is left that was begun; a bot of a shared database never knows."""
        if self.store and not self.store.is_shared:
            await self.store.queue.quiet()
        await self.tasks.quiet()

    @property
    def _port(self) -> int:
        return self.web.port if self.web else 0

    async def _session(self) -> aiohttp.ClientSession:
        traces = [metrics.slack_calls(), no_redirects()]
        session = aiohttp.ClientSession(trace_configs=traces)
        self._closing.append(session.close)
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

    def _partner_center(self, store: Store | None) -> tuple[Client, SignIn]:
        settings = self._settings
        trust = self._trust or ssl.create_default_context()  # the machine's, as for Slack
        blocking = httpx.Client(verify=trust, timeout=10)
        http = httpx.AsyncClient(verify=trust)
        self._closing += [blocking.close, http.aclose]
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

    def _desk(
        self,
        slack: AsyncWebClient,
        partner_center: PartnerCenter,
        store: Store,
        team_id: str,
    ) -> Desk:
        self.directory = Directory(partner_center.customers, new_id)
        people = SlackPeople(slack, team_id, self._clock)
        publisher = Publisher(
            slack,
            store,
            workspace_url=self._workspace_url,
            portal=ENDPOINTS[self._settings.partner_center_cloud].portal,
            language=self._settings.upgrade_bot_language,
            locale_of=people.locale,
        )
        executor = Executor(
            store=store,
            partner_center=partner_center,
            policies=self._policies,
        )
        permission = Permission(people, self._policies)
        submitter = Submitter(
            store=store,
            partner_center=partner_center,
            directory=self.directory,
            people=people,
            permission=permission,
            policies=self._policies,
            prices=self._settings.upgrade_bot_prices,
            new_id=new_id,
        )
        decisions = Decisions(store, people, permission)
        queries = Queries(
            store=store,
            people=people,
            permission=permission,
            policies=self._policies,
            submitter=submitter,
        )
        bulk = TableSubmitter(
            submitter=submitter,
            permission=permission,
            store=store,
            partner_center=partner_center,
            people=people,
            policies=self._policies,
            new_id=new_id,
        )
        homes = HomeTabs(store, queries.home, people.locale, publisher, self.tasks)
        worker = Worker(
            store=store,
            executor=executor,
            conductor=Conductor(store),
            publisher=publisher,
            rush=self._rush,
            homes=homes,
            take_over=timedelta(seconds=self._settings.upgrade_bot_take_over_seconds),
        )
        return Desk(
            people=people,
            permission=permission,
            submitter=submitter,
            decisions=decisions,
            queries=queries,
            executor=executor,
            publisher=publisher,
            worker=worker,
            homes=homes,
            bulk=bulk,
            bundles=Bundles(permission, store),
            rate_limit=RateLimit(self._clock),
        )

    def _bolt(self, slack: AsyncWebClient, team_id: str) -> AsyncApp:
        """Bolt; its own logger would write whole payloads of people at level INFO."""
        quiet = logging.getLogger("slack_bolt")
        quiet.setLevel(logging.ERROR)
        secret = self._settings.slack_signing_secret
        return BoltApp(
            rush=self._rush,
            name="upgrade-bot",  # Bolt would read the source of half the program to find one
            client=AsyncWebClient(
                base_url=slack.base_url, session=slack.session, timeout=10, retry_handlers=[]
            ),
            signing_secret=secret.get_secret_value() if secret else "",
            authorize=OneWorkspace(team_id, slack.token or ""),
            process_before_response=True,
            request_verification_enabled=False,  # `Web` has, and sockets need none
            ssl_check_enabled=False,  # `Web` answers it
            ignoring_self_events_enabled=False,  # the bot is subscribed to none of its own
            attaching_function_token_enabled=False,  # it is no step of a workflow
            logger=quiet,
        )

    async def _listen(self, app: AsyncApp, health: Health) -> None:
        token, secret = self._settings.slack_app_token, self._settings.slack_signing_secret
        signed = None if token or not secret else (app, secret.get_secret_value())
        self.web = HttpServer(self._settings.upgrade_bot_http, health.parts, health.measure, signed)
        try:
            await self.web.start()
        except OSError as error:
            what = f"cannot listen there ({error.strerror})"
            raise StartProblem([bad("UPGRADE_BOT_HTTP", what, "Take another port.")]) from error
        if token:
            count = self._settings.upgrade_bot_sockets
            self._sockets = health.sockets = SocketMode(app, token.get_secret_value(), count)
            await self._sockets.connect()
