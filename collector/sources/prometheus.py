"""Prometheus: GPUs that it scrapes already (dcgm-exporter, AMD's device-metrics-exporter), also from its past."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from math import inf, isfinite
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar

from collector import fields
from collector.http import Client
from collector.source import Given, Stream
from collector.sources.gpu_log import stands_for
from ledger.errors import SourceRefused
from ledger.records import GpuSample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from collector.source import Found

STREAMS = (Stream("gpus", table="gpu_samples", poll_s=300, restate_h=1, final_after_h=0, step_h=6, floor_h=1),)
METRICS: dict[str, tuple[str, float]] = {
    "DCGM_FI_DEV_GPU_UTIL": ("util", 1.0),
    "DCGM_FI_PROF_SM_ACTIVE": ("sm_active", 100.0),
    "DCGM_FI_DEV_FB_USED": ("mem_mib", 1.0),
    "DCGM_FI_DEV_POWER_USAGE": ("power_w", 1.0),
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": ("energy_mj", 1.0),
    "DCGM_FI_DEV_SM_CLOCK": ("clock_mhz", 1.0),
    "DCGM_FI_DEV_GPU_TEMP": ("temperature", 1.0),
    "gpu_gfx_activity": ("util", 1.0),
    "gpu_used_vram": ("mem_mib", 1e6 / 2**20),
    "gpu_package_power": ("power_w", 1.0),
    "gpu_average_package_power": ("power_w", 1.0),
    "gpu_power_usage": ("power_w", 1.0),
    "gpu_energy_consumed": ("energy_mj", 0.001),
}
"""Metric → column of a sample, and the factor to its unit (%, MiB, W, mJ, MHz, Celsius)."""
_IDS = ("UUID", "gpu_uuid", "serial_number")
_NODES = ("Hostname", "hostname", "node", "exported_node")
_PODS = (("exported_namespace", "exported_pod"), ("namespace", "pod"), ("pod_namespace", "pod_name"))
"""Labels of who holds a device: the plain ones are the exporter's own pod where Prometheus keeps both."""
_OF_THE_WHOLE = ("power_w", "energy_mj", "clock_mhz", "temperature", "util")
_ENERGIES = ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "gpu_energy_consumed")
_LAST = " or ".join(f"last_over_time({name}[1d])" for name in _ENERGIES)
_BEFORE_S = 120
"""How far before a window is looked for the sample that its first one follows."""


@dataclass(slots=True)
class Prometheus:
    """One Prometheus, or what speaks its query API (Thanos, Mimir, VictoriaMetrics)."""

    given: Given
    streams: ClassVar[tuple[Stream, ...]] = STREAMS

    def poll(self, stream: str, start: datetime, end: datetime) -> Iterator[Found]:  # noqa: ARG002 - there is one
        """Yield the readings whose time ends within a window, as they were scraped: no value is carried over a gap."""
        if not self.given.base_url:
            raise SourceRefused(f"sources.{self.given.name}.base_url: missing; it is the address of your Prometheus")
        headers = {"Authorization": f"Bearer {self.given.key}"} if self.given.key else {}
        refusals = {401: "set key, a bearer token", 403: "the token may not query"}
        client = Client(self.given.name, self.given.base_url, headers, refusals, self.given.sleep)
        width = round((end - start).total_seconds()) + _BEFORE_S
        query = f'{{__name__=~"{"|".join(METRICS)}"}}[{width}s]'
        told = self._ask(client, query, end)
        before = self._ask(client, _LAST, start) if told else []
        for sample in samples(told, self.given.name, before):
            if start < sample.at <= end:
                yield sample

    def _ask(self, client: Client, query: str, at: datetime) -> list[dict[str, Any]]:
        page = client.get("/api/v1/query", [("query", query), ("time", f"{at.timestamp():.0f}")])
        if page.get("status") != "success":
            raise SourceRefused(f"{self.given.name}: {page.get('error', 'the query failed')}")
        found: list[dict[str, Any]] = page["data"]["result"]
        return found


