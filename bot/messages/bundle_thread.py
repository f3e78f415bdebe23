"""The thread of a bundle: a step of people once for all rows it hit, one result a row, and at the
end the whole as a sentence and a file."""

from collections.abc import Callable

from bot.domain.bundle import OPEN, Bundle, BundleEvent, BundleStep
from bot.domain.upgrade import Aftermath, Event, Outcome, State, Step, UpgradeRequest
from bot.errors import Reason
from bot.messages import thread, words
from bot.messages.blocks import (
    Message,
    context,
    escape_mrkdwn,
    escape_plain,
    everyone_of,
    link,
    mention,
    moment,
    section,
)
from bot.messages.bundle import consent_is_long, name, names, upgrades
from bot.messages.files import File, csv_file
from bot.messages.language import N_, gettext, ngettext

COLUMNS = (
    "customer", "domain", "subscription", "from", "to", "seats", "kind", "outcome", "why",
    "new subscription", "correlation id",
)  # fmt: skip
"""The heads of the file; always in English, because programs read it too."""

PASSED_OVER = {
    Reason.SUBSCRIPTION_BUSY: N_("another upgrade of the same subscription is running"),
    Reason.CHANGED_SINCE: N_("it has changed since it was confirmed"),
    Reason.EXPIRED: N_("it expired before its turn came"),
}
"""Why a row that was confirmed was not begun. What is missing here was told before."""


def line(bundle: Bundle, event: BundleEvent) -> Message | None:
    """What the thread says about a step; None where the card says it all."""
    tell = LINES.get(event.step)
    return tell(bundle, event) if tell else None


def _asked(bundle: Bundle, _event: BundleEvent) -> Message | None:
    """Only what has no room on the card."""
    if not consent_is_long(bundle):
        return None
    linked = link(bundle.evidence, gettext("link"))
    return _message(gettext("Customer's consent: {link}", link=linked))


def _approved(bundle: Bundle, event: BundleEvent) -> Message:
    text = gettext("Approved by {who}: {which}.", who=_who(event), which=_which(bundle, event))
    ready = bundle.those(State.APPROVED)
    if ready and not bundle.is_running and not bundle.those(State.AWAITING_APPROVAL):
        text += " " + gettext("{who}: *Upgrade now* can be pressed.", who=mention(bundle.requester))
    return _message(text)


def _declined(bundle: Bundle, event: BundleEvent) -> Message:
    return _message(
        gettext(
            "{requester}: {who} declined {which}: {why} Nothing was ordered for them.",
            requester=mention(bundle.requester),
            who=_who(event),
            which=_which(bundle, event),
            why=escape_mrkdwn(event.note, 1500),
        )
    )


def _withdrawn(bundle: Bundle, event: BundleEvent) -> Message:
    return _message(
        gettext(
            "{who} withdrew {which}. Nothing was ordered for them.",
            who=_who(event),
            which=_which(bundle, event),
        )
    )


def _expired(bundle: Bundle, event: BundleEvent) -> Message:
    return _message(
        gettext(
            "{requester}: {which} expired before being approved and confirmed. Nothing was ordered "
            "for them. Type `/upgrade bulk` to ask again.",
            requester=mention(bundle.requester),
            which=_which(bundle, event),
        )
    )


def _reminded(bundle: Bundle, event: BundleEvent) -> Message:
    rows = [bundle.row(each) for each in event.rows]
    who = dict.fromkeys(everyone_of(row.policy.approvers) for row in rows)
    return _message(
        ngettext(
            "{who}: {count} upgrade still waits for approval. It expires {at}.",
            "{who}: {count} upgrades still wait for approval. The first of them expires {at}.",
            len(rows),
            who="; ".join(list(who)[:4]),
            at=moment(min(row.expires_at for row in rows)),
        )
    )


def _confirmed(bundle: Bundle, event: BundleEvent) -> Message:
    return _message(
        gettext(
            "Started by {who}: {which}, one after the other.",
            who=_who(event),
            which=_which(bundle, event),
        )
    )


