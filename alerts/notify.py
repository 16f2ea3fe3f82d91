"""What is told to whom: once an episode, together by rule, not while muted, again only where the rule says so."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from alerts.channels import Channel, TransportError, send
from alerts.message import Message, packed, told, unpacked
from ledger.records import Notification

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from alerts.kept import Kept
    from alerts.rule import Rule
    from alerts.watch import Look
    from ledger.store import Store

_PACKAGE = "alerts"
GROUP_INTERVAL = timedelta(minutes=5)
"""Alerts of one rule that begin within this after the last message of it wait for the next."""
PATIENCE = timedelta(hours=1)
FIRST_S, LONGEST_S = 5.0, 300.0


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Quiet:
    """[alerts.quiet.NAME]: when rules (all, where none is named) send nothing: weekdays, and hours of a zone.

    `start` and `end` are HH:MM; an end before the start is of the next morning.
    """

    rules: tuple[str, ...] = ()
    weekdays: tuple[str, ...] = ()
    start: str = "00:00"
    end: str = "24:00"
    timezone: str = "UTC"

    def covers(self, rule: str, at: datetime) -> bool:
        """Say whether a rule is silent at an instant."""
        if self.rules and rule not in self.rules:
            return False
        local = at.astimezone(ZoneInfo(self.timezone))
        minute, first, last = local.hour * 60 + local.minute, minutes(self.start), minutes(self.end)
        night = last <= first and minute < last  # the hours after midnight belong to the day before
        day = (local - timedelta(days=1) if night else local).weekday()
        inside = first <= minute < last if first < last else minute >= first or night
        return inside and (not self.weekdays or DAYS[day] in self.weekdays)


def minutes(text: str) -> int:
    """Return the minutes of HH:MM since midnight, 24:00 at most; raises ValueError."""
    hours, colon, rest = text.partition(":")
    value = int(hours) * 60 + int(rest)
    if not colon or len(rest) != 2 or not 0 <= value <= 24 * 60 or int(rest) > 59:
        raise ValueError(f"{text!r} is not HH:MM")
    return value


@dataclass(frozen=True, slots=True)
class Due:
    """Messages that a look makes due, and the instances with it remembered that they were told."""

    messages: tuple[Message, ...]
    looks: tuple[Look, ...]


def due(looks: Iterable[Look], at: datetime, muted: Collection[str], last: dict[str, datetime]) -> Due:
    """Return what is to be told after looks. `last`: when each rule was told last."""
    messages: list[Message] = []
    out: list[Look] = []
    for one in looks:
        ended = [kept for kept in one.ended if kept.told_at is not None]
        if ended:
            messages.append(_message(one.rule, ended, "resolved", at))
        before = last.get(one.rule.name)
        waits = one.rule.name in muted or (before is not None and at - before < GROUP_INTERVAL)
        begun = {} if waits else {k: kept for k, kept in one.kept.items() if _to_tell(one.rule, kept, at)}
        if begun:
            messages.append(_message(one.rule, list(begun.values()), "firing", at))
        heard = {k: replace(kept, told_at=at, told_value=kept.instance.value) for k, kept in begun.items()}
        out.append(replace(one, kept={**one.kept, **heard}))
    return Due(tuple(messages), tuple(out))


def _to_tell(rule: Rule, kept: Kept, at: datetime) -> bool:
    if not kept.instance.told:
        return False
    if kept.told_at is None:
        return True
    if kept.acknowledged_by:
        return False
    if rule.repeat and at - kept.told_at >= rule.repeat:
        return True
    before = kept.told_value or 0.0
    moved = abs(kept.instance.value - before) >= rule.change_share * abs(before)
    return bool(rule.change_share) and before != 0 and moved and kept.instance.state == "firing"


def _message(rule: Rule, instances: Sequence[Kept], status: str, at: datetime) -> Message:
    """Return a message; its key is the same however often one look is repeated."""
    alerts = tuple(told(rule, one, status, at) for one in instances)
    said = sorted(f"{a.fingerprint} {a.starts_at} {k.told_at or ''}" for a, k in zip(alerts, instances, strict=True))
    key = hashlib.sha256("|".join([rule.name, status, *said]).encode()).hexdigest()[:32]
    return Message(rule.name, rule.title, rule.severity, status, alerts, key)


def outbox(store: Store, messages: Iterable[Message], channels: Iterable[Channel], at: datetime) -> list[Notification]:
    """Return the notifications of messages, less those that are in the store: a look may be repeated after a crash."""
    at = at.replace(microsecond=0)  # instants are asked for in whole seconds
    wanted = [
        Notification(c.name, one.key, at, one.rule, one.status, packed(one), "waiting", 0, at, None, "")
        for one in messages for c in channels if c.takes(one.rule, one.severity, one.status)
    ]  # fmt: skip
    if not wanted:
        return []
    rows = store.ask(_PACKAGE, "known", keys=sorted({one.key for one in wanted}))
    known = {(row["channel"], row["key"]) for row in rows}
    return [one for one in wanted if (one.channel, one.key) not in known]


def deliver(
    store: Store, channels: Iterable[Channel], at: datetime, base_url: str, now: Callable[[], datetime]
) -> list[Notification]:
    """Send what is due; return what became of it. One channel's failure keeps nothing from the others."""
    by_name = {channel.name: channel for channel in channels}
    done = []
    for row in store.ask(_PACKAGE, "waiting", at=at):
        one = Notification(**row)
        channel = by_name.get(one.channel)
        after = replace(one, state="given_up", done_at=now(), answer="the channel is no longer configured")
        if channel is not None:
            after = _sent(channel, one, base_url, now)
        store.add([after])
        done.append(after)
    return done


def _sent(channel: Channel, one: Notification, base_url: str, now: Callable[[], datetime]) -> Notification:
    tried = replace(one, attempts=one.attempts + 1)
    try:
        send(channel, unpacked(one.alerts, base_url))
    except TransportError as error:
        wait = max(error.wait_s, min(LONGEST_S, FIRST_S * 2 ** min(one.attempts, 10)) * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
        later = now() + timedelta(seconds=wait)
        if error.permanent or later - one.created_at > PATIENCE:
            return replace(tried, state="given_up", done_at=now(), answer=str(error))
        return replace(tried, next_at=later, answer=str(error))
    return replace(tried, state="sent", done_at=now(), answer="")
