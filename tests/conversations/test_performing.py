"""Exactly once or not at all: lost answers, refusals, drift, crashes and restarts."""

from datetime import datetime, timedelta

import pytest

from bot.domain import lifecycle, steps
from bot.domain.item import State
from bot.domain.lifecycle import SEND_WITHIN
from bot.domain.policy import Person
from bot.domain.request import Request, Transition
from bot.domain.steps import nothing_forbids
from bot.messages import action_ids
from bot.partner_center import Listed
from bot.sandbox.partner_center import Gate, Trouble, records
from bot.sandbox.practice import ALICE
from bot.sandbox.slack import Message
from tests.factories import OPTION
from tests.workspace import Conversation


async def approved(workspace: Conversation) -> None:
    """A request of Alice's for Contoso, approved by Carol."""
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    await workspace.card()
    await workspace.thread()


async def test_an_answer_lost_after_the_upgrade_is_found_by_looking(
    workspace: Conversation,
) -> None:
    """The bot never sends again: it looks, and the upgrade is there."""
    await approved(workspace)
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(cut=True, after=True))
    await workspace.alice.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    told = await workspace.thread()
    assert "Partner Center's answer did not arrive. Do not repeat it." in told
    assert "The answer itself was lost; this is what Partner Center shows." in told
    assert len(workspace.upgrades()) == workspace.posts() == 1


@pytest.mark.parametrize(
    "trouble", [Trouble(cut=True), Trouble(status=500), Trouble(status=200, body={"odd": 1})]
)
async def test_an_upgrade_that_nobody_heard_of_is_handed_back_after_an_hour(
    workspace: Conversation, trouble: Trouble
) -> None:
    """While nothing shows, nothing is sent; then a person may confirm again, under the same id."""
    await approved(workspace)
    workspace.partner_center.trouble("POST", "/upgrades", trouble)
    await workspace.alice.presses("Upgrade now")
    card = await workspace.card()
    assert "⚠️ Checking the result" in card
    assert "Do not repeat the upgrade." in card
    assert "answer did not arrive" in await workspace.thread()

    await workspace.carol.presses("Check again")
    assert "cannot tell yet" in await workspace.carol.reads()
    for _ in range(13):
        await workspace.passes(minutes=5)
    assert "🔵 Approved" in await workspace.card()
    assert (
        "for an hour the subscription has shown no sign of an upgrade" in await workspace.thread()
    )
    assert workspace.posts() == 1
    assert workspace.upgrades() == []

    await workspace.alice.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()
    sent = {call.request_id for call in workspace.partner_center.calls if call.method == "POST"}
    assert len(sent) == 1
    assert len(workspace.upgrades()) == 1


async def test_check_again_finds_what_the_timer_would_have_found(workspace: Conversation) -> None:
    """Nobody has to wait for the next look."""
    await approved(workspace)
    gate = Gate()
    lost = Trouble(cut=True, after=True, gate=gate)
    workspace.partner_center.trouble("POST", "/upgrades", lost)
    await workspace.alice.presses("Upgrade now")
    await gate.arrived.wait()
    workspace.partner_center.trouble("GET", "/subscriptions", *[Trouble(status=503)] * 4)
    gate.opened.set()
    assert "⚠️ Checking the result" in await workspace.card()
    await workspace.bob.presses("Check again")
    assert "This upgrade is already done" in await workspace.bob.reads()
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()


async def test_an_upgrade_that_somebody_did_otherwise_meanwhile_fails(
    workspace: Conversation,
) -> None:
    """The source went elsewhere: this upgrade cannot happen any more, and that is said."""
    await approved(workspace)
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(cut=True))
    await workspace.alice.presses("Upgrade now")
    await workspace.card()
    source = workspace.partner_center.records.find_subscription(
        workspace.contoso,
        "896a2862-67e2-4f3d-bb3f-c50c42b5fad8",
    )
    assert source
    source["status"] = "deleted"
    await workspace.passes(hours=1)
    assert "❌ Upgrade failed" in await workspace.card()
    assert "the subscription has changed in another way" in await workspace.thread()


