"""Who runs the jobs where several programs work on one store; and what each role serves."""

import os
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
from awaiting import awaited
from made import NOW
from starlette.testclient import TestClient

from breakeven import web
from breakeven.config import parse
from breakeven.jobs import Jobs
from breakeven.lease import LEASE_S, Holder, Lease
from breakeven.roles import ROLES, role
from breakeven.service import Service
from ledger.errors import ConfigError

SECOND = timedelta(seconds=1)


@pytest.fixture
def elsewhere(store):
    """A lease of a program on another machine."""
    one = Lease(store, "schedule", host="elsewhere")
    assert one.holds(NOW)
    return one


def test_one_holds_it_until_it_ends_and_another_takes_over(store, elsewhere):
    here = Lease(store, "schedule", host="here")
    assert not here.holds(NOW + (LEASE_S - 1) * SECOND)
    assert here.holds(NOW + LEASE_S * SECOND)
    assert here.holder().name == here.name
    assert not elsewhere.holds(NOW + LEASE_S * SECOND)


def test_it_is_renewed_and_given_back(store, elsewhere):
    here = Lease(store, "schedule")
    assert elsewhere.holds(NOW + (LEASE_S - 1) * SECOND)
    assert not here.holds(NOW + (LEASE_S + 1) * SECOND)
    elsewhere.release()
    assert here.holds(NOW + (LEASE_S + 2) * SECOND)


def test_groups_do_not_meet(store, elsewhere):
    assert Lease(store, "collect").holds(NOW)


def test_who_was_killed_on_this_machine_is_not_waited_for(store):
    name = socket.gethostname()
    assert Holder("x", name, os.getpid(), 0).gone()
    assert not Holder("x", name, os.getppid(), 0).gone()
    assert not Holder("x", "elsewhere", 2**22 + 1, 0).gone()
    assert Holder("x", name, 2**22 + 1, 0).gone()


def test_jobs_of_a_group_rest_while_another_program_has_its_lease(store, elsewhere, prices):
    service = Service(parse({}), store, prices)
    jobs, ran = Jobs(service), []
    elsewhere._write(datetime.now(UTC) + timedelta(seconds=60))
    jobs._in_turn("cost", lambda: ran.append("cost") or "")
    jobs._in_turn("sources", lambda: ran.append("sources") or "")
    assert ran == ["sources"]


def test_a_lease_that_a_wrong_clock_took_for_a_day_is_not_waited_for(store, elsewhere):
    mine = Lease(store, "schedule", host="here")
    assert elsewhere.holds(NOW + timedelta(days=1))
    assert not mine.holds(NOW + timedelta(days=1))
    assert mine.holds(NOW)
    assert not elsewhere.holds(NOW)  # its clock is right again, and it sees who has it


def test_jobs_begin_anew_when_the_clock_is_set(store, prices, monkeypatch):
    monkeypatch.setattr("breakeven.jobs.CLOCK_S", 0.01)
    jobs = Jobs(Service(parse({}), store, prices), ("collect",))
    ran = []
    monkeypatch.setattr(jobs, "run", lambda name, _: ran.append(name))
    jobs.start()
    awaited(lambda: ran == ["sources"])
    clock = time.time
    monkeypatch.setattr("breakeven.jobs.time.time", lambda: clock() - 3600)
    awaited(lambda: ran == ["sources", "sources"])
    jobs.stop()


@pytest.mark.parametrize("name", ROLES)
def test_a_role_serves_its_part(store, prices, name):
    service = Service(parse({}), store, prices)
    client = TestClient(web.application(service, jobs=False, part=role(name)))
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").status_code == client.get("/metrics").status_code == 200
    shows, receives = ROLES[name].shows, ROLES[name].receives
    assert client.get("/").status_code == client.get("/api/v1/sources").status_code == (200 if shows else 404)
    sent = client.post("/v1/traces", content=b"", headers={"Content-Type": "application/x-protobuf"})
    assert sent.status_code == (200 if receives else 404)
    assert {job.id for job in Jobs(service, ROLES[name].groups)._scheduler.get_jobs()} == {
        "all": JOBS, "collect": {"sources"}, "schedule": JOBS - {"sources"},
    }.get(name, set())  # fmt: skip


JOBS = {"cost", "verdict", "sources", "reconciliation", "prices", "retention", "merge", "alerts"}


def test_an_unknown_role_names_the_known_ones():
    with pytest.raises(ConfigError, match="receive, collect, schedule, web"):
        role("king")
