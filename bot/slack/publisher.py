"""Makes Slack show what the store says, and tells people what only they should read.

The card and its thread are projections of a request, or a bundle of them, and its history: whoever
calls `show`, and whenever, they end up showing the newest version. The only module that writes to
Slack.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.domain.bundle import Bundle, BundleEvent, BundleStep, is_bundle
from bot.domain.policy import Confirm, Person
from bot.domain.upgrade import Event, State, Step, UpgradeRequest
from bot.messages import bundle as bundle_card
from bot.messages import bundle_thread, replies, thread
from bot.messages.blocks import Message
from bot.messages.card import card
from bot.messages.files import File
from bot.messages.language import use_locale
from bot.slack.errors import SLACK_ERRORS, word_of
from bot.store import PostedCard, Store, patiently
from bot.tasks import KeyedLock

log = structlog.get_logger()

RESPONSE_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""The card cannot be edited any more, so it is posted anew."""

UNSEEN = frozenset({Step.LOOK, Step.SEND, Step.FOLLOW_UP, Step.REMIND})
"""Steps that leave the card as it is."""

UNFIT_FOR_FILES = frozenset({"missing_scope", "not_allowed_token_type", "file_uploads_disabled"})
"""Slack's words for a workspace or a bot that cannot have files."""

BETWEEN_EDITS = timedelta(seconds=1)
"""Slack takes about an edit a second of one card."""

OPENED_ALREADY = frozenset({"exchanged_trigger_id", "trigger_exchanged"})


class _ShownByAnother(Exception):
    """Another bot has shown the request meanwhile: look again at what is to be shown."""


