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
from datetime import datetime
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
    return [] if value is None else value


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _moment(value: Any) -> Any:
    """A date, or None for one that cannot be read or means `never` (year 9999)."""
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(value).strip()))
    except ValueError:
        return None
    return None if moment.year == 9999 else moment


Text = Annotated[str, BeforeValidator(_text)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Texts = Annotated[list[Text], BeforeValidator(_list)]


class Wire(BaseModel):
    """What all resources share: any spelling of a key is read, unknown keys are kept."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _any_case(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        aliases = {
            (field.alias or name).lower(): field.alias or name
            for name, field in cls.model_fields.items()
        }
        return {aliases.get(str(key).lower(), key): value for key, value in data.items()}

    @classmethod
    def read(cls, data: Any) -> Self:
        """One resource from parsed JSON. Raises pydantic's ValidationError."""
        return cls.model_validate(data)


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
    self_: Link | None = Field(default=None, alias="self")
    next: Link | None = None
    previous: Link | None = None


class OfferLinks(ResourceLinks):
    learn_more: Link | None = None


class OfferCategory(Wire):
    id: Text = ""
    name: Text = ""
    rank: int | None = None
    locale: Text = ""
    country: Text = ""
    links: ResourceLinks | None = None
    attributes: ResourceAttributes | None = None


class OfferProduct(Wire):
    id: Text = ""
    name: Text = ""
    unit: Text = ""


class Offer(Wire):
    id: Text
    name: Text = ""
    description: Text = ""
    minimum_quantity: int | None = None
    maximum_quantity: int | None = None
    rank: int | None = None
    uri: Text = ""
    locale: Text = ""
    country: Text = ""
    category: OfferCategory | None = None
    prerequisite_offers: Texts = Field(default_factory=list)
    is_add_on: bool | None = None
    has_add_ons: bool | None = None
    is_available_for_purchase: bool | None = None
    billing: Text = ""
    supported_billing_cycles: Texts = Field(default_factory=list)
    is_auto_renewable: bool | None = None
    is_internal: bool | None = None
    is_trial: bool | None = None
    is_microsoft_product: bool | None = None
    conversion_target_offers: Texts = Field(default_factory=list)
    upgrade_target_offers: Texts = Field(default_factory=list)
    partner_qualifications: Texts = Field(default_factory=list)
    resellee_qualifications: Texts = Field(default_factory=list)
    reseller_qualifications: Texts = Field(default_factory=list)
    sales_group_id: Text = ""
    limit_unit_of_measure: Text = ""
    limit: int | None = None
    term: int | None = None
    term_unit_of_measure: Text = ""
    acquisition_type: Text = ""
    supported_catalog_types: Texts = Field(default_factory=list)
    actions: Texts = Field(default_factory=list)
    product: OfferProduct | None = None
    unit_type: Text = ""
    links: OfferLinks | None = None
    additional_properties: Any = None
    attributes: ResourceAttributes | None = None


class UpgradeError(Wire):
    code: Annotated[str, BeforeValidator(_enum(UPGRADE_ERROR_CODES))] = ""
    description: Text = ""
    additional_details: Text = ""
    attributes: ResourceAttributes | None = None


UpgradeErrors = Annotated[list[UpgradeError], BeforeValidator(_list)]
UpgradeTypeName = Annotated[str, BeforeValidator(_enum(UPGRADE_TYPES))]


class Upgrade(Wire):
    target_offer: Offer
    upgrade_type: UpgradeTypeName = "none"
    is_eligible: bool = False
    quantity: int | None = None
    upgrade_errors: UpgradeErrors = Field(default_factory=list)
    attributes: ResourceAttributes | None = None


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
    attributes: ResourceAttributes | None = None


class UpgradeResult(Wire):
    source_subscription_id: Text = ""
    target_subscription_id: Text = ""
    upgrade_type: UpgradeTypeName = "none"
    upgrade_errors: UpgradeErrors = Field(default_factory=list)
    license_errors: Annotated[list[UserLicenseError], BeforeValidator(_list)] = Field(
        default_factory=list
    )
    attributes: ResourceAttributes | None = None


class CompanyProfile(Wire):
    tenant_id: Text = ""
    domain: Text = ""
    company_name: Text = ""


class Customer(Wire):
    id: Text = ""
    company_profile: CompanyProfile = Field(default_factory=CompanyProfile)
    relationship_to_partner: Text = ""


class ProductType(Wire):
    id: Text = ""
    display_name: Text = ""
    sub_type: Any = None


class Subscription(Wire):
    id: Text
    offer_id: Text = ""
    offer_name: Text = ""
    friendly_name: Text = ""
    product_type: ProductType | None = None
    quantity: int = 0
    unit_type: Text = ""
    parent_subscription_id: Text = ""
    creation_date: Moment = None
    commitment_end_date: Moment = None
    status: Annotated[str, BeforeValidator(_enum(SUBSCRIPTION_STATUSES))] = ""
    suspension_reasons: Texts = Field(default_factory=list)
    auto_renew_enabled: bool | None = None
    billing_type: Text = ""
    billing_cycle: Text = ""
    term_duration: Text = ""
    is_trial: bool | None = None


class Collection(Wire):
    """A list of anything. A field `items` that is absent or null is an empty list."""

    total_count: int | None = None
    items: Annotated[list[Any], BeforeValidator(_list)] = Field(default_factory=list)
    links: ResourceLinks | None = None
    continuation_token: Text = ""


class Fault(Wire):
    """Either of Partner Center's two error bodies: its own, or its gateway's."""

    code: Text = ""
    description: Text = ""
    status_code: int | None = None
    message: Text = ""
