"""vLLM (V1): counters on its API port. A router of the production stack repeats tokens under other names."""

from __future__ import annotations

from exporters.engines import Engine

ENGINE = Engine(
    "vllm",
    "vllm:",
    marks=("vllm:prompt_tokens_total", "vllm:generation_tokens_total"),
    prompt=("vllm:prompt_tokens_total",),
    cached=("vllm:prompt_tokens_cached_total", "vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"),
    output=("vllm:generation_tokens_total",),
    requests=("vllm:request_success_total",),
    finished_label="finished_reason",
    finished={"abort": "aborted", "error": "failed"},
    running=("vllm:num_requests_running",),
    waiting=("vllm:num_requests_waiting",),
    kv_used=("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
    prefill_s=("vllm:request_prefill_time_seconds_sum",),
    decode_s=("vllm:request_decode_time_seconds_sum",),
    ttft=("vllm:time_to_first_token_seconds",),
)
