"""The practice workspace as a whole: people, customers, and the real bot between them."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.app import Bot
from bot.config.settings import load
from bot.sandbox import generated
from bot.sandbox.partner_center import PartnerCenterServer, Records, records, transitions
from bot.sandbox.slack import SlackServer, Workspace
from bot.sandbox.traffic import Traffic

CHANNEL = "C0UPGRADES"
ALICE, BOB, CAROL = "U0ALICE", "U0BOB", "U0CAROL"

POLICY = """
[policy]
approvals = 1
approvers = ["S0APPROVERS"]
"""


class PracticeClock:
    """The time on this machine, which can be moved forward."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return self._now() + self._ahead

    @property
    def ahead(self) -> timedelta:
        """How far it was moved."""
        return self._ahead

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self._ahead += by


@dataclass(frozen=True)
class Size:
    """How many customers and people there are, at least; `seed` says which ones."""

    customers: int = 0
    people: int = 0
    seed: int = 1


class Practice:
    """Servers and bot. `start` it, `restart_bot` as often as you like, `stop` it."""

    def __init__(
        self, clock: PracticeClock, policy: str = POLICY, size: Size | None = None
    ) -> None:
        self.clock = clock
        self._policy = policy
        self._size = size or Size()
        self.bot: Bot | None = None
        self.is_running = False
        """Whether there is a bot that has started."""
        self.http_mode = False
        self.variables: dict[str, str] = {}
        """Further settings of the bot, from its next start on."""
        self.on_reset: list[Callable[[], None]] = []
        """Called when everything has begun anew, with other servers."""
        self._build()

    def _build(self) -> None:
        self.traffic = Traffic(self.clock)
        self.slack = SlackServer(workspace(self.clock), self.traffic)
        self.partner_center = PartnerCenterServer(customers(self.clock), traffic=self.traffic)
        add_new_commerce(self.partner_center)
        generated.fill(
            self.slack.workspace,
            self.partner_center,
            channel=CHANNEL,
            customers=self._size.customers,
            people=self._size.people,
            seed=self._size.seed,
        )
        self._folder = tempfile.TemporaryDirectory(prefix="upgrade-bot-practice-")
        self.folder = Path(self._folder.name)
        (self.folder / "policy.toml").write_text(self._policy, encoding="utf-8")

    async def start(self) -> None:
        """Start both servers; `start_bot` is a step of its own."""
        await self.slack.start()
        await self.partner_center.start()

    async def stop(self) -> None:
        """Stop everything and forget it."""
        await self.stop_bot()
        await self.slack.stop()
        await self.partner_center.stop()
        self._folder.cleanup()

    async def reset(self) -> None:
        """Everything as it was at the beginning, with a new bot; the time is now again."""
        url, take = self.slack.workspace.url, self.partner_center.transitions.take
        limits, a_minute = self.slack.api.limits, self.partner_center.a_minute
        await self.stop_bot(grace=0)
        await self.stop()
        self.clock.move(-self.clock.ahead)
        self._build()
        self.slack.workspace.url, self.partner_center.transitions.take = url, take
        self.slack.api.limits, self.partner_center.a_minute = limits, a_minute
        await self.start()
        for tell in self.on_reset:
            tell()
        await self.start_bot()

    async def pass_time(self, by: timedelta) -> None:
        """Move the clock, and let the bot do at once what has become due."""
        self.clock.move(by)
        if self.bot and self.is_running:
            await self.bot.worker.tick()

    async def start_bot(self) -> Bot:
        """Start the bot as `upgrade-bot run` does, from the same variables."""
        settings, policies = load(self.environment())
        self.bot = Bot(
            settings,
            policies,
            clock=self.clock,
            trust=self.partner_center.trust,
            retry_pause=0.02,
        )
        await self.bot.start()
        self.is_running = True
        if self.http_mode:
            self.slack.request_url = f"http://127.0.0.1:{self.bot.http.port}/slack/events"
        return self.bot

    async def stop_bot(self, grace: float = 5) -> None:
        """Stop the bot; with no grace it is as if it had crashed."""
        self.is_running = False
        if self.bot:
            bot, self.bot = self.bot, None
            await bot.stop(grace)

    def environment(self) -> dict[str, str]:
        """The variables that point a bot at this practice workspace."""
        slack, login = self.slack.workspace, self.partner_center.login
        mode = (
            {"SLACK_SIGNING_SECRET": slack.signing_secret}
            if self.http_mode
            else {"SLACK_APP_TOKEN": slack.app_token}
        )
        return {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_API_URL": self.slack.api_url,
            "PARTNER_CENTER_TENANT_ID": login.tenant_id,
            "PARTNER_CENTER_CLIENT_ID": login.client_id,
            "PARTNER_CENTER_CLIENT_SECRET": login.client_secret,
            "PARTNER_CENTER_REFRESH_TOKEN": login.consented,
            "PARTNER_CENTER_API_URL": self.partner_center.api_url,
            "PARTNER_CENTER_LOGIN_URL": self.partner_center.login_url,
            "UPGRADE_BOT_DATABASE_URL": f"sqlite:///{self.folder / 'upgrade-bot.db'}",
            "UPGRADE_BOT_POLICY": str(self.folder / "policy.toml"),
            "UPGRADE_BOT_HTTP": "127.0.0.1:0",
            **mode,
            **self.variables,
        }


