"""The receive spool: what was acknowledged is there after a kill, torn and spoiled records cost nobody else anything."""

import os
import signal
import subprocess
import sys
from concurrent.futures import wait
from datetime import UTC, datetime, timedelta

import pytest
from awaiting import awaited

from collector.attribution import Attribution
from collector.receivers.loader import Loader, Place
from collector.receivers.piece import Piece
from collector.receivers.segments import Segments, records, standing
from ledger.errors import ConfigError, SpoolFull, StoreRefused, StoreUnavailable
from ledger.prices.register import PriceRegister
from ledger.records import Request
from ledger.store import Store
from ledger.store.backup import backup, restore

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def call(n, **more):
    return Request(at=NOW - timedelta(microseconds=n), event_key=f"id|openai|chatcmpl-{n:024}|1", side="api", source="litellm",
                   provider="openai", model="gpt-4o-mini", input_fresh=1000, output=n, **more)  # fmt: skip


def piece(*numbers):
    return Piece("litellm", "callback", NOW, [call(n) for n in numbers])


def stored(store):
    return store.read("SELECT count(), sum(output) FROM v_requests")[1][0]


@pytest.fixture
def loader(store, tmp_path):
    one = Loader(store, PriceRegister(store), Attribution(), Place(tmp_path / "receive"))
    yield one
    one.stop()


def test_a_piece_comes_out_as_it_went_in():
    bad = [(3, "gen_ai.usage", "not a whole number")]
    one = Piece("otlp", "otlp", NOW, [call(1, cost_reported=None), call(2, latency_ms=7)], [], bad)
    assert Piece.unpacked(one.packed()) == one


def test_records_are_durable_when_the_answer_comes_and_files_close_in_order(tmp_path):
    spool = Segments(tmp_path, 1 << 20)
    done = [spool.put(b"%d" % n) for n in range(100)]
    assert not wait(done, 10).not_done
    (first,) = spool.closed()
    spool.put(b"later").result(10)
    assert [records(path) for path in spool.closed()] == [([b"%d" % n for n in range(100)], False), ([b"later"], False)]
    for path in spool.closed():
        spool.drop(path)
    spool.close()
    assert not list(tmp_path.iterdir())
    assert not first.exists()


@pytest.mark.parametrize(
    ("spoil", "left"),
    [
        (lambda data: data[:-3], [b"record 0", b"record 1"]),
        (lambda data: data[:-13], [b"record 0", b"record 1"]),
        (lambda data: data[:12] + b"\xff" + data[13:], [b"record 1", b"record 2"]),
        (lambda data: data[:28] + b"\xff" + data[29:], [b"record 0", b"record 2"]),
        (lambda data: b"\xff" * 8 + data[8:], []),
        (lambda data: data + b"\0", [b"record 0", b"record 1", b"record 2"]),
    ],
    ids=["cut record", "cut head", "first", "middle", "length", "rest"],
)
def test_what_can_be_read_of_a_spoiled_file_is_read(tmp_path, spoil, left):
    spool = Segments(tmp_path, 1 << 20)
    wait([spool.put(b"record %d" % n) for n in range(3)])
    (path,) = spool.closed()
    path.write_bytes(spoil(path.read_bytes()))
    assert records(path) == (left, True)
    spool.aside(path)
    assert standing(tmp_path).broken == 1
    spool.close()


def test_above_its_limit_and_on_a_full_disk_it_takes_nothing_and_stays_whole(tmp_path, monkeypatch):
    spool = Segments(tmp_path, 100)
    spool.put(b"x" * 60).result(10)
    with pytest.raises(SpoolFull):
        spool.put(b"y" * 60)
    write, left = os.write, [3]

    def full(file, data):
        if left[0]:
            return write(file, data[: left.pop()])
        raise OSError(28, "No space left on device")

    left[:] = [0, 3]
    monkeypatch.setattr("collector.receivers.segments.os.write", full)
    with pytest.raises(StoreUnavailable, match="No space left"):
        spool.put(b"z" * 5)
    monkeypatch.undo()
    spool.put(b"after").result(10)
    assert [records(path) for path in spool.closed()] == [([b"x" * 60, b"after"], False)]
    spool.close()


