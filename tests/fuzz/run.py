"""Garbage for every parser: `python tests/fuzz/run.py --minutes 6`. Nothing but clean refusals may come of it.

Real payloads are mutated: bits, pieces, lengths, values by others that are known to hurt. What breaks a parser is written to
tests/fuzz/seeds and replayed by the test suite from then on.
"""

import argparse
import hashlib
import json
import random
import re
import sys
import tempfile
import time
import tomllib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

from breakeven import config, freesql  # noqa: E402
from collector import files  # noqa: E402
from collector.attribution import Attribution  # noqa: E402
from collector.receivers import otlp  # noqa: E402
from collector.receivers.loader import Loader  # noqa: E402
from collector.receivers.rows import Rows  # noqa: E402
from collector.source import SOURCES, source  # noqa: E402
from collector.sources.requests_log import Defaults  # noqa: E402
from exporters import inference  # noqa: E402
from ledger.errors import BadRow, BreakevenError, ConfigError, SourceRefused, StoreRefused  # noqa: E402
from ledger.prices.register import PriceRegister  # noqa: E402
from ledger.store import Store  # noqa: E402

DATA, SEEDS = HERE.parent / "data", HERE / "seeds"
NOW = datetime(2026, 11, 25, 22, 5, tzinfo=UTC)
NASTY = [
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"NaN", b"Infinity", b"-0", b"1e999", b"1e-999", b"9" * 400, b"-1", b"0.1",
    b"9223372036854775808", b"18446744073709551616", b"true", b"null", b"{}", b"[]", b'""', b'"' + b"x" * 3000 + b'"', b"[" * 200,
    b'{"a":' * 200, b"\r", b"\r\n", b"\n\n", b",", b'"', b"'", b";", b"2026-02-30T00:00:00Z", b"0001-01-01T00:00:00Z",
    b"9999-12-31T23:59:59.999999999Z", b"2026-03-29T02:30:00", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"${jndi:x}", b"../../etc/passwd",
]  # fmt: skip
VALUES = [None, True, False, 0, -1, 1.5, 2**53 + 1, 2**63, 2**64, 10**400, 1e308, -1e308, "", " ", "x" * 3000, "\x00", "\u202e", "NaN",
          "2026-02-30", "1e999", [], {}, [[]], {"": ""}, "\\", "9" * 5000]  # fmt: skip


