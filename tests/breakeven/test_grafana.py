"""Grafana's files: committed as rendered, well laid out, and every statement gives the page's rows through the reader."""

import itertools
import json
import re
import warnings
from datetime import timedelta
from pathlib import Path

import pytest
from made import command

from alerts import grafana as rules
from dashboards import grafana, page, panel

RENDERED = Path(__file__).parents[2] / "dashboards" / "rendered"
PANELS = [
    (name, key) for name in panel.NAMES for key, one in panel.dashboard(name).panels.items() if one.draw != "text"
]
ONE = {"workload": "support-bot", "pool": "lab", "team": "support", "environment": "prod", "provider": "anthropic",
       "model": "claude-demo-sonnet", "node": "lab-1", "slo_ttft": "0.5"}  # fmt: skip


@pytest.mark.parametrize("name", sorted(grafana.files()))
def test_what_is_committed_is_what_is_rendered(name):
    """`make render` writes them anew."""
    assert (RENDERED / name).read_text("utf-8") == grafana.files()[name]


def test_no_file_is_left_over():
    assert {str(p.relative_to(RENDERED)) for p in RENDERED.rglob("*") if p.is_file()} == set(grafana.files())


def test_the_command_writes_once(tmp_path):
    first = json.loads(command("grafana", "render", "--out", str(tmp_path / "g"), "--json").stdout)
    assert first["changed"] == [*grafana.files(), *rules.files()]
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
        if one["type"] not in ("row", "text"):
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
    variables = {v: [ONE[v] if c == "one" else c for c in chosen] for v in board.variables}
    for name_ in set(variables) & {*board.single, "slo_ttft"}:  # Grafana always has a value of these
        variables[name_] = [v for v in variables[name_] if name_ == "workload"][:1] or [ONE[name_]]
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
    found = [v for n in panel.NAMES for v in grafana.dashboard(n)["templating"]["list"] if v["name"] == name]
    for variable in found:
        if variable["type"] == "textbox":
            assert float(variable["current"]["value"]) > 0
            continue
        every = {} if "team:" not in variable["definition"] else {"team": [], "provider": [], "pool": []}
        for chosen in ({}, {k: ["it's"] for k in every}):
            text = expanded(variable["query"]["rawSql"], 0, 0, 0, {"team": [], "provider": [], "pool": [], **chosen})
            names, rows = demo_service[0].store.read(text)
            assert (names, bool(rows) or bool(chosen)) == (["value"], True)
        wanted = (False, False, None) if name == "workload" and variable["multi"] is False else (True, True, "/**/")
        assert (variable["multi"], variable["includeAll"], variable.get("allValue")) == wanted


@pytest.mark.parametrize("hours", [6, 168, 1440])
@pytest.mark.parametrize("chosen", [[], ["it's"]], ids=["all", "quoted"])
@pytest.mark.parametrize("name", panel.NAMES)
def test_marks_are_the_page_s_in_grafana(demo_service, name, chosen, hours):
    """Every annotation's text, expanded and run as the reader, gives the page's marks."""
    service, _, as_of = demo_service
    board = panel.dashboard(name)
    end = as_of.replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(hours=hours)
    variables = {v: list(chosen) for v in board.variables}
    found = page.marks(service.store, name, start=start, end=end, variables=variables)
    told = []
    for one in grafana.dashboard(name)["annotations"]["list"]:
        text = expanded(one["target"]["rawSql"], int(start.timestamp()), int(end.timestamp()), 60, variables)
        names, rows = service.store.read(text)
        assert names[0] == "time"
        assert {"time", "text"} <= set(names) <= {"time", "timeEnd", "text", "tags", "title"}
        told += [(row[0].timestamp() * 1000, row[names.index("text")]) for row in rows]
    assert sorted(told) == [(m["time"], m["text"]) for m in found]
    if hours == 1440 and name == "overview" and not chosen:
        kinds = {m["kind"] for m in found}
        assert kinds == {"price_change", "verdict_change", "gap"}


def lost(made, back, path=""):
    """Yield every place at which a value was lost or changed; null is as good as nothing."""
    if isinstance(made, dict):
        for key, value in made.items():
            if value is not None:
                yield from lost(value, back.get(key) if isinstance(back, dict) else None, f"{path}/{key}")
    elif isinstance(made, list) and isinstance(back, list) and len(made) == len(back):
        for number, (one, other) in enumerate(zip(made, back, strict=True)):
            yield from lost(one, other, f"{path}[{number}]")
    elif made != back:
        yield path


@pytest.fixture(scope="module")
def roundtrip():
    """Read and write a dashboard through Grafana's own schema: what it does not know does not come back."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from grafana_foundation_sdk.cog import plugins, runtime, variants
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
        from grafana_foundation_sdk.models.dashboard import Dashboard

    class Query(variants.Dataquery):
        def __init__(self, told):
            self.told = told

        def to_json(self):
            return self.told

    plugins.register_default_plugins()
    hook = runtime.DataqueryConfig(identifier="grafana-clickhouse-datasource", from_json_hook=Query)
    runtime.register_dataquery_variant(hook)
    return lambda made: json.loads(json.dumps(Dashboard.from_json(json.loads(json.dumps(made))), cls=JSONEncoder))


@pytest.mark.parametrize("name", panel.NAMES)
def test_grafana_s_own_schema_loses_nothing(roundtrip, name):
    made = grafana.dashboard(name)
    assert list(lost(made, roundtrip(made))) == []
    made["panels"][1]["fieldConfig"]["defaults"]["unti"] = "percent"
    made["panels"][1]["tilte"] = "misspelt"
    assert [p.rpartition("/")[2] for p in lost(made, roundtrip(made))] == ["unti", "tilte"]


def test_grafana_knows_every_unit():
    from grafana_foundation_sdk.models import units

    known = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
    for word, one in panel.vocabulary()["units"].items():
        given = one.get("grafana", "none")
        prefixed = given.startswith(("suffix:", "prefix:", "si:", "count:", "currency:"))
        assert prefixed or given in known, word