async def test_http_200_with_upgrade_errors_is_a_failure(workspace: Conversation) -> None:
    """Nothing was upgraded, and the words say why and what to do."""
    await approved(workspace)
    body = {
        "sourceSubscriptionId": "896a2862-67e2-4f3d-bb3f-c50c42b5fad8",
        "targetSubscriptionId": None,
        "upgradeType": 1,
        "upgradeErrors": [records.upgrade_error(4)],
        "licenseErrors": None,
    }
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(status=200, body=body))
    await workspace.alice.presses("Upgrade now")
    assert "❌ Upgrade failed" in await workspace.card()
    told = await workspace.thread()
    assert "Another change of this subscription is under way." in told
    assert "This bot has changed nothing." in told
    assert "correlation id (id)" in told


async def test_a_refusal_by_status_is_a_failure_without_microsofts_raw_text(
    workspace: Conversation,
) -> None:
    """The code is told, Microsoft's own text is not: it may hold names and ids."""
    await approved(workspace)
    body = {"code": 800023, "description": "Credit line of tenant 1234 exceeded", "data": []}
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(status=400, body=body))
    await workspace.alice.presses("Upgrade now")
    assert "❌ Upgrade failed" in await workspace.card()
    told = await workspace.thread()
    assert "Partner Center refused it (HTTP 400, code 800023)." in told
    assert "Credit line" not in told


@pytest.mark.parametrize("status", [429, 401])
async def test_an_upgrade_that_was_not_let_in_can_be_confirmed_again(
    workspace: Conversation, status: int
) -> None:
    """Throttled or not signed in: Partner Center never decided, so nothing happened."""
    await approved(workspace)
    workspace.partner_center.trouble("POST", "/upgrades", *[Trouble(status=status)] * 2)
    await workspace.alice.presses("Upgrade now")
    assert "🔵 Approved" in await workspace.card()
    assert "Partner Center did not take the upgrade" in await workspace.thread()
    workspace.partner_center.troubles.clear()
    await workspace.alice.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()
    assert len(workspace.upgrades()) == 1


async def test_when_nothing_can_be_checked_nothing_is_sent(workspace: Conversation) -> None:
    """Partner Center is down before the upgrade: the approval stands, nothing happened."""
    await approved(workspace)
    workspace.partner_center.trouble("GET", "/upgrades", *[Trouble(status=503)] * 4)
    await workspace.alice.presses("Upgrade now")
    assert "🔵 Approved" in await workspace.card()
    assert "nothing was sent and nothing has changed" in await workspace.thread()
    assert workspace.posts() == 0


async def test_drift_voids_the_approval_and_asks_again(workspace: Conversation) -> None:
    """Somebody bought seats meanwhile: what was approved is not what there is."""
    await approved(workspace)
    workspace.partner_center.records.subscriptions[workspace.contoso][0]["quantity"] = 30
    old_click = await workspace.alice.payload_of("Upgrade now")
    await workspace.alice.presses("Upgrade now")
    card = await workspace.card()
    assert "⏳ Approval needed" in card
    assert "Seats: 30" in card
    assert "0 of 1 approval." in card
    told = await workspace.thread()
    assert "not sent, because it has changed since it was approved." in told
    assert "It has changed since it was first approved" in card
    assert "• seats: was 25, is 30" in told
    assert workspace.posts() == 0

    await workspace.carol.presses("Approve")
    await workspace.alice.sends(old_click)
    assert "The request has changed since this button was shown." in await workspace.alice.reads()
    await workspace.alice.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()


async def test_an_option_that_is_no_longer_eligible_is_never_sent(workspace: Conversation) -> None:
    """However often it is approved, while Partner Center says no nothing is sent."""
    await approved(workspace)
    source = workspace.partner_center.records.subscriptions[workspace.contoso][0]
    source["status"], source["suspensionReasons"] = "suspended", ["Expiration"]
    for _ in range(2):
        await workspace.alice.presses("Upgrade now")
        assert "⏳ Approval needed" in await workspace.card()
        assert "It cannot be upgraded now. The subscription is not active." in (
            await workspace.thread()
        )
        await workspace.carol.presses("Approve")
    await workspace.card()
    await workspace.thread()
    assert workspace.posts() == 0


