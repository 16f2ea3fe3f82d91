"""The check-up finds what is planted, names it, and says nothing of a store that is well."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from made import NOW, command, request

from breakeven.config import parse
from breakeven.doctor import examine
from breakeven.service import Service
from ledger.records import CostHour, JobRun
from ledger.store import Store


@pytest.fixture
def service(store, prices):
    prices.resolve([("openai", "gpt-4o-mini", "standard", "")], NOW)
    store.add(
        [request(NOW - timedelta(hours=n), n, workload="bot", input_fresh=1000, output=500) for n in range(1, 20)]
    )
    return Service(parse({}), store, prices)


def wrong(service):
    return {one.name: one.wrong for one in examine(service) if one.wrong}


def test_a_store_that_is_well(service):
    looked = {one.name: one for one in examine(service)}
    assert not any(one.wrong for one in looked.values())
    assert looked["requests and hours"].seen == f"1 months, {19 * Decimal('0.00045')}0000000 USD"


def test_money_that_no_request_paid(service, store):
    service.tick()
    hour = NOW.replace(minute=0) - timedelta(hours=3)
    store.add([CostHour(hour, "api", "openai", "x", "", "", "bot", "", "", "output", "usage", "booked", Decimal(1))])
    assert "1.008550000000 by hours" in wrong(service)["requests and hours"]


def test_a_day_that_is_not_its_hours(service, store):
    service.tick()
    store.command("ALTER TABLE cost_daily DELETE WHERE component = 'output' SETTINGS mutations_sync = 1")
    assert "by days" in wrong(service)["hours and days"]


def test_two_events_with_one_hash(service, store):
    store.command(
        "INSERT INTO requests (at, event_id, event_key, ver) SELECT at, event_id, 'another', 1 FROM requests WHERE event_key = 'test|7'"
    )
    assert wrong(service)["identity"].startswith("1 events share")


def test_a_clock_that_is_ahead(service, store):
    store.add([request(datetime.now(UTC) + timedelta(hours=3), "ahead")])
    assert "a sender's clock is ahead" in wrong(service)["instants"]


def test_jobs_disks_and_books(service, store, monkeypatch):
    store.add([JobRun("prices", NOW, NOW, "failed", "no network")])
    monkeypatch.setattr("breakeven.doctor.shutil.disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    monkeypatch.setattr("breakeven.doctor.BOOK_DAYS", -1)
    found = wrong(service)
    assert found["jobs"] == "prices: no network"
    assert "inserts are refused" in found["disk"]
    assert "update genai-prices" in found["price book"]


def test_one_flipped_byte_is_found_and_the_command_says_so(tmp_path):
    folder = tmp_path / "store"
    with Store(folder) as store:
        store.migrate()
        store.add([request(NOW - timedelta(hours=1), n, input_fresh=n * 7919 % 5000) for n in range(500)])
    path = max((folder / "engine").rglob("data.bin"), key=lambda p: p.stat().st_size, default=None) or max(
        (folder / "engine").rglob("input_fresh.bin"), key=lambda p: p.stat().st_size
    )
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "files" not in json.loads(command("check", "--json", store=folder, code=1).stdout)
    found = json.loads(command("check", "--deep", "--json", store=folder, code=1).stdout)
    assert [one for one in found["findings"] if one.startswith("files: requests")]
