"""Files that go into a thread: tables that are too long for a message."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import NamedTuple

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula:
https://owasp.org/www-community/attacks/CSV_Injection"""


class File(NamedTuple):
    """A file for a thread."""

    name: str
    title: str
    content: bytes


def csv_file(name: str, title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> File:
    """A table that any spreadsheet opens as it is: in UTF-8 with its mark, and no cell a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return File(name, title, text.getvalue().encode("utf-8-sig"))


def _cell(text: str) -> str:
    """Harmless in a spreadsheet: what looks like a formula begins with an apostrophe."""
    return f"'{text}" if text.startswith(FORMULA) else text