async def test_a_target_that_is_gone_is_never_sent(workspace: Conversation) -> None:
    """The subscription itself may be gone as well."""
    await approved(workspace)
    workspace.partner_center.records.subscriptions[workspace.contoso].clear()
    await workspace.alice.presses("Upgrade now")
    assert "❌ Upgrade failed" in await workspace.card()
    assert "This upgrade is no longer offered" in await workspace.thread()
    assert workspace.posts() == 0


async def test_a_slow_upgrade_shows_that_it_is_running(workspace: Conversation) -> None:
    """While Partner Center thinks, the card says so, and other clicks are answered."""
    await approved(workspace)
    gate = Gate()
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(gate=gate))
    click = await workspace.alice.payload_of("Upgrade now")
    await workspace.alice.sends(click)
    await gate.arrived.wait()
    assert any("⚙️ Upgrade in progress" in message.text for message in workspace.slack.messages)
    await workspace.alice.sends(click)
    gate.opened.set()
    assert "This upgrade is already running: @alice confirmed it" in await workspace.alice.reads()
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()
    assert workspace.posts() == 1


async def test_the_upgrade_is_posted_to_the_source_exactly_as_listed(
    workspace: Conversation,
) -> None:
    """The path names the subscription that is upgraded; the id of the target does not exist yet."""
    await approved(workspace)
    await workspace.alice.presses("Upgrade now")
    await workspace.card()
    await workspace.thread()
    (post,) = [call for call in workspace.partner_center.calls if call.method == "POST"]
    (upgraded,) = workspace.partner_center.records.performed
    assert post.path.endswith(f"/subscriptions/{upgraded.source}/upgrades")
    assert upgraded.source == "896a2862-67e2-4f3d-bb3f-c50c42b5fad8"


async def test_a_restart_after_every_step_changes_nothing(workspace: Conversation) -> None:
    """The story goes on where it was, whatever the bot forgot."""
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    await workspace.restarts()
    await workspace.alice.presses("Office 365 Enterprise E3 (upgrade only)")
    await workspace.alice.sees_form()
    await workspace.restarts()
    await workspace.alice.fills_in(reason="They need Office.")
    assert "⏳ Approval needed" in await workspace.card()
    await workspace.restarts()
    await workspace.carol.presses("Approve")
    assert "🔵 Approved" in await workspace.card()
    await workspace.restarts()
    await workspace.alice.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    assert (await workspace.thread()).count("was upgraded") == 1
    await workspace.restarts()
    assert workspace.posts() == 1


@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_while_performing_is_settled_at_the_next_start(
    workspace: Conversation, after: bool
) -> None:
    """Before the effect or behind it: the next start looks, and never sends again."""
    await approved(workspace)
    gate = Gate()
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(gate=gate, after=after, cut=True))
    await workspace.alice.presses("Upgrade now")
    await gate.arrived.wait()
    await workspace.crashes()
    gate.opened.set()
    await workspace.practice.start_bot()
    expected = "✅ Upgraded" if after else "⚠️ Checking the result"
    assert expected in await workspace.card()
    await workspace.thread()
    assert len(workspace.upgrades()) == (1 if after else 0)


async def test_a_crash_before_anything_was_sent_goes_on_at_the_next_start(
    workspace: Conversation,
) -> None:
    """The confirmation was stored, so nobody has to click again."""
    await approved(workspace)
    gate = Gate()
    workspace.partner_center.trouble("GET", "/upgrades", Trouble(gate=gate))
    await workspace.alice.presses("Upgrade now")
    await gate.arrived.wait()
    await workspace.crashes()
    gate.opened.set()
    await workspace.practice.start_bot()
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()
    assert workspace.posts() == len(workspace.upgrades()) == 1


