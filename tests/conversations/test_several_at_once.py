"""Several upgrades at once: one table, one preview, one card, one approval, one confirmation."""

import csv
from datetime import timedelta
from typing import Any

from bot.domain.item import State
from bot.requests import rate_limit
from bot.sandbox.partner_center import Gate, Trouble, records
from bot.sandbox.practice import CHANNEL
from bot.sandbox.slack import Message
from bot.sandbox.slack.web_api import Trouble as SlackTrouble
from tests.conftest import Start
from tests.tables import E3, asked, customers, previewed, table
from tests.workspace import Conversation


async def approved(workspace: Conversation, number: int = 12) -> list[str]:
    """… and Carol has approved all of them."""
    domains = await asked(workspace, number)
    await workspace.carol.presses("Approve all")
    assert "🔵 Approved" in await workspace.card()
    assert f"Approved by @carol: all {number} upgrades." in await workspace.thread()
    assert f"Your {number} upgrades are approved. It is your turn" in await workspace.alice.reads()
    return domains


async def test_twelve_customers_are_upgraded_with_one_approval_and_one_confirmation(
    workspace: Conversation,
) -> None:
    """The whole story, as everybody reads it."""
    alice, carol = workspace.alice, workspace.carol
    domains = customers(workspace)
    assert await previewed(workspace, table(domains[:2])) == (
        """\
2 upgrades, 13 seats in all:
line 1: Shop 01 (shop01.example): Office 365 Enterprise E1 → Office 365 Enterprise E3, 6 seats, \
upgrade only
line 2: Shop 02 (shop02.example): Office 365 Enterprise E1 → Office 365 Enterprise E3, 7 seats, \
upgrade only
Price: not known to the bot; look it up before you decide
[Ask the team for 2 upgrades]
Nothing is asked or ordered yet. The button is good for a day."""
    )
    assert "12 upgrades, 138 seats in all:" in await previewed(workspace, table(domains))
    await alice.presses("Ask the team for 12 upgrades")
    card = await workspace.card()
    assert card.startswith(
        """\
⏳ Approval needed
12 upgrades, 138 seats in all, asked for by @alice 2026-11-20 09:00 UTC
Price: not known to the bot; look it up before you decide
Reason: Everybody moves to E3.
Customer's consent: none given
An upgrade cannot be undone, and its seats are bought at once. There is no new cancellation \
window, and seats cannot be added with it. Old subscriptions outside new commerce are suspended, \
and promotions are lost.
12 upgrades: 1 approval needed, of @license-approvers.
All of them expire 2026-11-21 09:00 UTC.
⏳ waits · Shop 01 (shop01.example): Office 365 Enterprise E1 → Office 365 Enterprise E3, 6 seats, \
upgrade only
⏳ waits · Shop 02"""
    )
    assert card.endswith(
        "upgrade only\n[Approve all] [I'm looking] [Leave rows out] [Decline] [Withdraw] "
        "[Partner Center]"
    )
    await carol.presses("Approve all")
    card = await workspace.card()
    assert card.startswith("🔵 Approved")
    assert card.count("🔵 approved · Shop") == 12
    assert (
        """\
Approved by @carol (12).
@alice can start 12 upgrades.
All of them expire 2026-11-21 09:00 UTC.
"""
        in card
    )
    assert card.endswith("[Upgrade now] [Leave rows out] [Decline] [Withdraw] [Partner Center]")
    assert await workspace.thread() == (
        "Approved by @carol: all 12 upgrades. @alice: Upgrade now can be pressed."
    )

    assert "It is your turn: press Upgrade now on their card" in await alice.reads()

    await workspace.passes(minutes=5)
    await alice.presses("Upgrade now")
    card = await workspace.card()
    assert card.startswith("✅ Upgraded")
    assert card.count("✅ upgraded · Shop") == 12
    assert (
        """\
Approved by @carol (12).
Started by @alice 2026-11-20 09:05 UTC.
Progress: 12 done.
The thread says what became of each.
✅ upgraded · Shop 01"""
        in card
    )
    told = (await workspace.thread()).split("\n\n")
    assert len(told) == 15
    assert told[0] == "Started by @alice: all 12 upgrades, one after the other."
    assert told[1] == (
        """\
✅ Shop 01 (shop01.example) was upgraded: Office 365 Enterprise E1 → Office 365 Enterprise E3, \
6 seats, upgrade only.
New subscription (id). For Microsoft's support: correlation id (id), request id (id)"""
    )
    assert told[13] == "(file) What became of 12 upgrades"
    assert told[14] == "@alice: everything is settled: 12 upgraded."
    (file,) = workspace.slack.files.values()
    assert file.content
    rows = list(csv.reader(file.content.decode("utf-8-sig").splitlines()))
    assert [len(rows), rows[1][:2], rows[1][3:8]] == [
        13,
        ["Shop 01", "shop01.example"],
        ["Office 365 Enterprise E1", E3, "6", "upgrade_only", "done"],
    ]
    assert len(workspace.upgrades()) == workspace.posts() == 12


