"""The GPU exporter against a small driver library built here, through real OTLP into the real store."""

import contextlib
import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from collector.attribution import Attribution
from collector.receivers import otlp
from collector.receivers.loader import Loader
from collector.receivers.otlp import PROTOBUF, Receiver
from exporters.gpu import METRICS, Reading, observations
from exporters.spool import Sender, Spool
from ledger.costing import report
from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import tick
from ledger.prices.register import PriceRegister
from ledger.records import GpuRate

HERE = Path(__file__).parent
STATE = """driver 1
count 2
gpu0.uuid 0
gpu0.util 87
gpu0.mw 412500
gpu0.mj 5000000
gpu0.used 64424509440
gpu0.procs 2
gpu1.uuid 1
gpu1.procs 0
gpu1.used 1048576
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """A folder with libnvidia-ml.so.1."""
    if not shutil.which("gcc"):
        pytest.skip("gcc builds the fake driver; it is not here")
    folder = tmp_path_factory.mktemp("nvml")
    library = folder / "libnvidia-ml.so.1"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1", "-o", library, HERE / "fake_nvml.c"], check=True
    )
    return folder


def environment(driver, state, tmp_path):
    (tmp_path / "state").write_text(state)
    return {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(driver), "FAKE_NVML_STATE": str(tmp_path / "state")}


def exporter(*arguments, env):
    command = [str(Path(sys.executable).parent / "breakeven-exporter"), "gpu", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)


def test_without_a_driver_it_says_so_and_ends_well(tmp_path):
    done = exporter(env={"PATH": os.environ["PATH"]})
    assert (done.returncode, done.stdout) == (0, "")
    assert "No NVIDIA driver answers" in done.stderr
    assert "nvidia-smi" in done.stderr


def test_a_driver_that_is_not_loaded_is_no_driver(driver, tmp_path):
    done = exporter(env=environment(driver, "count 1\n", tmp_path))
    assert (done.returncode, "Driver Not Loaded" in done.stderr) == (0, True)


def test_what_a_device_does_not_tell_is_absent(driver, tmp_path):
    """One GPU tells everything; the other neither utilisation nor power nor energy: null, never 0."""
    done = exporter("--once", env=environment(driver, STATE, tmp_path))
    first, second = json.loads(done.stdout)
    assert {k: first[k] for k in ("gpu", "utilization", "power", "energy", "memory", "processes")} == {
        "gpu": "GPU-fake-0", "utilization": 0.87, "power": 412.5, "energy": 5000.0, "memory": 64424509440, "processes": 2,
    }  # fmt: skip
    assert {k: second[k] for k in ("utilization", "power", "energy", "processes")} == {
        "utilization": None, "power": None, "energy": None, "processes": 0,
    }  # fmt: skip


def test_a_lost_gpu_is_left_out(driver, tmp_path):
    done = exporter("--once", env=environment(driver, STATE + "gpu0.lost 1\n", tmp_path))
    assert [r["gpu"] for r in json.loads(done.stdout)] == ["GPU-fake-1"]


EIGHT = "driver 1\ncount 8\n" + "".join(
    f"gpu{n}.uuid {n}\ngpu{n}.util 5{n}\ngpu{n}.mw 300000\ngpu{n}.mj {1000 * n}\ngpu{n}.used {n << 30}\n"
    f"gpu{n}.procs 1\ngpu{n}.mhz 1980\ngpu{n}.celsius 6{n}\ngpu{n}.reasons {0x41 if n == 2 else 1}\ngpu{n}.sm 4{n}\n"
    for n in range(8)
).replace("gpu3.util 53\n", "").replace("gpu4.sm 44\n", "").replace("gpu7.util 57\n", "") + "".join(
    f"gpu7.mig 1\ngpu7.{n}.uuid 7{n}\ngpu7.{n}.used {(n + 1) << 30}\ngpu7.{n}.procs {n}\ngpu7.{n}.slices {n + 1}\ngpu7.{n}.sm 2{n}\n"
    for n in range(3)
)  # fmt: skip
WATCH = """
import json, pathlib, sys
from dataclasses import asdict
from exporters.gpu import Gpus

clock = iter(range(0, 1000, 10))
gpus = Gpus(10.0, clock=lambda: next(clock))
for state in json.load(sys.stdin):
    pathlib.Path(sys.argv[1]).write_text(state)
    print(json.dumps([asdict(reading) for reading in gpus.read()]))
