"""Grafana's files: committed as rendered, well laid out, and every statement gives the page's rows through the reader."""

import itertools
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from made import command

from dashboards import grafana, page, panel

RENDERED = Path(__file__).parents[2] / "dashboards" / "rendered"
PANELS = [(name, key) for name in panel.NAMES for key in panel.dashboard(name).panels]


@pytest.mark.parametrize("name", sorted(grafana.files()))
def test_what_is_committed_is_what_is_rendered(name):
    """`make render` writes them anew."""
    assert (RENDERED / name).read_text("utf-8") == grafana.files()[name]


def test_no_file_is_left_over():
    assert {str(p.relative_to(RENDERED)) for p in RENDERED.rglob("*") if p.is_file()} == set(grafana.files())


def test_the_command_writes_once(tmp_path):
    first = json.loads(command("grafana", "render", "--out", str(tmp_path / "g"), "--json").stdout)
    assert first["changed"] == list(grafana.files())
    assert json.loads(command("grafana", "render", "--out", str(tmp_path / "g"), "--json").stdout)["changed"] == []
    (tmp_path / "g" / "be-gpu.json").write_text("{}")
    assert "1 changed" in command("grafana", "render", "--out", str(tmp_path / "g")).stdout


@pytest.mark.parametrize("name", panel.NAMES)
def test_panels_have_their_place(name):
    """Ids once, nothing overlaps or reaches over the edge, the data source only through its variable, units known."""
    made = grafana.dashboard(name)
    assert (made["uid"], made["schemaVersion"], made["id"]) == (f"be-{name}", 42, None)
    ids = [p["id"] for p in made["panels"]]
    assert len(ids) == len(set(ids))
    boxes = [p["gridPos"] for p in made["panels"]]
    assert all(b["x"] + b["w"] <= 24 for b in boxes)
    for a, b in itertools.combinations(boxes, 2):
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart
    text = grafana.text(name)
    assert "be-clickhouse" not in text.replace('"value": "be-clickhouse"', "")
    assert text.endswith("}\n")
    for one in made["panels"]:
        if one["type"] != "row":
            assert {"title", "description", "targets", "fieldConfig", "gridPos"} <= set(one)
            assert not re.search(r"(?<!\$)\{\w+:", one["targets"][0]["rawSql"]), "a place was left"


def expanded(text, start, end, bucket, variables):
    """A statement as the plugin sends it: macros and variables expanded."""
    text = text.replace("$__fromTime", f"toDateTime({start})").replace("$__toTime", f"toDateTime({end})")
    text = text.replace("$__interval_s", str(bucket)).replace("now()", f"toDateTime({end})")
    for name, values in variables.items():
        quoted = ",".join("'" + v.replace("'", "\\'") + "'" for v in values) or "/**/"
        text = text.replace(f"${{{name}:singlequote}}", quoted)
    return text


@pytest.mark.parametrize("chosen", [[], ["one"], ["it's", "one"]], ids=["all", "one", "quoted"])
@pytest.mark.parametrize(("name", "key"), PANELS)
def test_grafana_gets_the_page_s_rows(demo_service, name, key, chosen):
    """Each panel's text, expanded as the plugin does and run as the reader, against the same places bound by the page."""
    service, _, as_of = demo_service
    board = panel.dashboard(name)
    one = {"workload": "support-bot", "pool": "lab"}
    variables = {v: [one[v] if c == "one" else c for c in chosen] for v in board.variables}
    end = as_of.replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(days=7)
    found = page.answer(service.store, name, key, start=start, end=end, as_of=end, width=4000, variables=variables)
    raw = next(p for p in grafana.dashboard(name)["panels"] if p["id"] == board.panels[key].id)["targets"][0]["rawSql"]
    text = expanded(raw, found["from"], found["to"], found["bucket"], variables)
    assert "$" not in text
    names, rows = service.store.read(text)
    wide = [dict(zip(names, row, strict=True)) for row in rows]
    fields, columns = page.shape(board.panels[key], wide)
    assert fields == found["fields"]
    assert len(columns) == len(found["columns"])
    for mine, theirs in zip(columns, found["columns"], strict=True):
        assert mine == [pytest.approx(v, rel=1e-9) if isinstance(v, float) else v for v in theirs]


@pytest.mark.parametrize("name", sorted({v for n in panel.NAMES for v in panel.dashboard(n).variables}))
def test_every_variable_has_values(demo_service, name):
    (variable,) = [v for n in panel.NAMES for v in grafana.dashboard(n)["templating"]["list"] if v["name"] == name][:1]
    names, rows = demo_service[0].store.read(variable["query"]["rawSql"])
    assert (names, bool(rows)) == (["value"], True)
    assert (variable["multi"], variable["includeAll"], variable["allValue"]) == (True, True, "/**/")
