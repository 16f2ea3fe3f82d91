"""trtllm-serve of TensorRT-LLM."""

from __future__ import annotations

from exporters.engines import Engine

ENGINE = Engine(
    "trtllm",
    "trtllm_",
    prompt=("trtllm_prompt_tokens_total",),
    cached=("trtllm_prompt_cached_tokens_total",),
    output=("trtllm_generation_tokens_total",),
    requests=("trtllm_request_success_total",),
    finished_label="finished_reason",
    finished={"abort": "aborted", "cancelled": "aborted", "error": "failed"},
    running=("trtllm_num_requests_running",),
    waiting=("trtllm_num_requests_waiting",),
    kv_used=("trtllm_kv_cache_utilization",),
    ttft=("trtllm_time_to_first_token_seconds",),
)
