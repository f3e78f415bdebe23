"""Every reason, code, state and trouble has its words."""

import inspect
from dataclasses import replace

import pytest

from bot import errors
from bot.domain.change import Fact
from bot.domain.item import State
from bot.domain.refusals import RefusedStep
from bot.domain.request import Status
from bot.domain.subscription import Kind, ObstacleCode, UpgradeType
from bot.errors import PartnerCenterError, Reason
from bot.messages import compact_card, compact_thread, parts, words
from bot.messages.approver_report import STANDS
from bot.messages.blocks import mention
from bot.messages.language import gettext, use_locale
from bot.messages.refusals import SENTENCES, refusal_text
from bot.messages.trouble import trouble
from tests.factories import ALICE, refused, request_in

LANGUAGES = ["en", "zh-TW", "zh-CN"]


def test_every_reason_has_a_sentence() -> None:
    """No refusal is without words, and no words are without a refusal."""
    assert set(SENTENCES) == set(Reason)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("reason", list(Reason))
def test_every_refusal_has_words_however_much_is_known(reason: Reason, number: int) -> None:
    """About an item, about the request alone, and about neither."""
    for state in State:
        request = request_in(state, number)
        of_item = refused(reason, request)
        known = [of_item]
        if isinstance(of_item, RefusedStep):
            known += [RefusedStep(reason, None, request), RefusedStep(reason)]
        for language in LANGUAGES:
            with use_locale(language):
                assert all(refusal_text(each) for each in known)


def test_every_code_of_partner_center_has_words_and_a_next_step() -> None:
    """All twelve; a code that is new to us is shown as it came."""
    assert set(words.OBSTACLES) == set(ObstacleCode) - {ObstacleCode.UNKNOWN}


def test_every_kind_state_and_fact_has_words() -> None:
    """Nothing is shown as a bare code of ours."""
    assert set(words.NOT_UPGRADABLE) == set(Kind) - {Kind.TRADITIONAL, Kind.NEW_COMMERCE}
    assert set(words.UPGRADE_TYPES) == set(words.LICENCES) == set(UpgradeType)
    assert set(words.FACTS) == set(Fact)
    assert set(parts.MARKERS) == set(STANDS) == set(State)
    assert set(compact_card.STATES) == set(compact_thread.ENDS) == set(State)
    assert set(parts.OF_SEVERAL) == set(Status)


def test_a_forgotten_person_is_somebody_in_every_language() -> None:
    """Whose id is gone cannot be mentioned."""
    for language, said in (("en", "somebody"), ("zh-TW", "某人"), ("zh-CN", "某人")):
        with use_locale(language):
            assert mention(replace(ALICE, user_id="")) == gettext("somebody") == said


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, PartnerCenterError)
    ],
)
def test_every_trouble_has_words_without_microsofts_text(kind: type[PartnerCenterError]) -> None:
    """The message of an error is for the log."""
    assert "secret detail" not in trouble(kind("secret detail"))
