"""Triton: requests and queue, no token counters; tokens come from logs, spans or a gateway."""

from __future__ import annotations

from exporters.engines import Engine

ENGINE = Engine(
    "triton",
    "nv_inference_",
    requests=("nv_inference_request_success", "nv_inference_request_success_total"),
    failed=("nv_inference_request_failure", "nv_inference_request_failure_total"),
    waiting=("nv_inference_pending_request_count",),
    model_label="model",
)
