"""/metrics against Prometheus itself: its linter has nothing to say, and a server scrapes it without a warning."""

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import uvicorn
from made import request
from prometheus_client.parser import text_string_to_metric_families

from breakeven import metrics, otel, web
from breakeven.answers import asked_rows
from ledger.costing import report
from ledger.costing.declared import Declared
from ledger.costing.tick import tick
from ledger.prices.book import Override
from ledger.prices.register import PriceRegister

PROMETHEUS = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="prometheus is not installed here (Debian package prometheus)",
)


@pytest.fixture
def page(demo_service):
    """The service on a free port, without its jobs."""
    service, *_ = demo_service
    server = uvicorn.Server(uvicorn.Config(web.application(service, jobs=False), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@PROMETHEUS
def test_promtool_has_nothing_to_say(demo_service):
    service, *_ = demo_service
    text = metrics.text(service.store, {}, datetime.now(UTC), asked_rows(service))
    said = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (said.returncode, said.stdout + said.stderr) == (0, b"")


@PROMETHEUS
def test_a_prometheus_scrapes_it_without_a_warning(page, demo_service, tmp_path):
    service, *_ = demo_service
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: breakeven, static_configs: [{{targets: ['{page}']}}]}}]\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen(
            ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=debug"],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            found = _until(f"http://127.0.0.1:{port}/api/v1/query?query=breakeven_cost_usd")
            targets = _asked(f"http://127.0.0.1:{port}/api/v1/targets")["data"]["activeTargets"]
        finally:
            child.terminate()
            child.wait(20)
    assert [(t["health"], t["lastError"]) for t in targets] == [("up", "")]
    complaints = [line for line in (tmp_path / "log").read_text().splitlines()
                  if ("level=warn" in line or "level=error" in line) and "SIGTERM" not in line]  # fmt: skip
    assert complaints == []
    told = {(m["metric"]["side"], m["metric"]["window"]): float(m["value"][1]) for m in found}
    for one in report.rolling(service.store, datetime.now(UTC)):
        assert told[one.side, metrics._WINDOWS[one.window_h]] == pytest.approx(float(one.allocation))


def _asked(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def _until(url):
    for _ in range(300):
        with contextlib.suppress(urllib.error.URLError, OSError):  # it is still starting
            found = _asked(url)["data"]["result"]
            if found:
                return found
        time.sleep(0.1)
    pytest.fail("nothing was scraped in 30 seconds")


def test_many_workloads_do_not_make_many_series(store):
    """120 workloads: the dearest hundred have a series, the others are one, and the money is all there."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    PriceRegister(store, [Override("openai", "m", Decimal(1), Decimal(1))]).resolve(
        [("openai", "m", "standard", "")], now
    )
    rows = [
        request(now - timedelta(minutes=30), n, model="m", workload=f"w{n:03}", input_fresh=1000 * (n + 1))
        for n in range(120)
    ]
    store.add(rows)
    tick(store, Declared(), now)
    text = metrics.text(store, {}, now).decode()
    series = {
        s.labels["workload"]: s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
        if family.name == "breakeven_workload_cost_usd"
    }
    assert len(series) == metrics.MOST_WORKLOADS + 1
    assert series["w119"] == pytest.approx(0.12)
    assert "w019" not in series
    assert sum(series.values()) == pytest.approx(120 * 121 / 2 * 1000 / 1e6)


def test_every_headline_has_a_name_of_opentelemetry(demo_service):
    service, *_ = demo_service
    names = {family.name for family in metrics.collected(service.store, {}, datetime.now(UTC)).collect()}
    health = {n for n in names if n.startswith(("breakeven_job_", "breakeven_source_"))}
    assert names - health == set(otel.NAMES)
