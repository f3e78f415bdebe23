"""Requests in every state, made without living through their stories."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.domain.policy import Confirm, Evidence, Person, Policy
from bot.domain.price import PriceChange
from bot.domain.subscription import Customer, Kind, Subscription, UpgradeOption, UpgradeType
from bot.domain.upgrade import Approval, Earlier, Outcome, State, UpgradeRequest

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)

NO_LIMIT = 1_000_000
"""For whoever adds requests and does not care how many of them wait."""

POLICY = Policy(
    approvals=1,
    approvers=(("S0APPROVERS",),),
    requesters=(("channel",),),
    confirm=Confirm.REQUESTER,
    expires_after=DAY,
    remind_after=timedelta(hours=2),
    evidence=Evidence.OPTIONAL,
    banners=("Key account: ask Dana first",),
)


def request_in(
    state: State, *, requester: Person, approver: Person, channel_id: str, **changes: Any
) -> UpgradeRequest:
    """A request as it is in some state: asked for, approved, confirmed, sent, as far as it came."""
    request = UpgradeRequest(
        id="11111111-1111-4111-8111-111111111111",
        version=5,
        state=state,
        requester=requester,
        channel_id=channel_id,
        customer=Customer("22222222-2222-4222-8222-222222222222", "Contoso", "contoso.example"),
        subscription=Subscription(
            "33333333-3333-4333-8333-333333333333",
            "e1",
            "Office 365 Enterprise E1",
            25,
            "active",
            Kind.TRADITIONAL,
            term="P1Y",
            billing_cycle="monthly",
            ends_at=NOW + 100 * DAY,
        ),
        option=UpgradeOption(
            "e3", "Office 365 Enterprise E3", UpgradeType.UPGRADE_ONLY, eligible=True, seats=25
        ),
        reason="They need Office on the desktop.",
        evidence="https://mail.example/42",
        policy=POLICY,
        ms_request_id="44444444-4444-4444-8444-444444444444",
        correlation_id="55555555-5555-4555-8555-555555555555",
        created_at=NOW,
        expires_at=NOW + DAY,
        price=PriceChange(Decimal(200), Decimal("650.51"), "EUR", NOW.date()),
        earlier=(
            Earlier(State.DONE, "Office 365 Enterprise E3", approver, NOW - 3 * DAY, "https://s/1"),
        ),
    )
    request = replace(request, **changes)
    if state not in (State.AWAITING_APPROVAL, State.EXPIRED):
        approval = Approval(approver, NOW, request.fingerprint)
        request = replace(request, approvals=(approval,))
    if state in (State.PERFORMING, State.UNKNOWN, State.DONE, State.FAILED):
        sent: dict[str, Any] = {
            "confirmed_by": requester,
            "confirmed_at": NOW,
            "sent_at": NOW,
            "attempt": 1,
        }
        request = replace(request, **sent)
    closed: dict[State, dict[str, Any]] = {
        State.UNKNOWN: {"looked_at": NOW, "looks": 3},
        State.DONE: {"outcome": Outcome("new"), "closed_at": NOW, "cared": 2},
        State.FAILED: {"outcome": Outcome(status=400, code="1"), "closed_at": NOW},
        State.DECLINED: {"closed_by": approver, "closed_at": NOW, "closed_because": "Not now."},
        State.WITHDRAWN: {"closed_by": requester, "closed_at": NOW},
        State.EXPIRED: {"closed_at": NOW},
    }
    return replace(request, **closed.get(state, {}))
