"""The state of the practice Partner Center, in the shapes of Microsoft's own answers.

The upgrade of *Office 365 Enterprise E1* to *E3* is the one of Microsoft's page:
https://learn.microsoft.com/partner-center/developer/transition-a-subscription
"""

import copy
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Json = dict[str, Any]

E1 = "91FD106F-4B2C-4938-95AC-F54F74E9A239"
E3 = "796B6B5F-613C-4E24-A17C-EBA730D49C02"
E5 = "A044B16A-1861-4308-8086-A3A3B506FAC2"
ESSENTIALS = "BD938F12-058F-4927-BBA3-AE36B1D2501C"
PREMIUM = "031C9E47-4802-4248-838E-778FB1D2CC05"
F1 = "6FBAD345-B7DE-42A6-B6AB-79B363D0B371"

NAMES = {
    E1: ("Office 365 Enterprise E1", 48),
    E3: ("Office 365 Enterprise E3", 61),
    E5: ("Office 365 Enterprise E5", 70),
    ESSENTIALS: ("Office 365 Business Essentials", 20),
    PREMIUM: ("Office 365 Business Premium", 30),
    F1: ("Office 365 F1", 10),
}

PATHS = {
    E1: (E3, E5),
    E3: (E5,),
    ESSENTIALS: (PREMIUM, E3),
    PREMIUM: (E3,),
}
"""What each offer can be upgraded to; what is missing here has no upgrade path."""

UPGRADE_ONLY, WITH_LICENSE_TRANSFER = "upgrade_only", "upgrade_with_license_transfer"
NO_RELATIONSHIP, NOT_ACTIVE, CONFLICTING_SERVICES = 1, 2, 3
USER_CONTEXT_REQUIRED, ADD_ONS_PRESENT, WEAK_ROLES = 5, 6, 11

DESCRIPTIONS = {
    NOT_ACTIVE: (
        "Subscription cannot be upgraded because the source subscription state is not active.  "
        "Additional Details contains the current source subscription state."
    ),
    CONFLICTING_SERVICES: (
        "Subscription cannot be upgraded because of a service conflict with another subscription."
    ),
    NO_RELATIONSHIP: "Delegated admin permissions are disabled for this customer.",
    USER_CONTEXT_REQUIRED: "Licences can be transferred with a user context only.",
    WEAK_ROLES: "The granular admin permissions are not sufficient.",
    ADD_ONS_PRESENT: "Subscription cannot be upgraded because it has add-ons.",
}


@dataclass(frozen=True)
class Performed:
    """An upgrade that took effect."""

    customer: str
    source: str
    target: str
    request_id: str


