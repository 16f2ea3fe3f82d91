"""Who may ask what: names, origins, tokens and roles; how much is taken at once; and what a crowd of slow senders does."""

import base64
import gzip
import json
import os
import re
import socket
import subprocess
import sys
import tracemalloc
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from awaiting import awaited
from starlette.testclient import TestClient
from typer.testing import CliRunner

from breakeven import access, overload, web
from breakeven.access import GRANTS, needed, new_token, presented
from breakeven.cli import app
from breakeven.client import Client, Refused
from breakeven.config import parse
from breakeven.service import Service
from collector.receivers import otlp, wire
from collector.receivers.loader import Loader
from ledger.errors import ConfigError

PROTOBUF = {"Content-Type": "application/x-protobuf"}
DOORS = {
    "/": "read", "/gpu": "read", "/why": "read", "/metrics": "read", "/api/v1/cost": "read", "/api/v1/openapi.json": "read",
    "/static/page.css": "read", "/api/v1/query": "sql", "/v1/traces": "ingest", "/v1/litellm": "ingest", "/v1/requests": "ingest", "/healthz": "", "/readyz": "",
}  # fmt: skip


@pytest.fixture
def service(store, prices):
    return Service(parse({}), store, prices)


@pytest.fixture
def guarded(service):
    return TestClient(web.application(service, jobs=False, tokens=True))


def token(store, role="read", **more):
    text, kept = new_token(role, "test", datetime.now(UTC), **more)
    store.add([kept])
    return text


def ask(client, path, token="", **headers):
    given = {"Authorization": f"Bearer {token}"} if token else {}
    method = "POST" if needed(path) in ("ingest", "sql") else "GET"
    return client.request(method, path, headers={**given, **headers})


@pytest.mark.parametrize(("path", "wanted"), DOORS.items())
def test_each_door_opens_to_the_roles_that_may(guarded, store, path, wanted, monkeypatch):
    monkeypatch.setattr(access, "KEPT_S", 0)
    assert (ask(guarded, path).status_code == 401) is bool(wanted)
    for role, may in GRANTS.items():
        status = ask(guarded, path, token(store, role)).status_code
        assert (status in (401, 403)) is (bool(wanted) and wanted not in may), (role, status)


def test_every_route_asks_for_something_but_health(service):
    paths = {route.path for route in web.application(service, jobs=False).routes}
    assert {path for path in paths if not needed(path)} == {"/healthz", "/readyz"}
    assert all(needed(path) == "ingest" for path in paths if path.startswith("/v1/"))


@pytest.mark.parametrize("bad", ["be_0000_x", "be_", "x" * 5000, "be_a_b_c", "\u00fc", "Bearer", "be__"])
def test_a_wrong_token_is_told_so_and_counted(guarded, monkeypatch, bad):
    monkeypatch.setattr(access, "DELAY_S", 0)
    answer = guarded.get("/api/v1/cost", headers={"Authorization": f"Bearer {bad}".encode()})
    assert answer.status_code == 401
    assert "breakeven tokens new" in answer.json()["error"]["message"]
    assert len(bad) < 8 or bad not in answer.text


def test_failed_logins_are_a_metric(service, store, monkeypatch):
    monkeypatch.setattr(access, "DELAY_S", 0)
    client, good = TestClient(web.application(service, jobs=False, tokens=True)), token(store)
    for _ in range(3):
        assert ask(client, "/", "be_0000_wrong").status_code == 401
    assert re.search(r"^breakeven_failed_logins_total 3.0$", ask(client, "/metrics", good).text, re.MULTILINE)


