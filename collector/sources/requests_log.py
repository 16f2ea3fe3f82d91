"""Request logs: responses of OpenAI, Anthropic, Gemini, Bedrock, gateways' log rows, our own lines, or any table."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from collector import fields
from ledger.errors import BadRow, ConfigError
from ledger.prices.usage import classes, disjoint
from ledger.records import INPUT_CLASSES, Request

if TYPE_CHECKING:
    from collections.abc import Callable

MAPPABLE = (
    "at", "input", "input_fresh", "cache_read", "cache_write", "cache_write_short", "cache_write_long", "output",
    "output_reasoning", "total", "id", "request_id", "attempt", "provider", "model", "side", "deployment", "workload",
    "team", "environment", "key", "status", "tier", "processing", "region", "latency_ms", "ttft_ms", "cost",
)  # fmt: skip
"""What `--map` can name. `input` is all input tokens, cached ones included; `input_fresh` only uncached ones."""

_TIMES = (
    "ts", "timestamp", "time", "at", "created_at", "created", "startTime", "start_time", "request_time", "datetime",
)  # fmt: skip
_FOREIGN_INPUT = {"input", "input_tokens", "prompt_tokens", "tokens_in", "total_tokens", "tokens"}
_COUNTED_BY = ("provider", "estimated", "absent")
_WRAPPERS = ("response", "body", "response_body")
_TIERS = dict.fromkeys(("default", "auto", "on_demand", "", "batch"), "standard")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the person who imports says of all rows; a row's own value wins, except for `workload` and `side`."""

    provider: str = ""
    model: str = ""
    workload: str = ""
    team: str = ""
    environment: str = ""
    side: str = ""
    deployment: str = ""
    account: str = ""
    zone: tzinfo | None = None


