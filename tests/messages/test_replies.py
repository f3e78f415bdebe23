"""Every reason, code and trouble has its words."""

import inspect

import pytest

from bot import errors
from bot.domain.drift import Fact
from bot.domain.subscription import Kind, ObstacleCode, UpgradeType
from bot.domain.upgrade import State
from bot.errors import PartnerCenterError, Reason
from bot.messages import words
from bot.messages.approver_report import STANDS
from bot.messages.card import MARKERS
from bot.messages.replies import SENTENCES, trouble


def test_every_reason_has_a_sentence() -> None:
    """No refusal is without words, and no words are without a refusal."""
    assert set(SENTENCES) == set(Reason)


def test_every_code_of_partner_center_has_words_and_a_next_step() -> None:
    """All twelve; a code that is new to us is shown as it came."""
    assert set(words.OBSTACLES) == set(ObstacleCode) - {ObstacleCode.UNKNOWN}


def test_every_kind_state_and_fact_has_words() -> None:
    """Nothing is shown as a bare code of ours."""
    assert set(words.NOT_UPGRADABLE) == set(Kind) - {Kind.TRADITIONAL, Kind.NEW_COMMERCE}
    assert set(words.UPGRADE_TYPES) == set(words.LICENCES) == set(UpgradeType)
    assert set(words.FACTS) == set(Fact)
    assert set(MARKERS) == set(STANDS) == set(State)


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
