"""The list of all probes, in the order in which their findings are read."""

import asyncio
from collections.abc import Awaitable

from slack_sdk.web.async_client import AsyncWebClient

from bot.config.settings import Settings
from bot.domain.policy import PolicyBook
from bot.partner_center import Client, SignIn, Trace
from bot.preflight import approvers, database
from bot.preflight.diagnostics import Finding, good
from bot.preflight.microsoft import MicrosoftProbes
from bot.preflight.slack import SlackProbes
from bot.store import Store


class Preflight:
    """The probes, over the settings and whatever of the bot could be built. Without a `store` what
    is kept there is not looked at."""

    def __init__(
        self,
        settings: Settings,
        policies: PolicyBook,
        *,
        slack: AsyncWebClient,
        partner_center: Client,
        sign_in: SignIn,
        store: Store | None,
        correlation_id: str,
    ) -> None:
        self._settings = settings
        self._policies = policies
        self._slack_client = slack
        self._store = store
        self._microsoft = MicrosoftProbes(settings, partner_center, sign_in, Trace(correlation_id))
        self.slack = SlackProbes(settings, policies, slack)

    async def run(self, *, thoroughly: bool = False) -> list[Finding]:
        """Everything that was found. `thoroughly` also tries out the roles at Partner Center, which
        takes calls one after another. Calls of the probes that fail raise nothing."""
        microsoft = self._microsoft.partner_center(thoroughly=thoroughly)
        probes: list[Awaitable[list[Finding]]] = [
            database.while_it_answers(database.tables(self._store)),
            database.while_it_answers(database.secret_key(self._settings, self._store)),
            self.slack.bot_token(),
            self.slack.app_token(),
            self.slack.channels(),
            approvers.enough(self._policies, self._slack_client),
            database.while_it_answers(microsoft),  # the sign-in is kept there
        ]
        found = await asyncio.gather(*probes)
        everything = [
            good("settings", "all is set, and the policy is understood"),
            *(finding for part in found for finding in part),
        ]
        return list(dict.fromkeys(everything))  # Slack or the database in trouble is said once
