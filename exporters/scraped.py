"""GPUs as another exporter tells them: NVIDIA's dcgm-exporter, or AMD's device-metrics-exporter."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from exporters.gpu import Reading
from exporters.inference import get, read_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporters.inference import Series

FIELDS: dict[str, tuple[str, float]] = {
    "DCGM_FI_DEV_GPU_UTIL": ("utilization", 0.01),
    "DCGM_FI_PROF_SM_ACTIVE": ("sm_utilization", 1.0),
    "DCGM_FI_DEV_FB_USED": ("memory", 2.0**20),
    "DCGM_FI_DEV_POWER_USAGE": ("power", 1.0),
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": ("energy", 0.001),
    "DCGM_FI_DEV_SM_CLOCK": ("clock", 1e6),
    "DCGM_FI_DEV_GPU_TEMP": ("temperature", 1.0),
    "gpu_gfx_activity": ("utilization", 0.01),
    "gpu_used_vram": ("memory", 1e6),
    "gpu_package_power": ("power", 1.0),
    "gpu_average_package_power": ("power", 1.0),
    "gpu_power_usage": ("power", 1.0),
    "gpu_energy_consumed": ("energy", 1e-6),
}
"""Metric → field of a reading, and the factor to its unit (1, By, W, J, Hz, Cel)."""
_IDS = ("UUID", "gpu_uuid", "serial_number")
_NAMES = ("modelName", "card_model")
_SLICE = "GPU_I_ID"
_OF_THE_WHOLE = ("power", "energy", "clock", "temperature", "utilization")
"""What a MIG instance does not have: its rows repeat the value of the GPU."""
_PODS = (("exported_namespace", "exported_pod"), ("namespace", "pod"), ("pod_namespace", "pod_name"))
"""Labels of who holds a device; through Prometheus the exporter's own pod is in the plain ones."""


@dataclass(slots=True)
class ScrapedGpus:
    """The GPUs of one page. A page that does not answer tells nothing: its time is unknown, not idle."""

    url: str
    interval: float = 30.0
    clock: Callable[[], float] = time.monotonic
    fetch: Callable[[str], str] = get
    _last: dict[str, float] = field(default_factory=dict)

    def read(self) -> list[Reading]:
        """Return one reading of every GPU on the page."""
        now = self.clock()
        try:
            found = readings(read_page(self.fetch(self.url)))
        except OSError:
            return []
        out = []
        for one in found:
            device = one.slice or one.gpu
            out.append(replace(one, interval=now - self._last.get(device, now - self.interval)))
            self._last[device] = now
        return out

    def close(self) -> None:
        """Nothing is held."""


@dataclass(slots=True)
class _Device:
    """What the rows of one GPU, or of one of its MIG instances, say."""

    name: str = ""
    share: float | None = None
    pods: set[str] = field(default_factory=set)
    values: dict[str, float] = field(default_factory=dict)


def readings(page: Series) -> list[Reading]:
    """Return a reading of each GPU and of each MIG instance; pure.

    With time-slicing there is a row for each pod of one device: the device counts once, and its pods are named. An
    instance is named GPU/number, for a page does not tell its UUID.
    """
    devices: dict[tuple[str, str], _Device] = {}
    for (told, labels), value in page.items():
        name = told.removesuffix("_total")  # the parser ends the names of counters so
        given = dict(labels)
        gpu = next((given[label] for label in _IDS if given.get(label)), "")
        if not gpu or name not in FIELDS:
            continue
        what, factor = FIELDS[name]
        number = given.get(_SLICE, "")
        whole = devices.setdefault((gpu, ""), _Device())
        whole.name = next((given[label] for label in _NAMES if given.get(label)), "")
        device = devices.setdefault((gpu, f"{gpu}/{number}"), _Device(whole.name)) if number else whole
        device.share = device.share or _share(given.get("GPU_I_PROFILE", ""), whole.name)
        device.pods |= _pods(given)
        there = whole.values if what in _OF_THE_WHOLE else device.values
        there[what] = max(there.get(what, 0.0), value * factor)
    for (gpu, instance), device in devices.items():
        memory = [d.values["memory"] for (g, s), d in devices.items() if g == gpu and s and "memory" in d.values]
        if not instance and memory:
            device.values["memory"] = sum(memory)
    return [_reading(gpu, instance, device) for (gpu, instance), device in sorted(devices.items())]


def _share(profile: str, name: str) -> float | None:
    """Return the part of a GPU that a profile like 2g.20gb takes: of seven compute slices, four on an A30."""
    head = profile.split(".")[-2][-2:] if profile.count(".") else ""
    return int(head[0]) / (4 if "A30" in name else 7) if head[:1].isdigit() and head[1:] == "g" else None


def _pods(labels: dict[str, str]) -> set[str]:
    for namespace, pod in _PODS:
        if labels.get(pod):
            return {f"{labels.get(namespace, '')}/{labels[pod]}"}
    return set()


def _reading(gpu: str, instance: str, device: _Device) -> Reading:
    told = device.values
    memory = told.get("memory")
    return Reading(
        gpu, device.name, told.get("utilization"), None if memory is None else round(memory), told.get("power"),
        told.get("energy"), processes=None, interval=0.0, sm_utilization=told.get("sm_utilization"),
        clock=told.get("clock"), temperature=told.get("temperature"), slice=instance, share=device.share,
        pods=",".join(sorted(device.pods)),
    )  # fmt: skip
