"""The configuration: one frozen tree with all defaults in sight, read from TOML; every error at once."""

from __future__ import annotations

import dataclasses
import json
import os
import tomllib
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - read() asks for the hints at run time
from decimal import Decimal  # noqa: TC003 - likewise
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from alerts.budgets import Budget  # noqa: TC001 - read() asks for the hints at run time
from alerts.channels import Channel
from alerts.watched import Watch
from breakeven.alert_config import AlertsConfig, alert_errors, given_rules
from breakeven.export_config import ExportConfig, export_errors
from breakeven.logs import FORMS
from breakeven.outbound import outbound_errors
from breakeven.pools import PoolConfig, pool_errors, rates
from breakeven.reading import read
from collector.source import PULLED, Given, source
from ledger.costing.declared import Declared, Limits, Pool
from ledger.errors import ConfigError
from ledger.prices.book import BEGIN, END, Negotiated, Override
from ledger.records import Commitment, Deployment, FxRate, Overhead, Workload
from ledger.verdict.capacity import Slo
from ledger.verdict.policy import LABELS, Policy
from ledger.verdict.states import Limits as AdviceLimits
from ledger.verdict.weigh import Settings, Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.rule import Rule

LATENCIES = {"interactive": 10, "relaxed": 60, "batch": 900}
"""How long a request may wait → seconds of load that are one bucket."""
PLACES = (Path("breakeven.toml"), Path("~/.config/breakeven/breakeven.toml").expanduser())
"""Where the file is looked for when neither --config nor BREAKEVEN_CONFIG names one."""


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """[store]: a folder for the embedded engine, or a ClickHouse URL; `cluster`: the one that the server belongs to.

    `durable`: inserts into the embedded engine wait for the disk.
    """

    url: str = "~/.local/share/breakeven"
    http: str = ""
    reader_password: str = ""
    cluster: str = ""
    durable: bool = False


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """[server]: where the page, the API and the receivers listen; `token_metrics`: services that send no spans.

    `trusted_network`: who can reach the address is kept out by other means, so no token is asked for; `require_tokens`:
    ask for one on this machine too; `hosts`: further names by which it is asked; `tls_cert`, `tls_key`: PEM files;
    `behind_proxy`: something in front of it speaks TLS. `spool`: folder in which what senders tell waits
    until the ledger has it, beside an embedded store if none is named; above `spool_max_mib` senders are told to wait.
    `log_format`: `text` or `json`, one object a line.
    """

    listen: str = "127.0.0.1:8400"
    trusted_network: bool = False
    require_tokens: bool = False
    hosts: tuple[str, ...] = ()
    tls_cert: str = ""
    tls_key: str = ""
    behind_proxy: bool = False
    max_body_mib: int = 20
    spool: str = ""
    spool_max_mib: int = 4096
    log_format: str = "text"
    token_metrics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeploymentConfig:
    """[deployments.NAME]: an API model, or a model served on GPUs of a pool with its measured capacity.

    Capacity is replica-seconds of work per million tokens, measured at your latency objective. Its GPUs: UUIDs (of MIG
    instances too) in `gpus`, or Kubernetes `pods` as namespace/name with `*`, else what is left of the pool.
    `gpu_share`: its part of GPUs that other deployments name too.
    """

    side: str
    model: str
    provider: str = ""
    pool: str = ""
    gpus: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    gpu_share: float = 1.0
    gpus_per_replica: int = 1
    s_per_mtok_uncached: float = 0.0
    s_per_mtok_cached: float = 0.0
    s_per_mtok_output: float = 0.0
    s_per_kv: float = 0.0
    grade: str = ""
    slo: Slo = field(default_factory=Slo)


@dataclass(frozen=True, slots=True)
class MatchConfig:
    """`match` of a workload: every key given must fit; `*` at the end stands for anything.

    `project`: project or workspace in the usage reports of a provider; requests have none.
    """

    key: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    provider: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    project: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkloadConfig:
    """[workloads.NAME]: what belongs to it and which deployments may serve it.

    `latency` (interactive, relaxed, batch) says how long a request may wait: 10, 60 or 900 seconds of load are one
    bucket. `escalation`: share of self-hosted requests that the API must be asked again. `policy`: what may serve it.
    """

    team: str = ""
    deployments: tuple[str, ...] = ()
    match: MatchConfig = MatchConfig()
    token_ratio: float = 1.0
    latency: str = "interactive"
    escalation: float = 0.0
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class VerdictConfig(AdviceLimits):
    """[verdict]: what a move costs, how prices and volume go on (shares a month), and when advice is given."""

    switch_hours: float = 80.0
    labour_usd_per_hour: float = 100.0
    back_share: float = 1 / 3
    api_price_fall: float = 0.0
    volume_growth: float = 0.0
    double_run_months: int = 0


