"""Bulk lines: what the engine takes is what the parser in Python would have taken, and it takes nothing else."""

import json
import math
import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector import importer, intake, lines, tables
from collector.attribution import Attribution
from collector.files import Row
from collector.importer import Plan, import_file
from collector.sources.requests_log import Defaults
from ledger.prices.register import PriceRegister
from ledger.records import Deployment, Workload
from ledger.store.migrate import reload_dictionaries

NOW = datetime(2026, 11, 25, 22, 5, tzinfo=UTC)
BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
PLAN = Plan({}, Defaults())
PLACES = Attribution(
    [
        Workload("bot", "web", '{"key": ["prod-*"]}', [], 1.0, BEGIN),
        Workload("mail", "", '{"model": ["gpt-4o"]}', [], 1.0, BEGIN),
    ],
    [Deployment("mini", "api", "openai", "gpt-4o-mini", "", [], 1, 0, 0, 0, 0, "", BEGIN)],
)
CLASSES = ("input_fresh", "cache_read", "cache_write_short", "cache_write_long", "cache_write_other", "output")


def line(n, **more):
    at = NOW - timedelta(hours=30) + timedelta(seconds=n)
    row = {"ts": at.isoformat().replace("+00:00", "Z"), "request_id": f"chatcmpl-{n:026}", "provider": "openai",
           "model": "gpt-4o-mini", "input_fresh": 1000 + n, "output": 50}  # fmt: skip
    return {k: v for k, v in {**row, **more}.items() if v is not ...}


def some(count, seed):
    rng = random.Random(seed)
    for n in range(count):
        more = {name: rng.choice([0, 7, 12_345]) for name in CLASSES if rng.random() < 0.5}
        more |= {
            "model": rng.choice(["gpt-4o-mini", "gpt-4o", "no-such-model"]),
            "key": rng.choice(["prod-1", "lab", ""]),
        }
        more |= rng.choice(
            [{}, {"status": 429}, {"status": "error"}, {"attempt": 2, "logical_id": f"r{n}"}, {"team": "t"}]
        )
        more |= rng.choice(
            [
                {},
                {"latency_ms": 12.5, "ttft_ms": 0},
                {"tier": "Flex"},
                {"service_tier": "batch"},
                {"processing": "batch"},
            ]
        )
        more |= rng.choice(
            [
                {},
                {"cost_reported_usd": 0.25},
                {"n_web_search": 2},
                {"usage_source": "estimated"},
                {"environment": "prod"},
            ]
        )
        more |= rng.choice(
            [{}, {"side": "self_hosted", "provider": "own"}, {"workload": "w"}, {"deployment": "d"}, {"region": "eu"}]
        )
        yield line(n, **more)


QUIRKS = [
    line(1, ts="2026-11-24T10:15:30.123999+02:00"), line(2, ts="2026-11-24T25:15:30Z"), line(3, ts="2026-02-30T10:00:00Z"),
    line(4, ts=1764000000), line(5, ts="2026-11-24 10:15:30Z"), line(6, ts="2014-01-01T00:00:00Z"), line(7, ts="2027-01-01T00:00:00Z"),
    line(8, input_fresh=-1), line(9, input_fresh=1.5), line(10, input_fresh="12"), line(11, input_fresh=2_000_000_000),
    line(12, input_fresh=None), line(13, input_fresh=True), line(14, output_reasoning=51), line(15, output_reasoning=50),
    line(16, provider=" OpenAI "), line(17, provider="OpenAI"), line(18, model="a\\b"), line(19, model="tab\tin"), line(20, model="ü" * 130),
    line(21, model="x" * 300), line(22, request_id="short"), line(23, request_id=...), line(24, request_id=17), line(25, side="nowhere"),
    line(26, side="self_hosted", provider="own", model="llama"), line(27, usage_source="guess"), line(28, usage_source="absent"),
    line(29, status=99), line(30, status="timeout"), line(31, status=""), line(32, attempt=300), line(33, attempt=0),
    line(34, latency_ms=2.5), line(35, latency_ms=-1), line(36, latency_ms=5e9), line(37, cost_reported_usd="0.123456789012"),
    line(38, cost_reported_usd=-1), line(39, prompt_tokens=5), line(40, input_fresh=..., prompt_tokens=5), line(41, extra="key"),
    line(42, metadata={"a": 1}), line(43, team=["a"]), line(44, team=None), line(45, input_fresh=..., output=...),
    line(46, tier="PRIORITY"), line(47, n_file_search=1), line(48, unexplained=9), line(49, provider=...), line(50, model=""),
    line(51, usage={"prompt_tokens": 5, "completion_tokens": 7}), line(52, workload="  "), line(53, region="a b"), line(54, team="key"),
]  # fmt: skip
RAW = [
    json.dumps(line(90)) + " x", "{", "[]", '{"ts": 1}', json.dumps(line(91))[:-1] + ', "output": 60}', "\ufeff" + json.dumps(line(92)),
    json.dumps(line(93)).replace("gpt-4o-mini", "gpt\\u002d4o"), "nonsense", json.dumps(line(94), indent=None).replace(" ", "  "),
]  # fmt: skip


