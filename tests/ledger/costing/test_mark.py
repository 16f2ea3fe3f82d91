"""What the tick has seen: rows that come in behind a newer one are found, and those that come in meanwhile do no harm."""

import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from made import NOW, request

from ledger.costing.declared import Declared
from ledger.costing.mark import LATE_NS, SETTLED_NS, Mark, Seen, read_mark, write_mark
from ledger.costing.tick import tick
from ledger.store import Store

HOUR = timedelta(hours=1)
EACH = Decimal("0.00045")


@pytest.fixture
def priced(store, prices):
    prices.resolve([("openai", "gpt-4o-mini", "standard", "")], NOW)
    return store


def row(name, hours=5):
    return request(NOW - hours * HOUR, name, workload="bot", input_fresh=1000, output=500)


def spent(store):
    return store._client.query("SELECT sum(usd) FROM v_cost_hourly WHERE vintage = 'booked'").result_rows[0][0]


@pytest.mark.parametrize("behind_ns", [1, 10**9, LATE_NS - 10**9])
def test_a_row_whose_version_was_taken_before_a_newer_one_was_seen_is_found(priced, monkeypatch, behind_ns):
    """Two threads: one takes its version, the other takes a later one and is in first; the tick sees only that."""
    priced.add([row("first")])
    tick(priced, Declared(), NOW)
    latest = read_mark(priced).requests.latest
    for n, hours in enumerate((5, 9)):  # in an hour that was seen, and in another
        monkeypatch.setattr(Store, "next_ver", lambda _: latest - behind_ns)
        priced.add([row(f"late {n}", hours)])
        monkeypatch.undo()
        assert tick(priced, Declared(), NOW).request_hours == 2  # and the hour behind it, for retries
        assert spent(priced) == (2 + n) * EACH
        assert tick(priced, Declared(), NOW).request_hours == 0


def test_ticks_go_on_while_rows_come_in(priced):
    """Rows of the very hours that are rebuilt come in all the time: no tick fails, and in the end all is counted."""
    ended, brought = threading.Event(), [0]

    def bring():
        with Store(priced.url) as other:
            while not ended.is_set():
                other.add([row(f"{brought[0]}-{n}", n) for n in range(5)])
                brought[0] += 5

    threads = [threading.Thread(target=bring)]
    for thread in threads:
        thread.start()
    try:
        done = [tick(priced, Declared(), NOW) for _ in range(12)]
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert sum(one.request_hours for one in done) > 12
    tick(priced, Declared(), NOW)
    assert spent(priced) == brought[0] * EACH
    assert tick(priced, Declared(), NOW).request_hours == 0


def test_what_was_merged_is_looked_at_again_and_changes_nothing(priced):
    priced.add([row("a"), row("b")])
    tick(priced, Declared(), NOW)
    priced.add([row("a"), row("b")])
    tick(priced, Declared(), NOW)
    priced.command("OPTIMIZE TABLE requests FINAL")
    before = spent(priced)
    tick(priced, Declared(), NOW)
    assert spent(priced) == before == 2 * EACH
    assert tick(priced, Declared(), NOW).request_hours == 0


def test_a_tick_without_news_writes_nothing(priced):
    priced.add([row("a")])
    tick(priced, Declared(), NOW)
    first = priced.ask("ledger.store", "cursor", source="tick", name="mark")
    tick(priced, Declared(), NOW)
    assert priced.ask("ledger.store", "cursor", source="tick", name="mark") == first


def test_after_some_silence_nothing_need_be_compared():
    seen = Seen(10**18, 10**18 - LATE_NS, {1764032400: 2**63 + 5})
    assert seen.settled(10**18 + SETTLED_NS) == seen
    assert seen.settled(10**18 + SETTLED_NS + 1) == Seen(10**18, 10**18)
    assert Mark(requests=Seen(time.time_ns(), 5, {1: 1})).settled(time.time_ns()).requests.seals == {1: 1}


def test_it_is_read_as_it_was_written(store):
    mark = Mark(requests=Seen(7, 5, {1764032400: 2**64 - 1}), decisions=Seen(2, 1), closed=NOW, covered=None)
    write_mark(store, mark)
    assert read_mark(store) == mark


def test_an_hour_that_lies_ahead_stays_to_be_done(priced):
    """A clock that is ahead: its rows are not costed yet, and are once their hour has come."""
    priced.add([row("ahead", -1)])
    assert tick(priced, Declared(), NOW).request_hours == 0
    assert tick(priced, Declared(), NOW + HOUR).request_hours == 1
    assert spent(priced) == EACH


@pytest.fixture
def ahead(monkeypatch):
    """A clock that is a day ahead where a store is opened, as that of a machine before it has asked for the time."""

    def opened(url):
        other = Store(url)
        there = Store._now_there

        def wrong(self):
            return there(self) + 86_400 * 10**9

        with monkeypatch.context() as patch:
            patch.setattr(Store, "_now_there", wrong)
            other.next_ver()
        return other

    return opened


@pytest.mark.parametrize("ticked", [True, False], ids=["and costed them", "and was gone"])
def test_what_a_clock_that_was_ahead_has_written_hides_nothing_that_comes_later(priced, ahead, ticked):
    other = ahead(priced.url)
    other.add([row("ahead")])
    if ticked:
        tick(other, Declared(), NOW)
    other.close()
    for n in range(3):
        with Store(priced.url) as right:
            right.add([row(f"later {n}"), row(f"elsewhere {n}", 9)])
            tick(right, Declared(), NOW)
            assert spent(right) == (1 + 2 * (n + 1)) * EACH
            assert tick(right, Declared(), NOW).request_hours == 0


def test_versions_go_on_when_the_clock_is_set_back(store, monkeypatch):
    first = store.next_ver()
    monkeypatch.setattr(time, "time_ns", lambda: 5)
    monkeypatch.setattr(time, "time", lambda: 5.0)
    assert first < store.next_ver() < first + 60 * 10**9
    with Store(store.url) as other:
        assert abs(other.next_ver() - first) < 60 * 10**9
