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
    from collections.abc import Callable, Iterable, Iterator

    from exporters.spool import Spool


class NoDriver(Exception):  # noqa: N818 - says what is so, not what went wrong
    """This host has no NVIDIA driver that answers."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one GPU, or of one MIG instance of it; None = the device does not tell.

    Units: 1, W, J since driver load, bytes, s, Hz, degrees Celsius. `share` is an instance's part of its GPU; power,
    energy, clock and temperature exist for the whole GPU only. `pods`: namespace/name of who holds the device.
    """

    gpu: str
    name: str
    utilization: float | None
    memory: int | None
    power: float | None
    energy: float | None
    processes: int | None
    interval: float
    sm_utilization: float | None = None
    clock: float | None = None
    temperature: float | None = None
    slowdown: int | None = None
    slice: str = ""
    share: float | None = None
    pods: str = ""


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
    "hw.gpu.speed": ("clock", "Hz", "Clock of the streaming multiprocessors"),
    "hw.temperature": ("temperature", "Cel", "Temperature of the GPU"),
    "hw.gpu.slowdown": ("slowdown", "1", "Why the clock is held down: NVML's bits of clock event reasons, 0 = not"),
    "hw.gpu.slice.share": ("share", "1", "Part of the GPU that this MIG instance has"),
    "hw.gpu.sample.interval": ("interval", "s", "Time that this reading stands for"),
}
"""Metric → field of a reading, unit, description."""


_IDLE = pynvml.nvmlClocksEventReasonGpuIdle


@dataclass(slots=True)
class Gpus:
    """The GPUs of this host. A value that a device refused is asked again each time: drivers change their mind."""

    interval: float = 10.0
    clock: Callable[[], float] = time.monotonic
    _last: dict[str, float] = field(default_factory=dict)
    _gpm: dict[str, Any] = field(default_factory=dict)

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
            out.append(self._gpu(handle, _text(uuid), now))
            out += self._instances(handle, out[-1], now)
        return out

    def _gpu(self, handle: Any, gpu: str, now: float) -> Reading:
        rates = _asked(pynvml.nvmlDeviceGetUtilizationRates, handle)
        power = _asked(pynvml.nvmlDeviceGetPowerUsage, handle)
        energy = _asked(pynvml.nvmlDeviceGetTotalEnergyConsumption, handle)
        clock = _asked(pynvml.nvmlDeviceGetClockInfo, handle, pynvml.NVML_CLOCK_SM)
        reasons = _asked(pynvml.nvmlDeviceGetCurrentClocksEventReasons, handle)
        celsius = _asked(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU)
        support = _asked(pynvml.nvmlGpmQueryDeviceSupport, handle)
        take = (pynvml.nvmlGpmSampleGet, handle) if support is not None and support.isSupportedDevice else None
        return Reading(
            gpu=gpu,
            name=_text(_asked(pynvml.nvmlDeviceGetName, handle) or ""),
            utilization=None if rates is None else rates.gpu / 100,
            memory=_memory(handle),
            power=None if power is None else power / 1000,
            energy=None if energy is None else energy / 1000,
            processes=_processes(handle),
            interval=self._since_last(gpu, now),
            sm_utilization=self._sm_utilization(gpu, take),
            clock=None if clock is None else clock * 1e6,
            temperature=celsius,
            slowdown=None if reasons is None else reasons & ~_IDLE,
        )

    def _instances(self, handle: Any, whole: Reading, now: float) -> Iterator[Reading]:
        """Yield a reading of each MIG instance; what only the whole GPU has (power, energy, clock) stays with it."""
        mode = _asked(pynvml.nvmlDeviceGetMigMode, handle)
        most = _asked(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0
        for index in range(most if mode and mode[0] == pynvml.NVML_DEVICE_MIG_ENABLE else 0):
            instance = _asked(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, index)
            uuid = _asked(pynvml.nvmlDeviceGetUUID, instance) if instance is not None else None
            if uuid is None:
                continue
            about = _asked(pynvml.nvmlDeviceGetAttributes_v2, instance)
            number = _asked(pynvml.nvmlDeviceGetGpuInstanceId, instance)
            take = None if number is None else (pynvml.nvmlGpmMigSampleGet, handle, number)
            yield Reading(
                gpu=whole.gpu,
                name=_text(_asked(pynvml.nvmlDeviceGetName, instance) or whole.name),
                utilization=None,
                memory=_memory(instance),
                power=None,
                energy=None,
                processes=_processes(instance),
                interval=self._since_last(_text(uuid), now),
                sm_utilization=self._sm_utilization(_text(uuid), take),
                slice=_text(uuid),
                share=None if about is None else about.computeInstanceSliceCount / most,
            )

    def _since_last(self, device: str, now: float) -> float:
        before = self._last.get(device, now - self.interval)
        self._last[device] = now
        return now - before

    def _sm_utilization(self, device: str, take: tuple[Any, ...] | None) -> float | None:
        """Return the busy share of the multiprocessors since the last look, where the chip counts it (Hopper on)."""
        before = self._gpm.pop(device, None)
        sample = _asked(pynvml.nvmlGpmSampleAlloc) if take else None
        found = None
        if take and sample is not None:
            if _asked(*take, sample) is None:
                _asked(pynvml.nvmlGpmSampleFree, sample)
            else:
                self._gpm[device] = sample
                found = _busy(before, sample) if before is not None else None
        if before is not None:
            _asked(pynvml.nvmlGpmSampleFree, before)
        return found

    def close(self) -> None:
        """Let go of the driver."""
        _asked(pynvml.nvmlShutdown)


def observations(readings: Iterable[Reading], attribute: str) -> list[Observation]:
    """Return one observation for each GPU that tells this value; pure."""
    return [
        Observation(value, _attributes(reading))
        for reading in readings
        if (value := getattr(reading, attribute)) is not None
    ]


def _attributes(reading: Reading) -> dict[str, str]:
    more = {"hw.slice": reading.slice, "breakeven.pods": reading.pods}
    return {"hw.id": reading.gpu, "hw.name": reading.name, "hw.type": "gpu", **{k: v for k, v in more.items() if v}}


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


def _memory(handle: Any) -> int | None:
    found = _asked(pynvml.nvmlDeviceGetMemoryInfo, handle, version=pynvml.nvmlMemory_v2)
    if found is None:  # older drivers: what the driver reserves is in it
        found = _asked(pynvml.nvmlDeviceGetMemoryInfo, handle)
    return None if found is None else int(found.used)


def _processes(handle: Any) -> int | None:
    found = _asked(pynvml.nvmlDeviceGetComputeRunningProcesses, handle)
    return None if found is None else len(found)


def _busy(before: Any, sample: Any) -> float | None:
    """Return the mean busy share of the multiprocessors between two samples; None where the driver gives none."""
    asked = pynvml.c_nvmlGpmMetricsGet_t()
    asked.version, asked.numMetrics = pynvml.NVML_GPM_METRICS_GET_VERSION, 1
    asked.sample1, asked.sample2 = before, sample
    asked.metrics[0].metricId = pynvml.NVML_GPM_METRIC_SM_UTIL
    if _asked(pynvml.nvmlGpmMetricsGet, asked) is None or asked.metrics[0].nvmlReturn != pynvml.NVML_SUCCESS:
        return None
    return float(asked.metrics[0].value) / 100


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
