"""`python -m tests.race --rounds 200`: two bots on one database, and fifty clicks at once.

In each round twenty-five approvers press *Approve* and the requester presses *Upgrade now* twenty-
five times, all together, and then *Upgrade now* twenty-five times more. One approval counts, one
upgrade is sent, and every other click learns the truth. `--without compare_and_set` and `--without
claim` take a guard out of the bots, to show that this would be seen.
"""

import argparse
import asyncio
import copy
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
import structlog

from bot.domain.item import State, Step
from bot.domain.refusals import RefusedStep
from bot.domain.request import Request, Transition
from bot.errors import Reason
from bot.messages import action_ids
from bot.requests.decide import Decisions
from bot.sandbox.partner_center import records
from bot.sandbox.practice import ALICE, CHANNEL
from bot.worker.executor import Executor
from handlers.dispatch import Answer
from handlers.payloads import Click
from tests.postgres import PostgresServer
from tests.story import Story

APPROVERS = [f"U0APPROVER{number:02}" for number in range(25)]


@dataclass(frozen=True)
class Round:
    """What came of fifty clicks, and of twenty-five more."""

    approved: int
    claimed: int
    posts: int
    clicks: int
    answers: list[str]
    untrue: list[str]

    @property
    def is_good(self) -> bool:
        """One of each, and every click that was not one of them was answered, and truly."""
        once = self.approved == self.claimed == self.posts == 1
        return once and len(self.answers) == self.clicks - 2 and not self.untrue


async def race(rounds: int, database: str, without: str = "") -> list[Round]:
    """So many rounds between two bots on `database`, or until one is bad; maybe `without` a
    guard."""
    story = Story(bots=2, database=database)
    for number in range(rounds):
        partner = story.practice.partner_center.records
        customer = partner.add_customer(f"Race {number:03}", f"race-{number:03}.example")
        partner.add_subscription(customer, records.E1, 25)
    slack = story.practice.slack.workspace
    for user in APPROVERS:
        slack.add_user(user, user.lower(), user)
        slack.groups["S0APPROVERS"].add(user)
        slack.channels[CHANNEL].members.add(user)
    await story.start()
    try:
        for bot in story.bots:
            await bot.start(sabotage=f"tests.race:without_{without}" if without else "")
        ended: list[Round] = []
        while len(ended) < rounds and all(each.is_good for each in ended):
            ended.append(await one_round(story, f"Race {len(ended):03}"))
        return ended
    finally:
        await story.end()


async def one_round(story: Story, customer: str) -> Round:
    """One request, and everybody presses at once."""
    posts = story.posts()
    story.practice.slack.workspace.messages.clear()
    await story.asked(customer)
    approve = await payloads(story, "Approve", APPROVERS)
    upgrade_now = [as_upgrade_now(story, approve[0]) for _ in range(50)]
    slack = story.practice.slack.interactions
    clicks = [*approve, *upgrade_now[:25]]
    await asyncio.gather(*(slack.deliver_click(click) for click in clicks))
    await asyncio.gather(*(slack.deliver_click(click) for click in upgrade_now[25:]))
    await story.wait(lambda: story.shows("✅ Upgraded"))
    losers = len(clicks) + 25 - 2
    await story.wait(lambda: len(answers(story)) >= losers, within=2)
    ((_, history),) = await story.items(customer)
    steps = [event.step for event in history]
    by = {event.by.user_id for event in history if event.step is Step.APPROVE and event.by}
    return Round(
        approved=steps.count(Step.APPROVE),
        claimed=steps.count(Step.CLAIM),
        posts=story.posts() - posts,
        clicks=len(clicks) + 25,
        answers=answers(story),
        untrue=[said for said in answers(story) if not is_true(said, by)],
    )