@dataclass(slots=True)
class _Device:
    """Values of one GPU or MIG instance by time (s since 1970) and column."""

    node: str = ""
    share: float | None = None
    pods: dict[float, set[str]] = field(default_factory=lambda: defaultdict(set))
    values: dict[float, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    energy: float | None = None


def samples(series: list[dict[str, Any]], source: str, before: Sequence[dict[str, Any]] = ()) -> list[GpuSample]:
    """Return samples of raw series; pure. `before`: energy counters as they last stood before the first of them.

    A device that several pods share has a series for each: it counts once, and its pods are named. Energy is what the
    counter grew by since the scrape before; a counter that fell began again, and the sum is a lower bound.
    """
    devices: dict[tuple[str, str], _Device] = {}
    for one in series:
        labels = one["metric"]
        gpu = next((labels[name] for name in _IDS if labels.get(name)), "")
        column, factor = METRICS[labels["__name__"]]
        number = labels.get("GPU_I_ID", "")
        whole = not number or column in _OF_THE_WHOLE
        if not gpu:
            continue
        device = devices.setdefault((gpu, "" if whole else f"{gpu}/{number}"), _Device())
        device.node = device.node or _node(labels)
        device.share = device.share or (None if whole else _share(labels))
        pod = _pod(labels)
        for at, text in one["values"]:
            value = float(text) * factor
            if isfinite(value):
                there = device.values[float(at)]
                there[column] = max(there.get(column, 0.0), value)
                if pod and not (whole and number):
                    device.pods[float(at)].add(pod)
    for one in before:
        labels = one["metric"]
        gpu = next((labels[name] for name in _IDS if labels.get(name)), "")
        if (gpu, "") in devices:
            factor = METRICS[_ENERGIES[0] if labels.get("UUID") else _ENERGIES[1]][1]
            devices[gpu, ""].energy = float(one["value"][1]) * factor
    return [row for (gpu, part), device in sorted(devices.items()) for row in _rows(gpu, part, device, source)]


def _rows(gpu: str, part: str, device: _Device, source: str) -> Iterator[GpuSample]:
    times = sorted(device.values)
    usual = median([b - a for a, b in pairwise(times)] or [30.0])
    energy = device.energy
    first = usual if energy is None else inf  # it was there before, and not within reach: a gap
    for before, at in zip([None, *times], times, strict=False):
        told = device.values[at]
        counter = told.get("energy_mj")
        grown = None if counter is None or energy is None else counter - energy
        reset = grown is not None and grown < 0
        energy = energy if counter is None else counter
        yield GpuSample(
            at=datetime.fromtimestamp(round(at, 3), UTC), node=fields.name(device.node), gpu=fields.name(gpu),
            slice=fields.name(part), dt_s=stands_for(first if before is None else at - before),
            util=told.get("util"), sm_active=told.get("sm_active"), mem_mib=_whole(told, "mem_mib"),
            power_w=told.get("power_w"), energy_mj=None if grown is None else round((counter or 0) if reset else grown),
            reset=int(reset), source=source, share=device.share, pods=fields.name(",".join(sorted(device.pods[at]))),
            clock_mhz=_whole(told, "clock_mhz"), temperature=told.get("temperature"),
        )  # fmt: skip


def _whole(told: dict[str, float], column: str) -> int | None:
    return round(told[column]) if column in told else None


def _node(labels: dict[str, str]) -> str:
    named = next((labels[name] for name in _NODES if labels.get(name)), "")
    return named or labels.get("instance", "").rpartition(":")[0]


def _pod(labels: dict[str, str]) -> str:
    return next((f"{labels.get(space, '')}/{labels[pod]}" for space, pod in _PODS if labels.get(pod)), "")


def _share(labels: dict[str, str]) -> float | None:
    """Return the part of a GPU that a profile like 2g.20gb takes: of seven compute slices, four on an A30."""
    size = labels.get("GPU_I_PROFILE", "").split(".")[-2:][0][-2:]
    return int(size[0]) / (4 if "A30" in labels.get("modelName", "") else 7) if size[1:] == "g" else None
