"""What people type after `/upgrade`, and what they get when nothing fits."""

import pytest

from bot.sandbox.partner_center import Gate, Trouble, records
from bot.sandbox.practice import ALICE, BOB
from tests.conftest import Start
from tests.workspace import Conversation


async def test_a_misspelt_name_is_answered_with_the_nearest(workspace: Conversation) -> None:
    """Names that begin alike are offered, ready to be typed."""
    await workspace.alice.types("/upgrade northwand")
    assert await workspace.alice.reads() == (
        "No customer is called “northwand”. Did you mean `/upgrade Northwind Traders` "
        "(northwind.example)? Nothing was changed."
    )


async def test_an_unknown_name_is_not_guessed_at(workspace: Conversation) -> None:
    """Where nothing is near, the answer says how to find a customer."""
    await workspace.alice.types("/upgrade zzyzx")
    assert await workspace.alice.reads() == (
        "No customer is called “zzyzx”. Type the beginning of its name, its domain or its tenant "
        "id. Nothing was changed."
    )


async def test_two_customers_of_one_name_are_told_apart_by_their_domains(
    workspace: Conversation,
) -> None:
    """The person chooses, and gets the subscriptions of the one chosen."""
    await workspace.alice.types("/upgrade fabrikam")
    assert await workspace.alice.reads() == (
        "Which customer do you mean?\n"
        "[Fabrikam (fabrikam-emea.example)] [Fabrikam (fabrikam.example)]"
    )
    await workspace.alice.presses("Fabrikam (fabrikam-emea.example)")
    told = await workspace.alice.reads()
    assert told.startswith("Fabrikam (fabrikam-emea.example): press what it should become.")
    assert "An upgrade without licence transfer often still works." in told


async def test_a_domain_and_a_tenant_id_find_the_customer(workspace: Conversation) -> None:
    """Everything that tells a customer apart can be typed, in any case."""
    (contoso,) = workspace.partner_center.records.find_customers("CompanyName", "contoso")
    for text in ("CONTOSO.onmicrosoft.com", contoso["id"].upper()):
        await workspace.alice.types(f"/upgrade {text}")
        assert (await workspace.alice.reads()).startswith("Contoso (contoso.onmicrosoft.com)")


async def test_a_customer_without_subscriptions_is_said_to_have_none(
    workspace: Conversation,
) -> None:
    """Nothing to list is an answer, not an empty list."""
    await workspace.alice.types("/upgrade tailspin")
    assert await workspace.alice.reads() == (
        "Tailspin (tailspin.example) has no subscription, so there is nothing to upgrade. "
        "Nothing was changed."
    )


async def test_a_customer_with_nothing_to_upgrade_to_is_told_so(workspace: Conversation) -> None:
    """The subscription is shown with the reason."""
    await workspace.alice.types("/upgrade wingtip")
    told = await workspace.alice.reads()
    assert told.startswith("Wingtip Toys (wingtip.example): nothing can be upgraded at the moment.")
    assert told.endswith("Microsoft offers no upgrade for this plan.")


async def test_subscriptions_of_other_kinds_are_refused_with_a_reason(
    workspace: Conversation,
) -> None:
    """Nothing is missing from the list without a word."""
    there = workspace.partner_center.records
    litware = there.add_customer("Adatum", "adatum.example")
    there.add_subscription(litware, "MS-AZR-0145P", 1, name="Azure plan")
    there.add_subscription(litware, records.E3, 5, name="A trial", isTrial=True)
    parent = there.add_subscription(litware, records.E1, 5, name="With an add-on")
    there.add_subscription(litware, records.F1, 5, name="Add-on", parentSubscriptionId=parent)
    perpetual = {"id": "Software", "displayName": "Software"}
    there.add_subscription(litware, "DG7GMGF0D8H3:0002", 2, name="Server", productType=perpetual)
    there.add_subscription(litware, "something-new", 2, name="Something new")
    await workspace.alice.types("/upgrade adatum")
    told = await workspace.alice.reads()
    assert "Software licences cannot be upgraded." in told
    assert "A kind of subscription that this bot does not know." in told
    assert "Azure is not upgraded like this." in told
    assert "A trial is converted, not upgraded." in told
    assert "An add-on goes with its main subscription." in told
    assert "The subscription has add-ons." in told


@pytest.mark.parametrize(
    "text", ["<!channel>", "<@U0CAROL>", "x" * 3000, "a\nb", "con*", "|", "con\u202etoso"]
)
async def test_text_that_is_no_name_is_refused_before_anything_is_asked(
    workspace: Conversation, text: str
) -> None:
    """Nothing that cannot be a name reaches Partner Center or comes back into the channel."""
    asked = len(workspace.partner_center.calls)
    await workspace.alice.types(f"/upgrade {text}")
    assert (await workspace.alice.reads()).startswith("That is not a customer's name.")
    assert len(workspace.partner_center.calls) == asked


