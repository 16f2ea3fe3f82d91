"""LiteLLM's callback: each finished call as it happens; messages and answers are dropped unread."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

import orjson

from collector.receivers.answers import Answered, kept
from collector.receivers.otlp import JSON, MAX_ITEMS, unpacked
from collector.receivers.piece import Piece
from collector.receivers.wire import check_json
from collector.sources.requests_log import Defaults, RequestsLog
from ledger.errors import BadRow

if TYPE_CHECKING:
    from datetime import datetime

    from collector.receivers.loader import Loader

SOURCE = "litellm"


class LiteLLMCallback:
    """Takes what the proxy's `generic_api` logger sends: a JSON array, lines of JSON, or one object."""

    def __init__(self, loader: Loader, limit: int) -> None:
        self.loader, self.limit = loader, limit

    def take(self, body: bytes, encoding: str, now: datetime) -> Answered:
        """Take the calls of one request; 200 means kept. 400 and 413 are final."""
        try:
            rows = _rows(unpacked(body, encoding, self.limit))
        except OverflowError as error:
            return _answer(413, {"error": {"code": "too_large", "message": str(error)}})
        except (ValueError, zlib.error):
            said = "not calls of LiteLLM: send a JSON array, an object, or lines of them"
            return _answer(400, {"error": {"code": "not_json", "message": said}})
        log = RequestsLog(Defaults(), now=now, name=SOURCE)
        piece = Piece(SOURCE, "callback", now)
        for number, row in enumerate(rows, 1):
            try:
                piece.requests += log.parse(row if isinstance(row, dict) else {})
            except BadRow as wrong:
                piece.bad.append((number, wrong.field, wrong.reason))
        told = {"accepted": len(piece.requests), "rejected": len(piece.bad)}
        return kept(self.loader, piece, _answer(200, told), _failed)


def _failed(status: int, text: str) -> Answered:
    return _answer(status, {"error": {"code": "store_refused" if status == 400 else "not_now", "message": text}})


def _rows(body: bytes) -> list[Any]:
    """Return the calls of a body in any of its three forms; raises ValueError, OverflowError for too many."""
    check_json(body)
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = [orjson.loads(line) for line in body.splitlines() if line.strip()]
    rows = found if isinstance(found, list) else [found]
    if len(rows) > MAX_ITEMS:
        raise OverflowError(f"more than {MAX_ITEMS} calls in one request")
    return rows


def _answer(status: int, body: dict[str, Any]) -> Answered:
    return Answered(status, json.dumps(body).encode(), {"Content-Type": JSON})
