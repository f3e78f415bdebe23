"""Makes Slack show what the store says: the card of a request, its thread, and what the people of a
request are told in direct messages.

The card and its thread are projections of a request and its histories: however often `show` is
called, they end up showing the newest revision.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.domain.item import State, Step
from bot.domain.policy import Confirm, Person
from bot.domain.request import Request, RequestStep
from bot.messages import notices, thread
from bot.messages.blocks import Message
from bot.messages.card import card
from bot.messages.language import use_locale
from bot.messages.thread import Line
from bot.slack.errors import SLACK_ERRORS, word_of
from bot.slack.messenger import Messenger
from bot.store import PostedCard, Snapshot, Store, Turn, patiently
from bot.tasks import KeyedLock

log = structlog.get_logger()

UNSEEN = frozenset({Step.LOOK, Step.SEND, Step.FOLLOW_UP, Step.REMIND})
"""Steps of items that leave the card as it is."""

UNSEEN_OF_REQUEST = frozenset({RequestStep.SUM_UP, RequestStep.FOLLOW_UP})

BETWEEN_EDITS = timedelta(seconds=1)
"""Slack takes about an edit a second of one card."""


class _ShownByAnother(Exception):
    """Another bot has shown the request meanwhile: look again at what is to be shown."""


@dataclass(slots=True)
class _Progress:
    """How far a request is shown, how much of that is recorded, and its newest revision."""

    posted: PostedCard
    recorded: PostedCard | None
    newest: int


class Publisher:
    """Shows requests in their channels, over the messenger and the store."""

    def __init__(
        self,
        messenger: Messenger,
        store: Store,
        *,
        workspace_url: str,
        portal: str,
        language: str,
        locale_of: Callable[[Person], Awaitable[str]],
    ) -> None:
        """`workspace_url` is Slack's, for links to messages, `portal` Partner Center's page of a
        `{customer}`; `language` is that of the channels, `locale_of` tells that of a person."""
        self._messenger = messenger
        self._store = store
        self._workspace_url = workspace_url
        self._portal = portal
        self._language = language
        self._locale_of = locale_of
        self._showing = KeyedLock()
        self._edited_at: dict[str, datetime] = {}
        """When the card of a request that is being performed was edited last."""

    async def show(self, snapshot: Snapshot) -> int:
        """Make the card and its thread show this revision of the request; returns the newest one
        there is by then.

        Raises one of SLACK_ERRORS; what was shown until then is remembered, and the next call
        goes on there.
        """
        request_id = snapshot.request.id
        async with self._showing[request_id]:
            with suppress(_ShownByAnother):
                return await self._show(snapshot, edit_anyway=False)
            # What was just written to Slack can be older than what the other wrote.
            while True:
                snapshot = await self._store.requests.snapshot(request_id)
                with suppress(_ShownByAnother):
                    return await self._show(snapshot, edit_anyway=True)

    async def _show(self, snapshot: Snapshot, *, edit_anyway: bool) -> int:
        request = snapshot.request
        progress = await self._show_card(snapshot, edit_anyway=edit_anyway)
        if not request.is_running:
            self._edited_at.pop(request.id, None)
        for turn in snapshot.turns:
            if turn.revision > progress.posted.told_revision:
                await self._tell(request, turn, progress)
        await self._record(request.id, progress)
        return progress.newest

    async def _show_card(self, snapshot: Snapshot, *, edit_anyway: bool) -> _Progress:
        """Post the card, or edit it where it looks different; but items can settle faster than
        Slack takes edits, so while a run goes on an edit that follows another at once is left to
        the next."""
        request, posted = snapshot.request, snapshot.posted
        if posted and not edit_anyway:
            seen = [turn for turn in snapshot.turns if _is_seen(turn)]
            if not any(turn.revision > posted.card_revision for turn in seen):
                shown = posted._replace(card_revision=request.revision)
                return _Progress(shown, posted, request.revision)
            if self._was_just_edited(request, snapshot.now):
                return _Progress(posted, posted, request.revision)
        self._edited_at[request.id] = snapshot.now
        return await self._draw_card(request, posted)

    def _was_just_edited(self, request: Request, now: datetime) -> bool:
        last = self._edited_at.get(request.id) if request.is_running else None
        return last is not None and now < last + BETWEEN_EDITS

    async def _draw_card(self, request: Request, posted: PostedCard | None) -> _Progress:
        """Edit the card, or post it where there is none or it is gone."""
        with use_locale(self._language):
            message = card(request, self._portal)
        if posted and await self._messenger.edit(posted.channel_id, posted.ts, message):
            shown = posted._replace(card_revision=request.revision)
            return _Progress(shown, posted, request.revision)
        ts = await self._messenger.post(request.channel_id, message)
        told = posted.told_revision if posted else 0
        link = f"{self._workspace_url}archives/{request.channel_id}/p{ts.replace('.', '')}"
        anew = PostedCard(request.channel_id, ts, request.revision, told, link=link)
        progress = _Progress(anew, posted, request.revision)
        await self._record(request.id, progress, new=ts)
        return progress

    async def _tell(self, request: Request, turn: Turn, progress: _Progress) -> None:
        """Say in the thread what happened in a turn, and tell those whose move it is now."""
        posted = progress.posted
        try:
            ts = await self._say(request, turn, posted)
        except SLACK_ERRORS:
            await self._record(request.id, progress)
            raise
        progress.posted = posted._replace(told_revision=turn.revision, told_ts=ts)
        if ts:
            await self._record(request.id, progress, new=ts)
        if turn.revision == request.revision:
            await self._tell_their_turn(request, turn, posted.link)

    async def _record(self, request_id: str, progress: _Progress, new: str = "") -> None:
        """Remember what Slack shows now, if the database is away as soon as it is back. Where
        another bot showed something meanwhile, the `new` message is taken back, so that nobody is
        told twice. Raises _ShownByAnother."""
        before, now = progress.recorded, progress.posted
        if now == before:
            return
        record = self._store.cards.record
        newest = await patiently(lambda: record(request_id, before, now))
        if newest is None and await self._store.cards.get(request_id) == now:
            newest = now.card_revision  # it was ourselves: only the database's answer was lost
        if newest is None:
            log.info("publisher.shown_by_another", request=request_id)
            if new:
                await self._messenger.delete(now.channel_id, new)
            raise _ShownByAnother
        progress.recorded, progress.newest = now, newest

    async def _say(self, request: Request, turn: Turn, posted: PostedCard) -> str:
        """The lines of a turn, each after the file that belongs to it. Returns where the last one
        stands, empty where nothing is to be said."""
        ts = ""
        for line in self._lines(request, turn):
            message = line.message
            if line.file:
                word = await self._messenger.attach(posted.channel_id, posted.ts, line.file)
                if word:
                    with use_locale(self._language):
                        message = thread.without_its_file(line, word)
            ts = await self._messenger.post(posted.channel_id, message, posted.ts)
        return ts

    def _lines(self, request: Request, turn: Turn) -> list[Line]:
        steps = tuple((request.item(item_id), event) for item_id, event in turn.items)
        with use_locale(self._language):
            return thread.lines(request, steps, turn.event)

    async def _tell_their_turn(self, request: Request, turn: Turn, link: str) -> None:
        """A direct message to the requester who has to press *Upgrade now*, once."""
        ready = [
            item
            for item in request.those(State.APPROVED)
            if item.policy.confirm is not Confirm.APPROVER and item.votes.approvals
        ]
        became = any(event.state is State.APPROVED for _, event in turn.items)
        waits = request.is_running or request.those(State.AWAITING_APPROVAL)
        if not became or not ready or waits:
            return
        if await self._store.cards.is_first_told(request.id, request.revision):
            await self._tell_each([request.requester], lambda: notices.your_turn(request, link))

    async def tell_privately(self, request_id: str, word: str) -> None:
        """The channel cannot be written to, as Slack's error `word` says: tell the requester, and
        those who decided, in direct messages what happened last; each thing once. Of several items
        only when it begins and when everything is settled: a message an item would be too many."""
        request = await self._store.requests.get(request_id)
        seen = [t for t in await self._store.requests.history(request_id) if _is_seen(t)]
        told = seen[-1]
        is_told = request.is_single or request.is_settled
        if not await self._store.cards.is_first_told(request_id, told.revision if is_told else 1):
            return
        decided = (vote.by for item in request.items for vote in item.votes.approvals)

        def message() -> Message:
            steps = tuple((request.item(item_id), event) for item_id, event in told.items)
            lines = thread.lines(request, steps, told.event) if is_told else []
            return notices.not_posted(request, word, [line.message for line in lines])

        await self._tell_each(dict.fromkeys([request.requester, *decided]), message)

    async def _tell_each(self, people: Iterable[Person], write: Callable[[], Message]) -> None:
        """A direct message to each, in their language."""
        for person in people:
            with use_locale(await self._locale_of(person)):
                message = write()
            try:
                await self._messenger.post(person.user_id, message)
            except SLACK_ERRORS as error:  # the thread mentions them too
                log.warning("publisher.not_told", user=person.user_id, trouble=word_of(error))

    async def tell_not_shown(self, request: Request) -> None:
        """Tell the requester that something in the bot keeps it from showing their request.
        Raises one of SLACK_ERRORS."""
        with use_locale(await self._locale_of(request.requester)):
            message = notices.not_shown(request)
        await self._messenger.tell(request.requester, request.channel_id, message)


def _is_seen(turn: Turn) -> bool:
    """Whether the card looks different after it."""
    of_request = turn.event is not None and turn.event.step not in UNSEEN_OF_REQUEST
    return of_request or any(event.step not in UNSEEN for _, event in turn.items)
