"""Acknowledge, read, run, answer: what every listener does, done once.

A listener that *decides* runs its handler first and acknowledges after the commit; one that
has to ask Microsoft acknowledges first and goes on in the background. Either way the person
who clicked gets exactly one visible answer, and no exception leaves a listener.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError
from slack_bolt.async_app import AsyncAck

from bot.domain.policy import Person
from bot.errors import PartnerCenterError, Reason, Refused, Unavailable
from bot.messages import action_ids, replies
from bot.messages.blocks import Message
from bot.messages.language import use_locale
from bot.requests.decide import Decisions
from bot.requests.decide_bundle import Bundles
from bot.requests.permission import People, Permission
from bot.requests.queries import Queries
from bot.requests.rate_limit import RateLimit
from bot.requests.submit import Submitter
from bot.requests.submit_table import TableSubmitter
from bot.slack.errors import SLACK_ERRORS, word_of
from bot.slack.home_tabs import HomeTabs
from bot.slack.publisher import Publisher
from bot.tasks import Tasks
from bot.telemetry import metrics
from bot.worker.executor import Executor
from bot.worker.worker import Worker
from handlers.payloads import Click, Command, HomeOpened, Search, Submission, Typing

log = structlog.get_logger()

Inbound = TypeVar("Inbound", Command, Click, Submission, Search)
Submitted = TypeVar("Submitted", Submission, Search)
Readable = TypeVar("Readable", Command, Click, Submission, Search, Typing, HomeOpened)
Answer = list[Message]
"""What only the person who clicked reads; empty where the card, or a form, is the answer."""

Listener = Callable[[AsyncAck, dict[str, Any]], Awaitable[None]]

FIELD_OF = {
    Reason.REASON_MISSING: action_ids.REASON,
    Reason.SEATS_OUT_OF_RANGE: action_ids.SEATS,
    Reason.EVIDENCE_MISSING: action_ids.EVIDENCE,
    Reason.EVIDENCE_NOT_A_LINK: action_ids.EVIDENCE,
    Reason.TABLE_UNREADABLE: action_ids.TABLE,
    Reason.TOO_MANY_ROWS: action_ids.TABLE,
    Reason.TOO_FAST: action_ids.TABLE,
}
"""Refusals that belong beside a field of the form, which then stays open. A table with more
customers than may be looked at now can be submitted as it is a minute later."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a handler works with."""

    people: People
    permission: Permission
    submitter: Submitter
    decisions: Decisions
    queries: Queries
    executor: Executor
    publisher: Publisher
    worker: Worker
    homes: HomeTabs
    bulk: TableSubmitter
    bundles: Bundles
    rate_limit: RateLimit


Handler = Callable[[Inbound, Desk], Awaitable[Answer]]
Suggest = Callable[[Typing, Desk], Awaitable[list[dict[str, object]]]]


