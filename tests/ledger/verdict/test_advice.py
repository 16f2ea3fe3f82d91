"""Advice through the ledger: made day by day, whatever days were missed; accepted, moved and scored; policy and sunk money."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from made import request

from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import tick
from ledger.prices.book import BEGIN, END, Override
from ledger.prices.register import PriceRegister
from ledger.records import Deployment, GpuRate, Workload
from ledger.verdict.evaluate import evaluate
from ledger.verdict.explain import shared
from ledger.verdict.history import boxes, read
from ledger.verdict.policy import Policy
from ledger.verdict.remember import accept, memories, moved, realised
from ledger.verdict.weigh import Settings, Terms, facts_at, weigh
from ledger.verdict.whatif import Change, backtest, whatif

END_ = datetime(2026, 11, 25, tzinfo=UTC)
DAY = timedelta(days=1)


def declared(kind="rented", usd="0.50", until=END):
    return Declared(
        rates=(GpuRate("lab", kind, 4, Decimal(usd), BEGIN, until, BEGIN),),
        pools=(Pool("lab", 4),),
        deployments=(
            Deployment("api", "api", "openai", "m", "", [], 1, 0, 0, 0, 0, "", BEGIN),
            Deployment("own", "self_hosted", "own", "llama", "lab", [], 1, 0.0, 0.0, 0.002, 0.0, "A", BEGIN),
        ),
        workloads=(Workload("w", "", "{}", ["api", "own"], 1.0, BEGIN),),
    )


@pytest.fixture
def prices(store):
    return PriceRegister(store, [Override("openai", "m", input=Decimal(1), output=Decimal(40))])


def fill(store, prices, first, days, side="api", per_hour=30, name="r"):
    """30 requests an hour, six of them at once: 2,500 output tokens and 5 replica-seconds each, 0.1001 USD on the API."""
    prices.resolve([("openai", "m", "standard", "")], END_)
    more = (
        {"side": "self_hosted", "provider": "own", "model": "llama", "deployment": "own"}
        if side != "api"
        else {"model": "m"}
    )
    step = timedelta(hours=1) / per_hour
    rows = [
        request(
            first + max(0, n % per_hour - 5) * step + n // per_hour * timedelta(hours=1),
            f"{name}{first:%m%d}{n}",
            input_fresh=100,
            output=2_500,
            **more,
        )
        for n in range(days * 24 * per_hour)
    ]
    months = {}
    for row in rows:
        months.setdefault((row.at.year, row.at.month), []).append(row)
    for part in months.values():
        store.add(part)


CHEAP = Settings(switch_hours=8.0)


def states(store):
    return [row[0] for row in store.read("SELECT state FROM v_advice WHERE event = '' ORDER BY day")[1]]


def test_advice_is_the_same_whatever_days_it_was_asked_on(store, prices):
    """Asked once at the end, or on some days with a pause in between: the same state on every day."""
    fill(store, prices, END_ - 40 * DAY, 40)
    given = declared()
    tick(store, given, END_)
    (last,) = evaluate(store, prices, given, END_, CHEAP)
    assert last.verdict == "hybrid"
    at_once = {r[0]: r[1:] for r in store.read("SELECT day, state, regret FROM v_advice ORDER BY day")[1]}
    assert len(at_once) == 28
    assert list(dict.fromkeys(s for s, _ in at_once.values())) == ["insufficient", "recommend"]
    assert min(d for d, (s, _) in at_once.items() if s == "recommend") == (END_ - 13 * DAY).date()
    store._client.command("TRUNCATE TABLE advice")
    for back in (20, 19, 8, 0, 0):
        evaluate(store, prices, given, END_ - back * DAY, CHEAP)
    again = {r[0]: r[1:] for r in store.read("SELECT day, state, regret FROM v_advice ORDER BY day")[1]}
    assert {d: s for d, (s, _) in again.items() if d in at_once} == {d: s for d, (s, _) in at_once.items()}
    assert again[max(again)][1] == pytest.approx(at_once[max(at_once)][1])
    transitions = [json.loads(r[0]) for r in store.read("SELECT transitions FROM v_advice ORDER BY day")[1]]
    assert sum(bool(t) for t in transitions) == 1  # one notification for the way from insufficient to recommend


def test_accepted_moved_and_scored(store, prices):
    """The forecast is kept; after the move the old way is replayed on the new traffic: 0.1001 · 720 less 12 USD a day."""
    fill(store, prices, END_ - 40 * DAY, 40)
    given = declared(usd="0.125")
    tick(store, given, END_)
    (found,) = evaluate(store, prices, given, END_, CHEAP)
    assert memories(store)["w"].state == "recommend"
    mean = json.loads(found.details)["bound"]["mean"]
    accept(store, "w", {"saving_usd_day": mean, "from_option": "api"})
    assert memories(store)["w"].state == "acknowledged"
    with pytest.raises(ValueError, match="state is acknowledged"):
        accept(store, "w", {})
    later = END_ + 10 * DAY
    fill(store, prices, END_, 10, side="own")
    moved(store, "w", date(2026, 11, 25))
    tick(store, given, later)
    evaluate(store, prices, given, later, CHEAP)
    assert memories(store)["w"].state in ("steady", "watch", "insufficient")
    score = realised(store, read(store, prices, given, later, 56)["w"])
    assert (score.days, score.since) == (9, date(2026, 11, 26))
    assert score.saved == pytest.approx(720 * 0.1001 - 4 * 0.125 * 24, rel=1e-6)
    assert score.forecast == pytest.approx(mean)
    assert score.ratio == pytest.approx(score.saved / mean)
    told = store.read("SELECT rule, value FROM signals FINAL WHERE rule LIKE '%_saving' ORDER BY rule, at")[1]
    assert (
        told == [("forecast_saving", pytest.approx(mean))] * 9 + [("realised_saving", pytest.approx(score.saved))] * 9
    )
    assert replace(score, forecast=None).ratio is None  # accepted before a bound could be given


def test_policy_decides_before_cost(store, prices):
    fill(store, prices, END_ - 30 * DAY, 30)
    given = declared()
    tick(store, given, END_)

    def verdict(**policy):
        settings = replace(CHEAP, terms={"w": Terms(Policy(**policy))})
        (found,) = evaluate(store, prices, given, END_, settings, keep=False)
        return found, json.loads(found.details)["judgement"]

    free, _ = verdict()
    assert free.verdict == "hybrid"
    restricted, judged = verdict(data_class="restricted")
    assert (restricted.verdict, restricted.option) == ("self_hosted", "own")
    assert "1: restricted data" in restricted.reason
    assert judged["shadow_month"] == pytest.approx(
        float(restricted.candidate_usd_month - free.candidate_usd_month), abs=0.02
    )
    blocked, _ = verdict(data_class="restricted", self_feasible=False)
    assert blocked.verdict == "blocked"
    early, _ = verdict(stage="mvp")
    assert (early.verdict, "7: stage mvp" in early.reason) == ("api", True)
    noted, _ = verdict(team_can_operate=False)
    assert (noted.verdict, "if operated" in noted.reason) == ("api", True)
    part, judged = verdict(frontier_share=0.5)
    assert "self_hosted" in judged["removed"]
    assert part.candidate_usd_month > free.candidate_usd_month


def test_money_that_is_spent_is_not_saved(store, prices):
    """I28: GPUs that are committed cost nothing more while the term runs; after it they do."""
    fill(store, prices, END_ - 30 * DAY, 30)
    tick(store, declared(), END_)
    for kind, until, paid in (("committed", END, 4), ("committed", END_ - DAY, 0), ("rented", END, 0)):
        given = declared(kind, until=until)
        history = read(store, prices, given, END_, 28)["w"]
        own = facts_at(history, 27, boxes(given, END_), CHEAP).own[0]
        assert own.paid == paid
        if paid:
            assert own.hour(3) == 0
            choice = weigh(history, 27, boxes(given, END_), CHEAP).judgement.choices[0]
            assert choice.average_usd_month == pytest.approx(choice.usd_month + choice.replicas * 0.5 * 720)


def test_a_price_edited_in_the_middle_of_a_day_is_looked_at_at_once(store, prices):
    """Recommended on a day; then GPUs become dear: withdrawn on the same day, and told beside what was told before."""
    fill(store, prices, END_ - 40 * DAY, 40)
    tick(store, declared(), END_)
    evaluate(store, prices, declared(), END_, CHEAP)
    assert memories(store)["w"].state == "recommend"
    before = memories(store)["w"].regret
    evaluate(store, prices, declared(), END_ + timedelta(hours=3), CHEAP)
    assert (memories(store)["w"].state, memories(store)["w"].regret) == ("recommend", before)
    evaluate(store, prices, declared(usd="9.00"), END_ + timedelta(hours=5), CHEAP)
    found = memories(store)["w"]
    assert (found.state, found.day) == ("clear", (END_ - DAY).date())
    assert [t["after"] for t in json.loads(found.transitions)][-1] == "clear"


def test_replicas_that_others_use_are_not_spare(store, prices):
    """Four committed replicas, another workload with a mean load of one: two and a half are left at 80 %."""
    fill(store, prices, END_ - 30 * DAY, 30)
    prices.resolve([("openai", "m", "standard", "")], END_)
    given = declared("committed")
    given = replace(given, workloads=(*given.workloads, Workload("x", "", "{}", ["own"], 1.0, BEGIN)))
    for month in (10, 11):
        rows = [
            request(END_ - 30 * DAY + timedelta(hours=h), f"x{h}", workload="x", side="self_hosted", provider="own",
                    model="llama", deployment="own", input_fresh=0, output=1_800_000)
            for h in range(30 * 24)
        ]  # fmt: skip
        store.add([row for row in rows if row.at.month == month])
    tick(store, given, END_)
    history = read(store, prices, given, END_, 28)["w"]
    assert history.others["own"] == pytest.approx(1.0)
    assert facts_at(history, 27, boxes(given, END_), CHEAP).own[0].paid == 2


def test_what_if_and_backtest(store, prices):
    fill(store, prices, END_ - 50 * DAY, 50)
    given = declared()
    tick(store, given, END_)
    history = read(store, prices, given, END_, 400)["w"]
    facts = facts_at(history, history.days - 1, boxes(given, END_), CHEAP)
    dear = whatif(facts, Change(gpu_usd_hour=50.0), {"own": 1})
    assert (dear.now.label, dear.then.label) == ("hybrid", "api")
    cheap = whatif(facts, Change(api_factor=0.001), {})
    assert cheap.then.verdict == "api"
    twice = whatif(facts, Change(volume=2.0, replicas=2), {})
    assert twice.then.api_month == pytest.approx(2 * twice.now.api_month)
    fixed = whatif(facts, Change(replicas=twice.now.replicas), {})
    assert fixed.fixed_month == pytest.approx(fixed.now.candidate_month)
    (found,) = backtest(history, boxes(given, END_), CHEAP)
    assert set(found.replicas) == {1}
    assert found.followed.clairvoyant <= found.followed.cost <= found.followed.stayed
    assert [s.to for s in found.followed.switches] == [1]
    assert backtest(read(store, prices, given, END_, 28)["w"], boxes(given, END_), CHEAP) == []


def test_waiting_time_decides_how_coarse_load_is(store, prices):
    """Six requests of five replica-seconds at once: three replicas by ten seconds, a part of one by a minute."""
    fill(store, prices, END_ - 29 * DAY, 29)
    given = declared()
    tick(store, given, END_)
    peaks = [
        max(load.peak for load in read(store, prices, given, END_, 28, widths={"w": width})["w"].load["own"])
        for width in (10, 60, 900)
    ]
    assert peaks == pytest.approx([3.0, 0.5, (6 + 7) * 5 / 900], rel=0.02)


def test_what_an_explanation_adds(store, prices):
    """Replicas by the hour of the week, leaving committed capacity, and who goes first on a shared deployment."""
    fill(store, prices, END_ - 30 * DAY, 30)
    given = declared()
    tick(store, given, END_)
    (found,) = evaluate(store, prices, given, END_, CHEAP, keep=False, deep=True)
    details = json.loads(found.details)
    assert len(details["scheduled"]["replicas"]) == 168
    assert set(details["scheduled"]["replicas"]) == {1}  # every hour of this load is alike
    assert details["scheduled"]["usd_month"] == pytest.approx(float(found.candidate_usd_month), abs=0.01)
    assert details["leaving"] is None
    rows = [{"workload": n, "verdict": "hybrid", "option": "own", "details": details} for n in ("a", "b")]
    (both,) = shared(rows, {"own": 1})
    assert (both["wanted"], both["replicas"], [s["workload"] for s in both["served"]]) == (2, 1, ["a", "b"])
    assert shared(rows[:1], {"own": 1}) == []


def test_leaving_what_is_committed(store, prices):
    """Own traffic on four GPUs committed for two more months: 1,440 USD a month are gone, the API would cost 2,162."""
    fill(store, prices, END_ - 30 * DAY, 30, side="own")
    given = declared("committed", until=END_ + 60 * DAY)
    tick(store, given, END_)
    (found,) = evaluate(store, prices, given, END_, CHEAP, keep=False, deep=True)
    gone = json.loads(found.details)["leaving"]
    assert (gone["months_left"], gone["best_month"], gone["best"]) == (2, None, 0)
    assert gone["now"] == pytest.approx(34 * 4 * 0.5 * 720 - 36 * float(found.api_usd_month), abs=0.5)
