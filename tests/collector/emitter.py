"""A program of somebody else: real SDKs under real instrumentations, told where provider and receiver are."""

import os
import sys

emitters, provider, receiver = sys.argv[1].split("+"), sys.argv[2], sys.argv[3]
os.environ |= {
    "OTEL_SERVICE_NAME": "their-app",
    "OTEL_RESOURCE_ATTRIBUTES": "team=search,deployment.environment.name=prod",
}

from opentelemetry import trace  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: E402

tracing = TracerProvider()
tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{receiver}/v1/traces")))
trace.set_tracer_provider(tracing)

if "genai-openai" in emitters:
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument()
if "openinference" in emitters:
    from openinference.instrumentation.anthropic import AnthropicInstrumentor

    AnthropicInstrumentor().instrument()
if "native" not in emitters:
    os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"

if "genai-openai" in emitters:
    import openai

    client = openai.OpenAI(api_key="x", base_url=f"{provider}/v1", max_retries=0)
    ask = [{"role": "user", "content": "SECRET-PROMPT"}]
    client.chat.completions.create(model="gpt-4o-mini", messages=ask)
    for _ in client.chat.completions.create(
        model="gpt-4o-mini", messages=ask, stream=True, stream_options={"include_usage": True}
    ):
        pass
    try:
        client.chat.completions.create(model="err", messages=ask)
    except openai.RateLimitError:
        pass
else:
    import anthropic

    client = anthropic.Anthropic(api_key="x", base_url=provider, max_retries=0)
    for _ in range(2):
        client.messages.create(
            model="claude-sonnet-4-5", max_tokens=100, messages=[{"role": "user", "content": "SECRET-PROMPT"}]
        )
tracing.shutdown()
