"""What a prefix cache could read at most, from the block hashes of a trace (economics 8.6); pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence


def cached_tokens(requests: Iterable[tuple[int, Sequence[Hashable]]], block: int) -> list[int]:
    """Return the tokens of each request, in file order, that an unbounded cache would hold: an upper bound.

    A request is (input tokens, hashes of its blocks of `block` tokens); leading blocks seen before are cached.
    """
    seen: set[Hashable] = set()
    out = []
    for tokens, hashes in requests:
        run = next((n for n, one in enumerate(hashes) if one not in seen), len(hashes))
        out.append(min(run * block, tokens))
        seen.update(hashes)
    return out


def saving_share(cost_with: float, cost_without: float) -> float | None:
    """Return what the cache saves of the cost without it; None without a cost."""
    return 1 - cost_with / cost_without if cost_without > 0 else None
