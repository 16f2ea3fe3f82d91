"""Migrations: each applied once, an edited or newer one refused, records and tables agree."""

from dataclasses import fields, replace

import pytest

from ledger import records
from ledger.errors import ConfigError
from ledger.sqlfile import statements
from ledger.store import Store
from ledger.store.migrate import pending, shipped

RECORDS = [cls for cls in records.Record.__args__]


def test_twice_changes_nothing(store):
    assert store.migrate() == []
    assert store.migrate(dry_run=True) == []


def test_dry_run_applies_nothing(tmp_path):
    with Store(tmp_path / "fresh") as store:
        due = store.migrate(dry_run=True)
        assert due == [f"{m.number:04d}_{m.name}" for m in shipped()]
        assert store.migrate() == due


def test_an_edited_migration_is_refused():
    known = shipped()
    applied = {m.number: m.sha256 for m in known}
    edited = [replace(known[0], text=known[0].text + "-- edited"), *known[1:]]
    with pytest.raises(ConfigError, match=r"0001_facts was applied with another text"):
        pending(applied, edited)


def test_a_newer_schema_is_refused():
    with pytest.raises(ConfigError, match="schema 9999, this program knows"):
        pending({9999: "x"}, shipped())


@pytest.mark.parametrize("migration", shipped(), ids=lambda m: f"{m.number:04d}_{m.name}")
def test_a_migration_can_be_repeated_and_says_what_it_is(store, migration):
    assert migration.text.startswith("-- ")
    for statement in statements(migration.text):
        store.command(statement)


def test_numbers_have_no_gap():
    assert [m.number for m in shipped()] == list(range(1, len(shipped()) + 1))


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.TABLE)
def test_a_record_is_its_table(store, record):
    rows = store._client.query(f"DESCRIBE TABLE {record.TABLE}").result_rows
    columns = [row[0] for row in rows if row[2] not in ("MATERIALIZED", "ALIAS")]
    assert [f.name for f in fields(record)] == [name for name in columns if name != "ver"]


def test_every_column_of_a_kept_table_is_commented(store):
    rows = store._client.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND comment = '' AND table IN "
        "(SELECT name FROM system.tables WHERE engine LIKE '%MergeTree' AND database = currentDatabase())"
    ).result_rows
    assert rows == []
