"""Sends what people read to Slack: messages, edits, files, forms, Homes and private answers. The
only module that writes there."""

from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.domain.policy import Person
from bot.messages.blocks import Message
from bot.messages.files import File
from bot.slack.errors import SLACK_ERRORS, word_of

log = structlog.get_logger()

RESPONSE_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""The message cannot be edited any more."""

UNFIT_FOR_FILES = frozenset({"missing_scope", "not_allowed_token_type", "file_uploads_disabled"})
"""Slack's words for a workspace or a bot that cannot have files."""

OPENED_ALREADY = frozenset({"exchanged_trigger_id", "trigger_exchanged"})


class Messenger:
    """Slack's side of every message, over one client. Every method raises one of SLACK_ERRORS for
    trouble that may pass."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def post(self, channel: str, message: Message, thread_ts: str = "") -> str:
        """Post to a channel, a thread, or a person; returns the message's `ts`."""
        answer = await self._client.chat_postMessage(
            channel=channel,
            text=message.text,
            blocks=message.blocks,
            unfurl_links=False,
            unfurl_media=False,
            thread_ts=thread_ts or None,
        )
        return str(answer["ts"])

    async def edit(self, channel: str, ts: str, message: Message) -> bool:
        """Whether the message could be edited; False when it is gone."""
        try:
            await self._client.chat_update(
                channel=channel, ts=ts, text=message.text, blocks=message.blocks
            )
        except SlackApiError as error:
            if word_of(error) in GONE:
                return False
            raise
        return True

    async def delete(self, channel: str, ts: str) -> None:
        """Delete a message of the bot."""
        await self._client.chat_delete(channel=channel, ts=ts)

    async def attach(self, channel: str, thread_ts: str, file: File) -> str:
        """Put a file into a thread. Returns Slack's word for why it never will be there, empty when
        it is."""
        try:
            await self._client.files_upload_v2(
                channel=channel,
                thread_ts=thread_ts,
                filename=file.name,
                title=file.title,
                content=file.content,
            )
        except SlackApiError as error:
            word = word_of(error)
            if word not in UNFIT_FOR_FILES:
                raise
            log.warning("messenger.not_attached", trouble=word)
            return word
        return ""

    async def open_form(self, trigger_id: str, form: dict[str, Any]) -> None:
        """Open a form for the person who just clicked; the trigger lasts 3 seconds, for one form. A
        click that is delivered again finds its form open already."""
        try:
            await self._client.views_open(trigger_id=trigger_id, view=form)
        except SlackApiError as error:
            if word_of(error) not in OPENED_ALREADY:
                raise

    async def publish_home(self, person: Person, view: dict[str, Any]) -> None:
        """Show a person their Home."""
        await self._client.views_publish(user_id=person.user_id, view=view)

    async def tell(self, person: Person, channel_id: str, message: Message) -> None:
        """Tell one person something, in the channel if they and the bot are there, else in a direct
        message."""
        if not channel_id:
            await self.post(person.user_id, message)
            return
        try:
            await self._client.chat_postEphemeral(
                channel=channel_id, user=person.user_id, text=message.text, blocks=message.blocks
            )
        except SLACK_ERRORS as error:
            log.info("messenger.direct_message_instead", trouble=word_of(error))
            await self.post(person.user_id, message)

    async def respond(
        self, response_url: str, person: Person, channel_id: str, messages: list[Message]
    ) -> str:
        """Answer a command, a click or a form, for the eyes of that person only.

        Through the payload's response URL, if it has one, which works where the bot is no member;
        once that fails (it can be used five times), as `tell` does. Returns the URL, or nothing
        when it does not work any more.
        """
        for message in messages:
            if not response_url or not await self._respond(response_url, message):
                response_url = ""
                await self.tell(person, channel_id, message)
        return response_url

    async def _respond(self, response_url: str, message: Message) -> bool:
        if not self._is_slack(response_url):
            return False
        webhook = AsyncWebhookClient(
            response_url, session=self._client.session, timeout=10, retry_handlers=[]
        )
        try:
            answer = await webhook.send(
                text=message.text,
                blocks=message.blocks,
                response_type="ephemeral",
                replace_original=False,
            )
        except (aiohttp.ClientError, TimeoutError):
            return False
        return answer.status_code == 200

    def _is_slack(self, url: str) -> bool:
        """Nothing is sent to an address that only pretends to be Slack's. Next to a Slack on
        loopback, loopback is Slack."""
        host, scheme = urlsplit(url).hostname, urlsplit(url).scheme
        api = urlsplit(self._client.base_url).hostname
        if api in LOOPBACK:
            return host in LOOPBACK
        return scheme == "https" and host in (RESPONSE_HOSTS | {api})
