"""Dashboards as Grafana reads them: classic dashboard JSON and provisioning files, the same bytes each time."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dashboards import panel as definitions
from ledger.sqlfile import sql

if TYPE_CHECKING:
    from pathlib import Path

    from dashboards.panel import Dashboard, Panel

MIN_GRAFANA, MIN_PLUGIN = "11.6", "4.15"
"""Oldest Grafana and ClickHouse plugin that these files are for."""
SOURCE = {"type": "grafana-clickhouse-datasource", "uid": "${datasource}"}
HEIGHTS = {"stat": 4, "banner": 4, "table": 9}
_GRAFANA_DRAWS = {"lines": "timeseries", "bars": "timeseries", "ranking": "bargauge", "banner": "stat"}
_TIMES = {"from": "$__fromTime", "to": "$__toTime", "as_of": "now()", "bucket": "$__interval_s"}
_PLACE = re.compile(r"\{(\w+):([^{}]+)\}")
_COLOURS = {"none": "text"}
_HEADING_IDS = 9000
DATASOURCE = """apiVersion: 1
datasources:
  - name: breakeven
    uid: be-clickhouse
    type: grafana-clickhouse-datasource
    access: proxy
    editable: false
    jsonData:
      host: $BREAKEVEN_CLICKHOUSE_HOST
      port: 8123
      protocol: http
      secure: false
      path: "/"
      username: breakeven_read
      defaultDatabase: breakeven
      dialTimeout: "10"
      queryTimeout: "60"
    secureJsonData:
      password: $BREAKEVEN_GRAFANA_PASSWORD
"""
PROVIDER = """apiVersion: 1
providers:
  - name: breakeven
    orgId: 1
    folder: breakeven
    folderUid: be-folder
    type: file
    disableDeletion: true
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      path: /etc/breakeven/dashboards
      foldersFromFilesStructure: false
"""


def files() -> dict[str, str]:
    """Return every file to be written: path below the folder → text."""
    found = {f"be-{name}.json": text(name) for name in definitions.NAMES}
    return found | {
        "provisioning/datasources/breakeven.yaml": DATASOURCE,
        "provisioning/dashboards/breakeven.yaml": PROVIDER,
    }


def write(folder: Path) -> list[str]:
    """Write the files; return the paths below the folder that changed."""
    changed = []
    for name, content in files().items():
        place = folder / name
        if not place.is_file() or place.read_text("utf-8") != content:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, "utf-8")
            changed.append(name)
    return changed


def text(name: str) -> str:
    """Return a dashboard as a file: fixed order, two spaces, final newline, no date."""
    return json.dumps(dashboard(name), indent=2, ensure_ascii=False) + "\n"


def dashboard(name: str) -> dict[str, Any]:
    """Return a dashboard in Grafana's classic form."""
    board = definitions.dashboard(name)
    return {
        "id": None, "uid": f"be-{name}", "title": board.title, "description": board.about, "tags": list(board.tags),
        "schemaVersion": 42, "editable": False, "graphTooltip": 1, "timezone": "utc", "weekStart": "monday",
        "refresh": board.refresh, "time": {"from": f"now-{board.range}", "to": "now"},
        "timepicker": {"refresh_intervals": ["1m", "5m", "15m", "1h"]}, "fiscalYearStartMonth": 0, "liveNow": False,
        "links": [{
            "title": "breakeven", "type": "dashboards", "tags": ["breakeven"], "asDropdown": True, "includeVars": True,
            "keepTime": True, "icon": "", "targetBlank": False, "tooltip": "", "url": "",
        }],
        "annotations": {"list": []},
        "templating": {"list": [_source_variable(), *(_variable(name) for name in board.variables)]},
        "panels": _panels(board),
    }  # fmt: skip


def statement(text_: str) -> str:
    """Return a statement with Grafana's words in its places; its comments stay in the file."""
    lines = [line for line in text_.strip().splitlines() if not line.lstrip().startswith("--")]
    return _PLACE.sub(_word, "\n".join(lines))


def _word(found: re.Match[str]) -> str:
    name, kind = found[1], found[2]
    if name in _TIMES:
        return _TIMES[name]
    if kind == "Array(String)":
        return f"[${{{name}:singlequote}}]"
    return f"${{{name}:singlequote}}"


def _source_variable() -> dict[str, Any]:
    return {
        "type": "datasource", "name": "datasource", "label": "Data source", "query": SOURCE["type"], "regex": "",
        "hide": 0, "refresh": 1, "multi": False, "includeAll": False, "skipUrlSync": False, "options": [],
        "current": {"text": "breakeven", "value": "be-clickhouse"},
    }  # fmt: skip


def _variable(name: str) -> dict[str, Any]:
    raw = statement(sql("dashboards.variables", name))
    return {
        "type": "query", "name": name, "label": definitions.variables()[name]["title"], "datasource": SOURCE,
        "query": {"refId": "var", "queryType": "sql", "rawSql": raw}, "definition": raw, "multi": True,
        "includeAll": True, "allValue": "/**/", "refresh": 2, "sort": 1, "hide": 0, "skipUrlSync": False, "regex": "",
        "options": [], "current": {"text": ["All"], "value": ["$__all"]},
    }  # fmt: skip


