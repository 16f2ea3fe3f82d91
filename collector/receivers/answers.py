"""What a sender is answered: taken and kept, not now, or never."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ledger.errors import BreakevenError, SpoolFull, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from collector.receivers.loader import Loader
    from collector.receivers.piece import Piece

RETRY_S = 5
"""When a sender may come again."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An HTTP answer: status, body, headers. It holds once `durable` has a result; `otherwise` if that is an error."""

    status: int
    body: bytes
    headers: dict[str, str]
    durable: Future[None] | None = None
    otherwise: Callable[[BreakevenError], Answered] | None = None


def kept(loader: Loader, piece: Piece, taken: Answered, failed: Callable[[int, str], Answered]) -> Answered:
    """Hand a piece to the loader; return `taken` for when it is kept, or what the sender is to do."""

    def otherwise(error: BreakevenError) -> Answered:
        return refusal(error, failed)

    try:
        durable = loader.put(piece)
    except BreakevenError as error:
        return otherwise(error)
    return replace(taken, durable=durable, otherwise=otherwise)


def refusal(error: BreakevenError, failed: Callable[[int, str], Answered]) -> Answered:
    """Return 429 or 503 with `Retry-After` for what may be sent again, 400 for what no store will ever take."""
    if not isinstance(error, StoreUnavailable):
        return failed(400, str(error))
    answer = failed(429 if isinstance(error, SpoolFull) else 503, str(error))
    return replace(answer, headers={**answer.headers, "Retry-After": str(RETRY_S)})
