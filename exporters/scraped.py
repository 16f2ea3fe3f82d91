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
    "gpu_gfx_activity": ("utilization", 0.01),
    "gpu_used_vram": ("memory", 1e6),
    "gpu_package_power": ("power", 1.0),
    "gpu_average_package_power": ("power", 1.0),
    "gpu_power_usage": ("power", 1.0),
    "gpu_energy_consumed": ("energy", 1e-6),
}
"""Metric → field of a reading, and the factor to its unit (1, By, W, J)."""
_IDS = ("UUID", "gpu_uuid", "serial_number")
_NAMES = ("modelName", "card_model")
_SLICE = "GPU_I_ID"


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
        out = [replace(one, interval=now - self._last.get(one.gpu, now - self.interval)) for one in found]
        self._last.update({one.gpu: now for one in found})
        return out

    def close(self) -> None:
        """Nothing is held."""


def readings(page: Series) -> list[Reading]:
    """Return a reading of each GPU; pure.

    With time-slicing there is a row for each pod of one device: the device counts once. Slices of MIG are told as the
    whole GPU that is paid for: memory adds up, power and energy are the GPU's own.
    """
    values: dict[str, dict[tuple[str, str], float]] = {}
    names: dict[str, str] = {}
    for (told, labels), value in page.items():
        name = told.removesuffix("_total")  # the parser ends the names of counters so
        given = dict(labels)
        gpu = next((given[label] for label in _IDS if given.get(label)), "")
        if gpu and name in FIELDS:
            what, factor = FIELDS[name]
            key = (what, given.get(_SLICE, ""))
            there = values.setdefault(gpu, {})
            there[key] = max(there.get(key, 0.0), value * factor)
            names[gpu] = next((given[label] for label in _NAMES if given.get(label)), "")
    return [_reading(gpu, names[gpu], parts) for gpu, parts in sorted(values.items())]


def _reading(gpu: str, name: str, parts: dict[tuple[str, str], float]) -> Reading:
    def of(what: str) -> list[float]:
        return [value for (part, _), value in parts.items() if part == what]

    def most(what: str) -> float | None:
        return max(of(what), default=None)

    memory = round(sum(of("memory"))) if of("memory") else None
    return Reading(
        gpu, name, most("utilization"), memory, most("power"), most("energy"), processes=None, interval=0.0,
        sm_utilization=most("sm_utilization"),
    )  # fmt: skip
