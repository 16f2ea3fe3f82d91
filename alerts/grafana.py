"""The same rules as Grafana's alerting reads them: a provisioning file, and groups for its HTTP API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from alerts.rule import GROUPS, holes, rules
from ledger.sqlfile import sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from alerts.rule import Rule

SOURCE = {"type": "grafana-clickhouse-datasource", "uid": "be-clickhouse"}
FOLDER, FOLDER_UID = "breakeven", "be-folder"
FILE = "provisioning/alerting/breakeven.yaml"
_NO_DATA = {"ok": "OK", "nodata": "NoData", "alert": "Alerting", "keep": "KeepLast"}
_ERROR = {"ok": "OK", "error": "Error", "alert": "Alerting", "keep": "KeepLast"}
_PRINTED = {
    "money": "$%.2f", "share": "%.3f of 1", "count": "%.0f", "days": "%.0f days", "hours": "%.1f h",
    "seconds": "%.0f s", "tokens": "%.0f tok", "number": "%.2f",
}  # fmt: skip
"""How Grafana's templates print a unit: they know no others."""


def files(given: Mapping[str, Rule] | None = None, *, paused: bool = True, receiver: str = "") -> dict[str, str]:
    """Return what is provisioned: path below the folder → text. `paused` unless Grafana is the one that tells.

    `receiver`: a contact point of that Grafana, to which every rule then goes by itself; the tree of policies stays.
    """
    known = dict(given or rules())
    groups = [
        {
            "orgId": 1, "name": name, "folder": FOLDER, "interval": f"{every.total_seconds():.0f}s",
            "rules": [_doubled(_file_rule(rule, paused, receiver)) for rule in known.values() if rule.group == name],
        }
        for name, every in GROUPS.items()
    ]  # fmt: skip
    return {FILE: "\n".join(_yaml({"apiVersion": 1, "groups": groups})) + "\n"}


def write(
    folder: Path, given: Mapping[str, Rule] | None = None, *, paused: bool = True, receiver: str = ""
) -> list[str]:
    """Write the file; return the paths below the folder that changed."""
    changed = []
    for name, content in files(given, paused=paused, receiver=receiver).items():
        place = folder / name
        if not place.is_file() or place.read_text("utf-8") != content:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, "utf-8")
            changed.append(name)
    return changed


def group(
    name: str, given: Mapping[str, Rule] | None = None, *, paused: bool = True, receiver: str = ""
) -> dict[str, Any]:
    """Return a group as the HTTP API takes it."""
    return {
        "title": name, "folderUid": FOLDER_UID, "interval": int(GROUPS[name].total_seconds()),
        "rules": [_http_rule(rule, paused, receiver) for rule in (given or rules()).values() if rule.group == name],
    }  # fmt: skip


def _shared(rule: Rule, paused: bool, receiver: str) -> dict[str, Any]:
    told = {"notification_settings": _settings(rule, receiver)} if receiver else {}
    return {
        "uid": rule.uid, "title": rule.title, "condition": "B", "data": data(rule),
        "noDataState": _NO_DATA[rule.condition.no_data], "execErrState": _ERROR[rule.condition.error],
        "for": f"{rule.condition.pending.total_seconds():.0f}s",
        "labels": {"severity": rule.severity, "product": "breakeven", "group": rule.group}, "isPaused": paused,
        **told,
    }  # fmt: skip


def _settings(rule: Rule, receiver: str) -> dict[str, Any]:
    """Return to whom a rule goes and how often; Grafana knows no "never again", four weeks are its longest."""
    repeat = f"{rule.repeat.total_seconds() / 3600:.0f}h" if rule.repeat else "4w"
    return {
        "receiver": receiver, "group_by": ["alertname", "grafana_folder"], "group_wait": "30s", "group_interval": "5m",
        "repeat_interval": repeat,
    }  # fmt: skip


def _file_rule(rule: Rule, paused: bool, receiver: str) -> dict[str, Any]:
    board, _, _ = rule.panel.partition("/")
    keep = rule.condition.keep_firing
    more = {"keepFiringFor": f"{keep.total_seconds():.0f}s"} if keep else {}
    return {**_shared(rule, paused, receiver), **more, "dashboardUid": f"be-{board}", "annotations": _annotations(rule)}


