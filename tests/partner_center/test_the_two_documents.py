"""Every resource and field of Microsoft's pages on upgrades is in the models, under its name.

https://learn.microsoft.com/rest/api/partner-center/manage-orders/perform-a-subscription-upgrade
https://learn.microsoft.com/partner-center/developer/transition-a-subscription
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.partner_center import wire
from bot.partner_center.transitions import _listed as listed_transitions
from bot.partner_center.upgrades import _judge, _listed
from tests.factories import SUBSCRIPTION

TABLES: dict[type[wire.Wire], str] = {
    wire.Link: "body headers method uri",
    wire.ResourceAttributes: "etag objectType",
    wire.ResourceLinks: "next previous self",
    wire.ServiceFault: "code data description source",
    wire.Offer: (
        "acquisitionType actions additionalProperties attributes billing category "
        "conversionTargetOffers description hasAddOns id isAutoRenewable isAvailableForPurchase "
        "isInternal isMicrosoftProduct isTrial links maximumQuantity minimumQuantity name product "
        "reselleeQualifications resellerQualifications salesGroupId supportedBillingCycles "
        "supportedCatalogTypes term termUnitOfMeasure unitType upgradeTargetOffers uri "
        "country isAddOn locale partnerQualifications prerequisiteOffers rank"
    ),
    wire.OfferCategory: "attributes country id links locale name rank",
    wire.OfferLinks: "learnMore next previous self",
    wire.OfferProduct: "id name unit",
    wire.Upgrade: "attributes isEligible quantity targetOffer upgradeErrors upgradeType",
    wire.UpgradeError: "additionalDetails attributes code description",
    wire.UpgradeResult: (
        "attributes licenseErrors sourceSubscriptionId targetSubscriptionId upgradeErrors "
        "upgradeType"
    ),
    wire.UserLicenseError: "attributes email errors name userObjectId",
    wire.KeyValuePair: "key value",
}


@pytest.mark.parametrize("resource", TABLES, ids=lambda resource: resource.__name__)
def test_a_resource_has_every_field_of_its_table(resource: type[wire.Wire]) -> None:
    """By Microsoft's own name for it."""
    known = {field.alias or name for name, field in resource.model_fields.items()}
    assert set(TABLES[resource].split()) <= known


def test_the_billing_cycles_of_the_table_are_known() -> None:
    """annual, monthly, none, one_time, triennial, unknown."""
    table = {"annual", "monthly", "none", "one_time", "triennial", "unknown"}
    assert table <= set(wire.BILLING_CYCLES)


E1: dict[str, Any] = {
    "id": "91FD106F-4B2C-4938-95AC-F54F74E9A239",
    "name": "Office 365 Enterprise E1",
    "minimumQuantity": 1,
    "maximumQuantity": 10000000,
    "rank": 48,
    "uri": "/3c95518e-8c37-41e3-9627-0ca339200f53/Offers/91FD106F-4B2C-4938-95AC-F54F74E9A239",
    "locale": "en-us",
    "country": "US",
    "category": {"id": "Enterprise_Key", "name": "Enterprise", "rank": 20},
    "prerequisiteOffers": [],
    "partnerQualifications": ["none"],
    "product": {"id": "18181a46-0d4e-45cd-891e-60aabd171b4e", "unit": "Licenses"},
    "links": {"learnMore": {"uri": "http://g.microsoftonline.com/0BXPS00en/1013"}},
    "attributes": {"objectType": "Offer"},
}


def test_the_sample_of_the_list_is_an_ineligible_option_with_code_2() -> None:
    """As the page shows it; and what is sent back is what was listed, to the letter."""
    sample = {
        "targetOffer": E1,
        "upgradeType": "upgrade_only",
        "isEligible": False,
        "quantity": 1,
        "upgradeErrors": [{"code": 2, "description": "…", "attributes": {}}],
        "attributes": {"objectType": "Upgrade"},
    }
    listed = _listed(SUBSCRIPTION, sample)
    assert not listed.option.eligible
    assert listed.option.obstacles[0].code == "subscription_status_not_active"
    assert listed.as_listed is sample


