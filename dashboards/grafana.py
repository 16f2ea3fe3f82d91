"""Dashboards as Grafana reads them: classic dashboard JSON and provisioning files, the same bytes each time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dashboards import panel as definitions
from ledger.sqlfile import sql

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dashboards.panel import Dashboard, Panel

MIN_GRAFANA, MIN_PLUGIN = "11.6", "4.15"
"""Oldest Grafana and ClickHouse plugin that these files are for."""
SOURCE = {"type": "grafana-clickhouse-datasource", "uid": "${datasource}"}
HEIGHTS = {"stat": 4, "banner": 4, "table": 9}
_GRAFANA_DRAWS = {
    "lines": "timeseries", "bars": "timeseries", "ranking": "bargauge", "banner": "stat", "states": "state-timeline",
    "history": "status-history", "grid": "table", "curve": "xychart",
}  # fmt: skip
_ROWS_AS_THEY_ARE = ("banner", "ranking", "table", "grid", "curve")
"""Draws whose rows Grafana takes as a table; the others are series over time."""
_TIMES = {"from": "$__fromTime", "to": "$__toTime", "as_of": "now()", "bucket": "$__interval_s"}
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
        "annotations": {"list": [_annotation(name, board) for name in board.annotations]},
        "templating": {"list": [_source_variable(), *(_variable(name, board) for name in board.variables)]},
        "panels": _panels(board),
    }  # fmt: skip


def statement(text_: str, offered: Iterable[str]) -> str:
    """Return a statement with Grafana's words in its places; its comments stay in the file.

    A variable that the dashboard does not offer stands for all.
    """
    lines = [line for line in text_.strip().splitlines() if not line.lstrip().startswith("--")]
    out = "\n".join(lines)
    for name, kind in definitions.places(out).items():
        out = out.replace(f"{{{name}:{kind}}}", _word(name, kind, offered=name in offered))
    return out


def _word(name: str, kind: str, *, offered: bool) -> str:
    if name in _TIMES:
        return _TIMES[name]
    if kind == "Array(String)":
        return f"[${{{name}:singlequote}}]" if offered else "CAST([], 'Array(String)')"
    quoted = f"${{{name}:singlequote}}"
    return quoted if kind == "String" else f"to{kind}({quoted})"


def _target(raw: str, *, table: bool) -> dict[str, Any]:
    return {
        "refId": "A", "datasource": SOURCE, "editorType": "sql", "rawSql": raw, "format": 1 if table else 0,
        "queryType": "table" if table else "timeseries", "pluginVersion": "4.20.0",
    }  # fmt: skip


def _annotation(name: str, board: Dashboard) -> dict[str, Any]:
    given = definitions.marks()[name]
    return {
        "name": given["title"], "datasource": SOURCE, "enable": True, "hide": False,
        "iconColor": definitions.vocabulary()["colours"][given["colour"]],
        "target": _target(statement(sql("dashboards.annotations", name), board.variables), table=True),
    }  # fmt: skip


def _source_variable() -> dict[str, Any]:
    return {
        "type": "datasource", "name": "datasource", "label": "Data source", "query": SOURCE["type"], "regex": "",
        "hide": 0, "refresh": 1, "multi": False, "includeAll": False, "skipUrlSync": False, "options": [],
        "current": {"text": "breakeven", "value": "be-clickhouse"},
    }  # fmt: skip


def _variable(name: str, board: Dashboard) -> dict[str, Any]:
    given = definitions.variables()[name]
    if "default" in given:
        value = str(given["default"])
        return {
            "type": "textbox", "name": name, "label": given["title"], "hide": 0, "skipUrlSync": False, "query": value,
            "options": [{"text": value, "value": value, "selected": True}], "current": {"text": value, "value": value},
        }  # fmt: skip
    raw = statement(sql("dashboards.variables", name), board.variables)
    made = {
        "type": "query", "name": name, "label": given["title"], "datasource": SOURCE,
        "query": {"refId": "var", "queryType": "sql", "rawSql": raw}, "definition": raw, "refresh": 2, "sort": 1,
        "hide": 0, "skipUrlSync": False, "regex": "", "options": [],
    }  # fmt: skip
    if name in board.single:
        return {**made, "multi": False, "includeAll": False, "current": {}}
    every = {"text": ["All"], "value": ["$__all"]}
    return {**made, "multi": True, "includeAll": True, "allValue": "/**/", "current": every}


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
        height = max(board.panels[key].height or HEIGHTS.get(board.panels[key].draw, 8) for key in row)
        out += [
            _panel(board, board.panels[key], {"h": height, "w": width * row.count(key), "x": width * n, "y": y})
            for n, key in enumerate(row) if row.index(key) == n
        ]  # fmt: skip
        y += height
    return out


def _panel(board: Dashboard, one: Panel, place: dict[str, int]) -> dict[str, Any]:
    kind = _GRAFANA_DRAWS.get(one.draw, one.draw)
    made = {"id": one.id, "type": kind, "title": one.title, "description": one.about, "gridPos": place}
    if one.links:
        made["links"] = [
            {"title": link["title"], "url": f"/d/be-{link['to']}?${{__url_time_range}}", "targetBlank": False}
            for link in one.links
        ]
    if one.draw == "text":
        return {**made, "options": {"mode": "markdown", "content": definitions.words(board.name, one.name)}}
    raw = statement(definitions.statement(board.name, one.name), board.variables)
    return {
        **made, "datasource": SOURCE, "interval": one.bucket, **({"maxDataPoints": one.points} if one.points else {}),
        "targets": [_target(raw, table=one.draw in _ROWS_AS_THEY_ARE)],
        "fieldConfig": {"defaults": _defaults(one), "overrides": _overrides(one)}, "options": _options(one),
    }  # fmt: skip


def _defaults(one: Panel) -> dict[str, Any]:
    found: dict[str, Any] = {**_unit(one.unit), "noValue": one.no_value}
    if one.decimals is not None:
        found["decimals"] = one.decimals
    found["mappings"] = [{"type": "special", "options": {"match": "null+nan", "result": {"text": "–"}}}]
    if one.codes:
        found["mappings"].insert(0, _mapping(one.codes, codes=True))
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
    elif one.draw == "grid":
        found |= {"color": {"mode": "continuous-BlPu"}, "custom": {"cellOptions": {"type": "color-background"}}}
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
        if "link" in given:
            url = f"/d/be-{given['link']}?var-{given['link']}=${{__data.fields.{name}}}&${{__url_time_range}}"
            properties.append({"id": "links", "value": [{"title": "Open", "url": url, "targetBlank": False}]})
        out.append({"matcher": {"id": "byName", "options": name}, "properties": properties})
    if one.draw == "stat":
        out.append({"matcher": {"id": "byName", "options": "lower_bound"}, "properties": [
            {"id": "custom.hideFrom", "value": {"legend": True, "tooltip": True, "viz": True}}]})  # fmt: skip
    return out


def _mapping(name: str, *, codes: bool = False) -> dict[str, Any]:
    """Return a mapping of words, or of the numbers that stand for them in their order."""
    vocabulary = definitions.vocabulary()
    options = {
        str(n + 1) if codes else value: {"text": shown, "color": vocabulary["colours"][colour], "index": n}
        for n, (value, (shown, colour)) in enumerate(vocabulary["mappings"][name].items())
    }
    return {"type": "value", "options": options}


def _options(one: Panel) -> dict[str, Any]:
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
    single = {"mode": "single", "sort": "none"}
    last = {"values": False, "calcs": ["lastNotNull"], "fields": "/.*/"}
    table = {"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": [], "countRows": False}}
    lines = {"legend": {**legend, "calcs": ["lastNotNull"]}, "tooltip": {"mode": "multi", "sort": "desc"}}
    by_draw: dict[str, dict[str, Any]] = {
        "stat": {
            "reduceOptions": {**last, "fields": "/^value$/"}, "graphMode": "none", "colorMode": "value",
            "justifyMode": "auto", "textMode": "auto", "orientation": "auto", "wideLayout": True,
            "showPercentChange": one.rising in ("bad", "good"),
            "percentChangeColorMode": {"bad": "inverted", "good": "standard"}.get(one.rising, "same_as_value"),
        },
        "lines": lines, "bars": lines, "table": table, "grid": table,
        "ranking": {"orientation": "horizontal", "displayMode": "basic", "showUnfilled": True,
                    "reduceOptions": {"values": True, "calcs": ["lastNotNull"], "fields": ""}},
        "banner": {"reduceOptions": last, "graphMode": "none", "colorMode": "none", "textMode": "value_and_name"},
        "states": {"mergeValues": True, "showValue": "auto", "alignValue": "left", "rowHeight": 0.9, "legend": legend,
                   "tooltip": single},
        "history": {"showValue": "never", "rowHeight": 0.9, "colWidth": 0.9, "legend": legend, "tooltip": single},
        "curve": {"mapping": "auto", "series": [], "legend": legend, "tooltip": single},
    }  # fmt: skip
    return by_draw[one.draw]
