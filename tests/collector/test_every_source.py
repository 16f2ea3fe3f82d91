"""Every source that is asked, in front of a server that misbehaves: the totals end at the server's truth, always."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from provider import Provider, paged, serving

from collector.attribution import Attribution
from collector.pull import Puller
from collector.source import PULLED, Given, source

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)
AT = NOW.replace(hour=0, minute=0, second=0) - 3 * DAY


def iso(at):
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


class Truth:
    """Tokens of some buckets (input, requests) and dollars of days; a server tells them in its own form."""

    step, n = timedelta(hours=1), 48
    unit = Decimal(1)

    def __init__(self):
        self.usage = {AT + k * self.step: (1000 + k, 2) for k in range(self.n)}
        self.money = {AT + k * DAY: Decimal(10 + k) for k in range(2)}

    def restate(self):
        """One bucket up, one down, one gone; a day's money up."""
        first, second, third, *_ = sorted(self.usage)[-4:]
        self.usage[first], self.usage[second] = (5000, 2), (1, 1)
        del self.usage[third]
        self.money[max(self.money)] += 3

    def truth(self):
        return sum(t for t, _ in self.usage.values()), sum(n for _, n in self.usage.values()), sum(self.money.values())

    def within(self, table, start, end):
        return [(at, table[at]) for at in sorted(table) if start <= at < end]


class OpenAI(Truth):
    def provider(self):
        def span(query):
            return (datetime.fromtimestamp(int(query[n][0]), UTC) for n in ("start_time", "end_time"))

        def results(at, width, result):
            return {
                "start_time": int(at.timestamp()),
                "end_time": int(at.timestamp()) + width,
                "results": [result],
                "new": 1,
            }

        def usage(query):
            rows = [results(at, 3600, {"input_tokens": str(t), "output_tokens": 1, "num_model_requests": n, "model": "m", "dreams": 3})
                    for at, (t, n) in self.within(self.usage, *span(query))]  # fmt: skip
            return paged(rows, query, 7)

        def costs(query):
            rows = [results(at, 86_400, {"amount": {"value": str(usd), "currency": "usd"}, "line_item": "m, input"})
                    for at, usd in self.within(self.money, *span(query))]  # fmt: skip
            return paged(rows, query, 1)

        return Provider({"/organization/usage/completions": usage, "/organization/usage/embeddings": lambda q: paged([], q),
                         "/organization/costs": costs})  # fmt: skip


class Anthropic(Truth):
    def provider(self):
        def span(query):
            return (datetime.fromisoformat(query[n][0]) for n in ("starting_at", "ending_at"))

        def usage(query):
            rows = [{"starting_at": iso(at), "ending_at": iso(at + self.step), "group": {"model": "m", "new": "x"},
                     "usage": {"uncached_input_tokens": str(t), "output_tokens": 1, "requests": n, "dream_tokens": 4}}
                    for at, (t, n) in self.within(self.usage, *span(query))]  # fmt: skip
            return paged(rows, query, 7)

        def costs(query):
            rows = [{"starting_at": iso(at), "ending_at": iso(at + DAY), "group": {"model": "m", "cost_type": "tokens"},
                     "cost": {"amount": str(usd * 100), "currency": "USD"}} for at, usd in self.within(self.money, *span(query))]  # fmt: skip
            return paged(rows, query, 1)

        return Provider({"/organizations/analytics/usage": usage, "/organizations/analytics/cost": costs})


class OpenRouter(Truth):
    """Days only, each asked for by its date; tokens and credits stand in the same row."""

    step, n = DAY, 3

    def __init__(self):
        super().__init__()
        self.money = {at: Decimal(10 + k) for k, at in enumerate(self.usage)}

    def restate(self):
        first, second, third = sorted(self.usage)
        self.usage[first], self.usage[second] = (5000, 2), (1, 1)
        del self.usage[third], self.money[third]
        self.money[first] += 3

    def provider(self):
        def activity(query):
            at = datetime.fromisoformat(query["date"][0]).replace(tzinfo=UTC)
            rows = [{"date": f"{at:%Y-%m-%d}", "model": "m", "model_permaslug": "m", "provider_name": "p", "endpoint_id": "e", "new": 1,
                     "prompt_tokens": str(t), "completion_tokens": 1, "requests": n, "usage": float(self.money[at])}
                    for at_, (t, n) in self.within(self.usage, at, at + DAY)]  # fmt: skip
            return {"data": rows}

        return Provider({"/activity": activity})


