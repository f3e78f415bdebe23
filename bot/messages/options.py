"""The private answers to `/upgrade`: which customer, and what can be upgraded."""

import json
from collections.abc import Iterator

from bot.domain.subscription import Customer, Subscription, Upgradable, UpgradeOption
from bot.messages import action_ids, words
from bot.messages.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    escape_mrkdwn,
    escape_plain,
    section,
)
from bot.messages.language import day, gettext, listed, ngettext
from bot.messages.trouble import trouble

CUSTOMERS_SHOWN = 20
BLOCKS_A_MESSAGE = 45
"""Slack takes 50 blocks."""

SIZE = 11_000
"""Characters of all blocks as they are sent; Slack refuses about 13,200 of text."""


def which_customer(found: list[Customer]) -> Message:
    """Several customers: a button each, with the domain that tells them apart."""
    shown = found[:CUSTOMERS_SHOWN]
    rows = [
        button(
            escape_plain(f"{customer.name} ({customer.domain})", 75),
            action_ids.choose_customer(number),
            customer.id,
        )
        for number, customer in enumerate(shown)
    ]
    blocks = [section(gettext("Which customer do you mean?")), actions("customers", *rows)]
    if more := len(found) - len(shown):
        blocks.append(
            context(
                ngettext(
                    "{count} more is not shown. Type more of the name, or `/upgrade` alone to find "
                    "it by typing ahead.",
                    "{count} more are not shown. Type more of the name, or `/upgrade` alone to find "
                    "one by typing ahead.",
                    more,
                )
            )
        )
    return Message(blocks)


def upgrade_options(
    customer: Customer, upgradable: list[Upgradable], *, goes_on: bool = False
) -> list[Message]:
    """Subscriptions of the customer with what each can become; several messages if long, and
    without a title where the list `goes_on`."""
    numbers = iter(range(10_000))
    messages: list[list[Block]] = [[] if goes_on else [_title(customer, upgradable)]]
    for each in upgradable:
        part = _subscription(each, numbers)
        if not _fits(messages[-1] + part):
            messages.append([])
        for block in part:  # one alone can be too long too
            if not _fits([*messages[-1], block]):
                messages.append([])
            messages[-1].append(block)
    return [Message(blocks) for blocks in messages]


def _title(customer: Customer, upgradable: list[Upgradable]) -> Block:
    possible = sum(1 for each in upgradable for _, offer_id in each.options if offer_id)
    name = f"*{escape_mrkdwn(customer.name)}* ({escape_mrkdwn(customer.domain)})"
    if possible:
        return section(
            gettext("{name}: press what it should become. Nothing is ordered yet.", name=name)
        )
    return section(gettext("{name}: nothing can be upgraded at the moment.", name=name))


def _subscription(each: Upgradable, numbers: Iterator[int]) -> list[Block]:
    subscription = each.subscription
    blocks = [{"type": "divider"}, section(_facts(subscription))]
    pressable = [
        button(
            escape_plain(f"{option.name} ({_way(option)})", 75),
            action_ids.choose_option(next(numbers)),
            offer_id,
            accessibility_label=_aloud(subscription, option),
        )
        for option, offer_id in each.options
        if offer_id
    ]
    for start in range(0, len(pressable), 25):
        row = pressable[start : start + 25]
        blocks.append(actions(f"{subscription.id}-{start}", *row))
    blocks += [context(line) for line in _why_not(each)]
    return blocks


def _aloud(subscription: Subscription, option: UpgradeOption) -> str:
    """What a screen reader says: two subscriptions can have buttons of one text."""
    old, new = escape_plain(subscription.name, 28), escape_plain(option.name, 28)
    return f"{old} → {new}: {_way(option)}"[:75]


def _facts(subscription: Subscription) -> str:
    facts = [words.seats(subscription.seats), words.status(subscription)]
    if term := words.term(subscription):
        facts.append(term)
    if subscription.ends_at:
        ends = day(subscription.ends_at)
        renews = subscription.auto_renews
        facts.append(
            gettext("renews {day}", day=ends) if renews else gettext("ends {day}", day=ends)
        )
    if subscription.add_ons:
        facts.append(ngettext("{count} add-on", "{count} add-ons", len(subscription.add_ons)))
    if subscription.promotion_id:
        facts.append(gettext("with a promotion"))
    if subscription.scheduled_change:
        change = escape_mrkdwn(subscription.scheduled_change)
        facts.append(gettext("scheduled for the renewal: {change}", change=change))
    return f"*{escape_mrkdwn(subscription.name)}*\n" + " · ".join(facts)


def _way(option: UpgradeOption) -> str:
    if not option.into:
        return words.kind(option)
    into = option.into_name or option.into
    return gettext("{kind}, into {into}", kind=words.kind(option), into=into)


def _why_not(each: Upgradable) -> list[str]:
    """A line for the options that are not possible, for those of the renewal, and for a
    subscription that has none."""
    if each.subscription.kind in words.NOT_UPGRADABLE:
        return [gettext(words.NOT_UPGRADABLE[each.subscription.kind])]
    if each.trouble:
        return [gettext("The options are not known: {why}", why=trouble(each.trouble))]
    if not each.options:
        return [gettext("Microsoft offers no upgrade for this plan.")]
    later = [_called(o) for o, _ in each.options if o.at_renewal and o.eligible]
    return _not_possible(each, bool(later)) + [
        gettext(
            "At the renewal: {options}. Schedule that in Partner Center; this bot upgrades at once.",
            options=listed(some),
        )
        for some in _tens(later)
    ]


def _not_possible(each: Upgradable, has_more: bool) -> list[str]:
    """The options that are not possible, by why; their names only where others are."""
    reasons: dict[str, list[str]] = {}
    for option, offer_id in each.options:
        if offer_id:
            has_more = True
        elif not (option.at_renewal and option.eligible):
            reasons.setdefault(_reason(option), []).append(_called(option))
    if len(reasons) == 1 and not has_more:
        return [gettext("Not possible at the moment. {why}", why=why) for why in reasons]
    return [
        gettext("Not possible: {options}. {why}", options=listed(some), why=why)
        for why, names in reasons.items()
        for some in _tens(names)
    ]


def _reason(option: UpgradeOption) -> str:
    why = " ".join(words.obstacle(obstacle) for obstacle in option.obstacles)
    return why or gettext("No reason was given.")


def _called(option: UpgradeOption) -> str:
    return f"{escape_mrkdwn(option.name, 80)} ({words.how(option)})"


def _tens(names: list[str]) -> list[list[str]]:
    """As many as a line holds, so that none is cut off."""
    return [names[start : start + 10] for start in range(0, len(names), 10)]


def _fits(blocks: list[Block]) -> bool:
    """Whether they can be one message, with some air."""
    return len(blocks) <= BLOCKS_A_MESSAGE and len(json.dumps(blocks, ensure_ascii=False)) < SIZE
