"""Marked secrets go in by every door; then everything that breakeven keeps or says is searched for them."""

import json
import logging
import os
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from chaos.run import awaited, free_port
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from exporters.spool import Spool
from ledger.store import Store
from ledger.store.backup import backup

NOW = datetime.now(UTC)
MARKS = {what: f"canary-{what}-5f1c" for what in (
    "prompt", "answer", "tool", "key", "header", "url", "exception", "stack", "status", "event", "user", "config", "password", "token",
    "log", "label", "metadata", "wrong",
)}  # fmt: skip
ALL = tuple(mark.encode() for mark in MARKS.values())


def span_request():
    message = ExportTraceServiceRequest()
    span = (
        message.resource_spans.add()
        .scope_spans.add()
        .spans.add(trace_id=b"1" * 16, span_id=b"2" * 8, name="chat", kind=3)
    )
    span.start_time_unix_nano = int((NOW - timedelta(hours=1)).timestamp()) * 10**9
    span.end_time_unix_nano = span.start_time_unix_nano + 10**9
    texts = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini", "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.input.messages": MARKS["prompt"], "gen_ai.output.messages": MARKS["answer"], "gen_ai.prompt.0.content": MARKS["prompt"],
        "input.value": MARKS["prompt"], "gen_ai.tool.call.arguments": MARKS["tool"], "http.request.header.authorization": f"Bearer {MARKS['key']}",
        "http.request.header.x": MARKS["header"], "url.full": f"https://x/?k={MARKS['url']}", "exception.message": MARKS["exception"],
        "exception.stacktrace": MARKS["stack"], "metadata.user_api_key": MARKS["key"], "user.email": MARKS["user"], "llm.headers": MARKS["header"],
    }  # fmt: skip
    for name, value in texts.items():
        span.attributes.add(key=name).value.string_value = value
    span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 5
    span.attributes.add(key="gen_ai.usage.output_tokens").value.int_value = 5
    span.status.message = MARKS["status"]
    event = span.events.add(name="exception")
    event.attributes.add(key="exception.message").value.string_value = MARKS["event"]
    return message.SerializeToString()


def metric_request():
    message = ExportMetricsServiceRequest()
    metric = message.resource_metrics.add().scope_metrics.add().metrics.add(name="gen_ai.client.token.usage")
    point = metric.gauge.data_points.add(time_unix_nano=int(NOW.timestamp()) * 10**9, as_double=1)
    point.attributes.add(key="hidden_params").value.string_value = MARKS["label"]
    return message.SerializeToString()


def log_request():
    message = ExportLogsServiceRequest()
    message.resource_logs.add().scope_logs.add().log_records.add().body.string_value = MARKS["log"]
    return message.SerializeToString()


