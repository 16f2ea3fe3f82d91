"""The calculations that docs do by hand, held against the demo and its figures."""

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from breakeven import demo
from ledger.costing import report
from ledger.verdict.hybrid import steps
from ledger.verdict.load import Load, pool_size
from ledger.verdict.uncertainty import bound, usable_weeks

DOCS = Path(__file__).parents[2] / "docs"
HOUR = timedelta(hours=1)


def numbers(text):
    return [float(n.replace(",", "")) for n in re.findall(r"[\d,]+(?:\.\d+)?", text)]


def test_the_requests_of_the_hour_in_docs_are_the_demo_s():
    """docs/costs.md lists the requests of 2026-11-20 02:00 of the demo as of 2026-11-25; their work is the sum it says."""
    as_of, hour = datetime(2026, 11, 25, tzinfo=UTC), datetime(2026, 11, 20, 2, tzinfo=UTC)
    day = demo.DAYS - 5
    rows = [
        r for r in demo._day(hour.replace(hour=0), day, as_of) if hour <= r.at < hour + HOUR and r.side == "self_hosted"
    ]
    text = (DOCS / "costs.md").read_text()
    table = [numbers(line) for line in text.splitlines() if re.match(r"\| [\d,]+ \| [\d,]+ \| [\d.]+ s \|", line)]
    works = [(700 * r.input_fresh + 9000 * r.output) / 1e6 for r in rows]
    assert [row[:2] for row in table[:-1]] == [[r.input_fresh, r.output] for r in rows]
    assert [row[2] for row in table[:-1]] == pytest.approx(works, abs=5e-5)
    assert table[-1] == pytest.approx(
        [sum(r.input_fresh for r in rows), sum(r.output for r in rows), sum(works)], abs=5e-5
    )
    assert f"**{sum(works) * 0.8 / 3600:.5f}** USD" in text


def test_the_demo_s_hours_are_the_same_calculation(demo_service):
    """Any quiet hour of the last nights whose requests end in it: usage by tokens, allocation by the bill."""
    service, _, as_of = demo_service
    checked = 0
    for n in range(1, 200):
        hour = as_of.replace(minute=0, second=0, microsecond=0) - n * HOUR
        sql = (
            "SELECT at, latency_ms, total_input, output FROM v_requests WHERE side = 'self_hosted' "
            f"AND at >= toDateTime64('{hour - HOUR:%Y-%m-%d %H:%M:%S}', 3, 'UTC') AND at < toDateTime64('{hour + HOUR:%Y-%m-%d %H:%M:%S}', 3, 'UTC')"
        )
        rows = service.store.read(sql)[1]
        ends = [(at, at + timedelta(milliseconds=ms)) for at, ms, _, _ in rows]
        spills = any(at < hour < end.replace(second=59) or end.replace(second=59) > hour + HOUR for at, end in ends)
        works = [(700 * i + 9000 * o) / 1e6 for at, _, i, o in rows if at >= hour]
        if spills or len(works) < 2 or max(works) * len(works) > 600:
            continue
        checked += 1
        usage = report.cost(
            service.store, since=hour, until=hour + HOUR, only={"side": ["self_hosted"]}, basis="usage"
        )[1]
        assert float(usage.cost) == pytest.approx(sum(works) * 0.8 / 3600, abs=1e-5)
        paid = report.cost(service.store, since=hour, until=hour + HOUR, only={"side": ["self_hosted"]})[1].cost
        month = (hour.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        assert abs(paid - (Decimal("3.2") + Decimal(90) / (24 * month.day))) < Decimal("0.000002")
    assert checked >= 3


def test_one_side_or_workload_alone(demo_service):
    """What is left out is in the other questions: sides add up to the whole."""
    service, _, as_of = demo_service
    since = as_of - timedelta(days=3)
    both = report.cost(service.store, since=since)[1].cost
    sides = [report.cost(service.store, since=since, only={"side": [side]})[1].cost for side in ("api", "self_hosted")]
    assert sum(sides) == both
    by = {r.group["workload"]: r.cost for r in report.cost(service.store, by=["workload"], since=since)[0]}
    for name in ("support-bot", "search-summaries"):
        assert report.cost(service.store, since=since, only={"workload": [name]})[1].cost == by[name]


def test_the_verdict_that_docs_make_by_hand():
    """docs/verdict.md goes from the tokens of support-bot to its verdict: the demo's rows, and the same arithmetic."""
    as_of, first = datetime(2026, 11, 25, tzinfo=UTC), demo.DAYS - 28
    start = as_of - timedelta(days=28)
    rows = [
        r for n in range(28) for r in demo._day(start + timedelta(days=n), first + n, as_of)
        if r.key == "support-prod" and start <= r.at < as_of and r.input_fresh + r.output
    ]  # fmt: skip
    fresh, cached, output = (sum(getattr(r, n) for r in rows) for n in ("input_fresh", "cache_read", "output"))
    api = (3 * fresh + 0.3 * cached + 15 * output) / 1e6
    series, daily = [0.0] * (28 * 8640), [0.0] * 28
    for r in rows:
        at = (r.at - start).total_seconds()
        series[int(at // 10)] += (120 * r.input_fresh + 6 * r.cache_read + 1800 * r.output) / 1e6 / 10
        daily[int(at // 86_400)] += (3 * r.input_fresh + 0.3 * r.cache_read + 15 * r.output) / 1e6
    load, work = Load.of(series), sum(series) * 10
    found = steps(load, 2)
    displaced_ = api / (work / 3600)
    over = displaced_ * found[1].overflow
    month = (0.8 + over) * 720 + 90
    savings = [
        paid - (0.8 + displaced_ * Load.of(series[8640 * n : 8640 * (n + 1)]).overflow(1)) * 24 - 3
        for n, paid in enumerate(daily)
    ]
    sure = bound(savings, daily, usable_weeks(28))
    text = " ".join((DOCS / "verdict.md").read_text().split())
    for said in (
        f"{fresh:,}, {cached:,} and {output:,} tokens", f"**{api:,.4f}** USD", f"= {api * 720 / 672:,.2f} a month",
        f"**{work:,.1f}** replica-seconds = {work / 3600:.4f} replica-hours", f"**{displaced_:.4f}** USD",
        f"**{80 / displaced_:.3f} %** of its time", f"**{100 * found[1].own:.4f} %** for the first",
        f"**{100 * found[2].own:.4f} %** for the second", f"a peak of {load.peak:.4f}", f"= {load.mean:.7f} replicas",
        f"{found[1].own:.7f} run on the replica and {found[1].overflow:.7f} overflow", f"= {0.8 + over:.6f} USD an hour",
        f"**{month:.2f}**, which is **{api * 720 / 672 - month:.2f}** less", f"= {pool_size(load.peak) * 576 + 90:,} ".strip(),
        ", ".join(f"{w:.4f}" for w in sure.weeks[:3]) + f" and {sure.weeks[3]:.4f} USD", f"mean {sure.mean:.4f}",
        f"= {sure.error:.5f}.", f"= **{sure.lower:.4f}** a day", f"today's {sum(daily) / 28:.2f} a day are {sum(daily) / 560:.2f}",
        f"after {math.ceil(16_000 / 3 / sure.mean)} days",
    ):  # fmt: skip
        assert said in text, said