async def test_every_bad_line_says_what_to_do_and_the_others_can_be_asked_for(
    workspace: Conversation,
) -> None:
    """A heading, quotation marks, tabs or semicolons; and whatever can be wrong with a line."""
    partner = workspace.partner_center.records
    two = partner.add_customer("Adatum", "adatum.example")
    partner.add_subscription(two, records.E1, 4)
    partner.add_subscription(two, records.E1, 6)
    quoted = partner.add_customer("Proseware, Inc.", "proseware.example")
    partner.add_subscription(quoted, records.E1, 8)
    pasted = f"""\
Customer,Target plan,How
contoso.onmicrosoft.com, {E3}
"Proseware, Inc.", 796B6B5F-613C-4E24-A17C-EBA730D49C02, with license transfer

Proseware, Inc., {E3}
fabrikam, Office 365 Enterprise E5
nobody at all, {E3}
Contoso, Office 365 Enterprise E9
Tailspin, {E3}
wingtip.example, {E3}
{workspace.contoso}, {E3}, upgrade only
contoso.onmicrosoft.com, {E3}, quickly
Adatum, {E3}
fabrikam.example, Office 365 Enterprise E5, with licence transfer
<!channel>, {E3}
northwind.example"""
    assert await previewed(workspace, pasted) == (
        """\
2 upgrades, 33 seats in all:
line 2: Contoso (contoso.onmicrosoft.com): Office 365 Enterprise E1 → Office 365 Enterprise E3, \
25 seats, upgrade only
line 3: Proseware, Inc. (proseware.example): Office 365 Enterprise E1 → Office 365 Enterprise E3, \
8 seats, with licence transfer
Price: not known to the bot; look it up before you decide
12 lines cannot be asked for:
line 5: “Office 365 Enterprise E3” is neither “with licence transfer” nor “upgrade only”. Put a \
name that has a comma in quotation marks.
line 6: 2 customers are meant by fabrikam. Write the domain: \
fabrikam-emea.example, fabrikam.example.
line 7: no customer is called nobody at all. Write the domain.
line 8: Contoso cannot become “Office 365 Enterprise E9”. Possible: Office 365 Enterprise E3, \
Office 365 Enterprise E5.
line 9: nothing can be upgraded at Tailspin in this way.
line 10: nothing can be upgraded at Wingtip Toys in this way.
line 11: the same subscription as line 2.
line 12: “quickly” is neither “with licence transfer” nor “upgrade only”. Put a name that has a \
comma in quotation marks.
line 13: Adatum has several subscriptions that can become Office 365 Enterprise E3. Ask with \
`/upgrade adatum.example`.
line 14: Fabrikam cannot become Office 365 Enterprise E5 now. It conflicts with a service of \
another subscription. An upgrade without licence transfer often still works.
line 15: “&lt;!channel&gt;” is not a customer's name.
line 16: “northwind.example” is not a line of customer, plan and, if need be, “with licence \
transfer”. Put a name that has a comma in quotation marks.
[Ask the team for 2 upgrades]
Nothing is asked or ordered yet. The button is good for a day. Lines that cannot be asked for now \
can be pasted again later, by themselves."""
    )
    await workspace.alice.presses("Ask the team for 2 upgrades")
    assert "2 upgrades, 33 seats in all" in await workspace.card()
    preview = await previewed(workspace, f"contoso.onmicrosoft.com;{E3}\nnobody;{E3}")
    assert "line 1: contoso.onmicrosoft.com: this subscription is asked for already" in preview
    assert "Nothing was asked for. Type `/upgrade bulk` and paste the corrected lines." in preview


async def test_what_the_form_lacks_stands_beside_its_fields(start: Start) -> None:
    """Nothing to read, too many lines, no reason, no consent; the form stays open."""
    workspace = await start('[policy]\napprovers = ["S0APPROVERS"]\nevidence = "required"')
    alice, good = workspace.alice, {"reason": "Why not.", "evidence": "https://mail.example/1"}
    await alice.types("/upgrade bulk")
    assert "Upgrades, one a line: ____\nReason: ____" in await alice.sees_form()
    await alice.fills_in(table="contoso", **good)
    assert "! No line has a customer and a plan." in await alice.sees_form()
    await alice.fills_in(table=table([f"c{n}" for n in range(51)]), **good)
    assert "! At most 50 at once: these are 51 lines." in await alice.sees_form()
    await alice.fills_in(table="contoso, E3", reason=" ", evidence="https://mail.example/1")
    assert "! Please say why" in await alice.sees_form()
    await alice.fills_in(table="contoso, E3", reason="Why not.")
    assert "! The policy asks for a link to the customer's consent." in await alice.sees_form()
    await alice.fills_in(table="contoso, E3", reason="Why not.", evidence="my mailbox")
    assert "! Please give a web address" in await alice.sees_form()
    await alice.fills_in(table=f"contoso, {E3}", **good)
    assert "Ask the team for 1 upgrade" in await alice.reads()
    await alice.presses("Ask the team for 1 upgrade")
    assert "link to mail.example [https://mail.example/1]" in await workspace.card()


async def test_a_preview_takes_as_many_look_ups_as_it_looks_at_customers(
    workspace: Conversation,
) -> None:
    """Somebody with a table is slowed down like somebody who types; the form keeps the table until
    there is room for all of it, and lines that are not looked up take nothing."""
    alice, domains = workspace.alice, customers(workspace, 50)
    assert "50 upgrades" in await previewed(workspace, table(domains))
    before = len(workspace.partner_center.calls)
    await alice.types("/upgrade bulk")
    await alice.sees_form()
    left = rate_limit.AT_ONCE - 50 - 2  # the command was typed twice
    await alice.fills_in(table=table(domains[: left + 1]), reason="Once more.")
    assert "! That was very often in a short time" in await alice.sees_form()
    assert len(workspace.partner_center.calls) == before
    nobody = "<!channel>, E3\nnorthwind.example\ncontoso, E3, quickly\n"
    await alice.fills_in(table=nobody + table(domains[:left]), reason="Once more.")
    assert f"{left} upgrades" in await alice.reads()

    assert "50 upgrades" in await previewed(workspace, table(domains), "bob")
    await workspace.passes(minutes=1)
    assert "50 upgrades" in await previewed(workspace, table(domains))


