"""Whether enough people could approve what is asked for, by the policy's defaults and each rule."""

import asyncio
from functools import reduce

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.policy import CHANNEL, Names, Policy, PolicyBook, Rule
from bot.preflight.diagnostics import Finding, bad, doubtful, good
from bot.preflight.slack import SAID_ALREADY, SLACKS_OWN
from bot.slack.errors import SLACK_ERRORS, word_of


async def enough(policies: PolicyBook, client: AsyncWebClient) -> list[Finding]:
    """Who could approve what, by the defaults and by each rule; and every group is readable."""
    groups = sorted(policies.user_groups())
    answers = await asyncio.gather(*(_group(client, group) for group in groups))
    members = dict(zip(groups, answers, strict=True))
    broken = {g: word for g, word in members.items() if isinstance(word, str)}
    readable = {g: people for g, people in members.items() if isinstance(people, frozenset)}
    can_be_approved = [
        _can_be_approved(rule, policy, readable)
        for rule, policy in policies.each()
        if not set().union(*policy.approvers) & broken.keys()
    ]
    return [*_unreadable_groups(broken, policies.defaults), *can_be_approved]


def _unreadable_groups(broken: dict[str, str], defaults: Policy) -> list[Finding]:
    vital = set().union(*defaults.approvers, *defaults.requesters)
    return [
        _unreadable(group, word, group in vital)
        for group, word in broken.items()
        if word not in SAID_ALREADY
    ]


async def _group(client: AsyncWebClient, group_id: str) -> frozenset[str] | str:
    """Its members, or Slack's word for why they cannot be read."""
    try:
        answer = await client.usergroups_users_list(usergroup=group_id)
    except SLACK_ERRORS as error:
        return word_of(error)
    return frozenset(answer["users"])


def _unreadable(group: str, word: str, vital: bool) -> Finding:
    fix = "Correct the id in the policy file: in Slack, People > User groups > Copy group ID."
    what = f"the members of the user group {group} cannot be read (Slack says {word})"
    if vital and word not in SLACKS_OWN and not word.startswith("HTTP") and word.islower():
        return bad("approvers", what, fix)
    return doubtful("approvers", what, fix)


def _can_be_approved(
    rule: Rule | None, policy: Policy, members: dict[str, frozenset[str]]
) -> Finding:
    """Whether enough people are in every list. Whom the word `channel` means is not known here."""
    approvals, lists = policy.approvals, policy.approvers
    what = f"{_meant(rule)}: {approvals} of {' and of '.join(', '.join(names) for names in lists)}"
    counted = [_people(names, members) for names in lists if CHANNEL not in names]
    if not counted:
        return good("approvers", what)
    could = reduce(frozenset.__and__, counted)
    what += f" ({len(could)} {'person' if len(could) == 1 else 'people'})"
    if len(could) < approvals:
        fix = "Put more people into the user groups at Slack, or lower `approvals` in the policy."
        return (doubtful if rule else bad)("approvers", f"{what}, so nothing can be approved", fix)
    return good("approvers", what)


def _people(names: Names, members: dict[str, frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*(members.get(name, frozenset({name})) for name in names))


def _meant(rule: Rule | None) -> str:
    """What a rule is about, in the words of the policy file."""
    if rule is None:
        return "approvals by default"
    conditions = [f"min_seats {rule.min_seats}"] if rule.min_seats else []
    conditions += [f"channels {', '.join(rule.channels)}"] if rule.channels else []
    conditions += [f"{len(rule.customers)} customers"] if rule.customers else []
    return f"approvals with {' and '.join(conditions) or 'a rule for all'}"