@pytest.mark.parametrize("text", ["help", " HELP "])
async def test_help_says_how_it_is_used(workspace: Conversation, text: str) -> None:
    """`/upgrade help` shows examples."""
    await workspace.alice.types(f"/upgrade {text}")
    assert "`/upgrade contoso`: a part of the name" in await workspace.alice.reads()


async def test_in_a_direct_message_there_is_no_team_to_decide(workspace: Conversation) -> None:
    """The request would be seen by nobody."""
    direct = workspace.slack.direct_messages(workspace.alice.id)
    await workspace.alice.types("/upgrade contoso", channel=direct.id)
    assert (
        "Type the command in the channel in which your team decides."
        in await workspace.alice.reads()
    )


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (Trouble(status=503), "Partner Center does not answer."),
        (Trouble(cut=True), "Partner Center does not answer."),
        (Trouble(status=429, retry_after=60), "Partner Center asks to slow down."),
        (Trouble(status=403), "Partner Center does not allow this for this customer."),
        (Trouble(status=200, body={"items": "?"}), "answered something that I do not understand."),
    ],
)
async def test_trouble_at_partner_center_is_told_with_what_to_do(
    workspace: Conversation, trouble: Trouble, words: str
) -> None:
    """Down, broken, throttled, refused or odd: one private answer with the ids for support."""
    workspace.partner_center.trouble("GET", "/subscriptions", *[trouble] * 4)
    await workspace.alice.types("/upgrade contoso")
    told = await workspace.alice.reads()
    assert words in told
    assert "Nothing was changed." in told
    assert "Correlation id (id), request id (id)" in told


async def test_a_short_trouble_is_not_noticed(workspace: Conversation) -> None:
    """Reads are repeated, so one bad answer costs nobody anything."""
    workspace.partner_center.trouble("GET", "/subscriptions", Trouble(status=503))
    workspace.partner_center.trouble("GET", "/upgrades", Trouble(cut=True))
    await workspace.alice.types("/upgrade contoso")
    assert "press what it should become" in await workspace.alice.reads()


async def test_one_subscription_in_trouble_does_not_hide_the_others(
    workspace: Conversation,
) -> None:
    """Where the options of one are not known, that is said beside it."""
    workspace.partner_center.trouble(
        "GET", "896a2862-67e2-4f3d-bb3f-c50c42b5fad8/upgrades", *[Trouble(status=403)] * 4
    )
    await workspace.alice.types("/upgrade contoso")
    told = await workspace.alice.reads()
    assert "The options are not known: Partner Center does not allow this" in told
    assert "Microsoft offers no upgrade for this plan." in told


async def test_a_lost_sign_in_names_the_operator(workspace: Conversation) -> None:
    """An account manager cannot mend it, and is not asked to."""
    workspace.partner_center.login.revoke_access_tokens()
    workspace.partner_center.login.broken = (700082, "invalid_grant")
    await workspace.alice.types("/upgrade contoso")
    assert (
        "The bot's sign-in has expired after 90 days without use. An operator has to run"
        in await workspace.alice.reads()
    )


async def test_an_expired_access_token_is_renewed_without_a_word(workspace: Conversation) -> None:
    """A token that Partner Center refuses is replaced once, by one sign-in for all."""
    workspace.partner_center.login.revoke_access_tokens()
    before = workspace.partner_center.login.sign_ins
    await workspace.alice.types("/upgrade contoso")
    assert "press what it should become" in await workspace.alice.reads()
    assert workspace.partner_center.login.sign_ins == before + 1


def adatum_has(workspace: Conversation, plans: list[str]) -> list[str]:
    """Another customer, with a subscription of each plan, numbered by name; their ids."""
    there = workspace.partner_center.records
    adatum = there.add_customer("Adatum", "adatum.example")
    names = [f"Subscription {number:02}" for number in range(len(plans))]
    made = zip(plans, names, strict=True)
    return [there.add_subscription(adatum, plan, 5, name=name) for plan, name in made]


async def test_a_customer_with_sixty_subscriptions_is_shown_whole(workspace: Conversation) -> None:
    """Several private messages, and not one subscription missing."""
    adatum_has(workspace, [records.E1] * 60)
    await workspace.alice.types("/upgrade adatum")
    told = await workspace.alice.reads()
    places = [told.index(f"Subscription {number:02}") for number in range(60)]
    assert places == sorted(places)
    assert told.count("press what it should become") == 1


async def test_a_response_url_is_left_alone_when_it_is_used_up(workspace: Conversation) -> None:
    """It takes five answers; what comes then is told in the other way, without asking it again."""
    adatum_has(workspace, [records.E1] * 60)
    await workspace.alice.types("/upgrade adatum")
    assert "Subscription 59" in await workspace.alice.reads()
    made = workspace.practice.traffic.exchanges
    assert len([each for each in made if each.kind == "response_url" and each.failed]) == 1


