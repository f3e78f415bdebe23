"""Troubles to practise with: one breaks the next call, another stays until it is put back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.sandbox.partner_center import Trouble
from bot.sandbox.practice import CHANNEL, Practice
from bot.sandbox.slack.web_api import Trouble as SlackTrouble

PARTNER_CENTER, SLACK = "Partner Center", "Slack"
SLOWLY = 6.0
LAG = timedelta(seconds=30)


@dataclass(frozen=True)
class Switch:
    """Something that can be broken. `choices`: value and words; `state`: the choice that is in
    force now, or nothing."""

    id: str
    side: str
    label: str
    help: str
    choices: tuple[tuple[str, str], ...]
    throw: Callable[[Practice, str], Awaitable[None] | None]
    state: Callable[[Practice], str]


ONCE = (("next", "The next time"),)
ON = (("on", "Until it is put back"),)

REFUSALS = tuple(
    (str(code), f"{code} {name}")
    for code, name in (
        (0, "other"),
        (1, "delegated admin permissions disabled"),
        (2, "subscription status not active"),
        (3, "conflicting service types"),
        (4, "concurrency conflicts"),
        (5, "user context required"),
        (6, "subscription add-ons present"),
        (7, "no upgrade paths"),
        (8, "target offer not found"),
        (9, "subscription not provisioned"),
        (10, "billing cycle not supported"),
        (11, "insufficient granular admin permissions"),
    )
)
STATUSES = (
    ("401", "401, the token is not good"),
    ("403", "403, the role is not enough"),
    ("404", "404, no such subscription"),
    ("409", "409, another operation is pending"),
    ("500", "500, an error at Microsoft"),
    ("503", "503, not available"),
)
SIGN_INS = (
    ("50076", "MFA is wanted now (AADSTS50076)"),
    ("700082", "the refresh token has expired (AADSTS700082)"),
    ("7000222", "the client secret has expired (AADSTS7000222)"),
)


def _slow(practice: Practice, choice: str) -> None:
    practice.partner_center.delay = SLOWLY if choice else 0


def _throttled(practice: Practice, choice: str) -> None:
    server = practice.partner_center
    if choice == "reading":
        server.trouble("GET", "", Trouble(status=429, retry_after=3))
    elif choice:
        server.trouble("POST", "s", Trouble(status=429, retry_after=3))


def _post(practice: Practice, trouble: Trouble) -> None:
    """For an upgrade of either kind: both addresses end in `s`."""
    practice.partner_center.trouble("POST", "s", trouble)


def _status(practice: Practice, choice: str) -> None:
    if choice:
        _post(practice, Trouble(status=int(choice)))


def _refused(practice: Practice, choice: str) -> None:
    practice.partner_center.records.refuse_next = int(choice) if choice else None


def _lost(practice: Practice, choice: str) -> None:
    if choice:
        _post(practice, Trouble(cut=True, after=choice == "after"))


def _licences(practice: Practice, choice: str) -> None:
    practice.partner_center.records.strand_next = int(choice or 0)


def _drift(practice: Practice, choice: str) -> None:
    """Somebody at the customer whom the bot looked at last buys seats."""
    if choice:
        for subscription in practice.partner_center.records.looked_at():
            subscription["quantity"] += 5


def _sign_in(practice: Practice, choice: str) -> None:
    login = practice.partner_center.login
    error = "invalid_client" if choice == "7000222" else "invalid_grant"
    login.broken = (int(choice), error) if choice else None
    login.revoke_access_tokens()


def _lag(practice: Practice, choice: str) -> None:
    practice.partner_center.records.lag = LAG if choice else timedelta()


def _rate_limit(practice: Practice, choice: str) -> None:
    if choice:
        method = "chat.postMessage" if choice == "posting" else "*"
        practice.slack.trouble(method, SlackTrouble(status=429, retry_after=5))


def _slack_down(practice: Practice, choice: str) -> None:
    for _ in range(int(choice or 0)):
        practice.slack.trouble("*", SlackTrouble(status=503))


def _answer_lost(practice: Practice, choice: str) -> None:
    if choice:
        practice.slack.trouble("chat.postMessage", SlackTrouble(cut=True, after=True))


def _twice(practice: Practice, choice: str) -> None:
    practice.slack.deliveries = 2 if choice else 1


def _late(practice: Practice, choice: str) -> None:
    practice.slack.delivery.held_up.clear()
    if choice:
        practice.slack.delivery.held_up.append(2)


async def _disconnect(practice: Practice, choice: str) -> None:
    if choice:
        await practice.slack.delivery.disconnect()


def _channel(practice: Practice, choice: str) -> None:
    """Archived, without the bot, or as it was."""
    slack = practice.slack.workspace
    channel = slack.channels[CHANNEL]
    channel.is_archived = choice == "archived"
    channel.members.discard(slack.bot.id)
    if choice != "left":
        channel.members.add(slack.bot.id)


def _waiting(key: str, what: Callable[[Trouble], str]) -> Callable[[Practice], str]:
    def state(practice: Practice) -> str:
        waiting = practice.partner_center.troubles.get(key)
        return what(waiting[0]) if waiting else ""

    return state


def _slack_waiting(method: str, what: Callable[[SlackTrouble], str]) -> Callable[[Practice], str]:
    def state(practice: Practice) -> str:
        waiting = practice.slack.api.troubles.get(method)
        return what(waiting[0]) if waiting else ""

    return state


def _rate_limited(practice: Practice) -> str:
    def limits(trouble: SlackTrouble) -> str:
        return "on" if trouble.status == 429 else ""

    posting = _slack_waiting("chat.postMessage", limits)(practice)
    return "posting" if posting else "any" if _slack_waiting("*", limits)(practice) else ""


def _throttles(practice: Practice) -> str:
    reading = _waiting("GET ", lambda t: "reading" if t.status == 429 else "")(practice)
    return reading or _waiting("POST s", lambda t: "upgrading" if t.status == 429 else "")(practice)


def _channel_is(practice: Practice) -> str:
    slack = practice.slack.workspace
    channel = slack.channels[CHANNEL]
    if channel.is_archived:
        return "archived"
    return "" if slack.bot.id in channel.members else "left"


SWITCHES = (
    Switch(
        "slow",
        PARTNER_CENTER,
        "Slow",
        f"Every call takes {SLOWLY:.0f} seconds.",
        ON,
        _slow,
        lambda p: "on" if p.partner_center.delay else "",
    ),
    Switch(
        "throttled",
        PARTNER_CENTER,
        "Throttled",
        "One call is told to come again in 3 seconds.",
        (("reading", "The next reading"), ("upgrading", "The next upgrade")),
        _throttled,
        _throttles,
    ),
    Switch(
        "refused",
        PARTNER_CENTER,
        "Refuses the upgrade",
        "The next upgrade is answered with 200 and an error in it.",
        REFUSALS,
        _refused,
        lambda p: str(r) if (r := p.partner_center.records.refuse_next) is not None else "",
    ),
    Switch(
        "status",
        PARTNER_CENTER,
        "Answers with an error",
        "The next upgrade is answered with this status, and nothing happens.",
        STATUSES,
        _status,
        _waiting("POST s", lambda t: str(t.status) if t.status != 429 and t.status else ""),
    ),
    Switch(
        "lost",
        PARTNER_CENTER,
        "Answer lost",
        "The connection breaks while the next upgrade is sent.",
        (("before", "Before it takes effect"), ("after", "After it took effect")),
        _lost,
        _waiting("POST s", lambda t: ("after" if t.after else "before") if t.cut else ""),
    ),
    Switch(
        "licences",
        PARTNER_CENTER,
        "Licences do not move",
        "The next upgrade with licence transfer leaves people behind.",
        (("2", "2 people"), ("30", "30 people")),
        _licences,
        lambda p: str(p.partner_center.records.strand_next or ""),
    ),
    Switch(
        "drift",
        PARTNER_CENTER,
        "Drift",
        "Somebody buys 5 seats for each subscription of the customer whom the bot looked at last. "
        "Do it after an approval, and before the upgrade.",
        (("now", "Now"),),
        _drift,
        lambda _: "",
    ),
    Switch(
        "lag",
        PARTNER_CENTER,
        "Shows things late",
        f"After an upgrade the old state is shown for {LAG.seconds} seconds more.",
        ON,
        _lag,
        lambda p: "on" if p.partner_center.records.lag else "",
    ),
    Switch(
        "sign_in",
        PARTNER_CENTER,
        "Sign-in broken",
        "Microsoft signs the bot in no more.",
        SIGN_INS,
        _sign_in,
        lambda p: str(b[0]) if (b := p.partner_center.login.broken) else "",
    ),
    Switch(
        "rate_limit",
        SLACK,
        "Rate limit",
        "One call is told to come again in 5 seconds.",
        (("posting", "The next message"), ("any", "The next call of any kind")),
        _rate_limit,
        _rate_limited,
    ),
    Switch(
        "down",
        SLACK,
        "Down",
        "Calls are answered with 503.",
        (("1", "The next call"), ("10", "The next 10 calls")),
        _slack_down,
        _slack_waiting("*", lambda t: "1" if t.status == 503 else ""),
    ),
    Switch(
        "answer_lost",
        SLACK,
        "Answer to a message lost",
        "The next message is posted, but the bot does not learn it.",
        ONCE,
        _answer_lost,
        _slack_waiting("chat.postMessage", lambda t: "next" if t.cut else ""),
    ),
    Switch(
        "twice",
        SLACK,
        "Delivers twice",
        "Every click and command reaches the bot two times.",
        ON,
        _twice,
        lambda p: "on" if p.slack.deliveries > 1 else "",
    ),
    Switch(
        "late",
        SLACK,
        "Delivers late",
        "The next click or command is held up for 2 seconds, and others overtake it.",
        ONCE,
        _late,
        lambda p: "next" if p.slack.delivery.held_up else "",
    ),
    Switch(
        "disconnect",
        SLACK,
        "Disconnects",
        "Slack closes the bot's connection, as it does every few hours.",
        (("now", "Now"),),
        _disconnect,
        lambda _: "",
    ),
    Switch(
        "channel",
        SLACK,
        "Channel gone",
        "The bot can no longer write into #upgrades.",
        (("archived", "Archived"), ("left", "The bot was removed")),
        _channel,
        _channel_is,
    ),
)


def thrown(practice: Practice) -> dict[str, str]:
    """The switches that are in force, each with its choice."""
    states = {switch.id: switch.state(practice) for switch in SWITCHES}
    return {switch: choice for switch, choice in states.items() if choice}


async def throw(practice: Practice, switch_id: str, choice: str) -> None:
    """Throw a switch, or with an empty choice put it back. Raises LookupError for a wrong one."""
    switch = next((each for each in SWITCHES if each.id == switch_id), None)
    if switch is None or choice not in ("", *(value for value, _ in switch.choices)):
        raise LookupError(switch_id)
    _disarm(practice, switch_id)
    done = switch.throw(practice, choice)
    if done is not None:
        await done


async def put_all_back(practice: Practice) -> None:
    """Nothing is broken any more."""
    for switch in SWITCHES:
        await throw(practice, switch.id, "")


def _disarm(practice: Practice, switch_id: str) -> None:
    """Take back the troubles that wait for their call."""
    for key in AT_PARTNER_CENTER.get(switch_id, ()):
        practice.partner_center.troubles.pop(key, None)
    for method in AT_SLACK.get(switch_id, ()):
        practice.slack.api.troubles.pop(method, None)


AT_PARTNER_CENTER = {"throttled": ("GET ", "POST s"), "status": ("POST s",), "lost": ("POST s",)}
AT_SLACK = {
    "rate_limit": ("chat.postMessage", "*"),
    "down": ("*",),
    "answer_lost": ("chat.postMessage",),
}
"""Where the troubles of a switch wait. What waits for the same call replaces each other."""
