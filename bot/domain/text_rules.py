"""What people type: whether it can be a customer's name, a link, or a reason at all."""

from urllib.parse import urlsplit

LONGEST_NAME = 100
LONGEST_LINK = 500


def is_name(text: str) -> bool:
    """Whether a customer can be called so: one line, printable, without signs of Slack's."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and not set(text) & set("<>*|")


def is_link(text: str) -> bool:
    """A web address that can stand in a message as it is."""
    if len(text) > LONGEST_LINK or not text.isprintable() or set(text) & set("<>|\"'` "):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname)


def visible(text: str) -> str:
    """The text without what nobody can see; empty when nobody can see anything. Halves of signs,
    which JSON can hold and a text cannot, are left out."""
    whole = text.encode(errors="ignore").decode()
    return whole.strip() if any(c.isprintable() and not c.isspace() for c in whole) else ""
