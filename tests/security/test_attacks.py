"""Attacks on bots like this one that no story tells; `tests/README.md` says where each class is.

Every guard has its negative here, too: with the guard taken away the attack must succeed, or the
guard guards nothing.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from bot.config.settings import SettingsProblem, load
from bot.domain import lifecycle, steps
from bot.domain.policy import MemberKind, Person
from bot.domain.request import Request, Transition
from bot.messages import action_ids
from bot.preflight.slack import SCOPES
from bot.requests import decide, rate_limit
from bot.requests.permission import Permission
from bot.requests.submit import MOST_OPEN
from bot.sandbox.partner_center import records
from bot.sandbox.practice import CHANNEL
from bot.sandbox.slack.server import signature
from bot.slack.errors import SLACK_ERRORS, no_redirects
from tests.conftest import Start
from tests.test_settings import variables
from tests.workspace import Conversation

E3 = "Office 365 Enterprise E3 (upgrade only)"


async def test_who_may_not_see_a_customer_learns_nothing_and_microsoft_is_not_asked(
    start: Start,
) -> None:
    """The bot's sign-in may everything; a rule says who may ask for this customer."""
    workspace = await start('[policy]\napprovers = ["S0APPROVERS"]\n')
    rule = f'[[policy.rules]]\ncustomers = ["{workspace.contoso}"]\nrequesters = ["U0BOB"]\n'
    policy = workspace.practice.folder / "policy.toml"
    policy.write_text(policy.read_text("utf-8") + rule, encoding="utf-8")
    await workspace.restarts()
    before = len(workspace.partner_center.calls)
    await workspace.alice.types("/upgrade contoso")
    assert "can ask for upgrades here" in await workspace.alice.reads()
    assert len(workspace.partner_center.calls) == before
    await workspace.bob.types("/upgrade contoso")
    assert E3 in await workspace.bob.reads(), "the rule lets somebody in"


async def test_the_same_signed_bytes_again_and_again_have_one_effect(start: Start) -> None:
    """Slack's signature is good for five minutes, whoever sends it."""
    workspace = await start(http_mode=True)
    await workspace.alice.asks_for_e3()
    await workspace.card()
    payload = await workspace.carol.payload_of("Approve")
    body = urlencode({"payload": json.dumps(payload)})
    stamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(workspace.slack.signing_secret, stamp, body),
    }
    async with aiohttp.ClientSession() as session:

        async def send() -> int:
            async with session.post(
                str(workspace.practice.slack.request_url), data=body, headers=headers
            ) as answer:
                return answer.status

        assert await asyncio.gather(*(send() for _ in range(20))) == [200] * 20
    assert "Approved by @carol" in await workspace.card()
    assert (await workspace.thread()).count("Approved by @carol") == 1
    assert await workspace.carol.reads() == ""


@pytest.mark.parametrize(
    "change",
    [
        {"real_name": "Carol Clark (licence approver)", "name": "carol"},
        {"real_name": "Cаrol Clark"},
    ],
    ids=["her name", "a homoglyph"],
)
async def test_a_name_gives_no_right(workspace: Conversation, change: dict[str, str]) -> None:
    """Bob calls himself Carol, and Carol herself Bob."""
    for name, value in change.items():
        setattr(workspace.slack.users[workspace.bob.id], name, value)
        setattr(workspace.slack.users[workspace.carol.id], name, "bob")
    await workspace.alice.asks_for_e3()
    await workspace.bob.presses("Approve")
    assert "can decide" in await workspace.bob.reads()
    await workspace.carol.presses("Approve")
    assert "🔵 Approved" in await workspace.card()
    await workspace.thread()


async def test_the_same_id_in_another_workspace_is_somebody_else(workspace: Conversation) -> None:
    """Ids are unique within a workspace only."""
    await workspace.alice.asks_for_e3()
    click = await workspace.carol.payload_of("Approve")
    click["user"]["team_id"] = "T0OTHER"
    await workspace.carol.sends(click)
    assert "Only full members of this workspace" in await workspace.carol.reads()
    assert "⏳ Approval needed" in await workspace.card()


