"""The exporters' spool: order, limits, poison, broken files, full disks, kills; and the sender in front of bad receivers."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exporters.spool
from exporters.spool import Batch, Sender, Spool, SpoolInUse


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spool.db"


def bodies(spool):
    return [batch.body for batch in spool.peek(10_000)]


def test_what_was_put_waits_in_order_over_a_restart(path):
    spool = Spool(path)
    for n in range(5):
        spool.put("/v1/metrics", b"%d" % n, {"last": str(n)})
    spool.taken(spool.peek()[0])
    spool.close()
    again = Spool(path)
    assert bodies(again) == [b"1", b"2", b"3", b"4"]
    assert (again.state("last"), again.state("none")) == ("4", None)
    again.close()


def test_two_exporters_on_one_file_are_refused(path):
    spool = Spool(path)
    with pytest.raises(SpoolInUse, match="another exporter"):
        Spool(path)
    spool.close()
    Spool(path).close()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=40))
def test_over_the_limit_the_oldest_go_and_are_counted(tmp_path_factory, sizes):
    spool = Spool(tmp_path_factory.mktemp("s") / "spool.db", limit=1000)
    put = [bytes([n]) * size for n, size in enumerate(sizes)]
    for body in put:
        spool.put("/", body)
    left = bodies(spool)
    assert left == put[len(put) - len(left) :]
    assert sum(map(len, left)) <= 1000 < sum(map(len, put[len(put) - len(left) - 1 :])) or len(left) == len(put)
    assert spool.counts() == {"waiting": len(left), "dropped": len(put) - len(left), "refused": 0, "broken": 0}
    spool.close()


def test_a_file_that_shrinks_again(path):
    spool = Spool(path)
    for _ in range(50):
        spool.put("/", b"x" * 50_000)
    for batch in spool.peek(1000):
        spool.taken(batch)
    spool.put("/", b"y")
    spool.close()
    assert path.stat().st_size < 200_000


@pytest.mark.parametrize(
    "damage", [b"this is no database, and it is longer than a header" * 40, b""], ids=["garbage", "empty"]
)
def test_a_broken_file_is_put_aside(path, damage):
    path.write_bytes(damage)
    spool = Spool(path)
    spool.put("/", b"new")
    assert bodies(spool) == [b"new"]
    assert spool.counts()["broken"] == bool(damage)
    assert len(list(path.parent.glob("*.broken-*"))) == bool(damage)
    spool.close()


def test_a_full_disk_holds_the_newest_in_memory_and_goes_on(path, monkeypatch):
    spool = Spool(path)
    spool.put("/", b"0")
    full = sqlite3.OperationalError("database or disk is full")

    class Full:
        def __enter__(self):
            raise full

        def __exit__(self, *_):
            return False

    real = spool._base
    spool._kept = Full()
    for n in range(1, 1000):
        spool.put("/", b"%d" % n, {"n": str(n)})
    spool._kept = real
    assert bodies(spool) == [b"0"]
    spool.put("/", b"1000")
    assert bodies(spool) == [b"0", *(b"%d" % n for n in range(401, 1001))]
    assert spool.state("n") == "999"
    spool.close()


def test_a_disk_that_is_full_at_the_start_breaks_no_file_and_stops_no_sender(path, monkeypatch):
    spool = Spool(path)
    spool.put("/", b"0", {"n": "0"})
    spool.close()
    opened = exporters.spool._open

    def full(_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("exporters.spool._open", full)
    spool = Spool(path)
    spool.put("/", b"1", {"n": "1"})
    assert (spool.held, spool.state("n")) == (1, "1")
    sender = Sender(spool, "http://127.0.0.1:9")
    assert sender.drain() == 1.0
    assert "full" in sender.last_error
    assert spool.left().startswith("Unknown")
    monkeypatch.setattr("exporters.spool._open", opened)
    spool.put("/", b"2")
    assert (bodies(spool), spool.held, spool.counts()["broken"]) == ([b"0", b"1", b"2"], 0, 0)
    spool.close()


def test_a_kill_between_two_puts_loses_none(path):
    """Killed 5 times while putting: what had been said to be put is there, once, in order."""
    code = (
        "import sys; from pathlib import Path; from exporters.spool import Spool; s = Spool(Path(sys.argv[1])); n = int(s.state('n') or 0)\n"
        "while True:\n    n += 1; s.put('/', b'%d' % n, {'n': str(n)}); print(n, flush=True)"
    )
    for _ in range(5):
        child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        for _ in range(20):
            said = int(child.stdout.readline())
        child.kill()
        child.wait()
        child.stdout.close()
        spool = Spool(path)
        there = [int(body) for body in bodies(spool)]
        spool.close()
        assert there == list(range(1, len(there) + 1))
        assert len(there) >= said


@contextmanager
def receiving(*answers):
    """A receiver that gives these answers (status, headers) in turn, then 200."""
    answers = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = answers.pop(0) if answers else (200, {})
            server.got.append((status, self.path, body, self.headers.get("X-Key")))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def filled(path, *put):
    spool = Spool(path)
    for body in put:
        spool.put("/v1/metrics", body)
    return spool


def test_batches_go_oldest_first_with_their_headers(path):
    spool = filled(path, b"a", b"b", b"c")
    with receiving() as (url, got):
        waits = []
        assert Sender(spool, url, {"X-Key": "k"}, waits.append).drain() == 0
    assert got == [(200, "/v1/metrics", body, "k") for body in (b"a", b"b", b"c")]
    assert (bodies(spool), waits) == ([], [0.25, 0.25, 0.25])
    spool.close()


@pytest.mark.parametrize(
    ("answer", "wait"),
    [((503, {"Retry-After": "7"}), 7.0), ((500, {}), 1.0), ((429, {"Retry-After": "soon"}), 1.0), ((408, {}), 1.0)],
    ids=["503", "500", "429", "408"],
)
def test_a_receiver_that_cannot_now_gets_it_again(path, answer, wait):
    spool = filled(path, b"a", b"b")
    with receiving(answer) as (url, got):
        sender = Sender(spool, url, pause=lambda _: None)
        assert sender.drain() == wait
        assert bodies(spool) == [b"a", b"b"]
        assert sender.drain() == 0
    assert [body for _, _, body, _ in got] == [b"a", b"a", b"b"]
    spool.close()


def test_what_is_refused_for_good_blocks_nothing(path):
    spool = filled(path, b"bad", b"good")
    with receiving((400, {})) as (url, got):
        assert Sender(spool, url, pause=lambda _: None).drain() == 0
    assert [status for status, *_ in got] == [400, 200]
    assert spool.counts() == {"waiting": 0, "dropped": 0, "refused": 1, "broken": 0}
    spool.refused(Batch(99, "/", b"x" * (2 << 20)), "too big")  # the poison table is bounded too
    spool.close()


def test_no_receiver_is_no_loss(path):
    spool = filled(path, b"a")
    sender = Sender(spool, "http://127.0.0.1:9", pause=lambda _: None)
    assert sender.drain() == 1.0
    assert bodies(spool) == [b"a"]
    assert "refused" in sender.last_error.lower()
    spool.close()
