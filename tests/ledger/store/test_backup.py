"""Backup and restore: what was copied is what is put back, also under load, in both forms; what is not whole is refused."""

import json
import shutil
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from made import NOW, request

from ledger.costing.declared import Declared
from ledger.costing.tick import tick
from ledger.errors import ConfigError
from ledger.prices.register import PriceRegister
from ledger.records import Charge, GpuSample
from ledger.store import Store
from ledger.store.backup import MANIFEST, backup, check, restore
from ledger.store.migrate import migrate, shipped

FORMS = [False, True]
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store with requests of two months, samples, money and decisions."""
    with Store(tmp_path_factory.mktemp("filled") / "store") as store:
        store.migrate()
        prices = PriceRegister(store)
        prices.refresh(NOW)
        prices.resolve([("openai", "gpt-4o-mini", "standard", "")], NOW)
        for month in (0, 30):
            at = NOW - timedelta(days=month)
            store.add(
                [request(at - n * HOUR, n + month, workload="bot", input_fresh=1000, output=500) for n in range(20)]
            )
            store.add(
                [GpuSample(at - n * HOUR, "n1", "GPU-1", "", "lab", 10.0, None, None, 40_000, 300.0) for n in range(5)]
            )
        tick(store, Declared(), NOW)
        yield store


def content(store):
    """Rows and a hash of the content of every table; which rows were merged already does not count."""
    names = [r[0] for r in store._client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'schema_migrations'"
    ).result_rows]  # fmt: skip
    return {
        n: store._client.query(f"SELECT count(), sum(cityHash64(tuple(*))) FROM {n} FINAL").result_rows[0]
        for n in names
    }


@pytest.mark.parametrize("portable", FORMS)
def test_what_is_put_back_is_what_was_copied(filled, tmp_path, portable):
    told = []
    manifest = backup(filled, tmp_path / "copy", portable=portable, told=lambda *n: told.append(n))
    assert told[-1] == (len(manifest["tables"]),) * 2
    with Store(tmp_path / "other") as other:
        done = restore(other, tmp_path / "copy")
        assert content(other) == content(filled)
        assert {one.table: one.found for one in done} == manifest["tables"]
        assert other.migrate() == []
        more = request(NOW + HOUR, 999, workload="bot", input_fresh=1000, output=500)
        other.add([more])  # dictionaries know the prices at once
        (cost,) = other._client.query(
            "SELECT cost FROM requests WHERE at = toDateTime64('2026-11-25 23:05:00', 3, 'UTC')"
        ).result_rows
        assert cost[0] == Decimal("0.00045")


@pytest.mark.parametrize("portable", FORMS)
def test_a_copy_taken_under_load_holds_whole_batches_and_all_that_were_acknowledged(tmp_path, portable):
    """Batches of ten come in without pause; after the restore each is there whole or not at all, and money adds up."""
    acknowledged, ended = [], threading.Event()

    def bring(url):
        with Store(url) as store:
            number = 0
            while not ended.is_set():
                rows = [
                    request(NOW - n * HOUR, number * 10 + n, workload="bot", input_fresh=1000, output=500)
                    for n in range(10)
                ]
                store.add(rows, token=f"batch-{number}")
                acknowledged.append(number)
                number += 1

    with Store(tmp_path / "store") as store:
        store.migrate()
        prices = PriceRegister(store)
        prices.refresh(NOW)
        prices.resolve([("openai", "gpt-4o-mini", "standard", "")], NOW)
        thread = threading.Thread(target=bring, args=(store.url,))
        thread.start()
        try:
            while len(acknowledged) < 20:
                tick(store, Declared(), NOW)
            before = len(acknowledged)
            backup(store, tmp_path / "copy", portable=portable)
        finally:
            ended.set()
            thread.join()
    with Store(tmp_path / "other") as other:
        restore(other, tmp_path / "copy")
        counts = other._client.query(
            "SELECT intDiv(toUInt64OrZero(splitByChar('|', event_key)[2]), 10) AS batch, count() FROM requests FINAL GROUP BY batch"
        ).result_rows
        assert {n for _, n in counts} == {10}
        there = {batch for batch, _ in counts}
        assert set(acknowledged[:before]) <= there <= set(range(len(acknowledged)))
        tick(other, Declared(), NOW)
        spent = other._client.query("SELECT sum(usd) FROM v_cost_hourly WHERE vintage = 'booked'").result_rows[0][0]
        assert spent == len(there) * 10 * Decimal("0.00045")


def test_a_copy_of_an_earlier_schema_is_brought_up_to_this_one(tmp_path):
    earlier = shipped()[-1].number - 2
    with Store(tmp_path / "old") as old:
        migrate(old, upto=earlier)
        old.command(
            "INSERT INTO job_runs (job, started_at, ended_at, outcome, note, ver) VALUES ('cost', 1, 2, 'ok', '', 3)"
        )
        assert backup(old, tmp_path / "copy")["schema"] == earlier
    with Store(tmp_path / "new") as new:
        restore(new, tmp_path / "copy")
        assert new.migrate() == []
        assert new._client.query("SELECT job FROM job_runs").result_rows == [("cost",)]


@pytest.fixture(scope="module")
def copied(filled, tmp_path_factory):
    target = tmp_path_factory.mktemp("copied") / "copy"
    backup(filled, target, portable=True)
    return target


def spoil_manifest(folder, **more):
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, **more}))


SPOILT = {
    "flipped": (lambda f: next(f.glob("requests/*")).write_bytes(next(f.glob("requests/*")).read_bytes()[:-1] + b"x"), "changed since"),
    "missing": (lambda f: next(f.glob("requests/*")).unlink(), "missing since"),
    "no manifest": (lambda f: (f / MANIFEST).unlink(), "no backup of breakeven"),
    "garbage": (lambda f: (f / MANIFEST).write_text("[]"), "no backup of breakeven"),
    "newer": (lambda f: spoil_manifest(f, schema=9999), "use the newer breakeven"),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILT)
def test_a_copy_that_is_not_whole_is_refused_before_anything_is_done(copied, tmp_path, what):
    shutil.copytree(copied, tmp_path / "copy")
    spoil, message = SPOILT[what]
    spoil(tmp_path / "copy")
    with pytest.raises(ConfigError, match=message):
        check(tmp_path / "copy")


def test_rows_are_never_mixed(filled, copied, tmp_path):
    with pytest.raises(ConfigError, match="empty store only"):
        restore(filled, copied)
    with pytest.raises(ConfigError, match="not empty"):
        backup(filled, copied)


def test_a_copy_that_was_cut_short_has_not_the_name(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "ledger.store.backup._sha256", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(OSError, match="No space"):
        backup(filled, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    monkeypatch.undo()
    assert backup(filled, tmp_path / "copy")["tables"]["requests"] == 40
    assert not list((filled.folder / "engine" / "shadow").glob("breakeven*"))


def test_nothing_secret_is_in_it(filled, tmp_path):
    """Charges keep no line of a bill as it came; the tokens of this start of the store stay outside."""
    backup(filled, tmp_path / "copy")
    names = {path.name for path in (tmp_path / "copy").rglob("*")}
    assert not names & {"store.json", "store.log", "breakeven.toml"}
    assert Charge.TABLE in json.loads((tmp_path / "copy" / MANIFEST).read_text())["tables"]
