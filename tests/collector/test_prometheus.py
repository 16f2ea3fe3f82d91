"""A real Prometheus with a past: its scrapes become samples, once, with pods, instances, gaps and resets."""

import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from made import DATA

from collector.attribution import Attribution
from collector.pull import Puller
from collector.source import Given, source
from collector.sources.prometheus import samples
from ledger.costing import report
from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import tick
from ledger.records import GpuRate
from ledger.store import Store

START = datetime(2026, 11, 24, 10, tzinfo=UTC)
NOW = START + timedelta(hours=3, minutes=7)
UUID = "GPU-00000000-0000-4000-8000-000000000003"


def past():
    """OpenMetrics of three hours, a scrape each 30 s: dcgm-exporter's own sample, with a gap of 20 minutes and a reset."""
    names = {}
    for line in (DATA / "dcgm_metrics.txt").read_text().splitlines():
        if line.startswith("DCGM"):
            name, _, rest = line.partition("{")
            names[name] = rest.partition("}")[0]
    lines = []
    for name, labels in names.items():
        lines.append(f"# TYPE {name} gauge")
        for k in range(360):
            if 100 <= k < 140:
                continue
            at = START.timestamp() + 30 * k
            value = (
                9_000_000 + 12_000 * (k if k < 300 else k - 300)
                if "ENERGY" in name
                else 50
                if "UTIL" in name
                else 400
                if "POWER" in name
                else 71_230
            )
            held = labels.replace('pod="vllm-0"', 'pod="dcgm-x",exported_namespace="prod",exported_pod="chat-1"')
            lines.append(f"{name}{{{held}}} {value} {at}")
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        pytest.skip("prometheus is not installed here (Debian package prometheus)")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "past.om").write_text(past())
    (folder / "prometheus.yml").write_text("scrape_configs: []\n")
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(folder / "past.om"), str(folder / "data")],
        check=True, capture_output=True,
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    child = subprocess.Popen(
        ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
         "--storage.tsdb.retention.time=50y", f"--web.listen-address=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/-/ready", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                threading.Event().wait(0.1)
        yield url
    finally:
        child.terminate()
        child.wait(20)


def poll(store, prices, url, now=NOW, since=None):
    given = Given("prom", "prometheus", base_url=url, account="prom", sleep=lambda _: None)
    (stream,) = source("prometheus").streams
    return Puller(store, prices, Attribution(), [given]).poll(given, stream, now, since)


def test_a_past_is_brought_in_once(store, prices, server):
    """Every scrape once, asked three times; the gap keeps its energy and not its time; the reset is a lower bound."""
    for now in (START + timedelta(hours=1, minutes=10), NOW, NOW):
        assert poll(store, prices, server, now).error == ""
    n, distinct, energy, seconds, resets = store.read(
        "SELECT count(), uniqExact(at), sum(energy_mj), sum(dt_s), sum(reset) FROM gpu_samples FINAL"
    )[1][0]
    assert (n, distinct, resets) == (320, 320, 1)
    assert energy == 12_000 * 299 + 9_000_000 + 12_000 * 59
    assert seconds == pytest.approx(30 * 319)  # the scrape after the gap stands for no time
    row = store.read("SELECT DISTINCT node, gpu, pods, util, power_w, source FROM gpu_samples FINAL")[1]
    assert row == [("node-a", UUID, "prod/chat-1", 50, 400, "prom")]
    rate = GpuRate("lab", "rented", 1, 4, START, NOW + timedelta(days=9), START)
    tick(store, Declared(rates=(rate,), pools=(Pool("lab", 1, ("node-*",)),)), START + timedelta(hours=3))
    parts = {r.group["component"]: float(r.cost) for r in report.cost(store, by=["component"])[0]}
    gap = 4 * 21 / 60  # from the scrape at 49:30 to the one at 70:00, and after the last one
    assert parts == pytest.approx({"gpu_other_use": 12 - gap, "gpu_unknown": gap})


def test_the_past_can_be_asked_for_again(server, tmp_path, prices):
    with Store(str(tmp_path / "store")) as other:
        other.migrate()
        assert poll(other, prices, server, NOW, START + timedelta(hours=2)).rows == 120 - 1


def test_what_is_wrong_is_said(store, prices, server):
    assert "base_url: missing" in poll(store, prices, "").error
    assert "404" in poll(store, prices, f"{server}/nowhere").error


def series(name, values, **labels):
    return {"metric": {"__name__": name, "UUID": "G", "Hostname": "n", **labels}, "values": values}


def test_shared_devices_and_instances():
    """Two pods on one GPU are one sample; an instance has its own memory and part, the GPU the power."""
    shared = [series("DCGM_FI_DEV_GPU_UTIL", [[60, str(v)]], pod=p, namespace="x") for p, v in (("a", 10), ("b", 30))]
    (one,) = samples(shared, "s")
    assert (one.util, one.pods, one.slice, one.dt_s) == (30, "x/a,x/b", "", 30)
    cut = [
        series("DCGM_FI_DEV_FB_USED", [[60, "5"], [90, "NaN"]], GPU_I_ID="2", GPU_I_PROFILE="3g.40gb"),
        series("DCGM_FI_DEV_POWER_USAGE", [[60, "300"], [90, "310"]], GPU_I_ID="2", GPU_I_PROFILE="3g.40gb"),
    ]
    whole, again, part = samples(cut, "s")
    assert (whole.power_w, again.power_w, whole.mem_mib, whole.slice) == (300, 310, None, "")
    assert (part.mem_mib, part.slice, part.share, part.power_w) == (5, "G/2", 3 / 7, None)