class Publisher:
    """Shows requests in their channels and answers people, over one Slack client."""

    def __init__(
        self,
        client: AsyncWebClient,
        store: Store,
        *,
        workspace_url: str,
        portal: str,
        language: str,
        locale_of: Callable[[Person], Awaitable[str]],
    ) -> None:
        """`workspace_url` is Slack's, for links to messages, `portal` Partner Center's page of a
        `{customer}`; `language` is that of the channels, `locale_of` tells that of a person."""
        self._client = client
        self._store = store
        self._workspace_url = workspace_url
        self._portal = portal
        self._language = language
        self._locale_of = locale_of
        self._showing = KeyedLock()
        self._edited_at: dict[str, datetime] = {}
        """When the card of a bundle that is being performed was edited last."""

    async def show(self, id: str) -> None:
        """Make the card and its thread show the newest version of the request or bundle. A row of
        a bundle is shown by its bundle.

        Raises one of SLACK_ERRORS; what was shown until then is remembered, and the next call
        goes on there.
        """
        show = self._show_bundle if is_bundle(id) else self._show
        async with self._showing[id]:
            with suppress(_ShownByAnother):
                return await show(id, edit_anyway=False)
            # What was just written to Slack can be older than what the other wrote.
            while True:
                with suppress(_ShownByAnother):
                    return await show(id, edit_anyway=True)

    async def _show(self, request_id: str, *, edit_anyway: bool) -> None:
        request = await self._store.request(request_id)
        if request.bundle_id:
            return
        shown = await self._store.shown(request_id)
        if shown is None or edit_anyway or await self._has_changed(request, shown):
            with use_locale(self._language):
                message = card(request, self._portal)
            shown = await self._show_card(request, message, shown)
        await self._tell_thread(request, shown)

    async def _show_bundle(self, bundle_id: str, *, edit_anyway: bool) -> None:
        bundle = await self._store.bundles.bundle(bundle_id)
        shown = await self._store.shown(bundle_id)
        since = await self._store.bundles.history(bundle_id, shown.card_version if shown else 0)
        has_changed = any(_is_seen(event) for _, event in since)
        later = has_changed and await self._was_just_edited(bundle)
        if shown is None or edit_anyway or (has_changed and not later):
            later = False
            with use_locale(self._language):
                message = bundle_card.card(bundle)
            shown = await self._show_card(bundle, message, shown)
            self._edited_at[bundle_id] = await self._store.now()
        if not bundle.is_running:
            self._edited_at.pop(bundle_id, None)
        for version, event in await self._store.bundles.history(bundle_id, shown.told_version):
            if version > bundle.version:
                return  # newer than the rows that were read: whoever made it will tell it
            posted = await self._tell_of_bundle(bundle, event, shown)
            upto = shown.card_version if later else bundle.version
            now = shown._replace(card_version=upto, told_version=version, told_ts=posted)
            shown = await self._record(bundle_id, shown, now, posted)
            if event.step is BundleStep.APPROVE and bundle.version == version:
                await self._tell_their_turn_all(bundle, shown)

    async def _tell_their_turn_all(self, bundle: Bundle, shown: PostedCard) -> None:
        """A direct message to the requester who has to press *Upgrade now* for all, once."""
        ready = bundle.those(State.APPROVED)
        theirs = [row for row in ready if row.policy.confirm is not Confirm.APPROVER]
        if not theirs or bundle.is_running or bundle.those(State.AWAITING_APPROVAL):
            return
        if await self._store.is_first_told(bundle.id, bundle.version):
            people = [bundle.requester]
            await self._tell_each(people, lambda: bundle_card.your_turn(bundle, shown.link))

    async def _tell_of_bundle(self, bundle: Bundle, event: BundleEvent, shown: PostedCard) -> str:
        """As `_tell`, of a bundle."""
        with use_locale(self._language):
            message = bundle_thread.line(bundle, event)
            file = bundle_thread.attachment(bundle, event)
        if message is None:
            return ""
        if file and (word := await self._attach(file, shown)):
            with use_locale(self._language):
                message = bundle_thread.without_its_file(message, event, word)
        return await self._post(shown.channel_id, message, thread_ts=shown.ts)

    async def _was_just_edited(self, bundle: Bundle) -> bool:
        """Whether the card will be edited again soon anyway: rows can settle faster than Slack
        takes edits, and the last of them ends the run."""
        last = self._edited_at.get(bundle.id) if bundle.is_running else None
        return last is not None and await self._store.now() < last + BETWEEN_EDITS

    async def _show_card(
        self, request: UpgradeRequest | Bundle, message: Message, shown: PostedCard | None
    ) -> PostedCard:
        if shown and await self._edit(shown, message):
            return await self._record(
                request.id, shown, shown._replace(card_version=request.version)
            )
        ts = await self._post(request.channel_id, message)
        told = shown.told_version if shown else 0
        link = f"{self._workspace_url}archives/{request.channel_id}/p{ts.replace('.', '')}"
        new = PostedCard(request.channel_id, ts, request.version, told, link=link)
        return await self._record(request.id, shown, new, posted=ts)

    async def _record(
        self, request_id: str, before: PostedCard | None, shown: PostedCard, posted: str = ""
    ) -> PostedCard:
        """Remember what Slack shows now, if the database is away as soon as it is back. Where
        another bot showed something meanwhile, what was `posted` is taken back, so that nobody
        is told twice. Raises _ShownByAnother."""
        if await patiently(lambda: self._store.record_shown(request_id, before, shown)):
            return shown
        if await self._store.shown(request_id) == shown:
            return shown  # it was ourselves, and only the answer of the database was lost
        log.info("publisher.shown_by_another", request=request_id)
        if posted:
            await self._client.chat_delete(channel=shown.channel_id, ts=posted)
        raise _ShownByAnother

    async def _has_changed(self, request: UpgradeRequest, shown: PostedCard) -> bool:
        """Whether anything happened since that the card shows; another look at it is nothing."""
        since = await self._store.history(request.id, after=shown.card_version)
        return any(event.step not in UNSEEN for _, event in since)

    async def _tell_thread(self, request: UpgradeRequest, shown: PostedCard) -> None:
        for version, event in await self._store.history(request.id, after=shown.told_version):
            if version > request.version:
                return  # newer than the card: whoever made it will show it
            posted = await self._tell(request, event, shown)
            now = shown._replace(card_version=request.version, told_version=version, told_ts=posted)
            shown = await self._record(request.id, shown, now, posted)
            if event.state is State.APPROVED and request.version == version:
                await self._tell_their_turn(request, shown)

    async def _tell(self, request: UpgradeRequest, event: Event, shown: PostedCard) -> str:
        """The line of a step, after the file that belongs to it. Returns where it stands, empty
        where nothing is to be said."""
        with use_locale(self._language):
            message = thread.line(request, event)
            file = thread.attachment(request, event)
        if message is None:
            return ""
        if file and (word := await self._attach(file, shown)):
            with use_locale(self._language):
                message = thread.without_its_file(message, word)
        return await self._post(shown.channel_id, message, thread_ts=shown.ts)

    async def _attach(self, file: File, shown: PostedCard) -> str:
        """Put a file into the thread. Returns Slack's word for why it never will be there, empty
        when it is; raises one of SLACK_ERRORS for trouble that passes."""
        try:
            await self._client.files_upload_v2(
                channel=shown.channel_id,
                thread_ts=shown.ts,
                filename=file.name,
                title=file.title,
                content=file.content,
            )
        except SlackApiError as error:
            word = word_of(error)
            if word not in UNFIT_FOR_FILES:
                raise
            log.warning("publisher.not_attached", trouble=word)
            return word
        return ""

    async def _tell_their_turn(self, request: UpgradeRequest, shown: PostedCard) -> None:
        """A direct message to the requester who has to press *Upgrade now*, once."""
        if request.policy.confirm is Confirm.APPROVER or not request.approvals:
            return
        if not await self._store.is_first_told(request.id, request.version):
            return
        with use_locale(await self._locale_of(request.requester)):
            message = replies.your_turn(request, shown.link)
        try:
            await self._post(request.requester.user_id, message)
        except SLACK_ERRORS as error:  # the thread mentions them too
            log.info("publisher.not_told", request=request.id, trouble=word_of(error))

    async def _post(self, channel: str, message: Message, **more: Any) -> str:
        answer = await self._client.chat_postMessage(
            channel=channel,
            text=message.text,
            blocks=message.blocks,
            unfurl_links=False,
            unfurl_media=False,
            **more,
        )
        return str(answer["ts"])

    async def _edit(self, shown: PostedCard, message: Message) -> bool:
        """Whether the card could be edited; False when it is gone."""
        try:
            await self._client.chat_update(
                channel=shown.channel_id, ts=shown.ts, text=message.text, blocks=message.blocks
            )
        except SlackApiError as error:
            if word_of(error) in GONE:
                return False
            raise
        return True

    async def open_form(self, trigger_id: str, form: dict[str, Any]) -> None:
        """Open a form for whoever just clicked; the trigger lasts 3 seconds, for one form.

        A click that is delivered again finds its form open already. Raises one of SLACK_ERRORS.
        """
        try:
            await self._client.views_open(trigger_id=trigger_id, view=form)
        except SlackApiError as error:
            if word_of(error) not in OPENED_ALREADY:
                raise

    async def tell(self, person: Person, channel_id: str, message: Message) -> None:
        """Tell one person something, in the channel if they and the bot are there, else in a
        direct message. Raises one of SLACK_ERRORS when neither works."""
        if not channel_id:
            await self._post(person.user_id, message)
            return
        try:
            await self._client.chat_postEphemeral(
                channel=channel_id, user=person.user_id, text=message.text, blocks=message.blocks
            )
        except SLACK_ERRORS as error:
            log.info("publisher.direct_message_instead", trouble=word_of(error))
            await self._post(person.user_id, message)

    async def tell_privately(self, request_id: str, word: str) -> None:
        """The channel cannot be written to, as Slack's error `word` says: tell the requester, and
        those who decided, in direct messages what happened last; each thing once."""
        if is_bundle(request_id):
            await self._tell_bundle_privately(request_id, word)
            return
        request = await self._store.request(request_id)
        history = await self._store.history(request_id)
        version, event = [each for each in history if each[1].step not in UNSEEN][-1]
        if not await self._store.is_first_told(request_id, version):
            return
        decided = [approval.by for approval in request.approvals]
        people = dict.fromkeys([request.requester, *decided])
        await self._tell_each(
            people, lambda: replies.not_posted(request, word, thread.line(request, event))
        )

    async def _tell_bundle_privately(self, bundle_id: str, word: str) -> None:
        """When it begins and when everything is settled: a message a row would be too many."""
        bundle = await self._store.bundles.bundle(bundle_id)
        version, event = (await self._store.bundles.history(bundle_id))[-1]
        once = version if bundle.is_settled else 1
        if not await self._store.is_first_told(bundle_id, once):
            return

        def message() -> Message:
            told = bundle_thread.line(bundle, event) if bundle.is_settled else None
            return bundle_card.not_posted(bundle, word, told)

        decided = [approval.by for row in bundle.rows for approval in row.approvals]
        await self._tell_each(dict.fromkeys([bundle.requester, *decided]), message)

    async def _tell_each(self, people: Iterable[Person], say: Callable[[], Message]) -> None:
        """A direct message to each, in their language."""
        for person in people:
            with use_locale(await self._locale_of(person)):
                message = say()
            try:
                await self._post(person.user_id, message)
            except SLACK_ERRORS as error:
                log.warning("publisher.not_told", user=person.user_id, trouble=word_of(error))

    async def tell_not_shown(self, request_id: str) -> None:
        """Tell the requester that something in the bot keeps it from showing their request.
        Raises one of SLACK_ERRORS."""
        thing: UpgradeRequest | Bundle
        if is_bundle(request_id):
            thing = await self._store.bundles.bundle(request_id)
        else:
            thing = await self._store.request(request_id)
        with use_locale(await self._locale_of(thing.requester)):
            words = (
                bundle_card.not_shown(thing)
                if isinstance(thing, Bundle)
                else replies.not_shown(thing)
            )
        await self.tell(thing.requester, thing.channel_id, words)

    async def publish_home(self, person: Person, view: dict[str, Any]) -> None:
        """Show somebody their Home. Raises one of SLACK_ERRORS."""
        await self._client.views_publish(user_id=person.user_id, view=view)

    async def respond(
        self, response_url: str, person: Person, channel_id: str, messages: list[Message]
    ) -> str:
        """Answer a command, a click or a form, for the eyes of that person only.

        Through the payload's response URL, if it has one, which works where the bot is no member;
        once that fails (it can be used five times), as `tell` does. Returns the URL, or nothing
        when it does not work any more. Raises one of SLACK_ERRORS.
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


def _is_seen(event: BundleEvent) -> bool:
    """Whether the card of a bundle looks different after it."""
    if event.of:
        return event.of.step not in UNSEEN
    return event.step not in (BundleStep.REMIND, BundleStep.SUM_UP)