async def test_a_preview_is_its_readers_for_a_day(workspace: Conversation) -> None:
    """Nobody else can ask with its button, twice is once, and after a day it is gone."""
    await previewed(workspace, table(customers(workspace, 2)))
    click = await workspace.bob.payload_of("Ask the team for 2 upgrades", workspace.alice)
    await workspace.bob.sends(click)
    assert "These options were listed for somebody else." in await workspace.bob.reads()
    click = await workspace.alice.payload_of("Ask the team for 2 upgrades")
    await workspace.alice.sends(click)
    await workspace.alice.sends(click)
    await workspace.card()
    assert cards(workspace) == 1
    await previewed(workspace, f"contoso, {E3}")
    await workspace.passes(hours=25)
    assert "expired" in await workspace.thread()
    await workspace.card()
    await workspace.alice.presses("Ask the team for 1 upgrade")
    assert "These options are more than a day old" in await workspace.alice.reads()


async def test_what_was_asked_for_between_preview_and_button_is_left_out(
    workspace: Conversation,
) -> None:
    """And where nothing is left, nothing is asked."""
    domains = customers(workspace, 2)
    await previewed(workspace, table([*domains, "contoso.onmicrosoft.com"]))
    late = await workspace.alice.payload_of("Ask the team for 3 upgrades")
    await previewed(workspace, table(["contoso.onmicrosoft.com"]))
    later = await workspace.alice.payload_of("Ask the team for 1 upgrade")
    await workspace.alice.asks_for_e3()
    await workspace.card()
    await workspace.alice.sends(later)
    assert "Another upgrade of this subscription is running" in await workspace.alice.reads()
    await workspace.alice.sends(late)
    assert "2 upgrades" in await workspace.card()
    assert await workspace.alice.reads() == (
        "Left out, because the same subscription was asked for meanwhile or is being upgraded: "
        "contoso.onmicrosoft.com."
    )


async def test_an_approver_leaves_rows_out_and_the_requester_reads_why(
    workspace: Conversation,
) -> None:
    """The others stay as they are, and only they are performed."""
    await approved(workspace, 4)
    await workspace.bob.presses("Leave rows out")
    assert "Only @license-approvers can decide about this." in await workspace.bob.reads()
    await workspace.carol.presses("Leave rows out")
    form = await workspace.carol.sees_form()
    assert "Which upgrades?: ____\nWhy not?: ____" in form
    await workspace.carol.fills_in(rows=options(workspace, "Shop 02", "Shop 03"), reason="Not yet.")
    card = await workspace.card()
    assert card.count("🔵 approved · Shop") == card.count("⛔ declined · Shop") == 2
    assert await workspace.thread() == (
        "@alice: @carol declined 2 upgrades (Shop 02 (shop02.example), Shop 03 (shop03.example)): "
        "Not yet. Nothing was ordered for them."
    )
    await workspace.alice.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    assert "everything is settled: 2 upgraded, 2 declined." in await workspace.thread()
    assert workspace.posts() == 2


async def test_whoever_leaves_out_a_row_that_was_begun_meanwhile_reads_that_it_was(
    workspace: Conversation,
) -> None:
    """Carol chooses while Alice presses; the row that is being ordered is not left out silently."""
    await approved(workspace, 3)
    await workspace.carol.presses("Leave rows out")
    await workspace.carol.sees_form()
    form = workspace.form_of(workspace.carol.id)
    entered = {"rows": options(workspace, "Shop 01", "Shop 02"), "reason": "Not yet."}
    gate = Gate()
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(gate=gate))
    await workspace.alice.presses("Upgrade now")
    await gate.arrived.wait()
    await workspace.practice.slack.interactions.submit(form, entered)
    assert await workspace.until_somebody_sees("It changed nothing about the others") == (
        "Your click was for 1 upgrade. It changed nothing about the others:\n"
        "• Shop 01 (shop01.example): it has changed since"
    )
    gate.opened.set()
    assert (await workspace.card()).startswith("✅ Upgraded")
    assert "everything is settled: 2 upgraded, 1 declined." in await workspace.thread()
    assert workspace.posts() == 2


async def test_all_can_be_declined_once(workspace: Conversation) -> None:
    """With a reason; what is delivered again is not done again."""
    await asked(workspace, 3)
    await workspace.bob.presses("Decline")
    assert "Only @license-approvers can decide about this." in await workspace.bob.reads()
    await workspace.carol.presses("Decline")
    assert "3 upgrades: Shop 01 (shop01.example), Shop 02" in await workspace.carol.sees_form()
    workspace.practice.slack.deliveries = 3
    await workspace.carol.fills_in(reason="The contract ends.")
    card = await workspace.card()
    assert card.startswith("⛔ Declined")
    assert card.endswith("[Ask again] [Partner Center]")
    assert await workspace.thread() == (
        "@alice: @carol declined all 3 upgrades: The contract ends. Nothing was ordered for them."
    )
    assert workspace.posts() == 0


async def test_the_requester_withdraws_what_is_not_begun(workspace: Conversation) -> None:
    """And nobody else does."""
    await asked(workspace, 3)
    await workspace.carol.presses("Withdraw")
    assert "Only @alice, who asked for it, can withdraw this." in await workspace.carol.reads()
    await workspace.alice.presses("Withdraw")
    assert (await workspace.card()).startswith("↩️ Withdrawn")
    assert await workspace.thread() == (
        "@alice withdrew all 3 upgrades. Nothing was ordered for them."
    )