def _passed_over(bundle: Bundle, event: BundleEvent) -> Message | None:
    row = bundle.row(event.rows[0])
    if event.note not in PASSED_OVER and row.state not in OPEN:
        return None
    why = PASSED_OVER.get(Reason(event.note), N_("it is not as it was confirmed"))
    return _message(
        gettext(
            "{which} was passed over: {why}. Nothing was sent for it.",
            which=name(row),
            why=gettext(why),
        )
    )


def _moved(bundle: Bundle, event: BundleEvent) -> Message | None:
    return row_line(bundle.row(event.rows[0]), event.of) if event.of else None


def _stopped(bundle: Bundle, event: BundleEvent) -> Message:
    left = len(bundle.those(State.APPROVED))
    return _message(
        ngettext(
            "✋ {requester}: *stopped*, because {count} upgrade failed, is not known to have worked, "
            "or came back: {which}. The policy allows {allowed}. {left} approved, and *Upgrade now* "
            "can be pressed again.",
            "✋ {requester}: *stopped*, because {count} upgrades failed, are not known to have worked, "
            "or came back: {which}. The policy allows {allowed}. {left} approved, and *Upgrade now* "
            "can be pressed again.",
            len(event.rows),
            requester=mention(bundle.requester),
            which=_which(bundle, event),
            allowed=bundle.failures_allowed,
            left=ngettext("{count} upgrade stays", "{count} upgrades stay", left),
        )
    )


def _ended(bundle: Bundle, event: BundleEvent) -> Message | None:
    if bundle.is_settled:
        return None  # the whole is summed up next
    rows = [bundle.row(each) for each in event.rows]
    return _message(
        gettext(
            "{requester}: everything that was started has had its turn: {ends}.",
            requester=mention(bundle.requester),
            ends=_ends(rows),
        )
    )


def _summed_up(bundle: Bundle, _event: BundleEvent) -> Message:
    return _message(
        gettext(
            "{requester}: everything is settled: {ends}.",
            requester=mention(bundle.requester),
            ends=_ends(list(bundle.rows)),
        )
    )


LINES: dict[BundleStep, Callable[[Bundle, BundleEvent], Message | None]] = {
    BundleStep.ASK: _asked,
    BundleStep.APPROVE: _approved,
    BundleStep.DECLINE: _declined,
    BundleStep.WITHDRAW: _withdrawn,
    BundleStep.EXPIRE: _expired,
    BundleStep.REMIND: _reminded,
    BundleStep.CONFIRM: _confirmed,
    BundleStep.SKIP: _passed_over,
    BundleStep.MOVE: _moved,
    BundleStep.STOP: _stopped,
    BundleStep.END: _ended,
    BundleStep.SUM_UP: _summed_up,
}
"""What is said of each step. A row that is begun is seen on the card."""


def row_line(row: UpgradeRequest, event: Event) -> Message | None:
    """What the thread says about a row's own step: an upgrade that went well in two lines, and
    whatever needs somebody as it is told of a single request."""
    match event:
        case Event(step=Step.FINISH) if _went_well(event.outcome or Outcome()):
            return _result(row, event.outcome or Outcome())
        case Event(step=Step.FINISH | Step.FAIL):
            return thread.line(row, event)
        case Event(step=Step.FOLLOW_UP, aftermath=Aftermath() as there) if _needs_care(there):
            return _about(row, thread.line(row, event))
        case Event(step=Step.FOLLOW | Step.DRIFT | Step.RELEASE | Step.MARK_UNKNOWN):
            return _about(row, thread.line(row, event))
        case _:
            return None


def _about(row: UpgradeRequest, told: Message | None) -> Message | None:
    return Message([section(name(row)), *told.blocks]) if told else None


def _went_well(outcome: Outcome) -> bool:
    return outcome.moved and not outcome.seen and not outcome.license_errors


def _needs_care(there: Aftermath) -> bool:
    left_over = there.source is not None and bool(there.source.add_ons)
    return left_over or there.target is None or not there.target.is_active


