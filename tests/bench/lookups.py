"""How long `/upgrade` takes when Partner Center takes its time."""

import asyncio
import math
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import httpx

from bot.partner_center import Client, Limits, PartnerCenter, SignIn, Trace
from bot.sandbox.partner_center import PartnerCenterServer, Records, records
from bot.sandbox.practice import PracticeClock
from tests.bench.figure import Figure, middle

SUBSCRIPTIONS = 60
AT_ONCE = 8
A_CALL = 0.3
"""Seconds that Partner Center takes for each call."""


class Signed(SignIn):
    """A token of the practice Partner Center, without the sign-in: that is not measured here."""

    def __init__(self, token: str) -> None:
        self._good = token

    async def token(self, *, instead_of: str | None = None) -> str:
        """The same for every call."""
        del instead_of
        return self._good


@asynccontextmanager
async def slow_partner_center() -> AsyncIterator[tuple[PartnerCenter, str]]:
    """A customer with many subscriptions at a Partner Center that takes its time."""
    there = Records(PracticeClock())
    customer = there.add_customer("Adatum", "adatum.example")
    for _ in range(SUBSCRIPTIONS):
        there.add_subscription(customer, records.E1, 5)
    server = PartnerCenterServer(there, delay=A_CALL)
    await server.start()
    async with httpx.AsyncClient() as http:
        token = server.login.new_access_token()
        client = Client(
            http, server.api_url, Signed(token), lambda: str(uuid.uuid4()), Limits(at_once=AT_ONCE)
        )
        yield PartnerCenter(client), customer
    await server.stop()


async def fan_out(rounds: int) -> Figure:
    """All options of a customer with 60 subscriptions, at most 8 calls at once.

    The reference is the ideal: the list, and then ⌈60/8⌉ calls that must follow one another,
    each as long as a single call takes in this run.
    """
    taken: list[float] = []
    single: list[float] = []
    async with slow_partner_center() as (partner_center, customer):
        trace = Trace(str(uuid.uuid4()))
        for _ in range(rounds):
            began = perf_counter()
            there = await partner_center.customers.subscriptions(customer, trace)
            single.append(perf_counter() - began)
            await asyncio.gather(*(partner_center.options(customer, s, trace) for s in there))
            taken.append(perf_counter() - began)
    ideal = (1 + math.ceil(SUBSCRIPTIONS / AT_ONCE)) * min(A_CALL, middle(single))
    name = f"options of {SUBSCRIPTIONS} subscriptions, {AT_ONCE} calls at once"
    return Figure(name, middle(taken), "s", ideal, 1.2)
