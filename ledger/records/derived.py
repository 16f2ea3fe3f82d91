"""What is computed from facts and declarations; replaceable at any time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class CostHour:
    """Money of one hour, key and component; parts of a pool's hour add up to its bill."""

    TABLE: ClassVar[str] = "cost_hourly"

    hour: datetime
    side: str
    provider: str
    model: str
    deployment: str
    pool: str
    workload: str
    team: str
    environment: str
    component: str
    basis: str
    vintage: str
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests of one set of names belong under one set of declarations."""

    TABLE: ClassVar[str] = "places"

    declared: str
    side: str
    provider: str
    model: str
    api_key: str
    team_told: str
    environment: str
    workload_told: str
    deployment_told: str
    workload: str
    team: str
    deployment: str


@dataclass(frozen=True, slots=True)
class VintageHour:
    """Money of one hour, key and component at the prices of another day; `counted` says what it was counted from."""

    TABLE: ClassVar[str] = "cost_vintages"

    hour: datetime
    side: str
    provider: str
    model: str
    deployment: str
    pool: str
    workload: str
    team: str
    environment: str
    component: str
    basis: str
    vintage: str
    counted: str
    usd: Decimal
    usd_approximate: Decimal
    unpriced_tokens: int


@dataclass(frozen=True, slots=True)
class GpuHour:
    """Seconds that a GPU spent in one state within one hour; `used_s` is the part that did work."""

    TABLE: ClassVar[str] = "gpu_hourly"

    hour: datetime
    pool: str
    deployment: str
    node: str
    gpu: str
    slice: str
    state: str
    seconds: float
    used_s: float
    usd: Decimal
    energy_wh: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One evaluation of one workload, with everything needed to explain it in `details` (JSON)."""

    TABLE: ClassVar[str] = "verdicts"

    at: datetime
    workload: str
    verdict: str
    reason: str
    current: str
    option: str
    replicas: int | None
    used_share_needed: float | None
    used_share: float | None
    api_usd_month: Decimal | None
    candidate_usd_month: Decimal | None
    saving_usd_month: Decimal | None
    requests_month: float | None
    coverage: float | None
    flips_at: str
    details: str = field(default="{}")


@dataclass(frozen=True, slots=True)
class ReconciliationDay:
    """Metered against billed of one provider's UTC day, USD; the causes add up to the difference."""

    TABLE: ClassVar[str] = "reconciliation"

    day: date
    provider: str
    account: str
    metered: Decimal
    billed: Decimal
    boundary: Decimal
    missing_usage: Decimal
    price: Decimal
    discount: Decimal
    tax: Decimal
    credit: Decimal
    fee: Decimal
    unknown: Decimal
    discount_factor: Decimal | None
    is_final: int


@dataclass(frozen=True, slots=True)
class UsageDay:
    """What the cost of a provider's UTC day is made of: `requests`, or `reports` of the provider."""

    TABLE: ClassVar[str] = "usage_days"

    day: date
    provider: str
    counted: str


@dataclass(frozen=True, slots=True)
class Advice:
    """State of the advice on a workload at the end of a UTC day; USD. `event`: what a person said to it."""

    TABLE: ClassVar[str] = "advice"

    day: date
    workload: str
    event: str
    state: str
    candidate: str
    regret: float
    memory: str
    transitions: str = "[]"
    facts: str = "{}"
