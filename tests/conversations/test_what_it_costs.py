"""The operator's price list: what an upgrade costs more, before anybody decides."""

from pathlib import Path

import pytest

from bot.config import price_list
from bot.config.price_list import PriceListProblem
from bot.sandbox.partner_center import records
from tests.workspace import Conversation

HEADS = "offer id,term,billing cycle,unit price,currency,valid from\n"


async def test_form_and_card_say_what_it_costs_a_month_and_to_the_end(
    workspace: Conversation, tmp_path: Path
) -> None:
    """25 seats, 8 EUR more each: the newest price that is valid by now counts."""
    await with_prices(
        workspace,
        tmp_path,
        f"{records.E1},P1Y,monthly,7.50,EUR,2025-01-01\n"
        f"{records.E1},P1Y,monthly,8.00,EUR,2026-07-01\n"
        f"{records.E3},P1Y,monthly,16.00,EUR,2026-10-01\n"
        f"{records.E3},P1Y,monthly,99.00,EUR,2027-01-01\n",
    )
    await workspace.alice.types("/upgrade contoso")
    await workspace.alice.reads()
    await workspace.alice.presses("Office 365 Enterprise E3 (upgrade only)")
    price = (
        "Price: +€200.00 a month, about +€650.51 until the end of the term, by the price list of "
        "Oct 1, 2026"
    )
    assert price in await workspace.alice.sees_form()
    await workspace.alice.fills_in(reason="They need Office.")
    assert price in await workspace.card()


async def test_several_upgrades_say_what_they_cost_together(
    workspace: Conversation, tmp_path: Path
) -> None:
    """On the preview and on the card; where one of them is not known, the sum is not."""
    await with_prices(
        workspace,
        tmp_path,
        f"{records.E1},,monthly,8.00,EUR,2026-07-01\n{records.E3},,monthly,16.00,EUR,2026-07-01\n",
    )
    records_ = workspace.partner_center.records
    for name in ("Adatum", "Blue Yonder"):
        domain = f"{name.split()[0].lower()}.example"
        records_.add_subscription(records_.add_customer(name, domain), records.E1, 10)
    await workspace.restarts()
    both = ("adatum.example", "blue.example")
    await pastes(workspace, *(f"{domain}, Office 365 Enterprise E3" for domain in both))
    assert "Price: +€160.00 a month, about" in await workspace.alice.reads()
    await workspace.alice.presses("Ask the team for 2 upgrades")
    assert "Price: +€160.00 a month, about" in await workspace.card()
    two = ("contoso.onmicrosoft.com, Office 365 Enterprise E3", "northwind.example, Office 365 "
           "Business Premium")  # fmt: skip
    await pastes(workspace, *two)
    assert "Price: not known to the bot" in await workspace.alice.reads()


async def test_what_the_list_does_not_say_is_not_known(
    workspace: Conversation, tmp_path: Path
) -> None:
    """The old plan's price is missing, or of another currency."""
    await with_prices(
        workspace,
        tmp_path,
        f"{records.E1},,monthly,8.00,USD,2026-07-01\n{records.E3},,monthly,16.00,EUR,2026-07-01\n",
    )
    await workspace.alice.asks_for_e3()
    assert "Price: not known to the bot" in await workspace.card()


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (",P1Y,monthly,1,EUR,2026-07-01", "line 2: there is no offer id"),
        ("x,P1Y,weekly,1,EUR,2026-07-01", "line 2: the billing cycle 'weekly' is none of monthly,"),
        ("x,P1Y,monthly,1,euro,2026-07-01", "line 2: 'euro' is no currency such as EUR"),
        ("x,P1Y,monthly,a lot,EUR,2026-07-01", "line 2: 'a lot' is no price such as 12.30"),
        ("x,P1Y,monthly,-1,EUR,2026-07-01", "line 2: '-1' is no price such as 12.30"),
        ("x,P1Y,monthly,NaN,EUR,2026-07-01", "line 2: 'NaN' is no price such as 12.30"),
        ("x,P1Y,monthly,1,EUR,July", "line 2: 'July' is no day such as 2026-07-01"),
        ("x,P1Y", "line 2: the billing cycle '' is none of"),
    ],
)
def test_a_list_with_a_mistake_says_in_which_line(tmp_path: Path, line: str, wrong: str) -> None:
    """The bot does not start with half a list."""
    path = tmp_path / "prices.csv"
    path.write_text(HEADS + line + "\n", encoding="utf-8")
    with pytest.raises(PriceListProblem) as problem:
        price_list.read(path)
    assert wrong in str(problem.value)


def test_a_list_without_its_heads_says_which(tmp_path: Path) -> None:
    """And what the first line should be."""
    path = tmp_path / "prices.csv"
    path.write_text("offer id,price\n", encoding="utf-8")
    with pytest.raises(PriceListProblem, match="lacks the columns term, billing cycle, unit price"):
        price_list.read(path)


def test_a_list_that_is_not_there_says_so(tmp_path: Path) -> None:
    """With the path that was tried."""
    with pytest.raises(PriceListProblem, match=r"none\.csv cannot be read"):
        price_list.read(tmp_path / "none.csv")


async def pastes(workspace: Conversation, *lines: str) -> None:
    """Alice asks for several at once."""
    await workspace.alice.types("/upgrade bulk")
    await workspace.alice.sees_form()
    await workspace.alice.fills_in(table="\n".join(lines), reason="They asked for it.")


async def with_prices(workspace: Conversation, folder: Path, lines: str) -> None:
    """The bot is started again with a price list."""
    path = folder / "prices.csv"
    path.write_text(HEADS + lines, encoding="utf-8")
    workspace.practice.variables["UPGRADE_BOT_PRICES"] = str(path)
    await workspace.restarts()
