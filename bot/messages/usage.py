"""The answer to `/upgrade help`, parts of which stand on the Home tab too."""

from bot.domain.policy import Confirm, Policy
from bot.messages.blocks import Message, context, everyone_of, section
from bot.messages.language import N_, gettext, ngettext


def usage(policy: Policy) -> Message:
    """The answer to `/upgrade help`: how it is used, and who may do what in this channel by its
    `policy`."""
    return Message(
        [section(examples()), section(who_may_what(policy)), context(gettext(MORE_NEEDED))]
    )


MORE_NEEDED = N_("Large upgrades and some customers can need more; the form says so.")


def examples() -> str:
    """What can be typed."""
    lines = [
        gettext("Type `/upgrade` and the customer, in the channel where your team decides:"),
        gettext("• `/upgrade contoso`: a part of the name"),
        gettext("• `/upgrade contoso.onmicrosoft.com`: the domain, or the tenant id"),
        gettext("• `/upgrade` alone: find the customer by typing ahead"),
        gettext("• `/upgrade bulk`: several customers with one approval"),
        gettext(
            "• `/upgrade history`: what was asked for here; also `history mine`, or `history "
            "contoso`"
        ),
        gettext("• `/upgrade status`: when I do not do what you expect"),
        gettext("You see what can be upgraded, you ask for it, the team approves, you confirm."),
    ]
    return "\n".join(lines)


def who_may_what(policy: Policy) -> str:
    """Who may ask, approve and confirm by a policy."""
    who = everyone_of(policy.approvers)
    approve = gettext("nobody has to")
    if policy.approvals:
        approve = ngettext(
            "{who} ({count} approval, nobody approves their own request)",
            "{who} ({count} approvals, nobody approves their own request)",
            policy.approvals,
            who=who,
        )
    confirm = {
        Confirm.REQUESTER: gettext("whoever asked"),
        Confirm.APPROVER: gettext("not whoever asked, but {who}", who=who),
        Confirm.NOBODY: gettext("nobody: the last approval starts it"),
    }[policy.confirm]
    requesters = everyone_of(policy.requesters)
    return "\n".join(
        [
            gettext("*Who may do what here*"),
            gettext("Ask: {who}", who=requesters),
            gettext("Approve or decline: {who}", who=approve),
            gettext("Press *Upgrade now*: {who}", who=confirm),
        ]
    )
