"""What the program says while it runs: one object a line for machines, and no secret, whoever says it."""

import json
import logging

import pytest

from breakeven import logs

SECRETS = {
    "be_0a1b2c3d_" + "a" * 52: "a token of ours", "sk-proj-" + "x" * 40: "a provider's key", "AKIA" + "Z" * 16: "a cloud's key",
    "Bearer abcdefgh12345678": "a header", "https://u:pass-word@host/x": "an address", "/?password=hunter2&x=1": "a query",
    "/x?api_key=0123456789abcdef": "another query",
}  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_not_said(secret):
    told = logs.redacted(f"asked {secret} and failed")
    assert "***" in told
    assert not any(word in told for word in ("aaaa", "xxxx", "ZZZZ", "12345678", "pass-word", "hunter2", "cdef"))
    assert told.startswith("asked ")
    assert told.endswith("failed")


@pytest.mark.parametrize(
    "text", ["requests of gpt-4o: 12 rows", "http://127.0.0.1:8400/v1/traces", "task sk- is short"]
)
def test_anything_else_is_said_as_it_is(text):
    assert logs.redacted(text) == text


@pytest.fixture
def said(capsys):
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err
    root.handlers[:], root.level = kept, level
    logging.getLogger("breakeven").setLevel(logging.NOTSET)


def test_each_line_is_an_object(said):
    logs.configure("json")
    logging.getLogger("breakeven.web").info("begun")
    try:
        raise ValueError("of Bearer abcdefgh12345678")
    except ValueError:
        logging.getLogger("some.library").exception("line one\nline two %s", "sk-" + "y" * 30)
    logging.getLogger("httpx2").info("not said")
    first, second = (json.loads(line) for line in said().splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("INFO", "breakeven.web", "begun")
    assert first["at"].endswith("+00:00")
    assert second["message"] == "line one\nline two ***"
    assert second["error"].endswith("ValueError: of Bearer ***")


def test_people_read_lines(said):
    logs.configure()
    logging.getLogger("breakeven.jobs").warning("job cost: %s", "failed")
    assert said() == "WARNING breakeven.jobs: job cost: failed\n"
