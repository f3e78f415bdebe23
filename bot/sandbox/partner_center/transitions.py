"""New-commerce transitions of the practice Partner Center: asynchronous, as Microsoft's are.

https://learn.microsoft.com/partner-center/developer/create-subscription-transitions
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.partner_center.records import Json, Performed, Records

BASIC = "CFQ7TTC0LH18:0001:CFQ7TTC0K971"
STANDARD = "CFQ7TTC0LDPB:0001:CFQ7TTC0J1GB"
PREMIUM = "CFQ7TTC0LCHC:0002:CFQ7TTC0JF4S"

TITLES = {
    BASIC: "Microsoft 365 Business Basic",
    STANDARD: "Microsoft 365 Business Standard",
    PREMIUM: "Microsoft 365 Business Premium",
}
PATHS = {BASIC: (STANDARD, PREMIUM), STANDARD: (PREMIUM,)}
TYPES = ("transition_only", "transition_with_license_transfer")
NOT_ACTIVE = 2


@dataclass
class Running:
    """A transition that was asked for, and how it will end."""

    operation_id: str
    customer: str
    source: Json
    body: Json
    request_id: str
    begun: datetime
    target: str = ""
    error: int | None = None
    licences_due: datetime | None = None
    events: list[Json] = field(default_factory=list)


class Transitions:
    """What happens to new-commerce subscriptions."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.take = timedelta(minutes=36)
        """How long Partner Center works on one."""
        self.licences_take = timedelta(0)
        """How long after the plan the licences follow, with licence transfer."""
        self.licences_fail = False
        self.silent = False
        """Neither answers nor history name an operation or have any entry."""
        self.fail_with: int | None = None
        """The error code of the next one, which then fails in the end."""
        self.as_on_the_page = False
        """Answer the history as Microsoft's page shows it: `transition`, in PascalCase."""
        self._running: list[Running] = []

    def add_subscription(self, customer_id: str, offer_id: str, seats: int, **more: Any) -> str:
        """A new subscription of new commerce; returns its id."""
        fields = {
            "offerName": TITLES[offer_id],
            "productType": {"id": "OnlineServicesNCE", "displayName": "OnlineServicesNCE"},
            **more,
        }
        return self._records.add_subscription(customer_id, offer_id, seats, **fields)

    def eligibilities(self, customer_id: str, source: Json, kind: str) -> list[Json]:
        """What the subscription can move to, one item a target."""
        self.advance()
        self._records.look_at(source)
        errors = [] if source["status"] == "active" else [{"code": NOT_ACTIVE, "description": ""}]
        return [
            {
                "catalogItemId": target,
                "title": TITLES[target],
                "description": f"{TITLES[target]} for businesses.",
                "quantity": source["quantity"],
                "eligibilities": [
                    {"isEligible": not errors, "transitionType": each, "errors": errors}
                    for each in TYPES
                ],
                "subscriptionEligibilities": self._into(customer_id, source, target)
                if kind == "immediate"
                else [],
            }
            for target in PATHS.get(source["offerId"], ())
        ]

    def _into(self, customer_id: str, source: Json, target: str) -> list[Json]:
        return [
            {
                "isEligible": True,
                "subscriptionId": other["id"],
                "subscriptionFriendlyName": other["friendlyName"] or other["offerName"],
                "subscriptionTermDuration": other["termDuration"],
                "subscriptionBillingCycle": other["billingCycle"],
                "errors": [],
            }
            for other in self._records.subscriptions[customer_id]
            if other["offerId"] == target
            and other["status"] == "active"
            and other["id"] != source["id"]
        ]

    def start(self, customer_id: str, source: Json, body: Json, request_id: str) -> Json:
        """Begin a transition, once for each request id. Raises ValueError for a wrong body."""
        for running in self._running:
            if running.request_id == request_id:
                return self._told(running)
        if not self._is_possible(customer_id, source, body):
            raise ValueError("this transition is not possible")
        running = Running(
            str(uuid.uuid4()), customer_id, source, body, request_id, self._records.clock()
        )
        running.error, self.fail_with = self.fail_with, None
        if running.error is None:
            running.error = self._records.take_refusal()
        running.events.append(self._event("Started"))
        source.pop("scheduledNextTermInstructions", None)
        self._running.append(running)
        return {} if self.silent else self._told(running)

    def history(self, source: Json, operation_id: str = "") -> Json:
        """The transitions of a subscription, or one of them."""
        self.advance()
        ours = [
            self._told(running)
            for running in self._running
            if not self.silent
            and running.source["id"] == source["id"]
            and operation_id in ("", running.operation_id)
        ]
        if self.as_on_the_page:
            return {"Transition": [_pascal(each) for each in ours]}
        return {"totalCount": len(ours), "items": ours, "attributes": {"objectType": "Collection"}}

    def _is_possible(self, customer_id: str, source: Json, body: Json) -> bool:
        target, quantity = body.get("toCatalogItemId"), body.get("quantity")
        into = body.get("toSubscriptionId")
        return (
            source["status"] == "active"
            and target in PATHS.get(source["offerId"], ())
            and body.get("transitionType") in TYPES
            and isinstance(quantity, int)
            and 1 <= quantity <= source["quantity"]
            and (into is None or into in [s["subscriptionId"] for s in self._into(
                customer_id, source, str(target))])
        )  # fmt: skip

    def advance(self) -> None:
        """Let what has had its time come to its end."""
        for running in self._running:
            now = self._records.clock()
            if len(running.events) == 1 and now - running.begun >= self.take:
                self._end(running)
            if running.licences_due and now >= running.licences_due:
                running.licences_due = None
                stranded, self._records.strand_next = self._records.strand_next, 0
                status = "Failed" if self.licences_fail or stranded else "Completed"
                running.events.append(self._event(status, name="SeatReassignment"))

    def _end(self, running: Running) -> None:
        if running.error is not None:
            error = {"code": running.error, "description": "It could not be done."}
            running.events.append(self._event("Failed", [error]))
            return
        self._records.about_to_change(running.customer)
        body, source = running.body, running.source
        target = str(body["toCatalogItemId"])
        if into := body.get("toSubscriptionId"):
            there = self._records.find_subscription(running.customer, into)
            assert there  # noqa: S101 - it was there when the transition began
            there["quantity"] += body["quantity"]
            running.target = into
            self._shrink(source, body["quantity"])
        elif body["quantity"] == source["quantity"]:
            source["offerId"], source["offerName"] = target, TITLES[target]
        else:
            running.target = self.add_subscription(running.customer, target, body["quantity"])
            self._shrink(source, body["quantity"])
        self._records.performed.append(
            Performed(
                running.customer, source["id"], running.target or source["id"], running.request_id
            )
        )
        running.events.append(self._event("Completed"))
        if body["transitionType"] == TYPES[1]:
            running.licences_due = self._records.clock() + self.licences_take

    def _shrink(self, source: Json, by: int) -> None:
        source["quantity"] -= by
        if source["quantity"] == 0:
            source["status"] = "deleted"

    def _event(
        self, status: str, errors: list[Json] | None = None, name: str = "Conversion"
    ) -> Json:
        at = self._records.clock().strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        return {"name": name, "status": status, "timestamp": at, "errors": errors or []}

    def _told(self, running: Running) -> Json:
        body = running.body
        return {
            "operationId": running.operation_id,
            "fromCatalogItemId": body.get("fromCatalogItemId"),
            "fromSubscriptionId": running.source["id"],
            "toCatalogItemId": body["toCatalogItemId"],
            "toSubscriptionId": running.target or None,
            "quantity": body["quantity"],
            "transitionType": body["transitionType"],
            "events": running.events,
        }


def _pascal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _pascal(each) for key, each in value.items()}
    return [_pascal(each) for each in value] if isinstance(value, list) else value