@dataclass(frozen=True, slots=True)
class PricesConfig:
    """[prices]: your own prices beside the book of genai-prices, and a second book that it is held against."""

    override: tuple[Override, ...] = ()
    negotiated: tuple[Negotiated, ...] = ()
    second: str = ""


@dataclass(frozen=True, slots=True)
class OverheadConfig:
    """[overheads.NAME]: a running cost beside tokens and GPUs; one of the three amounts."""

    side: str
    usd_per_month: Decimal | None = None
    usd_per_hour: Decimal | None = None
    share: Decimal | None = None
    pool: str = ""
    since: datetime = BEGIN
    until: datetime = END


@dataclass(frozen=True, slots=True)
class CommitmentConfig:
    """[commitments.NAME]: a minimum spend promised to a provider; what a month does not use is paid all the same."""

    provider: str
    usd_per_month: Decimal
    since: datetime = BEGIN
    until: datetime = END


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """[sources.NAME]: an account at a provider or gateway that is asked for usage and bills.

    `authoritative`: what the provider's cost is made of on days for which both are there, `requests` or `reports`.
    """

    kind: str
    key: str = field(default="", repr=False)
    base_url: str = ""
    account: str = ""
    authoritative: str = "requests"


@dataclass(frozen=True, slots=True)
class FxRateConfig:
    """One [[currency.rate]]: USD for one unit of a currency, from an instant on."""

    currency: str
    usd: Decimal
    since: datetime = BEGIN


@dataclass(frozen=True, slots=True)
class CurrencyConfig:
    """[currency]: bills in other currencies are converted at the rate of the charge day."""

    rate: tuple[FxRateConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """[retention]: days of facts that are kept, 0 = all; whole months are dropped, never below 62 days."""

    requests_days: int = 0
    gpu_samples_days: int = 0


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    store: StoreConfig = StoreConfig()
    server: ServerConfig = ServerConfig()
    pools: dict[str, PoolConfig] = field(default_factory=dict)
    deployments: dict[str, DeploymentConfig] = field(default_factory=dict)
    workloads: dict[str, WorkloadConfig] = field(default_factory=dict)
    prices: PricesConfig = PricesConfig()
    overheads: dict[str, OverheadConfig] = field(default_factory=dict)
    commitments: dict[str, CommitmentConfig] = field(default_factory=dict)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    budgets: dict[str, Budget] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    retention: RetentionConfig = RetentionConfig()
    sources: dict[str, SourceConfig] = field(default_factory=dict)
    currency: CurrencyConfig = CurrencyConfig()
    verdict: VerdictConfig = field(default_factory=VerdictConfig)
    exports: dict[str, ExportConfig] = field(default_factory=dict)

    def settings(self) -> Settings:
        """Return how verdicts are made."""
        v = self.verdict
        limits = AdviceLimits(**{f.name: getattr(v, f.name) for f in dataclasses.fields(AdviceLimits)})
        terms = {n: Terms(w.policy, LATENCIES[w.latency], w.escalation) for n, w in self.workloads.items()}
        return Settings(
            v.switch_hours, v.labour_usd_per_hour, v.back_share, -v.api_price_fall, v.volume_growth,
            v.double_run_months, limits, terms,
        )  # fmt: skip

    def watch(self) -> Watch:
        """Return what alerts look at beside the ledger."""
        spares = frozenset(name for name, pool in self.pools.items() if pool.spare)
        return Watch(tuple(self.budgets.values()), self.alerts.limits.anomaly, self.alerts.limits.idle, spares)

    def told(self) -> tuple[Channel, ...]:
        """Return where alerts are told: the log where nothing else is declared."""
        return tuple(self.channels.values()) or (Channel("log", "log"),)

    def rules(self) -> dict[str, Rule]:
        """Return the rules with the limits of the configuration, less those that are off."""
        return given_rules(self.alerts)

    def declared(self) -> Declared:
        """Return the declarations as the ledger keeps them."""
        return Declared(
            rates=tuple(rate for name, pool in self.pools.items() for rate in rates(name, pool)),
            overheads=tuple(_overhead(name, one) for name, one in self.overheads.items()),
            pools=tuple(Pool(n, p.gpus, p.nodes, p.spare) for n, p in self.pools.items()),
            deployments=tuple(_deployment(name, one) for name, one in self.deployments.items()),
            workloads=tuple(_workload(name, one) for name, one in self.workloads.items()),
            limits=Limits(**{f.name: getattr(self.alerts.limits.idle, f.name) for f in dataclasses.fields(Limits)}),
            fx_rates=tuple(FxRate(r.currency.upper(), r.since, r.usd, BEGIN) for r in self.currency.rate),
            commitments=tuple(
                Commitment(name, c.provider, c.usd_per_month, c.since, c.until, BEGIN)
                for name, c in self.commitments.items()
            ),
            reported=tuple(sorted({s.kind for s in self.sources.values() if s.authoritative == "reports"})),
        )

    def asked(self) -> list[Given]:
        """Return the sources that are asked for usage and bills."""
        return [Given(name, s.kind, s.key, s.base_url, s.account or name) for name, s in self.sources.items()]


def example() -> str:
    """Return the commented configuration that `breakeven init` writes."""
    return files("breakeven").joinpath("example.toml").read_text("utf-8")


def secret(name: str, environment: Mapping[str, str] | None = None) -> str:
    """Return a secret of the environment: NAME, or the content of the file that NAME_FILE names; else empty."""
    given = os.environ if environment is None else environment
    if given.get(name):
        return given[name]
    path = given.get(f"{name}_FILE")
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{name}_FILE: {error}") from None


def with_password(url: str) -> str:
    """Return a server's URL with the password of BREAKEVEN_STORE_PASSWORD or its _FILE where it names a user only."""
    parts = urlsplit(url)
    password = secret("BREAKEVEN_STORE_PASSWORD")
    if parts.scheme not in ("clickhouse", "clickhouses") or parts.password is not None or not password:
        return url
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or 'default'}:{quote(password, safe='')}@{place}"))


