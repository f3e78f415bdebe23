"""No cell of a table does anything in a spreadsheet: in files of threads, and in the export."""

import csv
import io
from dataclasses import replace

import pytest

from bot.commands import audit
from bot.domain.item import Item, State
from bot.domain.outcome import LicenseError, Outcome
from bot.domain.subscription import Customer
from bot.messages import thread
from bot.messages.files import File, cell, csv_file
from tests.factories import item_in, request_of, transactions

EVIL = {
    "equals": "=1+1",
    "wide equals": "＝1+1",
    "a blank before": " =1+1",
    "a wide blank before": "\u3000=1+1",
    "a NUL before": "\x00=1+1",
    "a NUL and a blank before": "\x00 \x00=1+1",
    "at": "@x",
    "wide at": "＠x",
    "minus": "-1",
    "wide minus": "－1",
    "plus": "+1",
    "wide plus": "＋1",
    "a tab": "\t1",
    "a tab before": "\t=1+1",
    "a line before": "\r\n=1+1",
}
SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def rows_of(file: File) -> list[list[str]]:
    """The table as a spreadsheet reads it."""
    assert file.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"), newline="")))


def does_nothing(text: str) -> bool:
    """Whether no spreadsheet takes it for a formula, also one that drops blanks and NULs."""
    return "\x00" not in text and not text.startswith(SIGNS) and not text.strip().startswith(SIGNS)


@pytest.mark.parametrize("text", EVIL.values(), ids=EVIL)
def test_a_cell_that_looks_like_a_formula_is_made_harmless(text: str) -> None:
    """It begins with an apostrophe, which a spreadsheet reads as *this is text*."""
    heads, (evil, beside) = rows_of(csv_file("a.csv", "A", ["one", "two"], [[text, "25"]]))
    assert (heads, beside) == (["one", "two"], "25")
    assert evil.startswith("'")
    assert does_nothing(evil)


@pytest.mark.parametrize("text", ["Contoso", "25", "a=1", "O'Neill – Sons", "株式会社", "", "3-4"])
def test_a_cell_that_is_no_formula_stays_as_it_is(text: str) -> None:
    """Safety does not disfigure."""
    assert cell(text) == text


def test_the_export_of_the_audit_trail_makes_its_cells_harmless_in_the_same_way() -> None:
    """There is one rule for all tables."""
    assert vars(audit)["cell"] is cell


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("text", EVIL.values(), ids=EVIL)
def test_the_files_of_a_thread_are_safe_to_open(text: str, number: int) -> None:
    """Names come from customers, reasons from people, causes from Microsoft."""
    request = request_of(evil_item(text, n + 1) for n in range(number))
    errors = (LicenseError(text, text, text, (text,)),) * 21
    outcome = Outcome(text, errors)
    files = [
        line.file
        for steps, event in transactions(request, text, outcome=outcome)
        for line in thread.lines(request, steps, event)
        if line.file
    ]
    assert {file.name.partition("-")[0] for file in files} == (
        {"licences"} if number == 1 else {"licences", "upgrades"}
    )
    for file in files:
        assert all(does_nothing(each) for row in rows_of(file) for each in row)


def evil_item(text: str, number: int) -> Item:
    """A declined item with that text in everything that comes from outside."""
    plain = item_in(State.DECLINED, number)
    ending = plain.ending and replace(plain.ending, because=text)
    return replace(
        plain,
        customer=Customer(plain.customer.id, text, text),
        subscription=replace(plain.subscription, name=text),
        change=replace(plain.change, name=text),
        ending=ending,
    )
