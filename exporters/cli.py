"""The command beside GPUs and model servers: `breakeven-exporter gpu`, `breakeven-exporter inference`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from exporters.engines import detect
from exporters.gpu import Exporter, Gpus, NoDriver, Readings
from exporters.inference import Exporter as Servers
from exporters.inference import Server, read_page
from exporters.scraped import ScrapedGpus
from exporters.spool import LIMIT, Sender, Spool, SpoolInUse

if TYPE_CHECKING:
    from collections.abc import Callable

NO_DRIVER = (
    "No NVIDIA driver answers on this host ({}).\n"
    "Nothing to export, so this ends. On a GPU node check `nvidia-smi`; in a container pass the GPU in\n"
    "(docker run --gpus all, or the NVIDIA device plugin in Kubernetes)."
)


def main(arguments: list[str] | None = None) -> int:
    """Run the exporter until it is told to stop; 0 also where there is no driver, which is no fault."""
    parser = argparse.ArgumentParser(
        prog="breakeven-exporter",
        description="Send what GPUs and model servers do to breakeven, over OTLP/HTTP. "
        "While the receiver is away, readings wait on disk.",
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    gpu = kinds.add_parser("gpu", help="NVIDIA GPUs through the driver's NVML library")
    gpu.set_defaults(run=_gpu)
    gpu.add_argument(
        "--from",
        dest="page",
        default="",
        metavar="URL",
        help="read dcgm-exporter (http://node:9400/metrics) or AMD's device-metrics-exporter, not the driver",
    )
    gpu.add_argument("--node", default="", help="host that these GPUs are in (default: this one)")
    _common(gpu, 10.0)
    servers = kinds.add_parser("inference", help="vLLM, SGLang, TGI, NIM, TensorRT-LLM, Triton, Dynamo, llama.cpp")
    servers.set_defaults(run=_inference)
    servers.add_argument(
        "servers",
        nargs="+",
        metavar="URL",
        help="metrics of each server, such as http://127.0.0.1:8000/metrics; of a router and its servers name one only",
    )
    servers.add_argument("--deployment", default="", help="declared deployment that these servers are replicas of")
    servers.add_argument("--model", default="", help="model, where the metrics do not name it")
    _common(servers, 15.0)
    given = parser.parse_args(arguments)
    if not 1 <= given.interval <= 120:
        parser.error("--interval: between 1 and 120 seconds")
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    try:
        return int(given.run(given))
    except SpoolInUse as error:
        print(error, file=sys.stderr)
        return 2


def _common(parser: argparse.ArgumentParser, interval: float) -> None:
    parser.add_argument(
        "--endpoint",
        default=os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:8400"),
        help="breakeven, or an OpenTelemetry Collector (default: OTEL_EXPORTER_OTLP_ENDPOINT, else %(default)s)",
    )
    parser.add_argument("--pool", default="", help="pool that pays for these GPUs, as in [pools.NAME]")
    parser.add_argument(
        "--interval", type=float, default=interval, help="seconds between readings (default %(default)s)"
    )
    parser.add_argument(
        "--spool",
        type=Path,
        default=None,
        help="file in which readings wait while the receiver is away (default: in $STATE_DIRECTORY, else in "
        "~/.local/state/breakeven)",
    )
    parser.add_argument("--spool-mib", type=int, default=LIMIT >> 20, help="most MiB that wait (default %(default)s)")
    parser.add_argument("--once", action="store_true", help="print one reading as JSON and end; sends nothing")


def _gpu(given: argparse.Namespace) -> int:
    try:
        gpus: Readings = ScrapedGpus(given.page, given.interval) if given.page else Gpus(given.interval)
    except NoDriver as error:
        print(NO_DRIVER.format(error), file=sys.stderr)
        return 0
    if given.once:
        print(json.dumps([asdict(reading) for reading in gpus.read()]))
        gpus.close()
        return 0
    spool = _spool(given)
    exporter = Exporter(gpus, spool, pool=given.pool, node=given.node)
    _serve(given, spool, exporter.close)
    return 0


def _inference(given: argparse.Namespace) -> int:
    servers = [Server(url, given.deployment, given.model) for url in given.servers]
    if given.once:
        print(json.dumps([{"url": s.url, "engine": _engine_of(s)} for s in servers]))
        return 0
    spool = _spool(given)
    exporter = Servers(servers, spool, given.pool, socket.gethostname(), given.interval)
    stop = threading.Event()
    looking = threading.Thread(target=_look, args=(exporter, stop), daemon=True)
    looking.start()

    def close() -> None:
        stop.set()
        looking.join(timeout=15)

    _serve(given, spool, close)
    return 0


def _look(exporter: Servers, stop: threading.Event) -> None:
    """Look at the servers at even times, whatever a look takes."""
    due = time.monotonic()
    while not stop.is_set():
        exporter.once()
        due += exporter.interval
        stop.wait(max(0.0, due - time.monotonic()))


def _engine_of(server: Server) -> str | None:
    """Return which server answers at a URL; None where nothing that is known does."""
    try:
        found = detect({name for name, _ in read_page(server.fetch(server.url))})
    except OSError as error:
        print(f"{server.url}: {error}", file=sys.stderr)
        return None
    return found.name if found else None


def _spool(given: argparse.Namespace) -> Spool:
    folder = os.environ.get("STATE_DIRECTORY") or Path.home() / ".local" / "state" / "breakeven"
    return Spool(given.spool or Path(folder) / f"exporter-{given.kind}.db", given.spool_mib << 20)


def _serve(given: argparse.Namespace, spool: Spool, close: Callable[[], None]) -> None:
    """Send what the spool holds until told to stop; what is left then waits for the next start."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sender = Sender(spool, given.endpoint, _headers(os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "")), stop.wait)
    print(f"Sending every {given.interval:g} s to {given.endpoint}; Ctrl-C ends it.", file=sys.stderr)
    sending = threading.Thread(target=sender.run, args=(stop,), daemon=True)
    sending.start()
    stop.wait()
    close()
    sending.join(timeout=5)
    sender.pause = lambda _: None
    sender.drain()
    left = spool.left()
    if left:
        print(f"{left} batches wait in {spool.path} ({sender.last_error}).", file=sys.stderr)
    spool.close()


def _headers(text: str) -> dict[str, str]:
    """Return the headers of OTEL_EXPORTER_OTLP_HEADERS: name=value, parts separated by commas."""
    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return {name.strip(): value.strip() for name, _, value in pairs}


if __name__ == "__main__":
    sys.exit(main())
