"""Alerts as a whole: compute what is watched, look at the rules, remember, and tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from alerts import kept as keeping
from alerts import message, notify, watch, watched
from alerts.channels import TransportError, send
from alerts.rule import GROUPS
from ledger.errors import ConfigError
from ledger.records import Mute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from alerts.kept import Kept
    from alerts.rule import Rule
    from alerts.states import Labels
    from alerts.watch import Look
    from breakeven.service import Service
    from ledger.records import Notification

_PACKAGE = "alerts"


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that would have fired in a simulation, and when it ended; None where it is on at the end."""

    rule: str
    labels: dict[str, str]
    since: datetime
    until: datetime | None
    summary: str


class Alerting:
    """The alerts of one service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.store = service.store
        self.rules = service.config.rules()
        self.channels = service.config.told()
        self.watch = service.config.watch()

    @property
    def tells(self) -> bool:
        """Whether messages are ours to send: Grafana sends its own, and two would tell everything twice."""
        return self.service.config.alerts.engine == "builtin"

    def of(self, group: str) -> list[Rule]:
        """Return the rules of a group."""
        return [rule for rule in self.rules.values() if rule.group == group]

    def due(self, now: datetime, done: dict[str, datetime]) -> list[tuple[str, datetime]]:
        """Return the groups whose time has come with their instants; missed ones are skipped, not made up for."""
        ticks = {
            group: datetime.fromtimestamp(now.timestamp() // every.total_seconds() * every.total_seconds(), UTC)
            for group, every in GROUPS.items()
        }
        return [(group, tick) for group, tick in ticks.items() if done.get(group) != tick]

    def look(self, group: str, at: datetime) -> list[Look]:
        """Compute a group's values at an instant, look at its rules, and write down states and what is to be told.

        In this order, so that a kill in between repeats the look with the same keys, and tells nothing twice.
        """
        self.store.add(watched.values(self.store, group, self.watch, at))
        looks = watch.watch(self.store, self.of(group), at)
        muted = {row["rule"] for row in self.store.ask(_PACKAGE, "muted", at=at)}
        quiet = self.service.config.alerts.quiet.values()
        muted |= {rule.name for rule in self.of(group) if any(one.covers(rule.name, at) for one in quiet)}
        last = {row["rule"]: row["last"] for row in self.store.ask(_PACKAGE, "last_told", at=at)}
        found = notify.due(looks, at, muted, last)
        if self.tells:
            self.store.add(notify.outbox(self.store, found.messages, self.channels, at))
        self.store.add(watch.rows(found.looks if self.tells else looks, at))
        return list(found.looks)

    def deliver(self, now: datetime) -> list[Notification]:
        """Send what waits."""
        if not self.tells:
            return []
        url = self.service.config.alerts.url
        return notify.deliver(self.store, self.channels, now, url, lambda: datetime.now(UTC))

    def announce(self, one: message.Message, now: datetime) -> int:
        """Put a message that no rule made into the outbox, once by its key; return to how many channels it goes."""
        found = notify.outbox(self.store, [one], self.channels, now) if self.tells else []
        self.store.add(found)
        return len(found)

    def states(self) -> list[dict[str, Any]]:
        """Return every instance that is not normal, the gravest first, with its rule's words."""
        rows = []
        for name, instances in keeping.read(self.store, list(self.rules)).items():
            rule = self.rules[name]
            rows += [_row(rule, one) for one in instances.values() if one.instance.state != "normal"]
        order = ("critical", "warning", "info")
        return sorted(rows, key=lambda r: (order.index(r["severity"]), r["state"] != "firing", r["rule"], r["series"]))

    def mute(self, rule: str, until: datetime, reason: str, now: datetime) -> None:
        """Send nothing of a rule until an instant; its states go on."""
        if rule not in self.rules:
            raise ConfigError(f"{rule}: not a rule: {', '.join(self.rules)}")
        self.store.add([Mute(rule, now, until, reason)])

    def acknowledge(self, rule: str, who: str, series: str = "") -> int:
        """Say that somebody knows of a rule's firing alerts: they are not told again. Return how many."""
        if rule not in self.rules:
            raise ConfigError(f"{rule}: not a rule: {', '.join(self.rules)}")
        found = [
            replace(one, acknowledged_by=who)
            for one in keeping.read(self.store, [rule]).get(rule, {}).values()
            if one.instance.told and series in ("", keeping.record(rule, one).series)
        ]
        self.store.add([keeping.record(rule, one) for one in found])
        return len(found)

    def trial(self, name: str, now: datetime) -> list[tuple[str, str]]:
        """Send a message that says that it is a test to one channel or all; return each with its error, or nothing."""
        known = {channel.name: channel for channel in self.channels}
        if name and name not in known:
            raise ConfigError(f"{name}: not a channel: {', '.join(known)}")
        out = []
        for channel in [known[name]] if name else known.values():
            try:
                send(channel, message.trial(now, self.service.config.alerts.url))
            except TransportError as error:
                out.append((channel.name, str(error)))
            else:
                out.append((channel.name, ""))
        return out

    def simulate(
        self,
        start: datetime,
        end: datetime,
        step: timedelta = timedelta(hours=1),
        progress: Callable[[datetime], None] | None = None,
    ) -> Iterator[Fired]:
        """Yield what would have fired in a span, looked at in steps; nothing is written and nobody is told.

        Values of verdicts, notifications and jobs are of the past only where they were written down then.
        """
        known: dict[str, dict[Labels, Kept]] = {}
        at = start.replace(minute=0, second=0, microsecond=0)
        while at <= end:
            for group in GROUPS:
                found = watched.values(self.store, group, self.watch, at)
                for rule in self.of(group):
                    before = known.get(rule.name, {})
                    seen = watch.samples(rule, found)
                    slow = replace(rule, condition=replace(rule.condition, interval=step))
                    look = watch.advance(slow, before, at, seen)
                    for one in look.ended:
                        yield Fired(rule.name, dict(one.instance.labels), one.fired_at or at, at, one.summary)
                    known[rule.name] = dict(look.kept)
            if progress:
                progress(at)
            at += step
        for name, instances in known.items():
            for one in instances.values():
                if one.instance.told:
                    yield Fired(name, dict(one.instance.labels), one.fired_at or at, None, one.summary)


def _row(rule: Rule, one: Kept) -> dict[str, Any]:
    row = keeping.record(rule.name, one)
    return {
        "rule": rule.name, "severity": rule.severity, "state": row.state, "series": row.series, "labels": row.labels,
        "since": row.fired_at or row.starts_at, "value": row.value, "figures": row.figures, "summary": row.summary,
        "advice": rule.advice, "told_at": row.told_at, "acknowledged_by": row.acknowledged_by,
    }  # fmt: skip
