"""The JSON of Partner Center, as it really varies.

Keys come in camelCase and PascalCase, enums as numbers, numeric strings, snake_case or
PascalCase, in the same field; every optional field may be null or absent; bodies may start
with a byte order mark. Nothing unknown is refused and nothing unknown is lost: a new value
is kept as it came. Names are Microsoft's own, so that a reader finds them in its pages:
https://learn.microsoft.com/partner-center/developer/subscription-resources
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

UPGRADE_TYPES = ("none", "upgrade_only", "upgrade_with_license_transfer")

UPGRADE_ERROR_CODES = (
    "other",
    "delegated_admin_permissions_disabled",
    "subscription_status_not_active",
    "conflicting_service_types",
    "concurrency_conflicts",
    "user_context_required",
    "subscription_add_ons_present",
    "subscription_does_not_have_any_upgrade_paths",
    "subscription_target_offer_not_found",
    "subscription_not_provisioned",
    "offer_does_not_support_billing_cycle",
    "insufficient_granular_admin_permissions",
)

BILLING_CYCLES = ("unknown", "monthly", "annual", "none", "one_time", "triennial", "biennial")

TRANSITION_TYPES = ("none", "transition_only", "transition_with_license_transfer")

TRANSITION_ERROR_CODES = (
    *UPGRADE_ERROR_CODES[:11],
    "conversions_not_found",
    "user_license_error",
    "insufficient_granular_admin_permissions",
)
"""Alike up to 10, and different behind it: the two tables are never one."""

TRANSITION_STATUSES = ("started", "in_progress", "completed", "failed")

SUBSCRIPTION_STATUSES = (
    "none",
    "active",
    "suspended",
    "deleted",
    "expired",
    "pending",
    "disabled",
)


def parse(body: bytes) -> Any:
    """The JSON in `body`, with any byte order mark. Raises ValueError when it is none.

    Always from bytes: a UTF-8 mark survives `.text` and breaks the parser behind it.
    """
    return json.loads(body)


def _enum(names: tuple[str, ...]) -> Callable[[Any], str]:
    """Any spelling of an enum value to its snake_case name; a new one stays as it came."""

    def name_of(value: Any) -> str:
        text = str(value if value is not None else "").strip()
        if text.isdecimal() and int(text) < len(names):
            return names[int(text)]
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()
        return snake if snake in names else text

    return name_of


def _list(value: Any) -> Any:
    """A list, also of what came alone or as an object (Microsoft's pages show both)."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _names(value: Any) -> Any:
    """A list of names, also out of an object whose keys they are."""
    return list(value) if isinstance(value, dict) else _list(value)


def _thing(value: Any) -> Any:
    """An object, or nothing when something else stands in its place."""
    return value if isinstance(value, dict | BaseModel) else None


def _number(value: Any) -> int | None:
    """A whole number, or nothing when it is none."""
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


def _truth(value: Any) -> bool | None:
    """Yes or no, or nothing when it is neither."""
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _moment(value: Any) -> Any:
    """A date, or None for one that cannot be read or means `never` (year 9999)."""
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(value).strip()))
    except ValueError:
        return None
    if moment.year == 9999:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Text = Annotated[str, BeforeValidator(_text)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Texts = Annotated[list[Text], BeforeValidator(_names)]
Number = Annotated[int | None, BeforeValidator(_number)]
Truth = Annotated[bool | None, BeforeValidator(_truth)]


class Wire(BaseModel):
    """What all resources share: any spelling of a key is read, unknown keys are kept."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="allow",
        defer_build=True,  # each is learnt when the first comes, and not all at the start
    )

    @model_validator(mode="before")
    @classmethod
    def _any_case(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        aliases = _aliases(cls)
        return {
            aliases.get(str(key).lower(), key): value
            for key, value in data.items()
            if value is not None  # null and absent mean the same, and both happen
        }

    @classmethod
    def read(cls, data: Any) -> Self:
        """One resource from parsed JSON. Raises pydantic's ValidationError."""
        return cls.model_validate(data)


@cache
def _aliases(resource: type[Wire]) -> dict[str, str]:
    """The key of each field by how it is written small, once a class: there are many objects."""
    keys = [field.alias or name for name, field in resource.model_fields.items()]
    return {key.lower(): key for key in keys}


class KeyValuePair(Wire):
    key: Text = ""
    value: Text = ""


class Link(Wire):
    uri: Text = ""
    method: Text = ""
    headers: Annotated[list[KeyValuePair], BeforeValidator(_list)] = Field(default_factory=list)
    body: Any = None


class ResourceAttributes(Wire):
    object_type: Text = ""
    etag: Text = ""


class ResourceLinks(Wire):
    self_: Annotated[Link | None, BeforeValidator(_thing)] = Field(default=None, alias="self")
    next: Annotated[Link | None, BeforeValidator(_thing)] = None
    previous: Annotated[Link | None, BeforeValidator(_thing)] = None


class OfferLinks(ResourceLinks):
    learn_more: Annotated[Link | None, BeforeValidator(_thing)] = None


class OfferCategory(Wire):
    id: Text = ""
    name: Text = ""
    rank: Number = None
    locale: Text = ""
    country: Text = ""
    links: Annotated[ResourceLinks | None, BeforeValidator(_thing)] = None
    attributes: Annotated[ResourceAttributes | None, BeforeValidator(_thing)] = None


class OfferProduct(Wire):
    id: Text = ""
    name: Text = ""
    unit: Text = ""


class Offer(Wire):
    id: Text
    name: Text = ""
    description: Text = ""
    minimum_quantity: Number = None
    maximum_quantity: Number = None
    rank: Number = None
    uri: Text = ""
    locale: Text = ""
    country: Text = ""
    category: Annotated[OfferCategory | None, BeforeValidator(_thing)] = None
    prerequisite_offers: Texts = Field(default_factory=list)
    is_add_on: Truth = None
    has_add_ons: Truth = None
    is_available_for_purchase: Truth = None
    billing: Text = ""
    supported_billing_cycles: Texts = Field(default_factory=list)
    is_auto_renewable: Truth = None
    is_internal: Truth = None
    is_trial: Truth = None
    is_microsoft_product: Truth = None
    conversion_target_offers: Texts = Field(default_factory=list)
    upgrade_target_offers: Texts = Field(default_factory=list)
    partner_qualifications: Texts = Field(default_factory=list)
    resellee_qualifications: Texts = Field(default_factory=list)
    reseller_qualifications: Texts = Field(default_factory=list)
    sales_group_id: Text = ""
    term: Number = None
    term_unit_of_measure: Text = ""
    acquisition_type: Text = ""
    supported_catalog_types: Texts = Field(default_factory=list)
    actions: Texts = Field(default_factory=list)
    product: Annotated[OfferProduct | None, BeforeValidator(_thing)] = None
    unit_type: Text = ""
    links: Annotated[OfferLinks | None, BeforeValidator(_thing)] = None
    additional_properties: Any = None
    attributes: Annotated[ResourceAttributes | None, BeforeValidator(_thing)] = None


class UpgradeError(Wire):
    code: Annotated[str, BeforeValidator(_enum(UPGRADE_ERROR_CODES))] = ""
    description: Text = ""
    additional_details: Text = ""
    attributes: Annotated[ResourceAttributes | None, BeforeValidator(_thing)] = None


UpgradeErrors = Annotated[list[UpgradeError], BeforeValidator(_list)]
UpgradeTypeName = Annotated[str, BeforeValidator(_enum(UPGRADE_TYPES))]


class Upgrade(Wire):
    target_offer: Offer
    upgrade_type: UpgradeTypeName = "none"
    is_eligible: Truth = None
    quantity: Number = None
    upgrade_errors: UpgradeErrors = Field(default_factory=list)
    attributes: Annotated[ResourceAttributes | None, BeforeValidator(_thing)] = None


class ServiceFault(Wire):
    code: Text = ""
    description: Text = ""
    data: Annotated[list[Any], BeforeValidator(_list)] = Field(default_factory=list)
    source: Text = ""


class UserLicenseError(Wire):
    user_object_id: Text = ""
    name: Text = ""
    email: Text = ""
    errors: Annotated[list[ServiceFault], BeforeValidator(_list)] = Field(default_factory=list)
    attributes: Annotated[ResourceAttributes | None, BeforeValidator(_thing)] = None


class UpgradeResult(Wire):
    source_subscription_id: Text = ""
    target_subscription_id: Text = ""
    upgrade_type: UpgradeTypeName = "none"
    upgrade_errors: UpgradeErrors = Field(default_factory=list)
    license_errors: Annotated[list[UserLicenseError], BeforeValidator(_list)] = Field(
        default_factory=list
    )
    attributes: Annotated[ResourceAttributes | None, BeforeValidator(_thing)] = None


class CompanyProfile(Wire):
    tenant_id: Text = ""
    domain: Text = ""
    company_name: Text = ""


class Customer(Wire):
    id: Text = ""
    company_profile: Annotated[CompanyProfile | None, BeforeValidator(_thing)] = None


class ScheduledProduct(Wire):
    product_id: Text = ""
    sku_id: Text = ""
    billing_cycle: Text = ""
    term_duration: Text = ""


class ScheduledNextTermInstructions(Wire):
    product: Annotated[ScheduledProduct | None, BeforeValidator(_thing)] = None
    quantity: Number = None


class ProductType(Wire):
    id: Text = ""


class Subscription(Wire):
    id: Text
    offer_id: Text = ""
    offer_name: Text = ""
    friendly_name: Text = ""
    product_type: Annotated[ProductType | None, BeforeValidator(_thing)] = None
    quantity: Number = None
    parent_subscription_id: Text = ""
    creation_date: Moment = None
    commitment_end_date: Moment = None
    commitment_end_date_time: Moment = None
    status: Annotated[str, BeforeValidator(_enum(SUBSCRIPTION_STATUSES))] = ""
    suspension_reasons: Texts = Field(default_factory=list)
    auto_renew_enabled: Truth = None
    billing_cycle: Annotated[str, BeforeValidator(_enum(BILLING_CYCLES))] = ""
    term_duration: Text = ""
    is_trial: Truth = None
    promotion_id: Text = ""
    scheduled_next_term_instructions: Annotated[
        ScheduledNextTermInstructions | None, BeforeValidator(_thing)
    ] = None


class TransitionError(Wire):
    code: Annotated[str, BeforeValidator(_enum(TRANSITION_ERROR_CODES))] = ""
    description: Text = ""


TransitionErrors = Annotated[list[TransitionError], BeforeValidator(_list)]
TransitionTypeName = Annotated[str, BeforeValidator(_enum(TRANSITION_TYPES))]


class Eligibility(Wire):
    is_eligible: Truth = None
    transition_type: TransitionTypeName = "none"
    errors: TransitionErrors = Field(default_factory=list)


class SubscriptionEligibility(Wire):
    """An existing subscription that seats can move into. Its error codes are not published."""

    is_eligible: Truth = None
    subscription_id: Text = ""
    subscription_friendly_name: Text = ""
    subscription_term_duration: Text = ""
    subscription_billing_cycle: Annotated[str, BeforeValidator(_enum(BILLING_CYCLES))] = ""
    errors: TransitionErrors = Field(default_factory=list)


class TransitionEligibility(Wire):
    """One target, with the types of transition inside: not one item a type, as upgrades have."""

    catalog_item_id: Text
    title: Text = ""
    description: Text = ""
    quantity: Number = None
    eligibilities: Annotated[list[Eligibility], BeforeValidator(_list)] = Field(
        default_factory=list
    )
    subscription_eligibilities: Annotated[list[SubscriptionEligibility], BeforeValidator(_list)] = (
        Field(default_factory=list)
    )


class TransitionEvent(Wire):
    name: Text = ""
    status: Annotated[str, BeforeValidator(_enum(TRANSITION_STATUSES))] = ""
    timestamp: Moment = None
    errors: TransitionErrors = Field(default_factory=list)


class Transition(Wire):
    operation_id: Text = ""
    to_catalog_item_id: Text = ""
    to_subscription_id: Text = ""
    quantity: Number = None
    term_duration: Text = ""
    billing_cycle: Text = ""
    transition_type: TransitionTypeName = "none"
    promotion_id: Text = ""
    events: Annotated[list[TransitionEvent], BeforeValidator(_list)] = Field(default_factory=list)


class Transitions(Wire):
    """The history of a subscription: `items` in Microsoft's SDK, `transition` on its page."""

    items: Annotated[list[Transition], BeforeValidator(_list)] = Field(default_factory=list)
    transition: Annotated[list[Transition], BeforeValidator(_list)] = Field(default_factory=list)


class AuditRecord(Wire):
    id: Text = ""
    operation_type: Text = ""
    operation_date: Text = ""
    operation_status: Annotated[
        str, BeforeValidator(_enum(("none", "succeeded", "failed", "progress", "decline")))
    ] = ""
    original_correlation_id: Text = ""
    customer_id: Text = ""


class ProductSku(Wire):
    id: Text = ""
    name: Text = ""
    sku_part_number: Text = ""


class SubscribedSku(Wire):
    product_sku: Annotated[ProductSku | None, BeforeValidator(_thing)] = None
    consumed_units: Number = None
    total_units: Number = None


class Collection(Wire):
    """A list of anything. A field `items` that is absent or null is an empty list."""

    items: Annotated[list[Any], BeforeValidator(_list)] = Field(default_factory=list)
    links: Annotated[ResourceLinks | None, BeforeValidator(_thing)] = None
    continuation_token: Text = ""


class Fault(Wire):
    """What tells an error from another in its body: Partner Center's code, or Entra's codes.

    Its gateway (`statusCode`, `message`) says no more than the HTTP status does.
    """

    code: Text = ""
    error_codes: Annotated[list[Any], BeforeValidator(_list)] = Field(
        default_factory=list, alias="error_codes"
    )