def _panels(board: Dashboard) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    y = 0
    for number, row in enumerate(board.rows):
        if isinstance(row, str):
            out.append({
                "id": _HEADING_IDS + number, "type": "row", "title": row, "collapsed": False, "panels": [],
                "gridPos": {"h": 1, "w": 24, "x": 0, "y": y},
            })  # fmt: skip
            y += 1
            continue
        width = 24 // len(row)
        height = max(HEIGHTS.get(board.panels[key].draw, 8) for key in row)
        out += [
            _panel(board, board.panels[key], {"h": height, "w": width, "x": width * n, "y": y})
            for n, key in enumerate(row)
        ]
        y += height
    return out


def _panel(board: Dashboard, one: Panel, place: dict[str, int]) -> dict[str, Any]:
    kind = _GRAFANA_DRAWS.get(one.draw, one.draw)
    table = one.draw in ("banner", "ranking", "table")
    target = {
        "refId": "A", "datasource": SOURCE, "editorType": "sql",
        "rawSql": statement(definitions.statement(board.name, one.name)), "format": 1 if table else 0,
        "queryType": "table" if table else "timeseries", "pluginVersion": "4.20.0",
    }  # fmt: skip
    return {
        "id": one.id, "type": kind, "title": one.title, "description": one.about, "datasource": SOURCE,
        "gridPos": place, "interval": one.bucket, "targets": [target],
        "fieldConfig": {"defaults": _defaults(one), "overrides": _overrides(one)}, "options": _options(one),
    }  # fmt: skip


def _defaults(one: Panel) -> dict[str, Any]:
    found: dict[str, Any] = {**_unit(one.unit), "noValue": one.no_value}
    if one.decimals is not None:
        found["decimals"] = one.decimals
    found["mappings"] = [{"type": "special", "options": {"match": "null+nan", "result": {"text": "–"}}}]
    if one.thresholds:
        steps = [
            {"color": _COLOURS.get(word, word), "value": None if n == 0 else limit}
            for n, (word, limit) in enumerate(one.thresholds)
        ]
        found |= {"color": {"mode": "thresholds"}, "thresholds": {"mode": "absolute", "steps": steps}}
    elif one.draw in ("lines", "bars"):
        found["color"] = {"mode": "palette-classic"}
    if one.draw == "lines":
        found["custom"] = {"drawStyle": "line", "lineWidth": 2, "showPoints": "auto", "spanNulls": False}
    elif one.draw == "bars":
        stacking = {"mode": "normal" if one.stack else "none", "group": "A"}
        found["custom"] = {"drawStyle": "bars", "fillOpacity": 80, "lineWidth": 1, "stacking": stacking}
    return found


def _unit(word: str) -> dict[str, Any]:
    known = definitions.vocabulary()["units"][word]
    return {key: known[name] for key, name in (("unit", "grafana"), ("decimals", "decimals")) if name in known}


def _overrides(one: Panel) -> list[dict[str, Any]]:
    out = []
    for name, given in one.fields.items():
        properties: list[dict[str, Any]] = []
        if "title" in given:
            properties.append({"id": "displayName", "value": given["title"]})
        if "unit" in given:
            properties += [{"id": key, "value": value} for key, value in _unit(given["unit"]).items()]
        if "colour" in given:
            colour = definitions.vocabulary()["colours"][given["colour"]]
            properties.append({"id": "color", "value": {"mode": "fixed", "fixedColor": colour}})
        if given.get("dashed"):
            properties.append({"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [10, 10]}})
        if "mapping" in given:
            properties.append({"id": "mappings", "value": [_mapping(given["mapping"])]})
        out.append({"matcher": {"id": "byName", "options": name}, "properties": properties})
    if one.draw == "stat":
        out.append({"matcher": {"id": "byName", "options": "lower_bound"}, "properties": [
            {"id": "custom.hideFrom", "value": {"legend": True, "tooltip": True, "viz": True}}]})  # fmt: skip
    return out


def _mapping(name: str) -> dict[str, Any]:
    words = definitions.vocabulary()
    options = {
        value: {"text": shown, "color": words["colours"][colour], "index": n}
        for n, (value, (shown, colour)) in enumerate(words["mappings"][name].items())
    }
    return {"type": "value", "options": options}


def _options(one: Panel) -> dict[str, Any]:
    if one.draw == "stat":
        modes = {"bad": "inverted", "good": "standard"}
        return {
            "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": "/^value$/"}, "graphMode": "none",
            "colorMode": "value", "justifyMode": "auto", "textMode": "auto", "orientation": "auto", "wideLayout": True,
            "showPercentChange": bool(one.rising), "percentChangeColorMode": modes.get(one.rising, "same_as_value"),
        }  # fmt: skip
    if one.draw in ("lines", "bars"):
        return {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }  # fmt: skip
    if one.draw == "ranking":
        return {"orientation": "horizontal", "displayMode": "basic", "showUnfilled": True,
                "reduceOptions": {"values": True, "calcs": ["lastNotNull"], "fields": ""}}  # fmt: skip
    if one.draw == "banner":
        return {"reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": "/.*/"}, "graphMode": "none",
                "colorMode": "none", "textMode": "value_and_name"}  # fmt: skip
    return {"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": [], "countRows": False}}
