"""The only place that knows Bolt, besides `bot/app.py`. One file for each thing a person does."""

import re

from slack_bolt.async_app import AsyncApp

from bot.messages import action_ids
from handlers import (
    again,
    approve,
    bulk,
    check,
    choose,
    decline,
    find,
    home,
    looking,
    outdated,
    perform,
    review,
    upgrade,
    withdraw,
)
from handlers.dispatch import Desk, Dispatcher
from handlers.payloads import Click, Command, Search

__all__ = ["Desk", "Dispatcher", "register"]

ANYTHING = re.compile(r".*", re.DOTALL)


def register(app: AsyncApp, dispatcher: Dispatcher) -> None:
    """Tell Bolt who answers what: the bot's table of contents. Bolt asks one after the other, so
    what is typed most, and what people wait for after a commit, comes first."""
    app.command("/upgrade")(dispatcher.looks_up(Command, upgrade.typed))
    app.action(action_ids.APPROVE)(dispatcher.decides(Click, approve.approve))
    app.action(action_ids.UPGRADE_NOW)(dispatcher.decides(Click, perform.upgrade_now))
    app.action(action_ids.WITHDRAW)(dispatcher.decides(Click, withdraw.withdraw))
    app.action(action_ids.LOOKING)(dispatcher.decides(Click, looking.press))

    app.options(action_ids.CUSTOMER)(dispatcher.suggests(find.suggest))
    app.view(action_ids.FIND_FORM)(dispatcher.looks_up(Search, find.chosen))
    app.action(action_ids.CHOOSE_CUSTOMER)(dispatcher.looks_up(Click, choose.customer))
    app.action(action_ids.CHOOSE_OPTION)(dispatcher.looks_up(Click, choose.option))
    app.view(action_ids.REVIEW_FORM)(dispatcher.submits(review.submit))

    app.action(action_ids.DECLINE)(dispatcher.looks_up(Click, decline.ask_why))
    app.view(action_ids.DECLINE_FORM)(dispatcher.submits(decline.submit))

    app.action(action_ids.CHECK_AGAIN)(dispatcher.looks_up(Click, check.check_again))
    app.action(action_ids.ASK_AGAIN)(dispatcher.looks_up(Click, again.press))
    app.action(action_ids.PORTAL)(outdated.nothing_to_do)

    app.event("app_home_opened")(dispatcher.hears(home.opened))

    app.view(action_ids.BULK_FORM)(dispatcher.submits_and_looks_up(bulk.check, bulk.preview))
    app.action(action_ids.ASK_FOR_ALL)(dispatcher.decides(Click, bulk.ask))
    app.action(action_ids.APPROVE_ALL)(dispatcher.decides(Click, bulk.approve))
    app.action(action_ids.LEAVE_OUT)(dispatcher.looks_up(Click, bulk.ask_which))
    app.view(action_ids.LEAVE_OUT_FORM)(dispatcher.submits(bulk.leave_out))
    app.action(action_ids.DECLINE_ALL)(dispatcher.looks_up(Click, bulk.ask_why))
    app.view(action_ids.DECLINE_ALL_FORM)(dispatcher.submits(bulk.decline))
    app.action(action_ids.WITHDRAW_ALL)(dispatcher.decides(Click, bulk.withdraw))
    app.action(action_ids.UPGRADE_ALL)(dispatcher.decides(Click, bulk.upgrade_now))
    app.action(action_ids.CHECK_ALL)(dispatcher.looks_up(Click, bulk.check_again))

    app.command(ANYTHING)(dispatcher.looks_up(Command, outdated.command))
    app.action(ANYTHING)(dispatcher.decides(Click, outdated.button))
    app.view(ANYTHING)(dispatcher.submits(outdated.form))
    app.view_closed(ANYTHING)(outdated.nothing_to_do)
    app.shortcut(ANYTHING)(outdated.nothing_to_do)
    app.options(ANYTHING)(outdated.no_options)
    app.event(ANYTHING)(outdated.nothing_to_do)
