"""The thread of a card: what happened to the request, step by step, the result among it.

Of one item a step is told in full. Of several, a step of people is told once for all items that it
hit, one result an item, and at the end the whole as a sentence and a file.
"""

from collections.abc import Callable
from typing import NamedTuple

from bot.domain.item import Event, Item, State, Step
from bot.domain.outcome import FollowUp, Outcome
from bot.domain.request import Request, RequestEvent, RequestStep
from bot.messages import compact_thread, words
from bot.messages.blocks import (
    Message,
    context,
    escape_mrkdwn,
    everyone_of,
    mention,
    moment,
    section,
)
from bot.messages.files import File
from bot.messages.language import gettext, ngettext, sentences
from bot.messages.parts import name, who_may_confirm
from bot.messages.result import (
    failure,
    follow_up,
    licences_file,
    reference,
    result,
    short_result,
)

ItemSteps = tuple[tuple[Item, Event], ...]


class Line(NamedTuple):
    """A message of the thread, and the file that belongs to it."""

    message: Message
    file: File | None = None


def lines(request: Request, steps: ItemSteps, event: RequestEvent | None) -> list[Line]:
    """What the thread says of everything that happened in one transaction; what the card says
    already is not repeated."""
    told: list[Line | None] = []
    if request.is_single:
        told += [_line(request, item, step) for item, step in steps]
    else:
        told += _of_several(request, steps)
    if event and not (steps and event.step is RequestStep.CONFIRM):
        told.append(_of_request(request, event))
    return [line for line in told if line]


def without_its_file(line: Line, word: str) -> Message:
    """The same line where the file could not be added, as Slack's error `word` says."""
    said = gettext(
        "The file could not be added (Slack says {word}). Partner Center shows everybody.",
        word=escape_mrkdwn(word),
    )
    if line.file and line.file.name.startswith(compact_thread.FILE):
        said = gettext(
            "The file could not be added (Slack says {word}). Everything is in this thread.",
            word=escape_mrkdwn(word),
        )
    return Message([*line.message.blocks, context(said)])


def _of_request(request: Request, event: RequestEvent) -> Line | None:
    if not request.is_single or event.step is RequestStep.SKIP:
        return _with_file(*compact_thread.of_request(request, event))
    if event.step is not RequestStep.CONFIRM:
        return None
    said = gettext(
        "Started by {who}. Partner Center request id {request_id}",
        who=mention(event.by) if event.by else gettext("the bot"),
        request_id=request.items[0].ms_request_id,
    )
    return Line(_say(said))


def _of_several(request: Request, steps: ItemSteps) -> list[Line | None]:
    together: dict[Step, list[tuple[Item, Event]]] = {}
    told: list[Line | None] = []
    for item, event in steps:
        if event.step in compact_thread.TOGETHER:
            together.setdefault(event.step, []).append((item, event))
        else:
            told.append(_of_one_of_several(request, item, event))
    for step, each in together.items():
        items = [item for item, _ in each]
        message = compact_thread.TOGETHER[step](request, items, each[0][1])
        told.append(Line(message) if message else None)
    return told


def _of_one_of_several(request: Request, item: Item, event: Event) -> Line | None:
    """An upgrade that went well in two lines, and what needs a person as it is told of a single
    one."""
    outcome = event.outcome or Outcome()
    if event.step is Step.FINISH and outcome.went_well:
        return Line(short_result(item, outcome))
    if event.step is Step.FOLLOW_UP and not (
        event.aftermath and event.aftermath.found is FollowUp.LEFT_TO_DO
    ):
        return None  # it is told with the others
    told = _line(request, item, event)
    if told is None or event.step in (Step.FINISH, Step.FAIL):
        return told
    return Line(Message([section(name(item)), *told.message.blocks]), told.file)


def _with_file(message: Message | None, file: File | None) -> Line | None:
    return Line(message, file) if message else None


def _line(request: Request, item: Item, event: Event) -> Line | None:
    """A step of one item."""
    tell = LINES.get(event.step)
    message = tell(request, item, event) if tell else None
    file = licences_file(item, event.outcome) if event.step is Step.FINISH else None
    return _with_file(message, file)


