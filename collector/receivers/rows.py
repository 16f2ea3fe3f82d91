"""Rows of request logs over HTTP, LiteLLM's callback among them; messages and answers are dropped unread."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from collector.intake import CONTENT
from collector.receivers.answers import Answered, kept
from collector.receivers.otlp import JSON, MAX_ITEMS, unpacked
from collector.receivers.piece import Piece
from collector.receivers.wire import check_json
from collector.sources.requests_log import Defaults, RequestsLog
from ledger.errors import BadRow

if TYPE_CHECKING:
    from datetime import datetime

    from collector.receivers.loader import Loader
    from ledger.records import Request

LITELLM, HTTP = ("litellm", "callback"), ("requests_log", "http")
"""Source and origin of what comes in."""


class Rows:
    """Takes a JSON array, lines of JSON, or one object, in any shape of a request log that we know."""

    def __init__(self, loader: Loader, limit: int, told: tuple[str, str] = LITELLM) -> None:
        self.loader, self.limit = loader, limit
        self.source, self.origin = told

    def take(self, body: bytes, encoding: str, now: datetime, batch: str = "") -> Answered:
        """Take the calls of one request; 200 means kept. 400 and 413 are final.

        A row without an id of its own is known by its content, and by `batch`, the sender's name of the request: equal
        rows of one request are as many calls, and the request sent again changes nothing.
        """
        try:
            rows = _rows(unpacked(body, encoding, self.limit))
        except OverflowError as error:
            return _answer(413, {"error": {"code": "too_large", "message": str(error)}})
        except (ValueError, zlib.error):
            said = "not rows of a request log: send a JSON array, an object, or lines of them"
            return _answer(400, {"error": {"code": "not_json", "message": said}})
        log = RequestsLog(Defaults(), now=now, name=self.source)
        piece = Piece(self.source, self.origin, now)
        for number, row in enumerate(rows, 1):
            try:
                piece.requests += log.parse(row if isinstance(row, dict) else {})
            except BadRow as wrong:
                piece.bad.append((number, wrong.field, wrong.reason))
        piece.requests = _named(piece.requests, batch)
        told = {"accepted": len(piece.requests), "rejected": len(piece.bad)}
        return kept(self.loader, piece, _answer(200, told), _failed)


def _failed(status: int, text: str) -> Answered:
    return _answer(status, {"error": {"code": "store_refused" if status == 400 else "not_now", "message": text}})


def _named(requests: list[Request], batch: str) -> list[Request]:
    """Number equal rows without an id, within the request: what waits beside it in the spool is no part of it."""
    mark = f"|{hashlib.sha256(batch.encode()).hexdigest()[:16]}" if batch else ""
    seen: Counter[str] = Counter()
    out = []
    for one in requests:
        key = one.event_key
        if CONTENT in key:
            number = seen[key]
            seen[key] += 1
            key = f"{key}{mark}|{number}" if number else f"{key}{mark}"
        out.append(one if key == one.event_key else replace(one, event_key=key))
    return out


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
