"""Text Generation Inference: tokens are sums of histograms, no model label, no time to first token."""

from __future__ import annotations

from exporters.engines import Engine

ENGINE = Engine(
    "tgi",
    "tgi_",
    prompt=("tgi_request_input_length_sum",),
    output=("tgi_request_generated_tokens_sum",),
    requests=("tgi_request_success_total", "tgi_request_success"),
    failed=("tgi_request_failure_total", "tgi_request_failure"),
    running=("tgi_batch_current_size",),
    waiting=("tgi_queue_size",),
    model_label="",
)
