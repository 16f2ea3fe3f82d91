"""What becomes of an alert at each look: the states of Grafana's alerting, kept by label set; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Labels = tuple[tuple[str, str], ...]
Kind = Literal["NoData", "Error"]
State = Literal["normal", "pending", "firing", "recovering", "nodata", "error"]
TOLD: frozenset[State] = frozenset(("firing", "recovering", "nodata", "error"))
"""States that count as firing outside."""
MISSING_LOOKS = 2
NO_VALUE = -1.0
"""Value of an instance that fires because there was none, as in Grafana."""


@dataclass(frozen=True, slots=True)
class Condition:
    """When a rule is in breach, and how patient it is; `recovery` ends a breach that is on, with `op` turned round.

    `no_data` is one of ok, alert, keep, nodata; `error` one of ok, alert, keep, error.
    """

    op: Literal[">", "<"] = ">"
    threshold: float = 0.0
    recovery: float | None = None
    pending: timedelta = timedelta()
    keep_firing: timedelta = timedelta()
    interval: timedelta = timedelta(minutes=1)
    no_data: str = "ok"
    error: str = "error"

    def breach(self, value: float, *, on: bool) -> bool:
        """Say whether a value is in breach; `on` for an instance whose recovery threshold decides."""
        if on and self.recovery is not None:
            return value >= self.recovery if self.op == ">" else value <= self.recovery
        return value > self.threshold if self.op == ">" else value < self.threshold


@dataclass(frozen=True, slots=True)
class Sample:
    """What a rule's statement told of one label set."""

    labels: Labels
    value: float
    figures: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """One alert: a rule with one label set. `reason` where it has no value of its own: NoData, Error, MissingSeries."""

    labels: Labels
    state: State
    starts_at: datetime
    last_seen: datetime
    ends_at: datetime | None = None
    resolved_at: datetime | None = None
    reason: str = ""
    value: float = 0.0
    figures: tuple[tuple[str, float], ...] = ()

    @property
    def told(self) -> bool:
        """Whether it counts as firing outside."""
        return self.state in TOLD


@dataclass(frozen=True, slots=True)
class Failed:
    """A statement that could not be run, with the reason."""

    why: str


def look(
    condition: Condition,
    name: str,
    before: Mapping[Labels, Instance],
    at: datetime,
    found: list[Sample] | Failed,
) -> dict[Labels, Instance]:
    """Return every instance after one look at a rule, those that resolved just now among them.

    Rows decide by their value; no rows and a failed statement by the rule's policies; a label set that others left
    behind is kept for two looks and then forgotten.
    """
    if isinstance(found, Failed) or not found:
        kind: Kind = "Error" if isinstance(found, Failed) else "NoData"
        return _without_rows(condition, name, before, at, kind)
    out: dict[Labels, Instance] = {}
    for sample in found:
        if sample.labels in out:
            raise ValueError(f"{name}: two rows for {dict(sample.labels)}")
        old = before.get(sample.labels)
        on = old is not None and old.state in ("pending", "firing") and not old.reason
        breach = condition.breach(sample.value, on=on)
        new = _next(condition, old, sample.labels, at, breach=breach)
        out[sample.labels] = replace(new, value=sample.value, figures=sample.figures, last_seen=at, reason="")
    for labels, old in before.items():
        if labels not in out:
            out |= _missing(condition, old, at)
    return out


def _without_rows(
    condition: Condition, name: str, before: Mapping[Labels, Instance], at: datetime, kind: Kind
) -> dict[Labels, Instance]:
    policy = condition.no_data if kind == "NoData" else condition.error
    if policy in ("nodata", "error"):
        return _own_state(condition, name, before, at, kind)
    out: dict[Labels, Instance] = {}
    for labels, instance in before.items():
        if _own(labels):
            out |= _missing(condition, instance, at)
        else:
            out[labels] = _by_policy(condition, policy, instance, at, kind)
    if policy == "alert" and all(_own(labels) for labels in before):
        new = _next(condition, None, (), at, breach=True)
        out[()] = replace(new, value=NO_VALUE, reason=kind)
    return out


def _by_policy(condition: Condition, policy: str, old: Instance, at: datetime, kind: str) -> Instance:
    if policy == "keep":
        kept = replace(old, last_seen=at, resolved_at=None)
        return replace(kept, ends_at=_ends(condition, at)) if kept.told else kept
    new = _next(condition, old, old.labels, at, breach=policy == "alert")
    return replace(new, value=NO_VALUE, last_seen=at, reason=kind)


def _own_state(
    condition: Condition, name: str, before: Mapping[Labels, Instance], at: datetime, kind: Kind
) -> dict[Labels, Instance]:
    """Return the rule's own instance in NoData or Error, and the others, which count as missing."""
    labels: Labels = (("alertname", f"Datasource{kind}"), ("rulename", name))
    state: State = "nodata" if kind == "NoData" else "error"
    old = before.get(labels)
    starts = old.starts_at if old is not None and old.state == state else at
    out = {labels: Instance(labels, state, starts, at, _ends(condition, at), None, kind, NO_VALUE)}
    for other, instance in before.items():
        if other != labels:
            out |= _missing(condition, instance, at)
    return out


def _next(condition: Condition, old: Instance | None, labels: Labels, at: datetime, *, breach: bool) -> Instance:
    """Return an instance after a look that saw it, by the table of states."""
    if old is None or old.state in ("normal", "nodata", "error"):
        if not breach:
            resolved = at if old is not None and old.told else None
            since = old.starts_at if old is not None and old.state == "normal" else at
            return Instance(labels, "normal", since, at, None, resolved)
        state: State = "pending" if condition.pending else "firing"
        return Instance(labels, state, at, at, _ends(condition, at))
    return _breaching(condition, old, at) if breach else _calm(condition, old, at)


def _breaching(condition: Condition, old: Instance, at: datetime) -> Instance:
    ends = _ends(condition, at)
    if old.state == "pending" and at - old.starts_at < condition.pending:
        return replace(old, ends_at=ends, resolved_at=None)
    starts = old.starts_at if old.state == "firing" else at
    return replace(old, state="firing", starts_at=starts, ends_at=ends, resolved_at=None)


def _calm(condition: Condition, old: Instance, at: datetime) -> Instance:
    if old.state == "firing" and condition.keep_firing:
        return replace(old, state="recovering", starts_at=at, ends_at=_ends(condition, at), resolved_at=None)
    if old.state == "recovering" and at - old.starts_at < condition.keep_firing:
        return replace(old, ends_at=_ends(condition, at), resolved_at=None)
    resolved = at if old.told else None
    return replace(old, state="normal", starts_at=at, ends_at=None, resolved_at=resolved)


def _missing(condition: Condition, old: Instance, at: datetime) -> dict[Labels, Instance]:
    """Return what is left of an instance that this look did not see: itself, its end, or nothing."""
    looks = 1 if old.state in ("nodata", "error") else MISSING_LOOKS
    if at - old.last_seen < looks * condition.interval:
        return {old.labels: replace(old, ends_at=_ends(condition, at), resolved_at=None) if old.told else old}
    if not old.told:
        return {}
    return {
        old.labels: replace(old, state="normal", starts_at=at, ends_at=None, resolved_at=at, reason="MissingSeries")
    }


def _ends(condition: Condition, at: datetime) -> datetime:
    """Return until when a firing alert holds if nobody looks again."""
    return at + 4 * max(condition.interval, timedelta(seconds=30))


def _own(labels: Labels) -> bool:
    return bool(labels) and labels[0][0] == "alertname" and labels[0][1].startswith("Datasource")
