"""SGLang 0.5: scheduler metrics are repeated by every tensor and pipeline rank, so rank 0 counts."""

from __future__ import annotations

from exporters.engines import Engine

ENGINE = Engine(
    "sglang",
    "sglang:",
    prompt=("sglang:prompt_tokens_total",),
    cached=("sglang:cached_tokens_total",),
    output=("sglang:generation_tokens_total",),
    requests=("sglang:num_requests_total",),
    failed=("sglang:num_aborted_requests_total",),
    running=("sglang:num_running_reqs",),
    waiting=("sglang:num_queue_reqs",),
    kv_used=("sglang:token_usage",),
    idle_s=("sglang:scheduler_idle_seconds_total",),
    ttft=("sglang:time_to_first_token_seconds",),
    requests_include_failed=True,
    only={"tp_rank": "0", "pp_rank": "0", "moe_ep_rank": "0"},
)
