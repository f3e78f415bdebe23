"""All customers in memory: found by any part of name or domain, and as new as they can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.subscription import Customer
from bot.partner_center.directory import Index
from bot.sandbox.partner_center import Trouble
from tests.workspace import Conversation

CONTOSO = Customer("00000000-0000-4000-8000-000000000001", "Contoso", "contoso.example")
RETAIL = Customer("00000000-0000-4000-8000-000000000002", "Retail of Contoso", "shop.example")
FABRIKAM = Customer("00000000-0000-4000-8000-000000000003", "Fabrikam GmbH", "fabrikam.example")
INDEX = Index([FABRIKAM, RETAIL, CONTOSO])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("con", [CONTOSO, RETAIL]),
        ("CONTOSO", [CONTOSO, RETAIL]),
        ("of con", [RETAIL]),
        ("ntos", [CONTOSO, RETAIL]),
        ("shop.ex", [RETAIL]),
        ("gmbh", [FABRIKAM]),
        ("brik", [FABRIKAM]),
        ("example", [CONTOSO, FABRIKAM, RETAIL]),
        ("00000000-0000-4000-8000-000000000003", [FABRIKAM]),
        ("00000000-0000-4000-8000-00000000000f", []),
        ("nobody", []),
        ("", [CONTOSO, FABRIKAM, RETAIL]),
    ],
)
def test_a_customer_is_found_by_any_part(text: str, found: list[Customer]) -> None:
    """Names that begin so come first, then words that do, then the rest."""
    assert INDEX.find(text) == found


@pytest.mark.parametrize("text", ["contsoo", "fabricam", "retial contoso"])
def test_a_misspelt_name_has_neighbours(text: str) -> None:
    """The most similar name is among them."""
    assert INDEX.nearest(text)


customers = st.builds(
    Customer, st.uuids().map(str), st.text(min_size=1, max_size=20), st.text(max_size=10)
)


@given(st.lists(customers, max_size=30, unique_by=lambda c: c.id), st.text(max_size=6))
def test_it_finds_what_a_plain_search_finds(all_customers: list[Customer], text: str) -> None:
    """Nothing is missed that has the text in it, and nothing found that has not."""
    index = Index(all_customers)
    found = {customer.id for customer in index.find(text)}
    words = " ".join(text.casefold().split())
    for customer in all_customers:
        has_it = words in f"{customer.name} {customer.domain}".casefold()
        if len(words) >= 3:
            assert (customer.id in found) == has_it
        elif customer.id in found and words:
            assert has_it


async def test_it_is_read_in_pages_and_refreshed(workspace: Conversation) -> None:
    """More customers than a page holds, by the tokens of the practice Partner Center."""
    directory = workspace.bot.directory
    for number in range(1200):
        workspace.partner_center.records.add_customer(f"Shop {number:04}", f"s{number}.example")
    await directory.refresh()
    assert directory.index
    assert len(directory.index.find("shop", limit=2000)) == 1200


async def test_a_customer_of_today_is_found_though_the_directory_is_older(
    workspace: Conversation,
) -> None:
    """What is not in the directory is asked for at Partner Center."""
    await workspace.bot.directory.refresh()
    customer = workspace.partner_center.records.add_customer("Brand New", "brandnew.example")
    assert customer
    await workspace.alice.types("/upgrade brand")
    assert "Brand New (brandnew.example) has no subscription" in await workspace.alice.reads()


async def test_typing_a_name_needs_no_search_at_partner_center(workspace: Conversation) -> None:
    """By any word of it."""
    await workspace.bot.directory.refresh()
    calls = len(workspace.partner_center.calls)
    await workspace.alice.types("/upgrade traders")
    assert "Northwind Traders" in await workspace.alice.reads()
    asked = [call.path for call in workspace.partner_center.calls[calls:]]
    assert not [path for path in asked if path.startswith("/v1/customers?")]


async def test_an_old_index_is_kept_while_the_new_one_cannot_be_read(
    workspace: Conversation,
) -> None:
    """Trouble at Partner Center does not empty the directory."""
    directory = workspace.bot.directory
    await directory.refresh()
    before = directory.index
    workspace.partner_center.trouble("GET", "/customers", *[Trouble(status=403)])
    with pytest.raises(Exception, match="403"):
        await directory.refresh()
    assert directory.index is before
