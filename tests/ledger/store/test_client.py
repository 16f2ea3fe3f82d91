"""The store: facts once whatever is sent how often, other commands join, kill -9 loses nothing acknowledged."""

import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, DataError, OperationalError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import NOW, request

from ledger.errors import StoreRefused, StoreUnavailable
from ledger.store import Store, process
from ledger.store.client import _FULL, _PASSING, _translated, bound, server_address

DAY = datetime(2026, 11, 20, tzinfo=UTC)
COUNT = "SELECT count(), sum(output), sum(cityHash64(event_id, output, workload)) FROM requests FINAL"


def rows(n, **more):
    return [request(DAY + timedelta(minutes=i), i, output=i, **more) for i in range(n)]


def test_the_same_batch_again_changes_nothing(store):
    store.add(rows(50), token="one")
    once = store.read(COUNT)
    store.add(rows(50), token="one")
    store.add(rows(50), token="another token, the same rows")
    assert store.read(COUNT) == once


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(12)), cuts=st.lists(st.integers(1, 11), max_size=4), twice=st.booleans())
def test_any_cut_in_any_order_gives_the_same_ledger(store, order, cuts, twice):
    """I4 and I5: re-splits, repeats and permutations of a batch end in one and the same ledger."""
    store.command("TRUNCATE TABLE requests")
    made = rows(12)
    edges = [0, *sorted(set(cuts)), 12]
    for start, end in zip(edges, edges[1:], strict=False):
        part = [made[i] for i in order[start:end]]
        for _ in range(1 + twice):
            store.add(part)
    found = store.read(COUNT)
    store.command("TRUNCATE TABLE requests")
    store.add(made)
    assert found == store.read(COUNT)


def test_the_delivery_that_knows_more_wins_whenever_it_comes(store):
    """Reported usage beats estimated, estimated beats none, then the largest output; order does not matter."""
    at = DAY
    known = request(at, "x", output=90, usage_source="provider")
    guess = request(at, "x", output=500, usage_source="estimated")
    none = request(at, "x", output=0, usage_source="absent")
    for order in ([known, guess, none], [none, guess, known], [guess, none, known]):
        store.command("TRUNCATE TABLE requests")
        for row in order:
            store.add([row])
        assert store.read("SELECT output, usage_source FROM requests FINAL")[1] == [(90, "provider")]


def test_a_naive_instant_is_refused(store):
    with pytest.raises(StoreRefused, match="without a time zone"):
        store.add([request(datetime(2026, 1, 1), 1)])
    with pytest.raises(StoreRefused, match="without a time zone"):
        bound({"from": datetime(2026, 1, 1)})


def test_no_rows_still_have_columns(store):
    assert store.read("SELECT workload, cost FROM v_requests WHERE 0") == (["workload", "cost"], [])


def test_many_values_fit(store):
    """A parameter too long for a URL travels as a form."""
    hours = [DAY + timedelta(hours=h) for h in range(2000)]
    assert store.ask("ledger.costing", "unreconciled", hours=hours) == []


def test_a_second_command_joins(session_store):
    with Store(session_store.url) as other:
        assert other._process.child is None
        assert other._process.port == session_store._process.port


def test_the_store_comes_back_after_kill_9(tmp_path):
    """What was acknowledged before is there after; the caller notices nothing but time."""
    with Store(tmp_path) as store:
        store.migrate()
        store.add(rows(100), token="a")
        os.kill(store._process.pid, signal.SIGKILL)
        store._process.child.wait()
        assert store.read("SELECT count() FROM requests FINAL")[1] == [(100,)]
        store.add(rows(100), token="a")
        assert store.read("SELECT count() FROM requests FINAL")[1] == [(100,)]


def test_a_store_that_dies_again_and_again_is_left_alone_for_a_while(tmp_path, monkeypatch):
    with Store(tmp_path) as store:

        def die():
            os.kill(store._process.pid, signal.SIGKILL)
            store._process.child.wait()

        for _ in range(process.MOST_DEATHS - 1):
            die()
            assert store.read("SELECT 1")[1] == [(1,)]
        die()
        (tmp_path / "store.log").write_text("an assertion failed\n")
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=r"died 5 times in ten minutes.*an assertion failed"):
                store.read("SELECT 1")
        monkeypatch.setattr(process, "DEATHS_S", 0.0)
        assert store.read("SELECT 1")[1] == [(1,)]


