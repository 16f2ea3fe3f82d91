"""`breakeven check --deep`: is the store whole, do its sums agree, is there room, is anything behind."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from breakeven.waiting import waiting
from collector.receivers.segments import standing
from ledger.store.migrate import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from breakeven.service import Service

_PACKAGE = "breakeven"
LEAST_BYTES = 2_000_000_000
"""Free on the store's disk: the engine refuses inserts below one gigabyte."""
BOOK_DAYS = 45
SKEW_S = 5
WAIT_S = 60
"""What senders told is loaded within seconds."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing that was looked at: what was seen, and what is wrong with it, or nothing."""

    name: str
    seen: str
    wrong: str = ""


def examine(service: Service, told: Callable[[int, int], None] | None = None) -> list[Looked]:
    """Look at everything; nothing is changed but that the tick brings the derived tables up to the facts first."""
    service.tick()
    steps = (_schema, _walls, _files, _sums, _days, _identity, _clock, _room, _waiting, _book, _jobs)
    out = []
    for number, step in enumerate(steps):
        out += list(step(service))
        if told:
            told(number + 1, len(steps))
    return out


def _schema(service: Service) -> Iterator[Looked]:
    applied = {row["number"] for row in service.store.ask("ledger.store", "schema_migrations")}
    missing = [m.number for m in shipped() if m.number not in applied]
    wrong = f"migrations {', '.join(map(str, missing))} are not applied: breakeven migrate" if missing else ""
    yield Looked("schema", f"{max(applied, default=0)}, engine {service.store.engine()}", wrong)


def _walls(service: Service) -> Iterator[Looked]:
    if service.store.server:
        yield Looked("walls", "a server: its roles are the walls")
        return
    wrong = "" if service.store.confined else "this system cannot confine the engine: free SQL is off"
    yield Looked("walls", "confined" if service.store.confined else "none", wrong)


def _files(service: Service) -> Iterator[Looked]:
    """Have the engine read every part of every table and hold it against its checksums."""
    parts, broken = 0, []
    for row in service.store.ask("ledger.store", "kept_tables"):
        text = service.store.fetch("ledger.store", "check_table", "TSV", table=row["name"]).decode()
        for line in text.splitlines():
            name, _, rest = line.partition("\t")
            parts += 1
            if not rest.startswith(("1", "true")):
                broken.append(f"{row['name']} {name}: {rest.partition(chr(9))[2] or 'does not match its checksums'}")
    wrong = f"{'; '.join(broken[:3])}: restore a backup, or detach the part and read its source again" if broken else ""
    yield Looked("files", f"{parts} parts read", wrong)


def _sums(service: Service) -> Iterator[Looked]:
    rows = service.store.ask(_PACKAGE, "doctor_sums")
    off = [r for r in rows if r["booked_usd"] != r["parts_usd"]]
    wrong = "; ".join(f"{r['month']:%Y-%m}: {r['booked_usd']} USD in requests, {r['parts_usd']} by hours" for r in off)
    yield Looked("requests and hours", f"{len(rows)} months, {sum(r['booked_usd'] for r in rows)} USD", wrong)


def _days(service: Service) -> Iterator[Looked]:
    rows = service.store.ask(_PACKAGE, "doctor_days")
    off = [row for row in rows if row["hours_usd"] != row["days_usd"]]
    wrong = "; ".join(f"{r['day']:%Y-%m-%d}: {r['hours_usd']} USD by hours, {r['days_usd']} by days" for r in off[:3])
    yield Looked("hours and days", f"{len(rows)} days", wrong)


def _identity(service: Service) -> Iterator[Looked]:
    (row,) = service.store.ask(_PACKAGE, "doctor_identity", latest=datetime.now(UTC) + timedelta(minutes=10))
    wrong = f"{row['collided']} events share the hash of another: one of each is not counted" if row["collided"] else ""
    yield Looked("identity", f"{row['rows']:,} requests whose ids are kept", wrong)
    ahead = f"{row['ahead']} requests lie in the future: a sender's clock is ahead" if row["ahead"] else ""
    yield Looked("instants", "none in the future" if not ahead else f"{row['ahead']} in the future", ahead)


def _clock(service: Service) -> Iterator[Looked]:
    (row,) = service.store.ask("ledger.store", "store_clock")
    skew = abs((row["there"] - datetime.now(UTC)).total_seconds())
    wrong = f"the store's clock is {skew:.0f} s from ours: set both by NTP" if skew > SKEW_S else ""
    yield Looked("clock", f"{skew:.1f} s from the store's", wrong)


def _room(service: Service) -> Iterator[Looked]:
    if service.store.server:
        return
    free = shutil.disk_usage(service.store.folder).free
    wrong = "less than 2 GB free: inserts are refused below 1 GB" if free < LEAST_BYTES else ""
    yield Looked("disk", f"{free / 1e9:,.1f} GB free", wrong)


def _waiting(service: Service) -> Iterator[Looked]:
    folder = waiting(service.config, service.store).folder
    if folder is None:
        return
    found = standing(folder)
    wrong = []
    if found.oldest_s > WAIT_S:
        wrong.append(f"the oldest has waited {found.oldest_s:,.0f} s: `breakeven run` loads it")
    if found.broken:
        wrong.append(f"{found.broken} files put aside in {folder}: spoiled ones, or requests that no store takes")
    yield Looked("receive spool", f"{found.bytes / 1e6:,.1f} MB wait", "; ".join(wrong))


def _book(service: Service) -> Iterator[Looked]:
    age = service.prices.book(datetime.now(UTC))["age_days"]
    wrong = f"{age:.0f} days old: update genai-prices" if age is not None and age > BOOK_DAYS else ""
    yield Looked("price book", "not loaded yet" if age is None else f"{age:.0f} days old", wrong)


def _jobs(service: Service) -> Iterator[Looked]:
    rows = service.store.ask(_PACKAGE, "doctor_jobs")
    failed = [f"{row['job']}: {row['note']}" for row in rows if row["outcome"] != "ok"]
    yield Looked("jobs", f"{len(rows)} have run" if rows else "none has run: breakeven run", "; ".join(failed))
