"""Acknowledge, read, run, answer: what every listener does, done once.

A listener that *decides* runs its handler first and acknowledges after the commit; one that
has to ask Microsoft acknowledges first and goes on in the background. Either way the person
who clicked gets exactly one visible answer, and no exception leaves a listener.
"""

import inspect
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError
from slack_bolt.async_app import AsyncAck

from bot.domain.policy import Person
from bot.domain.refusals import RefusedStep
from bot.errors import PartnerCenterError, Reason, Refused, Unavailable
from bot.messages import action_ids, refusals, trouble
from bot.messages.blocks import Message
from bot.messages.language import use_locale
from bot.requests.decide import Decisions
from bot.requests.permission import People
from bot.requests.rate_limit import RateLimit
from bot.slack.errors import SLACK_ERRORS, word_of
from bot.slack.messenger import Messenger
from bot.tasks import Tasks
from bot.telemetry import metrics
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

Handler = Callable[..., Awaitable[Answer]]
"""Takes the payload, and by their names the services that it works with."""


class Dispatcher:
    """Makes Bolt listeners of handlers, which get the `services` that they name as arguments.

    `tried` is the word for it in the audit trail where a person is refused.
    """

    def __init__(
        self,
        services: Mapping[str, object],
        *,
        tasks: Tasks,
        people: People,
        decisions: Decisions,
        rate_limit: RateLimit,
        messenger: Messenger,
        worker: Worker,
    ) -> None:
        self._services = services
        self._tasks = tasks
        self._people = people
        self._decisions = decisions
        self._rate_limit = rate_limit
        self._messenger = messenger
        self._worker = worker

    def decides(self, tried: str, inbound: type[Inbound], handler: Handler) -> Listener:
        """For a click: acknowledged after the handler has read and committed."""
        handle = self._bound(handler)

        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            event = self._read(inbound, body)
            outcome = await self._outcome(handle, tried, event) if event else []
            await ack()
            if event and isinstance(outcome, Exception):
                self._tasks.start(self._answer_once(event, outcome), "answering")
            elif event and outcome:  # the step was taken by this delivery and no other
                self._tasks.start(self._answer_in_their_language(event, outcome), "answering")

        return listener

    def looks_up(self, tried: str, inbound: type[Inbound], handler: Handler) -> Listener:
        """For what takes time: acknowledged at once, answered when it is known."""
        handle = self._bound(handler)

        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            if event := self._read(inbound, body):
                self._tasks.start(self._run(handle, tried, event), "looking up")

        return listener

    def submits(self, tried: str, handler: Handler) -> Listener:
        """For a form: closed by the acknowledgement, or kept open with what is missing."""
        return self._submitted(tried, Submission, handler)

    def submits_and_looks_up(self, tried: str, check: Handler, handler: Handler) -> Listener:
        """For a form whose answer takes time: closed or kept open by `check`, whose answer says
        that it goes on; `handler` does, and takes as many look-ups as it needs."""
        return self._submitted(tried, Search, check, then=handler)

    def _submitted(
        self,
        tried: str,
        inbound: type[Submitted],
        handler: Handler,
        then: Handler | None = None,
    ) -> Listener:
        handle = self._bound(handler)
        go_on = self._bound(then) if then else None

        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            event = self._read(inbound, body)
            if event is None:
                await ack()
                return
            outcome = await self._outcome(handle, tried, event)
            if isinstance(outcome, Refused) and outcome.reason in FIELD_OF:
                with use_locale(await self._people.locale(event.actor.person)):
                    words = refusals.refusal_text(outcome)
                await ack(response_action="errors", errors={FIELD_OF[outcome.reason]: words})
                return
            await ack()
            if go_on and not isinstance(outcome, Exception):
                self._tasks.start(self._go_on(go_on, tried, event, outcome), "looking up")
            elif outcome:
                self._tasks.start(self._answer_in_their_language(event, outcome), "answering")

        return listener

    def suggests(self, handler: Callable[..., Awaitable[list[dict[str, object]]]]) -> Listener:
        """For letters that a person types: acknowledged with what they may mean, or nothing."""
        handle = self._bound(handler)

        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            options: list[dict[str, object]] = []
            if event := self._read(Typing, body):
                try:
                    options = await handle(event)
                except Refused as refused:  # there is no place for words; submitting will say why
                    log.info("dispatch.refused", reason=refused.reason)
                except Exception as error:
                    log.error("dispatch.mistake", exc_info=error)
            await ack(options=options)

        return listener

    def hears(self, handler: Callable[..., Awaitable[None]]) -> Listener:
        """For an event that nobody waits for: acknowledged at once."""
        handle = self._bound(handler)

        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            if event := self._read(HomeOpened, body):
                self._tasks.start(self._hear(handle, event), "hearing")

        return listener

    def _bound(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """A handler with the services that it names."""
        _, *names = inspect.signature(handler).parameters
        return partial(handler, **{name: self._services[name] for name in names})

    async def _hear(
        self, handle: Callable[[HomeOpened], Awaitable[None]], event: HomeOpened
    ) -> None:
        try:
            await handle(event)
        except (Refused, Unavailable, *SLACK_ERRORS) as error:
            trouble = type(error).__name__
            log.warning("dispatch.not_shown", user=event.person.user_id, trouble=trouble)

    async def _run(self, handle: Handler, tried: str, event: Inbound) -> None:
        if not await self._is_new(event):
            return
        with use_locale(await self._people.locale(event.actor.person)):
            if outcome := await self._outcome(handle, tried, event, is_limited=True):
                await self._answer(event, outcome)

    async def _answer_once(
        self, event: Command | Click | Submission, outcome: Answer | Exception
    ) -> None:
        if await self._is_new(event):
            await self._answer_in_their_language(event, outcome)

    async def _go_on(self, handle: Handler, tried: str, event: Submitted, first: Answer) -> None:
        """What was said first, and then what takes time, for a form that was not answered yet."""
        if not await self._is_new(event):
            return
        with use_locale(await self._people.locale(event.actor.person)):
            await self._answer(event, first)
            outcome = await self._outcome(handle, tried, event)
            await self._answer(event, outcome)

    async def _is_new(self, event: Command | Click | Submission) -> bool:
        """Whether it was not, or is not just being, answered already."""
        try:
            return await self._decisions.is_new(event.actor)
        except Unavailable:
            return True  # better told twice than not at all

    async def _outcome(
        self, handle: Handler, tried: str, event: Inbound, *, is_limited: bool = False
    ) -> Answer | Exception:
        try:
            if is_limited:
                self._rate_limit.take(event.actor.person)
            return await handle(event)
        except Exception as error:  # whatever it is, the person is told
            if isinstance(error, Refused):
                noted = self._decisions.note_refusal(error, tried, event.actor)
                self._tasks.start(noted, "noting a refusal")
            return error

    def _explain(self, error: Exception) -> Answer:
        """The answer for a handler that did not end well."""
        if isinstance(error, Refused):
            log.info("dispatch.refused", reason=error.reason)
            metrics.REFUSALS.labels(error.reason.value).inc()
            if isinstance(error, RefusedStep) and error.request:
                again = self._worker.put(error.request.id)  # what the person saw may be old
                self._tasks.start(again, "showing again")
            return [refusals.refusal(error)]
        if isinstance(error, PartnerCenterError):
            log.warning("dispatch.partner_center", trouble=str(error), code=error.code)
            return [trouble.trouble_reply(error)]
        if isinstance(error, SLACK_ERRORS):
            log.warning("dispatch.slack", trouble=word_of(error))
            return [trouble.slack_trouble()]
        if isinstance(error, Unavailable):
            log.warning("dispatch.no_database")
            return [trouble.no_database()]
        reference = secrets.token_hex(4)
        log.error("dispatch.mistake", reference=reference, exc_info=error)
        return [trouble.our_mistake(reference)]

    async def _answer_in_their_language(
        self, event: Command | Click | Submission, outcome: Answer | Exception
    ) -> None:
        with use_locale(await self._people.locale(event.actor.person)):
            await self._answer(event, outcome)

    async def _answer(
        self, event: Command | Click | Submission, outcome: Answer | Exception
    ) -> None:
        """Tell the person what they asked for or why it did not go well."""
        actor = event.actor
        answer = self._explain(outcome) if isinstance(outcome, Exception) else outcome
        respond = self._messenger.respond
        try:
            await respond(event.response_url, actor.person, actor.channel_id, answer)
        except SLACK_ERRORS as error:
            user = actor.person.user_id
            log.error("dispatch.not_answered", user=user, trouble=word_of(error))

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
                self._tasks.start(self._admit(Person("", user_id), reference), "answering")
            return None

    async def _admit(self, person: Person, reference: str) -> None:
        with use_locale(await self._people.locale(person)):
            message = trouble.our_mistake(reference)
        try:
            await self._messenger.tell(person, "", message)
        except SLACK_ERRORS as error:
            log.error("dispatch.not_answered", user=person.user_id, trouble=word_of(error))