async def test_nobody_approves_what_they_asked_for_themselves(start: Start) -> None:
    """Nor do people who are no approvers; their clicks change nothing."""
    workspace = await start('[policy]\napprovers = ["U0ALICE", "U0CAROL"]')
    await asked(workspace, 2)
    before = await workspace.card()
    await workspace.alice.presses("Approve all")
    assert "somebody else has to approve it" in await workspace.alice.reads()
    await workspace.bob.presses("Approve all")
    assert "Only @alice or @carol can decide about this." in await workspace.bob.reads()
    await workspace.bob.presses("Withdraw")
    assert "Only @alice, who asked for it, can withdraw this." in await workspace.bob.reads()
    assert await workspace.card() == before


async def test_rows_that_need_more_approvals_wait_for_them(start: Start) -> None:
    """Each row by its own policy; what is approved can be started, and the rest later."""
    workspace = await start(
        '[policy]\napprovers = ["U0CAROL", "U0BOB"]\n[[policy.rules]]\nmin_seats = 8\napprovals = 2'
    )
    await asked(workspace, 3)
    card = await workspace.card()
    assert "2 upgrades: 1 approval needed, of @bob or @carol" in card.replace(
        "@carol or @bob", "@bob or @carol"
    )
    assert "1 upgrade: 2 approvals needed" in card
    await workspace.carol.presses("Approve all")
    card = await workspace.card()
    assert card.count("🔵 approved") == 2
    assert "⏳ waits (1 of 2) · Shop 03" in card
    assert await workspace.thread() == "Approved by @carol: all 3 upgrades."
    await workspace.carol.presses("Approve all")
    assert "You have approved this already." in await workspace.carol.reads()

    await workspace.alice.presses("Upgrade now")
    assert (await workspace.card()).count("✅ upgraded") == 2
    assert "1 waiting for approval" not in await workspace.thread()
    await workspace.bob.presses("Approve all")
    await workspace.card()
    assert "Approved by @bob: 1 upgrade (Shop 03 (shop03.example))." in await workspace.thread()
    assert "Your upgrade is approved." in await workspace.alice.reads()
    await workspace.alice.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    assert "everything is settled: 3 upgraded." in await workspace.thread()


async def test_an_approver_of_some_rows_approves_those_and_is_told_about_the_others(
    start: Start,
) -> None:
    """The answer says truthfully what the click did not do, and who may."""
    workspace = await start(
        '[policy]\napprovers = ["U0CAROL", "U0BOB"]\n'
        '[[policy.rules]]\nmin_seats = 8\napprovers = ["U0BOB"]'
    )
    await asked(workspace, 3)
    await workspace.carol.presses("Approve all")
    assert await workspace.carol.reads() == (
        "Your click was for 2 upgrades. It changed nothing about the others:\n"
        "• Shop 03 (shop03.example): only @carol or @bob, who are also of @bob can decide about it"
    )
    assert "Approved by @carol: 2 upgrades" in await workspace.thread()
    await workspace.bob.presses("Approve all")
    assert (await workspace.card()).startswith("🔵 Approved")
    assert "Approved by @bob: 1 upgrade" in await workspace.thread()
    assert "It is your turn" in await workspace.alice.reads()


async def test_after_a_failure_the_rest_is_left_alone_until_a_person_goes_on(
    workspace: Conversation,
) -> None:
    """`failures_allowed = 0`: the first failure stops it; nothing is sent for the others."""
    await approved(workspace, 5)
    workspace.partner_center.trouble("POST", "/upgrades", *good(1), Trouble(status=400))
    await workspace.alice.presses("Upgrade now")
    card = await workspace.card()
    assert card.startswith("✋ Stopped")
    assert [card.count(word) for word in ("✅ upgraded", "❌ failed", "🔵 approved")] == [1, 1, 3]
    assert "Progress: 1 done, 1 failed, 3 left." in card
    told = await workspace.thread()
    assert "Shop 02 was not upgraded." in told
    assert (
        "✋ @alice: stopped, because 1 upgrade failed, is not known to have worked, or came back: "
        "1 upgrade (Shop 02 (shop02.example)). The policy allows 0. 3 upgrades stay approved, and "
        "Upgrade now can be pressed again." in told
    )
    assert workspace.posts() == 2

    await workspace.carol.presses("Upgrade now")
    assert "Only @alice, who asked for it, can start this upgrade." in await workspace.carol.reads()
    await workspace.alice.presses("Upgrade now")
    card = await workspace.card()
    assert card.startswith("⚠️ Partly upgraded")
    assert "Progress: 3 done." in card
    assert "everything is settled: 4 upgraded, 1 failed." in await workspace.thread()
    assert len(workspace.upgrades()) == 4
    assert workspace.posts() == 5


async def test_the_policy_can_allow_failures(start: Start) -> None:
    """The least of all rules counts, over all rows."""
    workspace = await start(
        '[policy]\napprovers = ["S0APPROVERS"]\nfailures_allowed = 2\n'
        "[[policy.rules]]\nmin_seats = 9\nfailures_allowed = 1"
    )
    await approved(workspace, 4)
    workspace.partner_center.trouble("POST", "/upgrades", *[Trouble(status=400)] * 2)
    await workspace.alice.presses("Upgrade now")
    card = await workspace.card()
    assert card.startswith("✋ Stopped")
    assert "Progress: 0 done, 2 failed, 2 left." in card
    assert "The policy allows 1." in await workspace.thread()


