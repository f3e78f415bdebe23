"""The state of the practice Partner Center, in the shapes of Microsoft's own answers.

The upgrade of *Office 365 Enterprise E1* to *E3* is the one of Microsoft's page:
https://learn.microsoft.com/partner-center/developer/transition-a-subscription
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
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
NOT_ACTIVE, CONFLICTING_SERVICES, ADD_ONS_PRESENT = 2, 3, 6

DESCRIPTIONS = {
    NOT_ACTIVE: (
        "Subscription cannot be upgraded because the source subscription state is not active.  "
        "Additional Details contains the current source subscription state."
    ),
    CONFLICTING_SERVICES: (
        "Subscription cannot be upgraded because of a service conflict with another subscription."
    ),
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
        self.conflicts: set[str] = set()
        """Subscriptions whose licences cannot be transferred."""
        self.license_errors: dict[str, list[Json]] = {}
        """By customer: the users whose licence does not move with a transfer."""
        self.performed: list[Performed] = []
        self.audited: list[Json] = []
        """Partner Center's own records of what was done."""
        self._answered: dict[tuple[str, str], Json] = {}

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

    def upgrades(self, subscription: Json) -> list[Json]:
        """What the subscription can be upgraded to: the same offer once for each type."""
        targets = PATHS.get(subscription["offerId"], ())
        return [
            self._upgrade(subscription, target, kind)
            for target in targets
            for kind in (UPGRADE_ONLY, WITH_LICENSE_TRANSFER)
        ]

    def _upgrade(self, subscription: Json, target: str, kind: str) -> Json:
        code = self._obstacle(subscription, kind)
        return {
            "targetOffer": offer(target),
            "upgradeType": kind,
            "isEligible": code is None,
            "quantity": subscription["quantity"],
            "upgradeErrors": [] if code is None else [upgrade_error(code)],
            "attributes": {"objectType": "Upgrade"},
        }

    def _obstacle(self, subscription: Json, kind: str) -> int | None:
        if subscription["status"] != "active":
            return NOT_ACTIVE
        if self._has_add_ons(subscription):
            return ADD_ONS_PRESENT
        if kind == WITH_LICENSE_TRANSFER and subscription["id"] in self.conflicts:
            return CONFLICTING_SERVICES
        return None

    def _has_add_ons(self, subscription: Json) -> bool:
        return any(
            other.get("parentSubscriptionId") == subscription["id"]
            for there in self.subscriptions.values()
            for other in there
        )

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
    ) -> Json:
        """Perform an upgrade, once for each request id; returns the UpgradeResult.

        `wanted` is the option as listed. Raises ValueError when no such option is listed.
        """
        if (replay := self._answered.get((source["id"], request_id))) is not None:
            return replay
        listed = next((u for u in self.upgrades(source) if _is_wanted(u, wanted)), None)
        if listed is None:
            raise ValueError("no such upgrade is listed")
        if not listed["isEligible"]:
            return self._result(source, "", listed, errors=listed["upgradeErrors"])
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
        result = self._result(
            source, target, listed, licenses=self.license_errors.get(customer_id) if moved else None
        )
        self._answered[source["id"], request_id] = result
        return result

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