async def test_two_requests_for_one_subscription_are_never_sent_at_once(
    workspace: Conversation,
) -> None:
    """The second waits until the first is settled, and then finds that it is done."""
    await approved(workspace)
    await workspace.bob.asks_for_e3()
    await workspace.carol.presses("Approve")
    await workspace.card()
    await workspace.thread()
    alices, bobs = workspace.cards()
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(cut=True))
    await workspace.alice.sends(await workspace.alice.payload_for(alices, "Upgrade now"))
    await workspace.thread()

    bobs_click = await workspace.bob.payload_for(bobs, "Upgrade now")
    await workspace.bob.sends(bobs_click)
    assert "Another upgrade of this subscription is running" in await workspace.bob.reads()
    assert workspace.posts() == 1

    for _ in range(13):
        await workspace.passes(minutes=5)
    await workspace.alice.sends(await workspace.alice.payload_for(alices, "Upgrade now"))
    await workspace.thread()
    assert "✅ Upgraded" in workspace.read(alices)
    await workspace.bob.sends(bobs_click)
    await workspace.thread()
    assert "❌ Upgrade failed" in workspace.read(bobs)
    assert len(workspace.upgrades()) == 1


async def test_a_look_that_comes_back_late_does_not_undo_the_next_attempt(
    workspace: Conversation,
) -> None:
    """Somebody's *Check again* hangs; meanwhile the request is handed back and confirmed anew."""
    await approved(workspace)
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(cut=True))
    await workspace.alice.presses("Upgrade now")
    await workspace.card()
    for _ in range(11):
        await workspace.passes(minutes=5)
    slow = Gate()
    workspace.partner_center.trouble("GET", "/subscriptions", Trouble(gate=slow, after=True))
    workspace.practice.clock.move(timedelta(minutes=10))
    await workspace.bob.sends(await workspace.bob.payload_of("Check again"))
    await slow.arrived.wait()
    await workspace.bot.worker.tick()
    await workspace.until_somebody_sees("for an hour the subscription has shown no sign")

    posting = Gate()
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(gate=posting))
    card = workspace.cards()[-1]
    await workspace.alice.sends(await workspace.alice.payload_for(card, "Upgrade now"))
    await posting.arrived.wait()
    slow.opened.set()
    assert await workspace.until_somebody_sees("This upgrade is already running")
    posting.opened.set()
    assert "✅ Upgraded" in await workspace.card()
    await workspace.thread()
    assert len(workspace.upgrades()) == 1


@pytest.mark.parametrize("trouble", [Trouble(status=408, after=True), Trouble(status=409)])
async def test_doubtful_refusals_are_looked_into(workspace: Conversation, trouble: Trouble) -> None:
    """A time-out of the server and a conflict do not say that nothing happened."""
    await approved(workspace)
    workspace.partner_center.trouble("POST", "/upgrades", trouble)
    await workspace.alice.presses("Upgrade now")
    card = await workspace.card()
    assert ("✅ Upgraded" if trouble.after else "⚠️ Checking the result") in card
    await workspace.thread()


async def test_a_subscription_that_was_bought_otherwise_is_not_taken_for_the_upgrade(
    workspace: Conversation,
) -> None:
    """Of the target's plan, but not of its seats: somebody has to look at Partner Center."""
    await approved(workspace)
    there = workspace.partner_center.records
    there.add_subscription(workspace.contoso, records.E3, 7)
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(cut=True))
    await workspace.alice.presses("Upgrade now")
    assert "⚠️ Checking the result" in await workspace.card()
    source = there.subscriptions[workspace.contoso][0]
    source["status"], source["suspensionReasons"] = "suspended", ["Transition"]
    await workspace.passes(hours=1)
    assert "❌ Upgrade failed" in await workspace.card()
    assert "Look at Partner Center before you do anything else." in await workspace.thread()


async def test_the_same_form_delivered_twice_is_one_request(workspace: Conversation) -> None:
    """Slack may deliver a submission again, too."""
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    await workspace.alice.presses("Office 365 Enterprise E3 (upgrade only)")
    await workspace.alice.sees_form()
    view = workspace.form_of(workspace.alice.id)
    interactions = workspace.practice.slack.interactions
    payload = interactions.submission_payload(view, {"reason": "Once."})
    for _ in range(3):
        await workspace.practice.slack.deliver("interactive", payload)
    workspace.slack.close_view(view)
    await workspace.card()
    cards = [m for m in workspace.slack.messages if not m.only_for and not m.thread_ts]
    assert len(cards) == 1


