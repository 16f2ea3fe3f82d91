"""What the configuration says of alerts: limits, rules, budgets, channels."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from alerts.budgets import PERIODS, Budget
from alerts.channels import CHANNELS, Channel
from alerts.notify import DAYS, Quiet, minutes
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
    quiet: dict[str, Quiet] = field(default_factory=dict)


def given_rules(alerts: AlertsConfig) -> dict[str, Rule]:
    """Return the rules with other limits where they are given, less those that are off; raises ConfigError."""
    given = {
        name: {k: v for k, v in plain(one).items() if k != "off" and v is not None}
        for name, one in alerts.rules.items()
    }
    return {
        name: rule for name, rule in limited(given).items() if name not in alerts.rules or not alerts.rules[name].off
    }


_Known = dict[str, tuple[str, tuple[str, ...]]]
"""Values that are one of a few, by key."""


def alert_errors(alerts: AlertsConfig, budgets: dict[str, Budget], channels: dict[str, Channel]) -> list[str]:
    """Return what contradicts itself in alerts, budgets and channels."""
    errors: list[str] = []
    known: _Known = {"alerts.engine": (alerts.engine, ("builtin", "grafana", "off"))}
    for name, budget in budgets.items():
        errors += _budget_errors(f"budgets.{name}", budget, known)
    for name, channel in channels.items():
        errors += _channel_errors(f"channels.{name}", channel, known)
    for name, quiet in alerts.quiet.items():
        errors += _quiet_errors(f"alerts.quiet.{name}", quiet, known)
    for key, (value, choices) in known.items():
        if value not in choices:
            shown = ", ".join(c for c in choices[:12] if c) + (" …" if len(choices) > 12 else "")
            errors.append(f"{key}: {value!r} is not one of {shown}")
    try:
        given_rules(alerts)
    except ConfigError as error:
        errors.append(str(error))
    return errors


def _budget_errors(at: str, budget: Budget, known: _Known) -> list[str]:
    known[f"{at}.per"] = (budget.per, PERIODS)
    known[f"{at}.side"] = (budget.side, ("", "api", "self_hosted"))
    known[f"{at}.timezone"] = (budget.timezone, tuple(sorted(available_timezones())))
    errors = [] if budget.usd > 0 else [f"{at}.usd: {budget.usd} is not above 0"]
    over = [t for t in budget.thresholds if t >= 1]
    return errors + [f"{at}.thresholds: {t} is not below 1; 100 % is told anyway" for t in over]


def _channel_errors(at: str, channel: Channel, known: _Known) -> list[str]:
    known[f"{at}.kind"] = (channel.kind, tuple(CHANNELS))
    known[f"{at}.format"] = (channel.format, ("grafana", "alertmanager"))
    needed = _NEEDED.get(channel.kind, ())
    missing = bool(needed) and not any(getattr(channel, key) for key in needed)
    errors = [f"{at}: {channel.kind} needs {' or '.join(needed)}"] if missing else []
    if channel.kind == "email" and not channel.to:
        errors.append(f"{at}.to: missing; it names who is written to")
    return errors + [f"{at}.rules: {r!r} is not a rule" for r in channel.rules if r not in rules()]


def _quiet_errors(at: str, quiet: Quiet, known: _Known) -> list[str]:
    known |= {f"{at}.weekdays[{n}]": (day, DAYS) for n, day in enumerate(quiet.weekdays)}
    known[f"{at}.timezone"] = (quiet.timezone, tuple(sorted(available_timezones())))
    errors = [f"{at}.rules: {r!r} is not a rule" for r in quiet.rules if r not in rules()]
    for key in ("start", "end"):
        try:
            minutes(getattr(quiet, key))
        except ValueError as error:
            errors.append(f"{at}.{key}: {error}")
    return errors


def plain(one: Any) -> dict[str, Any]:
    """Return a dataclass's values by name."""
    return {one_.name: getattr(one, one_.name) for one_ in dataclasses.fields(one)}