@dataclass(slots=True)
class RequestsLog:
    """Parses rows of request logs. `map` names columns of an arbitrary table; without it the shape is detected."""

    defaults: Defaults = Defaults()
    map: dict[str, str] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    name: str = "requests_log"

    def fits(self, row: dict[str, Any]) -> bool:
        """Say whether a row has a known shape."""
        return bool(self.map) or shape_of(row) is not None

    def parse(self, row: dict[str, Any]) -> list[Request]:
        """Return the requests of one row; raises BadRow naming the field."""
        if self.map:
            return [self._mapped(row)]
        shape = shape_of(row)
        if shape is None:
            known = ", ".join(list(row)[:6])
            raise BadRow("line", f"no known shape of a request log (keys: {known}); name columns with --map")
        try:
            request = shape(self, row)
        except (AttributeError, TypeError) as error:  # a text where an object belongs
            raise BadRow("line", f"a value of another kind than this shape has ({error})") from None
        return [request] if request is not None else []

    def _mapped(self, row: dict[str, Any]) -> Request:
        value = {name: row.get(column) for name, column in self.map.items()}
        zone = self.defaults.zone or UTC
        tokens = _mapped_tokens(value)
        absent = all(value.get(name) in (None, "") for name in ("input", "input_fresh", "output", "total"))
        raw = [f"{name}={value[name]}" for name in sorted(value)]
        return self._request(
            at=fields.instant(value.get("at"), self.map.get("at", "at"), self.now, zone),
            tokens=tokens,
            identity=fields.name(value.get("id")),
            content=raw,
            row=value,
            usage_source="absent" if absent else "provider",
        )

    def _request(
        self,
        *,
        at: datetime,
        tokens: dict[str, Any],
        identity: str,
        row: dict[str, Any],
        content: list[str] | None = None,
        usage_source: str = "provider",
        provider: str = "",
        model: str = "",
        status: int | None = None,
        tier: str = "",
        **more: Any,
    ) -> Request:
        """Build the record; `row` holds optional names in our own words."""
        d = self.defaults
        side = d.side or str(row.get("side") or "") or "api"
        if side not in ("api", "self_hosted"):
            raise BadRow("side", f"{fields.shown(side)} is not api or self_hosted")
        provider = fields.name(row.get("provider") or provider or d.provider)
        model = fields.name(row.get("model") or model or d.model)
        if side == "self_hosted":
            provider = provider or "own"
        if not provider:
            raise BadRow("provider", "missing; say whose model it is with --provider")
        if not model:
            raise BadRow("model", "missing; name it with --model")
        attempt = fields.count(row.get("attempt"), "attempt") or 1
        processing = (
            "batch" if tier == "batch" else str(more.pop("processing", "") or row.get("processing") or "online")
        )
        return Request(
            at=at.replace(microsecond=at.microsecond // 1000 * 1000),
            event_key=self._key(
                provider, identity, attempt, content or [at.isoformat(), json.dumps(tokens, default=str)]
            ),
            side=side,
            source=self.name,
            provider=provider.lower(),
            model=model,
            deployment=fields.name(row.get("deployment") or d.deployment),
            workload=fields.name(d.workload or row.get("workload"), "unassigned"),
            team=fields.name(row.get("team") or d.team),
            environment=fields.name(row.get("environment") or d.environment),
            key=fields.name(row.get("key")),
            request_key=fields.name(row.get("request_id")),
            attempt=min(attempt, 255),
            tier=_tier(tier or str(row.get("tier") or "")),
            processing=processing,
            region=fields.name(row.get("region")),
            status=status if status is not None else fields.status(row.get("status")),
            latency_ms=more.pop("latency_ms", None) or fields.milliseconds(row.get("latency_ms"), "latency_ms"),
            ttft_ms=more.pop("ttft_ms", None) or fields.milliseconds(row.get("ttft_ms"), "ttft_ms"),
            cost_reported=more.pop("cost_reported", None) or fields.amount(row.get("cost"), "cost"),
            usage_source=usage_source,
            **tokens,
            **more,
        )

    def _key(self, provider: str, identity: str, attempt: int, content: list[str]) -> str:
        """Name the event: by the provider's id, else by the row's own content (numbered among equals on intake)."""
        if identity:
            return fields.event_key(self.name, self.defaults.account, provider, identity, attempt)
        digest = hashlib.sha256("\x1f".join(content).encode("utf-8", "replace")).hexdigest()[:32]
        return f"{self.name}|{self.defaults.account}|#{digest}"


def check_map(mapping: dict[str, str], columns: list[str], path: str) -> None:
    """Raise ConfigError for a name that cannot be mapped or a column that the file lacks."""
    unknown = [name for name in mapping if name not in MAPPABLE]
    if unknown:
        raise ConfigError(f"--map {unknown[0]}=…: not one of {', '.join(MAPPABLE)}")
    if "at" not in mapping or not {"input", "input_fresh", "output", "total"} & set(mapping):
        raise ConfigError("--map needs at=COLUMN and at least one of input=, input_fresh=, output=, total=")
    missing = [column for column in mapping.values() if columns and column not in columns]
    if missing:
        raise ConfigError(f"{path}: no column {', '.join(missing)}; it has {', '.join(columns)}")


def shape_of(row: dict[str, Any]) -> Callable[[RequestsLog, dict[str, Any]], Request | None] | None:
    """Return the reader of a row's shape, by its keys; first match wins."""
    usage = row.get("usage") if isinstance(row.get("usage"), dict) else {}
    assert isinstance(usage, dict)
    result = row.get("result")
    checks: tuple[tuple[bool, Callable[[RequestsLog, dict[str, Any]], Request | None]], ...] = (
        (row.get("schemaType") == "ModelInvocationLog", _bedrock_log),
        ({"request_id", "spend", "startTime"} <= row.keys(), _litellm_spend),
        ({"litellm_call_id", "startTime"} <= row.keys(), _litellm_payload),
        ("custom_id" in row and isinstance(result, dict) and "type" in result, _anthropic_batch),
        ("custom_id" in row and "response" in row, _openai_batch),
        ({"tokens_in", "tokens_out", "created_at"} <= row.keys(), _cloudflare),
        ("eval_count" in row and "total_duration" in row, _ollama),
        (_body_shape(row, usage) is not None or _wrapped(row) is not None, _response),
        ({"ts", "provider", "model"} <= row.keys(), _canonical),
    )
    return next((reader for fits, reader in checks if fits), None)


def is_canonical(row: dict[str, Any]) -> bool:
    """Say whether a row is a line of our own."""
    return shape_of(row) is _canonical


def _body_shape(row: dict[str, Any], usage: dict[str, Any]) -> tuple[str, str] | None:
    """Return (inventor, flavor) of a response body."""
    if isinstance(row.get("usageMetadata"), dict):
        return "google", "default"
    if "inputTokens" in usage:
        return "aws", "default"
    if row.get("type") == "message" and "input_tokens" in usage:
        return "anthropic", "default"
    if row.get("object") == "response" or {"input_tokens", "total_tokens"} <= usage.keys():
        return "openai", "responses"
    if row.get("object") in ("chat.completion", "text_completion", "chat.completion.chunk") or "prompt_tokens" in usage:
        return "openai", "chat"
    return None


def _wrapped(row: dict[str, Any]) -> dict[str, Any] | None:
    for name in _WRAPPERS:
        inner = row.get(name)
        if isinstance(inner, dict):
            usage = inner.get("usage") if isinstance(inner.get("usage"), dict) else {}
            assert isinstance(usage, dict)
            if _body_shape(inner, usage) is not None:
                return inner
    return None


def _response(log: RequestsLog, row: dict[str, Any]) -> Request:
    body = _wrapped(row) or row
    outer = row if body is not row else {}
    usage = body.get("usage") if isinstance(body.get("usage"), dict) else {}
    assert isinstance(usage, dict)
    shape = _body_shape(body, usage)
    assert shape is not None
    return _from_body(log, body, outer, *shape)


def _from_body(
    log: RequestsLog, body: dict[str, Any], outer: dict[str, Any], inventor: str, flavor: str, **more: Any
) -> Request:
    provider = str(outer.get("provider") or log.defaults.provider or inventor).lower()
    tokens, source = _usage(body, provider, inventor, flavor)
    names = {
        key: outer.get(key)
        for key in ("workload", "team", "environment", "key", "deployment", "side", "attempt", "region", "latency_ms",
                    "ttft_ms", "cost", "request_id", "status")
    }  # fmt: skip
    usage = body.get("usage")
    tier = str(body.get("service_tier") or "")
    if isinstance(usage, dict):
        tier = "fast" if usage.get("speed") == "fast" else str(usage.get("service_tier") or tier)
    if names["status"] is None and body.get("error"):
        names["status"] = "error"
    if isinstance(names["region"], dict):
        names["region"] = None
    return log._request(  # noqa: SLF001 - readers of shapes belong to the class
        at=_when(log, outer, body),
        tokens=tokens,
        identity=str(body.get("id") or body.get("responseId") or outer.get("id") or ""),
        row=names,
        usage_source=source,
        provider=provider,
        model=str(body.get("model") or body.get("modelVersion") or outer.get("model") or ""),
        tier=more.pop("tier", tier).lower(),
        **more,
    )


def _usage(body: dict[str, Any], provider: str, inventor: str, flavor: str) -> tuple[dict[str, Any], str]:
    """Return disjoint classes and who counted; a body without usage is `absent`, never 0 tokens counted."""
    if not isinstance(body.get("usage") or body.get("usageMetadata"), dict):
        return {}, "absent"
    shape = flavor if provider in ("openai", inventor) or flavor != "default" else "anthropic"
    try:
        tokens: dict[str, Any] = classes(body, provider if inventor != "google" else "google", shape)
    except ValueError as error:
        raise BadRow("usage", str(error)) from None
    usage = body.get("usage") or {}
    if inventor == "anthropic" and isinstance(usage, dict) and not usage.get("cache_creation"):
        tokens["cache_write_short"] += tokens["cache_write_other"]  # no split given: the default life is short
        tokens["cache_write_other"] = 0
    for name, value in tokens.items():
        fields.count(value, name)
    reported = usage.get("total_tokens") or (body.get("usageMetadata") or {}).get("totalTokenCount")
    known = sum(tokens[name] or 0 for name in (*INPUT_CLASSES, "output"))
    total = fields.count(reported, "total_tokens")
    if total is not None and total > known:
        tokens["unexplained"] = total - known
    return tokens, "provider"


def _when(log: RequestsLog, *rows: dict[str, Any]) -> datetime:
    for row in rows:
        for name in _TIMES:
            if row.get(name) not in (None, ""):
                return fields.instant(row[name], name, log.now, log.defaults.zone)
    raise BadRow("at", f"no time of the request: none of {', '.join(_TIMES)}")


def _canonical(log: RequestsLog, row: dict[str, Any]) -> Request:
    """Read our own lines: disjoint classes under their own names."""
    tokens = {
        name: fields.count(row.get(name), name)
        for name in (
            *INPUT_CLASSES,
            "output",
            "output_reasoning",
            "unexplained",
            "n_web_search",
            "n_file_search",
        )
    }
    absent = all(tokens[name] is None for name in (*INPUT_CLASSES, "output"))
    foreign = sorted(set(row) & _FOREIGN_INPUT) if all(tokens[name] is None for name in INPUT_CLASSES) else []
    if foreign:  # left out, the row's input would be lost without a word
        raise BadRow(foreign[0], f"not a token class; write {', '.join(INPUT_CLASSES)}, output, or name it with --map")
    counted = {k: (v or 0) if k in (*INPUT_CLASSES, "output", "unexplained") else v for k, v in tokens.items()}
    if (counted["output_reasoning"] or 0) > (counted["output"] or 0):
        raise BadRow("output_reasoning", f"{counted['output_reasoning']} is more than output {counted['output']}")
    identity = str(row.get("request_id") or "")
    counted_by = str(row.get("usage_source") or ("absent" if absent else "provider"))
    if counted_by not in _COUNTED_BY:
        raise BadRow("usage_source", f"{fields.shown(counted_by)} is not one of {', '.join(_COUNTED_BY)}")
    names = {**row, "tier": row.get("service_tier") or row.get("tier"), "cost": row.get("cost_reported_usd")}
    return log._request(  # noqa: SLF001
        at=fields.instant(row.get("ts"), "ts", log.now, log.defaults.zone), tokens=counted, identity=identity,
        row={**names, "request_id": row.get("logical_id") or identity},
        usage_source=counted_by,
    )  # fmt: skip


def _bedrock_log(log: RequestsLog, row: dict[str, Any]) -> Request:
    given, out = row.get("input") or {}, row.get("output") or {}
    write = fields.count(given.get("cacheWriteInputTokenCount"), "cacheWriteInputTokenCount") or 0
    tokens: dict[str, Any] = {
        "input_fresh": fields.count(given.get("inputTokenCount"), "inputTokenCount"),
        "cache_read": fields.count(given.get("cacheReadInputTokenCount"), "cacheReadInputTokenCount") or 0,
        "cache_write_other": write,
        "output": fields.count(out.get("outputTokenCount"), "outputTokenCount"),
    }
    absent = tokens["input_fresh"] is None and tokens["output"] is None
    return log._request(  # noqa: SLF001
        at=fields.instant(row.get("timestamp"), "timestamp", log.now, log.defaults.zone),
        tokens={k: v or 0 for k, v in tokens.items()}, identity=str(row.get("requestId") or ""),
        row={"team": (row.get("requestMetadata") or {}).get("team"),
             "region": row.get("inferenceRegion") or row.get("region"),
             "status": "error" if row.get("errorCode") else None},
        usage_source="absent" if absent else "provider", provider="aws", model=str(row.get("modelId") or ""),
    )  # fmt: skip


def _litellm_spend(log: RequestsLog, row: dict[str, Any]) -> Request:
    metadata = fields.mapping(row.get("metadata"))
    usage = fields.mapping(metadata.get("usage_object")) or fields.mapping(metadata.get("additional_usage_values"))
    return _litellm(log, row, usage, identity=_gateway_id(row["request_id"], row), cost=row.get("spend"),
                    names={"key": row.get("api_key"), "team": row.get("team_id")})  # fmt: skip


def _litellm_payload(log: RequestsLog, row: dict[str, Any]) -> Request:
    metadata = fields.mapping(row.get("metadata"))
    names = {"key": metadata.get("user_api_key_alias") or metadata.get("user_api_key_hash"),
             "team": metadata.get("user_api_key_team_id")}  # fmt: skip
    return _litellm(
        log, row, fields.mapping(metadata.get("usage_object")), identity=_gateway_id(row.get("id"), row),
        cost=row.get("response_cost"), names=names,
    )  # fmt: skip


def _gateway_id(response_id: Any, row: dict[str, Any]) -> str:
    """Name a gateway's call: by the response's id where that is unique in the world, else by the gateway's own."""
    text = str(response_id or "")
    return text if len(text) >= fields.WORLDWIDE else str(row.get("litellm_call_id") or text)


def _litellm(
    log: RequestsLog,
    row: dict[str, Any],
    usage: dict[str, Any],
    *,
    identity: str,
    cost: Any,
    names: dict[str, Any],
) -> Request:
    """Read a LiteLLM row: prompt tokens include cached ones, writes without a life are `other`."""
    details = fields.mapping(usage.get("prompt_tokens_details"))
    read = usage.get("cache_read_input_tokens") or details.get("cached_tokens")
    out = fields.mapping(usage.get("completion_tokens_details"))
    given = {
        "input_tokens": fields.count(row.get("prompt_tokens"), "prompt_tokens") or 0,
        "cache_read_tokens": fields.count(read, "cached_tokens") or 0,
        "cache_write_tokens": fields.count(usage.get("cache_creation_input_tokens"), "cache_creation_input_tokens")
        or 0,
        "output_tokens": fields.count(row.get("completion_tokens"), "completion_tokens") or 0,
        "output_reasoning_tokens": fields.count(out.get("reasoning_tokens"), "reasoning_tokens"),
    }
    try:
        tokens: dict[str, Any] = disjoint(given)
    except ValueError as error:
        raise BadRow("prompt_tokens", str(error)) from None
    failed = str(row.get("status") or "success").startswith("fail")
    hit = str(row.get("cache_hit")).lower() == "true"
    nothing = not given["input_tokens"] and not given["output_tokens"]
    start = fields.instant(row["startTime"], "startTime", log.now, UTC)
    return log._request(  # noqa: SLF001
        at=start, tokens={} if hit else tokens, identity=identity,
        row={**names, "request_id": row.get("litellm_call_id")},
        usage_source="absent" if nothing and not hit and not failed else "provider",
        provider=str(row.get("custom_llm_provider") or ""), model=str(row.get("model") or ""),
        status=500 if failed else 200, cost_reported=fields.amount(cost, "cost"),
        latency_ms=_since(start, row.get("endTime"), log), ttft_ms=_since(start, row.get("completionStartTime"), log),
        tier=str((row.get("cost_breakdown") or {}).get("service_tier") or ""),
    )  # fmt: skip


def _since(start: datetime, value: Any, log: RequestsLog) -> int | None:
    if value in (None, ""):
        return None
    span = (fields.instant(value, "endTime", log.now, UTC) - start).total_seconds()
    return round(span * 1000) if span >= 0 else None


def _anthropic_batch(log: RequestsLog, row: dict[str, Any]) -> Request:
    result = row["result"]
    message = result.get("message")
    if result["type"] != "succeeded" or not isinstance(message, dict):
        raise BadRow("result.type", f"{result['type']}: no usage and no model; nothing is billed for it")
    return _from_body(log, message, row, "anthropic", "default", processing="batch", tier="standard")


def _openai_batch(log: RequestsLog, row: dict[str, Any]) -> Request:
    response = row.get("response")
    body = response.get("body") if isinstance(response, dict) else None
    if not isinstance(body, dict):
        code = fields.mapping(row.get("error")).get("code", "no response")
        raise BadRow("response", f"{code}: no usage and no model; nothing is billed for it")
    usage = body.get("usage") if isinstance(body.get("usage"), dict) else {}
    assert isinstance(usage, dict)
    inventor, flavor = _body_shape(body, usage) or ("openai", "chat")
    return _from_body(log, body, {**row, "id": body.get("id")}, inventor, flavor, processing="batch", tier="standard")


def _cloudflare(log: RequestsLog, row: dict[str, Any]) -> Request:
    tokens = {
        "input_fresh": fields.count(row.get("tokens_in"), "tokens_in") or 0,
        "output": fields.count(row.get("tokens_out"), "tokens_out") or 0,
    }
    cached = row.get("cached") is True
    return log._request(  # noqa: SLF001
        at=fields.instant(row["created_at"], "created_at", log.now, log.defaults.zone), tokens={} if cached else tokens,
        identity=str(row.get("id") or ""), row={name: row.get(name) for name in ("provider", "model", "cost")},
        status=fields.status(row.get("status_code") if row.get("status_code") is not None else row.get("success")),
        latency_ms=fields.milliseconds(row.get("duration"), "duration"),
    )  # fmt: skip


def _ollama(log: RequestsLog, row: dict[str, Any]) -> Request:
    tokens = {
        "input_fresh": fields.count(row.get("prompt_eval_count"), "prompt_eval_count") or 0,
        "output": fields.count(row.get("eval_count"), "eval_count") or 0,
    }
    side = log.defaults.side or "self_hosted"
    nanos = fields.number(row["total_duration"], "total_duration") or 0.0
    return log._request(  # noqa: SLF001
        at=_when(log, row), tokens=tokens, identity=str(row.get("id") or ""),
        row={"side": side, "provider": "own" if side == "self_hosted" else None}, model=str(row.get("model") or ""),
        latency_ms=fields.milliseconds(nanos / 1e6, "total_duration"),
    )  # fmt: skip


def _mapped_tokens(value: dict[str, Any]) -> dict[str, Any]:
    given = {
        name: fields.count(value.get(name), name)
        for name in ("input", "input_fresh", "cache_read", "cache_write", "cache_write_short", "cache_write_long",
                     "output", "output_reasoning", "total")
    }  # fmt: skip
    read, output = given["cache_read"] or 0, given["output"] or 0
    short, long = given["cache_write_short"] or 0, given["cache_write_long"] or 0
    write = max(given["cache_write"] or 0, short + long)
    if given["input"] is not None:
        fresh = given["input"] - read - write
        if fresh < 0:
            raise BadRow("input", f"cached tokens ({read + write}) exceed input ({given['input']}); map input_fresh= "
                         "if this log's input leaves cached tokens out")  # fmt: skip
    else:
        fresh = given["input_fresh"] or 0
    known = fresh + read + write + output
    total = given["total"]
    if total is not None and total < known:
        raise BadRow("total", f"{total} is less than its parts ({known})")
    if (given["output_reasoning"] or 0) > output:
        raise BadRow("output_reasoning", f"{given['output_reasoning']} is more than output {output}")
    return {
        "input_fresh": fresh, "cache_read": read, "cache_write_short": short, "cache_write_long": long,
        "cache_write_other": write - short - long, "output": output, "output_reasoning": given["output_reasoning"],
        "unexplained": total - known if total is not None else 0,
    }  # fmt: skip


def _tier(text: str) -> str:
    word = text.strip().lower()
    return fields.name(_TIERS.get(word, word), "standard")
