"""Inference spans as requests: names of all emitters, each one's convention, and never a word of text; pure."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from collector import fields
from ledger.errors import BadRow
from ledger.prices.usage import disjoint
from ledger.records import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = "otlp"
SPLIT_UNKNOWN = 1
"""`approximate` of a request whose emitter never tells how much of the input was cached."""

NAMES: dict[str, tuple[str, ...]] = {
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
    "operation": ("gen_ai.operation.name", "llm.request.type", "openinference.span.kind"),
    "model": ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name"),
    "id": ("gen_ai.response.id", "anthropic.request.id"),
    "input": (
        "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens", "llm.token_count.prompt",
    ),
    "output": (
        "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens",
        "llm.token_count.completion",
    ),
    "cache_read": (
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cached_tokens",
        "gen_ai.usage.input_tokens.cached", "llm.token_count.prompt_details.cache_read",
    ),
    "cache_write": (
        "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens", "llm.token_count.prompt_details.cache_write",
    ),
    "cache_write_short": ("anthropic.usage.cache_creation.ephemeral_5m_input_tokens",),
    "cache_write_long": ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",),
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
    "input_audio": ("gen_ai.usage.audio.input_tokens",),
    "output_audio": ("gen_ai.usage.audio.output_tokens",),
    "input_image": ("gen_ai.usage.image.input_tokens",),
    "output_image": ("gen_ai.usage.image.output_tokens",),
    "tier": (
        "openai.response.service_tier", "gen_ai.openai.response.service_tier", "anthropic.response.service_tier",
    ),
    "ttft": (
        "gen_ai.response.time_to_first_chunk", "gen_ai.latency.time_to_first_token",
        "gen_ai.server.time_to_first_token",
    ),
    "cost": ("gen_ai.cost.original_cost", "gen_ai.cost.total_cost", "gen_ai.usage.cost"),
    "status": ("http.response.status_code", "http.status_code", "error.code"),
    "error": ("error.type",),
    "literal_usage": ("metadata.usage_object",),
}  # fmt: skip
"""What we read → attribute names, in the order in which they are looked for. Nothing else of a span is kept."""

ABOUT: dict[str, tuple[str, ...]] = {
    "service": ("service.name", "gen_ai.application_name"),
    "environment": ("deployment.environment.name", "deployment.environment", "gen_ai.environment"),
    "team": ("team", "service.namespace", "k8s.namespace.name"),
    "workload": ("breakeven.workload",),
}
"""The same for the resource that sends."""

PROVIDERS = {
    "aws.bedrock": "aws", "aws_bedrock": "aws", "bedrock": "aws", "az.ai.openai": "azure", "azure.ai.openai": "azure",
    "azure.ai.inference": "azure", "azure_openai": "azure", "gcp.gemini": "google", "gcp.vertex_ai": "google",
    "gcp.gen_ai": "google", "vertex_ai": "google", "gemini": "google", "google_genai": "google",
    "mistral_ai": "mistral", "mistralai": "mistral", "x_ai": "x-ai", "xai": "x-ai", "moonshot_ai": "moonshotai",
}  # fmt: skip
"""OpenTelemetry's names of providers → the price book's."""

_GENERATING = {
    "chat", "text_completion", "completion", "generate_content", "embeddings", "embedding", "image_generation",
    "responses", "messages", "rerank", "llm",
}  # fmt: skip
_FREE = {"fetch_response", "retrieve", "retrieve_response", "list", "count_tokens", "health"}
"""Reading what was generated before is no generation and costs nothing."""

_ENGINES = ("vllm", "sglang")
_STATUSES = {
    "ratelimiterror": 429, "timeout": 408, "timeouterror": 408, "apitimeouterror": 408, "authenticationerror": 401,
    "permissiondeniederror": 403, "notfounderror": 404, "badrequesterror": 400, "invalidrequesterror": 400,
}  # fmt: skip
_MAX_LITERAL = 20_000


_ABOUT_MODELS = ("gen_ai.", "llm.", "openinference.", "traceloop.")
"""A span with such an attribute speaks of models: it may stand between a wrapper and the call inside it."""
_READ = {
    alias: (name, rank, alias.startswith(_ABOUT_MODELS))
    for name, aliases in NAMES.items()
    for rank, alias in enumerate(aliases)
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIMPLE = ("string_value", "int_value", "double_value", "bool_value")


@dataclass(slots=True)
class Span:
    """One span as it came, as far as we read it; ids in hex."""

    trace: str
    span: str
    parent: str
    start_ns: int
    end_ns: int
    failed: bool
    scope: str
    told: Mapping[str, Any]
    about_models: bool
    about: Mapping[str, str]

    def get(self, name: str) -> Any:
        """Return the first attribute of a name's aliases that says something, None if there is none."""
        return self.told.get(name)

    @property
    def has_usage(self) -> bool:
        """Say whether the span tells tokens; zeros that only fill a place tell none."""
        return bool(_number(self.told.get("input")) or _number(self.told.get("output")))