async def payloads(story: Story, label: str, users: list[str]) -> list[dict[str, Any]]:
    """The clicks of these people on the newest button of that name."""
    found = story.button(users[0], label)
    assert found, f"nobody shows {label}"
    message, action_id = found
    element = next(
        each
        for block in message.blocks
        for each in block.get("elements", [])
        if each.get("action_id") == action_id
    )
    slack = story.practice.slack.interactions
    return [slack.click_payload(user, message, element) for user in users]


def as_upgrade_now(story: Story, click: dict[str, Any]) -> dict[str, Any]:
    """The requester presses a button that the card will have in a moment."""
    pressed = copy.deepcopy(click)
    pressed["user"]["id"] = ALICE
    action = pressed["actions"][0]
    action["action_id"] = action_ids.UPGRADE_NOW
    action["action_ts"] = story.practice.slack.workspace.new_ts()
    return pressed


def answers(story: Story) -> list[str]:
    """What people were told privately after they had pressed."""
    return [said for user in (ALICE, *APPROVERS) for said in story.private(user)
            if "press what it should become" not in said]  # fmt: skip


def is_true(said: str, approved_by: set[str]) -> bool:
    """Whether a loser was told what was so: who approved, who confirmed, or how it stands."""
    if named := re.search(r"already approved by <@(\w+)>", said):
        return {named[1]} == approved_by
    if named := re.search(r"already running: <@(\w+)> confirmed", said):
        return named[1] == ALICE
    return "0 of 1 approval." in said or "already done" in said


def without_compare_and_set() -> None:
    """A bot that reads, decides, and writes, whatever others wrote in between."""
    from bot.store import rows
    from bot.store.requests import Requests

    async def take(
        self: Requests,
        request_id: str,
        step: Callable[..., Transition],
        *,
        delivery: str = "",  # noqa: ARG001 - the same signature
        attend: Sequence[str] | None = None,
    ) -> Transition:
        transition = step(await self.get(request_id), await self._database.time())

        def write(connection: sa.Connection) -> None:
            newest = rows.lock(connection, request_id, self._database.now_column())
            rows.change(connection, newest, forced(transition, newest.request))

        await self._database.write(write, [request_id] if attend is None else attend)
        return transition

    Requests.take = take  # type: ignore[method-assign]


def forced(transition: Transition, newest: Request) -> Transition:
    """The step as if it had been taken of what there is now."""
    request = replace(
        transition.request,
        version=newest.version + (transition.event is not None),
        revision=newest.revision + 1,
    )
    items = tuple(
        (replace(item, version=newest.item(item.id).version + 1), event)
        for item, event in transition.items
    )
    return replace(transition, request=request, items=items)


def without_claim() -> None:
    """A bot that performs what it finds approved, and notes it afterwards."""
    from handlers import upgrade_now

    async def press(click: Click, decisions: Decisions, executor: Executor) -> Answer:
        request = await decisions.request(click.card_ref)
        (item,) = request.items
        if item.state is not State.APPROVED:
            raise RefusedStep(Reason.WRONG_STATE, item, request)
        _, listed, _ = await executor._as_it_is_now(item)
        assert listed
        await executor._partner_center.perform(item, listed)
        await decisions.confirm(click.card_ref, click.actor)
        return []

    upgrade_now.press = press  # type: ignore[assignment]  # it asks for one more service


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.race", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--without", choices=["compare_and_set", "claim"], default="")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    server = PostgresServer()
    server.start()

    async def run() -> list[Round]:
        return await race(options.rounds, await server.new_database(), options.without)

    try:
        rounds = asyncio.run(run())
    finally:
        server.stop()
    bad = [each for each in rounds if not each.is_good]
    clicks, posts = sum(each.clicks for each in rounds), sum(each.posts for each in rounds)
    print(f"{len(rounds)} rounds, {clicks} clicks, {posts} upgrades sent, {len(bad)} bad rounds")  # noqa: T201 - it is a command
    for each in bad[:3]:
        print(replace(each, answers=each.answers[:3]), len(each.answers))  # noqa: T201 - the same


if __name__ == "__main__":
    main()
