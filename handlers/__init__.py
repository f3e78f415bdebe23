"""The only place that knows Bolt, besides `bot/slack/bolt_app.py`. A file for each thing that a
person does."""

import re

from slack_bolt.async_app import AsyncApp

from bot.messages import action_ids
from bot.messages.action_ids import named
from handlers import (
    again,
    approve,
    bulk,
    check,
    choose,
    decline,
    find,
    home,
    leave_out,
    looking,
    outdated,
    review,
    upgrade,
    upgrade_now,
    withdraw,
)
from handlers.dispatch import Dispatcher
from handlers.payloads import Click, Command, Search

__all__ = ["Dispatcher", "register"]

ANYTHING = re.compile(r".*", re.DOTALL)


def register(app: AsyncApp, to: Dispatcher) -> None:
    """Tell Bolt who answers what: the bot's table of contents. Bolt asks one after the other, so
    what is typed most, and what people wait for after a commit, comes first. The words are those of
    the audit trail, and stay."""
    app.command("/upgrade")(to.looks_up("upgrade", Command, upgrade.typed))
    app.action(named(action_ids.APPROVE))(to.decides("approve", Click, approve.approve))
    app.action(named(action_ids.UPGRADE_NOW))(to.decides("perform", Click, upgrade_now.press))
    app.action(named(action_ids.WITHDRAW))(to.decides("withdraw", Click, withdraw.withdraw))
    app.action(action_ids.LOOKING)(to.decides("looking", Click, looking.press))

    app.options(action_ids.CUSTOMER)(to.suggests(find.suggest))
    app.view(action_ids.FIND_FORM)(to.looks_up("find", Search, find.chosen))
    app.action(action_ids.CHOOSE_CUSTOMER)(to.looks_up("choose", Click, choose.customer))
    app.action(action_ids.CHOOSE_OPTION)(to.looks_up("choose", Click, choose.option))
    app.view(action_ids.REVIEW_FORM)(to.submits("review", review.submit))

    app.view(action_ids.TABLE_FORM)(to.submits_and_looks_up("bulk", bulk.check, bulk.preview))
    app.action(action_ids.ASK_FOR_ALL)(to.decides("bulk", Click, bulk.ask))

    app.action(named(action_ids.DECLINE))(to.looks_up("decline", Click, decline.ask_why))
    app.view(named(action_ids.DECLINE_FORM))(to.submits("decline", decline.submit))
    app.action(action_ids.LEAVE_OUT)(to.looks_up("leave_out", Click, leave_out.ask_which))
    app.view(action_ids.LEAVE_OUT_FORM)(to.submits("leave_out", leave_out.submit))

    app.action(named(action_ids.CHECK_AGAIN))(to.looks_up("check", Click, check.check_again))
    app.action(action_ids.ASK_AGAIN)(to.looks_up("again", Click, again.press))
    app.action(action_ids.PORTAL)(outdated.nothing_to_do)

    app.event("app_home_opened")(to.hears(home.opened))

    app.command(ANYTHING)(to.looks_up("outdated", Command, outdated.command))
    app.action(ANYTHING)(to.decides("outdated", Click, outdated.button))
    app.view(ANYTHING)(to.submits("outdated", outdated.form))
    app.view_closed(ANYTHING)(outdated.nothing_to_do)
    app.shortcut(ANYTHING)(outdated.nothing_to_do)
    app.options(ANYTHING)(outdated.no_options)
    app.event(ANYTHING)(outdated.nothing_to_do)
