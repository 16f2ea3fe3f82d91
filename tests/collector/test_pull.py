"""Sources that are asked: samples become exact records, and whatever a server does the totals end at its truth."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from made import DATA
from provider import Provider, paged, serving

from collector.attribution import Attribution
from collector.pull import Puller, merged
from collector.source import PULLED, Given, source
from collector.sources import anthropic, openai, openrouter
from ledger.costing import report
from ledger.costing.declared import Declared
from ledger.costing.tick import tick
from ledger.errors import BadRow
from ledger.records import Charge, UsageBucket, Workload

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)
AT = datetime(2026, 11, 22, tzinfo=UTC)


def sample(name):
    return json.loads((DATA / name).read_text(), parse_float=Decimal)


# ---- samples ----------------------------------------------------------------------------------------------------


def test_openai_usage():
    one, two = openai.usage(sample("openai_usage_completions.json"), "s", "a", "completions")
    shared = {"source": "s", "account": "a", "provider": "openai", "view": "completions", "start": AT, "width_s": 3600,
              "model": "gpt-6-astra-2026-05-01", "project": "proj_fixture1", "key": "key_fixture1", "tier": "standard"}  # fmt: skip
    assert one == UsageBucket(**shared, input_fresh=250_000, cache_read=150_000, cache_write_short=9000, cache_write_long=3000,
                              output=38_000, n_requests=540)  # fmt: skip
    assert two == UsageBucket(**shared, processing="batch", input_fresh=90_000, output=7000, n_requests=30)


def test_openai_costs():
    one, two = openai.costs(sample("openai_costs.json"), "s", "a")
    assert one == Charge("s", "a", "openai", AT - DAY, AT, "usage", "gpt-6-astra, input_tokens", "gpt-6-astra", "input_fresh",
                         "proj_fixture1", billed_cost=Decimal("1.25"), effective_cost=Decimal("1.25"), quantity=500_000.0, unit="tokens")  # fmt: skip
    assert (two.billed_cost, two.model, two.quantity) == (Decimal("4.2E-7"), "text-embedding-3-small", 21.0)


@pytest.mark.parametrize("read", [anthropic.analytics_usage, anthropic.report_usage])
def test_anthropic_usage_in_both_forms(read):
    """The same bucket in the analytics form and in the older report; only the first tells requests."""
    new = read is anthropic.analytics_usage
    (found,) = read(sample("anthropic_analytics_usage.json" if new else "anthropic_legacy_usage.json"), "s", "a")
    assert found == UsageBucket(
        "s", "a", "anthropic", "messages", datetime(2026, 11, 20, 10, tzinfo=UTC), 3600, "claude-sonnet-5",
        "wrkspc_fixture1" if new else "", "apikey_fixture1", "standard", "online", "0-200k", input_fresh=15_000, cache_read=60_000,
        cache_write_short=4000, cache_write_long=1000, output=5200, n_requests=310 if new else None, n_web_search=3,
    )  # fmt: skip


def test_anthropic_cost_is_in_cents():
    (new,) = anthropic.analytics_cost(sample("anthropic_analytics_cost.json"), "s", "a")
    assert (new.billed_cost, new.list_cost, new.token_class, new.currency) == (
        Decimal("7.02"),
        Decimal("7.80"),
        "output",
        "USD",
    )
    tokens, search = anthropic.report_cost(sample("anthropic_legacy_cost.json"), "s", "a")
    assert (tokens.billed_cost, tokens.token_class, tokens.list_cost) == (Decimal("12.345678"), "input_fresh", None)
    assert (search.billed_cost, search.token_class, search.line) == (Decimal("0.30"), "", "Web Search Usage")


def test_openrouter_activity():
    page = sample("openrouter_activity.json")
    (used,) = openrouter.activity(page, "s", "a", "usage")
    assert (used.start, used.width_s, used.input_fresh, used.output, used.n_requests) == (AT, 86_400, 180_000, 9000, 42)
    (cost,) = openrouter.activity(page, "s", "a", "costs")
    assert (cost.billed_cost, cost.model, cost.end - cost.start) == (
        Decimal("0.4321"),
        "openai/gpt-6-astra-2026-05-01",
        DAY,
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"input_tokens": -1}, "input_tokens"),
        ({"output_tokens": "12.5"}, "output_tokens"),
        ({"input_tokens": 5, "input_uncached_tokens": None}, "input_tokens"),
        ({"num_model_requests": "many"}, "num_model_requests"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_goes_on(change, field):
    page = sample("openai_usage_completions.json")
    page["data"][0]["results"][0] |= change
    bad, good = openai.usage(page, "s", "a", "completions")
    assert isinstance(bad, BadRow)
    assert bad.field == field
    assert good.output == 7000


def test_new_fields_and_text_numbers_are_taken():
    page = sample("openai_usage_completions.json")
    page["data"][0]["results"][0] |= {"output_tokens": "38000", "input_dream_tokens": 7, "new_text": "x"}
    one, _ = openai.usage(page, "s", "a", "completions")
    assert (one.output, one.extra) == (38_000, {"input_dream_tokens": 7.0})


def test_groups_that_we_do_not_tell_apart_are_added():
    one = UsageBucket("s", "a", "p", "v", AT, 3600, output=5, n_requests=1)
    (found,) = merged([one, one])
    assert (found.output, found.n_requests) == (10, 2)


# ---- a server that misbehaves -----------------------------------------------------------------------------------


class OpenAITruth:
    """Hourly usage and daily costs of a few days, to be revised by a test."""

    def __init__(self):
        self.usage = {AT + k * timedelta(hours=1): 1000 + k for k in range(72)}
        self.costs = {AT + k * DAY: Decimal(10 + k) for k in range(3)}

    def completions(self, query):
        """Answer one page of usage."""
        start, end = (datetime.fromtimestamp(int(query[n][0]), UTC) for n in ("start_time", "end_time"))
        rows = [
            {"object": "bucket", "start_time": int(at.timestamp()), "end_time": int(at.timestamp()) + 3600, "results": [
                {"input_tokens": tokens, "output_tokens": 10, "num_model_requests": 1, "model": "gpt-4o"}] if tokens else []}
            for at, tokens in sorted(self.usage.items()) if start <= at < end
        ]  # fmt: skip
        return paged(rows, query, 10)

    def money(self, query):
        """Answer one page of costs."""
        start, end = (datetime.fromtimestamp(int(query[n][0]), UTC) for n in ("start_time", "end_time"))
        rows = [
            {"object": "bucket", "start_time": int(at.timestamp()), "end_time": int(at.timestamp()) + 86_400, "results": [
                {"amount": {"value": str(usd), "currency": "usd"}, "line_item": "gpt-4o, input_tokens"}]}
            for at, usd in sorted(self.costs.items()) if start <= at < end
        ]  # fmt: skip
        return paged(rows, query, 2)

    def provider(self):
        """Return a server of this truth."""
        return Provider({
            "/organization/usage/completions": self.completions, "/organization/usage/embeddings": lambda q: paged([], q),
            "/organization/costs": self.money,
        })  # fmt: skip


def puller(store, prices, url, kind="openai"):
    given = Given("acme", kind, "secret-key", url, "acme", sleep=lambda _: None)
    return given, Puller(store, prices, Attribution(), [given])


def pull(store, prices, url, now=NOW, kind="openai", since=None):
    given, poller = puller(store, prices, url, kind)
    return [poller.poll(given, stream, now, since) for stream in source(kind).streams]


def stored(store):
    usage = store.read("SELECT sum(input_fresh), sum(n_requests), count() FROM usage_buckets FINAL")[1][0]
    return (*usage, store.read("SELECT sum(billed_cost) FROM charges FINAL")[1][0][0])


def truth(server):
    told = [tokens for tokens in server.usage.values() if tokens]
    return sum(told), len(told), len(told), sum(server.costs.values())


BUSY = (429, {"Retry-After": "0"}, {"error": {"message": "slow down"}})
BROKEN = (500, {}, b"<html>oops</html>")


@pytest.mark.parametrize(
    "faults",
    [[], [BUSY, None, BUSY], [BROKEN, BROKEN], [None, BROKEN, None, BUSY, BROKEN]],
    ids=["none", "429", "500-twice", "mixed"],
)
def test_totals_end_at_the_truth_whatever_the_server_does(store, prices, faults):
    server = OpenAITruth()
    provider = server.provider()
    provider.faults = list(faults)
    with serving(provider) as url:
        found = pull(store, prices, url)
        assert [health.error for health in found] == ["", ""]
        assert stored(store) == truth(server)
        again = pull(store, prices, url, NOW + timedelta(hours=1))
        assert [health.revised for health in again] == [0, 0]
    assert stored(store) == truth(server)
    assert all(headers["Authorization"] == "Bearer secret-key" for _, _, headers in provider.asked)
    assert all(headers["User-Agent"].startswith("breakeven/") for _, _, headers in provider.asked)


def test_revised_buckets_replace_and_vanished_ones_go(store, prices):
    """One hour goes up, one down, one is gone; a day of money is revised."""
    server = OpenAITruth()
    with serving(server.provider()) as url:
        pull(store, prices, url)
        hours = sorted(server.usage)
        server.usage[hours[-3]] *= 2
        server.usage[hours[-20]] //= 2
        server.usage[hours[-30]] = 0
        server.costs[AT + 2 * DAY] = Decimal("11.5")
        found = pull(store, prices, url, NOW + timedelta(hours=2))
        assert [health.revised for health in found] == [3, 1]
    assert stored(store) == truth(server)


def test_reported_usage_is_priced_and_placed_and_costs(store, prices):
    """What the provider tells is the API's cost where nothing else is there, in the workload that its model names."""
    server = OpenAITruth()
    declared = [Workload("bot", "support", '{"model": ["gpt-4o*"]}', [], 1.0, NOW)]
    with serving(server.provider()) as url:
        given = Given("acme", "openai", "secret-key", url, "acme", sleep=lambda _: None)
        Puller(store, prices, Attribution(declared), [given]).poll(given, source("openai").streams[0], NOW)
    tick(store, Declared(), NOW)
    (row,), _ = report.cost(store, by=["workload", "team", "model"])
    tokens, n, *_ = truth(server)
    assert row.group == {"workload": "bot", "team": "support", "model": "gpt-4o"}
    assert (row.total_input, row.output, row.requests, row.unpriced_tokens) == (tokens, 10 * n, n, 0)
    assert row.cost == row.reported_cost == (tokens * Decimal("2.5") + 10 * n * 10) / 10**6


