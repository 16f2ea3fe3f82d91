"""[pools.NAME] of the configuration: GPUs that are paid for by time, rented, prepaid or owned, and what they cost."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - reading.read() asks for the hints at run time
from decimal import Decimal
from zoneinfo import available_timezones

from ledger.costing.allocation import part_of_node
from ledger.costing.ownership import HOURS_A_MONTH, annuity, prepaid_hour
from ledger.prices.book import BEGIN, END
from ledger.records import GpuRate

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class RateConfig:
    """One entry of `rates` in a pool: a price per GPU-hour from an instant on."""

    usd_per_gpu_hour: Decimal
    since: datetime = BEGIN
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class TariffConfig:
    """One entry of `tariff` in `owned`: another price of power from one hour of some days to another, local time."""

    usd_per_kwh: Decimal
    from_hour: int = 0
    to_hour: int = 24
    days: tuple[str, ...] = WEEK


@dataclass(frozen=True, slots=True)
class OwnedConfig:
    """`owned` of a pool: hardware that was bought; its cost by the hour follows from it.

    `annual_rate` 0 spreads the purchase evenly, above 0 as an annuity. `gpu_w` is what a GPU is expected to draw where
    no energy counter measures it. Without a tariff power is not in the cost, and `breakeven check` says so. Hours that
    an entry of `tariff` names, in the time zone of `tariff_zone`, have its price; the last entry that fits wins.
    """

    purchase_usd: Decimal
    residual_usd: Decimal = Decimal(0)
    life_months: int = 48
    annual_rate: Decimal = Decimal(0)
    hosting_usd_per_month: Decimal = Decimal(0)
    support_usd_per_month: Decimal = Decimal(0)
    tariff_usd_per_kwh: Decimal | None = None
    tariff: tuple[TariffConfig, ...] = ()
    tariff_zone: str = "UTC"
    pue: Decimal = Decimal("1.5")
    gpu_w: float | None = None
    host_w: float = 0.0

    def usd_per_month(self) -> Decimal:
        """Return amortisation, hosting and support of the pool."""
        amortised = annuity(self.purchase_usd, self.residual_usd, self.life_months, self.annual_rate)
        return amortised + self.hosting_usd_per_month + self.support_usd_per_month

    def kwh_of_week(self) -> list[Decimal]:
        """Return USD per kWh, PUE in it, by hour of the week from Monday 00:00; empty where all hours are alike."""
        if not self.tariff:
            return []
        prices = [(self.tariff_usd_per_kwh or Decimal(0)) * self.pue] * 168
        for one in self.tariff:
            for day in one.days:
                for hour in range(one.from_hour, one.to_hour):
                    prices[24 * WEEK.index(day) + hour] = one.usd_per_kwh * self.pue
        return prices


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """`node` of a pool whose hosts also serve tenants without a GPU: what the hosts have, and what those tenants take.

    CPU-only tenants carry their part by weights (GPU 9, vCPU 0.9, GiB 0.1); the rest is the cost of the GPUs.
    """

    vcpus: float
    mem_gib: float
    other_vcpus: float = 0.0
    other_mem_gib: float = 0.0
    gpu_weight: float = 9.0
    vcpu_weight: float = 0.9
    gib_weight: float = 0.1


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """[pools.NAME]: GPUs that are paid for by time.

    `gpus` 0: in each hour as many as report, for nodes that come and go. `nodes`: hosts of the pool, `*` at any place
    stands for anything.
    """

    gpus: int
    usd_per_gpu_hour: Decimal | None = None
    kind: str = "rented"
    since: datetime = BEGIN
    until: datetime = END
    nodes: tuple[str, ...] = ()
    spare: bool = False
    rates: tuple[RateConfig, ...] = ()
    owned: OwnedConfig | None = None
    upfront_usd: Decimal | None = None
    node: NodeConfig | None = None


def pool_errors(name: str, pool: PoolConfig) -> list[str]:
    """Return what is contradictory in a pool."""
    errors = []
    if pool.upfront_usd is not None:
        errors += _prepaid_errors(name, pool)
    elif pool.usd_per_gpu_hour is None and not pool.rates and pool.owned is None:
        errors.append(f"pools.{name}: usd_per_gpu_hour is missing; without it its cost is unknown (or `owned`)")
    if pool.owned is not None:
        errors += _owned_errors(name, pool)
    if pool.node is not None:
        errors += _node_errors(name, pool.node, pool.gpus)
    return errors


def rates(name: str, pool: PoolConfig) -> list[GpuRate]:
    """Return what the GPUs of a pool cost, as the ledger keeps it."""
    found = _bare_rates(name, pool)
    if pool.node is None:
        return found
    return [dataclasses.replace(rate, others_share=_others(pool.node, rate.gpus)) for rate in found]


def _others(node: NodeConfig, gpus: int) -> float:
    """Return the part of a pool's bill that tenants without a GPU take (economics 5.1)."""
    whole = {"gpu": float(gpus), "vcpu": node.vcpus, "gib": node.mem_gib}
    weights = {"gpu": node.gpu_weight, "vcpu": node.vcpu_weight, "gib": node.gib_weight}
    return part_of_node({"vcpu": node.other_vcpus, "gib": node.other_mem_gib}, whole, weights)