class Dispatcher:
    """Makes Bolt listeners of handlers."""

    def __init__(self, desk: Desk, tasks: Tasks) -> None:
        self._desk = desk
        self._background = tasks

    def decides(self, inbound: type[Inbound], handle: Handler[Inbound]) -> Listener:
        """For a click: acknowledged after the handler has read and committed."""

        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            event = self._read(inbound, body)
            outcome = await self._outcome(handle, event) if event else []
            await ack()
            if event and isinstance(outcome, Exception):
                self._background.start(self._answer_once(event, outcome), "answering")
            elif event and outcome:  # the step was taken by this delivery and no other
                self._background.start(self._answer(event, outcome), "answering")

        return listener

    def looks_up(self, inbound: type[Inbound], handle: Handler[Inbound]) -> Listener:
        """For whatever takes time: acknowledged at once, answered when it is known."""

        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            if event := self._read(inbound, body):
                self._background.start(self._run(handle, event), "looking up")

        return listener

    def submits(self, handle: Handler[Submission]) -> Listener:
        """For a form: closed by the acknowledgement, or kept open with what is missing."""
        return self._submitted(Submission, handle)

    def submits_and_looks_up(self, check: Handler[Search], handle: Handler[Search]) -> Listener:
        """For a form whose answer takes time: closed or kept open by `check`, whose answer says
        that it goes on; `handle` does, and takes as many look-ups as it needs."""
        return self._submitted(Search, check, then=handle)

    def _submitted(
        self,
        inbound: type[Submitted],
        handle: Handler[Submitted],
        then: Handler[Submitted] | None = None,
    ) -> Listener:
        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            event = self._read(inbound, body)
            if event is None:
                await ack()
                return
            outcome = await self._outcome(handle, event)
            if isinstance(outcome, Refused) and outcome.reason in FIELD_OF:
                with use_locale(await self._language(event.actor.person)):
                    words = replies.refusal_text(outcome)
                await ack(response_action="errors", errors={FIELD_OF[outcome.reason]: words})
                return
            await ack()
            if then and not isinstance(outcome, Exception):
                self._background.start(self._go_on(then, event, outcome), "looking up")
            elif outcome:
                self._background.start(self._answer(event, outcome), "answering")

        return listener

    def suggests(self, handle: Suggest) -> Listener:
        """For letters that somebody types: acknowledged with what they may mean, or nothing."""

        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            options: list[dict[str, object]] = []
            if event := self._read(Typing, body):
                try:
                    options = await handle(event, self._desk)
                except Refused as refused:  # there is no place for words; submitting will say why
                    log.info("dispatch.refused", reason=refused.reason)
                except Exception as error:
                    log.error("dispatch.mistake", exc_info=error)
            await ack(options=options)

        return listener

    def hears(self, handle: Callable[[HomeOpened, Desk], Awaitable[None]]) -> Listener:
        """For an event that nobody waits for: acknowledged at once."""

        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            if event := self._read(HomeOpened, body):
                self._background.start(self._hear(handle, event), "hearing")

        return listener

    async def _hear(
        self, handle: Callable[[HomeOpened, Desk], Awaitable[None]], event: HomeOpened
    ) -> None:
        try:
            await handle(event, self._desk)
        except (Refused, Unavailable, *SLACK_ERRORS) as error:
            log.warning(
                "dispatch.not_shown", user=event.person.user_id, trouble=type(error).__name__
            )

    async def _run(self, handle: Handler[Inbound], event: Inbound) -> None:
        if not await self._is_new(event):
            return
        with use_locale(await self._language(event.actor.person)):
            outcome = await self._outcome(handle, event, at_pace=True)
        if outcome:
            await self._answer(event, outcome)

    async def _answer_once(
        self, event: Command | Click | Submission, outcome: Answer | Exception
    ) -> None:
        if await self._is_new(event):
            await self._answer(event, outcome)

    async def _go_on(self, handle: Handler[Submitted], event: Submitted, first: Answer) -> None:
        """What was said first, and then what takes time, for a form that was not answered yet."""
        if not await self._is_new(event):
            return
        await self._answer(event, first)
        with use_locale(await self._language(event.actor.person)):
            outcome = await self._outcome(handle, event)
        await self._answer(event, outcome)

    async def _language(self, person: Person) -> str:
        return await self._desk.people.locale(person)

    async def _is_new(self, event: Command | Click | Submission) -> bool:
        """Whether it was not, or is not just being, answered already."""
        try:
            return await self._desk.decisions.is_new(event.actor)
        except Unavailable:
            return True  # better told twice than not at all

    async def _outcome(
        self, handle: Handler[Inbound], event: Inbound, *, at_pace: bool = False
    ) -> Answer | Exception:
        try:
            if at_pace:
                self._desk.rate_limit.take(event.actor.person)
            return await handle(event, self._desk)
        except Exception as error:  # whatever it is, the person is told
            if isinstance(error, Refused):
                what = handle.__module__.rpartition(".")[2]
                noted = self._desk.decisions.note_refusal(error, what, event.actor)
                self._background.start(noted, "noting a refusal")
            return error

    def _explain(self, error: Exception) -> Answer:
        """The answer for a handler that did not end well."""
        if isinstance(error, Refused):
            log.info("dispatch.refused", reason=error.reason)
            metrics.REFUSALS.labels(error.reason.value).inc()
            if seen := error.about.get("request") or error.about.get("bundle"):
                id = getattr(seen, "bundle_id", "") or seen.id  # a row is shown by its bundle
                again = self._desk.worker.put(id)  # what the person saw may be old
                self._background.start(again, "showing again")
            return [replies.refusal(error)]
        if isinstance(error, PartnerCenterError):
            log.warning("dispatch.partner_center", trouble=str(error), code=error.code)
            return [replies.trouble_reply(error)]
        if isinstance(error, SLACK_ERRORS):
            log.warning("dispatch.slack", trouble=word_of(error))
            return [replies.slack_trouble()]
        if isinstance(error, Unavailable):
            log.warning("dispatch.no_database")
            return [replies.no_database()]
        reference = secrets.token_hex(4)
        log.error("dispatch.mistake", reference=reference, exc_info=error)
        return [replies.our_mistake(reference)]

    async def _answer(
        self, event: Command | Click | Submission, outcome: Answer | Exception
    ) -> None:
        """Tell the person, in their language, what they asked for or why it did not go well."""
        actor, publisher = event.actor, self._desk.publisher
        with use_locale(await self._language(actor.person)):
            answer = self._explain(outcome) if isinstance(outcome, Exception) else outcome
        try:
            await publisher.respond(event.response_url, actor.person, actor.channel_id, answer)
        except SLACK_ERRORS as error:
            log.error("dispatch.not_answered", user=actor.person.user_id, trouble=word_of(error))

    def _read(self, inbound: type[Readable], body: dict[str, Any]) -> Readable | None:
        """The payload, or None: then the person, as far as one can tell who it is, is told."""
        try:
            return inbound.model_validate(body)
        except ValidationError as error:
            reference = secrets.token_hex(4)
            kind, problems = body.get("type"), error.error_count()
            log.error("dispatch.unreadable", reference=reference, problems=problems, kind=kind)
            user = body.get("user")
            user_id = user.get("id") if isinstance(user, dict) else body.get("user_id")
            if isinstance(user_id, str):
                self._background.start(self._admit(Person("", user_id), reference), "answering")
            return None

    async def _admit(self, person: Person, reference: str) -> None:
        with use_locale(await self._language(person)):
            message = replies.our_mistake(reference)
        try:
            await self._desk.publisher.tell(person, "", message)
        except SLACK_ERRORS as error:
            log.error("dispatch.not_answered", user=person.user_id, trouble=word_of(error))
