"""The preview of a pasted table: what each line means, said to one person before the team is asked.

What a line names must be exactly one thing. Any other comes back with the reason, and the rest can
be asked for without it. What was previewed is stored for a day, and the button below it means
exactly that.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from bot.domain.policy import Evidence
from bot.domain.refusals import TooMany
from bot.domain.request import MOST_ITEMS
from bot.domain.subscription import (
    Customer,
    Obstacle,
    Subscription,
    Upgradable,
    UpgradeOption,
    UpgradeType,
)
from bot.domain.table import Amiss, BadLine, Draft, Line, Wanted, parse_table
from bot.domain.text_rules import is_link, is_name, visible
from bot.errors import PartnerCenterError, Reason, Refused
from bot.partner_center import PartnerCenter, Trace
from bot.requests.find import Finder
from bot.requests.permission import Actor, Permission, refusal
from bot.requests.submit import Submitter
from bot.store import Store


class Previewer:
    """Several upgrades at once, until the team is asked."""

    def __init__(
        self,
        *,
        finder: Finder,
        submitter: Submitter,
        permission: Permission,
        store: Store,
        partner_center: PartnerCenter,
        new_id: Callable[[], str],
    ) -> None:
        self._finder = finder
        self._submitter = submitter
        self._permission = permission
        self._store = store
        self._partner_center = partner_center
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
        if len(lines) > MOST_ITEMS:
            raise TooMany(Reason.TOO_MANY_ROWS, MOST_ITEMS, len(lines))
        if not visible(reason):
            raise Refused(Reason.REASON_MISSING)
        if evidence.strip() and not is_link(evidence.strip()):
            raise Refused(Reason.EVIDENCE_NOT_A_LINK)
        required = self._permission.policy_here(actor).evidence is Evidence.REQUIRED
        if required and not evidence.strip():
            raise Refused(Reason.EVIDENCE_MISSING)
        return lines

    async def preview(
        self, table: str, actor: Actor, reason: str, evidence: str, *, locale: str
    ) -> tuple[Draft, list[BadLine]]:
        """What every line would do, remembered for a day, and the lines that are amiss. Microsoft's
        texts come in `locale`, as `en-US`.

        Raises Refused as `read`, and PartnerCenterError when no customer could be found at all.
        """
        lines = await self.read(table, actor, reason, evidence)
        trace = Trace(self._finder.correlation_id(), locale)
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
        await self._store.offers.keep_draft(draft, _looked_at(meant))
        return draft, bad

    # What a line means

    async def _meaning(self, line: Line, trace: Trace) -> Wanted | BadLine:
        if amiss := _misshapen(line):
            return BadLine(line, amiss)
        try:
            meant = _meant(line.customer, await self._finder.customers_called(line.customer))
            if not meant:
                nearest = await self._finder.nearest(line.customer)
                return BadLine(line, Amiss.UNKNOWN_CUSTOMER, customers=tuple(nearest))
            if len(meant) > 1:
                return BadLine(line, Amiss.SEVERAL_CUSTOMERS, customers=tuple(meant))
            (customer,) = meant
            there = await self._partner_center.customers.subscriptions(customer.id, trace)
            each = (self._finder.upgradable(customer, one, trace) for one in there)
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
        if await self._submitter.is_unsettled(wanted.subscription.id):
            return BadLine(line, Amiss.BUSY)
        policy = self._submitter.policy(wanted.customer, wanted.option, actor.channel_id)
        if await refusal(self._permission.require_requester(actor, policy)):
            return BadLine(line, Amiss.MAY_NOT_REQUEST)
        return wanted

    def _needs_evidence(self, wanted: Wanted, actor: Actor) -> bool:
        policy = self._submitter.policy(wanted.customer, wanted.option, actor.channel_id)
        return policy.evidence is Evidence.REQUIRED


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
    of_kind = _of_kind(there, with_transfer=bool(line.with_transfer))
    named = [(s, o) for s, o in of_kind if _is_called(o, line.target)]
    possible = [(s, o) for s, o in named if o.is_possible]
    if len(possible) == 1:
        return Wanted(line.number, customer, *possible[0])
    if possible:
        names = tuple(dict.fromkeys(subscription.name for subscription, _ in possible))
        return BadLine(line, Amiss.SEVERAL_SUBSCRIPTIONS, customers=(customer,), targets=names)
    if named:
        obstacles = tuple(dict.fromkeys(_obstacles(named)))
        return BadLine(line, Amiss.NOT_POSSIBLE, customers=(customer,), obstacles=obstacles)
    return _not_named(line, customer, there, [option for _, option in of_kind])


def _of_kind(
    there: list[Upgradable], *, with_transfer: bool
) -> list[tuple[Subscription, UpgradeOption]]:
    """Every option of whole subscriptions, with licence transfer or without."""
    kind = UpgradeType.WITH_LICENSE_TRANSFER if with_transfer else UpgradeType.UPGRADE_ONLY
    every = ((each.subscription, option) for each in there for option, _ in each.options)
    return [(s, o) for s, o in every if o.type is kind and not o.into]


def _obstacles(named: list[tuple[Subscription, UpgradeOption]]) -> Iterator[Obstacle]:
    return (obstacle for _, option in named for obstacle in option.obstacles)


def _not_named(
    line: Line, customer: Customer, there: list[Upgradable], options: list[UpgradeOption]
) -> BadLine:
    """No option is called as the line says; or those of a subscription could not be read."""
    for each in there:
        if each.trouble:
            return BadLine(line, Amiss.TROUBLE, trouble=each.trouble)
    targets = tuple(dict.fromkeys(option.name for option in options if option.is_possible))
    return BadLine(line, Amiss.NO_SUCH_TARGET, customers=(customer,), targets=targets)


def _is_called(option: UpgradeOption, text: str) -> bool:
    said = " ".join(text.casefold().split())
    return said in (" ".join(option.name.casefold().split()), option.offer_id.casefold())
