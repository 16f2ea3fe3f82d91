"""OpenAI: usage by the hour and costs by the day of an organization, from its administration API."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from collector import fields
from collector.bills import token_class
from collector.http import Client
from collector.source import Given, Stream, each
from ledger.errors import BadRow
from ledger.records import Charge, UsageBucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.source import Found

_Result = tuple[datetime, datetime, dict[str, Any]]
"""Start and end of a bucket, and one of its results."""
BASE_URL = "https://api.openai.com/v1"
REFUSALS = {
    401: "the key is not known; an organization admin key (sk-admin-…) is needed",
    403: "permission missing; an organization admin key (sk-admin-…) is needed, project keys are refused",
}
STREAMS = (
    Stream("usage", table="usage_buckets", poll_s=300, restate_h=48, final_after_h=1, step_h=7 * 24),
    Stream("costs", table="charges", poll_s=3600, restate_h=5 * 24, final_after_h=24, step_h=31 * 24),
)
_KNOWN = {
    "input_tokens", "input_cached_tokens", "input_cache_write_tokens", "input_cache_write_30m_tokens",
    "input_cache_write_12h_tokens", "input_uncached_tokens", "output_tokens", "num_model_requests",
    "input_text_tokens", "input_cached_text_tokens", "output_text_tokens", "input_audio_tokens",
    "input_cached_audio_tokens", "output_audio_tokens", "input_image_tokens", "input_cached_image_tokens",
    "output_image_tokens",
}  # fmt: skip
_ENDPOINTS = {
    "completions": ("model", "project_id", "api_key_id", "service_tier", "batch"),
    "embeddings": ("model", "project_id", "api_key_id"),
}


@dataclass(slots=True)
class OpenAI:
    """One organization."""

    given: Given
    streams: ClassVar[tuple[Stream, ...]] = STREAMS

    @property
    def client(self) -> Client:
        """Ask with the organization's admin key."""
        headers = {"Authorization": f"Bearer {self.given.key}"}
        return Client(self.given.name, self.given.base_url or BASE_URL, headers, REFUSALS, self.given.sleep)

    def poll(self, stream: str, start: datetime, end: datetime) -> Iterator[Found]:
        """Yield what the provider says of a half-open window."""
        span = [("start_time", str(int(start.timestamp()))), ("end_time", str(int(end.timestamp())))]
        if stream == "costs":
            groups = [("group_by[]", name) for name in ("project_id", "line_item", "api_key_id")]
            params = [*span, ("bucket_width", "1d"), ("limit", "31"), *groups]
            for page in self.client.pages("/organization/costs", params):
                yield from costs(page, self.given.name, self.given.account)
            return
        for endpoint, names in _ENDPOINTS.items():
            params = [*span, ("bucket_width", "1h"), ("limit", "168"), *(("group_by[]", name) for name in names)]
            for page in self.client.pages(f"/organization/usage/{endpoint}", params):
                yield from usage(page, self.given.name, self.given.account, endpoint)


def usage(page: dict[str, Any], source: str, account: str, view: str) -> Iterator[Found]:
    """Yield the rows of a page of usage, or why one cannot be taken."""
    return each(_results(page), lambda one: _usage(one, UsageBucket(source, account, "openai", view, one[0], 0)))


def costs(page: dict[str, Any], source: str, account: str) -> Iterator[Found]:
    """Yield the rows of a page of costs; amounts are dollars, as number or text."""
    return each(_results(page), lambda one: _cost(one, source, account))


def _usage(one: _Result, empty: UsageBucket) -> UsageBucket:
    start, end, row = one
    total, read = _count(row, "input_tokens"), _count(row, "input_cached_tokens")
    short, long = _count(row, "input_cache_write_30m_tokens"), _count(row, "input_cache_write_12h_tokens")
    write = max(_count(row, "input_cache_write_tokens"), short + long)
    told = fields.count(row.get("input_uncached_tokens"), "input_uncached_tokens", fields.MAX_SUM)
    fresh = total - read - write if told is None else told
    if fresh < 0:
        raise BadRow("input_tokens", f"{read} cached and {write} written exceed {total}")
    return replace(
        empty, width_s=round((end - start).total_seconds()), model=fields.name(row.get("model")),
        project=fields.name(row.get("project_id")), key=fields.name(row.get("api_key_id")),
        tier=_tier(row.get("service_tier")), processing="batch" if row.get("batch") is True else "online",
        input_fresh=fresh, cache_read=read, cache_write_short=short, cache_write_long=long,
        cache_write_other=write - short - long, output=_count(row, "output_tokens"),
        n_requests=fields.count(row.get("num_model_requests"), "num_model_requests", fields.MAX_SUM),
        extra=fields.unknown_numbers(row, _KNOWN),
    )  # fmt: skip


def _cost(one: _Result, source: str, account: str) -> Charge:
    start, end, row = one
    amount = row.get("amount")
    if not isinstance(amount, dict):
        raise BadRow("amount", "missing")
    line = str(row.get("line_item") or "")
    model, _, what = line.partition(", ")
    value = fields.money(amount.get("value"), "amount.value")
    return Charge(
        source, account, "openai", start, end, "usage" if value >= 0 else "credit", line[:200],
        model=fields.name(model) if what else "", token_class=token_class(what),
        project=fields.name(row.get("project_id")), key=fields.name(row.get("api_key_id")), billed_cost=value,
        effective_cost=value, currency=fields.name(amount.get("currency"), "usd").upper(),
        quantity=fields.number(row.get("quantity"), "quantity"), unit=fields.name(row.get("quantity_unit")),
    )  # fmt: skip


def _results(page: dict[str, Any]) -> Iterator[_Result]:
    for bucket in page.get("data") or []:
        rows = bucket.get("results", bucket.get("result")) or []
        start, end = (datetime.fromtimestamp(int(bucket[name]), UTC) for name in ("start_time", "end_time"))
        for row in rows:
            yield start, end, row


def _count(row: dict[str, Any], name: str) -> int:
    return fields.count(row.get(name), name, fields.MAX_SUM) or 0


def _tier(value: Any) -> str:
    word = str(value or "default").lower()
    return "standard" if word in ("default", "auto") else fields.name(word)
