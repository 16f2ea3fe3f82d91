"""The command of GPU nodes: `breakeven-exporter gpu`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from dataclasses import asdict

from exporters.gpu import Exporter, Gpus, NoDriver

NO_DRIVER = (
    "No NVIDIA driver answers on this host ({}).\n"
    "Nothing to export, so this ends. On a GPU node check `nvidia-smi`; in a container pass the GPU in\n"
    "(docker run --gpus all, or the NVIDIA device plugin in Kubernetes)."
)


def main(arguments: list[str] | None = None) -> int:
    """Run the exporter until it is told to stop; 0 also where there is no driver, which is no fault."""
    parser = argparse.ArgumentParser(
        prog="breakeven-exporter", description="Send what GPUs do to breakeven, over OTLP/HTTP."
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    gpu = kinds.add_parser("gpu", help="NVIDIA GPUs through the driver's NVML library")
    gpu.add_argument(
        "--endpoint",
        default=os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:8400"),
        help="breakeven, or an OpenTelemetry Collector (default: OTEL_EXPORTER_OTLP_ENDPOINT, else %(default)s)",
    )
    gpu.add_argument("--pool", default="", help="pool that pays for these GPUs, as in [pools.NAME]")
    gpu.add_argument("--interval", type=float, default=10.0, help="seconds between readings (default %(default)s)")
    gpu.add_argument("--once", action="store_true", help="print one reading as JSON and end; sends nothing")
    given = parser.parse_args(arguments)
    if not 1 <= given.interval <= 120:
        parser.error("--interval: between 1 and 120 seconds")
    try:
        gpus = Gpus(given.interval)
    except NoDriver as error:
        print(NO_DRIVER.format(error), file=sys.stderr)
        return 0
    if given.once:
        print(json.dumps([asdict(reading) for reading in gpus.read()]))
        gpus.close()
        return 0
    exporter = Exporter(gpus, given.endpoint, pool=given.pool)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(f"Sending every {given.interval:g} s to {given.endpoint}; Ctrl-C ends it.", file=sys.stderr)
    stop.wait()
    exporter.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
