"""Two years of made days through the advice: cost over hindsight, switches a year, and what a burst leads to.

Run with `make bench`. Scenarios: ties, one way dearer by 10 to 40 %, lasting steps up and down, a two-week burst of
three times the volume; noise of single days and of some days on end, calm (0.13 a day) and wild (0.48). Every second
path begins on the own way, so that half of them begin on the wrong side.
"""

from __future__ import annotations

import math
import random
import statistics
import sys

from ledger.verdict.backtest import follow
from ledger.verdict.regret import SwitchCost
from ledger.verdict.states import Limits

DAYS = 730
PATHS = 40
OWN = 300.0
"""USD a day of the own way: it does not follow the volume."""
COSTS = SwitchCost(8000.0, 8000.0 / 3)
NOISE = {"calm": 0.13, "wild": 0.48}
WEEK = (1.12, 1.15, 1.15, 1.12, 1.06, 0.75, 0.65)


def level(name: str, day: int) -> float:
    """Return the API's cost over the own way's in a scenario."""
    fixed = {"tie": 1.0, "+10 %": 1.1, "-10 %": 0.9, "+20 %": 1.2, "-20 %": 0.8, "+40 %": 1.4, "-40 %": 0.6}
    if name in fixed:
        return fixed[name]
    if name == "step up":
        return 0.7 if day < 300 else 1.4
    if name == "step down":
        return 1.4 if day < 300 else 0.7
    if name == "there and back":
        return 1.5 if 200 <= day < 500 else 0.7
    if name == "burst":
        return 0.6 * (3.0 if 300 <= day < 314 else 1.0)
    raise ValueError(name)


SCENARIOS = (
    "tie",
    "+10 %",
    "-10 %",
    "+20 %",
    "-20 %",
    "+40 %",
    "-40 %",
    "step up",
    "step down",
    "there and back",
    "burst",
)


def path(rng: random.Random, name: str, noise: float) -> list[float]:
    """Return the API's cost of every day: level, rhythm of the week, noise with a memory of some days."""
    out, drift = [], 0.0
    for day in range(DAYS):
        drift = 0.8 * drift + rng.gauss(0, noise * 0.6 * 0.5)
        shock = rng.gauss(0, noise * 0.8)
        swing = math.exp(drift + shock - (noise**2) * (0.64 + 0.25) / 2)
        out.append(OWN * level(name, day) * WEEK[day % 7] * swing)
    return out


def main() -> int:
    """Print a row a scenario and the totals; 1 if a promise is not kept."""
    limits = Limits()
    ratios: dict[str, list[float]] = {kind: [] for kind in NOISE}
    yearly: dict[str, list[float]] = {kind: [] for kind in NOISE}
    quiet = 0
    print(f"{PATHS} paths of {DAYS} days a scenario; cost as advised over hindsight, switches a year")
    for name in SCENARIOS:
        row = [f"{name:<16}"]
        for kind, noise in NOISE.items():
            rng = random.Random(f"{name}{kind}")
            found = [follow((path(rng, name, noise), [OWN] * DAYS), COSTS, limits, n % 2) for n in range(PATHS)]
            cost = statistics.fmean(f.cost / f.clairvoyant for f in found)
            switches = statistics.fmean(len(f.switches) for f in found) / DAYS * 365
            ratios[kind].append(cost)
            yearly[kind].append(switches)
            row.append(f"{kind} {cost:6.3f} {switches:5.2f}/yr")
            if name == "burst" and kind == "calm":
                quiet = sum(not any(s.to == 1 for s in f.switches) for f in found[::2])
        print("  ".join(row))
    ok = True
    for kind in NOISE:
        mean, worst, often = statistics.fmean(ratios[kind]), max(ratios[kind]), statistics.fmean(yearly[kind])
        ok &= mean <= 1.05 and often <= 1.0
        print(f"{kind}: mean {mean:.3f} (at most 1.05), worst {worst:.3f}, {often:.2f} switches a year (at most 1)")
    print(f"burst, calm: no recommendation in {2 * quiet / PATHS:.0%} of the paths from the API (at least 90 %)")
    return 0 if ok and quiet >= 0.45 * PATHS else 1


if __name__ == "__main__":
    sys.exit(main())