def find(path: str | None, environment: dict[str, str] | None = None) -> Path | None:
    """Return the file to read: the one named, BREAKEVEN_CONFIG, or the first of PLACES; None = defaults."""
    environment = dict(os.environ) if environment is None else environment
    named = path or environment.get("BREAKEVEN_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigError(f"configuration {named}: no such file; `breakeven init` writes one")
        return Path(named)
    return next((place for place in PLACES if place.is_file()), None)


def load(path: str | None = None, environment: dict[str, str] | None = None) -> Config:
    """Read the configuration; raises ConfigError with every mistake, each with its key and the nearest known one."""
    found = find(path, environment)
    if found is None:
        return Config()
    try:
        table = tomllib.loads(found.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{found}: {error}") from None
    return parse(table, str(found), dict(os.environ) if environment is None else environment)


def parse(table: dict[str, Any], name: str = "breakeven.toml", environment: dict[str, str] | None = None) -> Config:
    """Turn a TOML table into a Config; raises ConfigError."""
    errors: list[str] = []
    config: Config | None = read(Config, table, "", errors, environment or {})
    if config is not None and not errors:
        errors += _contradictions(config)
    if errors or config is None:
        raise ConfigError(f"{name}:\n" + "\n".join(f"  {error}" for error in errors))
    return config


def _contradictions(config: Config) -> list[str]:
    errors = []
    errors += [error for name, pool in config.pools.items() for error in pool_errors(name, pool)]
    errors += _deployment_errors(config)
    if bool(config.server.tls_cert) != bool(config.server.tls_key):
        errors.append("server.tls_cert, server.tls_key: both or none")
    if config.store.durable and config.store.url.startswith(("clickhouse://", "clickhouses://")):
        errors.append("store.durable: a server decides itself when it writes; set fsync_after_insert there")
    if config.server.trusted_network and config.server.require_tokens:
        errors.append(
            "server.trusted_network, server.require_tokens: one says that no token is needed, the other that one is"
        )
    errors += alert_errors(config.alerts, config.budgets, config.channels)
    if config.server.log_format not in FORMS:
        errors.append(f"server.log_format: {config.server.log_format!r} is not one of {', '.join(FORMS)}")
    errors += export_errors(config.exports)
    errors += outbound_errors(
        {
            **{f"sources.{name}.base_url": one.base_url for name, one in config.sources.items()},
            **{f"channels.{name}.url": one.url for name, one in config.channels.items() if one.kind != "email"},
            **{f"exports.{name}.to": one.to for name, one in config.exports.items() if one.kind == "otlp"},
        }
    )
    errors += [
        f"currency.rate: {one.currency!r} at {one.usd}: a currency of three letters other than USD, and a rate above 0"
        for one in config.currency.rate
        if len(one.currency) != 3 or one.currency.upper() == "USD" or one.usd <= 0
    ]
    errors += [
        f"sources.{name}.kind: {one.kind!r} is not one of {', '.join(PULLED)}"
        for name, one in config.sources.items()
        if one.kind not in PULLED
    ]
    errors += [
        f"sources.{name}.authoritative: {one.authoritative!r} is not one of {', '.join(_choices(one.kind))}"
        for name, one in config.sources.items()
        if one.kind in PULLED and one.authoritative not in _choices(one.kind)
    ]
    for name, load_ in config.workloads.items():
        errors += [
            f"workloads.{name}.deployments: {d!r} is not declared; known: {', '.join(config.deployments) or 'none'}"
            for d in load_.deployments
            if d not in config.deployments
        ]
    errors += [error for name, load_ in config.workloads.items() for error in _workload_errors(name, load_)]
    for name, cost in config.overheads.items():
        if sum(a is not None for a in (cost.usd_per_month, cost.usd_per_hour, cost.share)) != 1:
            errors.append(f"overheads.{name}: exactly one of usd_per_month, usd_per_hour, share")
        if cost.side not in ("api", "self_hosted"):
            errors.append(f"overheads.{name}.side: {cost.side!r} is not api or self_hosted")
    return errors


def _workload_errors(name: str, one: WorkloadConfig) -> list[str]:
    known = {
        "latency": (one.latency, tuple(LATENCIES)),
        "policy.stage": (one.policy.stage, ("", "prototype", "mvp", "production")),
        "policy.data_class": (one.policy.data_class, ("", "public", "internal", "restricted")),
        "policy.prefer": (one.policy.prefer, ("", *LABELS)),
    }
    errors = [
        f"workloads.{name}.{key}: {value!r} is not one of {', '.join(c for c in choices if c)}"
        for key, (value, choices) in known.items()
        if value not in choices
    ]
    shares = {"escalation": one.escalation, "policy.frontier_share": one.policy.frontier_share or 0.0}
    return errors + [f"workloads.{name}.{key}: {v} is more than 1" for key, v in shares.items() if v > 1]


def _choices(kind: str) -> tuple[str, ...]:
    """Return what may be authoritative of a kind of source: a gateway tells requests and has no reports."""
    reports = any(stream.table == "usage_buckets" for stream in source(kind).streams)
    return ("requests", "reports") if reports else ("requests",)


def _deployment_errors(config: Config) -> list[str]:
    errors = []
    for name, one in config.deployments.items():
        at = f"deployments.{name}"
        if one.side not in ("api", "self_hosted"):
            errors.append(f"{at}.side: {one.side!r} is not api or self_hosted")
        if one.side == "api" and not one.provider:
            errors.append(f"{at}.provider: missing; it names whose price list applies")
        if one.side == "self_hosted" and one.pool not in config.pools:
            errors.append(
                f"{at}.pool: {one.pool!r} is not one of the pools: {', '.join(config.pools) or 'none declared'}"
            )
        if not 0 < one.gpu_share <= 1:
            errors.append(f"{at}.gpu_share: {one.gpu_share} is not above 0 and at most 1")
        errors += [f"{at}.pods: {pod!r} is not namespace/name" for pod in one.pods if "/" not in pod]
        if one.grade not in ("", "A", "B", "C", "D", "E"):
            errors.append(f"{at}.grade: {one.grade!r} is not A (load test), B, C, D or E (typed in)")
    return errors


def _overhead(name: str, one: OverheadConfig) -> Overhead:
    amounts = {"usd_per_month": one.usd_per_month, "usd_per_hour": one.usd_per_hour, "share": one.share}
    unit, amount = next((unit, amount) for unit, amount in amounts.items() if amount is not None)
    return Overhead(name, one.side, one.pool, unit, amount, one.since, one.until, BEGIN)


def _deployment(name: str, one: DeploymentConfig) -> Deployment:
    return Deployment(
        name, one.side, one.provider or "own", one.model, one.pool, list(one.gpus), one.gpus_per_replica,
        one.s_per_mtok_uncached / 1e6, one.s_per_mtok_cached / 1e6, one.s_per_mtok_output / 1e6, one.s_per_kv,
        one.grade, BEGIN, list(one.pods), one.gpu_share,
    )  # fmt: skip


def _workload(name: str, one: WorkloadConfig) -> Workload:
    rules = {key: list(value) for key, value in dataclasses.asdict(one.match).items() if value}
    return Workload(name, one.team, json.dumps(rules), list(one.deployments), one.token_ratio, BEGIN)