LITELLM = {
    "litellm_call_id": "c1", "call_type": "acompletion", "model": "gpt-4o-mini", "custom_llm_provider": "openai", "startTime": NOW.timestamp() - 60,
    "endTime": NOW.timestamp() - 50, "prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10, "status": "success",
    "messages": [{"role": "user", "content": MARKS["prompt"]}], "response": {"choices": [{"message": {"content": MARKS["answer"]}}]},
    "metadata": {"user_api_key": MARKS["key"], "requester_metadata": MARKS["metadata"], "headers": {"authorization": MARKS["header"]}},
    "error_str": MARKS["exception"], "api_base": f"https://x/?k={MARKS['url']}",
}  # fmt: skip
ROWS = [
    {"ts": (NOW - timedelta(hours=2)).isoformat(), "provider": "openai", "model": "gpt-4o-mini", "request_id": "r1", "input_fresh": 5, "output": 5,
     "messages": MARKS["prompt"], "authorization": MARKS["key"], "error": MARKS["exception"], "url": MARKS["url"]},
    {"ts": "nonsense", "provider": "openai", "model": "gpt-4o-mini", "request_id": "r2", "input_fresh": MARKS["wrong"], "prompt": MARKS["prompt"]},
    {"id": "chatcmpl-2", "object": "chat.completion", "created": int(NOW.timestamp()) - 100, "model": "gpt-4o-mini",
     "choices": [{"message": {"content": MARKS["answer"], "tool_calls": [{"function": {"arguments": MARKS["tool"]}}]}}],
     "usage": {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}},
]  # fmt: skip
CONFIG = f"""
[server]
log_format = "json"
[store]
url = "{{store}}"
reader_password = "{MARKS["password"]}"
[sources.openai]
kind = "openai"
key = "{MARKS["config"]}"
base_url = "http://127.0.0.1:9/?k={MARKS["url"]}"
"""


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A service that all marks were sent to: what it said, its folder, the answers it gave, a backup of it."""
    folder = tmp_path_factory.mktemp("canary")
    (folder / "breakeven.toml").write_text(CONFIG.format(store=folder / "store"))
    (folder / "log.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in ROWS) + f'{{"broken": "{MARKS["prompt"]}\n'
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BREAKEVEN")}
    words = [sys.executable, "-c", "from breakeven.cli import main; main()", "--config", str(folder / "breakeven.toml")]
    run = lambda *more: subprocess.run([*words, *more], cwd=folder, env=environment, capture_output=True, check=False)  # noqa: E731
    answers, port = [], free_port()
    imported = run("import", str(folder / "log.jsonl"))
    answers += [imported.stdout, imported.stderr]
    with (
        (folder / "said.log").open("wb") as said,
        subprocess.Popen(
            [*words, "run", "--listen", f"127.0.0.1:{port}"], cwd=folder, env=environment, stdout=said, stderr=said
        ) as server,
    ):

        def ask(path, data=None, **headers):
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    answers.append(answer.read() + str(answer.headers).encode())
                    return answer.status
            except urllib.error.HTTPError as error:
                answers.append(error.read() + str(error.headers).encode())
                return error.code
            except OSError:
                return 0

        awaited(lambda: ask("/readyz") == 200, 60)
        protobuf = {"Content-Type": "application/x-protobuf", "Authorization-X": MARKS["header"]}
        assert ask("/v1/traces", span_request(), **protobuf) == 200
        assert ask("/v1/metrics", metric_request(), **protobuf) == 200
        assert ask("/v1/logs", log_request(), **protobuf) == 200
        assert ask("/v1/litellm", json.dumps([LITELLM]).encode()) == 200
        assert ask("/v1/traces", MARKS["prompt"].encode(), **protobuf) == 400
        assert (
            ask(
                "/v1/traces",
                json.dumps({"resourceSpans": MARKS["prompt"]}).encode(),
                **{"Content-Type": "application/json"},
            )
            == 400
        )
        assert ask("/v1/litellm", f'[{{"x": "{MARKS["prompt"]}"'.encode()) == 400
        assert ask(f"/api/v1/cost?since={MARKS['url']}") == 422
        assert ask("/", Authorization=f"Bearer be_0000_{MARKS['token']}") == 401
        for path in ("/metrics", "/", "/api/v1/sources", "/api/v1/cost"):
            assert ask(path) == 200
        server.terminate()
        server.wait(60)
    for more in (["check"], ["check", "--deep"], ["sources"], ["sources", "pull"], ["cost"]):
        done = run(*more)
        answers += [done.stdout, done.stderr]
    with Store(folder / "store") as store:
        backup(store, folder / "copy", portable=True)
        yield {"folder": folder, "answers": answers, "store": store}


def test_the_doors_took_what_they_may(everything):
    (counts,) = (
        everything["store"]
        ._client.query("SELECT count(), sum(input_fresh), sum(output) FROM requests FINAL")
        .result_rows
    )
    assert counts == (4, 20, 20)


def test_no_mark_is_in_any_column_of_any_table(everything):
    ask = everything["store"]._client.query
    columns = ask("""SELECT table, name FROM system.columns WHERE database = currentDatabase() AND table IN (
        SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')""").result_rows
    assert len(columns) > 200
    for table, name in columns:
        found = ask(
            f"SELECT toString({name}) FROM {table} WHERE position(toString({name}), 'canary-') > 0 LIMIT 1"
        ).result_rows
        assert not found, (table, name, found)


def test_no_mark_was_said_or_written(everything):
    """Logs, answers, errors, metrics; files of the store and the backup as far as they are not packed."""
    for text in everything["answers"]:
        assert not [mark for mark in ALL if mark in text and mark != MARKS["url"].encode()], text[:2000]
    for path in everything["folder"].rglob("*"):
        if path.is_file() and path.name not in ("breakeven.toml", "log.jsonl"):
            data = path.read_bytes()
            assert not [mark for mark in ALL if mark in data], path


def test_what_the_service_says_is_one_object_a_line(everything):
    lines = (everything["folder"] / "said.log").read_text().splitlines()
    assert {"at", "level", "logger", "message"} <= set.intersection(*(set(json.loads(line)) for line in lines))


def test_no_process_shows_a_secret(everything):
    for pid in Path("/proc").glob("[0-9]*"):
        try:
            told = (pid / "cmdline").read_bytes() + (
                (pid / "environ").read_bytes() if "ledger.embedded" in (pid / "cmdline").read_text() else b""
            )
        except OSError:
            continue
        assert not [mark for mark in ALL if mark in told and b"pytest" not in told], told


def test_a_spool_keeps_what_exporters_make_and_nothing_else(tmp_path, caplog):
    """An exporter has no prompts; its spool's errors name files, not bodies."""
    with caplog.at_level(logging.DEBUG):
        spool = Spool(tmp_path / "spool.db", limit=100)
        spool.put("/v1/metrics", MARKS["prompt"].encode() * 50)
        spool.close()
    assert MARKS["prompt"] not in caplog.text
