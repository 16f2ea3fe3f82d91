"""NIM for LLMs with bare names; newer ones show the names of vLLM and are read as that."""

from __future__ import annotations

from exporters.engines import Engine

ENGINE = Engine(
    "nim",
    "",
    marks=("prompt_tokens_total", "generation_tokens_total"),
    prompt=("prompt_tokens_total",),
    output=("generation_tokens_total",),
    requests=("request_success_total",),
    failed=("request_failure_total",),
    running=("num_requests_running",),
    waiting=("num_requests_waiting",),
    kv_used=("gpu_cache_usage_perc",),
    ttft=("time_to_first_token_seconds",),
)
