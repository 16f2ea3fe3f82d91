"""Chaos: `python tests/chaos/run.py --seeds 10`. Everything is killed at random while numbered requests come in.

Two services share one store: receivers, jobs, a lease between them. A sender with a spool is killed and goes on; the network
between them loses requests and answers and repeats them, and so does the wire to the store; old batches are replayed out of order; a
log file is imported by a command that is killed too; so is the store. Clocks jump by minutes and by days, disks are full for a
while. Then all is let finish, and every row is held against what was sent.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

from awaiting import awaited  # noqa: E402
from chaos.agent import BEGIN, ROWS, body, usd  # noqa: E402
from chaos.faulty import Faulty, Hop  # noqa: E402

from collector.receivers.segments import standing  # noqa: E402
from ledger.store import Store  # noqa: E402

BREAKEVEN = [sys.executable, "-c", "from breakeven.cli import main; main()"]
LINES = 3000
LOG_USD = Decimal("0.00045")


@dataclass
class Outcome:
    """What one seed did and what was found wrong; `lost` and `doubled` must be 0."""

    seed: int
    kills: Counter = field(default_factory=Counter)
    faults: Counter = field(default_factory=Counter)
    replayed: int = 0
    durable: int = 0
    stored: int = 0
    lost: int = 0
    doubled: int = 0
    strange: int = 0
    waiting: int = 0
    usd: Decimal = Decimal(0)
    oracle: Decimal = Decimal(0)
    rollup: Decimal = Decimal(0)
    days: Decimal = Decimal(0)

    @property
    def good(self):
        return (
            not (self.lost or self.doubled or self.strange or self.waiting)
            and self.usd == self.oracle == self.rollup == self.days
        )

    def __str__(self):
        faults = ", ".join(f"{n} {name}" for name, n in sorted(self.faults.items()))
        kills = ", ".join(f"{n} {name}" for name, n in sorted(self.kills.items()))
        return (
            f"seed {self.seed}: {'ok' if self.good else 'WRONG'}; killed {kills}; {sum(self.faults.values())} faults ({faults}), "
            f"{self.replayed} replays; {self.durable:,} rows durable, {self.stored:,} stored, {self.lost} lost, {self.doubled} doubled, "
            f"{self.strange} strange; {self.usd} USD in requests, {self.rollup} by hours, {self.days} by days, {self.oracle} sent"
        )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Machine:
    """What the processes run on: a clock that can be off, a disk that can be full. Needs gcc; kind where there is none."""

    def __init__(self, folder):
        self._told, library = folder / "unkind", folder / "unkind.so"
        self._told.write_bytes(struct.pack("qq", 0, 0))
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("BREAKEVEN")}
        self.environment["PYTHONPATH"] = str(HERE.parents[1])
        if shutil.which("gcc"):
            words = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-o", str(library), str(HERE / "unkind.c"), "-ldl"]
            subprocess.run(words, check=True)
            self.environment |= {"LD_PRELOAD": str(library), "UNKIND": str(self._told)}

        self._off_s = self._full = 0

    def change(self, what, rng):
        """Set the clock, or fill the disk (2: half of a write still fits); return whether it is wrong now."""
        if what == "clock":
            self._off_s = rng.choice([0, -2400, -90, 90, 7200, 86_400])
        else:
            self._full = rng.choice([0, 1, 2])
        self._be(self._off_s, self._full)
        return bool(self._off_s if what == "clock" else self._full)

    def heal(self):
        self._be(0, 0)

    def _be(self, off_s, full):
        with self._told.open("r+b") as file:  # in place: it is mapped
            file.write(struct.pack("qq", off_s, full))


class Child:
    """A process that is started again each time it is killed."""

    def __init__(self, words, folder, machine):
        self.words, self.folder, self.machine, self.process = words, folder, machine, None
        self.start()

    def start(self):
        environment = self.machine.environment
        with (self.folder / "said.log").open("ab") as said:
            self.process = subprocess.Popen(self.words, cwd=self.folder, stdout=said, stderr=said, env=environment)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()


def one(seed, seconds, folder):
    """Run one seed in a folder of its own; whatever happens, nothing of it runs on."""
    children = []
    try:
        return _one(seed, seconds, folder, children)
    finally:
        for child in children:
            child.kill()


def _one(seed, seconds, folder, children):
    rng, out, store = random.Random(seed), Outcome(seed), folder / "store"
    machine, hops = Machine(folder), []
    ports = [free_port(), free_port()]
    services = [
        Child([*BREAKEVEN, "--store", str(store), "run", "--listen", f"127.0.0.1:{port}"], folder, machine)
        for port in ports
    ]
    children += services
    for port in ports:
        awaited(lambda port=port: answers(port), 90)
    networks = [Faulty(port, seed * 2 + n) for n, port in enumerate(ports)]
    history, spool = folder / "history", folder / "spool.db"
    words = [sys.executable, str(HERE / "agent.py"), str(spool), str(history)]
    agent = Child([*words, f"http://127.0.0.1:{networks[0].port}", BEGIN.isoformat()], folder, machine)
    log = folder / "log.jsonl"
    log.write_text("".join(line(n) + "\n" for n in range(LINES)))
    importing = Child([*BREAKEVEN, "--store", str(store), "import", str(log)], folder, machine)
    children += [agent, importing]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(rng.uniform(0.05, 0.8))
        between(store, hops, seed)
        victim = rng.choice(["agent", "service", "store", "import", "replay", "replay", "clock", "full disk"])
        if victim == "replay":
            known = tried(history)
            some = rng.sample(known, min(len(known), 5))
            out.replayed += sum(post(rng.choice(networks).port, body(number)) for number in some)
        elif victim in ("clock", "full disk"):
            out.faults[victim] += machine.change(victim, rng)
        elif victim == "store":
            out.kills[victim] += kill_store(store)
        else:
            child = {"agent": agent, "service": rng.choice(services), "import": importing}[victim]
            out.kills[victim] += child.process.poll() is None
            child.kill()
            child.start()
    machine.heal()
    for network in (*networks, *hops):
        network.on = False
    agent.kill()
    for service in services:  # one whose store died five times leaves it alone for ten minutes
        service.kill()
        service.start()
    awaited(lambda: any(answers(port) for port in ports), 90)
    importing.process.wait(90)
    while importing.process.returncode != 0:
        importing.start()
        importing.process.wait(90)
    _drain(words, networks[next(n for n, port in enumerate(ports) if answers(port))].port, folder)
    for service in services:
        service.end()
    for network in (*networks, *hops):
        network.close()
        out.faults += network.counts
    out.waiting = standing(store / "receive").bytes
    check(out, store, history)
    return out


def _drain(words, port, folder):
    """Send what waits in the agent's spool."""
    subprocess.run([*words, f"http://127.0.0.1:{port}", BEGIN.isoformat(), "drain"], check=True, cwd=folder,
                   env={**os.environ, "PYTHONPATH": str(HERE.parents[1])}, stdout=subprocess.DEVNULL, timeout=120)  # fmt: skip