def _http_rule(rule: Rule, paused: bool, receiver: str) -> dict[str, Any]:
    board, _, _ = rule.panel.partition("/")
    keep = rule.condition.keep_firing
    more = {"keep_firing_for": f"{keep.total_seconds():.0f}s"} if keep else {}
    notes = {**_annotations(rule), "__dashboardUid__": f"be-{board}"}
    placed = {"orgID": 1, "folderUID": FOLDER_UID, "ruleGroup": rule.group}
    return {**_shared(rule, paused, receiver), **more, **placed, "annotations": notes}


def data(rule: Rule) -> list[dict[str, Any]]:
    """Return a rule's queries: A the value, B the threshold on it, C, D … a figure each."""
    limit = rule.condition
    evaluator = {"type": "gt" if limit.op == ">" else "lt", "params": [limit.threshold]}
    condition: dict[str, Any] = {"evaluator": evaluator}
    if limit.recovery is not None:
        condition["unloadEvaluator"] = {"type": "lt" if limit.op == ">" else "gt", "params": [limit.recovery]}
    expression = {"type": "__expr__", "uid": "__expr__"}
    threshold = {
        "refId": "B", "type": "threshold", "datasource": expression, "expression": "A", "conditions": [condition],
    }  # fmt: skip
    queries = [_query(rule, "A", "value"), {"refId": "B", "datasourceUid": "__expr__", "model": threshold}]
    return queries + [_query(rule, _letter(n), figure) for n, figure in enumerate(rule.figures)]


def statement(rule: Rule, column: str) -> str:
    """Return a rule's SELECT with one number, in Grafana's words."""
    lines = [line for line in rule.statement.splitlines() if not line.startswith("--")]
    inner = "\n".join(lines).replace("{from:DateTime}", "$__fromTime").replace("{to:DateTime}", "$__toTime")
    frame = "\n".join(line for line in sql("alerts", "one_number").splitlines() if not line.startswith("--"))
    number = column if column == "value" else f"{column} AS value"
    for word, text in (("LABELS", ", ".join(rule.labels)), ("NUMBER", number), ("RULE", inner)):
        frame = frame.replace(word, text, 1)
    return frame


def _query(rule: Rule, ref: str, column: str) -> dict[str, Any]:
    lag, window = int(rule.lag.total_seconds()), int(rule.window.total_seconds())
    model = {
        "refId": ref, "datasource": SOURCE, "editorType": "sql", "rawSql": statement(rule, column), "format": 1,
        "queryType": "table", "pluginVersion": "4.20.0",
    }  # fmt: skip
    span = {"from": window + lag, "to": lag}
    return {"refId": ref, "datasourceUid": SOURCE["uid"], "relativeTimeRange": span, "model": model}


def _annotations(rule: Rule) -> dict[str, str]:
    places = {"value": "A", **{figure: _letter(n) for n, figure in enumerate(rule.figures)}}
    summary = rule.summary
    for name, unit in holes(rule.summary):
        if name in rule.labels:
            word = f"{{{{ $labels.{name} }}}}"
        else:
            word = f'{{{{ printf "{_PRINTED[unit]}" $values.{places[name]}.Value }}}}'
        summary = summary.replace(f"{{{name}:{unit}}}" if unit else f"{{{name}}}", word, 1)
    return {"summary": summary, "description": rule.advice, "runbook_url": f"docs/alerts.md#{rule.runbook}"}


def _letter(number: int) -> str:
    return chr(ord("C") + number)


def _doubled(value: Any, key: str = "") -> Any:
    """Return a value whose every $ outside of a model is doubled: Grafana expands these files from its environment."""
    if key == "model":
        return value
    if isinstance(value, dict):
        return {name: _doubled(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_doubled(item) for item in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def _yaml(value: Any, depth: int = 0) -> list[str]:
    """Return lines of YAML: mappings and lists in blocks, every other value as JSON writes it."""
    pad = "  " * depth
    if isinstance(value, dict) and value:
        out = []
        for key, item in value.items():
            nested = isinstance(item, (dict, list)) and bool(item)
            out += [f"{pad}{key}:", *_yaml(item, depth + 1)] if nested else [f"{pad}{key}: {_scalar(item)}"]
        return out
    out = []
    for item in value:
        lines = _yaml(item, depth + 1) if isinstance(item, (dict, list)) and item else [f"{pad}  {_scalar(item)}"]
        out += [f"{pad}- {lines[0].lstrip()}", *lines[1:]]
    return out


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