def taken(store, path, monkeypatch=None):
    """Import a file one way or the other; return counts and everything that is stored of it."""
    for name in ("requests", "rejected", "batches", "slow_lines", "places"):
        store.command(f"TRUNCATE TABLE {name}")
    register = PriceRegister(store)
    reload_dictionaries(store)  # they follow the tables that were emptied
    if monkeypatch:
        monkeypatch.setattr(importer, "plain", lambda *_: False)
    found = import_file(store, register, PLACES, path, PLAN, NOW)
    if monkeypatch:
        monkeypatch.undo()
    # The key of an event lives thirty days, its hash as long as the row.
    rows = store._client.query("SELECT * EXCEPT (ver, event_key) FROM requests FINAL ORDER BY event_id, at").result_rows
    bad = store._client.query("SELECT line, field, reason FROM rejected FINAL ORDER BY line").result_rows
    counts = found.counts
    return (counts.accepted, counts.duplicate, counts.rejected), rows, bad


def event_id(store, n):
    return store.read("SELECT sipHash64({key:String})", {"key": f"id|openai|chatcmpl-{n:026}|1"})[1][0][0]


TYPES = {"ts": pa.timestamp("us", "UTC"), "latency_ms": pa.float64(), "cost_reported_usd": pa.decimal128(18, 12), "status": pa.int16(),
         "provider": pa.dictionary(pa.int32(), pa.string()), "model": pa.large_string()}  # fmt: skip
COUNTS = (*CLASSES, "output_reasoning", "n_web_search", "attempt", "ttft_ms", "n_file_search", "unexplained")


