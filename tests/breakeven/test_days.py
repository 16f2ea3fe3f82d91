"""Whole days beside their hours: what a panel reads of days and edges is what it would read of hours alone."""

import math
from datetime import timedelta

import pytest
from made import NOW, request

from dashboards import page, panel
from ledger.costing.days import rebuild_days
from ledger.costing.declared import Declared
from ledger.costing.tick import tick
from ledger.sqlfile import sql
from ledger.store.client import bound as to_engine

BOTH = ("cost_periods", "usage_periods", "latency_periods")
READERS = [
    (name, key)
    for name in panel.NAMES
    for key, one in panel.dashboard(name).panels.items()
    if one.draw != "text" and any(view in panel.statement(name, key) for view in BOTH)
]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPANS = [(0, 12 * DAY, 3600), (0, 12 * DAY, 86_400), (7, 13 * DAY + 5 * HOUR, 86_400), (7, 31 * DAY, 43_200),
         (13, 9 * HOUR, 86_400), (23, 26 * HOUR, 172_800), (22, 49 * DAY, 172_800), (1, DAY, 300)]  # fmt: skip


@pytest.fixture(scope="module")
def hours_alone(demo_service):
    """The demo, with views that give the hours of every day and no whole days, under names of their own."""
    service, _, as_of = demo_service
    for view in BOTH:
        service.store.command(
            f"CREATE OR REPLACE VIEW hours_of_{view} AS SELECT * REPLACE (toDateTime(0, 'UTC') AS day) FROM {view} WHERE NOT whole"
        )
    yield service.store, as_of.replace(minute=0, second=0, microsecond=0)
    for view in BOTH:
        service.store.command(f"DROP VIEW hours_of_{view}")


@pytest.mark.parametrize(("begin", "length", "bucket"), SPANS)
@pytest.mark.parametrize(("name", "key"), READERS, ids=[f"{a}-{b}" for a, b in READERS])
def test_days_and_edges_are_the_hours(hours_alone, name, key, begin, length, bucket):
    """`begin`: hours after midnight at which a span ends; ends of spans lie in hours of whole days, and days are whole."""
    store, now = hours_alone
    end = now.replace(hour=0) - 3 * DAY + begin * HOUR
    text = panel.statement(name, key)
    values = {"from": end - length, "to": end, "as_of": end, "bucket": bucket}
    given = {"workload": ["support-bot"]} if "workload" in panel.dashboard(name).variables else {}
    bound = page.bind(panel.places(text), values, given)
    both = store._client.query(text, parameters=to_engine(bound)).result_rows
    for view in BOTH:
        text = text.replace(view, f"hours_of_{view}")
    hours = store._client.query(text, parameters=to_engine(bound)).result_rows
    assert [[rounded(v) for v in row] for row in both] == [[rounded(v) for v in row] for row in hours]


def rounded(value):
    """Sums of floats depend on their order; money is exact and stays so."""
    if isinstance(value, float):
        if math.isnan(value):
            return "no number"
        return float(f"{value:.9g}")
    return [rounded(v) for v in value] if isinstance(value, (tuple, list)) else value


def test_the_demo_shows_something_in_whole_days(hours_alone):
    store, _ = hours_alone
    for view in ("cost_periods", "usage_periods"):
        assert store._client.query(f"SELECT count() > 200 FROM {view} WHERE whole").result_rows == [(True,)]


def test_days_follow_late_rows_and_forget_names_that_moved(store, prices):
    """A day is rebuilt when an hour of it is, whenever that hour was; a workload that lost its rows has 0 there."""
    prices.resolve([("openai", "gpt-4o-mini", "standard", "")], NOW)
    early = [request(NOW - DAY * 3 + n * HOUR, n, workload="bot", input_fresh=1000, output=500) for n in range(5)]
    store.add(early)
    tick(store, Declared(), NOW)
    assert rebuild_days(store) == 0
    assert spent(store) == spent(store, "hourly") != {}
    moved = [request(NOW - DAY * 3 + n * HOUR, n, workload="mail", input_fresh=1000, output=501) for n in range(5)]
    store.add(moved)
    tick(store, Declared(), NOW)
    assert spent(store) == spent(store, "hourly")
    assert {workload for _, workload in spent(store)} == {"mail"}
    assert store._client.query("SELECT countIf(usd = 0) > 0 FROM cost_daily FINAL").result_rows == [(True,)]


def test_a_kill_before_the_mark_rebuilds_once_more(store, prices, monkeypatch):
    prices.resolve([("openai", "gpt-4o-mini", "standard", "")], NOW)
    store.add([request(NOW - DAY, 1, workload="bot", input_fresh=1000, output=500)])
    monkeypatch.setattr("ledger.costing.days.SourceState", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        tick(store, Declared(), NOW)
    monkeypatch.undo()
    assert spent(store) == spent(store, "hourly")
    assert rebuild_days(store) > 0
    assert spent(store) == spent(store, "hourly") != {}


def spent(store, table="daily"):
    time = "day" if table == "daily" else "toStartOfDay(hour)"
    query = f"SELECT {time} AS day, workload, sum(usd) FROM cost_{table} FINAL WHERE usd != 0 GROUP BY day, workload"
    return {(day, workload): usd for day, workload, usd in store._client.query(query).result_rows}


@pytest.mark.parametrize("table", ["cost", "usage"])
def test_every_column_of_an_hour_is_in_its_day(store, table):
    columns = {
        kind: [(name, type_) for name, type_, *_ in store._client.query(f"DESCRIBE TABLE {table}_{kind}").result_rows]
        for kind in ("hourly", "daily")
    }
    assert columns["hourly"][1:] == columns["daily"][1:]
    assert all(name in sql("ledger.costing", f"{table}_daily") for name, _ in columns["hourly"][1:])
