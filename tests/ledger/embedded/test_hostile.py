"""SQL that wants files, the network or other people's settings: a canary file and a canary port tell what came of it.

Each payload is put into every place of a statement where it could stand; by the reader's port, by the command line and the
API, which share the gate. A refusal is right; an answer is right too if the canaries stay silent and the store is as it was.
"""

import itertools
import socket
import threading

import pytest
from made import NOW, command, request
from starlette.testclient import TestClient

from breakeven import web
from breakeven.config import parse
from breakeven.service import Service
from ledger.errors import StoreRefused
from ledger.store import Store
from ledger.store.client import _FULL

MARK = "canary-7f3a91"


@pytest.fixture(scope="module")
def canary(tmp_path_factory):
    """A file that nobody may read and a port that nobody may ask; `asked` counts connections."""
    folder = tmp_path_factory.mktemp("canary")
    (folder / "secret.txt").write_text(MARK)
    listener, asked = socket.create_server(("127.0.0.1", 0)), []

    def listen():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            asked.append(1)
            peer.close()

    threading.Thread(target=listen, daemon=True).start()
    yield {"file": str(folder / "secret.txt"), "folder": folder, "url": f"http://127.0.0.1:{listener.getsockname()[1]}/x",
           "port": listener.getsockname()[1], "asked": asked}  # fmt: skip
    listener.close()


SCALARS = ["file('{file}')", "arrayMap(file, ['{file}'])[1]", "(SELECT file('{file}'))", "if(1, file('{file}'), '')", "FILE('{file}')",
           "`file`('{file}')", "concat('', file('{file}'))", "getSetting('max_memory_usage')", "getServerSetting('max_connections')",
           "joinGet('t', 'v', 1)", "dictGet('price_of', 'output', toUInt64(1))", "hostName()", "catboostEvaluate('{file}', 1)",
           "initializeAggregation('sum', 1)", "sleepEachRow(3)", "evalMLMethod(1)", "filesystemAvailable()", "getMacro('x')",
           "currentUser()", "(file('{file}') AS f)", "transform(1, [1], [file('{file}')], '')", "{{f:Identifier}}('{file}')"]  # fmt: skip
TABLES = ["file('{file}', 'LineAsString')", "file('{file}', 'LineAsString', 'line String')", "filesystem('{folder}')", "`{file}`",
          "url('{url}', 'LineAsString')", "url('{url}', 'LineAsString', 'line String')", "urlCluster('default', '{url}', 'CSV')",
          "remote('127.0.0.1:{port}', system, one)", "remoteSecure('127.0.0.1:{port}', system.one)",
          "mysql('127.0.0.1:{port}', 'a', 'b', 'c', 'd')", "postgresql('127.0.0.1:{port}', 'a', 'b', 'c', 'd')",
          "mongodb('127.0.0.1:{port}', 'a', 'b', 'c', 'd', 'a String')", "redis('127.0.0.1:{port}', 'k', 'k String')",
          "s3('{url}', 'CSV')", "sqlite('{folder}/made.db', 't')", "Python(canary)", "executable('cat {file}', 'LineAsString', 'l String')",
          "merge('system', '.*')", "merge(REGEXP('.*'), '.*')", "system.processes", "system.disks", "system.server_settings", "system.users",
          "information_schema.tables", "cluster('default', system.one)", "hdfs('hdfs://127.0.0.1:{port}/x', 'CSV')", "input('a String')",
          "iceberg('{url}')", "deltaLake('{url}')", "jdbc('127.0.0.1:{port}', 'a', 'b')", "loop(file('{file}'))", "fuzzJSON('x')",
          "viewIfPermitted(SELECT 1 ELSE null('x String'))", "generateRandom('a String')", "dictionary('price_of')"]  # fmt: skip
