"""One look at the rules of a group: run their statements, advance the states, and say what became of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from alerts import kept as keeping
from alerts.kept import Kept
from alerts.rule import filled, holes
from alerts.states import Failed, Instance, Labels, Sample, look
from ledger.errors import BreakevenError
from ledger.units import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from alerts.rule import Rule
    from ledger.records import Alert, Signal
    from ledger.store import Store


@dataclass(frozen=True, slots=True)
class Look:
    """A rule's instances after a look, and those that are gone; what came and went is read off them."""

    rule: Rule
    kept: Mapping[Labels, Kept]
    gone: tuple[Kept, ...]
    ended: tuple[Kept, ...]
    """Instances that were told as firing and resolved at this look."""


def watch(store: Store, rules: Iterable[Rule], at: datetime) -> list[Look]:
    """Look at rules at an instant, with what the store remembers of them; nothing is written yet."""
    given = list(rules)
    before = keeping.read(store, [rule.name for rule in given])
    return [advance(rule, before.get(rule.name, {}), at, _samples(store, rule, at)) for rule in given]


def advance(rule: Rule, before: Mapping[Labels, Kept], at: datetime, found: list[Sample] | Failed) -> Look:
    """Return what a look makes of a rule's instances; those of another definition end and begin anew."""
    same = {labels: one for labels, one in before.items() if one.rule_hash == rule.hash}
    ended = [_ended(one, at, "Updated") for labels, one in before.items() if labels not in same and one.instance.told]
    gone = [one for labels, one in before.items() if labels not in same]
    after = look(rule.condition, rule.name, {labels: one.instance for labels, one in same.items()}, at, found)
    why = found.why if isinstance(found, Failed) else ""
    kept: dict[Labels, Kept] = {}
    for labels, instance in after.items():
        old = same.get(labels)
        new = _carry(rule, old, instance, at, why)
        if instance.resolved_at == at and old is not None:
            ended.append(replace(new, fired_at=old.fired_at, told_at=old.told_at, summary=old.summary))
        if instance.reason == "MissingSeries":
            gone.append(new)
        else:
            kept[labels] = new
    gone += [one for labels, one in same.items() if labels not in after]
    return Look(rule, kept, tuple(gone), tuple(ended))


def _carry(rule: Rule, old: Kept | None, instance: Instance, at: datetime, why: str) -> Kept:
    """Return an instance with what is known beside its state: since when it is told, who knows of it, what it says."""
    changed = old is None or old.instance.state != instance.state
    before = old.fired_at if old is not None and old.instance.told else None
    told = instance.told
    return Kept(
        replace(instance, resolved_at=None),
        at if changed or old is None else old.changed_at,
        (before or at) if told else None,
        rule.hash,
        summary(rule, instance, why),
        old.told_at if old is not None and told else None,
        old.told_value if old is not None and told else None,
        old.acknowledged_by if old is not None and told else "",
    )


def _ended(one: Kept, at: datetime, reason: str) -> Kept:
    return replace(one, instance=replace(one.instance, state="normal", starts_at=at, ends_at=None, reason=reason))


def summary(rule: Rule, instance: Instance, why: str = "") -> str:
    """Return what an alert says: its labels and figures in their units."""
    if instance.reason == "Error":
        return f"{rule.title}: the rule could not be looked at: {why or 'unknown'}"
    if instance.reason == "NoData":
        return f"{rule.title}: nothing is told of it"
    numbers = {**dict(instance.figures), "value": instance.value}
    values = {name: shown(numbers[name], unit, "unknown") for name, unit in holes(rule.summary) if name in numbers}
    return filled(rule.summary, {**dict(instance.labels), **values})


def rows(looks: Iterable[Look], at: datetime) -> list[Alert]:
    """Return what a look leaves in the store."""
    out = []
    for one in looks:
        out += [keeping.record(one.rule.name, kept) for kept in one.kept.values()]
        out += [keeping.forgotten(one.rule.name, kept, at) for kept in one.gone]
    return out


def samples(rule: Rule, signals: Iterable[Signal]) -> list[Sample]:
    """Return what a rule would see of signals just computed: its labels and figures, by series."""
    return [
        Sample(tuple((n, o.labels[n]) for n in rule.labels), o.value, tuple((n, o.figures[n]) for n in rule.figures))
        for o in signals if o.rule == rule.name
    ]  # fmt: skip


def _samples(store: Store, rule: Rule, at: datetime) -> list[Sample] | Failed:
    until = at - rule.lag
    try:
        found = store.ask("alerts.rules", rule.name, **{"from": until - rule.window, "to": until})
        return [_sample(rule, row) for row in found]
    except BreakevenError as error:
        return Failed(str(error)[:300])


def _sample(rule: Rule, row: Mapping[str, Any]) -> Sample:
    labels = tuple((name, str(row[name])) for name in rule.labels)
    return Sample(labels, float(row["value"]), tuple((name, float(row[name])) for name in rule.figures))
