"""Anthropic: usage and cost of an organization, from the analytics API, else from the older reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from collector import fields
from collector.http import Client, Refusal
from collector.source import Given, Stream, each
from ledger.records import Charge, UsageBucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.source import Found

BASE_URL = "https://api.anthropic.com/v1"
BETA = "analytics-usage-cost-2026-08-24"
REFUSALS = {
    401: "the key is not known; an Admin key (sk-ant-admin…) is needed",
    403: "permission missing; an Admin key (sk-ant-admin…) or a key with the scope read:analytics is needed",
}
STREAMS = (
    Stream("usage", table="usage_buckets", poll_s=300, restate_h=48, final_after_h=1, step_h=7 * 24),
    Stream("costs", table="charges", poll_s=3600, restate_h=5 * 24, final_after_h=24, step_h=31 * 24),
)
CLASSES = {
    "uncached_input_tokens": "input_fresh",
    "cache_read_input_tokens": "cache_read",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_short",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_long",
    "output_tokens": "output",
}
"""Anthropic's names of token classes → ours."""
_KNOWN = {"uncached_input_tokens", "cache_read_input_tokens", "output_tokens", "total_tokens", "requests"}


@dataclass(slots=True)
class Anthropic:
    """One organization."""

    given: Given
    streams: ClassVar[tuple[Stream, ...]] = STREAMS

    def poll(self, stream: str, start: datetime, end: datetime) -> Iterator[Found]:
        """Yield what the provider says of a half-open window; organizations without analytics have the reports."""
        try:
            yield from list(self._analytics(stream, start, end))
        except Refusal as error:
            if error.status not in (400, 403, 404):
                raise
            yield from self._reports(stream, start, end)

    def _analytics(self, stream: str, start: datetime, end: datetime) -> Iterator[Found]:
        kind = "usage" if stream == "usage" else "cost"
        groups = ["model", "workspace_id", "service_tier"]
        groups += ["api_key_id", "context_window"] if kind == "usage" else ["cost_type", "token_type"]
        params = [
            ("starting_at", _text(start)), ("ending_at", _text(end)), ("limit", "1000"), ("order_by", "time"),
            ("order", "asc"), ("time_bucket_width", "1h" if kind == "usage" else "1d"),
            *(("group_by[]", name) for name in groups),
        ]  # fmt: skip
        read = analytics_usage if kind == "usage" else analytics_cost
        for page in self._client("2026-10-21", BETA).pages(f"/organizations/analytics/{kind}", params):
            yield from read(page, self.given.name, self.given.account)

    def _reports(self, stream: str, start: datetime, end: datetime) -> Iterator[Found]:
        usage = stream == "usage"
        groups = [
            "workspace_id",
            *(("model", "api_key_id", "service_tier", "context_window") if usage else ("description",)),
        ]
        params = [
            ("starting_at", _text(start)), ("ending_at", _text(end)), ("bucket_width", "1h" if usage else "1d"),
            ("limit", "168" if usage else "31"), *(("group_by[]", name) for name in groups),
        ]  # fmt: skip
        path = "/organizations/usage_report/messages" if usage else "/organizations/cost_report"
        read = report_usage if usage else report_cost
        for page in self._client("2023-06-01").pages(path, params):
            yield from read(page, self.given.name, self.given.account)

    def _client(self, version: str, beta: str = "") -> Client:
        headers = {"x-api-key": self.given.key, "anthropic-version": version}
        if beta:
            headers["anthropic-beta"] = beta
        return Client(self.given.name, self.given.base_url or BASE_URL, headers, REFUSALS, self.given.sleep)


def analytics_usage(page: dict[str, Any], source: str, account: str) -> Iterator[Found]:
    """Yield the rows of a page of the analytics usage."""

    def read(row: dict[str, Any]) -> UsageBucket:
        return _usage(row, {**fields.mapping(row.get("group")), **fields.mapping(row.get("usage"))}, source, account)

    return each(page.get("data") or [], read)