WHOLE = ["SELECT 1 INTO OUTFILE '{folder}/made'", "SELECT 1 INTO OUTFILE '{folder}/made' FORMAT CSV", "INSERT INTO FUNCTION file('{folder}/made') SELECT 1",
         "INSERT INTO FUNCTION url('{url}', 'CSV') SELECT 1", "INSERT INTO requests SELECT * FROM requests", "DESCRIBE TABLE url('{url}')",
         "DESCRIBE TABLE file('{file}')", "EXPLAIN SELECT * FROM url('{url}')", "EXPLAIN AST SELECT 1; DROP TABLE requests", "SELECT 1; DROP TABLE requests",
         "DROP TABLE requests", "TRUNCATE TABLE requests", "ALTER TABLE requests DELETE WHERE 1", "CREATE TABLE x (a String) ENGINE = File(CSV)",
         "CREATE TABLE x (a String) ENGINE = URL('{url}', CSV)", "CREATE TEMPORARY TABLE x (a String)", "CREATE FUNCTION f AS x -> x",
         "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(HTTP(URL '{url}' FORMAT 'CSV')) LAYOUT(FLAT())", "SYSTEM SHUTDOWN", "SYSTEM KILL",
         "SYSTEM STOP MERGES", "KILL QUERY WHERE 1", "SET readonly = 0", "USE default", "BACKUP TABLE requests TO File('{folder}/made')",
         "RESTORE TABLE requests FROM File('{file}')", "ATTACH TABLE x FROM '{folder}'", "DETACH TABLE requests", "RENAME TABLE requests TO r",
         "OPTIMIZE TABLE requests", "GRANT ALL ON *.* TO x", "SHOW PROCESSLIST", "CHECK TABLE requests", "EXCHANGE TABLES requests AND prices",
         "SELECT * FROM requests SETTINGS max_execution_time = 0", "SELECT * FROM (SELECT 1 SETTINGS readonly = 0)", "WITH x AS (SELECT file('{file}')) SELECT * FROM x",
         "SELECT * APPLY(file) FROM (SELECT '{file}' AS a)", "SELECT COLUMNS('.*') APPLY(file) FROM (SELECT '{file}' AS a)",
         "SELECT 1 AS `x\nFunction file`, file('{file}')", "/* c */ SELECT file('{file}') -- x", "SELECT 1 FORMAT CSV; SELECT file('{file}')",
         "SELECT\x00file('{file}')", "SELECT 'a;b'", "((((SELECT file('{file}')))))", "SELECT 1 UNION ALL SELECT file('{file}')",
         "SELECT 1 IN `{file}`", "SELECT 1 IN file('{file}', 'LineAsString', 'x String')", "SELECT CAST('x', 'AggregateFunction(sum, UInt64)')",
         "SELECT finalizeAggregation(CAST(unhex('00'), 'AggregateFunction(uniq, String)'))", "", ";", "SELECT", "\u202eSELECT 1", "select File('{file}')"]  # fmt: skip
PLACES = ["SELECT {}", "SELECT 1 WHERE toString({}) != ''", "SELECT max(toString({}))", "SELECT 1 ORDER BY {}", "SELECT 1 GROUP BY {}",
          "SELECT [{}]", "SELECT x FROM (SELECT {} AS x)", "SELECT 1 LIMIT length(toString({}))", "SELECT * FROM numbers(1) WHERE number IN (SELECT toUInt64(length(toString({}))))",
          "SELECT * FROM values('a String', ({}))"]  # fmt: skip
SOURCES = ["SELECT * FROM {}", "SELECT 1 FROM numbers(1) AS n JOIN {} AS t ON 1", "SELECT 1 IN (SELECT * FROM {})", "WITH x AS (SELECT * FROM {}) SELECT * FROM x",
           "SELECT * FROM view(SELECT * FROM {})", "SELECT (SELECT count() FROM {})", "SELECT 1 UNION ALL SELECT count() FROM {}"]  # fmt: skip
STATEMENTS = [
    *(place.format(payload) for place, payload in itertools.product(PLACES, SCALARS)),
    *(place.format(payload) for place, payload in itertools.product(SOURCES, TABLES)),
    *WHOLE,
]


def filled(text, canary):
    for name in ("file", "folder", "url", "port"):
        text = text.replace("{" + name + "}", str(canary[name]))
    return text


def content(store):
    query = "SELECT name, total_rows FROM system.tables WHERE database = currentDatabase() ORDER BY name"
    return store._client.query(query).result_rows


def test_nothing_that_is_asked_reaches_a_file_the_network_or_a_table(store, canary):
    store.add([request(NOW, n, input_fresh=1) for n in range(3)])
    before, files, through = content(store), set(canary["folder"].iterdir()), []
    for text in STATEMENTS:
        try:
            names, rows = store.read(filled(text, canary), {"f": "file"} if "Identifier" in text else {})
        except StoreRefused:
            continue
        assert MARK not in repr((names, rows)), text
        through.append(text)
    assert not canary["asked"]
    assert set(canary["folder"].iterdir()) == files
    assert content(store) == before
    assert len(through) < len(STATEMENTS) / 50, through


