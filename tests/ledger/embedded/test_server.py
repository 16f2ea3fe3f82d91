"""The store process: walls, gate, one handle a statement; each against the real engine."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from ledger.errors import StoreRefused
from ledger.store import Store

HOSTILE = [
    "SELECT file('/etc/passwd')",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT arrayMap(file, ['/etc/passwd'])",
    "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT 1; DROP TABLE requests",
    "DROP TABLE requests",
    "INSERT INTO rejected SELECT * FROM rejected",
    "SELECT * FROM system.processes",
    "SELECT * FROM merge('system', '.*')",
    "SELECT getSetting('readonly')",
    "SELECT dictGet('price_of', 'output', toUInt64(1))",
    "SELECT sleep(3)",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT * FROM requests SETTINGS max_execution_time = 0",
    "SYSTEM SHUTDOWN",
    "SET readonly = 0",
    "EXPLAIN AST SELECT 1",
    "SELECT * FROM python('x')",
]


@pytest.mark.parametrize("statement", HOSTILE)
def test_readers_cannot(store, statement):
    with pytest.raises(StoreRefused):
        store.read(statement)
    assert store.read("SELECT count() FROM requests")[1] == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SYSTEM SHUTDOWN",
        "SELECT 1; SELECT 2",
        "KILL QUERY WHERE 1",
        "CREATE FUNCTION f AS x -> x",
        "INSERT INTO FUNCTION file('/tmp/x') SELECT 1",
        "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(HTTP(URL 'http://127.0.0.1:1/' FORMAT 'CSV')) LAYOUT(FLAT())",
        "ATTACH TABLE t FROM '/tmp'",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
    ],
)
def test_the_writer_cannot(store, statement):
    with pytest.raises(StoreRefused):
        store.command(statement)


def test_a_failed_answer_leaves_nothing_to_the_next(store):
    """Permanent: a query that fails after some rows must not leak them into any later answer. Never weaken or skip.

    The engine's handles do leak (chDB 26.9); so each statement has a handle of its own, closed after it.
    """
    store.command("CREATE TABLE IF NOT EXISTS leak (n UInt64) ENGINE = MergeTree ORDER BY n")
    try:
        store.command("INSERT INTO leak SELECT number FROM numbers(300000)")

        def round_(n):
            with pytest.raises(StoreRefused):
                store._client.query(
                    "SELECT n, throwIf(n > {stop:UInt64}) FROM leak",
                    parameters={"stop": 1000 * (n % 40)},
                    settings={"max_block_size": 500 + 97 * n},
                ) if n % 2 else store.command(f"SELECT n, throwIf(n = {1000 * (n % 40)}) FROM leak")
            known = store._client.query("SELECT n, toUInt8(0) FROM leak WHERE n < 5 ORDER BY n").result_rows
            assert [tuple(row) for row in known] == [(i, 0) for i in range(5)]
            assert store.read("SELECT n FROM leak WHERE n < 3 ORDER BY n")[1] == [(0,), (1,), (2,)]

        from clickhouse_connect.driver.exceptions import DatabaseError

        def guarded(n):
            try:
                round_(n)
            except DatabaseError:
                known = store._client.query("SELECT n, toUInt8(0) FROM leak WHERE n < 5 ORDER BY n").result_rows
                assert [tuple(row) for row in known] == [(i, 0) for i in range(5)]
                assert store.read("SELECT n FROM leak WHERE n < 3 ORDER BY n")[1] == [(0,), (1,), (2,)]

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(guarded, range(200)))
    finally:
        store.command("DROP TABLE leak")


def test_the_store_process_sees_no_environment(store):
    with open(f"/proc/{store._process.pid}/environ", "rb") as file:
        names = {part.split(b"=")[0] for part in file.read().split(b"\0") if part}
    assert names == {b"TZ", b"LC_ALL", b"TMPDIR"}


def test_it_is_walled_in_or_free_sql_is_off(store):
    assert store.confined or pytest.raises(StoreRefused, store.read, "SELECT 1")


def test_logins(store):
    http = urllib3.PoolManager()
    base = f"http://127.0.0.1:{store._process.port}"
    assert http.request("GET", f"{base}/ping").data == b"Ok.\n"
    assert http.request("POST", base, body=b"SELECT 1").status == 403
    wrong = urllib3.make_headers(basic_auth="breakeven:nope")
    assert http.request("POST", base, body=b"SELECT 1", headers=wrong).status == 403
    answer = http.request("GET", f"{base}/?query=SELECT+1&user=breakeven&password={store._process.writer}")
    assert answer.status == 403
    assert b"password in the URL" in answer.data


@pytest.mark.parametrize("length", ["-5", "1_0", "abc", str(1 << 40)])
def test_bad_lengths_are_refused(store, length):
    import socket

    with socket.create_connection(("127.0.0.1", store._process.port), timeout=10) as peer:
        peer.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        assert peer.recv(1000).startswith(b"HTTP/1.1 400")


def test_only_one_store_starts(tmp_path):
    """Eight starts at once on one folder: one process, seven join it."""
    found: list[Store] = []
    threads = [threading.Thread(target=lambda: found.append(Store(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({store._process.pid for store in found}) == 1
    assert sum(store._process.child is not None for store in found) == 1
    for store in sorted(found, key=lambda s: s._process.child is not None):
        store.close()