async def test_a_looser_policy_does_not_loosen_what_waits(workspace: Conversation) -> None:
    """Whoever edits the file cannot wave through what was asked under the older one."""
    await workspace.alice.asks_for_e3()
    await workspace.card()
    loose = '[policy]\napprovers = ["channel"]\napprovals = 0\n'
    (workspace.practice.folder / "policy.toml").write_text(loose, encoding="utf-8")
    await workspace.restarts()
    await workspace.bob.presses("Approve")
    assert "Only @license-approvers can decide" in await workspace.bob.reads()
    click = await workspace.alice.payload_of("Approve")
    click["actions"][0]["action_id"] = action_ids.UPGRADE_NOW
    await workspace.alice.sends(click)
    assert "it has 0 of 1 approval." in await workspace.alice.reads()
    assert workspace.posts() == 0


async def test_a_flood_of_look_ups_is_slowed_down(workspace: Conversation) -> None:
    """Everybody shares Partner Center's limit, so nobody gets all of it."""
    for _ in range(rate_limit.AT_ONCE):
        await workspace.alice.types("/upgrade tailspin")
    await workspace.bot.quiet()
    await workspace.alice.reads()
    before = len(workspace.partner_center.calls)
    await workspace.alice.types("/upgrade tailspin")
    assert "That was very often in a short time" in await workspace.alice.reads()
    assert len(workspace.partner_center.calls) == before
    await workspace.bob.types("/upgrade tailspin")
    assert "no subscription" in await workspace.bob.reads()
    workspace.practice.clock.move(timedelta(seconds=10))
    await workspace.alice.types("/upgrade tailspin")
    assert "no subscription" in await workspace.alice.reads()


async def test_nobody_floods_the_channel_with_requests(workspace: Conversation) -> None:
    """Twenty that wait are enough for one person; when one is settled there is room again."""
    for _ in range(MOST_OPEN):
        workspace.practice.clock.move(timedelta(minutes=1))
        await workspace.alice.asks_for_e3()
    workspace.practice.clock.move(timedelta(minutes=1))
    await workspace.alice.asks_for_e3()
    told = await workspace.alice.reads()
    assert f"You have {MOST_OPEN} requests that wait already. Nothing was asked for." in told
    await workspace.alice.presses("Withdraw")
    await workspace.alice.asks_for_e3()
    await workspace.bot.quiet()
    here = [m for m in workspace.slack.messages if m.channel == CHANNEL and not m.only_for]
    cards = [m for m in here if not m.thread_ts]
    assert len(cards) == MOST_OPEN + 1
    for card in cards:
        workspace.read(card)
    await workspace.thread()


async def test_nobody_floods_the_channel_with_forms_sent_at_once(workspace: Conversation) -> None:
    """Whoever opens several forms first, and then submits all of them, has no more that wait."""
    alice, slack = workspace.alice, workspace.practice.slack.interactions
    for _ in range(MOST_OPEN - 1):
        workspace.practice.clock.move(timedelta(minutes=1))
        await alice.asks_for_e3()
    await alice.types("/upgrade contoso")
    await alice.reads()
    for _ in range(3):  # one above the other
        await alice.presses(E3)
        await workspace.bot.quiet()
    forms = list(workspace.slack.views[alice.id])
    await asyncio.gather(*(slack.submit(form, {"reason": "Me too."}) for form in forms))
    refused = (await alice.reads()).split("\n\n")
    assert len(refused) == 2
    assert all(f"You have {MOST_OPEN} requests that wait already." in each for each in refused)
    assert len(workspace.cards()) == MOST_OPEN
    for card in workspace.cards():
        workspace.read(card)


async def test_the_last_that_may_wait_is_asked_for_once_however_often_its_form_comes(
    workspace: Conversation,
) -> None:
    """Its own request does not take the room from it."""
    for _ in range(MOST_OPEN - 1):
        workspace.practice.clock.move(timedelta(minutes=1))
        await workspace.alice.asks_for_e3()
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    await workspace.alice.presses(E3)
    await workspace.alice.sees_form()
    form = workspace.form_of(workspace.alice.id)
    for _ in range(2):
        await workspace.practice.slack.interactions.submit(form, {"reason": "The last one."})
        assert await workspace.alice.reads() == ""
    assert len(workspace.cards()) == MOST_OPEN
    for card in workspace.cards():
        workspace.read(card)