async def test_a_sign_in_that_breaks_at_the_last_moment_means_that_nothing_was_sent(
    workspace: Conversation,
) -> None:
    """The token was refused and no other could be had: the upgrade was never let in."""
    await approved(workspace)
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(status=401))
    workspace.partner_center.login.broken = (50076, "invalid_grant")
    await workspace.alice.presses("Upgrade now")
    assert "🔵 Approved" in await workspace.card()
    assert "Partner Center did not take the upgrade" in await workspace.thread()


async def test_a_finished_upgrade_is_looked_after(workspace: Conversation) -> None:
    """An hour and a day later the thread says how it stands, in one line."""
    await approved(workspace)
    await workspace.alice.presses("Upgrade now")
    await workspace.card()
    await workspace.thread()
    await workspace.passes(minutes=59)
    assert await workspace.thread() == ""
    await workspace.passes(minutes=1)
    assert await workspace.thread() == (
        "Looked after: The new plan is active, with 25 seats. The old subscription is suspended, "
        "because it was upgraded, with 25 seats. Licences of Office 365 Enterprise E3: 12 of 25 "
        "assigned, before none."
    )
    workspace.partner_center.records.subscriptions[workspace.contoso][-1]["status"] = "suspended"
    await workspace.passes(days=1)
    assert "@alice: please look at it in Partner Center." in await workspace.thread()
    await workspace.passes(days=30)
    await workspace.card()


async def test_what_partner_center_has_on_record_is_believed(workspace: Conversation) -> None:
    """The subscriptions show nothing yet, but the audit knows of the upgrade: no hand-back."""
    await approved(workspace)
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(cut=True))
    await workspace.alice.presses("Upgrade now")
    assert "⚠️ Checking the result" in await workspace.card()
    (post,) = [call for call in workspace.partner_center.calls if call.method == "POST"]
    record = {
        "customerId": workspace.contoso,
        "operationType": "upgrade_subscription",
        "operationStatus": "progress",
        "originalCorrelationId": post.correlation_id,
    }
    workspace.partner_center.records.audited.append(record)
    for _ in range(13):
        await workspace.passes(minutes=5)
    assert "⚠️ Checking the result" in await workspace.card()
    record["operationStatus"] = "failed"
    await workspace.passes(minutes=10)
    assert "❌ Upgrade failed" in await workspace.card()
    await workspace.thread()


@pytest.mark.parametrize("taken_over", [False, True])
async def test_a_bot_that_froze_before_the_first_byte_sends_nothing_when_it_wakes(
    workspace: Conversation, taken_over: bool
) -> None:
    """Others went on in between, and people may have taken their approval back."""
    await approved(workspace)
    requests, worker = workspace.bot.store.requests, workspace.bot.worker
    request_id = request_of(await workspace.newest_card())
    alice = Person(workspace.slack.team_id, ALICE)

    def confirm(request: Request, now: datetime) -> Transition:
        return steps.confirm(request, alice, now, request.card_ref, nothing_forbids)

    def send(request: Request, now: datetime) -> Transition:
        return steps.move(request, lifecycle.send(request.items[0], now, "1"))

    def mark_unknown(request: Request, now: datetime) -> Transition:
        return steps.move(request, lifecycle.mark_unknown(request.items[0], now))

    for step in (confirm, steps.claim_next, send):
        sent = (await requests.take(request_id, step, attend=[])).request.items[0]
    if taken_over:
        await requests.take(request_id, mark_unknown, attend=[])
    workspace.practice.clock.move(SEND_WITHIN)
    await worker._executor._send(sent, Listed(OPTION, {}))
    assert (await requests.get(request_id)).items[0].state is State.APPROVED
    assert workspace.posts() == 0
    await worker.put(request_id)
    assert "🔵 Approved" in await workspace.card()
    assert "The bot was away when the upgrade was due" in await workspace.thread()


def request_of(card: Message) -> str:
    """The request that a card is about."""
    action = next(block for block in card.blocks if block["type"] == "actions")
    return action_ids.card_ref(action["elements"][0]["value"]).request_id