class LiteLLM(Truth):
    """Calls, one by one: a call is told once and for ever; later polls bring more of them."""

    def restate(self):
        self.usage[NOW - timedelta(hours=1)] = (777, 1)

    def truth(self):
        return sum(t for t, _ in self.usage.values()), len(self.usage), len(self.usage) * Decimal("0.25")

    def provider(self):
        def logs(query):
            start, end = (
                datetime.fromisoformat(query[n][0].replace("Z", "")).replace(tzinfo=UTC)
                for n in ("start_date", "end_date")
            )
            rows = [{"request_id": f"chatcmpl-{at:%Y%m%d%H%M%S}0123456789", "litellm_call_id": f"c{at:%d%H%M}", "spend": 0.25,
                     "startTime": iso(at), "endTime": iso(at), "model": "gpt-4o-mini", "custom_llm_provider": "openai",
                     "prompt_tokens": t, "completion_tokens": 1, "metadata": {}, "new": "x"}
                    for at, (t, _) in self.within(self.usage, start, end)]  # fmt: skip
            number = int(query["page"][0])
            return {
                "data": rows[(number - 1) * 10 : number * 10],
                "total": len(rows),
                "page": number,
                "total_pages": -(-len(rows) // 10),
            }

        return Provider({"/spend/logs/v2": logs})


class Prometheus(Truth):
    """One GPU scraped each minute for two hours; its counter begins again once; later there are more scrapes."""

    def __init__(self):
        self.mj = {NOW - timedelta(minutes=180 - k): 60_000 * (k if k < 70 else k - 70) + 5 for k in range(120)}

    def restate(self):
        self.mj[NOW - timedelta(minutes=10)] = self.mj[max(self.mj)] + 77

    def truth(self):
        values = [self.mj[at] for at in sorted(self.mj)]
        grown = sum(b - a if b >= a else b for a, b in pairwise(values))
        return grown, len(values), 0

    def provider(self):
        def query(asked):
            counter = {"__name__": "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "UUID": "GPU-1", "new": "x"}
            end = datetime.fromtimestamp(float(asked["time"][0]), UTC)
            if asked["query"][0].startswith("last_over_time"):
                before = [str(mj) for at, mj in sorted(self.mj.items()) if at <= end]
                last = [{"metric": counter, "value": [end.timestamp(), before[-1]]}] if before else []
                return {"status": "success", "data": {"resultType": "vector", "result": last}}
            start = end - timedelta(seconds=int(re.search(r"\[(\d+)s]", asked["query"][0])[1]))
            values = [[at.timestamp(), str(mj)] for at, mj in sorted(self.mj.items()) if start <= at <= end]
            told = [{"metric": counter, "values": values}] if values else []
            return {"status": "success", "data": {"resultType": "matrix", "result": told}, "new": 1}

        return Provider({"/api/v1/query": query})


TRUTHS = {
    "prometheus": Prometheus,
    "openai": OpenAI,
    "anthropic": Anthropic,
    "openrouter": OpenRouter,
    "litellm": LiteLLM,
}
BUSY = (429, {"Retry-After": "0"}, {"error": {"message": "slow down"}})
BROKEN = (500, {}, b"<html>oops</html>")
DEAD = [BROKEN] * 40
"""More failures than a poll has patience for."""


def told(store):
    """Return input tokens, requests and money in the store."""
    tokens, n, _ = store.read("SELECT sum(input_fresh), sum(n_requests), 0 FROM usage_buckets FINAL")[1][0]
    calls, n_calls, spent = store.read("SELECT sum(total_input), count(), sum(cost_reported) FROM v_requests")[1][0]
    billed = store.read("SELECT sum(billed_cost) FROM charges FINAL")[1][0][0]
    energy, scrapes = store.read("SELECT sum(ifNull(energy_mj, 0)), count() FROM gpu_samples FINAL")[1][0]
    return tokens + calls + energy, (n or 0) + n_calls + scrapes, billed + (spent or 0)


@pytest.mark.parametrize("kind", PULLED)
def test_totals_end_at_the_truth(store, prices, kind):
    """Slow down, 500 twice, killed after 1, 2, 4 … answers, asked again and twice; then revised up, down and gone."""
    server = TRUTHS[kind]()
    provider = server.provider()
    with serving(provider) as url:
        given = Given("acme", kind, "secret-key", url, "acme", sleep=lambda _: None)

        def poll():
            found = Puller(store, prices, Attribution(), [given])
            return [found.poll(given, stream, NOW).error for stream in source(kind).streams]

        for answers in (0, 1, 2, 4, 8):
            provider.faults = [None] * answers + DEAD
            assert any(poll()), "a dead server is said"
        provider.faults = [BUSY, None, BROKEN, BROKEN, None, BUSY]
        for _ in range(2):
            assert not any(poll())
            assert told(store) == server.truth()
        server.restate()
        for _ in range(2):
            assert not any(poll())
            assert told(store) == server.truth()


@pytest.mark.parametrize("kind", [kind for kind in PULLED if kind in ("openai", "anthropic")])
def test_a_repeated_cursor_ends_a_poll_and_stores_nothing_of_it(store, prices, kind):
    server = TRUTHS[kind]()
    provider = server.provider()
    provider.answers = {
        path: lambda q, answer=answer: {**answer({**q, "page": ["0"]}), "has_more": True, "next_page": "again"}
        for path, answer in provider.answers.items()
    }
    with serving(provider) as url:
        given = Given("acme", kind, "secret-key", url, "acme", sleep=lambda _: None)
        found = Puller(store, prices, Attribution(), [given])
        errors = [found.poll(given, stream, NOW).error for stream in source(kind).streams]
    assert all("repeats page" in error for error in errors), errors
    assert told(store) == (0, 0, 0)


def test_every_source_has_a_truth_here():
    assert set(TRUTHS) == set(PULLED)