@pytest.mark.parametrize(
    "text",
    ["SELECT file('{file}')", "SELECT * FROM url('{url}', 'CSV')", "SELECT 1; DROP TABLE requests", "SYSTEM SHUTDOWN"],
)
def test_the_command_and_the_api_refuse_alike(store, prices, canary, tmp_path, text):
    sql = filled(text, canary)
    said = command("sql", sql, store=tmp_path / "store", code=2)
    client = TestClient(web.application(Service(parse({}), store, prices), jobs=False))
    answer = client.post("/api/v1/query", json={"sql": sql})
    assert answer.status_code == 422
    assert MARK not in said.stdout + said.stderr + answer.text
    assert not canary["asked"]


@pytest.mark.parametrize("text", [
    "SELECT sum(number) FROM numbers(100000000000)", "SELECT groupArray(number) FROM numbers(2000000000)",
    "SELECT count() FROM numbers(1000000) AS a CROSS JOIN numbers(1000000) AS b", "SELECT arrayJoin(range(100000000))",
    "SELECT number FROM numbers(200000)", "SELECT repeat('x', 1000000) FROM numbers(1000)", "SELECT " + "(" * 3000 + "1" + ")" * 3000,
    "SELECT " + "abs(" * 5000 + "1" + ")" * 5000, "SELECT match(repeat('a', 30), '(a+)+$') AND throwIf(number = 10, 'x') FROM numbers(100)",
])  # fmt: skip
def test_a_query_that_is_too_much_ends_and_the_next_is_answered(store, text):
    with pytest.raises(StoreRefused):
        store._call(lambda: store._reader.query(text, settings={"max_execution_time": 1}), passing=_FULL)
    assert store.read("SELECT 42 AS answer") == (["answer"], [(42,)])


def test_what_analysts_write_is_not_refused(store):
    for text in [
        "SELECT team, sum(usd) AS usd FROM v_cost_daily GROUP BY team HAVING usd > 0 ORDER BY usd DESC LIMIT 10",
        "WITH toStartOfWeek(day) AS week SELECT week, side, sum(usd) OVER (PARTITION BY side ORDER BY week) FROM v_cost_daily",
        "SELECT quantile(0.95)(latency_ms), countIf(status >= 400) / count() FROM v_requests WHERE at > toDateTime('2026-01-01') AND model ILIKE '%mini%'",
        "SELECT a.model, b.usd FROM v_usage_hourly AS a LEFT JOIN v_cost_hourly AS b USING (model) LIMIT 5",
        "SELECT arraySum([1, 2]), mapKeys(map('a', 1)), JSONExtractInt('{\"a\":1}', 'a'), multiIf(1, 2, 3)",
        "SELECT * EXCEPT (team) FROM v_cost_daily LIMIT 1 BY model", "SELECT formatDateTime(now(), '%Y')",
    ]:  # fmt: skip
        store.read(text)


def test_two_stores_cannot_read_each_other(tmp_path, store):
    with Store(tmp_path / "other") as other:
        other.migrate()
        inside = next(other.folder.rglob("*.bin"), other.folder / "store.json")
        with pytest.raises(StoreRefused):
            store.command(f"INSERT INTO rejected (reason) SELECT file('{inside}')")


def test_what_was_let_through_once_is_judged_anew_where_a_place_holds_a_name(store):
    """Texts that were admitted are remembered; a name in a place makes another statement of the same text."""
    text = "SELECT count() FROM {place:Identifier} WHERE 'x' = {value:String}"
    for _ in range(2):
        assert store.read(text, {"place": "v_requests", "value": "x"})[1] == [(0,)]
        with pytest.raises(StoreRefused):
            store.read(text, {"place": "system.processes", "value": "x"})
    plain = "SELECT {value:String} AS v, {at:DateTime('UTC')} > {from:DateTime('UTC')} AS later, {some:Array(String)} AS some"
    for value in ("a", "system.processes", "Function file (children 1)", "AggregateFunction(sum, UInt64)", "'; DROP"):
        given = {"value": value, "at": NOW, "from": NOW, "some": [value]}
        assert store.read(plain, given)[1] == [(value, 0, [value])]
