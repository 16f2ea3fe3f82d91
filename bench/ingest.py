"""G1 to G5: lines and Parquet rows through the whole import, beside the engine's own limits and what others do."""

from __future__ import annotations

import json
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq

from bench import postgres, price
from bench.measure import PEERS, Goal, Spent, median, rate, spent
from collector.attribution import Attribution
from collector.importer import Plan, import_file
from collector.sources.requests_log import Defaults
from ledger.prices.register import PriceRegister
from ledger.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

START, NOW = datetime(2026, 11, 24, 8, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC)
LINES, ROUNDS = 200_000, 3
INSERTED = 30_000


def goals() -> Iterator[Goal]:
    """Import the same number of new lines in each round, an insert of the engine's own beside each."""
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "store") as store:
        store.migrate()
        prices = PriceRegister(store)
        prices.refresh(NOW)
        path, parquet = Path(folder) / "log.jsonl", Path(folder) / "log.parquet"

        def imported(number: int) -> Spent:
            given = {"first": number * LINES, "count": LINES, "start": START}
            path.write_bytes(store.fetch("bench", "lines", "LineAsString", **given))
            with spent(store) as took:
                counts = import_file(store, prices, Attribution(), path, Plan({}, Defaults()), NOW).counts
            assert (counts.accepted, counts.rejected) == (LINES, 0)
            return took

        def table(number: int) -> Spent:
            given = {"first": number * LINES, "count": LINES, "start": START}
            lines = pa.py_buffer(store.fetch("bench", "lines", "LineAsString", **given))
            columns = pa.Table.from_batches(pj.open_json(pa.BufferReader(lines)))
            times = columns["ts"].cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
            pq.write_table(columns.set_column(0, "ts", times), parquet)
            with spent(store) as took:
                counts = import_file(store, prices, Attribution(), parquet, Plan({}, Defaults()), NOW).counts
            assert (counts.accepted, counts.rejected) == (LINES, 0)
            return took

        def parsed(_: int) -> Spent:
            with spent(store) as took:
                (found,) = store.ask("bench", "parse_only")
            assert found["rows"] == LINES
            return took

        imported(0)  # names are decided on and priced once
        ours = median(ROUNDS, lambda number: imported(number + 1))
        ours_table = median(ROUNDS, lambda number: table(number + ROUNDS + 1))
        store.tell("bench", "raw_lines")
        for half in range(2):
            given = {"first": half * LINES // 2, "count": LINES // 2, "start": START}
            store.land("raw_lines", store.fetch("bench", "lines", "LineAsString", **given), f"lines:{half}")
        parsing = median(ROUNDS, parsed)
        store.tell("bench", "raw_lines_drop")
        store.tell("bench", "raw_memory", rows=LINES)

        def limit(_: int) -> Spent:
            store.tell("bench", "raw_target")
            with spent(store) as took:
                store.tell("bench", "raw_limit")
            store.tell("bench", "raw_drop")
            return took

        raw = median(ROUNDS, limit)
    speeds = LINES / ours.cpu, LINES / raw.cpu
    yield Goal("G1", "JSON lines checked, priced, de-duplicated: share of a raw insert, CPU", rate(LINES, ours.cpu),
               rate(LINES, raw.cpu), speeds[0] / speeds[1], 0.10)  # fmt: skip
    yield Goal("G1w", "the same by the clock", rate(LINES, ours.wall), rate(LINES, raw.wall),
               (LINES / ours.wall) / (LINES / raw.wall), 0.10)  # fmt: skip
    yield Goal("G2", "the same, of parsing these lines and nothing else, CPU", rate(LINES, ours.cpu),
               rate(LINES, parsing.cpu), speeds[0] / (LINES / parsing.cpu), 0.25)  # fmt: skip
    yield Goal("G3", "rows of Parquet, the same way: share of a raw insert, CPU", rate(LINES, ours_table.cpu),
               rate(LINES, raw.cpu), LINES / ours_table.cpu / speeds[1], 0.20)  # fmt: skip
    library = price.library_rate()
    what = "rows imported, priced and stored, per rows priced by "
    yield Goal(
        "G4", f"{what}genai-prices, by CPU", rate(LINES, ours.cpu), f"{library:,.0f}/s", LINES / ours.cpu / library, 15
    )
    yield _litellm(f"{what}litellm, by CPU", LINES / ours.cpu)
    yield from _spend_logs(LINES / ours.wall)


def _litellm(what: str, ours: float) -> Goal:
    peer = Path(__file__).with_name("peer_litellm.py")
    done = subprocess.run([PEERS, peer], capture_output=True, text=True, check=False)
    if done.returncode:
        return Goal("G4", what, f"{ours:,.0f}/s", "–", None, 40, note="no litellm; see BENCH_PEERS in bench/measure.py")
    found = json.loads(done.stdout.splitlines()[-1])
    theirs = found["rows"] / found["seconds"]
    return Goal("G4", what, f"{ours:,.0f}/s", f"{theirs:,.0f}/s", ours / theirs, 40)


def _spend_logs(ours: float) -> Iterator[Goal]:
    """Insert as a LiteLLM proxy does into its SpendLogs: 1,000 rows a statement, synced, six indexes."""
    what = "rows a second into LiteLLM's SpendLogs on PostgreSQL 15"
    if postgres.missing():
        yield Goal("G5", what, f"{ours:,.0f}/s", "–", None, 5, note=postgres.missing())
        return
    with postgres.cluster() as found:
        seconds = found.seconds("\n".join(_insert(first) for first in range(0, INSERTED, 1000)))
    yield Goal("G5", what, f"{ours:,.0f}/s", rate(INSERTED, seconds), ours / (INSERTED / seconds), 5,
               note="ours: whole import of 200,000 lines, by the clock")  # fmt: skip


def _insert(first: int) -> str:
    rows = ",".join(
        f"('chatcmpl-{n:026}','acompletion','sk-{n % 300}',0.0{n % 900:03},{n % 6000},{n % 5000},{n % 900},"
        f"'2026-11-24 08:{n // 60 % 60:02}:{n % 60:02}','2026-11-24 08:{n // 60 % 60:02}:{n % 60:02}',"
        f"'2026-11-24 08:{n // 60 % 60:02}:{n % 60:02}','gpt-4o-mini','m{n % 9}','openai','https://api.openai.com',"
        f"'u{n % 40}','{{\"team\": \"t{n % 12}\", \"usage_object\": {{\"prompt_tokens\": {n % 5000}}}}}','False','',"
        f"'[]','t{n % 12}','e{n % 99}','127.0.0.1','{{}}','{{}}','s{n}','success')"
        for n in range(first, first + 1000)
    )
    return f'INSERT INTO "LiteLLM_SpendLogs" VALUES {rows} ON CONFLICT DO NOTHING;'
