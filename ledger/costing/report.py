"""Questions about cost, answered from the rollups: by any dimension, rolling unit costs, idle money."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ledger.costing.allocation import per
from ledger.costing.idleness import Window
from ledger.costing.pools import IDLE_CLASSES
from ledger.costing.tick import floor_hour
from ledger.costing.vintage import BOOKED
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.store import Store

_PACKAGE = "ledger.costing"
DIMENSIONS = ("side", "provider", "model", "team", "environment", "workload", "deployment", "component")
BUCKETS = ("", "hour", "day", "month")
BASES = ("allocation", "usage")
SIDES = ("api", "self_hosted")
WINDOWS_H = (1, 24, 168, 672)
_COUNTS = ("requests", "successful_requests", "total_input", "output", "unpriced_tokens")
_REQUESTS = _COUNTS[:2]
_SHARES = ("reported_cost", "approximate_cost", "usage_cost", "unknown_cost", "declared_cost")
_MTOK = Decimal(1_000_000)
UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Cost:
    """Money and work of one group; `cost` is a lower bound where `unpriced_tokens` or `no_usage` is not 0.

    Parts of it: `reported_cost` is known from a provider's usage reports only, `approximate_cost` is of usage whose
    classes or context tier are not told exactly, `usage_cost` is what work consumed: metered tokens, used GPU time,
    `unknown_cost` is of GPU time about which nothing is known, `declared_cost` of overheads and unused commitments.
    """

    group: dict[str, str]
    requests: int | None
    successful_requests: int | None
    total_input: int | None
    output: int | None
    unpriced_tokens: int | None
    no_usage: int
    attempts: int
    cost: Decimal | None
    reported_cost: Decimal | None = None
    approximate_cost: Decimal | None = None
    usage_cost: Decimal | None = None
    unknown_cost: Decimal | None = None
    declared_cost: Decimal | None = None

    @property
    def shares(self) -> dict[str, Decimal | None]:
        """How the money is known, parts of 1: measured, told by the provider, declared by the user, or unknown.

        Beside them: the share that is approximate, and the share of tokens that have no price and so no money.
        """
        parts = {"reported": self.reported_cost, "declared": self.declared_cost, "unknown": self.unknown_cost}
        known = {name: part for name, part in parts.items() if part is not None}
        tokens = Decimal((self.total_input or 0) + (self.output or 0))
        measured = None if self.cost is None or len(known) < len(parts) else self.cost - sum(known.values())
        return {
            "measured": None if measured is None else per(measured, self.cost or 0),
            **{name: None if part is None else per(part, self.cost or 0) for name, part in parts.items()},
            "approximate": None if self.approximate_cost is None else per(self.approximate_cost, self.cost or 0),
            "unpriced_tokens": None if self.unpriced_tokens is None else per(Decimal(self.unpriced_tokens), tokens),
        }

    @property
    def per_request(self) -> Decimal | None:
        """USD per successful logical request; None without any, without a known cost, or if a part was not counted."""
        return per(self.cost, self.successful_requests or 0)

    @property
    def per_mtok(self) -> Decimal | None:
        """USD per million tokens, input and output together."""
        return per(self.cost, Decimal((self.total_input or 0) + (self.output or 0)) / _MTOK)

    def json(self) -> dict[str, Any]:
        """Return the documented shape: money as text, unknown as null."""
        return {
            **self.group,
            **{name: getattr(self, name) for name in _COUNTS[:4]},
            "cost": money(self.cost),
            "cost_per_request": money(self.per_request),
            "cost_per_mtok": money(self.per_mtok),
            "unpriced_tokens": self.unpriced_tokens,
            "reported_cost": money(self.reported_cost),
            "approximate_cost": money(self.approximate_cost),
            "usage_cost": money(self.usage_cost),
            "shares": {name: None if part is None else round(float(part), 6) for name, part in self.shares.items()},
        }


def money(amount: Decimal | None) -> str | None:
    """Return an amount as plain text with at most 12 decimals and no trailing zeros; None stays None."""
    if amount is None:
        return None
    text = f"{amount.quantize(Decimal('1e-12')):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cost(
    store: Store,
    *,
    by: Sequence[str] = ("side",),
    since: datetime | None = None,
    until: datetime | None = None,
    bucket: str = "",
    basis: str = "allocation",
    zone: ZoneInfo = UTC_ZONE,
    only: Mapping[str, Sequence[str]] = MappingProxyType({}),
    vintage: str = BOOKED,
) -> tuple[list[Cost], Cost]:
    """Return cost by dimensions and the total; ranges are half-open, days and months those of the zone.

    `only` keeps what has one of the values of each dimension; money of no single workload, team, … (idle GPUs,
    overheads) is left out where one is named. `vintage`: whose prices; one that is not booked must have been made.

    Whole UTC hours come from the rollups. Where a zone's midnight falls within an hour (+05:30), that hour is taken
    apart: requests by their own instant, money by time; both parts add up to the hour.
    Raises ConfigError naming what is known for an unknown dimension, bucket, basis or side.
    """
    for given, known, what in (
        (by, DIMENSIONS, "--by"),
        ((bucket,), BUCKETS, "--bucket"),
        ((basis,), BASES, "--basis"),
        (only, DIMENSIONS, "--only"),
        (only.get("side", ()), SIDES, "side"),
    ):
        wrong = [word for word in given if word not in known]
        if wrong:
            raise ConfigError(f"{what} {wrong[0]}: not one of {', '.join(w for w in known if w)}")
    parts = "component" in by or bool(only.get("component"))
    asked: dict[str, Any] = {"by": list(by), "bucket": bucket, "basis": basis, "zone": zone.key, "vintage": vintage}
    asked |= {"counts": not parts, **{f"only_{name}": list(only.get(name, ())) for name in DIMENSIONS}}
    start = _aligned(since or datetime(2000, 1, 1, tzinfo=UTC), zone)
    end = _aligned(until or datetime(2100, 1, 1, tzinfo=UTC), zone, up=True)
    edges = _edges(store, start, end, bucket, zone)
    rows = store.ask(_PACKAGE, "cost", **asked, edges=edges, **{"from": floor_hour(start), "to": _ceil_hour(end)})
    if edges:
        around = sorted({*edges, *(edge - timedelta(hours=1) for edge in edges)})
        split = 60 * _split_minute(edges[0], zone)
        rows += store.ask(
            _PACKAGE, "cost_edges", **asked, edges=edges, around=around, split_s=split, **{"from": start, "to": end}
        )
        rows = _merged(rows, by)
    groups = [_cost(row, by, bucket, parts=parts) for row in rows]
    return groups, _total(groups, parts=parts)


def _split_minute(instant: datetime, zone: ZoneInfo) -> int:
    """Return the minute of a UTC hour at which the zone's hours begin: 0, 15, 30 or 45."""
    offset = instant.astimezone(zone).utcoffset() or timedelta(0)
    return int(-offset.total_seconds() // 60) % 60


def _aligned(instant: datetime, zone: ZoneInfo, *, up: bool = False) -> datetime:
    """Return the whole hour of an instant; a midnight of the zone stays as it is."""
    local = instant.astimezone(zone)
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        return instant
    return _ceil_hour(instant) if up else floor_hour(instant)


def _edges(store: Store, start: datetime, end: datetime, bucket: str, zone: ZoneInfo) -> list[datetime]:
    """Return the UTC hours that a midnight of the zone cuts in two, among those that a question must cut."""
    seasons = (datetime(end.year, 1, 1, tzinfo=UTC), datetime(end.year, 7, 1, tzinfo=UTC))
    if not any(_split_minute(instant, zone) for instant in (start, end, *seasons)):
        return []
    found = {floor_hour(instant) for instant in (start, end) if instant != floor_hour(instant)}
    if bucket in ("day", "month"):
        (extent,) = store.ask(_PACKAGE, "extent")
        if extent["first"] is not None:
            day = max(start, extent["first"]).astimezone(zone).date()
            last = min(end, extent["last"] + timedelta(hours=1)).astimezone(zone).date()
            while day <= last:
                midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
                if start < midnight < end:
                    found.add(floor_hour(midnight))
                day += timedelta(days=1)
    return sorted(found)


def _merged(rows: list[dict[str, Any]], by: Sequence[str]) -> list[dict[str, Any]]:
    """Return rows of equal groups as one, dearest first within a bucket."""
    out: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = (row["bucket"], *(row[name] for name in by))
        before = out.get(key)
        sums = (*_COUNTS, *_SHARES, "own_tokens", "own_cost", "uncounted_tokens", "no_usage", "attempts", "cost")
        out[key] = row if before is None else {**before, **{name: before[name] + row[name] for name in sums}}
    return [out[key] for key in sorted(out, key=lambda k: (k[0], -out[k]["cost"], *k[1:]))]


def _cost(row: dict[str, Any], by: Sequence[str], bucket: str, *, parts: bool) -> Cost:
    group = {"bucket": f"{row['bucket']:%Y-%m-%dT%H:%M:%SZ}"} if bucket else {}
    group |= {name: row[name] for name in by}
    counts: dict[str, Any] = {name: None if parts else row[name] for name in _COUNTS}
    shares: dict[str, Any] = {name: None if parts else row[name] for name in _SHARES}
    if row["uncounted_tokens"]:
        counts |= dict.fromkeys(_REQUESTS)  # a part of the requests was not counted: their number is not known
    known: Decimal | None = row["cost"]
    own_unknown = row["own_tokens"] and not row["own_cost"]  # the hour is not closed, or no capacity shares it out
    if known == 0 and (row["unpriced_tokens"] or row["no_usage"] or own_unknown):
        known = None  # nothing but unknown: not a cost of 0
    return Cost(group=group, **counts, no_usage=row["no_usage"], attempts=row["attempts"], cost=known, **shares)


def _total(groups: Sequence[Cost], *, parts: bool) -> Cost:
    known = [g.cost for g in groups if g.cost is not None]
    counts: dict[str, Any] = {name: None if parts else sum(getattr(g, name) or 0 for g in groups) for name in _COUNTS}
    counts |= {name: None for name in _REQUESTS if any(getattr(g, name) is None for g in groups)}
    shares: dict[str, Any] = {
        name: None if parts else sum((getattr(g, name) or Decimal(0) for g in groups), Decimal(0)) for name in _SHARES
    }
    return Cost(
        group={}, **counts, **shares,
        no_usage=sum(g.no_usage for g in groups), attempts=sum(g.attempts for g in groups),
        cost=sum(known, Decimal(0)) if known or not groups else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rolling:
    """Effective cost of one side over one window that ends at the last closed hour."""

    window_h: int
    side: str
    allocation: Decimal
    usage: Decimal
    requests: int
    successful_requests: int
    tokens: int
    unpriced_tokens: int
    no_usage: int
    uncounted_tokens: int

    @property
    def per_request(self) -> Decimal | None:
        """USD per successful request, allocation basis; None if requests of a part were not counted."""
        return None if self.uncounted_tokens else per(self.allocation, self.successful_requests)

    @property
    def per_mtok(self) -> Decimal | None:
        """USD per million tokens, allocation basis."""
        return per(self.allocation, Decimal(self.tokens) / _MTOK)

    @property
    def usage_per_mtok(self) -> Decimal | None:
        """USD per million tokens, usage basis: to compare models and hardware, never with an API price."""
        return per(self.usage, Decimal(self.tokens) / _MTOK)


def rolling(store: Store, as_of: datetime, windows: Sequence[int] = WINDOWS_H) -> list[Rolling]:
    """Return effective costs of both sides over windows in hours; each is a ratio of sums."""
    rows = store.ask(_PACKAGE, "rolling", as_of=floor_hour(as_of), windows=list(windows))
    names = list(Rolling.__slots__)
    return [Rolling(**{name: row[name] for name in names}) for row in rows]


@dataclass(frozen=True, slots=True)
class PoolIdle:
    """Where a pool's money went in a span; `used_share` is None when nothing at all is known."""

    pool: str
    days: Decimal
    classes: dict[str, Decimal]
    gpus: list[dict[str, Any]]

    @property
    def cost(self) -> Decimal:
        """USD of the pool in the span."""
        return sum(self.classes.values(), Decimal(0))

    @property
    def idle_per_day(self) -> Decimal | None:
        """Unused-capacity USD a day: headroom, loaded and empty GPUs; unknown time is left out."""
        known = self.cost - self.unknown
        if self.days <= 0 or known <= 0:
            return None
        return sum((self.classes.get(name, Decimal(0)) for name in IDLE_CLASSES), Decimal(0)) / self.days

    @property
    def unknown(self) -> Decimal:
        """USD of time about which nothing is known."""
        return self.classes.get("gpu_unknown", Decimal(0)) + self.classes.get("gpu_held_unknown", Decimal(0))

    @property
    def used_share(self) -> Decimal | None:
        """Used money over all money of the pool, unknown inside the whole."""
        return per(self.classes.get("gpu_used", Decimal(0)), self.cost) if self.cost > self.unknown else None

    @property
    def unknown_share(self) -> Decimal | None:
        """Share of the money about which nothing is known."""
        return per(self.unknown, self.cost)

    @property
    def window(self) -> Window:
        """Its money as the idle alert weighs it."""
        unused = sum((self.classes.get(name, Decimal(0)) for name in IDLE_CLASSES), Decimal(0))
        used = self.classes.get("gpu_used", Decimal(0))
        return Window(float(self.days), float(used), float(unused), float(self.unknown), float(self.cost))


def idle(store: Store, as_of: datetime, hours: int = 24) -> list[PoolIdle]:
    """Return what each pool's money did in the hours before the last closed one."""
    end = floor_hour(as_of)
    span = {"from": end - timedelta(hours=hours), "to": end}
    classes: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in store.ask(_PACKAGE, "pool_money", **span):
        classes[row["pool"]][row["component"]] = row["usd"]
    gpus: dict[str, list[dict[str, Any]]] = defaultdict(list)
    measured = [row["name"] for row in store.ask(_PACKAGE, "measured")]
    for row in store.ask(_PACKAGE, "idle", measured=measured, **span):
        gpus[row["pool"]].append(row)
    days = Decimal(hours) / 24
    return [PoolIdle(pool, days, parts, gpus[pool]) for pool, parts in sorted(classes.items())]


def _ceil_hour(instant: datetime) -> datetime:
    floor = floor_hour(instant)
    return floor if floor == instant else floor + timedelta(hours=1)
