"""Usage objects of providers' responses as disjoint token classes, through the price library's extractors."""

from __future__ import annotations

from typing import Any

from genai_prices import data_snapshot

CONVENTIONS = {
    "inclusive": "cached tokens are part of input",
    "exclusive": "cached tokens stand beside input",
}


def classes(body: dict[str, Any], provider: str, flavor: str) -> dict[str, int | None]:
    """Return the token classes of one response body; raises ValueError where it carries no usable usage.

    `flavor` is the shape of the usage object (chat, responses, default, …). A provider without that shape is
    read as the shape's inventor: chat and responses as openai.
    """
    snapshot = data_snapshot.get_snapshot()
    try:
        _, usage = snapshot.find_provider(None, provider, None).extract_usage(body, api_flavor=flavor)
    except (LookupError, ValueError) as error:
        inventor = {
            "chat": "openai",
            "responses": "openai",
            "anthropic": "anthropic",
            "default": "anthropic",
        }[flavor]
        if provider == inventor or "No usage" in str(error) or "Missing value" in str(error):
            raise ValueError(str(error)) from None
        shape = "default" if inventor == "anthropic" else flavor
        _, usage = snapshot.find_provider(None, inventor, None).extract_usage(body, api_flavor=shape)
    return disjoint({key: value for key, value in usage.__dict__.items() if not key.startswith("_")})


def disjoint(usage: dict[str, Any]) -> dict[str, int | None]:
    """Return disjoint classes of inclusive usage keys; raises ValueError where parts exceed their whole.

    A write total larger than its parts leaves the rest in `cache_write_other`.
    """
    total, read = _int(usage, "input_tokens"), _int(usage, "cache_read_tokens")
    short, long = _int(usage, "cache_write_5m_tokens"), _int(usage, "cache_write_1h_tokens")
    write = max(_int(usage, "cache_write_tokens"), short + long)
    fresh = total - read - write
    if fresh < 0:
        raise ValueError(f"cached tokens ({read} read, {write} written) exceed input ({total})")
    return {
        "input_fresh": fresh,
        "cache_read": read,
        "cache_write_short": short,
        "cache_write_long": long,
        "cache_write_other": write - short - long,
        "output": _int(usage, "output_tokens"),
        "output_reasoning": _maybe(usage, "output_reasoning_tokens"),
        "input_audio": _maybe(usage, "input_audio_tokens"),
        "output_audio": _maybe(usage, "output_audio_tokens"),
        "input_image": _maybe(usage, "input_image_tokens"),
        "output_image": _maybe(usage, "output_image_tokens"),
        "n_web_search": _maybe(usage, "web_searches"),
        "n_file_search": _maybe(usage, "storage_searches"),
    }


def _int(usage: dict[str, Any], key: str) -> int:
    return int(usage.get(key) or 0)


def _maybe(usage: dict[str, Any], key: str) -> int | None:
    value = usage.get(key)
    return None if value is None else int(value)