def test_an_interrupted_backfill_ends_at_the_truth(store, prices):
    """The server dies in the middle of the windows; what was stored stays, the next poll brings the rest."""
    server = OpenAITruth()
    server.usage = {AT - 40 * DAY + k * timedelta(hours=7): 1000 + k for k in range(150)}
    provider = server.provider()
    with serving(provider) as url:
        provider.faults = [None] * 4 + [BROKEN] * 5
        broken = pull(store, prices, url, since=AT - 45 * DAY)[0]
        assert broken.error.startswith("acme: /organization/usage/")
        assert "500" in broken.error
        assert stored(store)[0] < truth(server)[0]
        assert pull(store, prices, url, NOW, since=AT - 45 * DAY)[0].error == ""
    assert stored(store) == truth(server)


def test_a_repeated_cursor_is_stopped_and_nothing_of_the_window_stored(store, prices):
    provider = Provider(
        {"/organization/usage/completions": lambda _: {"data": [], "has_more": True, "next_page": "string"}}
    )
    with serving(provider) as url:
        health = pull(store, prices, url)[0]
    assert "repeats page 'string'" in health.error
    assert provider.counts["/organization/usage/completions"] == 2


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "organization admin key (sk-admin-…) is needed"), (403, "permission missing"), (404, "404")],
)
def test_a_refusal_says_what_to_do(store, prices, status, words):
    provider = Provider({p: lambda _: (status, {"error": {"message": "no"}}) for p in (
        "/organization/usage/completions", "/organization/costs")})  # fmt: skip
    with serving(provider) as url:
        found = pull(store, prices, url)
    assert all(words in health.error for health in found)
    assert all("secret-key" not in health.error for health in found)


