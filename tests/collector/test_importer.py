"""Files as they come: packed, cut short, broken in one line, in Latin-1; good rows stay, bad ones are kept with reasons."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made import NOW

from collector import files
from collector.attribution import Attribution
from collector.importer import Plan, import_file
from collector.sources.requests_log import Defaults
from ledger.errors import ConfigError, SourceRefused
from ledger.prices.book import BEGIN
from ledger.records import Deployment, Workload

MAP = {"at": "t", "input": "i", "output": "o"}
AZURE = {"at": "TIMESTAMP", "input": "ContextTokens", "output": "GeneratedTokens"}


def plan(mapping=None, **more):
    return Plan(mapping or {}, Defaults(provider="openai", model="gpt-4o-mini", workload="code"), **more)


def jsonl(n, **more):
    return [
        json.dumps(
            {
                "ts": f"2026-11-20T10:{i // 60:02d}:{i % 60:02d}Z",
                "request_id": f"r{i}",
                "provider": "openai",
                "model": "gpt-4o-mini",
                "output": i,
                **more,
            }
        )
        for i in range(n)
    ]


def csv(n):
    return ["t,i,o", *(f"2026-11-20 10:{i // 60:02d}:{i % 60:02d},{i},{i}" for i in range(n))]


def run(store, prices, path, given=None, attribution=None):
    return import_file(store, prices, attribution or Attribution(), path, given or plan(), NOW)


def counts(report):
    return report.counts.accepted, report.counts.duplicate, report.counts.rejected


def write(path, lines, encoding="utf-8"):
    path.write_bytes("\n".join(lines).encode(encoding) + b"\n")
    return path


def rejected(store):
    return store.read("SELECT line, field, reason FROM rejected FINAL ORDER BY line")[1]


def test_a_truncated_gzip_keeps_what_came_before(store, prices, tmp_path):
    import random

    rng = random.Random(1)
    whole = gzip.compress("\n".join(jsonl(3000, key=str(rng.random()))).encode())
    (tmp_path / "log.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    report = run(store, prices, tmp_path / "log.jsonl.gz")
    accepted, duplicate, bad = counts(report)
    assert 500 < accepted < 2900
    assert (duplicate, report.cut_short) == (0, True)
    assert bad in (1, 2)
    assert "ends too early" in report.examples[-1][1].reason
    (tmp_path / "log.jsonl.gz").write_bytes(whole)
    assert counts(run(store, prices, tmp_path / "log.jsonl.gz")) == (3000 - accepted, accepted, 0)


def test_a_truncated_zstd_keeps_what_came_before(store, prices, tmp_path):
    import random

    rng = random.Random(2)
    whole = zstd("\n".join(jsonl(3000, key=str(rng.random()))).encode())
    (tmp_path / "log.jsonl.zst").write_bytes(whole[: len(whole) // 2])
    report = run(store, prices, tmp_path / "log.jsonl.zst")
    assert 0 < counts(report)[0] < 2900
    assert report.cut_short


def test_a_missing_column_stops_with_the_columns_that_are_there(store, prices, tmp_path):
    path = write(tmp_path / "a.csv", csv(3))
    with pytest.raises(ConfigError, match=r"a\.csv: no column tokens; it has t, i, o"):
        run(store, prices, path, plan({**MAP, "input": "tokens"}))
    assert store.read("SELECT count() FROM requests")[1] == [(0,)]


def test_one_broken_line_loses_nothing_beside_it(store, prices, tmp_path):
    lines = jsonl(10)
    lines[4] = lines[4][:20]
    assert counts(run(store, prices, write(tmp_path / "a.jsonl", lines))) == (9, 0, 1)
    ((line, field, reason),) = rejected(store)
    assert (line, field) == (5, "line")
    assert reason.startswith("not JSON")


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ("2026-11-20 10:00:09,-5,3", "input", "-5 is negative"),
        ("2026-11-20 10:00:09,5", "line", "2 fields, the header has 3"),
        ("soon,5,3", "t", "not a time"),
        ("2026-11-20 10:00:09,5,caf\u00e9", "o", "not UTF-8: byte 0xE9"),
    ],
)
def test_a_bad_csv_row_is_kept_with_its_reason(store, prices, tmp_path, row, field, reason):
    path = write(tmp_path / "a.csv", [*csv(5), row, "2026-11-20 11:00:00,1,1"], "latin-1")
    report = run(store, prices, path, plan(MAP))
    assert counts(report) == (6, 0, 1)
    ((line, found, why),) = rejected(store)
    assert (line, found) == (7, field)
    assert reason in why


def test_a_quote_that_never_ends_loses_nothing_beside_it(store, prices, tmp_path):
    """40 good rows stand between a stray quote and a proper field of two lines, which is read as one row."""
    good = [f"2026-11-20 10:01:{i:02d},10,1,ok" for i in range(40)]
    proper = ['2026-11-20 10:02:00,10,1,"two', 'lines"']
    lines = ["t,i,o,note", *proper, '2026-11-20 10:00:01,10,1,"stray', *good, '2026-11-20 10:03:00,10,1,"x" y']
    assert counts(run(store, prices, write(tmp_path / "a.csv", lines), plan(MAP))) == (41, 0, 2)
    assert [line for line, *_ in rejected(store)] == [4, 45]


def test_a_long_field_is_no_hindrance(store, prices, tmp_path):
    lines = ["t,i,o,prompt", f"2026-11-20 10:00:00,10,1,{'x' * 300_000}"]
    assert counts(run(store, prices, write(tmp_path / "a.csv", lines), plan(MAP))) == (1, 0, 0)


def test_what_is_no_table_is_refused(store, prices, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"t\ri\x00o\n" * 9)
    with pytest.raises(SourceRefused, match=r"a\.csv: line 1 is not a CSV header"):
        run(store, prices, path, plan(MAP))


def test_a_latin_1_file_keeps_its_plain_rows(store, prices, tmp_path):
    lines = [*jsonl(4), jsonl(5, team="caf\u00e9")[4].replace("\\u00e9", "\u00e9")]
    report = run(store, prices, write(tmp_path / "a.jsonl", lines, "latin-1"))
    assert counts(report) == (4, 0, 1)
    assert "iconv -f latin1 -t utf-8" in rejected(store)[0][2]


def test_a_time_without_zone_is_refused_beside_good_ones(store, prices, tmp_path):
    lines = [*jsonl(3), jsonl(1)[0].replace("00Z", "00")]
    assert counts(run(store, prices, write(tmp_path / "a.jsonl", lines))) == (3, 0, 1)
    assert "no time zone" in rejected(store)[0][2]


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "jsonl.zst", "parquet", "csv", "csv.gz"])
def test_formats_give_the_same_rows(store, prices, tmp_path, form):
    path = tmp_path / f"log.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist([json.loads(line) for line in jsonl(200)]), path)
    elif form.startswith("csv"):
        rows = [json.loads(line) for line in jsonl(200)]
        text = "\n".join([",".join(rows[0]), *(",".join(str(v) for v in r.values()) for r in rows)]).encode()
        path.write_bytes(gzip.compress(text) if form.endswith("gz") else text)
    else:
        text = "\n".join(jsonl(200)).encode()
        packed = {
            "jsonl": text,
            "jsonl.gz": gzip.compress(text),
            "jsonl.zst": pa.Codec("zstd").compress(text, asbytes=True),
        }
        path.write_bytes(packed[form] if form != "jsonl.zst" else zstd(text))
    assert counts(run(store, prices, path, plan(format="csv" if "csv" in form else ""))) == (200, 0, 0)
    assert store.read("SELECT sum(output) FROM requests FINAL")[1] == [(19_900,)]


def zstd(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(data)
    return sink.getvalue().to_pybytes()


def test_garbage_and_nothing(store, prices, tmp_path):
    (tmp_path / "empty.jsonl").write_bytes(b"")
    with pytest.raises(SourceRefused, match="no rows"):
        run(store, prices, tmp_path / "empty.jsonl")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(SourceRefused, match="not a readable Parquet file"):
        run(store, prices, tmp_path / "x.parquet")
    (tmp_path / "what").write_bytes(os.urandom(64).replace(b"{", b"x").replace(b"[", b"x"))
    with pytest.raises(SourceRefused, match="--format"):
        run(store, prices, tmp_path / "what")
    (tmp_path / "noise.jsonl").write_bytes(bytes(range(1, 256)) * 50)
    assert counts(run(store, prices, tmp_path / "noise.jsonl"))[0] == 0
    with pytest.raises(SourceRefused, match="no such file"):
        files.expand([tmp_path / "nowhere"])


def test_a_line_without_end_does_not_fill_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_LINE", 1000)
    (tmp_path / "a.jsonl").write_bytes(b"x" * 5000 + b"\n" + jsonl(1)[0].encode())
    rows = list(files.read(tmp_path / "a.jsonl", "jsonl"))
    assert [row.data is None for row in rows] == [True, False]
    assert "longer than" in rows[0].bad.reason


def test_equal_rows_without_id_are_several_requests_and_still_known_again(store, prices, tmp_path):
    """Two equal rows in one file are two requests; the same file again, also shuffled or grown, adds only what is new."""
    rows = csv(20)[1:]
    path = write(tmp_path / "a.csv", ["t,i,o", *rows, rows[3], rows[3]])
    assert counts(run(store, prices, path, plan(MAP))) == (22, 0, 0)
    write(path, ["t,i,o", rows[3], *reversed(rows), rows[3]])
    assert counts(run(store, prices, path, plan(MAP))) == (0, 22, 0)
    write(path, ["t,i,o", *rows, rows[3], rows[3], rows[3]])
    assert counts(run(store, prices, path, plan(MAP))) == (1, 22, 0)


def test_rows_find_their_workload_and_deployment(store, prices, tmp_path):
    attribution = Attribution(
        [
            Workload("bot", "support", '{"key": ["bot-*"], "environment": ["prod"]}', [], 1.0, BEGIN),
            Workload("rest", "", '{"provider": ["openai"]}', [], 1.0, BEGIN),
        ],
        [Deployment("mini", "api", "openai", "gpt-4o-mini", "", [], 1, 0, 0, 0, 0, "", BEGIN)],
    )
    lines = [
        jsonl(1, key="bot-1", environment="prod")[0],
        jsonl(2, key="bot-1")[1],
        jsonl(3, workload="said")[2],
        jsonl(4, provider="x")[3],
    ]
    run(store, prices, write(tmp_path / "a.jsonl", lines), Plan({}, Defaults()), attribution)
    found = store.read("SELECT workload, team, deployment FROM requests FINAL ORDER BY at")[1]
    assert found == [("bot", "support", "mini"), ("rest", "", "mini"), ("said", "", "mini"), ("unassigned", "", "")]


def test_rows_imported_before_their_workload_was_declared_find_it_the_next_time(store, prices, tmp_path):
    path, plain = write(tmp_path / "a.jsonl", jsonl(3, key="bot-1")), Plan({}, Defaults())
    assert counts(run(store, prices, path, plain)) == (3, 0, 0)
    attribution = Attribution([Workload("bot", "support", '{"key": ["bot-*"]}', [], 1.0, BEGIN)])
    assert counts(run(store, prices, path, plain, attribution)) == (0, 3, 0)
    found = store.read("SELECT workload, team, count() FROM requests FINAL GROUP BY workload, team")[1]
    assert found == [("bot", "support", 3)]


def test_rows_of_several_months_and_a_model_without_a_price(store, prices, tmp_path):
    lines = [
        line.replace("2026-11-20", day).replace('"r', f'"{day}')
        for day in ("2026-08-01", "2026-09-01", "2026-11-20")
        for line in jsonl(3, model="mystery")
    ]
    report = run(store, prices, write(tmp_path / "a.jsonl", lines))
    assert counts(report) == (9, 0, 0)
    assert report.without_price == {("openai", "mystery")}


def test_the_azure_trace(store, prices, trace):
    """8,819 requests, 18,059,974 and 245,896 tokens, 2.8565337 USD; again: all known, nothing changed."""
    path = trace / "azure_llm_code_2023.csv"
    assert counts(run(store, prices, path, plan(AZURE))) == (8819, 0, 0)
    sums = "SELECT count(), sum(input_fresh), sum(output), sum(cost) FROM requests FINAL"
    expected = [(8819, 18_059_974, 245_896, Decimal("2.8565337"))]
    assert store.read(sums)[1] == expected
    assert counts(run(store, prices, path, plan(AZURE))) == (0, 8819, 0)
    assert store.read(sums)[1] == expected


def test_kill_9_in_the_middle_of_an_import_and_again(trace, tmp_path):
    """The importing command and with it the store die at several moments; the same command ends it, exactly."""
    breakeven = [str(Path(sys.executable).parent / "breakeven"), "--store", str(tmp_path / "store")]
    command = [*breakeven, "import", str(trace / "azure_llm_code_2023.csv"), "--map",
               "at=TIMESTAMP,input=ContextTokens,output=GeneratedTokens", "--provider", "openai", "--model", "gpt-4o-mini",
               "--workload", "code", "--json"]  # fmt: skip
    subprocess.run([*breakeven, "migrate"], check=True, capture_output=True)
    for delay in (1.2, 2.4, 3.2):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(delay)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert found["accepted"] + found["duplicate"] == 8819
    assert found["rejected"] == 0
    cost = subprocess.run(
        [*breakeven, "cost", "--by", "workload", "--json"], check=True, capture_output=True, text=True
    )
    (row,) = json.loads(cost.stdout)["rows"]
    assert (row["workload"], row["requests"], row["total_input"], row["output"], row["cost"]) == (
        "code",
        8819,
        18_059_974,
        245_896,
        "2.8565337",
    )
