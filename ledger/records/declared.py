"""What prices, capacity and work are said to be, with the instant from which it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Price:
    """One effective-dated price list entry, USD per token (fees: USD per unit); None = not priced."""

    TABLE: ClassVar[str] = "prices"

    price_id: int
    provider: str
    model: str
    variant: str
    region: str
    tier_start: int
    valid_from: datetime
    valid_to: datetime
    day_from_s: int
    day_to_s: int
    recorded_at: datetime
    source: str
    flags: int
    input_fresh: Decimal | None
    cache_read: Decimal | None
    cache_write_short: Decimal | None
    cache_write_long: Decimal | None
    cache_write_other: Decimal | None
    output: Decimal | None
    output_reasoning: Decimal | None
    input_audio: Decimal | None
    output_audio: Decimal | None
    input_image: Decimal | None
    output_image: Decimal | None
    n_web_search: Decimal | None
    n_file_search: Decimal | None
    request: Decimal | None


@dataclass(frozen=True, slots=True)
class PriceRange:
    """Which price a name as billed had in a span of whole seconds; made from `Price`, read by `price_at`."""

    TABLE: ClassVar[str] = "price_ranges"

    vintage: str
    provider: str
    model: str
    variant: str
    region: str
    valid_from: datetime
    valid_to: datetime
    id0: int
    start1: int
    id1: int
    start2: int
    id2: int
    flags: int


@dataclass(frozen=True, slots=True)
class GpuRate:
    """What a pool's GPUs cost while it is held, USD per GPU-hour; power apart where `usd_per_kwh` is not 0."""

    TABLE: ClassVar[str] = "gpu_rates"

    pool: str
    kind: str
    gpus: int
    usd_per_gpu_hour: Decimal
    valid_from: datetime
    valid_to: datetime
    recorded_at: datetime
    usd_per_kwh: Decimal = Decimal(0)
    host_w: float = 0.0
    gpu_w: float | None = None
    kwh_of_week: list[Decimal] = field(default_factory=list)
    zone: str = ""
    others_share: float = 0.0

    def kwh_at(self, hour: datetime) -> Decimal:
        """Return USD per kWh of an hour: tariff times PUE, 0 = power is in the rate."""
        if not self.kwh_of_week:
            return self.usd_per_kwh
        local = hour.astimezone(ZoneInfo(self.zone or "UTC"))
        return self.kwh_of_week[24 * local.weekday() + local.hour]

    @property
    def planned(self) -> Decimal:
        """USD of one GPU-hour with its power, as far as an expected power is known."""
        return self.usd_per_gpu_hour * Decimal(str(1 - self.others_share)) + self.planned_power

    @property
    def planned_power(self) -> Decimal:
        """USD of the expected power of a GPU-hour at the mean tariff of a week; 0 where it is in the rate."""
        week = self.kwh_of_week or [self.usd_per_kwh]
        power = sum(week, Decimal(0)) / len(week) * Decimal(str(self.gpu_w or 0.0)) / 1000
        return power * Decimal(str(1 - self.others_share))


@dataclass(frozen=True, slots=True)
class Overhead:
    """A running cost beside tokens and GPUs; `unit` is usd_per_month, usd_per_hour or share."""

    TABLE: ClassVar[str] = "overheads"

    name: str
    side: str
    pool: str
    unit: str
    amount: Decimal
    valid_from: datetime
    valid_to: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Commitment:
    """A minimum spend promised to a provider, USD of metered use in a calendar month (UTC)."""

    TABLE: ClassVar[str] = "commitments"

    name: str
    provider: str
    usd_per_month: Decimal
    valid_from: datetime
    valid_to: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a workload can run: a metered channel or GPUs of a pool, with its capacity in replica-seconds."""

    TABLE: ClassVar[str] = "deployments"

    name: str
    side: str
    provider: str
    model: str
    pool: str
    gpus: list[str]
    gpus_per_replica: int
    s_per_uncached: float
    s_per_cached: float
    s_per_output: float
    s_per_kv: float
    grade: str
    recorded_at: datetime
    pods: list[str] = field(default_factory=list)
    gpu_share: float = 1.0


@dataclass(frozen=True, slots=True)
class MeasuredCapacity:
    """How much a replica of a deployment can do within a latency objective, with its evidence (JSON)."""

    TABLE: ClassVar[str] = "capacities"

    deployment: str
    recorded_at: datetime
    s_per_uncached: float
    s_per_cached: float
    s_per_output: float
    s_per_kv: float
    grade: str
    ttft_p99_ms: float
    tpot_p90_ms: float
    evidence: str = "{}"


@dataclass(frozen=True, slots=True)
class Workload:
    """A unit of decision: which requests belong to it, and which deployments may serve it."""

    TABLE: ClassVar[str] = "workloads"

    name: str
    team: str
    rules: str
    deployments: list[str]
    token_ratio: float
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class FxRate:
    """A declared exchange rate, USD for one unit, from an instant on."""

    TABLE: ClassVar[str] = "fx_rates"

    currency: str
    valid_from: datetime
    usd: Decimal
    recorded_at: datetime
