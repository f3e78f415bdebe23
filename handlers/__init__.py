"""The only place that knows Bolt, besides `bot/app.py`. One file for each thing a person does."""

import re

from slack_bolt.async_app import AsyncApp

from bot import buttons
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
from handlers.guard import Desk, Guard
from handlers.inbound import Click, Command, Search

__all__ = ["Desk", "Guard", "register"]

ANYTHING = re.compile(r".*", re.DOTALL)


def register(app: AsyncApp, guard: Guard) -> None:
    """Tell Bolt who answers what: the bot's table of contents. Bolt asks one after the other, so
    what is typed most, and what people wait for after a commit, comes first."""
    app.command("/upgrade")(guard.looks_up(Command, upgrade.typed))
    app.action(buttons.APPROVE)(guard.decides(Click, approve.approve))
    app.action(buttons.UPGRADE_NOW)(guard.decides(Click, perform.upgrade_now))
    app.action(buttons.WITHDRAW)(guard.decides(Click, withdraw.withdraw))
    app.action(buttons.LOOKING)(guard.decides(Click, looking.press))

    app.options(buttons.CUSTOMER)(guard.suggests(find.suggest))
    app.view(buttons.FIND_FORM)(guard.looks_up(Search, find.chosen))
    app.action(buttons.CHOOSE_CUSTOMER)(guard.looks_up(Click, choose.customer))
    app.action(buttons.CHOOSE_OPTION)(guard.looks_up(Click, choose.option))
    app.view(buttons.REVIEW_FORM)(guard.submits(review.submit))

    app.action(buttons.DECLINE)(guard.looks_up(Click, decline.ask_why))
    app.view(buttons.DECLINE_FORM)(guard.submits(decline.submit))

    app.action(buttons.CHECK_AGAIN)(guard.looks_up(Click, check.check_again))
    app.action(buttons.ASK_AGAIN)(guard.looks_up(Click, again.press))
    app.action(buttons.PORTAL)(outdated.nothing_to_do)

    app.event("app_home_opened")(guard.hears(home.opened))

    app.view(buttons.BULK_FORM)(guard.submits_and_looks_up(bulk.check, bulk.preview))
    app.action(buttons.ASK_FOR_ALL)(guard.decides(Click, bulk.ask))
    app.action(buttons.APPROVE_ALL)(guard.decides(Click, bulk.approve))
    app.action(buttons.LEAVE_OUT)(guard.looks_up(Click, bulk.ask_which))
    app.view(buttons.LEAVE_OUT_FORM)(guard.submits(bulk.leave_out))
    app.action(buttons.DECLINE_ALL)(guard.looks_up(Click, bulk.ask_why))
    app.view(buttons.DECLINE_ALL_FORM)(guard.submits(bulk.decline))
    app.action(buttons.WITHDRAW_ALL)(guard.decides(Click, bulk.withdraw))
    app.action(buttons.UPGRADE_ALL)(guard.decides(Click, bulk.upgrade_now))
    app.action(buttons.CHECK_ALL)(guard.looks_up(Click, bulk.check_again))

    app.command(ANYTHING)(guard.looks_up(Command, outdated.command))
    app.action(ANYTHING)(guard.decides(Click, outdated.button))
    app.view(ANYTHING)(guard.submits(outdated.form))
    app.view_closed(ANYTHING)(outdated.nothing_to_do)
    app.shortcut(ANYTHING)(outdated.nothing_to_do)
    app.options(ANYTHING)(outdated.no_options)
    app.event(ANYTHING)(outdated.nothing_to_do)
