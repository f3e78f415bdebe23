"""The strictest of all rules that match, key by key; a rule can never loosen."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import policy_file
from bot.config.policy_file import PolicyProblem
from bot.domain.policy import Confirm, Evidence, PolicyBook, Rule, strictest
from tests.factories import POLICY

rules = st.builds(
    Rule,
    approvals=st.none() | st.integers(0, 5),
    approvers=st.none() | st.just(("S2",)),
    confirm=st.none() | st.sampled_from(Confirm),
    evidence=st.none() | st.sampled_from(Evidence),
    expires_after=st.none() | st.integers(1, 99).map(lambda hours: timedelta(hours=hours)),
)


@given(st.lists(rules, max_size=4))
def test_no_rule_loosens_anything(given_rules: list[Rule]) -> None:
    """Whatever an operator writes, every key is at least as strict as the defaults."""
    book = PolicyBook(POLICY, tuple(given_rules))
    policy = book.policy_for(seats=1, channel="C", customer="c")
    assert policy.approvals >= POLICY.approvals
    assert set(policy.approvers) >= set(POLICY.approvers)
    assert list(Confirm).index(policy.confirm) >= list(Confirm).index(POLICY.confirm)
    assert list(Evidence).index(policy.evidence) >= list(Evidence).index(POLICY.evidence)
    assert policy.expires_after <= POLICY.expires_after
    assert strictest(policy, POLICY) == policy


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (Rule(), True),
        (Rule(min_seats=25), True),
        (Rule(min_seats=26), False),
        (Rule(channels=("C",)), True),
        (Rule(channels=("C2",)), False),
        (Rule(customers=("ABC",)), True),
        (Rule(customers=("xyz",)), False),
        (Rule(min_seats=25, channels=("C2",)), False),
    ],
)
def test_a_rule_matches_when_all_its_conditions_do(rule: Rule, matches: bool) -> None:
    """By seats, channel and customer; ids in any case."""
    assert rule.matches(seats=25, channel="C", customer="abc") is matches


def test_a_rules_approvers_are_asked_for_besides_the_defaults() -> None:
    """Whoever approves must be of every list, so a rule cannot let others in."""
    book = PolicyBook(POLICY, (Rule(approvers=("S2",)),))
    policy = book.policy_for(seats=1, channel="C", customer="c")
    assert policy.approvers == (("S0APPROVERS",), ("S2",))


def test_the_file_of_the_documentation_is_read(tmp_path: Path) -> None:
    """All keys, as an operator writes them."""
    path = tmp_path / "policy.toml"
    path.write_text(
        """
[policy]
approvals = 1
approvers = ["S0APPROVERS"]
requesters = "channel"
confirm = "requester"
expires_after = "24h"
remind_after = "2h"
evidence = "optional"

[[policy.rules]]
min_seats = 100
channels = ["C0BIGDEALS"]
customers = ["8a6b2c1e-0000-4000-8000-000000000000"]
approvals = 2
evidence = "required"
""",
        encoding="utf-8",
    )
    book = policy_file.read(path)
    assert book.defaults == replace(POLICY, banners=())
    assert book.rules[0].approvals == 2
    assert book.user_groups() == {"S0APPROVERS"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "policy: Field required"),
        ("[policy]", 'Write for example: approvers = ["S0APPROVERS"]'),
        ('[policy]\napprovers = ["@carol"]', "'@carol' is neither a user group"),
        ('[policy]\napprovers = ["S0A"]\nexpires_after = "soon"', "write a length of time"),
        ('[policy]\napprovers = ["S0A"]\nexpires_after = "0h"', "write a length of time"),
        ('[policy]\napprovers = ["S0A"]\napproval = 2', "approval: Extra inputs"),
        ('[policy]\napprovers = ["S0A"]\nconfirm = "anyone"', "confirm: Input should be"),
        ("[policy", "is not TOML"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_with_what_to_write(
    tmp_path: Path, text: str, words: str
) -> None:
    """A misspelt key is no silent default."""
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyProblem, match=words.replace("(", r"\(").replace("[", r"\[")):
        policy_file.read(path)


def test_the_policies_are_the_defaults_and_each_rule_beside_them() -> None:
    """What an operator is told by `upgrade-bot check`; a rule that does not match changes none."""
    rule = Rule(min_seats=100, approvals=2, approvers=("S2",))
    book = PolicyBook(POLICY, (rule,))
    (nothing, defaults), (same_rule, tightened) = book.each()
    assert (nothing, defaults, same_rule) == (None, POLICY, rule)
    assert (tightened.approvals, tightened.approvers) == (2, (("S0APPROVERS",), ("S2",)))
    assert book.policy_for(seats=99, channel="C", customer="c") == POLICY
    assert book.policy_for(seats=100, channel="C", customer="c") == tightened