def _approved(request: Request, item: Item, event: Event) -> Message:
    said = gettext("Approved by {who}.", who=_who(event))
    if event.state is not State.APPROVED or request.is_running:
        return _say(said)
    may = gettext("{who}: *Upgrade now* can be pressed.", who=who_may_confirm(item, request))
    return _say(sentences(said, may))


def _declined(request: Request, _item: Item, event: Event) -> Message:
    return _say(
        gettext(
            "{requester}: {who} declined this. Nothing was ordered. Reason: {why}",
            requester=mention(request.requester),
            who=_who(event),
            why=escape_mrkdwn(event.note, 1500),
        )
    )


def _withdrawn(_request: Request, _item: Item, event: Event) -> Message:
    return _say(gettext("{who} withdrew this. Nothing was ordered.", who=_who(event)))


def _expired(request: Request, _item: Item, _event: Event) -> Message:
    return _say(
        gettext(
            "{requester}: this expired before it was approved and confirmed. Nothing was ordered. "
            "Type `/upgrade` to ask again.",
            requester=mention(request.requester),
        )
    )


def _reminded(_request: Request, item: Item, _event: Event) -> Message:
    missing = item.policy.approvals - len(item.votes.approvals)
    waits = ngettext(
        "{who}: this still waits for {count} approval.",
        "{who}: this still waits for {count} approvals.",
        missing,
        who=everyone_of(item.policy.approvers),
    )
    return _say(sentences(waits, gettext("It expires {when}.", when=moment(item.expires_at))))


def _followed(_request: Request, item: Item, _event: Event) -> Message:
    return _say(
        gettext(
            "Partner Center has taken it and works on it, which takes minutes and sometimes a day. "
            "I follow it and say here when it is done. Operation {operation}",
            operation=escape_mrkdwn(item.attempt.operation_id),
        )
    )


def _drifted(request: Request, _item: Item, event: Event) -> Message:
    said = gettext(
        "{requester}: *not sent*, because it has changed since it was approved. The approvals are "
        "void; please decide again.",
        requester=mention(request.requester),
    )
    return _say("\n".join([said, *(words.difference(each) for each in event.differences)]))


def _released(request: Request, item: Item, event: Event) -> Message:
    said = gettext(
        "{requester}: {why}",
        requester=mention(request.requester),
        why=gettext(words.HANDED_BACK[event.note]),
    )
    who = who_may_confirm(item, request)
    may = gettext("{who}: *Upgrade now* can be pressed again.", who=who)
    return _say(sentences(said, may), reference(item))


def _lost(request: Request, item: Item, _event: Event) -> Message:
    said = gettext(
        "{requester}: the upgrade was sent, but Partner Center's answer did not arrive. *Do not "
        "repeat it.* I keep looking at Partner Center until I know, and say so here.",
        requester=mention(request.requester),
    )
    return _say(said, reference(item))


def _finished(request: Request, item: Item, event: Event) -> Message:
    return result(request, item, event.outcome or Outcome())


def _failed(request: Request, item: Item, event: Event) -> Message:
    return _say(*failure(request, item, event.outcome or Outcome()))


def _followed_up(request: Request, item: Item, event: Event) -> Message | None:
    return _say(follow_up(request, item, event.aftermath)) if event.aftermath else None


LINES: dict[Step, Callable[[Request, Item, Event], Message | None]] = {
    Step.APPROVE: _approved,
    Step.DECLINE: _declined,
    Step.WITHDRAW: _withdrawn,
    Step.EXPIRE: _expired,
    Step.REMIND: _reminded,
    Step.FOLLOW: _followed,
    Step.DRIFT: _drifted,
    Step.RELEASE: _released,
    Step.MARK_UNKNOWN: _lost,
    Step.FINISH: _finished,
    Step.FAIL: _failed,
    Step.FOLLOW_UP: _followed_up,
}
"""What is said of each step of an item. What is missing here, the card says, or nobody needs to
know."""


def _who(event: Event) -> str:
    return mention(event.by) if event.by else gettext("the bot")


def _say(text: str, small: str = "") -> Message:
    return Message([section(text)] + ([context(small)] if small else []))
