"""Golden vectors of numbers that looked right and were wrong elsewhere: from the log row to the dollar."""

import json
from decimal import Decimal

import pytest
from made import NOW

from collector.attribution import Attribution
from collector.importer import Plan, import_file
from collector.sources.requests_log import Defaults
from ledger.prices.book import Override
from ledger.prices.register import PriceRegister

TS = "2026-11-20T10:00:00Z"


def chat(prompt, cached, output, reasoning=None, **more):
    usage = {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output,
             "prompt_tokens_details": {"cached_tokens": cached}}  # fmt: skip
    if reasoning is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return "openai", {"ts": TS, "response": {"object": "chat.completion", "model": "m", "usage": usage, **more}}


def gemini(prompt, cached, candidates, thoughts=None, total=None):
    usage = {"promptTokenCount": prompt, "cachedContentTokenCount": cached, "candidatesTokenCount": candidates}
    usage |= {"thoughtsTokenCount": thoughts} if thoughts is not None else {}
    usage |= {"totalTokenCount": total} if total is not None else {}
    return "google", {"ts": TS, "response": {"modelVersion": "m", "usageMetadata": usage}}


def message(fresh, read, output, short=0, long=0):
    usage = {"input_tokens": fresh, "cache_read_input_tokens": read, "cache_creation_input_tokens": short + long, "output_tokens": output,
             "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}}  # fmt: skip
    return "anthropic", {"ts": TS, "response": {"type": "message", "model": "m", "usage": usage}}


def converse(fresh, write, read, output, total):
    usage = {
        "inputTokens": fresh,
        "cacheWriteInputTokens": write,
        "cacheReadInputTokens": read,
        "outputTokens": output,
        "totalTokens": total,
    }
    return "aws", {"ts": TS, "model": "m", "response": {"usage": usage}}


def rates(fresh, write, read, output, long=None):
    given = {"input": fresh, "cache_write": write, "cache_read": read, "output": output, "cache_write_long": long}
    return {name: Decimal(str(value)) for name, value in given.items() if value is not None}


# id, row, prices as fresh / write / read / output, right, the wrong value that shipped
VECTORS = [
    ("GV01", chat(27_147, 27_146, 351), rates(1.40, None, 0.26, 4.40), "0.00860376", "0.0395502"),
    ("GV02", chat(2006, 1920, 300), rates(2.50, None, 1.25, 10), "0.005615", "0.010415"),
    ("GV03a", gemini(25_978, 24_540, 13), rates(1.50, None, 0.15, 9), "0.005955", "0.039084"),
    ("GV03b", gemini(25_978, 24_540, 0), rates("0.30", None, "0.03", 0), "0.0011676", "0.0077934"),
    ("GV05", chat(2459, 2455, 23), rates("0.80", None, "0.08", 4), "0.0002916", "0.0020592"),
    ("GV06", message(15, 0, 47, long=4803), rates(3, 3.75, 0.30, 15, 6), "0.029568", "0.01876125"),
    ("GV07", converse(3, 25, 13_216, 12, 13_256), rates(3.30, 4.10, 0.33, 16.50), "0.00467168", "0.20"),
    ("GV08", converse(3, 350, 7917, 442, 8712), rates(3, 3.75, 0.30, 15), "0.0103266", "0.1343316"),
    ("GV09-flex", chat(2000, 1000, 500, service_tier="flex"), rates(0.25, None, 0.025, 2), "0.0006375", "0.001275"),
    ("GV09-default", chat(2000, 1000, 500, service_tier="default"), rates(0.25, None, 0.025, 2), "0.001275", "0.0006375"),
    ("GV11", chat(210_000, 200_000, 5000), rates(30, None, 30, 180), "7.20", "1.20"),
    ("GV12", gemini(0, 0, 300, 4000), rates(0, None, 0, 30), "0.129", "0.009"),
    ("GV14", gemini(0, 0, 1000, 50), rates(0, None, 0, "0.30"), "0.000315", "0.000015"),
]  # fmt: skip


def brought(store, tmp_path, rows, provider, prices=None):
    register = PriceRegister(store, prices or [])
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return import_file(store, register, Attribution(), path, Plan({}, Defaults(provider=provider)), NOW)


@pytest.mark.parametrize(("row", "prices", "right", "wrong"), [v[1:] for v in VECTORS], ids=[v[0] for v in VECTORS])
def test_a_row_costs_what_it_must(store, tmp_path, row, prices, right, wrong):
    provider, line = row
    half = {name: amount / 2 for name, amount in prices.items()}
    book = [Override(provider, "m", **prices), Override(provider, "m", variant="flex", **half)]
    brought(store, tmp_path, [line], provider, book)
    ((cost, unpriced),) = store.read("SELECT cost, unpriced_tokens FROM v_requests")[1]
    assert (cost, unpriced) == (Decimal(right), 0)
    assert cost != Decimal(wrong)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (gemini(696_219, 696_190, 214, total=696_433), (29, 696_190, 214, 0)),
        (chat(16_845_360, 16_358_912, 63_820, 24_882), (486_448, 16_358_912, 63_820, 0)),
        (converse(3, 25, 13_216, 12, 13_256), (3, 13_216, 12, 0)),
    ],
    ids=["GV04", "GV13", "GV07"],
)
def test_a_row_has_the_classes_it_must(store, tmp_path, row, expected):
    """fresh, read, output, unexplained."""
    provider, line = row
    brought(store, tmp_path, [line], provider)
    assert store.read("SELECT input_fresh, cache_read, output, unexplained FROM v_requests")[1] == [expected]


def test_gv10_two_turns_of_two_tiers(store, tmp_path):
    prices = rates(0.25, None, 0.025, 2)
    book = [
        Override("openai", "m", **prices),
        Override("openai", "m", variant="flex", **{k: v / 2 for k, v in prices.items()}),
    ]
    rows = [chat(2000, 1000, 500, service_tier=tier)[1] for tier in ("flex", "default")]
    brought(store, tmp_path, rows, "openai", book)
    assert store.read("SELECT sum(cost) FROM v_requests")[1] == [(Decimal("0.0019125"),)]


def test_gv20_delivered_more_often_than_made(store, tmp_path):
    """334 rows with 272 ids, over two deliveries: 272 in the table and in the rollup."""
    from datetime import timedelta

    from ledger.costing.declared import Declared
    from ledger.costing.tick import tick

    rows = [
        {
            "ts": TS,
            "request_id": f"span-{n % 272}",
            "provider": "openai",
            "model": "gpt-4o-mini",
            "input_fresh": 5,
            "output": 1,
        }
        for n in range(334)
    ]
    for part in (rows[:200], rows[150:]):
        brought(store, tmp_path, part, "openai")
        tick(store, Declared(), NOW + timedelta(hours=1))
    assert store.read("SELECT count() FROM v_requests")[1] == [(272,)]
    assert store.read("SELECT sum(attempts) FROM v_usage_hourly")[1] == [(272,)]