def test_a_server_that_asks_for_patience_is_left_alone(store, prices):
    provider = Provider({})
    provider.faults = [(429, {"Retry-After": "3600"}, {})] * 2
    with serving(provider) as url:
        found = pull(store, prices, url)
    assert [("come back in 3600 s" in h.error) for h in found] == [True, True]
    assert len(provider.asked) == 2


def test_without_network_it_says_so(store, prices):
    health = pull(store, prices, "http://127.0.0.1:9")[0]
    assert "ConnectError" in health.error


def test_a_row_outside_of_the_window_is_rejected(store, prices):
    row = {
        "start_time": int((AT - 400 * DAY).timestamp()),
        "end_time": int((AT - 399 * DAY).timestamp()),
        "results": [{"input_tokens": 5}],
    }
    provider = Provider(
        {"/organization/usage/completions": lambda _: {"data": [row]}, "/organization/usage/embeddings": lambda _: {}}
    )
    with serving(provider) as url:
        pull(store, prices, url)
    assert store.read("SELECT count() FROM usage_buckets FINAL")[1] == [(0,)]
    assert "outside of the window" in store.read("SELECT reason FROM rejected FINAL LIMIT 1")[1][0][0]


@pytest.mark.parametrize(
    "page", [{"data": [{"results": [{}]}]}, {"data": "text"}, {"data": [{"start_time": "x", "end_time": 1, "results": [{}]}]}, {"data": [5]}],
    ids=["no start", "text", "no time", "number"],
)  # fmt: skip
def test_an_answer_of_another_form_is_a_refusal_of_that_source(store, prices, page):
    provider = Provider({"/organization/usage/completions": lambda _: page, "/organization/costs": lambda _: page})
    with serving(provider) as url:
        found = pull(store, prices, url)
    assert all("unexpected form" in health.error for health in found)


