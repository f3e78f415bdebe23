"""Text from outside can neither mention, link, format nor fake a line, however it is written."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.messages.blocks import Message, escape_mrkdwn, escape_plain, section
from bot.sandbox.slack import block_kit

signs = st.text(alphabet=st.sampled_from("<>&!@#*_~`|:\n\r\t \u202e\u200b\u2028aZ9é漢😀"))


@given(st.text() | signs, st.integers(1, 3000))
def test_nothing_of_slacks_survives(text: str, limit: int) -> None:
    """No angle bracket, no format, no emoji name, no line of its own, no hidden sign."""
    safe = escape_mrkdwn(text, limit)
    assert len(safe) <= limit
    assert not re.search(r"[<>*~`\n\r\t\u202a-\u202e\u200b-\u200f\u2028\u2029]", safe)
    assert not re.search(r"&(?!amp;|lt;|gt;)", safe)
    assert not re.search(r":[\w+'-]+:", safe)
    assert not re.search(r"(?<!\w)_|_(?!\w)", safe)


@given(st.text(min_size=1) | signs)
def test_a_plain_text_has_one_line_and_no_hidden_signs(text: str) -> None:
    """Buttons and dialogs show text as it is, so only lines and hidden signs matter."""
    assert not re.search(r"[\n\r\t\u202a-\u202e\u200b-\u200f]", escape_plain(text, 75))


def test_names_that_people_really_have_stay_as_they_are() -> None:
    """Safety does not disfigure."""
    for name in ("Contoso Ltd.", "A&B", "O'Neill – Sons", "my_company", "株式会社", "Zoë: GmbH"):
        assert escape_mrkdwn(name) == name.replace("&", "&amp;")


def test_three_thousand_ampersands_fit_into_a_section() -> None:
    """Escaping makes text longer, so it is cut behind it."""
    blocks = [section(f"*Reason:* {escape_mrkdwn('&' * 3000, 1500)}")]
    assert not block_kit.message_problems(blocks)


def test_the_text_beside_the_blocks_says_all_they_say() -> None:
    """A screen reader reads only that."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": "Approval needed"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Seats:* 25"}]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "Expires soon"}]},
        {
            "type": "actions",
            "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Approve"}}],
        },
    ]
    text = "Approval needed\n*Seats:* 25\nExpires soon\nButtons: Approve"
    assert Message(blocks).text == text