def test_kill_9_in_the_middle_of_an_insert_heals(tmp_path):
    """Killed while batches arrive, then everything again: each row once, in facts."""
    with Store(tmp_path) as store:
        store.migrate()
        for n in range(3):
            store.add(rows(500), token=f"t{n}")
            script = textwrap.dedent(f"""
                import os, signal, threading, time
                threading.Thread(target=lambda: (time.sleep(0.01 * {n}), os.kill({store._process.pid}, 9))).start()
            """)
            killer = subprocess.Popen([sys.executable, "-c", script])
            for part in range(6):
                store.add(rows(500)[part * 80 : part * 80 + 80], token=f"p{n}{part}")
            killer.wait()
            store._process.child.wait() if store._process.child.poll() is not None else None
        store.add(rows(500), token="all")
        assert store.read("SELECT count(), uniqExact(event_id) FROM requests FINAL")[1] == [(500, 500)]


def test_another_program_in_the_folder_is_named(tmp_path):
    """A folder that something else holds gives a message with its process, not an engine's error."""
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from chdb.state.sqlitelike import Connection; c = Connection(sys.argv[1]); "
            "c.query('CREATE DATABASE x ENGINE = Atomic'); print('open', flush=True); sys.stdin.read()",
            str(tmp_path / "engine"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline().strip() == "open"
        with pytest.raises(StoreUnavailable, match=rf"used by process {holder.pid}.*choose another folder"):
            Store(tmp_path)
    finally:
        holder.stdin.close()
        holder.stdout.close()
        holder.wait()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("clickhouse://u:p%40x@h:8124/db", ("h", 8124, "u", "p@x", "db", False)),
        ("clickhouses://h", ("h", 8443, "default", "", "breakeven", True)),
    ],
)
def test_server_urls(url, expected):
    address = server_address(url)
    assert tuple(address[k] for k in ("host", "port", "username", "password", "database", "secure")) == expected


def test_versions_only_rise(store):
    made = [store.next_ver() for _ in range(1000)]
    assert made == sorted(set(made))
    assert NOW.tzinfo is UTC


@pytest.mark.parametrize(("error", "passes"), [
    (OperationalError("Error Connection refused executing HTTP request attempt 1"), True),
    (DatabaseError("HTTP driver received HTTP status 502, server response: <html>error code: 502"), True),
    (DatabaseError("HTTP driver received HTTP status 503, server response: Code: 1020"), True),
    (DatabaseError("HTTP driver received HTTP status 429"), True), (DatabaseError("HTTP driver received HTTP status 403"), False),
    (DatabaseError("Received ClickHouse exception, code: 243", code=243), True),
    (DatabaseError("Received ClickHouse exception, code: 241", code=241), True),
    (OperationalError("Received ClickHouse exception, code: 159", code=159), True),
    (DatabaseError("Received ClickHouse exception, code: 62", code=62), False),
    (OperationalError("Received ClickHouse exception, code: 62", code=62), False),
    (DataError("Unable to create native array for column `latency_ms`: error"), False),
])  # fmt: skip
def test_what_passes_by_itself_may_be_sent_again_and_the_rest_not(error, passes):
    """A proxy's page is no answer of the store: what was sent must be kept."""
    found = _translated(error, _PASSING)
    assert isinstance(found, StoreUnavailable if passes else StoreRefused)
    assert passes or found.code == (error.code or 0)


def test_a_person_s_own_question_that_is_too_much_is_refused():
    assert isinstance(_translated(DatabaseError("x", code=159), _FULL), StoreRefused)
    assert isinstance(_translated(DatabaseError("x", code=202), _FULL), StoreUnavailable)


def test_inserts_wait_for_the_disk_when_told_to(tmp_path):
    with Store(tmp_path / "s") as store:
        store.migrate()
        assert store.sync(on=False) == 0
        assert store.sync(on=True) > 30
        assert store.sync(on=True) == 0
        shown = store._client.query("SHOW CREATE TABLE requests").result_rows[0][0]
        assert "fsync_after_insert = 1, fsync_part_directory = 1" in shown
        assert store.sync(on=False) > 30
