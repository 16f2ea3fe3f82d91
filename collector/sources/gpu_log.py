"""GPU samples from files: one reading of a GPU a row, JSON lines or CSV."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from collector import fields
from ledger.errors import BadRow
from ledger.records import GpuSample

MAX_GAP_S = 120.0
"""Longest time that one reading may stand for, seconds (`telemetry.max_gap_s`); after more, the time is unknown."""


def stands_for(interval: float) -> float:
    """Return the seconds that a reading speaks for: none after a gap, whose energy the counter still knows."""
    return interval if interval <= MAX_GAP_S else 0.0


@dataclass(slots=True)
class GpuLog:
    """Parses rows `{"at", "node", "gpu", "dt_s", "util", "mem_mib", "power_w", …}`: the columns of the table."""

    zone: tzinfo | None = None
    pool: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    name: str = "gpu_log"

    def fits(self, row: dict[str, Any]) -> bool:
        """Say whether a row is a GPU reading."""
        return "gpu" in row and "at" in row and "node" in row

    def parse(self, row: dict[str, Any]) -> list[GpuSample]:
        """Return the sample of one row; a value that is not there stays unknown. Raises BadRow."""
        gpu, node = fields.name(row.get("gpu")), fields.name(row.get("node"))
        if not gpu:
            raise BadRow("gpu", "missing; it is the UUID of the device")
        dt = fields.number(row.get("dt_s"), "dt_s")
        if dt is None:
            raise BadRow("dt_s", "missing; it is the seconds that the reading stands for")
        processes = fields.count(row.get("processes"), "processes")
        if processes is not None and processes > 65_535:
            raise BadRow("processes", f"{processes} is more than 65,535")
        util = fields.number(row.get("util"), "util")
        if util is not None and util > 100:
            raise BadRow("util", f"{util} is more than 100 %")
        energy = fields.number(row.get("energy_mj"), "energy_mj")
        return [
            GpuSample(
                at=fields.instant(row.get("at"), "at", self.now, self.zone),
                node=node,
                gpu=gpu,
                slice=fields.name(row.get("slice")),
                pool=fields.name(row.get("pool")) or self.pool,
                dt_s=stands_for(dt),
                util=util,
                sm_active=fields.number(row.get("sm_active"), "sm_active"),
                mem_mib=fields.count(row.get("mem_mib"), "mem_mib"),
                power_w=fields.number(row.get("power_w"), "power_w"),
                energy_mj=None if energy is None else round(energy),
                reset=int(bool(row.get("reset") not in (None, "", 0, "0", False))),
                processes=processes,
                source=self.name,
                share=fields.number(row.get("share"), "share"),
                pods=fields.name(row.get("pods")),
                clock_mhz=fields.count(row.get("clock_mhz"), "clock_mhz", 65_535),
                temperature=fields.number(row.get("temperature"), "temperature"),
                slowdown=fields.count(row.get("slowdown"), "slowdown"),
            )
        ]