async def test_a_row_that_drifted_is_asked_about_again_and_the_others_go_on(
    workspace: Conversation,
) -> None:
    """Nothing is sent for it; its approvals are void, and the card asks about what there is."""
    await approved(workspace, 3)
    source(workspace, "Shop 02")["quantity"] = 70
    await workspace.alice.presses("Upgrade now")
    card = await workspace.card()
    assert card.startswith("⏳ Approval needed")
    assert "⏳ waits · Shop 02 (shop02.example): Office 365 Enterprise E1 → Office 365" in card
    assert "70 seats" in card
    assert card.count("✅ upgraded") == 2
    told = await workspace.thread()
    assert "Shop 02 (shop02.example)\n@alice: not sent, because it has changed since" in told
    assert (
        "@alice: everything that was started has had its turn: 2 upgraded, 1 waiting for approval."
        in told
    )
    assert workspace.posts() == 2
    await workspace.carol.presses("Approve all")
    assert "It is your turn" in await workspace.alice.reads()
    await workspace.alice.presses("Upgrade now")
    assert (await workspace.card()).startswith("✅ Upgraded")
    assert "everything is settled: 3 upgraded." in await workspace.thread()


async def test_a_lost_answer_counts_as_a_failure_and_is_found_by_looking(
    workspace: Conversation,
) -> None:
    """The next row is not begun while nobody knows; nothing is ever sent again."""
    await approved(workspace, 3)
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(cut=True))
    await workspace.alice.presses("Upgrade now")
    card = await workspace.card()
    assert "⚠️ being checked · Shop 01" in card
    assert "Where Partner Center's answer was lost, do not repeat the upgrade." in card
    assert card.startswith("✋ Stopped")
    told = await workspace.thread()
    assert "Shop 01 (shop01.example)\n@alice: the upgrade was sent, but Partner Center's" in told
    assert "stopped, because 1 upgrade failed" in told
    assert workspace.posts() == 1
    await workspace.bob.presses("Check again")
    assert "cannot tell yet: Shop 01 (shop01.example)" in await workspace.bob.reads()

    await workspace.alice.presses("Upgrade now")  # the others
    card = await workspace.card()
    assert card.count("✅ upgraded") == 2
    assert card.startswith("⚠️ Checking the result")
    await workspace.thread()
    workspace.partner_center.records.upgrade(*upgrade_by_hand(workspace, "Shop 01"))
    await workspace.bob.presses("Check again")
    assert "know what came of all of them" in await workspace.bob.reads()
    assert (await workspace.card()).startswith("✅ Upgraded")
    told = await workspace.thread()
    assert "The answer itself was lost; this is what Partner Center shows." in told
    assert "everything is settled: 3 upgraded." in told
    assert workspace.posts() == 3


async def test_what_partner_center_works_on_does_not_hold_up_the_next(
    workspace: Conversation,
) -> None:
    """New commerce takes minutes to a day; the end is told when it is there."""
    domains = customers(workspace, 2)
    pasted = f"litware, Microsoft 365 Business Standard\n{table(domains)}"
    preview = await previewed(workspace, pasted)
    assert "line 1: Litware" in preview
    await workspace.alice.presses("Ask the team for 3 upgrades")
    card = await workspace.card()
    assert "What is scheduled for the renewal is deleted: Litware (litware.example)." in card
    await workspace.carol.presses("Approve all")
    await workspace.card()
    await workspace.thread()
    await workspace.alice.reads()
    await workspace.alice.presses("Upgrade now")
    card = await workspace.card()
    assert "⚙️ in progress · Litware" in card
    assert "Progress: 2 done, 1 at Microsoft." in card
    assert "1 still worked on by Partner Center" in await workspace.thread()
    await workspace.passes(minutes=10)
    await workspace.restarts()
    await workspace.passes(minutes=40)
    assert (await workspace.card()).startswith("✅ Upgraded")
    assert "everything is settled: 3 upgraded." in await workspace.thread()


async def test_the_card_says_how_far_it_is_while_it_runs(workspace: Conversation) -> None:
    """Edited at most once a second; with an idea of the time that is left. Meanwhile nobody can
    start it again, and the requester can take back what was not begun."""
    await approved(workspace, 4)
    gate = Gate()
    workspace.partner_center.trouble("POST", "/upgrades", *good(2), Trouble(gate=gate))
    late = await workspace.alice.payload_of("Upgrade now")
    await workspace.alice.presses("Upgrade now")
    await gate.arrived.wait()
    workspace.practice.clock.move(timedelta(minutes=4))
    await workspace.bot.worker.tick()
    card = await workspace.until_somebody_sees("left, less than")
    assert "Progress: 2 done, 2 left, less than a minute left." in card
    assert "⚙️ in progress · Shop 03" in card
    await workspace.alice.sends(late)
    answer = await workspace.until_somebody_sees("are running already")
    assert "These upgrades are running already: @alice started them 2026-11-20 09:00 UTC." in answer
    await workspace.practice.slack.interactions.deliver_click(
        await workspace.alice.payload_for(newest_card(workspace), "Withdraw")
    )
    gate.opened.set()
    assert (await workspace.card()).startswith("✅ Upgraded")
    told = await workspace.thread()
    assert "@alice withdrew 1 upgrade (Shop 04 (shop04.example))." in told
    assert "everything is settled: 3 upgraded, 1 withdrawn." in told
    assert "passed over" not in told
    assert workspace.posts() == 3


async def test_a_crash_in_the_middle_settles_the_row_in_flight_and_goes_on(
    workspace: Conversation,
) -> None:
    """Nothing is sent twice: what was in flight is looked for, and the bundle goes on."""
    await approved(workspace, 4)
    gate = Gate()
    held = Trouble(gate=gate, after=True)
    workspace.partner_center.trouble("POST", "/upgrades", *good(1), held)
    await workspace.alice.presses("Upgrade now")
    await gate.arrived.wait()
    await workspace.crashes()
    gate.opened.set()
    await workspace.practice.start_bot()
    assert (await workspace.card()).startswith("✅ Upgraded")
    told = await workspace.thread()
    assert "Partner Center's answer did not arrive. Do not repeat it." in told
    assert "this is what Partner Center shows" in told
    assert "everything is settled: 4 upgraded." in told
    assert len(workspace.upgrades()) == workspace.posts() == 4