def table(tmp_path, rows, **types):
    """The same rows as a Parquet file, in the types that a warehouse gives them."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    kinds = {name: pa.int64() if name in COUNTS else pa.string() for name in names} | TYPES | types
    columns = [pa.array([row.get(name) for row in rows]).cast(kinds[name]) if name != "ts" else
               pa.array([datetime.fromisoformat(row["ts"]) if row["ts"] else None for row in rows], kinds["ts"])
               if pa.types.is_timestamp(kinds["ts"]) else pa.array([row["ts"] for row in rows], pa.string())
               for name in names]  # fmt: skip
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table(columns, names), path, row_group_size=97)
    return path


@pytest.mark.parametrize(
    "types",
    [{}, {"ts": pa.string()}, {"ts": pa.timestamp("ms", "Europe/Berlin"), "cost_reported_usd": pa.float64()}],
    ids=str,
)
def test_a_table_stores_what_its_rows_store(store, tmp_path, monkeypatch, types):
    rows = [{**row, "status": 429 if "status" in row else None} for row in some(400, 7)]
    path = table(tmp_path, rows, **types)
    assert tables.fits(path)
    fast, slow = taken(store, path), taken(store, path, monkeypatch)
    assert fast == slow
    assert fast[0] == (400, 0, 0)


def test_what_no_line_can_say_stands_beside_what_one_can(store, tmp_path, monkeypatch):
    """Quotes, control characters, numbers that are none, missing names: each row as the parser reads it, and none lost."""
    rows = [
        line(1), line(2, model='a"b'), line(3, model="a\\b"), line(4, key="line\nbreak"), line(5, latency_ms=math.nan), line(6, ts=None),
        line(7, provider=None), line(8, model=None), line(9, request_id=None), line(10, input_fresh=-1), line(11, latency_ms=math.inf),
        line(12, key="ü"), line(13, status=7), line(14, output_reasoning=10**6), line(15, model=" x "), line(16), line(17, provider=""),
    ]  # fmt: skip
    path = table(tmp_path, rows)
    fast, slow = taken(store, path), taken(store, path, monkeypatch)
    assert fast == slow
    assert (sum(fast[0]), fast[0][2]) == (17, 9)
    pieces = list(tables.read(path))
    assert [piece.line for piece in pieces if isinstance(piece, Row)] == [2, 3, 4, 5, 6, 7, 8, 11]
    assert sum(piece.count for piece in pieces if not isinstance(piece, Row)) == 9


@pytest.mark.parametrize(
    "column", [{"extra": [1]}, {"ts": [datetime(2026, 1, 1)]}, {"status": [True]}, {"key": [["a"]]}], ids=str
)
def test_another_table_goes_row_by_row(tmp_path, column):
    path = tmp_path / "x.parquet"
    given = {"ts": ["2026-11-24T10:00:00Z"], "provider": ["openai"], "model": ["m"], "request_id": ["r"]}
    pq.write_table(pa.table(given), path)
    assert tables.fits(path)
    pq.write_table(pa.table({**given, **column}), path)
    assert not tables.fits(path)


def written(tmp_path, rows):
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("seed", range(2))
def test_both_ways_store_the_same(store, tmp_path, monkeypatch, seed):
    path = written(tmp_path, some(600, seed))
    fast, slow = taken(store, path), taken(store, path, monkeypatch)
    assert fast == slow
    assert fast[0] == (600, 0, 0)


def test_odd_lines_among_good_ones(store, tmp_path, monkeypatch):
    """Whatever is odd about a line, its neighbours are stored, and both ways say the same of it, row for row."""
    rows = [row for n, odd in enumerate([*QUIRKS, *RAW]) for row in (line(1000 + n), odd)]
    path = written(tmp_path, rows)
    fast, slow = taken(store, path), taken(store, path, monkeypatch)
    assert fast[0] == slow[0]
    assert fast[2] == slow[2]
    for mine, theirs in zip(fast[1], slow[1], strict=True):
        assert mine == theirs
    assert {event_id(store, 1000 + n) for n in range(len(QUIRKS) + len(RAW))} <= {row[1] for row in fast[1]}
    assert fast[0][2] > 20


def test_good_lines_do_not_come_back(store, tmp_path, monkeypatch):
    """The engine itself takes lines that nothing is odd about: the parser in Python sees none of them."""
    path = written(tmp_path, some(300, 9))
    seen = []
    monkeypatch.setattr(importer.files, "parsed", lambda number, data: seen.append(number) or [])
    found = import_file(store, PriceRegister(store), PLACES, path, PLAN, NOW)
    odd = sum("error" in row for row in path.read_text().splitlines())
    assert (len(seen), found.counts.accepted) == (odd, 300 - odd)


def test_again_and_in_other_segments_nothing_changes(store, tmp_path, monkeypatch):
    """The same file twice, then cut into segments of sixty lines, then with more at its end: each row once."""
    path = written(tmp_path, some(200, 4))
    first = taken(store, path)
    import_ = lambda: import_file(store, PriceRegister(store), PLACES, path, PLAN, NOW).counts  # noqa: E731
    again = import_()
    assert (again.accepted, again.duplicate) == (0, 200)
    monkeypatch.setattr(lines, "MOST_LINES", 60)
    cut = import_()
    assert (cut.accepted, cut.duplicate) == (0, 200)
    with path.open("a") as file:
        file.write(json.dumps(line(5000)) + "\n")
    more = import_()
    assert (more.accepted, more.duplicate) == (1, 200)
    # The key of an event lives thirty days, its hash as long as the row.
    rows = store._client.query("SELECT * EXCEPT (ver, event_key) FROM requests FINAL ORDER BY event_id, at").result_rows
    assert [row for row in rows if row[1] != event_id(store, 5000)] == first[1]


def test_counts_are_right_when_both_ways_write_the_same_hours(store, tmp_path, monkeypatch):
    """Lines left to the parser are stored between the segments of one file, in the same hours: none counts twice."""
    monkeypatch.setattr(lines, "MOST_LINES", 20)
    monkeypatch.setattr(intake, "BATCH", 3)
    monkeypatch.setattr("collector.files._PIECE", 2000)
    rows = [line(n, **({"model": "ü"} if n % 3 == 0 else {})) for n in range(200)]
    plain = [row for row in rows if row["model"] != "ü"]
    for given, expected in ((plain, (133, 0)), (rows, (67, 133)), (rows, (0, 200))):
        counts = import_file(store, PriceRegister(store), PLACES, written(tmp_path, given), PLAN, NOW).counts
        assert (counts.accepted, counts.duplicate, counts.rejected) == (*expected, 0)


def test_names_that_are_seen_first_are_placed_and_priced_at_once(store, tmp_path):
    path = written(tmp_path, [line(n, key="prod-7", model="gpt-4o") for n in range(20)])
    taken(store, path)
    found = store.read("SELECT DISTINCT workload, team, cost > 0 FROM v_requests")[1]
    assert found == [("bot", "web", True)]
    other = written(tmp_path, [line(n, key="prod-7", model="gpt-4o") for n in range(20, 40)])
    import_file(store, PriceRegister(store), PLACES, other, PLAN, NOW)
    assert store.read("SELECT DISTINCT workload, team, cost > 0 FROM v_requests")[1] == [("bot", "web", True)]
    vers = store._client.query("SELECT uniqExact(ver) FROM requests").result_rows
    assert vers == [(3,)]  # the first insert was sent through the door twice, the second once


def test_other_declarations_place_new_lines_otherwise(store, tmp_path):
    taken(store, written(tmp_path, [line(1, key="prod-7")]))
    other = Attribution([Workload("next", "x", '{"key": ["prod-*"]}', [], 1.0, BEGIN)], [])
    import_file(store, PriceRegister(store), other, written(tmp_path, [line(2, key="prod-7")]), PLAN, NOW)
    assert store.read("SELECT workload, count() FROM v_requests GROUP BY 1 ORDER BY 1")[1] == [("bot", 1), ("next", 1)]


def test_a_kill_before_names_are_decided_on_heals(store, tmp_path, monkeypatch):
    """Killed between storing a segment and placing it: the next import places and prices all of it, odd lines too."""
    path = written(tmp_path, [*some(50, 6), line(900, status="error", key="prod-1")])
    whole = taken(store, path)
    for name in ("requests", "rejected", "batches", "slow_lines", "places"):
        store.command(f"TRUNCATE TABLE {name}")
    register = PriceRegister(store)

    def killed(*_):
        raise KeyboardInterrupt

    more = path.read_text() + json.dumps(line(901)) + "\n"  # another segment than the one that the store remembers
    path.write_text(more)
    monkeypatch.setattr(lines.Lines, "_decide", killed)
    with pytest.raises(KeyboardInterrupt):
        import_file(store, register, PLACES, path, PLAN, NOW)
    monkeypatch.undo()
    again = import_file(store, PriceRegister(store), PLACES, path, PLAN, NOW).counts
    assert (again.accepted + again.duplicate, again.rejected) == (52, 0)
    # The key of an event lives thirty days, its hash as long as the row.
    rows = store._client.query("SELECT * EXCEPT (ver, event_key) FROM requests FINAL ORDER BY event_id, at").result_rows
    assert [row for row in rows if row[1] != event_id(store, 901)] == whole[1]


def test_checksums_that_are_gone_cost_a_second_reading(store, tmp_path):
    """A segment that is sent again after its checksums were dropped is read by the parser, odd lines and all."""
    path = written(tmp_path, [line(1), line(2, status="error"), line(3)])
    first = taken(store, path)
    store.command("TRUNCATE TABLE requests")  # as after a restore: the window of tokens is kept elsewhere
    store.command("TRUNCATE TABLE slow_lines")
    import_file(store, PriceRegister(store), PLACES, path, PLAN, NOW)
    # The key of an event lives thirty days, its hash as long as the row.
    rows = store._client.query("SELECT * EXCEPT (ver, event_key) FROM requests FINAL ORDER BY event_id, at").result_rows
    assert rows == first[1]


def test_lines_keep_nothing_that_they_say(store, tmp_path):
    """A prompt beside the counts is nowhere in the store."""
    taken(store, written(tmp_path, [line(1, prompt="SESAME and more"), line(2, prompt="SESAME\n")]))
    tables = store._client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    ).result_rows
    for (name,) in tables:
        assert "SESAME" not in str(store._client.query(f"SELECT * FROM {name}").result_rows), name
