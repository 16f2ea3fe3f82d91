"""LiteLLM's callback: each finished call as it happens; messages and answers are dropped unread."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

import orjson

from collector.intake import Intake
from collector.receivers.otlp import JSON, MAX_ITEMS, Answered, unpacked
from collector.receivers.wire import check_json
from collector.sources.requests_log import Defaults, RequestsLog
from ledger.errors import BadRow, StoreRefused, StoreUnavailable

if TYPE_CHECKING:
    from datetime import datetime

    from collector.attribution import Attribution
    from ledger.prices.register import PriceRegister
    from ledger.store import Store

SOURCE = "litellm"


class LiteLLMCallback:
    """Takes what the proxy's `generic_api` logger sends: a JSON array, lines of JSON, or one object."""

    def __init__(self, store: Store, prices: PriceRegister, attribution: Attribution, limit: int) -> None:
        self.store, self.prices, self.attribution, self.limit = store, prices, attribution, limit

    def take(self, body: bytes, encoding: str, now: datetime) -> Answered:
        """Store the calls of one request; 200 means stored, with what became of them. 400 and 413 are final."""
        try:
            rows = _rows(unpacked(body, encoding, self.limit))
        except OverflowError as error:
            return _answer(413, {"error": {"code": "too_large", "message": str(error)}})
        except (ValueError, zlib.error):
            said = "not calls of LiteLLM: send a JSON array, an object, or lines of them"
            return _answer(400, {"error": {"code": "not_json", "message": said}})
        log = RequestsLog(Defaults(), now=now, name=SOURCE)
        intake = Intake(self.store, self.prices, self.attribution, "callback", now)
        try:
            for number, row in enumerate(rows, 1):
                try:
                    for one in log.parse(row if isinstance(row, dict) else {}):
                        intake.take(one)
                except BadRow as wrong:
                    intake.refuse(number, wrong, SOURCE)
            counts = intake.finish()
        except StoreUnavailable as error:
            answer = _answer(503, {"error": {"code": "store_unavailable", "message": str(error)}})
            return Answered(503, answer.body, {**answer.headers, "Retry-After": "5"})
        except StoreRefused as error:
            return _answer(400, {"error": {"code": "store_refused", "message": str(error)}})
        told = {"accepted": counts.accepted, "duplicate": counts.duplicate, "rejected": counts.rejected}
        return _answer(200, told)


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