async def test_a_restart_between_two_rows_goes_on_with_the_next(workspace: Conversation) -> None:
    """A row that was claimed and not sent is performed, and then the others."""
    await approved(workspace, 3)
    gate = Gate()
    workspace.partner_center.trouble("GET", "/upgrades", *good(2), Trouble(gate=gate))
    await workspace.alice.presses("Upgrade now")
    await gate.arrived.wait()
    await workspace.crashes()
    gate.opened.set()
    await workspace.practice.start_bot()
    assert (await workspace.card()).startswith("✅ Upgraded")
    assert "everything is settled: 3 upgraded." in await workspace.thread()
    assert len(workspace.upgrades()) == workspace.posts() == 3


async def test_when_partner_center_is_away_the_rest_is_left_alone(workspace: Conversation) -> None:
    """A row that came back unsent stops it too: the next would only come back as well."""
    await approved(workspace, 3)
    workspace.partner_center.trouble("GET", "/upgrades", *[Trouble(status=503)] * 4)
    await workspace.alice.presses("Upgrade now")
    card = await workspace.card()
    assert card.startswith("✋ Stopped")
    assert "Progress: 0 done, 1 not performed, 2 left." in card
    assert "3 upgrades stay approved" in await workspace.thread()
    assert workspace.posts() == 0
    await workspace.alice.presses("Upgrade now")
    assert (await workspace.card()).startswith("✅ Upgraded")
    await workspace.thread()


async def test_a_subscription_that_is_being_upgraded_otherwise_is_passed_over(
    workspace: Conversation,
) -> None:
    """The others are performed, and it stays approved."""
    domains = customers(workspace, 2)
    await previewed(workspace, table(["contoso.onmicrosoft.com", *domains]))
    click = await workspace.alice.payload_of("Ask the team for 3 upgrades")
    await workspace.alice.sends(click)
    await workspace.card()
    await workspace.carol.presses("Approve all")
    await workspace.alice.asks_for_e3()
    await workspace.carol.presses("Approve")
    await workspace.card()
    await workspace.alice.reads()
    gate = Gate()
    workspace.partner_center.trouble("POST", "/upgrades", Trouble(gate=gate, cut=True, after=False))
    await press_in(workspace, "alice", "Upgrade now", which=1)
    await gate.arrived.wait()
    await press_in(workspace, "alice", "Upgrade now", which=0)
    passed_over = await workspace.until_somebody_sees("was passed over")
    assert passed_over == (
        "Contoso (contoso.onmicrosoft.com) was passed over: another upgrade of the same "
        "subscription is running. Nothing was sent for it."
    )
    gate.opened.set()
    await workspace.bot.quiet()
    assert "2 upgraded, 1 approved and not performed" in await workspace.thread()
    assert workspace.posts() == 3
    for message in channel_messages(workspace):
        workspace.read(message)


async def test_approvers_are_reminded_once_for_all_rows_and_then_all_expire(
    workspace: Conversation,
) -> None:
    """One line each; no row is due by itself."""
    await asked(workspace, 3)
    await workspace.passes(hours=2)
    assert await workspace.thread() == (
        "@license-approvers: 3 upgrades still wait for approval. The first of them expires "
        "2026-11-21 09:00 UTC."
    )
    await workspace.passes(hours=3)
    assert await workspace.thread() == ""
    await workspace.passes(hours=19)
    assert (await workspace.card()).startswith("⏰ Expired")
    assert await workspace.thread() == (
        "@alice: all 3 upgrades expired before being approved and confirmed. Nothing was ordered "
        "for them. Type `/upgrade bulk` to ask again."
    )


async def test_a_click_that_comes_too_late_is_refused_before_any_timer_ran(
    workspace: Conversation,
) -> None:
    """A row's own expiry is part of its step."""
    await asked(workspace, 2)
    click = await workspace.carol.payload_of("Approve all")
    workspace.practice.clock.move(timedelta(hours=24))
    await workspace.carol.sends(click)
    assert "This expired 2026-11-21 09:00 UTC" in await workspace.carol.reads()
    assert (await workspace.card()).startswith("⏰ Expired")
    assert "all 2 upgrades expired" in await workspace.thread()


async def test_the_button_of_an_old_card_changes_nothing(workspace: Conversation) -> None:
    """Neither an approval of what has drifted since, nor a confirmation of what was tried."""
    await asked(workspace, 2)
    approve = await workspace.carol.payload_of("Approve all")
    await workspace.carol.sends(approve)
    await workspace.alice.reads()
    await workspace.card()
    confirm = await workspace.alice.payload_of("Upgrade now")
    source(workspace, "Shop 01")["quantity"] = 70
    source(workspace, "Shop 02")["quantity"] = 71
    await workspace.alice.sends(confirm)
    await workspace.card()
    await workspace.thread()
    await workspace.carol.sends(approve)
    assert "has changed since this button was shown" in await workspace.carol.reads()
    await workspace.carol.presses("Approve all")
    await workspace.alice.reads()
    await workspace.alice.sends(confirm)
    assert "has changed since this button was shown" in await workspace.alice.reads()
    await workspace.card()
    await workspace.thread()
    assert workspace.posts() == 0