def workspace(clock: PracticeClock) -> Workspace:
    """Two account managers and an approver, in one channel with the bot."""
    slack = Workspace(clock)
    slack.add_user(ALICE, "alice", "Alice Archer (account manager)")
    slack.add_user(BOB, "bob", "Bob Baker (account manager)")
    slack.add_user(CAROL, "carol", "Carol Clark (licence approver)")
    slack.add_group("S0APPROVERS", "license-approvers", {CAROL})
    slack.add_channel(CHANNEL, "upgrades", {ALICE, BOB, CAROL, slack.bot.id})
    return slack


def customers(clock: PracticeClock) -> Records:
    """The partner's customers: one for everything that can happen."""
    partner = Records(clock)
    contoso = partner.add_customer("Contoso", "contoso.onmicrosoft.com")
    partner.add_subscription(
        contoso, records.E1, 25, subscription_id="896a2862-67e2-4f3d-bb3f-c50c42b5fad8"
    )
    partner.add_subscription(contoso, records.PREMIUM, 3, status="suspended")
    partner.add_subscription(contoso, records.F1, 40)

    northwind = partner.add_customer("Northwind Traders", "northwind.example")
    partner.add_subscription(northwind, records.ESSENTIALS, 4)
    partner.license_errors[northwind] = [
        records.license_error(
            "Lee Gu", "lee@northwind.example", 60000, "The licence could not be moved."
        ),
        records.license_error(
            "Megan Bowen", "megan@northwind.example", 60002, "The user was not found."
        ),
    ]

    wingtip = partner.add_customer("Wingtip Toys", "wingtip.example")
    partner.add_subscription(wingtip, records.F1, 12)

    for domain in ("fabrikam.example", "fabrikam-emea.example"):
        fabrikam = partner.add_customer("Fabrikam", domain)
        conflicting = partner.add_subscription(fabrikam, records.E3, 110)
        partner.conflicts.add(conflicting)

    partner.add_customer("Tailspin", "tailspin.example")
    return partner


def add_new_commerce(server: PartnerCenterServer) -> None:
    """A customer of the new commerce, with a change that is scheduled for the renewal."""
    litware = server.records.add_customer("Litware", "litware.example")
    server.transitions.add_subscription(
        litware,
        transitions.BASIC,
        10,
        scheduledNextTermInstructions={
            "product": {"productId": "CFQ7TTC0LDPB", "skuId": "0001"},
            "quantity": 12,
        },
    )
    server.transitions.add_subscription(litware, transitions.STANDARD, 5, name="Head office")
