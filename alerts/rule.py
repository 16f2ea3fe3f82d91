"""Rule definitions: loaded and checked once; what they watch, from when on, and what they say."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from alerts.states import Condition
from ledger.errors import ConfigError
from ledger.sqlfile import sql

if TYPE_CHECKING:
    from collections.abc import Mapping

SEVERITIES = ("info", "warning", "critical")
GROUPS = {
    "verdict": timedelta(hours=1),
    "spend": timedelta(minutes=5),
    "gpu": timedelta(minutes=1),
    "data": timedelta(minutes=1),
}
"""Groups of rules and how often each is looked at."""
_SPAN = re.compile(r"(\d+)([smhdw])\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_HOLE = re.compile(r"\{(\w+)(?::(\w+))?\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Its statement gives the label columns, `value` and the figures, one row a label set.

    `window` and `lag`: it reads periods that ended in (t - lag - window, t - lag]. `repeat`: after how long a firing
    one is told again, zero for never. `change_share`: told again too when its value moved by this share.
    """

    name: str
    title: str
    severity: str
    group: str
    labels: tuple[str, ...]
    figures: tuple[str, ...]
    condition: Condition
    summary: str
    advice: str
    panel: str
    runbook: str
    window: timedelta = timedelta(hours=2)
    lag: timedelta = timedelta()
    repeat: timedelta = timedelta()
    change_share: float = 0.0

    @property
    def uid(self) -> str:
        """The rule's name outside: be- and hyphens."""
        return f"be-{self.name.replace('_', '-')}"

    @property
    def statement(self) -> str:
        """The rule's SELECT with its caption."""
        return sql("alerts.rules", self.name)

    @property
    def hash(self) -> str:
        """What changes when the definition does: instances of another definition begin anew."""
        told = repr((self.statement, asdict(self.condition), self.labels, self.window, self.lag))
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@cache
def rules() -> dict[str, Rule]:
    """Return every rule by name, with default limits."""
    table = tomllib.loads(files("alerts").joinpath("rules.toml").read_text("utf-8"))
    return {name: parse(name, given) for name, given in table["rules"].items()}


def limited(limits: Mapping[str, Mapping[str, float]]) -> dict[str, Rule]:
    """Return every rule with thresholds of the configuration: rule → threshold, recovery, pending_s."""
    known, out = rules(), dict(rules())
    for name, given in limits.items():
        if name not in known:
            raise ConfigError(f"alerts.rules.{name}: not a rule; rules: {', '.join(known)}")
        extra = set(given) - {"threshold", "recovery", "pending_s"}
        if extra:
            raise ConfigError(f"alerts.rules.{name}.{min(extra)}: unknown; known: threshold, recovery, pending_s")
        old = known[name].condition
        condition = replace(
            old, threshold=float(given.get("threshold", old.threshold)), recovery=given.get("recovery", old.recovery),
            pending=timedelta(seconds=given["pending_s"]) if "pending_s" in given else old.pending,
        )  # fmt: skip
        _check_band(name, condition)
        out[name] = replace(known[name], condition=condition)
    return out


def parse(name: str, table: dict[str, Any]) -> Rule:
    """Turn a definition into a Rule; raises ConfigError naming rule and key."""
    given = dict(table)
    try:
        group = given.pop("group")
        condition = Condition(
            given.pop("op", ">"), float(given.pop("threshold")), given.pop("recovery", None),
            span(given.pop("pending", "0s")), span(given.pop("keep_firing", "0s")), GROUPS[group],
            given.pop("no_data", "ok"), given.pop("error", "error"),
        )  # fmt: skip
        spans: dict[str, Any] = {key: span(given.pop(key)) for key in ("window", "lag", "repeat") if key in given}
        made = Rule(
            name=name, group=group, condition=condition, labels=tuple(given.pop("labels")),
            figures=tuple(given.pop("figures", [])), **spans, **given,
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise ConfigError(f"rules.{name}: {error}") from None
    allowed = (("severity", made.severity, SEVERITIES), ("op", condition.op, (">", "<")),
               ("no_data", condition.no_data, ("ok", "nodata", "alert", "keep")),
               ("error", condition.error, ("ok", "error", "alert", "keep")))  # fmt: skip
    for key, value, known in allowed:
        if value not in known:
            raise ConfigError(f"rules.{name}.{key}: {value!r} is not one of {', '.join(known)}")
    _check_band(name, condition)
    known_words = {*made.labels, *made.figures, "value"}
    for hole in _HOLE.finditer(made.summary):
        if hole[1] not in known_words:
            raise ConfigError(f"rules.{name}.summary: {hole[1]!r} is not one of {', '.join(sorted(known_words))}")
    return made


def span(text: str) -> timedelta:
    """Return a span such as 30s, 5m, 2h, 7d; raises ConfigError."""
    found = _SPAN.match(text)
    if not found:
        raise ConfigError(f"{text!r} is not a span such as 30s, 5m, 2h or 7d")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def holes(text: str) -> list[tuple[str, str]]:
    """Return the places of a summary: name and unit, empty for text."""
    return [(hole[1], hole[2] or "") for hole in _HOLE.finditer(text)]


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a summary with its places filled."""
    return _HOLE.sub(lambda hole: values.get(hole[1], "unknown"), text)


def _check_band(name: str, condition: Condition) -> None:
    """Raise ConfigError where a recovery threshold lies on the wrong side: such a rule would never end."""
    if condition.recovery is None:
        return
    wrong = (
        condition.recovery > condition.threshold if condition.op == ">" else condition.recovery < condition.threshold
    )
    if wrong:
        raise ConfigError(f"rules.{name}: recovery {condition.recovery:g} is beyond threshold {condition.threshold:g}")