def _result(row: UpgradeRequest, outcome: Outcome) -> Message:
    text = gettext(
        "✅ {which} was upgraded: {old} → {new}, {seats}, {way}.",
        which=name(row),
        old=escape_mrkdwn(row.subscription.name),
        new=escape_mrkdwn(row.option.name),
        seats=words.seats(row.option.seats),
        way=words.how(row.option),
    )
    small = gettext(
        "New subscription {target}. {reference}",
        target=escape_mrkdwn(outcome.target_subscription_id),
        reference=thread.reference(row),
    )
    return Message([section(text), context(small)])


def _ends(rows: list[UpgradeRequest]) -> str:
    """How many ended how, in the order of the states."""
    counted = [(gettext(ENDS[state]), sum(row.state is state for row in rows)) for state in ENDS]
    return ", ".join(f"{number} {word}" for word, number in counted if number)


ENDS = {
    State.DONE: N_("upgraded"),
    State.FAILED: N_("failed"),
    State.UNKNOWN: N_("being checked"),
    State.PERFORMING: N_("still worked on by Partner Center"),
    State.AWAITING_APPROVAL: N_("waiting for approval"),
    State.APPROVED: N_("approved and not performed"),
    State.DECLINED: N_("declined"),
    State.WITHDRAWN: N_("withdrawn"),
    State.EXPIRED: N_("expired"),
}


def _which(bundle: Bundle, event: BundleEvent) -> str:
    """The rows of a step: all of them, or which."""
    rows = [bundle.row(each) for each in event.rows]
    if len(rows) == len(bundle.rows) and len(rows) > 1:
        return ngettext("all {count} upgrades", "all {count} upgrades", len(rows))
    return gettext("{upgrades} ({which})", upgrades=upgrades(len(rows)), which=names(rows))


def _who(event: BundleEvent) -> str:
    return mention(event.by) if event.by else gettext("the bot")


def _message(text: str) -> Message:
    return Message([section(text)])


def attachment(bundle: Bundle, event: BundleEvent) -> File | None:
    """The file that belongs to a step's line: all rows when everything is settled, and for one row
    everybody whose licence did not move."""
    if event.step is BundleStep.SUM_UP:
        title = gettext("What became of {upgrades}", upgrades=upgrades(len(bundle.rows)))
        cells = map(_cells, bundle.rows)
        return csv_file(f"upgrades-{bundle.id[-12:]}.csv", title, COLUMNS, cells)
    return thread.attachment(bundle.row(event.rows[0]), event.of) if event.of else None


def without_its_file(message: Message, event: BundleEvent, word: str) -> Message:
    """The same line where the file could not be added, as Slack's error `word` says."""
    if event.of:
        return thread.without_its_file(message, word)
    said = gettext(
        "The file could not be added (Slack says {word}). Everything is in this thread.",
        word=escape_mrkdwn(word),
    )
    return Message([*message.blocks, context(said)])


def _cells(row: UpgradeRequest) -> list[str]:
    outcome = row.outcome or Outcome()
    cells = [
        row.customer.name,
        row.customer.domain,
        row.subscription.id,
        row.subscription.name,
        row.option.name,
        str(row.option.seats),
        row.option.type.value,
        row.state.value,
        _why(row, outcome),
        outcome.target_subscription_id,
        row.correlation_id,
    ]
    return [escape_plain(each, 1000) for each in cells]


def _why(row: UpgradeRequest, outcome: Outcome) -> str:
    """Why it is not simply done; for the whole channel, so without Microsoft's own text."""
    if row.closed_because:
        return row.closed_because
    parts = [words.public_obstacle(each) for each in outcome.obstacles]
    if outcome.status:
        parts.append(f"HTTP {outcome.status} {outcome.code}".strip())
    if outcome.license_errors:
        number = len(outcome.license_errors)
        parts.append(
            ngettext("{count} licence did not move", "{count} licences did not move", number)
        )
    if outcome.seen:
        parts.append(gettext("the answer was lost; this is what Partner Center shows"))
    return "; ".join(parts)