async def test_nobody_floods_the_channel_with_bundles(workspace: Conversation) -> None:
    """Several that were asked for together are one of the twenty."""
    alice = workspace.alice
    for number in range(MOST_OPEN):
        workspace.practice.clock.move(timedelta(minutes=1))
        await asks_for_several(workspace, number, 2)
    await asks_for_several(workspace, MOST_OPEN, 2)
    full = f"You have {MOST_OPEN} requests that wait already. Nothing was asked for."
    assert full in await alice.reads()
    await alice.asks_for_e3()
    assert full in await alice.reads()
    assert len(workspace.cards()) == MOST_OPEN
    await alice.presses("Withdraw")
    await workspace.thread()
    await alice.asks_for_e3()
    assert len(workspace.cards()) == MOST_OPEN + 1
    for card in workspace.cards():
        workspace.read(card)


async def asks_for_several(workspace: Conversation, number: int, rows: int) -> None:
    """Alice asks for upgrades of some customers of their own at once."""
    partner, lines = workspace.partner_center.records, []
    for row in range(rows):
        lines.append(f"shop{number:02}-{row}.example, Office 365 Enterprise E3")
        customer = partner.add_customer(f"Shop {number:02}-{row}", f"shop{number:02}-{row}.example")
        partner.add_subscription(customer, records.E1, 5)
    await workspace.alice.types("/upgrade bulk")
    await workspace.alice.sees_form()
    await workspace.alice.fills_in(table="\n".join(lines), reason="Everybody moves to E3.")
    await workspace.alice.reads()
    await workspace.alice.presses(f"Ask the team for {rows} upgrades")
    await workspace.bot.quiet()


async def test_nothing_is_ever_read_out_of_slacks_history(workspace: Conversation) -> None:
    """What the store does not know did not happen, however many messages there are."""
    assert not any("history" in scope or "replies" in scope for scope in SCOPES)
    await workspace.alice.asks_for_e3()
    await workspace.card()
    for number in range(150):
        workspace.slack.post(CHANNEL, workspace.bob.id, f"chatter {number}", None)
    await workspace.passes(hours=25)
    expired = [m for m in workspace.slack.messages if "Expired" in m.text and not m.thread_ts]
    assert len(expired) == 1
    called = {call.method for call in workspace.practice.slack.api.calls}
    assert not {method for method in called if "history" in method or "replies" in method}
    for message in list(workspace.slack.messages):
        workspace.read(message)


