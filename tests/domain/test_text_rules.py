"""What people type, judged before anything is asked or stored."""

import pytest

from bot.domain.text_rules import LONGEST_LINK, LONGEST_NAME, is_link, is_name, visible


@pytest.mark.parametrize("text", ["Contoso", "contoso.example", "Żółć & Söhne", "x" * LONGEST_NAME])
def test_a_name_is_one_line_without_signs_of_slacks(text: str) -> None:
    """Whatever customers are called."""
    assert is_name(text)


@pytest.mark.parametrize("text", ["", "a\nb", "<!channel>", "a|b", "*", "x" * (LONGEST_NAME + 1)])
def test_what_cannot_be_a_name_is_none(text: str) -> None:
    """It is not even looked up."""
    assert not is_name(text)


def test_a_link_leads_to_the_web() -> None:
    """As it is typed, or as it is copied."""
    assert is_link("https://crm.example/7?a=b#c")
    assert is_link("http://crm.example")


@pytest.mark.parametrize(
    "text",
    ["crm.example", "javascript:alert(1)", "https://", "https://a b", "https://x|y", "https://[::1",
     "https://a\x00", "https://crm.example/" + "x" * LONGEST_LINK],
)  # fmt: skip
def test_what_is_no_link_is_none(text: str) -> None:
    """Nor what would become another one in a message."""
    assert not is_link(text)


def test_a_reason_is_what_somebody_can_see() -> None:
    """Blanks, hidden signs and halves of signs are nothing; around words they are left out."""
    assert visible(" \u200b\t\n") == visible("") == visible("\ud83d") == ""
    assert visible("  They need it.\n") == "They need it."
    assert visible("Thumbs \ud83d up") == "Thumbs  up"
