"""Alert instances in the store: read before a look and written after it, so that a restart forgets nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from alerts.states import Instance, Labels
from ledger.records import Alert, series_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ledger.store import Store

_PACKAGE = "alerts"


@dataclass(frozen=True, slots=True)
class Kept:
    """One instance with what is known of it beside its state."""

    instance: Instance
    changed_at: datetime
    fired_at: datetime | None
    rule_hash: str
    summary: str = ""
    told_at: datetime | None = None
    told_value: float | None = None
    acknowledged_by: str = ""


def read(store: Store, rules: Iterable[str]) -> dict[str, dict[Labels, Kept]]:
    """Return the latest state of every instance, by rule and labels."""
    out: dict[str, dict[Labels, Kept]] = {}
    for row in store.ask(_PACKAGE, "instances", rules=list(rules)):
        kept = _kept(row)
        out.setdefault(row["rule"], {})[kept.instance.labels] = kept
    return out


def _kept(row: dict[str, Any]) -> Kept:
    changed_at, labels, state, reason = row["a"]
    starts_at, ends_at, fired_at, last_seen = row["b"]
    value, figures, summary, rule_hash = row["c"]
    told_at, told_value, acknowledged_by = row["d"]
    instance = Instance(
        tuple(labels.items()), state, starts_at, last_seen, ends_at, None, reason, value, tuple(figures.items())
    )
    return Kept(instance, changed_at, fired_at, rule_hash, summary, told_at, told_value, acknowledged_by)


def record(rule: str, kept: Kept) -> Alert:
    """Return the row of an instance."""
    one = kept.instance
    labels = dict(one.labels)
    return Alert(
        rule, series_of(labels), kept.changed_at, labels, one.state, one.reason, one.starts_at, one.ends_at,
        kept.fired_at, one.last_seen, one.value, dict(one.figures), kept.summary, kept.rule_hash, kept.told_at,
        kept.told_value, kept.acknowledged_by,
    )  # fmt: skip


def forgotten(rule: str, kept: Kept, at: datetime) -> Alert:
    """Return the row that ends an instance."""
    row = record(rule, replace(kept, changed_at=at))
    return replace(row, state="forgotten")