class Records:
    """Customers, their subscriptions, and the upgrades that happened."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.customers: dict[str, Json] = {}
        self.subscriptions: dict[str, list[Json]] = {}
        self._owner: dict[str, str] = {}
        self.conflicts: set[str] = set()
        """Subscriptions whose licences cannot be transferred."""
        self.license_errors: dict[str, list[Json]] = {}
        """By customer: the users whose licence does not move with a transfer."""
        self.refuse_next: int | None = None
        """The error code that the next upgrade gets instead of happening."""
        self.strand_next = 0
        """How many people's licences the next upgrade with licence transfer leaves behind."""
        self.without_relationship: set[str] = set()
        """Customers that took the partner's administration rights away."""
        self.weak_roles: set[str] = set()
        """Customers that gave the partner roles that are not enough for licences."""
        self.lag = timedelta()
        """For how long the old state is still shown after something happened."""
        self.performed: list[Performed] = []
        self.audited: list[Json] = []
        """Partner Center's own records of what was done."""
        self._answered: dict[tuple[str, str], Json] = {}
        self._looked_at = ""
        self._shown_still: dict[str, tuple[datetime, list[Json]]] = {}

    def add_customer(self, name: str, domain: str, customer_id: str | None = None) -> str:
        """A new customer; returns the tenant id."""
        customer_id = customer_id or str(uuid.uuid4())
        self.customers[customer_id] = {
            "id": customer_id,
            "companyProfile": {
                "tenantId": customer_id,
                "domain": domain,
                "companyName": name,
                "attributes": {"objectType": "CustomerCompanyProfile"},
            },
            "relationshipToPartner": "reseller",
            "attributes": {"objectType": "Customer"},
        }
        self.subscriptions[customer_id] = []
        return customer_id

    def add_subscription(
        self,
        customer_id: str,
        offer_id: str,
        seats: int,
        *,
        name: str = "",
        subscription_id: str | None = None,
        **more: Any,
    ) -> str:
        """A new subscription; `more` are fields of Microsoft's resource. Returns its id."""
        subscription_id = subscription_id or str(uuid.uuid4())
        offer_name = NAMES[offer_id][0] if offer_id in NAMES else offer_id
        self._owner[subscription_id] = customer_id
        self.subscriptions[customer_id].append(
            {
                "id": subscription_id,
                "offerId": offer_id,
                "offerName": offer_name,
                "friendlyName": name,
                "quantity": seats,
                "unitType": "Licenses",
                "creationDate": _date(self.clock()),
                "effectiveStartDate": "2026-03-01T00:00:00Z",
                "commitmentEndDate": "2027-02-28T00:00:00Z",
                "status": "active",
                "autoRenewEnabled": True,
                "billingType": "license",
                "billingCycle": "monthly",
                "termDuration": "P1Y",
                "isTrial": False,
                "contractType": "subscription",
                "orderId": str(uuid.uuid4()),
                "attributes": {"etag": uuid.uuid4().hex, "objectType": "Subscription"},
                **more,
            }
        )
        return subscription_id

    def find_customers(self, field: str, value: str) -> list[Json]:
        """The customers whose `CompanyName` or `Domain` starts with the value, in any case."""
        key = {"CompanyName": "companyName", "Domain": "domain"}[field]
        return [
            customer
            for customer in self.customers.values()
            if customer["companyProfile"][key].lower().startswith(value.lower())
        ]

    def find_subscription(self, customer_id: str, subscription_id: str) -> Json | None:
        """One subscription of a customer."""
        there = self.subscriptions.get(customer_id.lower(), [])
        return next((s for s in there if s["id"].lower() == subscription_id.lower()), None)

    def shown(self, customer_id: str) -> list[Json] | None:
        """A customer's subscriptions as they are told: for a while, as they were before."""
        until, before = self._shown_still.get(customer_id.lower(), (None, []))
        if until and self.clock() < until:
            return before
        return self.subscriptions.get(customer_id.lower())

    def find_shown(self, customer_id: str, subscription_id: str) -> Json | None:
        """One subscription as it is told."""
        there = self.shown(customer_id) or []
        return next((s for s in there if s["id"].lower() == subscription_id.lower()), None)

    def about_to_change(self, customer_id: str) -> None:
        """Keep what is told now for as long as `lag` says."""
        if self.lag:
            before = copy.deepcopy(self.subscriptions[customer_id])
            self._shown_still[customer_id] = (self.clock() + self.lag, before)

    def look_at(self, subscription: Json) -> None:
        """Somebody asks what it can become."""
        self._looked_at = self._owner.get(subscription["id"], "")

    def looked_at(self) -> list[Json]:
        """The active subscriptions of the customer about whom was asked last."""
        there = self.subscriptions.get(self._looked_at, [])
        return [each for each in there if each["status"] == "active"]

    def take_refusal(self) -> int | None:
        """The code with which this upgrade is refused, if one was ordered."""
        code, self.refuse_next = self.refuse_next, None
        return code

    def upgrades(self, subscription: Json, *, app_only: bool = False) -> list[Json]:
        """What the subscription can be upgraded to: the same offer once for each type. An
        application without a user cannot transfer licences."""
        self.look_at(subscription)
        targets = PATHS.get(subscription["offerId"], ())
        return [
            self._upgrade(subscription, target, kind, app_only=app_only)
            for target in targets
            for kind in (UPGRADE_ONLY, WITH_LICENSE_TRANSFER)
        ]

    def _upgrade(self, subscription: Json, target: str, kind: str, *, app_only: bool) -> Json:
        code = self._obstacle(subscription, kind, app_only=app_only)
        return {
            "targetOffer": offer(target),
            "upgradeType": kind,
            "isEligible": code is None,
            "quantity": subscription["quantity"],
            "upgradeErrors": [] if code is None else [upgrade_error(code)],
            "attributes": {"objectType": "Upgrade"},
        }

    def _obstacle(self, subscription: Json, kind: str, *, app_only: bool) -> int | None:
        customer = self._owner.get(subscription["id"], "")
        transfer = kind == WITH_LICENSE_TRANSFER
        obstacles = (
            (NO_RELATIONSHIP, customer in self.without_relationship),
            (NOT_ACTIVE, subscription["status"] != "active"),
            (ADD_ONS_PRESENT, self._has_add_ons(subscription)),
            (USER_CONTEXT_REQUIRED, transfer and app_only),
            (WEAK_ROLES, transfer and customer in self.weak_roles),
            (CONFLICTING_SERVICES, transfer and subscription["id"] in self.conflicts),
        )
        return next((code for code, applies in obstacles if applies), None)

    def _has_add_ons(self, subscription: Json) -> bool:
        there = self.subscriptions.get(self._owner.get(subscription["id"], ""), [])
        return any(other.get("parentSubscriptionId") == subscription["id"] for other in there)

    def licences(self, customer_id: str) -> list[Json]:
        """The licences of a customer by product; half of each active subscription is assigned."""
        return [
            {
                "productSku": {"id": s["offerId"].lower(), "name": s["offerName"]},
                "consumedUnits": s["quantity"] // 2,
                "totalUnits": s["quantity"],
            }
            for s in self.subscriptions.get(customer_id, [])
            if s["status"] == "active"
        ]

    def audit(self, customer_id: str) -> list[Json]:
        """What is on record about a customer."""
        return [record for record in self.audited if record["customerId"] == customer_id]

    def upgrade(
        self,
        customer_id: str,
        source: Json,
        wanted: Json,
        request_id: str,
        correlation_id: str = "",
        *,
        app_only: bool = False,
    ) -> Json:
        """Perform an upgrade, once for each request id; returns the UpgradeResult.

        `wanted` is the option as listed. Raises ValueError when no such option is listed.
        """
        if (replay := self._answered.get((source["id"], request_id))) is not None:
            return replay
        possible = self.upgrades(source, app_only=app_only)
        listed = next((each for each in possible if _is_wanted(each, wanted)), None)
        if listed is None:
            raise ValueError("no such upgrade is listed")
        if not listed["isEligible"]:
            return self._result(source, "", listed, errors=listed["upgradeErrors"])
        if (code := self.take_refusal()) is not None:
            return self._result(source, "", listed, errors=[upgrade_error(code)])
        self.about_to_change(customer_id)
        target = self.add_subscription(
            customer_id,
            listed["targetOffer"]["id"],
            source["quantity"],
            commitmentEndDate=source["commitmentEndDate"],
        )
        source["status"], source["suspensionReasons"] = "suspended", ["Transition"]
        self.performed.append(Performed(customer_id, source["id"], target, request_id))
        self.audited.append(
            {
                "customerId": customer_id,
                "id": str(uuid.uuid4()),
                "operationDate": self.clock().isoformat(),
                "operationType": "upgrade_subscription",
                "operationStatus": "succeeded",
                "originalCorrelationId": correlation_id,
            }
        )
        moved = listed["upgradeType"] == WITH_LICENSE_TRANSFER
        stranded = self._stranded(customer_id) if moved else None
        result = self._result(source, target, listed, licenses=stranded)
        self._answered[source["id"], request_id] = result
        return result

    def _stranded(self, customer_id: str) -> list[Json]:
        """The users whose licence does not move."""
        number, self.strand_next = self.strand_next, 0
        people = [
            license_error(f"User {n}", f"user{n}@customer.example", 60000, "Not moved.")
            for n in range(1, number + 1)
        ]
        return people or self.license_errors.get(customer_id, [])

    def _result(
        self,
        source: Json,
        target: str,
        listed: Json,
        *,
        errors: list[Json] | None = None,
        licenses: list[Json] | None = None,
    ) -> Json:
        return {
            "sourceSubscriptionId": source["id"],
            "targetSubscriptionId": target or None,
            "upgradeType": 1 if listed["upgradeType"] == UPGRADE_ONLY else 2,
            "upgradeErrors": errors or [],
            "licenseErrors": licenses or [],
            "attributes": {"objectType": "UpgradeResult"},
        }


