"""The rows of the ledger: one frozen dataclass a table, fields in column order."""

from __future__ import annotations

from ledger.records.access import AccessToken, TokenUse
from ledger.records.alerting import Alert, Mute, Notification, Signal, series_of, signal
from ledger.records.declared import (
    Commitment,
    Deployment,
    FxRate,
    GpuRate,
    MeasuredCapacity,
    Overhead,
    Price,
    PriceRange,
    Workload,
)
from ledger.records.derived import (
    Advice,
    CostHour,
    GpuHour,
    Place,
    ReconciliationDay,
    UsageDay,
    Verdict,
    VintageHour,
)
from ledger.records.facts import (
    INPUT_CLASSES,
    MAX_COUNT,
    TOKEN_CLASSES,
    Batch,
    Charge,
    EngineSample,
    GpuSample,
    JobRun,
    Rejected,
    Request,
    SourceState,
    SpanLink,
    SpanService,
    UsageBucket,
    price_variant,
)

Record = (
    Request
    | GpuSample
    | EngineSample
    | Rejected
    | Batch
    | Price
    | PriceRange
    | GpuRate
    | Overhead
    | Commitment
    | Deployment
    | Workload
    | CostHour
    | GpuHour
    | SourceState
    | Verdict
    | JobRun
    | Signal
    | SpanLink
    | SpanService
    | UsageBucket
    | Charge
    | ReconciliationDay
    | FxRate
    | UsageDay
    | MeasuredCapacity
    | Advice
    | Alert
    | Notification
    | Mute
    | VintageHour
    | Place
    | AccessToken
    | TokenUse
)

__all__ = [
    "INPUT_CLASSES",
    "MAX_COUNT",
    "TOKEN_CLASSES",
    "AccessToken",
    "Advice",
    "Alert",
    "Batch",
    "Charge",
    "Commitment",
    "CostHour",
    "Deployment",
    "EngineSample",
    "FxRate",
    "GpuHour",
    "GpuRate",
    "GpuSample",
    "JobRun",
    "MeasuredCapacity",
    "Mute",
    "Notification",
    "Overhead",
    "Place",
    "Price",
    "PriceRange",
    "ReconciliationDay",
    "Record",
    "Rejected",
    "Request",
    "Signal",
    "SourceState",
    "SpanLink",
    "SpanService",
    "TokenUse",
    "UsageBucket",
    "UsageDay",
    "Verdict",
    "VintageHour",
    "Workload",
    "price_variant",
    "series_of",
    "signal",
]
