"""Records of what is watched and told: signals, alert instances, notifications, mutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Signal:
    """A value that alert rules look at, of a complete period that ended at an instant; see `signal`."""

    TABLE: ClassVar[str] = "signals"

    rule: str
    series: str
    at: datetime
    labels: dict[str, str]
    value: float
    figures: dict[str, float]


def signal(rule: str, at: datetime, value: float, labels: dict[str, str] | None = None, **figures: float) -> Signal:
    """Return a signal with its series: the labels as k=v,k=v in the order of their names."""
    labels = labels or {}
    return Signal(rule, series_of(labels), at, labels, value, figures)


def series_of(labels: dict[str, str]) -> str:
    """Return labels as one text, the same for the same labels."""
    return ",".join(f"{name}={labels[name]}" for name in sorted(labels))


@dataclass(frozen=True, slots=True)
class Alert:
    """A state that an alert instance was in; `fired_at` is the beginning of the episode that is told outside."""

    TABLE: ClassVar[str] = "alerts"

    rule: str
    series: str
    changed_at: datetime
    labels: dict[str, str]
    state: str
    reason: str
    starts_at: datetime
    ends_at: datetime | None
    fired_at: datetime | None
    last_seen: datetime
    value: float
    figures: dict[str, float]
    summary: str
    rule_hash: str
    told_at: datetime | None
    told_value: float | None
    acknowledged_by: str


@dataclass(frozen=True, slots=True)
class Notification:
    """What was to be sent to a channel, and what became of it."""

    TABLE: ClassVar[str] = "notifications"

    channel: str
    key: str
    created_at: datetime
    rule: str
    status: str
    alerts: str
    state: str
    attempts: int
    next_at: datetime
    done_at: datetime | None
    answer: str


@dataclass(frozen=True, slots=True)
class Mute:
    """A rule that somebody muted for a while."""

    TABLE: ClassVar[str] = "mutes"

    rule: str
    since: datetime
    until: datetime
    reason: str
