"""The ledger as FOCUS 1.4 (FinOps Open Cost and Usage Specification): one row a charge, tokens and GPU hosts alike."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledger.costing.allocation import split
from ledger.costing.focus_check import MANDATORY, MONEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ledger.store import Store

_PACKAGE = "ledger.costing"
_DAY = timedelta(days=1)
OWN = (
    "x_Side", "x_Component", "x_Model", "x_Deployment", "x_Workload", "x_Team", "x_Environment", "x_InputTokens",
    "x_CachedInputTokens", "x_OutputTokens", "x_GpuHours", "x_PriceVariant", "x_PriceVintage", "x_CountedFrom",
)  # fmt: skip
"""Columns of ours; `x_` is the prefix that the specification reserves for them."""
WRITTEN = (
    *MANDATORY, "CapacityReservationId", "CapacityReservationStatus", "ChargeFrequency", "CommitmentDiscountCategory",
    "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountStatus", "CommitmentDiscountType",
    "ConsumedQuantity", "ConsumedUnit", "PricingCategory", "RegionId", "RegionName", "ResourceId", "ResourceName",
    "ResourceType", "ServiceSubcategory", "SkuId", "SkuMeter", "SubAccountId", "SubAccountName", "SubAccountType",
    "Tags", *OWN,
)  # fmt: skip
_METERS = {
    "input_fresh": "input tokens", "cache_read": "cached input tokens", "cache_write_short": "cache_write input tokens",
    "cache_write_long": "cache_write_12h input tokens", "cache_write_other": "cache write input tokens",
    "output": "output tokens", "fees": "tool fees",
}  # fmt: skip
_UNUSED = ("gpu_headroom", "gpu_warm_idle", "gpu_unallocated", "gpu_spare")
Row = dict[str, Any]


def rows(store: Store, start: datetime, end: datetime) -> Iterator[Row]:
    """Yield the charges of whole UTC days, booked prices, allocation basis; their BilledCost is what cost says.

    Tokens without a price have no money and are in no row.
    """
    span = {"from": start, "to": end}
    for row in store.ask(_PACKAGE, "focus_tokens", **span):
        yield _tokens(row)
    hosts = _Hosts(store.ask(_PACKAGE, "focus_nodes", **span))
    for row in store.ask(_PACKAGE, "focus_own", **span):
        if row["component"] == "overhead":
            yield _overhead(row)
        elif row["component"] == "commitment_unused":
            yield _commitment(row)
        else:
            yield from _gpus(row, hosts)


def _blank(row: Mapping[str, Any], usd: Decimal, issuer: str) -> Row:
    """Return what every charge has."""
    day: datetime = row["day"]
    month = day.replace(day=1)
    out: Row = dict.fromkeys(WRITTEN)
    tags = {name: row[name] for name in ("workload", "team", "environment", "deployment") if row[name]}
    return out | {
        **dict.fromkeys(MONEY, usd), "BillingAccountId": issuer, "BillingCurrency": "USD",
        "BillingPeriodStart": _text(month), "BillingPeriodEnd": _text((month + timedelta(days=32)).replace(day=1)),
        "ChargePeriodStart": _text(day), "ChargePeriodEnd": _text(day + _DAY), "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based", "InvoiceIssuerName": issuer, "HostProviderName": issuer,
        "ServiceProviderName": issuer, "PricingCategory": "Standard", "Tags": json.dumps(tags, sort_keys=True),
        "SubAccountId": row["team"] or None, "SubAccountName": row["team"] or None,
        "SubAccountType": "Team" if row["team"] else None, "x_Component": row["component"],
        "x_Model": row["model"] or None, "x_Deployment": row["deployment"] or None,
        "x_Workload": row["workload"] or None, "x_Team": row["team"] or None,
        "x_Environment": row["environment"] or None, "x_PriceVintage": "booked", "x_CountedFrom": "declared",
    }  # fmt: skip


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def _tokens(row: Row) -> Row:
    meter, fee = _METERS[row["component"]], row["component"] == "fees"
    quantity = Decimal(1) if fee else Decimal(row["tokens"])
    unit = "Fees" if fee else "Tokens"
    failed = ", failed and repeated attempts" if row["failed"] else ""
    cached = row["component"] == "cache_read"
    counts = {
        "x_InputTokens": None if fee else 0 if row["component"] == "output" else row["tokens"],
        "x_CachedInputTokens": None if fee else row["tokens"] if cached else 0,
        "x_OutputTokens": None if fee else row["tokens"] if row["component"] == "output" else 0,
    }
    return _blank(row, row["usd"], row["provider"]) | {
        "ChargeDescription": f"{row['model']}, {meter}{failed}", "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Generative AI", "ServiceName": f"{row['provider']} models", "SkuId": row["model"],
        "SkuMeter": f"{row['model']} {meter}{failed}", "RegionId": row["region"] or None,
        "RegionName": row["region"] or None, "ConsumedQuantity": quantity, "ConsumedUnit": unit,
        "PricingQuantity": quantity, "PricingUnit": unit, "x_Side": "api", "x_PriceVariant": row["variant"],
        "x_CountedFrom": row["counted"], "x_Component": "retries_failed" if row["failed"] else row["component"],
        **counts,
    }  # fmt: skip


def _overhead(row: Row) -> Row:
    return _blank(row, row["usd"], row["provider"]) | {
        "ChargeCategory": "Purchase", "ChargeFrequency": "Recurring", "ServiceCategory": "Other",
        "ChargeDescription": f"overhead: {row['provider']}", "ServiceName": row["provider"],
        "PricingQuantity": Decimal(row["hours"]), "PricingUnit": "Hours", "x_Side": row["side"],
    }  # fmt: skip


def _commitment(row: Row) -> Row:
    return _blank(row, row["usd"], row["provider"]) | {
        "ServiceCategory": "AI and Machine Learning", "ServiceSubcategory": "Generative AI",
        "ServiceName": f"{row['provider']} models", "PricingCategory": "Committed",
        "ChargeDescription": f"minimum spend promised to {row['provider']}, not used",
        "CommitmentDiscountId": f"{row['provider']}-minimum-spend", "CommitmentDiscountName": "minimum spend",
        "CommitmentDiscountCategory": "Spend", "CommitmentDiscountType": "minimum spend",
        "CommitmentDiscountStatus": "Unused", "ConsumedQuantity": Decimal(row["hours"]), "ConsumedUnit": "Hours",
        "PricingQuantity": Decimal(row["hours"]), "PricingUnit": "Hours", "x_Side": "api",
    }  # fmt: skip


def _gpus(row: Row, hosts: _Hosts) -> Iterator[Row]:
    """Yield one row a host: the money of a pool's component, split by what the GPUs of each host did."""
    name = row["component"].removeprefix("gpu_").replace("_", " ")
    for_whom = f" by {row['workload']}" if row["workload"] else ""
    status = "Used" if row["component"] == "gpu_used" else "Unused" if row["component"] in _UNUSED else None
    others = row["component"] == "node_others"  # tenants without a GPU: no GPU-hours are theirs
    unit = "Hours" if others else "GPU Hours"
    for host, usd in hosts.split(row):
        hours = Decimal(row["hours"]) if others else hosts.hours(row, usd)
        yield _blank(row, usd, row["pool"]) | {
            "ServiceCategory": "Compute", "ServiceSubcategory": "Other (Compute)", "ServiceName": "GPU pool",
            "ServiceProviderName": "own", "ChargeDescription": f"{row['pool']}, {name} GPU time{for_whom}",
            "ResourceId": host, "ResourceName": host, "ResourceType": "GPU host", "SkuId": row["pool"],
            "SkuMeter": f"{name} GPU hours", "CapacityReservationId": row["pool"] if status else None,
            "CapacityReservationStatus": status, "ConsumedQuantity": hours, "ConsumedUnit": unit,
            "PricingQuantity": hours, "PricingUnit": unit, "x_Side": "self_hosted",
            "x_GpuHours": None if others else hours,
        }  # fmt: skip