def test_a_file_that_was_begun_on_a_full_disk_is_not_dropped_while_it_is_written(tmp_path, monkeypatch):
    spool = Segments(tmp_path, 1 << 20)
    monkeypatch.setattr("collector.receivers.segments._write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(StoreUnavailable):
        spool.put(b"no room")
    monkeypatch.undo()
    for path in spool.closed():
        assert records(path) == ([], False)
        spool.drop(path)
    spool.put(b"after").result(10)
    assert [records(path) for path in spool.closed()] == [([b"after"], False)]
    spool.close()


def test_a_sync_that_fails_is_told_and_nothing_more_goes_into_that_file(tmp_path, monkeypatch):
    spool = Segments(tmp_path, 1 << 20)
    spool.put(b"before").result(10)
    sync = os.fsync

    def broken(file):
        monkeypatch.setattr("collector.receivers.segments.os.fsync", sync)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("collector.receivers.segments.os.fsync", broken)
    with pytest.raises(StoreUnavailable, match="Input/output"):
        spool.put(b"unknown").result(10)
    awaited(lambda: spool._file < 0)
    spool.put(b"after").result(10)
    assert [records(path)[0] for path in spool.closed()] == [[b"before", b"unknown"], [b"after"]]
    spool.close()


HELD = """
import sys, time
from pathlib import Path
from collector.receivers.segments import Segments
spool = Segments(Path(sys.argv[1]), 1 << 30)
for n in range(10**9):
    spool.put(b"%d" % n * 50).result()
    print(n, flush=True)
"""


def test_a_killed_process_leaves_what_it_acknowledged_and_the_next_adopts_it(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HELD, str(tmp_path)], stdout=subprocess.PIPE) as child:
        said = [child.stdout.readline() for _ in range(200)]
        mine = Segments(tmp_path, 1 << 20)
        assert mine.adopt() == 0  # its owner lives
        child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()
    last = int(said[-1] if said[-1].endswith(b"\n") else said[-2])
    assert mine.adopt() == 1
    (path,) = mine.closed()
    found = [int(record[: len(record) // 50]) for record in records(path)[0]]
    assert found[: last + 1] == list(range(last + 1))
    assert len(found) <= last + 2
    mine.drop(path)
    mine.close()
    assert not list(tmp_path.iterdir())


def test_pieces_are_stored_once_in_one_batch(store, loader):
    loader.start()
    wait([loader.put(piece(n, n + 1)) for n in range(0, 100, 2)])
    awaited(lambda: stored(store) == (100, sum(range(100))))
    loader.put(piece(5, 6)).result(10)
    awaited(lambda: loader.repeats["litellm"] == 2)
    assert stored(store) == (100, sum(range(100)))
    assert len(store.ask("collector", "known_batch", token="x")) == 0
    assert store.read("SELECT count() FROM requests FINAL")[1] == [(100,)]


def test_while_the_store_is_away_senders_are_answered_and_all_comes_later(store, loader, monkeypatch):
    monkeypatch.setattr("collector.receivers.loader.GATHER_S", 0.01)
    away = [True]
    load = loader.load

    def sometimes(pieces):
        if away[0]:
            raise StoreUnavailable("gone")
        load(pieces)

    monkeypatch.setattr(loader, "load", sometimes)
    loader.start()
    wait([loader.put(piece(n)) for n in range(3)])
    loader.stop()
    assert stored(store) == (0, 0) or stored(store)[0] == 0
    assert standing(loader.place.folder).bytes > 0
    away[0] = False
    loader.start()
    awaited(lambda: stored(store) == (3, 3))
    loader.stop()
    assert standing(loader.place.folder).bytes == 0


@pytest.mark.parametrize("trouble", [StoreRefused("unlucky"), KeyError("a fault of ours")], ids=repr)
def test_what_cannot_be_stored_blocks_nothing_and_is_put_aside(store, loader, monkeypatch, caplog, trouble):
    load = loader.load

    def picky(pieces):
        if any(one.output == 13 for p in pieces for one in p.requests):
            raise trouble
        load(pieces)

    monkeypatch.setattr(loader, "load", picky)
    loader.start()
    wait([loader.put(piece(n)) for n in (12, 13, 14)])
    awaited(lambda: stored(store) == (2, 26))
    assert loader.refused == 1
    assert "cannot be stored" in caplog.text
    (aside,) = loader.place.folder.glob("*.broken")
    ((record,), _) = records(aside)
    assert [one.output for one in Piece.unpacked(record).requests] == [13]


def test_a_backup_takes_along_what_waits(store, loader, tmp_path, monkeypatch):
    monkeypatch.setattr(loader, "load", lambda _: (_ for _ in ()).throw(StoreUnavailable("gone")))
    loader.start()
    wait([loader.put(piece(n)) for n in range(10)])
    backup(store, tmp_path / "copy", waiting=loader.place.folder)
    with Store(tmp_path / "other") as other:
        with pytest.raises(ConfigError, match="spool"):
            restore(other, tmp_path / "copy")
        restore(other, tmp_path / "copy", waiting=tmp_path / "there")
        later = Loader(other, PriceRegister(other), Attribution(), Place(tmp_path / "there"))
        later.start()
        later.stop()
        assert stored(other) == (10, 45)


def test_a_spool_that_cannot_be_opened_is_tried_again_and_senders_wait_meanwhile(store, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("collector.receivers.loader.ADOPT_S", 0.2)
    folder = tmp_path / "volume" / "receive"
    folder.parent.write_text("not mounted yet")
    one = Loader(store, PriceRegister(store), Attribution(), Place(folder))
    one.start()
    one.put(piece(1)).result(30)
    assert stored(store) == (1, 1)
    assert "senders wait" in caplog.text
    folder.parent.unlink()
    awaited(lambda: one._segments is not None)
    one.put(piece(2)).result(30)
    one.stop()
    assert stored(store) == (2, 3)


def test_without_a_disk_senders_wait_for_the_insert(store, monkeypatch):
    one = Loader(store, PriceRegister(store), Attribution())
    one.start()
    wait([one.put(piece(n)) for n in range(50)])
    assert stored(store) == (50, sum(range(50)))
    monkeypatch.setattr(store, "add_columns", lambda *_, **__: (_ for _ in ()).throw(StoreUnavailable("gone")))
    with pytest.raises(StoreUnavailable):
        one.put(piece(99)).result(30)
    one.stop()
