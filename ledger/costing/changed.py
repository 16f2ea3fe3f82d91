"""Why spend changed between two periods: volume, mix, tokens a request and price, which add up to it (17.3); pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Group:
    """A workload on a model in one period: requests, tokens a request and price by token class (USD per token)."""

    requests: float
    tokens: Mapping[str, float]
    prices: Mapping[str, float]

    def per_request(self, prices: Mapping[str, float] | None = None) -> float:
        """Return USD of a request at these prices, or at its own."""
        return sum(n * (self.prices if prices is None else prices).get(k, 0.0) for k, n in self.tokens.items())


@dataclass(frozen=True, slots=True)
class Change:
    """Parts of a change of spend, USD."""

    volume: float
    mix: float
    tokens: float
    price: float

    @property
    def total(self) -> float:
        """The change that they add up to."""
        return self.volume + self.mix + self.tokens + self.price


def explain(before: Mapping[str, Group], after: Mapping[str, Group]) -> Change:
    """Return the parts of a change; a group of one period only takes tokens and prices from it: it is all mix."""
    whole_before, whole_after = (sum(g.requests for g in groups.values()) for groups in (before, after))
    volume = mix = tokens = price = 0.0
    for name in {**before, **after}:
        old, new = before.get(name) or after[name], after.get(name) or before[name]
        share_before = before[name].requests / whole_before if name in before and whole_before else 0.0
        share_after = after[name].requests / whole_after if name in after and whole_after else 0.0
        cost = old.per_request()
        volume += (whole_after - whole_before) * share_before * cost
        mix += whole_after * (share_after - share_before) * cost
        tokens += whole_after * share_after * (new.per_request(old.prices) - cost)
        price += whole_after * share_after * (new.per_request() - new.per_request(old.prices))
    return Change(volume, mix, tokens, price)
