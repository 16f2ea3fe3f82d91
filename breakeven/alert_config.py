"""What the configuration says of alerts: limits, rules, budgets, channels."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from decimal import Decimal  # noqa: TC003 - read() asks for the hints at run time
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from alerts.budgets import PERIODS
from alerts.channels import CHANNELS
from alerts.rule import limited, rules
from ledger.costing.expected import AnomalyLimits
from ledger.costing.idleness import IdleLimits
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from alerts.rule import Rule

_NEEDED = {
    "webhook": ("url", "secret"), "slack": ("secret", "url"), "teams": ("secret", "url"), "email": ("url",),
    "pagerduty": ("secret",), "alertmanager": ("url",), "command": ("command",),
}  # fmt: skip
"""What a channel cannot do without, by kind."""


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """[alerts.limits]: what the jobs decide by; limits of the rules themselves stand in [alerts.rules.NAME]."""

    idle: IdleLimits = field(default_factory=IdleLimits)
    anomaly: AnomalyLimits = field(default_factory=AnomalyLimits)


@dataclass(frozen=True, slots=True)
class RuleConfig:
    """[alerts.rules.NAME]: other limits of a rule than the shipped ones; `off` leaves it out."""

    threshold: float | None = None
    recovery: float | None = None
    pending_s: float | None = None
    off: bool = False


@dataclass(frozen=True, slots=True)
class AlertsConfig:
    """[alerts]: `engine` says who tells people, builtin, grafana or off; `url` is the page's address in messages."""

    engine: str = "builtin"
    url: str = ""
    limits: LimitsConfig = LimitsConfig()
    rules: dict[str, RuleConfig] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """[budgets.NAME]: USD for a calendar day, week or month of a zone, of what side, provider, team, workload leave."""

    usd: Decimal
    per: str = "month"
    timezone: str = "UTC"
    side: str = ""
    provider: str = ""
    team: str = ""
    workload: str = ""
    thresholds: tuple[float, ...] = (0.5, 0.75, 0.9)


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """[channels.NAME]: where alerts are told; `secret` or `secret_file`: a webhook's address, a token, a password."""

    kind: str
    url: str = ""
    secret: str = field(default="", repr=False)
    user: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()
    format: str = "grafana"
    command: tuple[str, ...] = ()
    path: str = ""
    starttls: bool = True
    severities: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    resolved: bool = True


def given_rules(alerts: AlertsConfig) -> dict[str, Rule]:
    """Return the rules with other limits where they are given, less those that are off; raises ConfigError."""
    given = {
        name: {k: v for k, v in plain(one).items() if k != "off" and v is not None}
        for name, one in alerts.rules.items()
    }
    return {
        name: rule for name, rule in limited(given).items() if name not in alerts.rules or not alerts.rules[name].off
    }


def alert_errors(
    alerts: AlertsConfig, budgets: dict[str, BudgetConfig], channels: dict[str, ChannelConfig]
) -> list[str]:
    """Return what contradicts itself in alerts, budgets and channels."""
    errors = []
    known: dict[str, tuple[str, tuple[str, ...]]] = {"alerts.engine": (alerts.engine, ("builtin", "grafana", "off"))}
    for name, budget in budgets.items():
        known[f"budgets.{name}.per"] = (budget.per, PERIODS)
        known[f"budgets.{name}.side"] = (budget.side, ("", "api", "self_hosted"))
        known[f"budgets.{name}.timezone"] = (budget.timezone, tuple(sorted(available_timezones())))
        if budget.usd <= 0:
            errors.append(f"budgets.{name}.usd: {budget.usd} is not above 0")
        errors += [
            f"budgets.{name}.thresholds: {t} is not below 1; 100 % is told anyway" for t in budget.thresholds if t >= 1
        ]
    for name, channel in channels.items():
        known[f"channels.{name}.kind"] = (channel.kind, tuple(CHANNELS))
        known[f"channels.{name}.format"] = (channel.format, ("grafana", "alertmanager"))
        needed = _NEEDED.get(channel.kind, ())
        if needed and not any(getattr(channel, key) for key in needed):
            errors.append(f"channels.{name}: {channel.kind} needs {' or '.join(needed)}")
        if channel.kind == "email" and not channel.to:
            errors.append(f"channels.{name}.to: missing; it names who is written to")
        errors += [f"channels.{name}.rules: {r!r} is not a rule" for r in channel.rules if r not in rules()]
    for key, (value, choices) in known.items():
        if value not in choices:
            shown = ", ".join(c for c in choices[:12] if c) + (" …" if len(choices) > 12 else "")
            errors.append(f"{key}: {value!r} is not one of {shown}")
    try:
        given_rules(alerts)
    except ConfigError as error:
        errors.append(str(error))
    return errors


def plain(one: Any) -> dict[str, Any]:
    """Return a dataclass's values by name."""
    return {one_.name: getattr(one, one_.name) for one_ in dataclasses.fields(one)}