async def test_a_redirect_of_slacks_address_is_not_followed() -> None:
    """What goes to Slack holds the bot's token."""
    got: list[web.Request] = []

    async def elsewhere(request: web.Request) -> web.Response:
        got.append(request)
        return web.json_response({"ok": True})

    app = web.Application()
    app.router.add_route("*", "/evil", elsewhere)

    async def leads_on(_request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/evil")

    app.router.add_route("*", "/api/auth.test", leads_on)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/api/auth.test"
    async with aiohttp.ClientSession(trace_configs=[no_redirects()]) as session:
        with pytest.raises(SLACK_ERRORS):
            await session.post(address, headers={"Authorization": "Bearer xoxb-1"})
    assert got == []
    async with aiohttp.ClientSession() as session, session.post(address) as answer:
        assert answer.status == 200, "without the guard it goes there"
    assert len(got) == 1
    await runner.cleanup()


@pytest.mark.parametrize(
    "address",
    [
        "http://slack.com/api",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "ftp://slack.com",
        "file:///etc/passwd",
        "//slack.com",
        "https://",
    ],
)
@pytest.mark.parametrize("variable", ["SLACK_API_URL", "PARTNER_CENTER_API_URL"])
def test_only_https_or_this_machine_is_an_address(
    tmp_path: Any, variable: str, address: str
) -> None:
    """A host is compared whole, not by how it begins."""
    with pytest.raises(SettingsProblem, match=variable):
        load(variables(tmp_path, **{variable: address}))


async def nobody_asks(*_: Any, **__: Any) -> None:
    """A guard that lets everybody in."""


async def approves(workspace: Conversation, who: str) -> bool:
    """Whether this person's click on Approve counts."""
    await getattr(workspace, who).presses("Approve")
    approved = "🔵 Approved" in await workspace.card()
    await getattr(workspace, who).reads()
    await workspace.thread()
    return approved


async def outsider(workspace: Conversation) -> bool:
    """Bob is no approver."""
    return await approves(workspace, "bob")


async def requester(workspace: Conversation) -> bool:
    """Alice asked for it herself, and is an approver, too."""
    workspace.slack.groups["S0APPROVERS"].add(workspace.alice.id)
    return await approves(workspace, "alice")


async def guest(workspace: Conversation) -> bool:
    """Carol became a guest and is still in the group."""
    workspace.slack.users[workspace.carol.id].is_restricted = True
    return await approves(workspace, "carol")


async def copied_card(workspace: Conversation) -> bool:
    """The card was shared into another channel."""
    workspace.slack.add_channel("C0OTHER", "other", {workspace.carol.id, workspace.slack.bot.id})
    click = await workspace.carol.payload_of("Approve")
    click["channel"]["id"] = click["container"]["channel_id"] = "C0OTHER"
    await workspace.carol.sends(click)
    approved = "🔵 Approved" in await workspace.card()
    await workspace.carol.reads()
    await workspace.thread()
    return approved


async def too_late(workspace: Conversation) -> bool:
    """A day and an hour later, and no timer has run yet."""
    workspace.practice.clock.move(timedelta(hours=25))
    await workspace.carol.presses("Approve")
    await workspace.card()
    await workspace.carol.reads()
    approved = "Approved by @carol" in await workspace.thread()
    await workspace.passes(seconds=1)  # what was approved too late expires now
    await workspace.card()
    await workspace.thread()
    return approved


async def stranger_confirms(workspace: Conversation) -> bool:
    """Bob presses what only Alice may."""
    await workspace.carol.presses("Approve")
    await workspace.card()
    await workspace.bob.presses("Upgrade now")
    await workspace.card()
    await workspace.bob.reads()
    await workspace.thread()
    return workspace.posts() > 0


Attack = Callable[[Conversation], Awaitable[bool]]


def without_own_request(patch: pytest.MonkeyPatch) -> None:
    """Approving one's own request is refused nowhere."""
    real = steps.approve

    def approve(request: Request, *rest: Any) -> Transition:
        stranger = replace(request, requester=Person("T", "U"))
        taken = real(stranger, *rest)
        return replace(taken, request=replace(taken.request, requester=request.requester))

    patch.setattr(steps, "approve", approve)
    patch.setattr(decide, "_waiting_for", lambda _who: lambda request: request.items)


def without_expiry(patch: pytest.MonkeyPatch) -> None:
    """Lateness is noticed by the timer alone."""
    patch.setattr(lifecycle, "_check", lambda item, step, _at: lifecycle._legal(item, step))


def without_place(patch: pytest.MonkeyPatch) -> None:
    """A card is a card, wherever it stands."""

    patch.setattr(decide, "require_own_card", lambda _request, _actor: None)


def without_member_kind(patch: pytest.MonkeyPatch) -> None:
    """Whoever is in the list is somebody."""
    from bot.slack import people

    patch.setattr(people, "_member_kind", lambda _user, _team_id: MemberKind.FULL_MEMBER)


def without_confirmer(patch: pytest.MonkeyPatch) -> None:
    """A click on *Upgrade now* counts, no matter whose it is."""
    patch.setattr(steps, "confirms", lambda _item, _request, _who: True)


def without_list(patch: pytest.MonkeyPatch) -> None:
    """Everybody is an approver."""
    patch.setattr(Permission, "_why_no_approver", nobody_asks)


@pytest.mark.parametrize(
    ("attack", "without"),
    [
        (outsider, without_list),
        (requester, without_own_request),
        (guest, without_member_kind),
        (copied_card, without_place),
        (too_late, without_expiry),
        (stranger_confirms, without_confirmer),
    ],
)
async def test_every_guard_bites(
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    attack: Attack,
    without: Callable[[pytest.MonkeyPatch], None],
) -> None:
    """With it the attack fails, without it the same attack succeeds."""
    for is_guarded in (True, False):
        workspace = await start()
        await workspace.alice.asks_for_e3()
        await workspace.card()
        if not is_guarded:
            without(monkeypatch)
        assert await attack(workspace) is not is_guarded