def _bare_rates(name: str, pool: PoolConfig) -> list[GpuRate]:
    if pool.owned is not None:
        own = pool.owned
        hourly = (own.usd_per_month() / HOURS_A_MONTH / pool.gpus).quantize(Decimal("1e-12"))
        kwh = (own.tariff_usd_per_kwh or Decimal(0)) * own.pue
        return [GpuRate(name, "owned", pool.gpus, hourly, pool.since, pool.until, BEGIN, kwh, own.host_w, own.gpu_w,
                        own.kwh_of_week(), own.tariff_zone if own.tariff else "")]  # fmt: skip
    if pool.upfront_usd is not None:
        hourly = prepaid_hour(pool.upfront_usd, pool.since, pool.until) / pool.gpus
        return [GpuRate(name, "committed", pool.gpus, hourly.quantize(Decimal("1e-12")), pool.since, pool.until, BEGIN)]
    given = list(pool.rates)
    if pool.usd_per_gpu_hour is not None:
        given.insert(0, RateConfig(pool.usd_per_gpu_hour, pool.since, pool.gpus))
    return [
        GpuRate(name, pool.kind, r.gpus or pool.gpus, r.usd_per_gpu_hour, r.since, pool.until, BEGIN) for r in given
    ]


def _owned_errors(name: str, pool: PoolConfig) -> list[str]:
    owned = pool.owned
    if owned is None:
        return []
    errors = []
    if pool.usd_per_gpu_hour is not None or pool.rates:
        errors.append(
            f"pools.{name}.owned: not beside usd_per_gpu_hour or rates; one of them says what a GPU-hour costs"
        )
    if owned.life_months < 1 or pool.gpus < 1:
        errors.append(f"pools.{name}.owned: life_months and gpus are 1 or more")
    if owned.residual_usd > owned.purchase_usd:
        errors.append(f"pools.{name}.owned.residual_usd: {owned.residual_usd} is more than the purchase")
    if owned.tariff and owned.tariff_usd_per_kwh is None:
        errors.append(f"pools.{name}.owned.tariff_usd_per_kwh: missing; the price of the hours that no tariff names")
    errors += [
        f"pools.{name}.owned.tariff[{n}]: from_hour < to_hour, both 0 to 24, and days of {', '.join(WEEK)}"
        for n, one in enumerate(owned.tariff)
        if not 0 <= one.from_hour < one.to_hour <= 24 or not set(one.days) <= set(WEEK)
    ]
    if owned.tariff_zone not in available_timezones():
        errors.append(f"pools.{name}.owned.tariff_zone: {owned.tariff_zone!r} is not a time zone")
    if owned.tariff_usd_per_kwh and owned.gpu_w is None:
        errors.append(f"pools.{name}.owned.gpu_w: missing; what a GPU draws where no counter measures it")
    if owned.pue < 1:
        errors.append(f"pools.{name}.owned.pue: {owned.pue} is less than 1")
    return errors


def _node_errors(name: str, node: NodeConfig, gpus: int) -> list[str]:
    if gpus < 1:
        return [f"pools.{name}.node: needs gpus, the number of the pool's GPUs"]
    if node.other_vcpus > node.vcpus or node.other_mem_gib > node.mem_gib:
        return [f"pools.{name}.node: the other tenants take more than the hosts have"]
    return []


def _prepaid_errors(name: str, pool: PoolConfig) -> list[str]:
    errors = []
    if pool.usd_per_gpu_hour is not None or pool.rates or pool.owned is not None:
        errors.append(f"pools.{name}.upfront_usd: not beside a rate or owned: one says the cost")
    if pool.since == BEGIN or pool.until == END or pool.until <= pool.since or pool.gpus < 1:
        errors.append(f"pools.{name}.upfront_usd: needs gpus, since and until: the term that was paid for")
    return errors
