"""The schema on a cluster: every statement that makes or changes a table, read by the engine's own parser."""

import re

import pytest

from ledger.errors import ConfigError
from ledger.sqlfile import sql, statements
from ledger.store import Store
from ledger.store.cluster import SHARDED, Server
from ledger.store.migrate import shipped

SERVER = Server("prod", "be'ep", "p\\w")
ALL = [(m.number, n, text) for m in shipped() for n, text in enumerate(statements(m.text))]
JOBS = [("breakeven", "drop_month_requests"), ("breakeven", "drop_month_gpu_samples"), ("ledger.costing", "drop_vintage"),
        ("ledger.store", "schema_migrations_table")]  # fmt: skip


def parsed(store, text):
    query = "SELECT formatQuerySingleLineOrNull({text:String})"
    return store._client.query(query, parameters={"text": text}).result_rows[0][0] or ""


@pytest.mark.parametrize(("number", "place", "text"), ALL, ids=[f"{n:04d}-{i}" for n, i, _ in ALL])
def test_every_statement_of_a_migration_reaches_every_node(store, number, place, text):
    adapted = SERVER.adapt(text)
    if re.search(r"^INSERT INTO", text, re.MULTILINE):
        assert adapted == [text]  # rows find their shard and their copies by themselves
        return
    known = [parsed(store, one) for one in adapted]
    assert all(" ON CLUSTER prod" in one for one in known), adapted
    for one in known:
        engine = re.search(r"ENGINE = (\w+)", one)
        assert not engine or engine[1] in ("Null", "Distributed") or engine[1].startswith("Replicated"), one
        assert "SOURCE(CLICKHOUSE(" not in one or r"USER 'be\'ep' PASSWORD 'p\\w'" in one


@pytest.mark.parametrize("table", SHARDED)
def test_a_sharded_table_is_read_through_one_name_and_kept_under_another(store, table):
    text = next(text for _, _, text in ALL if f"CREATE TABLE IF NOT EXISTS {table} (" in text)
    local, reading = (parsed(store, one) for one in SERVER.adapt(text))
    assert f"{table}_local ON CLUSTER prod" in local
    assert f"ReplicatedReplacingMergeTree('/clickhouse/tables/{{database}}/{table}/{{shard}}', '{{replica}}', " in local
    assert local.endswith(parsed(store, text)[-40:])  # codecs, keys, settings and comments are the same
    assert reading.endswith(
        f"{table} ON CLUSTER prod AS {table}_local ENGINE = Distributed('prod', currentDatabase(), {table}_local, "
        f"{SHARDED[table]})"
    )


def test_a_small_table_has_one_copy_a_node(store):
    (one,) = SERVER.adapt(next(text for _, _, text in ALL if "CREATE TABLE IF NOT EXISTS cost_hourly" in text))
    assert "'/clickhouse/tables/{database}/cost_hourly', '{shard}-{replica}', ver)" in parsed(store, one)


def test_columns_are_added_to_both_names_and_partitions_dropped_where_they_lie(store):
    assert [one.split(" ON ")[0] for one in SERVER.adapt("ALTER TABLE gpu_samples\n  ADD COLUMN x UInt8")] == [
        "ALTER TABLE gpu_samples_local", "ALTER TABLE gpu_samples",
    ]  # fmt: skip
    dropped = SERVER.adapt(sql("breakeven", "drop_month_requests"))
    assert [parsed(store, one).split(" (")[0] for one in dropped] == ["ALTER TABLE requests_local ON CLUSTER prod"]


@pytest.mark.parametrize(("package", "name"), JOBS, ids=[name for _, name in JOBS])
def test_what_jobs_change_is_changed_on_every_node(store, package, name):
    assert all(" ON CLUSTER prod" in parsed(store, one) for one in SERVER.adapt(sql(package, name)))


def test_a_table_made_anew_waits_until_its_path_is_free():
    (one,) = SERVER.adapt("DROP TABLE IF EXISTS signals")
    assert one == "DROP TABLE IF EXISTS signals ON CLUSTER 'prod' SYNC"


@pytest.mark.parametrize("text", [text for _, _, text in ALL if "SOURCE(" not in text][:20])
def test_a_single_server_gets_the_statement_as_it_stands(text):
    assert Server("", "be", "pw").adapt(text) == [text]


def test_questions_are_left_alone():
    text = "SELECT 'ALTER TABLE requests' FROM requests"
    assert SERVER.adapt(text) == [text]


def test_a_folder_belongs_to_no_cluster(tmp_path):
    with pytest.raises(ConfigError, match="only a server"):
        Store(tmp_path, cluster="prod")