gpus.close()
"""


def watched(driver, tmp_path, *states):
    """Readings of one exporter while the driver goes through states, 10 s apart; a dict by device for each."""
    env = environment(driver, states[0], tmp_path)
    command = [sys.executable, "-c", WATCH, str(tmp_path / "state")]
    done = subprocess.run(
        command, input=json.dumps(states), capture_output=True, text=True, env=env, timeout=60, check=False
    )
    assert not done.returncode, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return [{row["slice"] or row["gpu"]: row for row in row_set} for row_set in rows]


def test_eight_gpus_of_which_one_is_in_instances(driver, tmp_path):
    """GPU 3 tells no utilisation, GPU 4 no multiprocessors, GPU 7 is cut into 1g, 2g and 3g: ten devices and the whole."""
    first, then = watched(driver, tmp_path, EIGHT, EIGHT)
    assert list(then) == [*(f"GPU-fake-{n}" for n in range(8)), *(f"MIG-fake-7{n}" for n in range(3))]
    assert {first[name]["sm_utilization"] for name in first} == {None}  # two looks are needed
    assert [then[f"GPU-fake-{n}"]["sm_utilization"] for n in (0, 3, 4)] == [0.40, 0.43, None]
    assert [then[f"GPU-fake-{n}"]["utilization"] for n in (0, 3, 7)] == [0.50, None, None]
    assert [then[f"GPU-fake-{n}"]["slowdown"] for n in (0, 2)] == [0, 0x40]  # being idle is no slowdown
    assert {k: then["GPU-fake-1"][k] for k in ("clock", "temperature", "share", "slice")} == {
        "clock": 1.98e9, "temperature": 61, "share": None, "slice": "",
    }  # fmt: skip
    instance = then["MIG-fake-72"]
    assert {k: instance[k] for k in ("gpu", "memory", "processes", "sm_utilization", "power", "energy", "clock")} == {
        "gpu": "GPU-fake-7", "memory": 3 << 30, "processes": 2, "sm_utilization": 0.22, "power": None, "energy": None,
        "clock": None,
    }  # fmt: skip
    assert [then[f"MIG-fake-7{n}"]["share"] for n in range(3)] == [1 / 7, 2 / 7, 3 / 7]
    assert {row["interval"] for row in then.values()} == {10.0}


def test_a_gpu_lost_on_the_way_and_found_again(driver, tmp_path):
    """GPU 5 falls off the bus for two looks: absent, not idle; back, its first reading stands for the whole gap."""
    lost = EIGHT + "gpu5.lost 1\n"
    looks = watched(driver, tmp_path, EIGHT, lost, lost, EIGHT.replace("gpu5.mj 5000", "gpu5.mj 12"), EIGHT)
    assert ["GPU-fake-5" in look for look in looks] == [True, False, False, True, True]
    back = looks[3]["GPU-fake-5"]
    assert (back["interval"], back["energy"], back["sm_utilization"]) == (30.0, 0.012, 0.45)
    assert {len(look) for look in looks} == {10, 11}


def test_instances_are_made_and_removed_while_it_runs(driver, tmp_path):
    whole = EIGHT.replace("gpu7.mig 1\n", "gpu7.mig 0\n")
    fewer = "\n".join(line for line in EIGHT.splitlines() if not line.startswith("gpu7.1.")) + "\n"
    more = EIGHT.replace("count 8", "count 9") + "gpu8.uuid 8\n"
    assert [len(look) for look in watched(driver, tmp_path, EIGHT, whole, fewer, more)] == [11, 8, 10, 12]


def test_only_what_is_told_becomes_an_observation():
    told = Reading("GPU-1", "H100", None, 5, None, None, 0, 10.0)
    found = {name: observations([told], attribute) for name, (attribute, _, _) in METRICS.items()}
    assert {name for name, values in found.items() if values} == {
        "hw.gpu.memory.usage",
        "hw.gpu.processes",
        "hw.gpu.sample.interval",
    }


class Collect(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(200)
        self.send_header("Content-Type", PROTOBUF)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def sent(driver, tmp_path):
    """Bodies that the exporter really sent in a few seconds."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collect)
    server.got = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    env = environment(driver, STATE, tmp_path)
    command = [str(Path(sys.executable).parent / "breakeven-exporter"), "gpu", "--pool", "lab", "--interval", "1",
               "--endpoint", f"http://127.0.0.1:{server.server_port}", "--spool", str(tmp_path / "spool.db")]  # fmt: skip
    child = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        waited = threading.Event()
        for _ in range(300):
            if len(server.got) >= 2:
                break
            waited.wait(0.1)
        (tmp_path / "state").write_text(STATE.replace("5000000", "5400000"))
        count = len(server.got)
        for _ in range(300):
            if len(server.got) >= count + 2:
                break
            waited.wait(0.1)
    finally:
        child.terminate()
        assert child.wait(20) == 0
        server.shutdown()
        server.server_close()
        thread.join()
    return server.got


