"""OpenRouter: activity of the closed UTC days, tokens and dollars by model and upstream provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from collector import fields
from collector.http import Client
from collector.source import Given, Stream, each
from ledger.records import Charge, UsageBucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.source import Found

BASE_URL = "https://openrouter.ai/api/v1"
REFUSALS = {401: "the key is not known; a management key is needed", 403: "a management key is needed"}
STREAMS = (
    Stream("usage", table="usage_buckets", poll_s=6 * 3600, restate_h=72, final_after_h=24, step_h=24),
    Stream("costs", table="charges", poll_s=6 * 3600, restate_h=72, final_after_h=24, step_h=24),
)
KEPT_DAYS = 30
"""The provider tells the last 30 completed days only."""
_DAY = timedelta(days=1)


@dataclass(slots=True)
class OpenRouter:
    """One account."""

    given: Given
    streams: ClassVar[tuple[Stream, ...]] = STREAMS

    def poll(self, stream: str, start: datetime, end: datetime) -> Iterator[Found]:
        """Yield what the provider says of the days of a half-open window that are complete."""
        headers = {"Authorization": f"Bearer {self.given.key}"}
        client = Client(self.given.name, self.given.base_url or BASE_URL, headers, REFUSALS, self.given.sleep)
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        day = max(start, today - KEPT_DAYS * _DAY)
        while day < min(end, today):
            page = client.get("/activity", [("date", f"{day:%Y-%m-%d}")])
            yield from activity(page, self.given.name, self.given.account, stream)
            day += _DAY


def activity(page: dict[str, Any], source: str, account: str, stream: str) -> Iterator[Found]:
    """Yield the rows of a day: usage, or what it cost in credits."""
    read = _usage if stream == "usage" else _cost
    return each(page.get("data") or [], lambda row: read(row, source, account))


def _usage(row: dict[str, Any], source: str, account: str) -> UsageBucket:
    prompt, cached = _count(row, "prompt_tokens"), _count(row, "cached_tokens")
    return UsageBucket(
        source, account, "openrouter", "activity", _day(row), 86_400, model=fields.name(row.get("model_permaslug")),
        project=fields.name(row.get("provider_name")), input_fresh=max(0, prompt - cached), cache_read=cached,
        output=_count(row, "completion_tokens"), n_requests=_count(row, "requests"),
    )  # fmt: skip


def _cost(row: dict[str, Any], source: str, account: str) -> Charge:
    amount = fields.money(row.get("usage"), "usage")
    start = _day(row)
    return Charge(
        source, account, "openrouter", start, start + _DAY, "usage", fields.name(row.get("model")),
        model=fields.name(row.get("model_permaslug")), project=fields.name(row.get("provider_name")),
        resource=fields.name(row.get("endpoint_id")), billed_cost=amount, effective_cost=amount,
    )  # fmt: skip


def _day(row: dict[str, Any]) -> datetime:
    found = fields.instant(str(row.get("date") or "")[:10], "date", datetime.now(UTC), UTC)
    return found.replace(hour=0, minute=0, second=0, microsecond=0)


def _count(row: dict[str, Any], name: str) -> int:
    return fields.count(row.get(name), name, fields.MAX_SUM) or 0
