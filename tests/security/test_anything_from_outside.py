"""Whatever comes from outside is read or refused, and never ends in an error nobody expects."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any, get_type_hints
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.commands.approver_report import CARD
from bot.commands.audit import tie_of
from bot.commands.manifest import for_http
from bot.config.settings import SettingsProblem, load
from bot.domain.request import CardRef
from bot.domain.text_rules import is_link, is_name, visible
from bot.errors import Refused
from bot.messages import action_ids
from bot.partner_center import wire
from bot.partner_center.client import Reply, _code, _seconds
from bot.preflight.microsoft import _claims
from bot.preflight.slack import _clock
from bot.requests.submit import _with_seats
from bot.server.http import read as read_form
from bot.store import hash_chain
from bot.telemetry import logs
from handlers.payloads import Click, Command, Search, Submission, Typing
from tests.factories import OPTION

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)

KEYS = ("user", "team", "channel", "container", "actions", "view", "state", "values", "id", "value",
        "team_id", "user_id", "channel_id", "text", "action_id", "action_ts", "private_metadata",
        "response_url", "trigger_id", "message_ts", "reason", "selected_option")  # fmt: skip
payloads = st.recursive(
    jsons,
    lambda inner: (
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=8) | st.lists(inner, max_size=3)
    ),
    max_leaves=30,
)


@pytest.mark.parametrize("kind", [Command, Click, Submission, Search, Typing])
@given(payload=payloads)
def test_every_payload_is_read_or_refused(kind: Any, payload: Any) -> None:
    """And what was read answers every question that a handler asks of it."""
    try:
        event = kind.model_validate(payload)
    except ValidationError:
        return
    assert isinstance(event.actor.person.user_id, str)
    if isinstance(event, Submission):
        assert isinstance(event.field("reason"), str)
    if isinstance(event, Search):
        assert isinstance(event.chosen("customer"), str)
    if isinstance(event, Click | Submission) and not isinstance(event, Search):
        with suppress(Refused):
            assert isinstance(event.card_ref, CardRef)


@given(st.dictionaries(st.text(), st.text()), st.booleans())
def test_a_form_is_read_as_every_library_reads_it(fields: dict[str, str], spaces: bool) -> None:
    """Whatever is in it, and however blanks are written."""
    body = urlencode(fields, quote_via=quote_plus if spaces else quote, errors="replace")
    expected = dict(parse_qsl(body, keep_blank_values=True))
    if "payload" not in expected:
        assert read_form(body.encode()) == expected


@given(
    st.binary() | st.text().map(lambda text: f"payload={quote(text, errors='replace')}".encode())
)
@example(b"payload=[]")
@example(b'{"type": "url_verification", "challenge": "x"}')
def test_every_signed_body_is_an_object_or_refused(body: bytes) -> None:
    """A body that is none is answered with 400, not with a mistake."""
    with suppress(ValueError):
        assert isinstance(read_form(body), dict)


@given(value=st.text() | st.from_regex(r"[0-9a-f-]{36}\.\d{1,9}\.\d{1,9}"))
def test_a_buttons_value_names_a_card_or_is_refused(value: str) -> None:
    """Nothing else comes of it."""
    try:
        card_ref = action_ids.card_ref(value)
    except Refused:
        return
    assert f"{card_ref.request_id}.{card_ref.round}.{card_ref.attempt}".count(".") == 2


MODELS = [
    each
    for each in vars(wire).values()
    if isinstance(each, type) and issubclass(each, wire.Wire) and each is not wire.Wire
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_every_answer_of_partner_center_is_read_or_refused(model: Any, data: st.DataObject) -> None:
    """Whatever stands in its fields, by their own names; an odd one hides no other answer."""
    names = [name.replace("_", "") for name in get_type_hints(model)]
    content = data.draw(st.dictionaries(st.sampled_from(names), jsons) if names else jsons)
    with suppress(ValueError):  # pydantic's, too: the client makes Unreadable of it
        model.read(content)


@given(body=st.binary() | jsons.map(lambda each: json.dumps(each).encode()))
def test_every_body_has_a_code_or_none(body: bytes) -> None:
    """Of an error body nobody knows what it is."""
    assert isinstance(_code(Reply(400, httpx.Headers(), body)), str)


@given(value=st.text(alphabet=st.characters(codec="latin-1"), max_size=60))
def test_every_retry_after_is_a_pause_or_none(value: str) -> None:
    """Seconds, a date, or nothing; never a mistake of ours."""
    headers = httpx.Headers([(b"Retry-After", value.encode("latin-1"))])
    pause = _seconds(Reply(429, headers, b""))
    assert pause is None or pause >= 0


@given(text=st.text())
def test_every_word_that_is_typed_is_judged(text: str) -> None:
    """Names, links, seats and reasons."""
    assert isinstance(is_name(text), bool)
    assert isinstance(is_link(text), bool)
    assert isinstance(visible(text), str)
    option = replace(OPTION, seats_can_be_fewer=True)
    with suppress(Refused):
        assert 1 <= _with_seats(option, text).seats <= option.seats


@given(token=st.text())
def test_every_token_says_something_or_nothing(token: str) -> None:
    """They are opaque by contract."""
    assert isinstance(_claims(token), dict)
    assert isinstance(_clock({"Date": token}), list)


@given(event=st.dictionaries(st.text(), anything))
def test_everything_can_be_logged(event: dict[str, Any]) -> None:
    """Cleaning loses no line."""
    assert set(logs.without_secrets(None, "", event)) == set(event)


@given(value=jsons)
def test_a_seal_is_of_one_text_only(value: Any) -> None:
    """What is read again has the same hash."""
    text = hash_chain.canonical(value)
    assert hash_chain.canonical(json.loads(text)) == text


@given(text=st.text())
def test_what_an_operator_types_is_understood_or_refused(text: str) -> None:
    """Ties, links, addresses: a ValueError at worst, which becomes a sentence."""
    for read in (tie_of, for_http):
        with suppress(ValueError):
            read(text)
    CARD.search(text)


@given(environment=st.dictionaries(st.text(), st.text()))
def test_every_environment_is_understood_or_refused(environment: dict[str, str]) -> None:
    """With a line for each problem."""
    with pytest.raises(SettingsProblem) as refused:
        load(environment)
    assert refused.value.problems