def test_from_the_driver_to_the_ledger(store, sent):
    """What the exporter sends is stored by the receiver: node, pool, units, energy as a difference, no 0 for unknown."""
    receiver = receiver_of(store)
    now = datetime.now(UTC)
    for path, headers, body in sent:
        assert path == "/v1/metrics"
        answer = receiver.take(otlp.METRICS, body, headers["content-type"], headers.get("content-encoding", ""), now)
        assert answer.status == 200
        assert not ExportMetricsServiceResponse.FromString(answer.body).HasField("partial_success")
    rows = store.read(
        "SELECT gpu, pool, util, power_w, mem_mib, processes, energy_mj FROM gpu_samples FINAL ORDER BY gpu, at"
    )[1]
    first = [r for r in rows if r[0] == "GPU-fake-0"]
    assert first[0][1:6] == ("lab", pytest.approx(87), pytest.approx(412.5), 61440, 2)
    assert first[0][6] is None
    assert sum(r[6] for r in first[1:]) == 400_000
    assert {r[2:4] for r in rows if r[0] == "GPU-fake-1"} == {(None, None)}
    everything = "SELECT * EXCEPT ver FROM gpu_samples FINAL ORDER BY ALL"
    before = store._client.query(everything).result_rows
    for again in (receiver, receiver_of(store)):  # sent twice, also to a receiver that has forgotten everything
        for _, headers, body in sent:
            again.take(otlp.METRICS, body, headers["content-type"], headers.get("content-encoding", ""), now)
        assert store._client.query(everything).result_rows == before


def receiver_of(store):
    return Receiver(Loader(store, PriceRegister(store), Attribution()), 1 << 20)


def request(**more):
    message = ExportMetricsServiceRequest()
    resource = message.resource_metrics.add()
    metric = resource.scope_metrics.add().metrics.add(name=more.get("name", "hw.power"))
    point = metric.gauge.data_points.add(
        time_unix_nano=more.get("at", 1_795_305_600 * 10**9), as_double=more.get("value", 70.0)
    )
    if more.get("gpu", "GPU-1"):
        point.attributes.add(key="hw.id").value.string_value = more.get("gpu", "GPU-1")
    return message.SerializeToString()


NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "kind", "coding", "status"),
    [
        (request(), PROTOBUF, "", 200),
        (request(), PROTOBUF + "; charset=utf-8", "", 200),
        (gzip.compress(request()), PROTOBUF, "gzip", 200),
        (b"", PROTOBUF, "", 200),
        (request(name="something.else"), PROTOBUF, "", 200),
        (request(), "text/html", "", 415),
        (b"\xff\xff\xff", PROTOBUF, "", 400),
        (gzip.compress(request())[:-9], PROTOBUF, "gzip", 400),
        (request(), PROTOBUF, "br", 400),
        (gzip.compress(b"\0" * 5_000_000), PROTOBUF, "gzip", 413),
    ],
    ids=["plain", "charset", "gzip", "empty", "unknown metric", "html", "garbage", "cut gzip", "brotli", "bomb"],
)
def test_the_receiver_answers_as_the_protocol_says(store, body, kind, coding, status):
    assert receiver_of(store).take(otlp.METRICS, body, kind, coding, NOW).status == status


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"gpu": ""}, "hw.id"),
        ({"at": 5}, "time_unix_nano"),
        ({"value": -3.0}, "power_w"),
        ({"value": float("nan")}, "power_w"),
    ],
)
def test_a_bad_point_is_counted_and_kept(store, change, field):
    answer = receiver_of(store).take(otlp.METRICS, request(**change), PROTOBUF, "", NOW)
    told = ExportMetricsServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, told.rejected_data_points) == (200, 1)
    assert told.error_message.startswith(field)
    assert store.read("SELECT field FROM rejected FINAL")[1] == [(field,)]


def test_a_counter_that_begins_again_is_a_lower_bound(store):
    """I23: never negative; cut or restarted, never more than was used."""
    receiver = receiver_of(store)
    start = 1_795_305_600 * 10**9
    for n, joule in enumerate([100.0, 118.0, 5.0, 23.0]):
        receiver.take(otlp.METRICS, request(name="hw.energy", at=start + n * 10**10, value=joule), PROTOBUF, "", NOW)
    assert store.read("SELECT energy_mj, reset FROM gpu_samples FINAL ORDER BY at")[1] == [
        (None, 0),
        (18_000, 0),
        (5_000, 1),
        (18_000, 0),
    ]


