"""The private answers to `/upgrade`: which customer, and what can be upgraded."""

from collections.abc import Iterator

from bot import buttons
from bot.domain.subscription import Customer, Subscription, Upgradable, UpgradeOption
from bot.messages import words
from bot.messages.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    outside,
    outside_plain,
    section,
)
from bot.messages.replies import trouble

CUSTOMERS_SHOWN = 20
BLOCKS_A_MESSAGE = 45
"""Slack takes 50 blocks."""


def which_customer(found: list[Customer]) -> Message:
    """Several customers: a button each, with the domain that tells them apart."""
    shown = found[:CUSTOMERS_SHOWN]
    rows = [
        button(
            outside_plain(f"{customer.name} ({customer.domain})", 75),
            buttons.choose_customer(number),
            customer.id,
        )
        for number, customer in enumerate(shown)
    ]
    blocks = [section("Which customer do you mean?"), actions("customers", *rows)]
    if len(found) > len(shown):
        blocks.append(
            context(f"{len(found) - len(shown)} more are not shown. Type more of the name.")
        )
    return Message(blocks)


def upgrade_options(customer: Customer, upgradable: list[Upgradable]) -> list[Message]:
    """Every subscription of the customer with what it can become; several messages if long."""
    numbers = iter(range(10_000))
    parts = [_subscription(each, numbers) for each in upgradable]
    messages: list[list[Block]] = [[_title(customer, upgradable)]]
    for part in parts:
        if len(messages[-1]) + len(part) > BLOCKS_A_MESSAGE or _size(messages[-1] + part) > 10_000:
            messages.append([])
        messages[-1] += part
    return [Message(blocks) for blocks in messages]


def _title(customer: Customer, upgradable: list[Upgradable]) -> Block:
    possible = sum(1 for each in upgradable for _, offer_id in each.options if offer_id)
    name = f"*{outside(customer.name)}* ({outside(customer.domain)})"
    if possible:
        return section(f"{name}: press what it should become. Nothing is ordered yet.")
    return section(f"{name}: nothing can be upgraded at the moment.")


def _subscription(each: Upgradable, numbers: Iterator[int]) -> list[Block]:
    subscription = each.subscription
    blocks = [{"type": "divider"}, section(_facts(subscription))]
    pressable = [
        button(
            outside_plain(f"{option.name} ({_way(option)})", 75),
            buttons.choose_option(next(numbers)),
            offer_id,
        )
        for option, offer_id in each.options
        if offer_id
    ]
    for start in range(0, len(pressable), 25):
        row = pressable[start : start + 25]
        blocks.append(actions(f"{subscription.id}-{start}", *row))
    blocks += [context(line) for line in _why_not(each)]
    return blocks


def _facts(subscription: Subscription) -> str:
    facts = [f"{subscription.seats} seats", words.status(subscription)]
    if term := words.term(subscription):
        facts.append(term)
    if subscription.ends_at:
        verb = "renews" if subscription.auto_renews else "ends"
        facts.append(f"{verb} {subscription.ends_at:%Y-%m-%d}")
    if subscription.add_ons:
        facts.append(f"{len(subscription.add_ons)} add-ons")
    if subscription.promotion_id:
        facts.append("with a promotion")
    if subscription.scheduled_change:
        facts.append(f"scheduled for the renewal: {outside(subscription.scheduled_change)}")
    return f"*{outside(subscription.name)}*\n" + " · ".join(facts)


def _way(option: UpgradeOption) -> str:
    kind = words.UPGRADE_TYPES[option.type]
    return f"{kind}, into {option.into_name or option.into}" if option.into else kind


def _why_not(each: Upgradable) -> list[str]:
    """A line for the options that are not possible, for those of the renewal, and for a
    subscription that has none."""
    if each.subscription.kind in words.NOT_UPGRADABLE:
        return [words.NOT_UPGRADABLE[each.subscription.kind]]
    if each.trouble:
        return ["The options are not known: " + trouble(each.trouble)]
    if not each.options:
        return ["Microsoft offers no upgrade for this plan."]
    reasons: dict[str, list[str]] = {}
    later: list[str] = []
    for option, offer_id in each.options:
        name = f"{outside(option.name)} ({words.how(option)})"
        if option.at_renewal and option.eligible:
            later.append(name)
        elif not offer_id:
            why = " ".join(words.obstacle(o) for o in option.obstacles) or "No reason was given."
            reasons.setdefault(why, []).append(name)
    lines = [f"Not possible: {', '.join(names)}. {why}" for why, names in reasons.items()]
    if len(reasons) == 1 and not later and not any(offer_id for _, offer_id in each.options):
        lines = [f"Not possible at the moment. {why}" for why in reasons]
    if later:
        lines.append(
            f"At the renewal: {', '.join(later)}. Schedule that in Partner Center; this bot upgrades at once."
        )
    return lines


def _size(blocks: list[Block]) -> int:
    return len(Message(blocks).text) + sum(len(str(block)) for block in blocks if "text" in block)