def about_sender(resource: Any) -> dict[str, str]:
    """Return what a resource says of the program that sends."""
    told = attributes(resource.attributes)
    return {name: fields.name(_first(told, aliases)) for name, aliases in ABOUT.items()}


def read(one: Any, scope: str, about: Mapping[str, str]) -> Span:
    """Return a span of a message as far as we read it."""
    told, about_models = _told(one.attributes)
    return Span(
        one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex(), one.start_time_unix_nano,
        one.end_time_unix_nano, one.status.code == 2, scope, told, about_models, about,
    )  # fmt: skip


def _told(pairs: Any) -> tuple[dict[str, Any], bool]:
    """Return what a span's attributes say under the names that we read, and whether any speaks of models."""
    told: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    about_models = False
    for pair in pairs:
        key = pair.key
        known = _READ.get(key)
        if known is None:
            about_models = about_models or key.startswith(_ABOUT_MODELS)
            continue
        about_models = about_models or known[2]
        name, rank, _ = known
        if name in ranks and ranks[name] < rank:
            continue
        value = _simple(pair.value)
        if value is not None and value != "":
            told[name], ranks[name] = value, rank
    return told, about_models


def _simple(value: Any) -> Any:
    """Return a value of a simple type, None for any other."""
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind in _SIMPLE else None


def attributes(pairs: Any) -> dict[str, Any]:
    """Return OTLP attributes of simple types as a dict."""
    out = {}
    for pair in pairs:
        if pair.value.WhichOneof("value") in _SIMPLE:
            out[pair.key] = _simple(pair.value)
    return out


def is_inference(span: Span) -> bool:
    """Say whether a span may be a request: it tells tokens, or names an operation that generates."""
    operation = str(span.get("operation") or "").lower()
    if operation in _FREE or span.get("model") is None:
        return False
    return span.has_usage or operation in _GENERATING


def started(span: Span) -> datetime:
    """Return when a span began, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=span.start_ns // 1_000_000)


def request(span: Span, now: datetime) -> Request:
    """Return the request that an inference span tells of; raises BadRow naming the attribute."""
    at = started(span)
    if not fields.EARLIEST <= at <= now + fields.AHEAD:
        raise BadRow("startTimeUnixNano", f"{at.isoformat()} is not between 2015 and now")
    engine = _is_engine(span.scope)
    provider = str(span.get("provider") or "").strip().lower()
    provider = "own" if engine else _name(PROVIDERS.get(provider, provider))
    if not provider:
        raise BadRow("gen_ai.provider.name", "missing")
    status = _status(span)
    tokens, approximate = _tokens(span)
    operation = str(span.get("operation") or "")
    key = event_key(provider, fields.name(span.get("id")), operation, span.trace, span.span)
    return Request(
        at=at,
        event_key=key,
        side="self_hosted" if engine else "api",
        source=SOURCE,
        provider=provider,
        model=_name(span.get("model")),
        workload=span.about.get("workload") or "unassigned",
        team=span.about.get("team", ""),
        environment=span.about.get("environment", ""),
        key=span.about.get("service", ""),
        tier=_tier(span.get("tier")),
        processing="batch" if span.get("tier") == "batch" else "online",
        status=status,
        latency_ms=latency_ms(span.start_ns, span.end_ns),
        ttft_ms=_ttft(span),
        usage_source=_usage_source(span, status),
        approximate=approximate,
        cost_reported=_cost(span),
        **tokens,
    )


def event_key(provider: str, identity: str, operation: str, trace: str, span: str) -> str:
    """Return the name of the event that a span tells of."""
    key = fields.event_key(SOURCE, "", provider, identity)
    if key.startswith(SOURCE) or (operation and operation.lower() not in _GENERATING):
        # No id that is unique in the world, or a wrapper with the id of a call inside it: the span is the event.
        return f"{SOURCE}||{provider}|{trace}:{span}"
    return key


_COUNTS = (
    "input", "output", "cache_read", "cache_write", "cache_write_short", "cache_write_long", "reasoning",
    "input_audio", "output_audio", "input_image", "output_image",
)  # fmt: skip


def _tokens(span: Span) -> tuple[dict[str, Any], int]:
    """Return disjoint classes by the emitter's convention, and what is not exact about them."""
    told = span.told
    given = {name: fields.count(told[name], NAMES[name][0]) if name in told else None for name in _COUNTS}
    if given["cache_read"] is None and given["cache_write"] is None:
        given |= _literal_usage(span)
    read, short, long = (given[name] or 0 for name in ("cache_read", "cache_write_short", "cache_write_long"))
    write = max(given["cache_write"] or 0, short + long)
    total = given["input"] or 0
    if read + write > total or (span.scope.startswith("openlit") and span.get("provider") == "anthropic"):
        total += read + write  # cached tokens stand beside input, against the convention
    unknown = total > 0 and all(given[name] is None for name in ("cache_read", "cache_write")) and _may_be_cached(span)
    classes = disjoint({
        "input_tokens": total, "cache_read_tokens": read, "cache_write_tokens": write, "cache_write_5m_tokens": short,
        "cache_write_1h_tokens": long, "output_tokens": given["output"] or 0,
        "output_reasoning_tokens": given["reasoning"], "input_audio_tokens": given["input_audio"],
        "output_audio_tokens": given["output_audio"], "input_image_tokens": given["input_image"],
        "output_image_tokens": given["output_image"],
    })  # fmt: skip
    if (classes["output_reasoning"] or 0) > (classes["output"] or 0):
        raise BadRow(NAMES["reasoning"][0], f"{classes['output_reasoning']} is more than the output")
    return classes, SPLIT_UNKNOWN if unknown else 0


