"""What people do with a bundle, one function a step: approve, decline, withdraw, confirm.

Who may is asked for each row by that row's policy, with the ordinary questions; what nobody knows
means no. A step is taken by every row that it is legal for, in one transaction, and where it is
legal for none the refusal is the ordinary one. What is logged of it has the id of the bundle.
"""

import asyncio
from collections.abc import Iterable

from bot.domain import bundle as steps
from bot.domain.bundle import OPEN, Bundle, BundleEvent, WhyNot
from bot.domain.policy import Confirm, Person
from bot.domain.text_rules import visible
from bot.domain.upgrade import CardRef, State, UpgradeRequest
from bot.errors import Reason, Refused
from bot.requests.permission import Actor, Permission, refusal
from bot.store import Store
from bot.telemetry import logs

Decided = tuple[Bundle, BundleEvent]
"""The bundle afterwards, and what happened: to which rows, and to which it could not."""


class Bundles:
    """The decisions about bundles, over the store and the people in Slack."""

    def __init__(self, permission: Permission, store: Store) -> None:
        self._permission = permission
        self._store = store

    async def approve(self, card_ref: CardRef, actor: Actor) -> Decided:
        """One more yes to every row that this person may approve. Raises Refused when there is
        none."""
        bundle, who = await self._card(card_ref, actor), actor.person
        waiting = bundle.those(State.AWAITING_APPROVAL)
        why_not = await self._may_decide(waiting if who != bundle.requester else (), who)
        if who == bundle.requester:  # each row refuses them by itself
            why_not = _nobody_asked
        return await self._store.bundles.take(
            bundle.id,
            lambda newest, now: steps.approve(newest, who, now, card_ref.round, why_not),
            delivery=actor.delivery,
        )

    async def may_decline(self, card_ref: CardRef, actor: Actor) -> tuple[Bundle, list[str]]:
        """Before the forms that ask why: the rows that this person may decline. Raises Refused
        when there is none."""
        bundle = await self._card(card_ref, actor)
        rows = bundle.those(*OPEN)
        if not rows:
            raise Refused(Reason.NOTHING_TO_DECIDE, bundle=bundle)
        why_not = await self._may_decide(rows, actor.person)
        may = [row.id for row in rows if why_not(row) is None]
        if not may:
            raise Refused(why_not(rows[0]) or Reason.MAY_NOT_APPROVE, request=rows[0])
        return bundle, may

    async def decline(
        self, card_ref: CardRef, who: Person, why: str, which: Iterable[str] | None = None
    ) -> Decided | None:
        """A form was submitted: those rows, or where `which` is None all that are open, are
        declined; None when that was done already. Raises Refused as `may_decline`."""
        bundle = await self._store.bundles.bundle(card_ref.request_id)
        logs.correlate(bundle.correlation_id)
        if who.team_id != bundle.requester.team_id:
            raise Refused(Reason.NOT_A_MEMBER)
        chosen = frozenset(bundle.request_ids if which is None else which)
        if _was_done(bundle, who, chosen):
            return None  # the form was delivered again
        among = bundle.those(*OPEN) if which is None else bundle.rows
        meant = [row for row in among if row.id in chosen]
        why_not = await self._may_decide(meant, who)
        ids = frozenset(row.id for row in meant)
        try:
            return await self._store.bundles.take(
                bundle.id,
                lambda newest, now: steps.decline(
                    newest, who, now, card_ref.round, visible(why), ids, why_not
                ),
            )
        except Refused:
            if _was_done(await self.bundle(bundle.id), who, chosen):
                return None  # by the same form, a moment ago
            raise

    async def withdraw(self, card_ref: CardRef, actor: Actor) -> Decided:
        """Raises Refused for anybody but the requester, or when nothing is open any more."""
        bundle = await self._card(card_ref, actor)
        return await self._store.bundles.take(
            bundle.id,
            lambda newest, now: steps.withdraw(newest, actor.person, now),
            delivery=actor.delivery,
        )

    async def confirm(self, card_ref: CardRef, actor: Actor) -> Decided:
        """*Upgrade now*: have every approved row that this person may start begun, one after the
        other. Raises Refused when there is none."""
        bundle, who = await self._card(card_ref, actor), actor.person
        await self._permission.require_full_member(who)
        by_approver = [
            row
            for row in bundle.those(State.APPROVED)
            if row.policy.confirm is Confirm.APPROVER and who != bundle.requester
        ]
        may = await self._may_decide(by_approver, who)

        def why_not(row: UpgradeRequest) -> Reason | None:
            asked = row.policy.confirm is Confirm.APPROVER and who != row.requester
            return may(row) if asked else None

        return await self._store.bundles.take(
            bundle.id,
            lambda newest, now: steps.confirm(
                newest, who, now, card_ref.round, card_ref.attempt, why_not
            ),
            delivery=actor.delivery,
        )

    async def check_again(self, card_ref: CardRef, actor: Actor) -> list[str]:
        """*Check again*: the rows whose end is not known. Raises Refused when there is none."""
        bundle = await self._card(card_ref, actor)
        unknown = [row.id for row in bundle.those(State.UNKNOWN)]
        if not unknown:
            raise Refused(Reason.NOTHING_TO_DECIDE, bundle=bundle)
        return unknown

    async def bundle(self, bundle_id: str) -> Bundle:
        """A bundle as it is now. Raises Refused(UNKNOWN_REQUEST)."""
        return await self._store.bundles.bundle(bundle_id)

    async def _card(self, card_ref: CardRef, actor: Actor) -> Bundle:
        """The bundle of a card. A copy of the card in another channel decides nothing."""
        bundle = await self._store.bundles.bundle(card_ref.request_id)
        logs.correlate(bundle.correlation_id)
        if actor.channel_id != bundle.channel_id:
            raise Refused(Reason.OTHER_CHANNEL, bundle=bundle)
        if actor.person.team_id != bundle.requester.team_id:
            raise Refused(Reason.NOT_A_MEMBER)
        return bundle

    async def _may_decide(self, rows: Iterable[UpgradeRequest], who: Person) -> WhyNot:
        """Asks Slack about every list of approvers once, all at the same time: a click has three
        seconds. Raises Refused when the person is no full member."""
        one_of_each = {row.policy.approvers: row for row in rows}
        questions = [
            refusal(self._permission.require_approver(row, who)) for row in one_of_each.values()
        ]
        _, *answers = await asyncio.gather(self._permission.require_full_member(who), *questions)
        reasons = dict(zip(one_of_each, answers, strict=True))
        return lambda row: reasons.get(row.policy.approvers, Reason.MAY_NOT_APPROVE)


def _nobody_asked(_row: UpgradeRequest) -> None:
    """Slack need not be asked."""


def _was_done(bundle: Bundle, who: Person, chosen: frozenset[str]) -> bool:
    """Whether somebody has declined exactly these already, as far as they are not closed else."""
    rows = [row for row in bundle.rows if row.id in chosen]
    declined = [row for row in rows if row.state is State.DECLINED and row.closed_by == who]
    return bool(declined) and not any(row.state in OPEN for row in rows)
