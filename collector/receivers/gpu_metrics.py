"""Metrics of GPU exporters as samples: one reading of a GPU a row, energy as what was used since the last one."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from collector import fields
from collector.receivers.spans import attributes
from collector.sources.gpu_log import stands_for
from ledger.errors import BadRow
from ledger.records import GpuSample, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.store import Store

_DEFAULT_DT_S = 10.0
GPU_METRICS = {
    "hw.gpu.utilization": ("util", 100.0),
    "hw.gpu.sm.utilization": ("sm_active", 100.0),
    "hw.gpu.memory.usage": ("mem_mib", 1 / 2**20),
    "hw.power": ("power_w", 1.0),
    "hw.energy": ("energy", 1000.0),
    "hw.gpu.processes": ("processes", 1.0),
    "hw.gpu.speed": ("clock_mhz", 1e-6),
    "hw.temperature": ("temperature", 1.0),
    "hw.gpu.slowdown": ("slowdown", 1.0),
    "hw.gpu.slice.share": ("share", 1.0),
    "hw.gpu.sample.interval": ("dt_s", 1.0),
}
"""Metric name → field of a sample, and the factor from the metric's unit (1, By, W, J, s, Hz, Cel) to the field's."""


class GpuMetrics:
    """Stores GPU readings; keeps the last energy counter of each GPU to tell what was used since."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._energy: dict[str, tuple[int, float]] = {}

    def take(self, message: Any, now: datetime) -> list[BadRow]:
        """Store an ExportMetricsServiceRequest, unknown metrics left out; return what could not be taken."""
        samples, bad = self._samples(message, now)
        months: dict[tuple[int, int], list[GpuSample]] = defaultdict(list)
        for sample in samples:
            months[sample.at.year, sample.at.month].append(sample)
        for rows in months.values():
            self.store.add(rows)
        if bad:
            rejected = [Rejected(now, "otlp", "metrics", n, b.field, b.reason, "") for n, b in enumerate(bad, 1)]
            self.store.add(rejected)
        return bad

    def _known(self, sample: GpuSample) -> bool:
        """Say whether a reading is stored already: sent again, it has lost the energy difference that it had."""
        at_ms = round(sample.at.timestamp() * 1000)
        facts = {"node": sample.node, "gpu": sample.gpu, "slice": sample.slice, "at_ms": at_ms}
        return bool(self.store.ask("collector.receivers", "known_sample", **facts))

    def _samples(self, message: Any, now: datetime) -> tuple[list[GpuSample], list[BadRow]]:
        samples: list[GpuSample] = []
        bad: list[BadRow] = []
        for device, values in readings(message).items():
            try:
                sample = self._sample(device, values, now)
                lost = "energy" in values and sample.energy_mj is None
                if not (lost and self._known(sample)):
                    samples.append(sample)
            except BadRow as error:
                bad.append(error)
        return samples, bad

    def _sample(self, device: Device, values: dict[str, float], now: datetime) -> GpuSample:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=device.nanos // 1000)
        if not fields.EARLIEST <= at <= now + fields.AHEAD:
            raise BadRow("time_unix_nano", f"{at.isoformat()} is not between 2015 and now")
        if not device.gpu:
            raise BadRow("hw.id", "missing; it is the UUID of the device")
        for name, value in values.items():
            fields.number(value, name)
        energy, reset = self._used(device.gpu + device.slice, device.nanos, values.get("energy"))
        return GpuSample(
            at=at.replace(microsecond=at.microsecond // 1000 * 1000), node=fields.name(device.node),
            gpu=fields.name(device.gpu), slice=fields.name(device.slice), pool=fields.name(device.pool),
            dt_s=stands_for(values.get("dt_s", _DEFAULT_DT_S)), util=values.get("util"),
            sm_active=values.get("sm_active"), mem_mib=_whole(values, "mem_mib", 2**32 - 1),
            power_w=values.get("power_w"), energy_mj=energy, reset=reset, processes=_whole(values, "processes"),
            source="otlp", share=values.get("share"), pods=fields.name(device.pods),
            clock_mhz=_whole(values, "clock_mhz"), temperature=values.get("temperature"),
            slowdown=_whole(values, "slowdown", 2**53),
        )  # fmt: skip

    def _used(self, gpu: str, nanos: int, counter: float | None) -> tuple[int | None, int]:
        """Return millijoules since the reading before, and whether the counter began again; none at first sight."""
        if counter is None:
            return None, 0
        before = self._energy.get(gpu)
        if before is not None and nanos <= before[0]:
            return None, 0  # sent again or late: the interval was counted
        self._energy[gpu] = (nanos, counter)
        if before is None:
            return None, 0
        delta = counter - before[1]
        return (round(delta), 0) if delta >= 0 else (round(counter), 1)


class Device(NamedTuple):
    """What a reading is of, and when, in nanoseconds since 1970."""

    node: str
    pool: str
    gpu: str
    slice: str
    pods: str
    nanos: int


def readings(message: Any) -> dict[Device, dict[str, float]]:
    """Return values of known metrics by device and time; pure."""
    out: dict[Device, dict[str, float]] = defaultdict(dict)
    for resource in message.resource_metrics:
        about = attributes(resource.resource.attributes)
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                if metric.name not in GPU_METRICS:
                    continue
                name, factor = GPU_METRICS[metric.name]
                for point in _points(metric):
                    marks = attributes(point.attributes)
                    key = Device(
                        str(about.get("host.name", "")), str(about.get("breakeven.pool", "")),
                        str(marks.get("hw.id", "")), str(marks.get("hw.slice", "")),
                        str(marks.get("breakeven.pods", "")), point.time_unix_nano,
                    )  # fmt: skip
                    value = point.as_double if point.HasField("as_double") else point.as_int
                    out[key][name] = float(value) * factor
    return out


def points(message: Any) -> Iterator[Any]:
    """Yield every data point of an ExportMetricsServiceRequest."""
    for resource in message.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                yield from getattr(metric, kind).data_points if kind else ()


def _points(metric: Any) -> Iterator[Any]:
    kind = metric.WhichOneof("data")
    if kind in ("gauge", "sum"):
        yield from getattr(metric, kind).data_points


def _whole(values: dict[str, float], name: str, bound: int = 65_535) -> int | None:
    """Return a value as the whole number that its column holds; raises BadRow for one that is too large for it."""
    return fields.count(round(values[name]), name, bound) if name in values else None
