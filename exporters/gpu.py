"""Readings of NVIDIA GPUs through NVML, as OpenTelemetry metrics; what a device does not tell is absent, never 0."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pynvml
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporters.spool import Spool


class NoDriver(Exception):  # noqa: N818 - says what is so, not what went wrong
    """This host has no NVIDIA driver that answers."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one GPU; None = the device does not tell. Units: 1, W, J since driver load, bytes, s."""

    gpu: str
    name: str
    utilization: float | None
    memory: int | None
    power: float | None
    energy: float | None
    processes: int | None
    interval: float
    sm_utilization: float | None = None


METRICS: dict[str, tuple[str, str, str]] = {
    "hw.gpu.utilization": (
        "utilization",
        "1",
        "Share of time in which at least one kernel ran; not how full the GPU was",
    ),
    "hw.gpu.sm.utilization": ("sm_utilization", "1", "Share of the streaming multiprocessors that were busy"),
    "hw.gpu.memory.usage": ("memory", "By", "Memory in use, without what the driver reserves"),
    "hw.power": ("power", "W", "Power drawn"),
    "hw.energy": ("energy", "J", "Energy since the driver was loaded"),
    "hw.gpu.processes": ("processes", "{process}", "Compute processes on the device"),
    "hw.gpu.sample.interval": ("interval", "s", "Time that this reading stands for"),
}
"""Metric → field of a reading, unit, description."""


@dataclass(slots=True)
class Gpus:
    """The GPUs of this host. A value that a device refused is asked again each time: drivers change their mind."""

    interval: float = 10.0
    clock: Callable[[], float] = time.monotonic
    _last: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            raise NoDriver(str(error)) from None

    def read(self) -> list[Reading]:
        """Return a reading of every GPU that answers; a lost GPU is left out, not reported as idle."""
        now = self.clock()
        out = []
        for index in range(_asked(pynvml.nvmlDeviceGetCount) or 0):
            handle = _asked(pynvml.nvmlDeviceGetHandleByIndex, index)
            uuid = _asked(pynvml.nvmlDeviceGetUUID, handle) if handle is not None else None
            if uuid is None:
                continue
            gpu = _text(uuid)
            out.append(self._one(handle, gpu, now))
            self._last[gpu] = now
        return out

    def _one(self, handle: Any, gpu: str, now: float) -> Reading:
        rates = _asked(pynvml.nvmlDeviceGetUtilizationRates, handle)
        memory = _asked(pynvml.nvmlDeviceGetMemoryInfo, handle, version=pynvml.nvmlMemory_v2)
        if memory is None:
            memory = _asked(pynvml.nvmlDeviceGetMemoryInfo, handle)
        power = _asked(pynvml.nvmlDeviceGetPowerUsage, handle)
        energy = _asked(pynvml.nvmlDeviceGetTotalEnergyConsumption, handle)
        processes = _asked(pynvml.nvmlDeviceGetComputeRunningProcesses, handle)
        return Reading(
            gpu=gpu,
            name=_text(_asked(pynvml.nvmlDeviceGetName, handle) or ""),
            utilization=None if rates is None else rates.gpu / 100,
            memory=None if memory is None else int(memory.used),
            power=None if power is None else power / 1000,
            energy=None if energy is None else energy / 1000,
            processes=None if processes is None else len(processes),
            interval=now - self._last[gpu] if gpu in self._last else self.interval,
        )

    def close(self) -> None:
        """Let go of the driver."""
        _asked(pynvml.nvmlShutdown)


def observations(readings: Iterable[Reading], attribute: str) -> list[Observation]:
    """Return one observation for each GPU that tells this value; pure."""
    return [
        Observation(value, {"hw.id": reading.gpu, "hw.name": reading.name, "hw.type": "gpu"})
        for reading in readings
        if (value := getattr(reading, attribute)) is not None
    ]


class Readings(Protocol):
    """What tells readings: the driver of this host, or the page of another exporter."""

    interval: float

    def read(self) -> list[Reading]:
        """Return a reading of every GPU."""

    def close(self) -> None:
        """Let go of what is held."""


class _ToSpool(MetricExporter):
    """Puts each export on disk, from where a sender takes it to the receiver."""

    def __init__(self, spool: Spool) -> None:
        super().__init__()
        self._spool = spool

    def export(self, metrics_data: MetricsData, *_: Any, **__: Any) -> MetricExportResult:
        self._spool.put("/v1/metrics", encode_metrics(metrics_data).SerializeToString())
        return MetricExportResult.SUCCESS

    def force_flush(self, *_: Any, **__: Any) -> bool:
        return True

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Nothing is held back."""


class Exporter:
    """Puts readings into the spool every `interval` seconds."""

    def __init__(self, gpus: Readings, spool: Spool, *, pool: str = "", node: str = "") -> None:
        self.gpus = gpus
        self._readings: list[Reading] = []
        resource = Resource.create(
            {"host.name": node or socket.gethostname(), "breakeven.pool": pool, "service.name": "breakeven-exporter"}
        )
        self._reader = PeriodicExportingMetricReader(_ToSpool(spool), export_interval_millis=gpus.interval * 1000)
        self._provider = MeterProvider(metric_readers=[self._reader], resource=resource, shutdown_on_exit=False)
        meter = self._provider.get_meter("breakeven.exporters.gpu")
        for number, (name, (attribute, unit, about)) in enumerate(METRICS.items()):
            make = meter.create_observable_counter if name == "hw.energy" else meter.create_observable_gauge
            make(name, [self._callback(attribute, first=number == 0)], unit=unit, description=about)

    def flush(self) -> bool:
        """Read now; return whether the reading is in the spool."""
        return bool(self._provider.force_flush())

    def close(self) -> None:
        """Read once more and stop."""
        self._provider.shutdown()
        self.gpus.close()

    def _callback(self, attribute: str, *, first: bool) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            if first:  # the first metric of a collection reads the devices once for all
                self._readings = self.gpus.read()
            return observations(self._readings, attribute)

        return observe


def _asked(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Return a driver's answer, or None where this device, driver or symbol gives none."""
    try:
        return call(*arguments, **named)
    except pynvml.NVMLError:
        return None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