async def test_whatever_is_delivered_again_has_one_effect_and_one_answer(
    workspace: Conversation,
) -> None:
    """Commands, forms and clicks, all of them four times."""
    workspace.practice.slack.deliveries = 4
    domains = customers(workspace, 3)
    await workspace.bot.directory.refresh()
    await workspace.alice.types("/upgrade bulk")
    await workspace.alice.fills_in(table=table(domains), reason="All of them.")
    answers = await workspace.alice.reads()
    assert answers.count("I look at 3 lines") == answers.count("Ask the team for") == 1
    await workspace.alice.presses("Ask the team for 3 upgrades")
    await workspace.bob.presses("Approve all")
    assert (await workspace.bob.reads()).count("Only @license-approvers") == 1
    await workspace.carol.presses("Approve all")
    await workspace.card()
    assert (await workspace.thread()).count("Approved by") == 1
    assert (await workspace.alice.reads()).count("It is your turn") == 1
    await workspace.alice.presses("Upgrade now")
    assert "✅ Upgraded" in await workspace.card()
    assert (await workspace.thread()).count("was upgraded") == 3
    assert cards(workspace) == 1
    assert len(workspace.upgrades()) == workspace.posts() == 3


async def test_a_card_copied_to_another_channel_decides_nothing(workspace: Conversation) -> None:
    """Nor does a button of an item, which has no card of its own."""
    await asked(workspace, 2)
    slack = workspace.slack
    slack.add_channel("C0OTHER", "other", {workspace.carol.id, slack.bot.id})
    for label in ("Approve all", "Leave rows out", "Decline", "Withdraw"):
        click = await workspace.carol.payload_of(label)
        click["channel"]["id"] = click["container"]["channel_id"] = "C0OTHER"
        await workspace.carol.sends(click)
        assert "This is a copy of a request of another channel" in await workspace.carol.reads()
    click = await workspace.carol.payload_of("Approve all")
    for row in await rows(workspace):
        for action in ("approve", "decline", "withdraw", "upgrade_now", "check_again", "looking"):
            click["actions"][0] |= {"action_id": action, "value": f"{row}.1.0"}
            await workspace.carol.sends(click)
            assert "I do not know this request (any more)." in await workspace.carol.reads()
    assert (await workspace.card()).count("⏳ waits") == 2


async def test_an_approval_is_of_slacks_answer_now(workspace: Conversation) -> None:
    """While Slack does not say who is in the group, nobody is."""
    await asked(workspace, 2)
    workspace.practice.slack.trouble("usergroups.users.list", SlackTrouble(error="fatal_error"))
    await workspace.carol.presses("Approve all")
    assert "Slack did not tell me who may decide here." in await workspace.carol.reads()
    assert (await workspace.card()).count("⏳ waits") == 2


async def test_where_the_bot_may_not_post_the_requester_is_told_once(
    workspace: Conversation,
) -> None:
    """It is kept, and posted when the bot is invited."""
    await previewed(workspace, table(customers(workspace, 2)))
    members = workspace.slack.channels[CHANNEL].members
    members.remove(workspace.slack.bot.id)
    await workspace.alice.presses("Ask the team for 2 upgrades")
    assert await workspace.alice.reads() == (
        "I could not show the request for 2 upgrades in #upgrades, because I am not in that "
        "channel. It is kept, and nothing was ordered. Type `/invite @upgrade-bot` there and I "
        "will post it."
    )
    members.add(workspace.slack.bot.id)
    await workspace.passes(minutes=1)
    assert "⏳ Approval needed" in await workspace.card()


async def test_each_item_starts_as_its_policy_says(start: Start) -> None:
    """With `nobody` at its last approval, and with `approver` when one of them presses."""
    workspace = await start(
        '[policy]\napprovers = ["S0APPROVERS"]\nconfirm = "nobody"\n'
        '[[policy.rules]]\nmin_seats = 7\nconfirm = "approver"'
    )
    await asked(workspace, 2)
    await workspace.carol.presses("Approve all")
    card = await workspace.card()
    assert "✅ upgraded · Shop 01" in card
    assert "@license-approvers can start 1 upgrade." in card
    assert workspace.posts() == 1
    told = await workspace.thread()
    assert "Approved by @carol: all 2 upgrades." in told
    assert "Started by" not in told
    await workspace.alice.presses("Upgrade now")
    assert "Not the requester but @license-approvers starts this upgrade." in (
        await workspace.alice.reads()
    )
    await workspace.bob.presses("Upgrade now")
    assert "Only @license-approvers can decide about this." in await workspace.bob.reads()
    await workspace.carol.presses("Upgrade now")
    assert (await workspace.card()).startswith("✅ Upgraded")
    assert "Started by @carol" in await workspace.thread()


async def test_the_last_approval_of_each_item_starts_it_while_others_still_wait(
    start: Start,
) -> None:
    """What is complete is not held up by what needs one more."""
    workspace = await start(
        '[policy]\napprovers = ["U0CAROL", "U0BOB"]\nconfirm = "nobody"\n'
        "[[policy.rules]]\nmin_seats = 7\napprovals = 2"
    )
    await asked(workspace, 2)
    await workspace.carol.presses("Approve all")
    card = await workspace.card()
    assert "✅ upgraded · Shop 01" in card
    assert "⏳ waits (1 of 2) · Shop 02" in card
    await workspace.thread()
    await workspace.bob.presses("Approve all")
    assert (await workspace.card()).startswith("✅ Upgraded")
    assert "everything is settled: 2 upgraded." in await workspace.thread()
    assert workspace.posts() == 2


