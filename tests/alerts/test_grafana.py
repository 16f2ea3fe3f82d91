"""The rules in Grafana: committed as rendered, the same limits, statements that give the same rows, its own schema."""

import json
import re
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts import grafana
from alerts.rule import GROUPS, rules
from ledger.records import signal

RENDERED = Path(__file__).parents[2] / "alerts" / "rendered"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_what_is_committed_is_what_is_rendered(tmp_path):
    assert {str(p.relative_to(RENDERED)) for p in RENDERED.rglob("*") if p.is_file()} == set(grafana.files())
    assert (RENDERED / grafana.FILE).read_text("utf-8") == grafana.files()[grafana.FILE]
    assert grafana.write(tmp_path) == [grafana.FILE]
    assert grafana.write(tmp_path) == []


def test_the_file_touches_nobody_s_routing():
    text = grafana.files()[grafana.FILE]
    assert not re.search(r"(?m)^(policies|resetPolicies|contactPoints):", text)
    assert text.count("isPaused: true") == len(rules())  # two engines would tell everything twice
    assert grafana.files(paused=False)[grafana.FILE].count("isPaused: false") == len(rules())
    outside = re.sub(r'rawSql: ".*"', "", text)
    assert not re.search(r"(?<!\$)\$(?!\$)", outside.replace("$$", ""))


@pytest.mark.parametrize("name", rules())
def test_the_same_limits(name):
    rule = rules()[name]
    (made,) = [r for r in grafana.group(rule.group)["rules"] if r["uid"] == rule.uid]
    (condition,) = made["data"][1]["model"]["conditions"]
    assert condition["evaluator"] == {
        "type": "gt" if rule.condition.op == ">" else "lt",
        "params": [rule.condition.threshold],
    }
    assert (condition.get("unloadEvaluator") or {"params": [None]})["params"] == [rule.condition.recovery]
    assert made["for"] == f"{rule.condition.pending.total_seconds():.0f}s"
    assert (
        made["noDataState"]
        == {"ok": "OK", "alert": "Alerting", "keep": "KeepLast", "nodata": "NoData"}[rule.condition.no_data]
    )
    assert made["data"][0]["relativeTimeRange"] == {
        "from": (rule.window + rule.lag).total_seconds(), "to": rule.lag.total_seconds(),
    }  # fmt: skip
    assert made["labels"] == {"severity": rule.severity, "product": "breakeven", "group": rule.group}
    assert "{" not in re.sub(r"\{\{.*?\}\}", "", made["annotations"]["summary"])
    assert len(made["data"]) == 2 + len(rule.figures)


@pytest.mark.parametrize("name", rules())
def test_the_same_rows_as_the_reader(store, name):
    """Each query as the plugin sends it: labels and exactly one number, none of them null, the engine's own value."""
    rule = rules()[name]
    labels, figures = {label: f"it's {label}" for label in rule.labels}, dict.fromkeys(rule.figures, 2.5)
    store.add([signal(name, NOW - rule.lag, 7.0, labels, **figures)])
    for query in grafana.data(rule):
        if query["datasourceUid"] == "__expr__":
            continue
        span = query["relativeTimeRange"]
        text = query["model"]["rawSql"]
        for macro, seconds in (("$__fromTime", span["from"]), ("$__toTime", span["to"])):
            text = text.replace(macro, f"toDateTime({int((NOW - timedelta(seconds=seconds)).timestamp())})")
        assert "$" not in text
        columns, rows = store.read(text)
        assert columns == [*rule.labels, "value"]
        assert rows == [(*labels.values(), 7.0 if query["refId"] == "A" else 2.5)]


@pytest.mark.parametrize("name", GROUPS)
def test_grafana_s_own_schema_loses_nothing(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
        from grafana_foundation_sdk.models.alerting import RuleGroup

    made = grafana.group(name)
    back = json.loads(json.dumps(RuleGroup.from_json(json.loads(json.dumps(made))), cls=JSONEncoder))
    assert (back["title"], back["interval"], back["folderUid"]) == (made["title"], made["interval"], made["folderUid"])
    for mine, theirs in zip(made["rules"], back["rules"], strict=True):
        for key in (
            "uid",
            "title",
            "condition",
            "noDataState",
            "execErrState",
            "for",
            "labels",
            "annotations",
            "isPaused",
            "ruleGroup",
        ):
            assert theirs[key] == mine[key], key
        assert [q["refId"] for q in theirs["data"]] == [q["refId"] for q in mine["data"]]
        assert theirs["data"][0]["relativeTimeRange"] == mine["data"][0]["relativeTimeRange"]


def test_rules_go_to_a_contact_point_only_where_one_is_named():
    assert "notification_settings" not in grafana.files()[grafana.FILE]
    made = grafana.group("data", receiver="ops")["rules"]
    by_uid = {rule["uid"]: rule["notification_settings"] for rule in made}
    assert {one["receiver"] for one in by_uid.values()} == {"ops"}
    assert (by_uid["be-source-stale"]["repeat_interval"], by_uid["be-clock-skew"]["repeat_interval"]) == ("24h", "4w")
    assert grafana.files(receiver="ops")[grafana.FILE].count('receiver: "ops"') == len(rules())
