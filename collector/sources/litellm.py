"""LiteLLM: the proxy's spend logs, request by request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from collector.http import MAX_PAGES, Client
from collector.source import Given, Stream, each
from collector.sources.requests_log import Defaults, RequestsLog
from ledger.errors import SourceRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.source import Found

REFUSALS = {401: "the proxy's master key is needed", 403: "the proxy's master key is needed"}
STREAMS = (Stream("spend_logs", table="requests", poll_s=300, restate_h=24, final_after_h=1, step_h=24),)
_PAGE = 1000


@dataclass(slots=True)
class LiteLLM:
    """One proxy."""

    given: Given
    streams: ClassVar[tuple[Stream, ...]] = STREAMS

    def poll(self, stream: str, start: datetime, end: datetime) -> Iterator[Found]:  # noqa: ARG002 - there is one stream
        """Yield the requests that started in a half-open window."""
        if not self.given.base_url:
            raise SourceRefused(f"sources.{self.given.name}.base_url: missing; it is the address of your LiteLLM proxy")
        headers = {"Authorization": f"Bearer {self.given.key}"}
        client = Client(self.given.name, self.given.base_url, headers, REFUSALS, self.given.sleep)
        span = [("start_date", _text(start)), ("end_date", _text(end)), ("page_size", str(_PAGE)),
                ("sort_by", "startTime"), ("sort_order", "asc")]  # fmt: skip
        log = RequestsLog(Defaults(account=self.given.account), now=datetime.now(UTC))
        for number in range(1, MAX_PAGES):
            page = client.get("/spend/logs/v2", [*span, ("page", str(number))])
            yield from each(page.get("data") or [], lambda row: _one(log, row))
            if number >= int(page.get("total_pages") or 0):
                return
        raise SourceRefused(f"{self.given.name}: more than {MAX_PAGES} pages")


def _one(log: RequestsLog, row: dict[str, Any]) -> Any:
    (found,) = log.parse(row)
    return found


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}"