class _Hosts:
    """What the GPUs of each host did by day, pool and deployment."""

    def __init__(self, found: Iterable[Row]) -> None:
        self._states: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        self._pools: dict[tuple[Any, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for row in found:
            self._states[row["day"], row["pool"], row["deployment"]].append(row)
            whole = self._pools[row["day"], row["pool"]]
            whole[0] += row["usd"]
            whole[1] += Decimal(str(row["seconds"])) / 3600

    def split(self, row: Row) -> Iterator[tuple[str, Decimal]]:
        """Yield hosts with their parts of a line, which add up to it; the pool itself where no host is known."""
        weights: dict[str, float] = defaultdict(float)
        for state in self._states[row["day"], row["pool"], row["deployment"]]:
            weights[state["host"]] += _weight(row["component"], state)
        whole, names = int(row["usd"].scaleb(12)), sorted(weights)
        most = sum(weights.values())
        parts = split(whole, [weights[name] / most for name in names]) if most > 0 else []
        if not sum(parts):
            yield row["pool"] or row["provider"], row["usd"]
            return
        for name, part in zip(names, parts, strict=True):
            if part:
                yield name, Decimal(part).scaleb(-12)

    def hours(self, row: Row, usd: Decimal) -> Decimal:
        """Return the GPU-hours that some of a pool's money pays for."""
        money, hours = self._pools[row["day"], row["pool"]]
        return (usd * hours / money).quantize(Decimal("1e-6")) if money else Decimal(0)


def _weight(component: str, state: Row) -> float:
    """Return how much of a component a host's time in one state is."""
    name, usd = state["state"], float(state["usd"])
    serving = name in ("serving", "serving_low")
    if component == "gpu_used":
        return float(state["used_usd"]) if serving else 0.0
    if component == "gpu_headroom":
        return usd - float(state["used_usd"]) if serving else 0.0
    if component == "gpu_other_use":
        return usd if serving or name == "busy_other" else 0.0
    if component == "gpu_spare":
        return usd if name in ("warm_idle", "spare") else 0.0
    return usd if component == f"gpu_{name}" else 0.0