def offer(offer_id: str) -> Json:
    """An offer with all the fields of Microsoft's sample."""
    name, rank = NAMES[offer_id]
    return {
        "id": offer_id,
        "name": name,
        "description": f"{name} for businesses.",
        "minimumQuantity": 1,
        "maximumQuantity": 10000000,
        "rank": rank,
        "uri": f"/3c95518e-8c37-41e3-9627-0ca339200f53/Offers/{offer_id}",
        "locale": "en-us",
        "country": "US",
        "category": {
            "id": "Enterprise_Key",
            "name": "Enterprise",
            "rank": 20,
            "locale": "en-us",
            "country": "US",
            "attributes": {"objectType": "OfferCategory"},
        },
        "prerequisiteOffers": [],
        "isAddOn": False,
        "isAvailableForPurchase": True,
        "billing": "license",
        "supportedBillingCycles": ["annual", "monthly"],
        "isAutoRenewable": True,
        "isInternal": False,
        "conversionTargetOffers": [],
        "partnerQualifications": ["none"],
        "product": {"id": offer_id.lower(), "name": name, "unit": "Licenses"},
        "unitType": "Licenses",
        "links": {
            "learnMore": {
                "uri": "http://g.microsoftonline.com/0BXPS00en/1015",
                "method": "GET",
                "headers": [],
            },
            "self": {"uri": f"/offers/{offer_id}?country=US", "method": "GET", "headers": []},
        },
        "attributes": {"objectType": "Offer"},
    }