def test_open_buckets_are_provisional(store, prices):
    server = OpenAITruth()
    server.usage = {NOW.replace(minute=0) - k * timedelta(hours=1): 100 for k in range(6)}
    with serving(server.provider()) as url:
        pull(store, prices, url)
    assert store.read("SELECT is_final, count() FROM usage_buckets FINAL GROUP BY 1 ORDER BY 1")[1] == [(0, 2), (1, 4)]


# ---- the other providers ----------------------------------------------------------------------------------------


def bucket(at, **more):
    return {
        "starting_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "ending_at": f"{at + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        **more,
    }


@pytest.mark.parametrize("analytics", [True, False])
def test_anthropic_falls_back_to_the_reports(store, prices, analytics):
    usage = {"uncached_input_tokens": 100, "output_tokens": 7}
    new = [bucket(AT + k * timedelta(hours=1), group={"model": "m"}, usage={**usage, "requests": 3}) for k in range(5)]
    old = [bucket(AT + k * timedelta(hours=1), results=[{**usage, "model": "m"}]) for k in range(5)]
    inside = lambda rows, q: paged([r for r in rows if q["starting_at"][0] <= r["starting_at"] < q["ending_at"][0]], q)  # noqa: E731
    answers = {
        "/organizations/usage_report/messages": lambda q: inside(old, q),
        "/organizations/cost_report": lambda q: paged([], q),
    }
    if analytics:
        answers["/organizations/analytics/usage"] = lambda q: inside(new, q)
        answers["/organizations/analytics/cost"] = lambda q: paged([], q)
    with serving(Provider(answers)) as url:
        assert [h.error for h in pull(store, prices, url, kind="anthropic")] == ["", ""]
    assert store.read("SELECT sum(input_fresh), sum(output), sum(n_requests) FROM usage_buckets FINAL")[1] == [
        (500, 35, 15 if analytics else None)
    ]


def test_litellm_pages_its_spend_logs_and_a_push_adds_nothing(store, prices, tmp_path):
    rows = [
        {"request_id": f"chatcmpl-0123456789abcdef{k:03d}", "litellm_call_id": f"call-{k}", "spend": 0.001, "startTime": f"2026-11-24T10:{k:02d}:00Z",
         "endTime": f"2026-11-24T10:{k:02d}:02Z", "model": "gpt-4o-mini", "custom_llm_provider": "openai", "prompt_tokens": 100,
         "completion_tokens": 10, "metadata": {}}
        for k in range(25)
    ]  # fmt: skip

    def logs(query):
        number, size = int(query["page"][0]), 10
        inside = [
            r
            for r in rows
            if query["start_date"][0].replace(" ", "T") <= r["startTime"] < query["end_date"][0].replace(" ", "T")
        ]
        return {
            "data": inside[(number - 1) * size : number * size],
            "total": len(inside),
            "page": number,
            "total_pages": -(-len(inside) // size),
        }

    with serving(Provider({"/spend/logs/v2": logs})) as url:
        assert [h.error for h in pull(store, prices, url, kind="litellm")] == [""]
        pull(store, prices, url, NOW + timedelta(minutes=10), kind="litellm")
    totals = "SELECT count(), sum(total_input), sum(cost_reported) FROM v_requests"
    assert store.read(totals)[1] == [(25, 2500, Decimal("0.025"))]
    from collector.importer import Plan, import_file
    from collector.sources.requests_log import Defaults

    pushed = [{"id": r["request_id"], "startTime": 1795514400.0 + 60 * k, "response_cost": 0.001, "status": "success",
               **{n: r[n] for n in ("litellm_call_id", "model", "custom_llm_provider", "prompt_tokens", "completion_tokens")}}
              for k, r in enumerate(rows)]  # fmt: skip
    log = tmp_path / "push.jsonl"
    log.write_text("\n".join(json.dumps(r) for r in pushed))
    report = import_file(store, prices, Attribution(), log, Plan({}, Defaults()), NOW)
    assert (report.counts.accepted, report.counts.duplicate) == (0, 25)
    assert store.read(totals)[1] == [(25, 2500, Decimal("0.025"))]


@pytest.mark.parametrize("kind", PULLED)
def test_every_source_is_due_once_and_says_how_it_is(store, prices, kind):
    given, poller = puller(store, prices, "http://127.0.0.1:9", kind)
    due = poller.due(NOW)
    assert [stream.name for _, stream in due] == [stream.name for stream in source(kind).streams]
    for one, stream in due:
        poller.poll(one, stream, NOW)
        assert poller.health(given.name, stream.name).tried == NOW
    assert poller.due(NOW + timedelta(seconds=10)) == []
    assert "secret-key" not in repr(given)
