"""What was seen: requests, readings, reported usage, bills, and the books kept about receiving them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import datetime

TOKEN_CLASSES = (
    "input_fresh", "cache_read", "cache_write_short", "cache_write_long", "cache_write_other", "output", "unexplained",
)  # fmt: skip
"""The disjoint token classes, in column order; their sum is every token of an attempt."""

INPUT_CLASSES = TOKEN_CLASSES[:5]

MAX_COUNT = 10**9
"""Most tokens that one attempt may carry: no product with a price can overflow below it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One billed attempt on either side, as a source knows it (table `land_rows`, stored in `requests`).

    Counts are whole and >= 0; `at` is the start of the attempt and the same in every delivery of it;
    `event_key` names the event for ever: source, account, the provider's id, attempt.
    """

    TABLE: ClassVar[str] = "land_rows"

    at: datetime
    event_key: str
    side: str
    source: str
    provider: str
    model: str
    deployment: str = ""
    workload: str = "unassigned"
    team: str = ""
    environment: str = ""
    key: str = ""
    request_key: str = ""
    attempt: int = 1
    duplicate_of: int = 0
    event_id: int = 0
    request_id: int = 0
    input_fresh: int = 0
    cache_read: int = 0
    cache_write_short: int = 0
    cache_write_long: int = 0
    cache_write_other: int = 0
    output: int = 0
    unexplained: int = 0
    output_reasoning: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    input_image: int | None = None
    output_image: int | None = None
    n_web_search: int | None = None
    n_file_search: int | None = None
    tier: str = "standard"
    processing: str = "online"
    region: str = ""
    status: int = 200
    ttft_ms: int | None = None
    latency_ms: int | None = None
    usage_source: str = "provider"
    approximate: int = 0
    cost_reported: Decimal | None = None

    @property
    def variant(self) -> str:
        """Which price list applies: standard, batch, flex, priority or fast."""
        return price_variant(self.tier, self.processing)


def price_variant(tier: str, processing: str) -> str:
    """Return the price variant of a served tier; the same rule stands in `land_rows_to_requests`."""
    if processing == "batch":
        return "batch"
    return tier if tier in ("flex", "priority", "fast") else "standard"


@dataclass(frozen=True, slots=True)
class GpuSample:
    """One reading of a GPU or slice; a value that the device does not give is None, never 0."""

    TABLE: ClassVar[str] = "gpu_samples"

    at: datetime
    node: str
    gpu: str
    slice: str = ""
    pool: str = ""
    dt_s: float = 0.0
    util: float | None = None
    sm_active: float | None = None
    mem_mib: int | None = None
    power_w: float | None = None
    energy_mj: int | None = None
    reset: int = 0
    processes: int | None = None
    source: str = ""
    share: float | None = None
    pods: str = ""
    clock_mhz: int | None = None
    temperature: float | None = None
    slowdown: int | None = None


@dataclass(frozen=True, slots=True)
class EngineSample:
    """What a model server did in an interval that ends at `at`; a count that it does not tell is None, never 0."""

    TABLE: ClassVar[str] = "engine_samples"

    at: datetime
    node: str
    deployment: str
    replica: str
    model: str
    pool: str = ""
    dt_s: float = 0.0
    up: int = 1
    input_fresh: int | None = None
    cache_read: int | None = None
    output: int | None = None
    n_ok: int | None = None
    n_aborted: int | None = None
    n_failed: int | None = None
    running: float | None = None
    waiting: float | None = None
    kv_used: float | None = None
    idle_s: float | None = None
    prefill_s: float | None = None
    decode_s: float | None = None
    ttft: dict[float, int] = field(default_factory=dict)
    reset: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken, kept with the place it stood in and the reason."""

    TABLE: ClassVar[str] = "rejected"

    received_at: datetime
    source: str
    origin: str
    line: int
    field: str
    reason: str
    value: str


@dataclass(frozen=True, slots=True)
class Batch:
    """One accepted batch: the raw ledger of what was received."""

    TABLE: ClassVar[str] = "batches"

    token: str
    source: str
    origin: str
    rows: int
    rejected: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class SpanLink:
    """Where a span hangs in its trace, and the request that it became, if any."""

    TABLE: ClassVar[str] = "span_links"

    trace: str
    span: str
    parent: str
    at: datetime
    event_key: str = ""
    provider: str = ""
    model: str = ""
    side: str = ""
    has_usage: int = 0


@dataclass(frozen=True, slots=True)
class SpanService:
    """A UTC day on which spans of a service told tokens: its token metrics of the day are set aside."""

    TABLE: ClassVar[str] = "span_services"

    day: date
    service: str


@dataclass(frozen=True, slots=True)
class UsageBucket:
    """Usage that a provider reports for one bucket and group; counts are whole, classes disjoint."""

    TABLE: ClassVar[str] = "usage_buckets"

    source: str
    account: str
    provider: str
    view: str
    start: datetime
    width_s: int
    model: str = ""
    project: str = ""
    key: str = ""
    tier: str = "standard"
    processing: str = "online"
    context: str = ""
    deployment: str = ""
    workload: str = "unassigned"
    team: str = ""
    input_fresh: int = 0
    cache_read: int = 0
    cache_write_short: int = 0
    cache_write_long: int = 0
    cache_write_other: int = 0
    output: int = 0
    n_requests: int | None = None
    n_web_search: int | None = None
    extra: dict[str, float] = field(default_factory=dict)
    is_final: int = 1
    is_deleted: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of money that a provider bills; FOCUS words: BilledCost, EffectiveCost, ListCost."""

    TABLE: ClassVar[str] = "charges"

    source: str
    account: str
    provider: str
    start: datetime
    end: datetime
    charge_category: str
    line: str
    model: str = ""
    token_class: str = ""
    project: str = ""
    key: str = ""
    tier: str = ""
    resource: str = ""
    row_id: str = ""
    billed_cost: Decimal = Decimal(0)
    effective_cost: Decimal = Decimal(0)
    list_cost: Decimal | None = None
    currency: str = "USD"
    quantity: float | None = None
    unit: str = ""
    billing_period: date = date(1970, 1, 1)
    origin: str = ""
    about_models: int = 1
    is_final: int = 1
    is_deleted: int = 0


@dataclass(frozen=True, slots=True)
class SourceState:
    """A cursor: where a source or job has got to."""

    TABLE: ClassVar[str] = "source_state"

    source: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of a job, for freshness and for the operator."""

    TABLE: ClassVar[str] = "job_runs"

    job: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    note: str
