"""Dynamo frontend; its workers repeat the metrics of their engines, so only the frontend is to be scraped."""

from __future__ import annotations

from exporters.engines import Engine

ENGINE = Engine(
    "dynamo",
    "dynamo_frontend_",
    prompt=("dynamo_frontend_input_sequence_tokens_sum",),
    output=("dynamo_frontend_output_tokens_total", "dynamo_frontend_output_sequence_tokens_sum"),
    requests=("dynamo_frontend_requests_total",),
    finished_label="status",
    finished={"error": "failed"},
    running=("dynamo_frontend_inflight_requests",),
    waiting=("dynamo_frontend_queued_requests",),
    ttft=("dynamo_frontend_time_to_first_token_seconds",),
    model_label="model",
)