async def test_the_first_options_are_there_while_the_last_are_still_asked_for(
    workspace: Conversation,
) -> None:
    """Nobody waits for what Microsoft takes its time with further down the list."""
    ids = adatum_has(workspace, [records.E1] * 20)
    gate = Gate()
    workspace.partner_center.trouble("GET", f"/{ids[-1]}/upgrades", Trouble(gate=gate))
    await workspace.alice.types("/upgrade adatum")
    first = await workspace.until_somebody_sees("press what it should become")
    assert "Subscription 00" in first
    await gate.arrived.wait()
    gate.opened.set()
    rest = await workspace.alice.reads()
    assert "Subscription 00" not in rest
    assert "Subscription 19" in rest


async def test_a_list_does_not_begin_with_nothing_to_press(workspace: Conversation) -> None:
    """What cannot be upgraded waits for the first that can, so that the title is true."""
    ids = adatum_has(workspace, [*[records.E5] * 8, records.E1])
    gate = Gate()
    workspace.partner_center.trouble("GET", f"/{ids[-1]}/upgrades", Trouble(gate=gate))
    await workspace.alice.types("/upgrade adatum")
    await gate.arrived.wait()
    gate.opened.set()
    told = await workspace.alice.reads()
    assert told.startswith("Adatum (adatum.example): press what it should become.")
    assert told.index("Subscription 00") < told.index("Subscription 08")


async def test_microsofts_texts_come_in_the_readers_language(workspace: Conversation) -> None:
    """As the reader has set it in Slack."""
    workspace.slack.users[workspace.alice.id].locale = "zh-TW"
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    lists = [call for call in workspace.partner_center.calls if call.path.endswith("/upgrades")]
    assert {call.locale for call in lists} == {"zh-TW"}
    assert len({call.correlation_id for call in lists}) == 1


@pytest.mark.parametrize("text", ["", "   "])
async def test_the_command_alone_opens_a_form_that_types_ahead(
    workspace: Conversation, text: str
) -> None:
    """A part of the name, the domain or the id; choosing one lists what can be upgraded."""
    await workspace.alice.types(f"/upgrade {text}")
    assert "«Find a customer»" in await workspace.alice.sees_form()
    assert await workspace.alice.types_ahead("customer", "ntos") == [
        "Contoso (contoso.onmicrosoft.com)"
    ]
    assert await workspace.alice.types_ahead("customer", "Fabrikam") == [
        "Fabrikam (fabrikam-emea.example)",
        "Fabrikam (fabrikam.example)",
    ]
    assert await workspace.alice.types_ahead("customer", "northwnd") == [
        "Northwind Traders (northwind.example)"
    ]
    assert await workspace.alice.types_ahead("customer", "<!channel>") == []
    await workspace.alice.fills_in(customer=workspace.contoso)
    told = await workspace.alice.reads()
    assert "Contoso (contoso.onmicrosoft.com): press what it should become." in told
    await workspace.alice.presses("Office 365 Enterprise E3 (upgrade only)")
    await workspace.alice.fills_in(reason="They need Office on the desktop.")
    assert "⏳ Approval needed" in await workspace.card()


async def test_typing_ahead_asks_nobody(workspace: Conversation) -> None:
    """Letters are answered from memory: no call to Microsoft, none to Slack but the first."""
    await workspace.alice.types("/upgrade")
    await workspace.alice.sees_form()
    await workspace.alice.types_ahead("customer", "co")
    before = len(workspace.partner_center.calls), len(workspace.practice.slack.api.calls)
    for letters in ("con", "cont", "conto"):
        assert await workspace.alice.types_ahead("customer", letters)
    after = len(workspace.partner_center.calls), len(workspace.practice.slack.api.calls)
    assert before == after


async def test_who_may_not_ask_learns_no_customers_name(start: Start) -> None:
    """Neither from the form nor from a forged question for it."""
    workspace = await start('[policy]\napprovers = ["S0APPROVERS"]\nrequesters = ["U0BOB"]')
    await workspace.alice.types("/upgrade")
    assert "Only @bob can ask for upgrades here." in await workspace.alice.reads()
    await workspace.bob.types("/upgrade")
    assert "«Find a customer»" in await workspace.bob.sees_form()
    assert await workspace.bob.types_ahead("customer", "contoso")
    view = workspace.form_of(BOB)
    view.user = ALICE
    interactions = workspace.practice.slack.interactions
    assert await interactions.suggestions(view, "customer", "contoso") == []


async def test_a_form_without_a_choice_says_so(workspace: Conversation) -> None:
    """Or with one that nobody offered."""
    for forged in ("", "Contoso", "../customers"):
        await workspace.alice.types("/upgrade")
        await workspace.alice.sees_form()
        await workspace.alice.fills_in(customer=forged)
        assert "No customer is called" in await workspace.alice.reads()


async def test_until_all_customers_are_known_the_command_alone_helps(
    workspace: Conversation,
) -> None:
    """The directory takes a while to read after a start."""
    workspace.bot.directory.index = None
    await workspace.alice.types("/upgrade")
    assert "`/upgrade contoso`: a part of the name" in await workspace.alice.reads()