def report_usage(page: dict[str, Any], source: str, account: str) -> Iterator[Found]:
    """Yield the rows of a page of the older usage report; it does not tell requests."""
    return each(_results(page), lambda one: _usage(one[0], one[1], source, account))


def analytics_cost(page: dict[str, Any], source: str, account: str) -> Iterator[Found]:
    """Yield the rows of a page of the analytics cost: fractional cents, after and before discounts."""

    def read(row: dict[str, Any]) -> Charge:
        cost = fields.mapping(row.get("cost"))
        found = {**fields.mapping(row.get("group")), **cost}
        charge = _charge(row, found, source, account)
        listed = cost.get("list_amount")
        return replace(charge, list_cost=None if listed is None else _usd(listed, "list_amount"))

    return each(page.get("data") or [], read)


def report_cost(page: dict[str, Any], source: str, account: str) -> Iterator[Found]:
    """Yield the rows of a page of the older cost report: fractional cents."""
    return each(_results(page), lambda one: _charge(one[0], one[1], source, account))


def _usage(bucket: dict[str, Any], row: dict[str, Any], source: str, account: str) -> UsageBucket:
    start, end = _span(bucket)
    written = fields.mapping(row.get("cache_creation"))
    tools = fields.mapping(row.get("server_tool_use"))
    tier = str(row.get("service_tier") or "standard")
    return UsageBucket(
        source, account, "anthropic", "messages", start, round((end - start).total_seconds()),
        model=fields.name(row.get("model")), project=fields.name(row.get("workspace_id")),
        key=fields.name(row.get("api_key_id")), tier="standard" if tier == "batch" else fields.name(tier),
        processing="batch" if tier == "batch" else "online", context=fields.name(row.get("context_window")),
        input_fresh=_count(row, "uncached_input_tokens"), cache_read=_count(row, "cache_read_input_tokens"),
        cache_write_short=_count(written, "ephemeral_5m_input_tokens"),
        cache_write_long=_count(written, "ephemeral_1h_input_tokens"), output=_count(row, "output_tokens"),
        n_requests=fields.count(row.get("requests"), "requests", fields.MAX_SUM),
        n_web_search=fields.count(tools.get("web_search_requests"), "web_search_requests", fields.MAX_SUM),
        extra=fields.unknown_numbers(row, _KNOWN),
    )  # fmt: skip


def _charge(bucket: dict[str, Any], row: dict[str, Any], source: str, account: str) -> Charge:
    start, end = _span(bucket)
    amount = _usd(row.get("amount"), "amount")
    kind, token = str(row.get("cost_type") or ""), str(row.get("token_type") or "")
    return Charge(
        source, account, "anthropic", start, end, "usage" if amount >= 0 else "credit",
        str(row.get("description") or " ".join(part for part in (kind, token) if part))[:200],
        model=fields.name(row.get("model")), token_class=CLASSES.get(token, ""),
        project=fields.name(row.get("workspace_id")), tier=fields.name(row.get("service_tier")),
        billed_cost=amount, effective_cost=amount, currency=fields.name(row.get("currency"), "USD").upper(),
    )  # fmt: skip


def _usd(cents: Any, field: str) -> Decimal:
    return (fields.money(cents, field) / 100).quantize(Decimal("1e-12"))


def _results(page: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for bucket in page.get("data") or []:
        for row in bucket.get("results") or []:
            yield bucket, row


def _span(bucket: dict[str, Any]) -> tuple[datetime, datetime]:
    later = datetime.now(UTC) + timedelta(days=2)  # the open bucket ends ahead of now
    start = fields.instant(bucket.get("starting_at"), "starting_at", later)
    return start, fields.instant(bucket.get("ending_at"), "ending_at", later)


def _count(row: dict[str, Any], name: str) -> int:
    return fields.count(row.get(name), name, fields.MAX_SUM) or 0


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