def test_a_token_ends_and_is_taken_back(guarded, store, monkeypatch):
    monkeypatch.setattr(access, "KEPT_S", 0)
    assert ask(guarded, "/", token(store, expires_at=datetime.now(UTC) - timedelta(seconds=1))).status_code == 401
    text = token(store, expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert ask(guarded, "/", text).status_code == 200
    kept = access.tokens(store)[-1]
    assert kept["last_used"] == datetime.now(UTC).date()
    store.add([access.AccessToken(**{k: v for k, v in kept.items() if k not in ("last_used", "revoked")}, revoked=1)])
    assert ask(guarded, "/", text).status_code == 401


def test_a_browser_asks_for_it_and_a_url_never_carries_it(guarded, store):
    text = token(store)
    assert ask(guarded, "/").headers["www-authenticate"].startswith("Basic ")
    login = base64.b64encode(f"me:{text}".encode()).decode()
    assert guarded.get("/", headers={"Authorization": f"Basic {login}"}).status_code == 200
    assert guarded.get(f"/?token={text}&access_token={text}").status_code == 401
    assert presented("Basic ???") == presented("Digest x") == "unreadable"


def test_only_the_hash_is_kept(store):
    text = token(store)
    rows = store._client.query("SELECT * FROM tokens").result_rows
    assert text.split("_")[2] not in repr(rows)
    assert len(text.split("_")[2]) == 52  # 32 bytes, base32


def test_on_this_machine_nobody_needs_one_but_a_wrong_one_is_refused(service, monkeypatch):
    monkeypatch.setattr(access, "DELAY_S", 0)
    client = TestClient(web.application(service, jobs=False))
    assert ask(client, "/").status_code == 200
    assert ask(client, "/", "be_0000_wrong").status_code == 401


@pytest.mark.parametrize(("host", "status"), [
    ("127.0.0.1:8400", 200), ("localhost", 200), ("evil.example", 421), ("127.0.0.1.evil.example:8400", 421), ("[::1]:80", 421), ("", 421),
])  # fmt: skip
def test_a_name_that_was_rebound_is_not_served(service, host, status):
    client = TestClient(web.application(service, jobs=False))
    assert client.get("/api/v1/sources", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"), [(None, 200), ("http://localhost:8400", 200), ("http://evil.example", 403), ("null", 403)]
)
def test_a_page_of_another_origin_cannot_write(service, origin, status):
    client = TestClient(web.application(service, jobs=False), base_url="http://localhost:8400")
    headers = {**PROTOBUF, **({"Origin": origin} if origin else {})}
    assert client.post("/v1/traces", content=b"", headers=headers).status_code == status
    assert "access-control-allow-origin" not in client.get("/api/v1/sources", headers=headers).headers


def test_the_python_client_carries_a_token(guarded, store):
    with Client("http://testserver", token=token(store), transport=guarded._transport) as client:
        assert client.cost()["rows"] == []
    with (
        Client("http://testserver", transport=guarded._transport) as client,
        pytest.raises(Refused, match="access token"),
    ):
        client.cost()


@pytest.mark.parametrize(("given", "message"), [
    ({"tls_cert": "x"}, "both or none"), ({"trusted_network": True, "require_tokens": True}, "one says that no token"),
])  # fmt: skip
def test_settings_that_contradict_each_other_are_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        parse({"server": given})


def test_the_command_makes_lists_renews_and_takes_back(tmp_path):
    def run(*words):
        return CliRunner().invoke(app, ["--store", str(tmp_path / "store"), "tokens", *words])

    made = json.loads(run("new", "ingest", "--note", "node 7", "--days", "30", "--json").output)
    assert re.fullmatch(r"be_[0-9a-f]{8}_[a-z2-7]{52}", made["token"])
    (row,) = json.loads(run("list", "--json").output)["rows"]
    assert (row["role"], row["note"], row["state"], row["last_used"]) == ("ingest", "node 7", "holds", None)
    assert "sha256" not in row
    again = json.loads(run("rotate", made["id"], "--json").output)
    states = {r["id"]: r["state"] for r in json.loads(run("list", "--json").output)["rows"]}
    assert states == {made["id"]: "taken back", again["id"]: "holds"}
    assert run("revoke", again["id"]).exit_code == 0
    assert "holds" not in run("list").output
    assert isinstance(run("revoke", again["id"]).exception, ConfigError)
    assert isinstance(run("new", "king").exception, ConfigError)


@pytest.mark.parametrize(("body", "status"), [
    (b"\x0a\x00" * 30_000, 413),  # thirty thousand empty resources
    (b"\x0a\xff\x7f\x12\x00", 400),  # a length that does not fit
    (b"", 200), (b"\xff" * 100, 400), (b"\x0b", 400),
])  # fmt: skip
def test_items_are_counted_before_anything_is_made(service, body, status):
    client = TestClient(web.application(service, jobs=False))
    assert client.post("/v1/traces", content=body, headers=PROTOBUF).status_code == status


def nested(*fields, leaf=b"", times=1):
    """A message of fields in each other, the innermost repeated."""

    def one(number, inner):
        length, out = len(inner), bytearray([number << 3 | 2])
        while length > 0x7F:
            out.append(length & 0x7F | 0x80)
            length >>= 7
        return bytes([*out, length]) + inner

    body = one(fields[-1], leaf) * times
    for field in reversed(fields[:-1]):
        body = one(field, body)
    return body


@pytest.mark.parametrize(
    "path",
    [*wire.TRACES, *wire.METRICS, *wire.LOGS, *wire.TRACE_ATTRIBUTES, *wire.METRIC_ATTRIBUTES, *wire.LOG_ATTRIBUTES],
    ids=str,
)
def test_the_count_is_that_of_the_parsed_message(path):
    body = nested(*path, times=1234) + nested(1, 1, leaf=b"")
    assert wire.count(body, (path,), 10_000) in (1234, 1235)  # the resource beside it is one object too
    assert wire.count(body, (path,), 100) == 101
    assert wire.at_most(body, (path,)) >= wire.count(body, (path,), 10_000)


def large(signal):
    """A request of several mebibytes with names and texts, as a busy sender makes it."""
    message = signal.request()
    kind = {"traces": "resource_spans", "metrics": "resource_metrics", "logs": "resource_logs"}[signal.name]
    one = getattr(message, kind).add()
    one.resource.attributes.add(key="service.name").value.string_value = "x" * 20
    scope = getattr(one, kind.replace("resource", "scope")).add()
    scope.scope.name = "a scope"
    for n in range(4000):
        if signal is otlp.TRACES:
            item = scope.spans.add(
                trace_id=n.to_bytes(16, "big"), span_id=n.to_bytes(8, "big"), name="a name of a span" * 20
            )
            item.events.add(name="gen_ai.choice").attributes.add(key="n").value.int_value = n
            item.links.add(trace_id=b"1" * 16, span_id=b"2" * 8)
        elif signal is otlp.LOGS:
            item = scope.log_records.add(severity_text="INFO", body={"string_value": "text of a record" * 20})
        else:
            metric = scope.metrics.add(name=f"metric {n}", description="text of a metric" * 20, unit="1")
            item = getattr(
                metric, ("gauge", "sum", "histogram", "exponential_histogram", "summary")[n % 5]
            ).data_points.add()
        for name in range(5):
            item.attributes.add(key=f"key {name}").value.string_value = "value"
    return message.SerializeToString()


@pytest.mark.parametrize("signal", [otlp.TRACES, otlp.METRICS, otlp.LOGS], ids=lambda one: one.name)
def test_a_large_request_is_taken_with_all_that_it_tells(service, signal, monkeypatch):
    body = large(signal)
    assert len(body) > 1 << 20
    client = TestClient(web.application(service, jobs=False))
    assert client.post(f"/v1/{signal.name}", content=body, headers=PROTOBUF).status_code == 200
    monkeypatch.setattr(otlp, "MAX_ATTRIBUTES", 20_000)  # of 20,001
    assert client.post(f"/v1/{signal.name}", content=body, headers=PROTOBUF).status_code == 413


@pytest.mark.parametrize("path", [*wire.TRACES, *wire.METRICS, (1, 2), (1, 2, 2, 9), (1, 2, 2, 5, 1, 7)], ids=str)
def test_ten_mebibytes_of_nothing_cost_little_memory(service, path):
    signal = otlp.METRICS if len(path) > 4 or path in wire.METRICS else otlp.TRACES
    body = nested(*path, times=5_000_000)
    receiver = otlp.Receiver(Loader(service.store, service.prices, service.attribution), 20 << 20)
    before = resident()
    answer = receiver.take(signal, body, "application/x-protobuf", "", datetime.now(UTC))
    assert answer.status == 413
    assert resident() - before < 50e6


@pytest.mark.parametrize(
    "body", [b"[" + b"{}," * 3_000_000 + b"{}]", b"[" * 3_000_000, b'{"resourceSpans":[' + b"1," * 3_000_000 + b"1]}"]
)
@pytest.mark.parametrize("door", ["/v1/traces", "/v1/litellm", "/v1/requests"])
def test_json_of_millions_of_values_is_not_read(service, door, body):
    client = TestClient(web.application(service, jobs=False))
    assert client.post(door, content=body, headers={"Content-Type": "application/json"}).status_code == 413


def test_bombs_are_not_unpacked(service):
    client = TestClient(web.application(service, jobs=False))
    bomb = gzip.compress(b"\0" * (200 << 20))
    many = gzip.compress(b"") * 100_000
    for body, status in ((bomb, 413), (many, 400)):
        tracemalloc.start()
        answer = client.post("/v1/traces", content=body, headers={**PROTOBUF, "Content-Encoding": "gzip"})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert answer.status_code == status
        assert peak < 100e6


def test_too_much_at_once_is_told_to_wait(service, monkeypatch):
    monkeypatch.setattr(overload, "MOST_BYTES", 1000)
    client = TestClient(web.application(service, jobs=False))
    answer = client.post("/v1/traces", content=b"x" * 1001, headers=PROTOBUF)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    assert client.post("/v1/traces", content=b"", headers=PROTOBUF).status_code == 200


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_thousand_slow_senders_keep_nobody_out(tmp_path):
    """Half never end their headers, half send a byte of a body; a client is answered, then they are hung up on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = "from breakeven import overload; overload.HEADER_S = overload.GRACE_S = 4; overload.KEEP_S = 1; from breakeven.cli import main; main()"
    words = [sys.executable, "-c", script, "--store", str(tmp_path / "store"), "run", "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE) as server:
        try:

            def answers(path="readyz"):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as answer:
                        return answer.status == 200
                except (urllib.error.URLError, TimeoutError, ConnectionError):
                    return False

            awaited(answers, 60)
            whole = memory(server.pid)
            crowd = []
            for n in range(1000):
                one = socket.create_connection(("127.0.0.1", port), timeout=5)
                head = f"POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-protobuf\r\n"
                one.sendall((head + "Content-Length: 1000000\r\n\r\nx" if n % 2 else head).encode())
                crowd.append(one)
            for _ in range(20):  # and some that have asked once, and well, before
                one = socket.create_connection(("127.0.0.1", port), timeout=5)
                one.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                said = b""
                while not said.endswith(b"\r\n\r\nok\n"):
                    said += one.recv(4096)
                one.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
                crowd.append(one)
            assert answers()
            assert answers("api/v1/sources")
            assert memory(server.pid) - whole < 200e6
            awaited(lambda: all(ended(one) for one in crowd), 60)
            assert answers()
            for one in crowd:
                one.close()
        finally:
            server.terminate()
            server.stderr.close()


def ended(connection):
    """Say whether the other side hung up, or answered 408 and did."""
    connection.setblocking(False)
    try:
        while data := connection.recv(4096):
            assert data.startswith(b"HTTP/1.1 408")
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def memory(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