def waiting(path):
    """How many batches wait in a spool that an exporter works on."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
            return base.execute("SELECT count(*) FROM waiting").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def until(condition):
    for _ in range(300):
        if condition():
            return
        threading.Event().wait(0.1)
    pytest.fail("it did not come to that in 30 s")


def test_a_receiver_that_is_away_and_a_killed_exporter_lose_nothing(driver, store, tmp_path):
    """No receiver; the exporter is killed (-9) and started again; then a receiver comes: every reading once, in order."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collect, bind_and_activate=False)
    server.server_bind()  # the port is ours, and nobody listens yet
    server.got = []
    spool = tmp_path / "spool.db"
    command = [str(Path(sys.executable).parent / "breakeven-exporter"), "gpu", "--pool", "lab", "--interval", "1",
               "--endpoint", f"http://127.0.0.1:{server.server_address[1]}", "--spool", str(spool)]  # fmt: skip
    env = environment(driver, STATE, tmp_path)
    child = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    until(lambda: waiting(spool) >= 3)
    child.kill()
    child.wait()
    before = waiting(spool)
    child = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    until(lambda: waiting(spool) >= before + 2)
    server.server_activate()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        until(lambda: len(server.got) >= before + 2 and waiting(spool) <= 1)
    finally:
        child.terminate()
        assert child.wait(20) == 0
        server.shutdown()
        server.server_close()
        thread.join()
    assert waiting(spool) == 0
    receiver = Receiver(Loader(store, PriceRegister(store), Attribution()), 20 << 20)
    for _, headers, body in [*server.got, *server.got]:
        assert receiver.take(otlp.METRICS, body, headers["content-type"], "", datetime.now(UTC)).status == 200
    times = [row[0] for row in store.read("SELECT at FROM gpu_samples FINAL WHERE gpu LIKE '%0' ORDER BY at")[1]]
    assert len(times) == len(set(times)) == len(server.got)
    bodies = [ExportMetricsServiceRequest.FromString(body) for _, _, body in server.got]
    sent_at = [b.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0].time_unix_nano for b in bodies]
    assert sent_at == sorted(sent_at)


AWAY = """
import os, pathlib, signal, sys
from exporters.gpu import Exporter, Gpus
from exporters.spool import Spool

state, spool = map(pathlib.Path, sys.argv[1:3])
exporter = Exporter(Gpus(3600.0), Spool(spool, 64 << 20), pool="lab", node="n1")
first = int(sys.argv[3])
for n in range(first, first + 60):
    state.write_text(state.read_text().replace(f"gpu0.mj {5_000_000 + 3_000_000 * (n - 1)}", f"gpu0.mj {5_000_000 + 3_000_000 * n}"))
    assert exporter.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_twenty_minutes_without_a_receiver_and_a_kill_in_between_cost_what_they_are(driver, store, tmp_path):
    """120 readings, what twenty minutes make at ten seconds each: two exporters are killed (-9), then the receiver comes:
    each reading once and in order, all energy, and the hour's bill whole."""
    env, spool = environment(driver, STATE, tmp_path), tmp_path / "spool.db"
    for first in (0, 60):
        done = subprocess.run([sys.executable, "-c", AWAY, tmp_path / "state", spool, str(first)], env=env, check=False)
        assert done.returncode == -9
    assert waiting(spool) == 120
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collect)
    server.got = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    left = Spool(spool, 64 << 20)
    try:
        sender = Sender(left, f"http://127.0.0.1:{server.server_port}", {}, lambda _: None)
        sender.drain()
    finally:
        left.close()
        server.shutdown()
        server.server_close()
        thread.join()
    receiver = receiver_of(store)
    now = datetime.now(UTC)
    for _, headers, body in [*server.got, *reversed(server.got[::6])]:
        assert receiver.take(otlp.METRICS, body, headers["content-type"], "", now).status == 200
    n, energy = store.read("SELECT count(), sum(energy_mj) FROM gpu_samples FINAL WHERE gpu = 'GPU-fake-0'")[1][0]
    assert (n, energy) == (120, 119 * 3_000_000)
    hour = now.replace(minute=0, second=0, microsecond=0)
    rate = GpuRate("lab", "rented", 2, 3, hour - timedelta(hours=1), hour + timedelta(days=9), hour)
    tick(store, Declared(rates=(rate,), pools=(Pool("lab", 2),)), hour + timedelta(hours=1))
    assert report.cost(store)[1].cost == 12


def test_the_exporter_installs_without_a_database():
    """A GPU node gets neither the store's client nor the engine: nothing of ours outside exporters is imported."""
    code = (
        "import sys, exporters.cli; wrong = [m for m in sys.modules if m.split('.')[0] in "
        "('ledger', 'collector', 'dashboards', 'alerts', 'breakeven', 'clickhouse_connect', 'chdb', 'pyarrow', 'starlette')]; "
        "assert not wrong, wrong"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