async def test_whatever_customers_are_called_fifty_of_them_fit(workspace: Conversation) -> None:
    """The longest names, full of what Slack and spreadsheets would read, from paste to file."""
    partner = workspace.partner_center.records
    evil = '=1+1 <!channel> *&amp;* @here `x` "y" :tada: \u202e' + "&<>é漢" * 60
    domains = []
    for n in range(50):
        domains.append(f"{'x' * 60}-{n:02}.example")
        customer = partner.add_customer(evil, domains[-1])
        partner.add_subscription(customer, records.E1, 9_000_000 + n)
    for subscription in partner.subscriptions.values():
        for each in subscription:
            each["offerName"] = each["offerName"] + "&" * 200
    lines = [f"t{n}" for n in range(50)]
    for line, domain in zip(lines, domains, strict=True):
        partner.customers[next(c for c in partner.customers
                               if partner.customers[c]["companyProfile"]["domain"] == domain)][
            "companyProfile"]["domain"] = f"{line}{'.&<>' * 40}{domain}"  # fmt: skip
    ids = list(partner.subscriptions)[-50:]
    await workspace.bot.directory.refresh()
    await workspace.alice.types("/upgrade bulk")
    long_link = "https://mail.example/" + "&" * 470
    await workspace.alice.fills_in(
        table="\n".join(f"{each},{E3}" for each in ids), reason="&" * 1000, evidence=long_link
    )
    preview = await workspace.alice.reads()
    assert "Ask the team for 50 upgrades" in preview
    assert "<!channel>" not in preview.replace("&lt;", "")
    await workspace.alice.presses("Ask the team for 50 upgrades")
    assert (await workspace.card()).count("⏳ waits") == 50
    assert "Customer's consent: link [" in await workspace.thread()
    await workspace.carol.presses("Leave rows out")
    await workspace.carol.sees_form()
    await workspace.carol.fills_in(rows=ids_of(workspace)[:9], reason="&" * 1000)
    await workspace.card()
    await workspace.carol.presses("Decline")
    await workspace.carol.sees_form()
    workspace.practice.slack.interactions.cancel(workspace.form_of(workspace.carol.id))
    await workspace.carol.presses("Approve all")
    await workspace.card()
    await workspace.alice.reads()
    await workspace.alice.presses("Upgrade now")
    card = await workspace.card()
    assert card.count("✅ upgraded") == 41
    assert "everything is settled: 41 upgraded, 9 declined." in await workspace.thread()
    (file,) = workspace.slack.files.values()
    assert file.content
    cells = [cell for row in csv.reader(file.content.decode("utf-8-sig").splitlines())
             for cell in row]  # fmt: skip
    assert len(cells) == 51 * 11
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


async def test_fifty_bad_lines_fit_too(workspace: Conversation) -> None:
    """However long what was typed is, within what Slack takes in a field."""
    for n in range(40):
        partner = workspace.partner_center.records
        partner.add_customer("Homonym " + "&" * 40, f"{'d' * 60}.{n}")
    lines = [f"Homonym {'&' * 40}," + "&" * 5] * 50
    preview = await previewed(workspace, "\n".join(lines))
    assert preview.count("40 customers are meant by Homonym") == 50
    assert "50 lines cannot be asked for:" in preview


def good(number: int) -> list[Trouble]:
    """No trouble, for so many calls."""
    opened = Gate()
    opened.opened.set()
    return [Trouble(gate=opened)] * number


def source(workspace: Conversation, customer: str) -> dict[str, Any]:
    """The subscription of a customer at Partner Center."""
    partner = workspace.partner_center.records
    (found,) = partner.find_customers("CompanyName", customer)
    return partner.subscriptions[found["id"]][0]


def upgrade_by_hand(workspace: Conversation, customer: str) -> tuple[Any, ...]:
    """What makes the same upgrade happen at Partner Center late."""
    partner = workspace.partner_center.records
    (found,) = partner.find_customers("CompanyName", customer)
    subscription = partner.subscriptions[found["id"]][0]
    wanted = next(each for each in partner.upgrades(subscription) if each["isEligible"])
    return found["id"], subscription, wanted, "late"


def options(workspace: Conversation, *customers: str) -> list[str]:
    """The values of the options that begin so, in the form that Carol sees."""
    view = workspace.form_of(workspace.carol.id)
    offered = view.content["blocks"][0]["element"]["options"]
    return [o["value"] for o in offered if o["text"]["text"].startswith(customers)]


def ids_of(workspace: Conversation) -> list[str]:
    """The values of all options of that form."""
    view = workspace.form_of(workspace.carol.id)
    return [o["value"] for o in view.content["blocks"][0]["element"]["options"]]


def channel_messages(workspace: Conversation) -> list[Message]:
    """What stands in the channel itself."""
    return [m for m in workspace.slack.messages
            if m.channel == CHANNEL and not m.only_for and not m.thread_ts]  # fmt: skip


def newest_card(workspace: Conversation) -> Message:
    """The newest of them, whatever the bot is doing."""
    return channel_messages(workspace)[-1]


def cards(workspace: Conversation) -> int:
    """How many there are."""
    return len(channel_messages(workspace))


async def press_in(workspace: Conversation, who: str, label: str, which: int) -> None:
    """Press a button of one of the cards, without waiting for what follows."""
    person = getattr(workspace, who)
    payload = await person.payload_for(channel_messages(workspace)[which], label)
    await workspace.practice.slack.interactions.deliver_click(payload)


async def rows(workspace: Conversation) -> list[str]:
    """The ids of the requests in the channel."""
    found = [each.item for each in await workspace.bot.store.lists.asked_in(CHANNEL, None, 100)]
    assert {each.state for each in found} <= set(State)
    return [each.id for each in found]
