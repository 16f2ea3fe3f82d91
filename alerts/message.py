"""A notification as receivers read it: Grafana's webhook form, Alertmanager's, and plain words."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ledger.units import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.kept import Kept
    from alerts.rule import Rule

FOLDER = "breakeven"
NEVER = "0001-01-01T00:00:00Z"
"""End of an alert that has none yet, as Grafana and Alertmanager write it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One alert in a message: its labels, what it says, from when to when (RFC 3339), and its numbers."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    values: dict[str, float]
    fingerprint: str
    dashboard: str
    panel: str


@dataclass(frozen=True, slots=True)
class Message:
    """What one notification says: the alerts of one rule that began, or that ended."""

    rule: str
    title: str
    severity: str
    status: str
    alerts: tuple[Told, ...]
    key: str
    base_url: str = ""

    @property
    def subject(self) -> str:
        """The message in a line: status, how many, the rule's title."""
        word = "FIRING" if self.status == "firing" else "RESOLVED"
        return f"[{word}:{len(self.alerts)}] {self.title}"

    @property
    def lines(self) -> list[str]:
        """What each alert says; what to do once at the end."""
        said = [alert.annotations["summary"] for alert in self.alerts]
        advice = self.alerts[0].annotations.get("description", "") if self.alerts else ""
        return [*said, advice] if self.status == "firing" and advice else said

    @property
    def link(self) -> str:
        """The page that shows it, where the page's address is known."""
        if not self.base_url or not self.alerts:
            return ""
        one = self.alerts[0]
        return f"{self.base_url.rstrip('/')}/{one.dashboard}#{one.panel}"

    def grafana(self, receiver: str) -> dict[str, Any]:
        """Return the body that Grafana's webhook contact point sends."""
        alerts = [self._alert(one, grafana=True) for one in self.alerts]
        return {
            "receiver": receiver, "status": self.status, "orgId": 1, "alerts": alerts,
            "groupLabels": {"alertname": self.title, "grafana_folder": FOLDER},
            "commonLabels": _common([a["labels"] for a in alerts]),
            "commonAnnotations": _common([a["annotations"] for a in alerts]),
            "externalURL": self.base_url, "version": "1", "groupKey": self._group_key(), "truncatedAlerts": 0,
            "title": self.subject, "state": "alerting" if self.status == "firing" else "ok",
            "message": "\n".join(self.lines),
        }  # fmt: skip

    def alertmanager(self, receiver: str) -> dict[str, Any]:
        """Return the body that Alertmanager's webhook receiver sends."""
        alerts = [self._alert(one, grafana=False) for one in self.alerts]
        return {
            "version": "4", "groupKey": self._group_key(), "truncatedAlerts": 0, "status": self.status,
            "receiver": receiver, "groupLabels": {"alertname": self.title},
            "commonLabels": _common([a["labels"] for a in alerts]),
            "commonAnnotations": _common([a["annotations"] for a in alerts]), "externalURL": self.base_url,
            "alerts": alerts,
        }  # fmt: skip

    def _alert(self, one: Told, *, grafana: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "status": one.status, "labels": one.labels, "annotations": one.annotations, "startsAt": one.starts_at,
            "endsAt": one.ends_at, "generatorURL": self.link, "fingerprint": one.fingerprint,
        }  # fmt: skip
        if not grafana:
            return body
        page = f"{self.base_url.rstrip('/')}/{one.dashboard}" if self.base_url else ""
        said = ", ".join(f"{name}={value:g}" for name, value in one.values.items())
        return {
            **body, "values": one.values, "silenceURL": "", "dashboardURL": page, "panelURL": self.link, "imageURL": "",
            "ruleUID": one.labels["__alert_rule_uid__"], "valueString": f"[ {said} ]",
        }  # fmt: skip

    def _group_key(self) -> str:
        return f'{{}}:{{alertname="{self.title}", grafana_folder="{FOLDER}"}}'


def told(rule: Rule, kept: Kept, status: str, at: datetime) -> Told:
    """Return one alert as a message tells it."""
    one = kept.instance
    dashboard, _, panel = rule.panel.partition("/")
    labels = {
        "alertname": rule.title, "severity": rule.severity, "product": "breakeven", "group": rule.group,
        "grafana_folder": FOLDER, "__alert_rule_uid__": rule.uid, **dict(one.labels),
    }  # fmt: skip
    annotations = {"summary": kept.summary, "description": rule.advice, "runbook": f"docs/alerts.md#{rule.runbook}"}
    return Told(
        status, labels, annotations, _text(kept.fired_at or one.starts_at), NEVER if status == "firing" else _text(at),
        _known({"value": one.value, **dict(one.figures)}), fingerprint(rule.name, dict(one.labels)), dashboard, panel,
    )  # fmt: skip


def fingerprint(rule: str, labels: Mapping[str, str]) -> str:
    """Return what names an alert for as long as its labels are the same."""
    return hashlib.sha256(json.dumps([rule, sorted(labels.items())]).encode()).hexdigest()[:16]


def packed(message: Message) -> str:
    """Return a message as the store keeps it."""
    return json.dumps(asdict(message))


def unpacked(text: str, base_url: str) -> Message:
    """Return a message that was kept."""
    given = json.loads(text)
    alerts = tuple(Told(**one) for one in given.pop("alerts"))
    return Message(**{**given, "alerts": alerts, "base_url": base_url})


def trial(at: datetime, base_url: str) -> Message:
    """Return a message that says that it is a test."""
    labels = {
        "alertname": "Test", "severity": "info", "product": "breakeven", "group": "data", "grafana_folder": FOLDER,
        "__alert_rule_uid__": "be-test",
    }  # fmt: skip
    said = {"summary": f"This is a test of breakeven: {shown(42.0, 'money')} were not spent.", "description": ""}
    one = Told("firing", labels, said, _text(at), NEVER, {"value": 1.0}, fingerprint("test", {}), "health", "jobs")
    return Message("test", "Test", "info", "firing", (one,), f"test-{at:%Y%m%dT%H%M%S}", base_url)


def _known(values: dict[str, float]) -> dict[str, float]:
    """Return the numbers that are known: JSON has no word for the others."""
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _common(each: list[dict[str, str]]) -> dict[str, str]:
    """Return what all have alike."""
    if not each:
        return {}
    return {k: v for k, v in each[0].items() if all(other.get(k) == v for other in each)}


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
