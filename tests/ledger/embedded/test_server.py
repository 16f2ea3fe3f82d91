"""The store process: walls, gate, one handle a statement; each against the real engine."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
import urllib3

from ledger.errors import ConfigError, StoreRefused
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


def reader_asks(store, query, **arguments):
    """Ask as Grafana's driver does without TLS: Basic login, the statement as the body."""
    http = urllib3.PoolManager()
    login = urllib3.make_headers(basic_auth=f"breakeven_read:{store._process.reader}")
    arguments = {"default_format": "Native", "max_execution_time": "60", **arguments}
    return http.request(
        "POST", f"http://127.0.0.1:{store._process.port}/?{urlencode(arguments)}", body=query, headers=login
    )


def test_the_go_driver_s_hello_byte_for_byte(store):
    """Block info of revision 54460; display name, version, revision 0, zone: what follows is read in revision 0."""
    asked = "SELECT displayName(), version(), revision(), timezone()"
    answer = reader_asks(store, asked, client_protocol_version="54460", database="breakeven")
    version = store.read("SELECT version()")[1][0][0].encode()
    wanted = b"\x01\x00\x02\xff\xff\xff\xff\x00\x04\x01"
    wanted += b"\x0ddisplayName()\x06String\x00\x09breakeven"
    wanted += b"\x09version()\x06String\x00" + bytes([len(version)]) + version
    wanted += b"\x0arevision()\x06UInt32\x00\x00\x00\x00\x00"
    wanted += b"\x0atimezone()\x06String\x00\x03UTC"
    assert (answer.status, answer.data) == (200, wanted)
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    one = reader_asks(store, "SELECT 1 AS one, 'x' AS text", client_protocol_version="54460", query_id="q1")
    assert (
        one.data == b"\x02\x01\x03one\x05UInt8\x01\x04text\x06String\x01x"
    )  # revision 0: no info, no serialization byte
    assert one.headers["X-ClickHouse-Query-Id"] == "q1"
    none = reader_asks(store, "SELECT 1 AS one WHERE 0", client_protocol_version="54460")
    assert none.data == b"\x01\x00\x03one\x05UInt8"


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("SELECT 1", "1"),
        ("SELECT version()", None),
        ("SELECT name FROM system.databases ORDER BY name", None),
        ("SELECT name FROM system.tables WHERE database = 'breakeven' ORDER BY name", "advice"),
        (
            "SELECT name, type FROM system.columns WHERE database = 'breakeven' AND table = 'v_verdicts' ORDER BY position",
            "at",
        ),
        ("SELECT timezone()", "UTC"),
    ],
)
def test_what_the_plugin_asks_for_health_and_schema(store, query, first):
    answer = reader_asks(store, query, default_format="TabSeparated")
    assert answer.status == 200, answer.data
    assert first is None or answer.data.decode().split()[0] == first


def test_errors_look_like_clickhouse_s(store):
    for query, status, code in (("SELECT nope", 500, 47), ("SELECT", 403, 497), ("SELECT 1 FROM nowhere", 404, 60)):
        answer = reader_asks(store, query)
        assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (status, str(code)), answer.data
        assert answer.data.startswith(f"Code: {code}. DB::Exception: ".encode())
    assert reader_asks(store, "SELECT 1", database="other").status == 404


def test_a_foreign_name_is_refused(store):
    """A page elsewhere whose name is made to point here must not reach the store."""
    http = urllib3.PoolManager()
    login = urllib3.make_headers(basic_auth=f"breakeven_read:{store._process.reader}")
    place = f"http://127.0.0.1:{store._process.port}/?query=SELECT+1"
    assert http.request("GET", place, headers={**login, "Host": "evil.example:80"}).status == 403
    assert http.request("GET", place, headers={**login, "Host": f"localhost:{store._process.port}"}).status == 200


@pytest.mark.parametrize(
    ("http", "message"),
    [
        ("0.0.0.0:8123", "set store.reader_password"),
        ("8123", "write HOST:PORT"),
        ("127.0.0.1:99999", "write HOST:PORT"),
    ],
)
def test_where_it_may_listen(tmp_path, http, message):
    with pytest.raises(ConfigError, match=message):
        Store(tmp_path, http=http)


def test_a_fixed_port_lets_grafana_in(tmp_path):
    """The address and the password of the configuration: what Grafana's data source is given."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Store(tmp_path, http=f"127.0.0.1:{port}", reader_password="grafana's") as store:
        store.migrate()
        assert store._process.port == port
        login = urllib3.make_headers(basic_auth="breakeven_read:grafana's")
        answer = urllib3.PoolManager().request(
            "POST", f"http://127.0.0.1:{port}/", body="SELECT count() FROM v_verdicts", headers=login
        )
        assert answer.data == b"0\n"
