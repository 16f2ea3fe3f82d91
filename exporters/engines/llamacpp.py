"""llama.cpp server with --metrics: its prompt counter leaves cached tokens out; no model label, no request counter."""

from __future__ import annotations

from exporters.engines import Engine

ENGINE = Engine(
    "llamacpp",
    "llamacpp:",
    prompt=("llamacpp:prompt_tokens_total",),
    cached=("llamacpp:prompt_tokens_cached_total",),
    output=("llamacpp:tokens_predicted_total",),
    running=("llamacpp:requests_processing",),
    waiting=("llamacpp:requests_deferred",),
    prefill_s=("llamacpp:prompt_seconds_total",),
    decode_s=("llamacpp:tokens_predicted_seconds_total",),
    model_label="",
    prompt_is_uncached=True,
)