def between(store, hops, seed):
    """Put a faulty wire between the store and all who open it from now on; its first program keeps its own."""
    path = store / "store.json"
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError):
        return
    if told["port"] in {hop.port for hop in hops}:
        return
    hops.append(Hop(told["port"], seed * 31 + len(hops)))
    partial = path.with_name("store.json.hop")
    partial.write_text(json.dumps({**told, "port": hops[-1].port}))
    partial.rename(path)


def check(out, url, history):
    """Hold what is stored against what was sent."""
    said = Counter(tuple(line.split()) for line in history.read_text().split("\n") if len(line.split()) == 2)
    durable = {int(n) for word, n in said if word == "put"}
    tried_ = {int(n) for word, n in said if word == "try"}
    subprocess.run([*BREAKEVEN, "--store", str(url), "cost", "--json"], check=True, capture_output=True)
    with Store(url) as store:
        ask = store._client.query
        found = ask(
            "SELECT lower(hex(event_id)), any(splitByChar('|', event_key)), count() FROM requests FINAL WHERE duplicate_of = 0 GROUP BY event_id"
        ).result_rows
        numbers = Counter()
        for _, key, count in found:
            numbers[next(part for part in key if part.startswith("chatcmpl-"))] += count
        spans = {int(name.rsplit("-", 1)[1]): n for name, n in numbers.items() if "chaos" in name}
        lines = {int(name.rsplit("-", 1)[1]): n for name, n in numbers.items() if "log" in name}
        expected = {n for batch in durable for n in range(batch * ROWS, batch * ROWS + ROWS)}
        possible = {n for batch in tried_ for n in range(batch * ROWS, batch * ROWS + ROWS)}
        out.durable, out.stored = len(expected) + LINES, len(spans) + len(lines)
        out.lost = len(expected - set(spans)) + LINES - len(set(lines) & set(range(LINES)))
        out.doubled = sum(n - 1 for n in (*spans.values(), *lines.values()))
        out.strange = len(set(spans) - possible) + len(set(lines) - set(range(LINES)))
        whole = {n // ROWS for n in spans}
        out.strange += sum(any(n not in spans for n in range(b * ROWS, b * ROWS + ROWS)) for b in whole)  # half a batch
        out.oracle = sum((usd(batch) for batch in whole), LINES * LOG_USD)
        out.usd = ask("SELECT sum(cost) FROM requests FINAL WHERE duplicate_of = 0").result_rows[0][0]
        out.rollup = ask("SELECT sum(usd) FROM v_cost_hourly WHERE vintage = 'booked' AND side = 'api'").result_rows[0][
            0
        ]
        out.days = ask("SELECT sum(usd) FROM v_cost_daily WHERE vintage = 'booked' AND side = 'api'").result_rows[0][0]


def line(n):
    at = BEGIN - timedelta(days=2) + timedelta(seconds=n * 11)
    return json.dumps({"ts": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "request_id": f"chatcmpl-log-{n:020}", "provider": "openai",
                       "model": "gpt-4o-mini", "input_fresh": 1000, "output": 500})  # fmt: skip


def tried(history):
    told = history.read_text().split("\n") if history.exists() else []
    return [int(line.split()[1]) for line in told if line.startswith("put ") and len(line.split()) == 2]


def post(port, data):
    """Send a batch once, whatever comes of it."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/traces", data, {"Content-Type": "application/x-protobuf"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20):
            return 1
    except (OSError, ValueError, http.client.HTTPException):
        return 1


def kill_store(folder):
    try:
        os.kill(json.loads((folder / "store.json").read_text())["pid"], signal.SIGKILL)
    except (OSError, ValueError):
        return 0
    return 1


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    done = []
    for seed in range(given.first, given.first + given.seeds):
        with tempfile.TemporaryDirectory(prefix="breakeven-chaos-") as folder:
            done.append(one(seed, given.seconds, Path(folder)))
        print(done[-1], flush=True)
    kills = sum((one.kills for one in done), Counter())
    print(f"{len(done)} seeds, {sum(kills.values())} kills, {sum(sum(o.faults.values()) for o in done)} faults, "
          f"{sum(o.durable for o in done):,} rows: {sum(o.lost for o in done)} lost, {sum(o.doubled for o in done)} doubled, "
          f"{sum(not o.good for o in done)} seeds wrong")  # fmt: skip
    return int(any(not one.good for one in done))


if __name__ == "__main__":
    sys.exit(main())
