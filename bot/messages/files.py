"""Tables for spreadsheets: files that go into a thread, and what `audit export` prints."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_FORMULA = re.compile(r"^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]")
"""What a spreadsheet takes for the beginning of a formula, also in the wide signs of East Asia:
https://owasp.org/www-community/attacks/CSV_Injection (read 2026-11-20)"""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


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
    writer.writerows([cell(each) for each in row] for row in rows)
    return File(name, title, text.getvalue().encode("utf-8-sig"))


def cell(text: str) -> str:
    """A text as no spreadsheet takes it for a formula; what would be one begins with an apostrophe.
    Signs that nobody can see are left out."""
    text = _CONTROL.sub("", text)
    return f"'{text}" if _FORMULA.match(text) else text