def mutated(rng, data, others):
    """Return some bytes with one to four things wrong."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        length = rng.choice([1, 2, 8, 64, 512])
        action = rng.randrange(8)
        if action == 0 and out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
        elif action == 1:
            del out[at : at + length]
        elif action == 2:
            out[at:at] = rng.choice(NASTY)
        elif action == 3:
            out[at : at + length] = rng.choice(NASTY)
        elif action == 4:
            out[at:at] = out[at : at + length] * rng.choice([2, 50])
        elif action == 5:
            del out[at:]
        elif action == 6:
            other = rng.choice(others)
            start = rng.randrange(len(other) + 1)
            out[at:at] = other[start : start + length]
        else:
            out[at : at + length] = rng.randbytes(length)
    return bytes(out)


def twisted(rng, value):
    """Return a JSON value in which one place holds another value, is gone, or stands twice."""
    places = list(_places(value, ()))
    if not places:
        return rng.choice(VALUES)
    value = json.loads(json.dumps(value))
    where = rng.choice(places)
    inner = value
    for step in where[:-1]:
        inner = inner[step]
    action = rng.randrange(4)
    if action == 0 and isinstance(inner, dict):
        del inner[where[-1]]
    elif action == 1 and isinstance(inner, list):
        inner.extend(inner[:50])
    else:
        inner[where[-1]] = rng.choice(VALUES)
    return value


def _places(value, above):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*above, key)
            yield from _places(inner, (*above, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value[:20]):
            yield (*above, number)
            yield from _places(inner, (*above, number))


class Targets:
    """Every parser by name: takes bytes, returns whether it took them; anything but a refusal of ours escapes."""

    def __init__(self, store, folder):
        prices = PriceRegister(store)
        prices.refresh(NOW)
        self.store, self.folder = store, folder
        self.receiver = otlp.Receiver(Loader(store, prices, Attribution()), 20 << 20)
        self.callback = Rows(Loader(store, prices, Attribution()), 20 << 20)
        self.names = {
            "jsonl": self.rows_of("jsonl"), "csv": self.rows_of("csv"), "parquet": self.rows_of("parquet"),
            "traces_pb": self.otlp(otlp.TRACES, otlp.PROTOBUF), "traces_json": self.otlp(otlp.TRACES, otlp.JSON),
            "metrics_pb": self.otlp(otlp.METRICS, otlp.PROTOBUF), "metrics_json": self.otlp(otlp.METRICS, otlp.JSON),
            "logs_pb": self.otlp(otlp.LOGS, otlp.PROTOBUF), "litellm": self.litellm, "prometheus": self.prometheus,
            "toml": self.toml, "question": self.question, "sql": self.sql,
        }  # fmt: skip

    def rows_of(self, form):
        def take(data):
            path = self.folder / f"rows.{form}"
            path.write_bytes(data)
            taken = False
            try:
                rows = list(files.read(path, form))
            except (SourceRefused, ConfigError):
                return False
            for row in rows[:200]:
                if row.data is None:
                    continue
                for name in SOURCES:
                    one = source(name)
                    parser = one(defaults=Defaults(), map={}, now=NOW) if name == "requests_log" else one(now=NOW)
                    try:
                        if not hasattr(parser, "fits") or parser.fits(row.data):
                            taken |= bool(parser.parse(row.data))
                    except BadRow:
                        continue
            return taken

        return take

    def otlp(self, signal, kind):
        def take(data):
            answer = self.receiver.take(signal, data, kind, "", NOW)
            assert answer.status in (200, 400, 413), answer
            return answer.status == 200

        return take

    def litellm(self, data):
        answer = self.callback.take(data, "", NOW)
        assert answer.status in (200, 400, 413), answer
        return answer.status == 200

    @staticmethod
    def prometheus(data):
        try:
            return bool(inference.read_page(data.decode("utf-8", "replace")))
        except ValueError:  # what its caller takes for a page that cannot be read
            return False

    @staticmethod
    def toml(data):
        try:
            table = tomllib.loads(data.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
            return False
        try:
            config.parse(table)
        except ConfigError:
            return False
        return True

    @staticmethod
    def question(data):
        try:
            freesql.Question.of(data)
        except BreakevenError:
            return False
        return True

    def sql(self, data):
        try:
            self.store.read(data.decode("utf-8", "replace"))
        except StoreRefused:
            return False
        return True


def corpora():
    """Real payloads of every kind."""
    found = {
        name: []
        for name in (
            "jsonl",
            "csv",
            "traces_pb",
            "metrics_pb",
            "logs_pb",
            "prometheus",
            "traces_json",
            "litellm",
            "metrics_json",
        )
    }
    for path in sorted(DATA.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        if path.suffix == ".pb":
            found[
                "metrics_pb" if ".metrics." in path.name else "logs_pb" if ".logs." in path.name else "traces_pb"
            ].append(data)
        elif path.suffix == ".txt":
            found["prometheus"].append(data)
        elif path.suffix == ".jsonl":
            found["jsonl"].append(data)
        elif path.suffix == ".json" and data:
            value = json.loads(data)
            rows = value if isinstance(value, list) else [value]
            found["jsonl"].append(b"\n".join(json.dumps(row).encode() for row in rows))
            found["traces_json" if "resourceSpans" in value else "litellm"].append(data)
    found["csv"] = [
        b"ts,provider,model,request_id,input_fresh,output\n2026-11-24T10:00:00Z,openai,gpt-4o-mini,a1,100,5\n",
        b"BilledCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ServiceName,ProviderName\n1.5,USD,2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,OpenAI,OpenAI\n",
        b'at;node;gpu;util\n"2026-11-24 10:00:00";n1;GPU-1;50\n',
    ]
    found["parquet"] = [_parquet()]
    found["metrics_json"] = [b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"x","gauge":{"dataPoints":[{"asDouble":1.5,"timeUnixNano":"1764000000000000000"}]}}]}]}]}']  # fmt: skip
    example = config.example().encode()
    found["toml"] = [example, re.sub(rb"(?m)^# ?(?=[\w\[])", b"", example)]
    found["question"] = [b'{"sql":"SELECT 1","format":"json","params":{"a":1}}']
    found["sql"] = [
        b"SELECT day, sum(usd) FROM v_cost_daily GROUP BY day",
        b"WITH 1 AS x SELECT x, [1,2], map('a', 1), (1, 'b') FROM numbers(3) LIMIT 2",
    ]
    return found


def _parquet():
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(
        pa.table({"ts": ["2026-11-24T10:00:00Z"], "provider": ["openai"], "model": ["m"], "output": [5]}), out
    )
    return out.getvalue()


def feed(targets, name, corpus, rng):
    """Make one bad input for a target and feed it; return whether it was taken, raising what is no refusal."""
    base = rng.choice(corpus)
    data = None
    if name in ("jsonl", "traces_json", "metrics_json", "litellm", "question") and rng.random() < 0.6:
        lines = base.splitlines() or [b"{}"]
        try:
            data = json.dumps(twisted(rng, json.loads(base if name != "jsonl" else rng.choice(lines)))).encode()
        except (ValueError, RecursionError):
            data = None
    if data is None:
        data = mutated(rng, base, corpus)
    try:
        return data, targets.names[name](data), None
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        return data, False, error


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    rng, runs, taken, wrong = random.Random(given.seed), Counter(), Counter(), Counter()
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store") as store:
        store.migrate()
        targets, corpus = Targets(store, Path(folder)), corpora()
        names = [name for name in targets.names if not given.only or name in given.only.split(",")]
        end = time.monotonic() + given.minutes * 60
        while time.monotonic() < end:
            for name in names:
                budget = time.monotonic() + 0.5  # each its share of the time, fast or slow
                while time.monotonic() < budget:
                    data, was_taken, error = feed(targets, name, corpus[name], rng)
                    runs[name] += 1
                    taken[name] += was_taken
                    if error is not None:
                        wrong[name] += 1
                        path = SEEDS / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
                        if wrong[name] <= 5:
                            path.write_bytes(data)
                            print(f"{name}: {type(error).__name__}: {str(error)[:200]} -> {path.name}", flush=True)
    for name in names:
        print(
            f"{name:14} {runs[name]:8,} inputs, {taken[name]:7,} taken, {runs[name] - taken[name]:8,} refused, {wrong[name]} broke it"
        )
    print(f"seed {given.seed}: {sum(runs.values()):,} inputs, {sum(wrong.values())} broke a parser")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
