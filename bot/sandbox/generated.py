"""A believable partner of any size: people and customers that a seed number decides."""

import random
import uuid

from bot.sandbox.partner_center import PartnerCenterServer, records, transitions
from bot.sandbox.slack.workspace import Workspace


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST = _words(
    "Amira Anton Beatriz Chen Daniel Elif Farah Gustav Hana Ibrahim Ines Jonas Keiko Lena "
    "Luca Maya Mei Nadia Noah Olga Pablo Priya Quentin Rosa Samuel Sofia Tariq Uma Viktor "
    "Wen Yara Zoe"
)
LAST = _words(
    "Abbas Berg Costa Dubois Eriksen Ferrari Garcia Haddad Ivanova Jansen Kowalski Larsen "
    "Moreau Nakamura Okafor Petrov Quinn Rossi Schmidt Tanaka Ueda Vargas Weber Xu Yilmaz "
    "Zimmermann"
)
ROLES = ("account manager", "account manager", "account manager", "licence approver", "support")

KINDS = _words(
    "Bakery Clinic Dental Logistics Law Architects Foods Motors Travel Schools Energy "
    "Pharma Books Insurance Textiles Robotics Farms Shipping Media Housing Steel Optics "
    "Gardens Sports"
)
PLACES = _words(
    "Alpine Baltic Cedar Delta Eastgate Fjord Granite Harbour Iberia Jade Kestrel Lakeside "
    "Maple Nordic Orchard Pioneer Quarry Riverside Summit Tidal Union Valley Westwood "
    "Yarrow Zenith"
)
FORMS = ("", " Ltd", " GmbH", " AB", " SA", " Group", " & Sons", " B.V.")

TRADITIONAL = (records.E1, records.E3, records.ESSENTIALS, records.PREMIUM, records.F1)
NEW = (transitions.BASIC, transitions.STANDARD, transitions.PREMIUM)


def fill(
    slack: Workspace,
    partner_center: PartnerCenterServer,
    *,
    channel: str,
    customers: int,
    people: int,
    seed: int,
) -> None:
    """Add people to the channel, and customers, until there are as many as wanted."""
    chance = random.Random(seed)  # noqa: S311 - decides names, not secrets
    for number in range(len(slack.users) - 1, people):
        user = _person(slack, chance, number)
        slack.channels[channel].members.add(user)
    for number in range(len(partner_center.records.customers), customers):
        _customer(partner_center, chance, number)


def _person(slack: Workspace, chance: random.Random, number: int) -> str:
    first, last, role = chance.choice(FIRST), chance.choice(LAST), chance.choice(ROLES)
    user_id = f"U0P{number:05}"
    slack.add_user(user_id, f"{first.lower()}.{last.lower()}", f"{first} {last} ({role})")
    if role == "licence approver":
        slack.groups["S0APPROVERS"].add(user_id)
    return user_id


def _customer(partner_center: PartnerCenterServer, chance: random.Random, number: int) -> None:
    place, kind = chance.choice(PLACES), chance.choice(KINDS)
    name = f"{place} {kind}{chance.choice(FORMS)}"
    domain = f"{place}{kind}{number}.example".lower()
    customer = partner_center.records.add_customer(name, domain, _id(chance))
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5))):
        _subscription(partner_center, chance, customer)


def _subscription(
    partner_center: PartnerCenterServer, chance: random.Random, customer: str
) -> None:
    seats = int(chance.lognormvariate(3, 1)) + 1
    more = {"subscription_id": _id(chance), "orderId": _id(chance)}
    if chance.random() < 0.6:
        partner_center.transitions.add_subscription(customer, chance.choice(NEW), seats, **more)
        return
    status = "suspended" if chance.random() < 0.1 else "active"
    offer = chance.choice(TRADITIONAL)
    source = partner_center.records.add_subscription(customer, offer, seats, status=status, **more)
    if chance.random() < 0.05:
        partner_center.records.conflicts.add(source)


def _id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
