"""From a pasted table to a bundle: what each line means, previewed to one person, and then asked.

What a line names must be exactly one thing. Whatever is not comes back with the reason, and the
others can be asked for without it. What was previewed is stored for a day, and the button below it
means exactly that.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

import structlog

from bot.domain import bundle as steps
from bot.domain.bundle import MOST_ROWS, PREFIX, Bundle
from bot.domain.policy import Confirm, Evidence, Policy, PolicyBook
from bot.domain.subscription import Customer, Upgradable, UpgradeOption, UpgradeType
from bot.domain.table import Amiss, BadLine, Draft, Line, Wanted, parse_table
from bot.domain.text_rules import is_link, is_name, visible
from bot.domain.upgrade import State, UpgradeRequest
from bot.errors import PartnerCenterError, Reason, Refused
from bot.partner_center import PartnerCenter, Trace
from bot.requests.permission import Actor, People, Permission, refusal
from bot.requests.submit import MOST_OPEN, Submitter
from bot.store import Store

log = structlog.get_logger()


class TableSubmitter:
    """Several upgrades at once, until the team is asked."""

    def __init__(
        self,
        *,
        submitter: Submitter,
        permission: Permission,
        store: Store,
        partner_center: PartnerCenter,
        people: People,
        policies: PolicyBook,
        new_id: Callable[[], str],
    ) -> None:
        self._submitter = submitter
        self._permission = permission
        self._store = store
        self._partner_center = partner_center
        self._people = people
        self._policies = policies
        self._new_id = new_id

    async def read(self, table: str, actor: Actor, reason: str, evidence: str) -> list[Line]:
        """The lines of a table, without asking Partner Center.

        Raises Refused: TABLE_UNREADABLE, TOO_MANY_ROWS, what else the form lacks, or why the
        person may not ask.
        """
        await self._permission.may_ask(actor)
        lines = parse_table(table)
        if not any(line.target for line in lines):
            raise Refused(Reason.TABLE_UNREADABLE)
        if len(lines) > MOST_ROWS:
            raise Refused(Reason.TOO_MANY_ROWS, rows=len(lines), most=MOST_ROWS)
        if not visible(reason):
            raise Refused(Reason.REASON_MISSING)
        if evidence.strip() and not is_link(evidence.strip()):
            raise Refused(Reason.EVIDENCE_NOT_A_LINK)
        required = self._permission.policy_here(actor).evidence is Evidence.REQUIRED
        if required and not evidence.strip():
            raise Refused(Reason.EVIDENCE_MISSING)
        return lines

    async def preview(
        self, table: str, actor: Actor, reason: str, evidence: str
    ) -> tuple[Draft, list[BadLine]]:
        """What every line would do, remembered for a day, and the lines that are amiss.

        Raises Refused as `read`, and PartnerCenterError when no customer could be found at all.
        """
        lines = await self.read(table, actor, reason, evidence)
        trace = Trace(self._submitter.correlation_id(), await self._people.locale(actor.person))
        meant = await asyncio.gather(*(self._meaning(line, trace) for line in lines))
        seen: dict[str, int] = {}
        wanted: list[Wanted] = []
        bad: list[BadLine] = []
        for line, each in zip(lines, meant, strict=True):
            it = each if isinstance(each, BadLine) else await self._check(line, each, actor, seen)
            if isinstance(it, Wanted) and not evidence.strip() and self._needs_evidence(it, actor):
                it = BadLine(line, Amiss.EVIDENCE_MISSING)
            if isinstance(it, BadLine):
                bad.append(it)
            else:
                price = await self._submitter.price(it.subscription, it.option)
                wanted.append(replace(it, price=price))
        what = (visible(reason), evidence.strip(), tuple(wanted))
        draft = Draft(
            self._new_id(), actor.person, actor.channel_id, *what, await self._store.now()
        )
        await self._store.bundles.keep(draft, _looked_at(meant))
        return draft, bad

    async def ask(self, draft_id: str, actor: Actor) -> tuple[Bundle, list[Wanted]]:
        """The button below the preview: make the bundle, one for each preview; and what is left
        out because it was asked for otherwise meanwhile.

        Raises Refused: OFFER_GONE, NOT_YOUR_OFFER, SUBSCRIPTION_BUSY, TOO_MANY_OPEN, or why the
        person may not.
        """
        draft = await self._store.bundles.draft(draft_id)
        if draft.person != actor.person:
            raise Refused(Reason.NOT_YOUR_OFFER)
        there = Actor(actor.person, draft.channel_id)
        await self._permission.may_ask(there)
        bundle_id = PREFIX + draft.id
        rows: list[UpgradeRequest] = []
        left_out: list[Wanted] = []
        now = await self._store.now()
        for wanted in draft.wanted:
            policy = self._policy(wanted, draft.channel_id)
            await self._permission.require_requester(there, policy)
            if await self._unsettled(wanted, other_than=bundle_id):
                left_out.append(wanted)
            else:
                rows.append(self._row(bundle_id, draft, wanted, policy, now))
        if not rows:
            raise Refused(Reason.SUBSCRIPTION_BUSY)
        bundle = _bundle(draft, rows, now, self._submitter.correlation_id())
        taken = steps.ask(bundle, tuple(rows))
        added = await self._store.bundles.add(taken, actor.delivery, most=MOST_OPEN)
        ids = {row.id: row.correlation_id for row in added.rows}
        log.info("bulk.asked", bundle=added.id, correlation_ids=ids)
        return added, left_out

    # What a line means

    async def _meaning(self, line: Line, trace: Trace) -> Wanted | BadLine:
        if amiss := _misshapen(line):
            return BadLine(line, amiss)
        try:
            meant = _meant(line.customer, await self._submitter.customers_called(line.customer))
            if not meant:
                nearest = await self._submitter.nearest(line.customer)
                return BadLine(line, Amiss.UNKNOWN_CUSTOMER, customers=tuple(nearest))
            if len(meant) > 1:
                return BadLine(line, Amiss.SEVERAL_CUSTOMERS, customers=tuple(meant))
            (customer,) = meant
            there = await self._partner_center.customers.subscriptions(customer.id, trace)
            each = (self._submitter.upgradable(customer, one, trace) for one in there)
            return _choice(line, customer, await asyncio.gather(*each))
        except PartnerCenterError as error:
            return BadLine(line, Amiss.TROUBLE, trouble=error)

    async def _check(
        self, line: Line, wanted: Wanted, actor: Actor, seen: dict[str, int]
    ) -> Wanted | BadLine:
        """What else speaks against a line that means one upgrade. `seen`: the lines before."""
        key = wanted.subscription.id.lower()
        if key in seen:
            return BadLine(line, Amiss.TWICE, other=seen[key])
        seen[key] = line.number
        if await self._unsettled(wanted):
            return BadLine(line, Amiss.BUSY)
        policy = self._policy(wanted, actor.channel_id)
        if await refusal(self._permission.require_requester(actor, policy)):
            return BadLine(line, Amiss.MAY_NOT_REQUEST)
        return wanted

    def _needs_evidence(self, wanted: Wanted, actor: Actor) -> bool:
        return self._policy(wanted, actor.channel_id).evidence is Evidence.REQUIRED

    async def _unsettled(self, wanted: Wanted, other_than: str = "") -> bool:
        """Whether the same subscription is asked for already, or being upgraded."""
        found = await self._store.asked_for(wanted.subscription.id, limit=20)
        return any(
            each.closed_at is None
            for each in found
            if not other_than or each.bundle_id != other_than
        )

    def _policy(self, wanted: Wanted, channel_id: str) -> Policy:
        """The policy of a row. A bundle is always started by a person."""
        policy = self._policies.policy_for(
            seats=wanted.option.seats, channel=channel_id, customer=wanted.customer.id
        )
        if policy.confirm is Confirm.NOBODY:
            return replace(policy, confirm=Confirm.REQUESTER)
        return policy

    def _row(
        self, bundle_id: str, draft: Draft, wanted: Wanted, policy: Policy, now: datetime
    ) -> UpgradeRequest:
        """A row. It has a correlation id of its own and not the click's, because a lost answer is
        looked for in Partner Center's audit by that id, where another row of the same customer must
        not be taken for this one. The line that is logged of the click names the ids of all."""
        return UpgradeRequest(
            id=str(uuid.uuid5(uuid.UUID(draft.id), str(wanted.number))),
            version=0,
            state=State.AWAITING_APPROVAL,
            requester=draft.person,
            channel_id=draft.channel_id,
            customer=wanted.customer,
            subscription=wanted.subscription,
            option=wanted.option,
            reason=draft.reason,
            evidence=draft.evidence,
            policy=policy,
            ms_request_id=self._new_id(),
            correlation_id=self._new_id(),
            created_at=now,
            expires_at=now + policy.expires_after,
            bundle_id=bundle_id,
            price=wanted.price,
        )


def look_ups(table: str) -> int:
    """How many of its lines name a customer, at whom a preview has to look."""
    return sum(not _misshapen(line) for line in parse_table(table))


def _misshapen(line: Line) -> Amiss | None:
    """What is wrong with a line, as far as nobody has to be asked."""
    if not line.target or line.more:
        return Amiss.NOT_A_ROW
    if line.with_transfer is None:
        return Amiss.UNKNOWN_WAY
    return None if is_name(line.customer) else Amiss.NOT_A_NAME


def _bundle(draft: Draft, rows: list[UpgradeRequest], now: datetime, correlation_id: str) -> Bundle:
    return Bundle(
        id=PREFIX + draft.id,
        version=0,
        requester=draft.person,
        channel_id=draft.channel_id,
        reason=draft.reason,
        evidence=draft.evidence,
        request_ids=(),
        failures_allowed=min(row.policy.failures_allowed for row in rows),
        created_at=now,
        moved_at=now,
        correlation_id=correlation_id,
    )


def _looked_at(meant: Iterable[Wanted | BadLine]) -> list[Customer]:
    """The customers whose subscriptions were read, each once."""
    read = (Amiss.NO_SUCH_TARGET, Amiss.NOT_POSSIBLE, Amiss.SEVERAL_SUBSCRIPTIONS)
    there: dict[str, Customer] = {}
    for each in meant:
        if isinstance(each, Wanted):
            there[each.customer.id] = each.customer
        elif each.amiss in read:
            there[each.customers[0].id] = each.customers[0]
    return list(there.values())


def _meant(text: str, found: list[Customer]) -> list[Customer]:
    """The customers that are meant: a domain, an id or a whole name counts more than a part."""
    said = " ".join(text.casefold().split())
    by_id = [each for each in found if said in (each.id.lower(), each.domain.casefold())]
    by_name = [each for each in found if said == " ".join(each.name.casefold().split())]
    return by_id or by_name or found


def _choice(line: Line, customer: Customer, there: list[Upgradable]) -> Wanted | BadLine:
    """The one option that the line names, of all that the customer's subscriptions have."""
    kind = UpgradeType.WITH_LICENSE_TRANSFER if line.with_transfer else UpgradeType.UPGRADE_ONLY
    every = [(each.subscription, option) for each in there for option, _ in each.options]
    of_kind = [(s, o) for s, o in every if o.type is kind and not o.into]
    named = [(s, o) for s, o in of_kind if _is_called(o, line.target)]
    possible = [(s, o) for s, o in named if _is_possible(o)]
    if len(possible) == 1:
        subscription, option = possible[0]
        return Wanted(line.number, customer, subscription, option)
    if possible:
        names = tuple(dict.fromkeys(subscription.name for subscription, _ in possible))
        return BadLine(line, Amiss.SEVERAL_SUBSCRIPTIONS, customers=(customer,), targets=names)
    if named:
        obstacles = tuple(dict.fromkeys(each for _, o in named for each in o.obstacles))
        return BadLine(line, Amiss.NOT_POSSIBLE, customers=(customer,), obstacles=obstacles)
    for each in there:
        if each.trouble:
            return BadLine(line, Amiss.TROUBLE, trouble=each.trouble)
    targets = tuple(dict.fromkeys(option.name for _, option in of_kind if _is_possible(option)))
    return BadLine(line, Amiss.NO_SUCH_TARGET, customers=(customer,), targets=targets)


def _is_called(option: UpgradeOption, text: str) -> bool:
    said = " ".join(text.casefold().split())
    return said in (" ".join(option.name.casefold().split()), option.offer_id.casefold())


def _is_possible(option: UpgradeOption) -> bool:
    return option.eligible and not option.at_renewal