def upgrade_error(code: int, description: str = "") -> Json:
    """An UpgradeError; codes come as numbers, though Microsoft's pages say strings."""
    return {
        "code": code,
        "description": description or DESCRIPTIONS.get(code, "Not possible."),
        "attributes": {"objectType": "UpgradeError"},
    }


def license_error(name: str, email: str, code: int, description: str) -> Json:
    """A UserLicenseError: one user whose licence did not move."""
    return {
        "userObjectId": str(uuid.uuid4()),
        "name": name,
        "email": email,
        "errors": [{"code": code, "description": description, "data": [], "source": "PartnerFD"}],
        "attributes": {"objectType": "UserLicenseError"},
    }


def _is_wanted(listed: Json, wanted: Json) -> bool:
    """Microsoft reads keys in any case, and both spellings of the type."""
    body = {key.lower(): value for key, value in wanted.items()}
    target = {key.lower(): value for key, value in (body.get("targetoffer") or {}).items()}
    kinds = {UPGRADE_ONLY: 1, WITH_LICENSE_TRANSFER: 2}
    return (
        str(target.get("id", "")).lower() == listed["targetOffer"]["id"].lower()
        and body.get("upgradetype") in (listed["upgradeType"], kinds[listed["upgradeType"]])
        and body.get("quantity") == listed["quantity"]
    )


def _date(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
