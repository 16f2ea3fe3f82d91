"""Splitting money so that nothing is lost: integers, floor plus largest remainder; pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MICRO = Decimal(1_000_000)
OUTPUT_INPUT_RATIO = 4.0
CACHED_RATIO = 0.05
"""Work of an output and of a cached token in uncached input tokens, where no capacity was measured."""


def split(total: int, weights: Sequence[float]) -> list[int]:
    """Split an integer (micro-dollars) in proportion to weights >= 0; the parts add up to it exactly.

    All weights zero: nothing is given out (the money stays idle), so the parts are all 0.
    Ties of the remainder go to the lower index.
    """
    scaled = [round(weight * 10**9) for weight in weights]
    whole = sum(scaled)
    if whole == 0:
        return [0] * len(scaled)
    parts = [total * weight // whole for weight in scaled]
    rests = [total * weight % whole for weight in scaled]
    left = total - sum(parts)
    for index in sorted(range(len(scaled)), key=lambda i: (-rests[i], i))[:left]:
        parts[index] += 1
    return parts


def allocate(used: int, works: Sequence[float]) -> tuple[list[int], int]:
    """Give the used money of a bucket to its requests by work; return their parts and what stays idle."""
    parts = split(used, works)
    return parts, used - sum(parts)


def work(uncached: int, cached: int, output: int) -> float:
    """Return the work of a request in uncached input tokens, where no capacity was measured."""
    return uncached + CACHED_RATIO * cached + OUTPUT_INPUT_RATIO * output


def part_of_node(taken: Mapping[str, float], whole: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Return the part of a node's cost that a tenant carries: weight times quantity, over all that the node has.

    The parts of all tenants add up to 1 when together they take the whole, whatever the weights.
    """
    units = sum(weights[name] * quantity for name, quantity in whole.items())
    return sum(weights[name] * quantity for name, quantity in taken.items()) / units if units > 0 else 0.0


def token_rates(
    usd_per_hour: float, input_tps: float, output_tps: float, ratio: float = OUTPUT_INPUT_RATIO
) -> tuple[float, float] | None:
    """Return (input, output) prices in USD per million tokens of a rate, method `fixed_ratio`.

    `ratio` is the price of an output token in input tokens. in * input_tps + out * output_tps is the rate
    per second whatever the ratio; None without any tokens.
    """
    units = input_tps / ratio + output_tps
    if units <= 0:
        return None
    output = usd_per_hour / 3600 / units
    return output / ratio * 1e6, output * 1e6


def micro(usd: Decimal) -> int:
    """Return USD as whole micro-dollars, half even."""
    return int((usd * MICRO).to_integral_value())


def usd(micro_usd: int) -> Decimal:
    """Return micro-dollars as USD."""
    return Decimal(micro_usd) / MICRO


def per(cost: Decimal | None, units: int | Decimal) -> Decimal | None:
    """Return a unit cost: None without units or without a cost, never 0, infinity or NaN."""
    if cost is None or units <= 0:
        return None
    return cost / Decimal(units)