def _may_be_cached(span: Span) -> bool:
    """Say whether cached tokens may hide in the input of an emitter that does not speak of them."""
    return not str(span.get("operation") or "").startswith("embed")


def _literal_usage(span: Span) -> dict[str, int | None]:
    """Return the cache counts that LiteLLM writes only as the text of a Python dictionary; {} if it is unreadable."""
    text = span.get("literal_usage")
    if not isinstance(text, str) or len(text) > _MAX_LITERAL:
        return {}
    try:
        usage = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}
    if not isinstance(usage, dict):
        return {}
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    read = usage.get("cache_read_input_tokens")
    out = usage.get("completion_tokens_details")
    return {
        "cache_read": fields.count(details.get("cached_tokens") if read is None else read, "cached_tokens"),
        "cache_write": fields.count(usage.get("cache_creation_input_tokens"), "cache_creation_input_tokens"),
        "reasoning": fields.count(out.get("reasoning_tokens"), "reasoning_tokens") if isinstance(out, dict) else None,
    }


def _usage_source(span: Span, status: int) -> str:
    """Say who counted: a success without counts, or with zeros for both, has none (M2)."""
    if not span.has_usage:
        return "absent" if status < 400 or status == 408 else "provider"
    streamed_guess = (
        span.scope.startswith("openlit")
        and str(span.get("operation")) == "chat"
        and span.get("provider") == "openai"
        and span.get("cache_read") is None
    )
    return "estimated" if streamed_guess else "provider"


def _status(span: Span) -> int:
    error = str(span.get("error") or "").rsplit(".", maxsplit=1)[-1]
    if not span.failed and not error:
        return 200
    told = span.get("status")
    if str(told).isdigit() and 400 <= int(told) <= 599:
        return int(told)
    if error.isdigit() and 400 <= int(error) <= 599:
        return int(error)
    return _STATUSES.get(error.lower(), 500)


def _ttft(span: Span) -> int | None:
    seconds = fields.number(span.get("ttft"), NAMES["ttft"][0])
    return None if seconds is None else fields.milliseconds(seconds * 1000, NAMES["ttft"][0])


def _cost(span: Span) -> Any:
    """Return what the emitter says it cost; 0 is its way to say that it has no price."""
    found = fields.amount(span.get("cost"), NAMES["cost"][-1])
    return found or None


@lru_cache(4096, typed=True)
def _name(value: Any) -> str:
    """Return a name that many spans share."""
    return fields.name(value)


@lru_cache(1024, typed=True)
def _is_engine(scope: str) -> bool:
    return any(word in scope.lower() for word in _ENGINES)


@lru_cache(1024, typed=True)
def _tier(value: Any) -> str:
    word = str(value or "").strip().lower()
    return "standard" if word in ("", "default", "auto", "batch", "on_demand") else fields.name(word)


def _first(values: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((values[name] for name in names if values.get(name) not in (None, "")), None)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def latency_ms(start_ns: int, end_ns: int) -> int | None:
    """Return milliseconds from start to end; None where no end is told, or none that an attempt can have."""
    took = (end_ns - start_ns) // 1_000_000
    return max(0, took) if end_ns and took < 1 << 32 else None