def test_the_sample_of_the_request_is_read_in_its_own_spelling() -> None:
    """PascalCase keys and the number 1 for `upgrade_only`."""
    sample = {
        "TargetOffer": {key[:1].upper() + key[1:]: value for key, value in E1.items()},
        "UpgradeType": 1,
        "IsEligible": True,
        "Quantity": 1,
        "UpgradeErrors": [],
    }
    option = _listed(SUBSCRIPTION, sample).option
    assert (option.name, option.type, option.eligible) == (E1["name"], "upgrade_only", True)


def test_the_sample_of_the_result_is_an_upgrade() -> None:
    """Two ids, the number 1, and empty lists of errors."""
    answer = _judge(
        json.loads(
            """{"sourceSubscriptionId": "896a2862-67e2-4f3d-bb3f-c50c42b5fad8",
            "targetSubscriptionId": "2add8a55-454a-4ae5-a4c9-5107dc6e9768", "upgradeType": 1,
            "upgradeErrors": [], "licenseErrors": [],
            "attributes": {"objectType": "UpgradeResult"}}"""
        )
    )
    assert answer.verdict.name == "HAPPENED"
    assert answer.outcome
    assert answer.outcome.target_subscription_id == "2add8a55-454a-4ae5-a4c9-5107dc6e9768"


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        ({"targetSubscriptionId": "t"}, "HAPPENED"),
        ({"targetSubscriptionId": "t", "licenseErrors": [{"name": "Lee"}]}, "HAPPENED"),
        ({"targetSubscriptionId": "t", "licenseErrors": {"errors": {"data": "x"}}}, "HAPPENED"),
        ({"upgradeErrors": [{"code": "4"}]}, "REFUSED"),
        ({"upgradeErrors": [{"code": 99}], "targetSubscriptionId": None}, "REFUSED"),
        ({"upgradeErrors": [{"code": 4}], "targetSubscriptionId": "t"}, "LOST"),
        ({"targetSubscriptionId": None}, "LOST"),
        ({}, "LOST"),
    ],
)
def test_a_result_is_read_right(result: dict[str, Any], verdict: str) -> None:
    """Errors of the upgrade mean that there is none; errors of licences mean that there is one."""
    assert _judge(result).verdict.name == verdict


ODD: list[dict[str, Any]] = [
    {"supportedBillingCycles": {"annual": "annual", "monthly": "monthly"}},
    {"supportedBillingCycles": "annual"},
    {"category": "Enterprise", "product": "E1", "links": []},
    {"rank": 61.5, "maximumQuantity": "", "minimumQuantity": "1"},
    {"isTrial": "", "isInternal": "maybe", "prerequisiteOffers": None},
    {"name": None, "uri": None, "newField": {"anything": [1]}},
]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_odd_field_that_nobody_needs_hides_nothing(odd: dict[str, Any]) -> None:
    """The option is there, and can be chosen."""
    item = {"targetOffer": {**E1, **odd}, "upgradeType": "upgrade_only", "isEligible": True}
    assert _listed(SUBSCRIPTION, item).option.eligible


def test_a_target_of_new_commerce_is_one_item_with_several_ways() -> None:
    """Where upgrades have one item for each."""
    source = replace(SUBSCRIPTION, seats=10)
    item = {
        "CatalogItemId": "A:0001:B",
        "title": "Plan",
        "eligibilities": [
            {"isEligible": True, "transitionType": "transition_only", "errors": []},
            {"isEligible": False, "transitionType": 2, "errors": [{"code": 13}]},
        ],
        "subscriptionEligibilities": [{"isEligible": True, "subscriptionId": "s2"}],
    }
    now = [listed.option for listed in listed_transitions(source, False, item)]
    assert [(option.type, option.eligible, option.into) for option in now] == [
        ("upgrade_only", True, ""),
        ("upgrade_with_license_transfer", False, ""),
        ("upgrade_only", True, "s2"),
    ]
    assert now[1].obstacles[0].code == "insufficient_granular_admin_permissions"
