"""Short ways to make what tests need."""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from breakeven import cli
from ledger.records import Request

DATA = Path(__file__).parent / "data"
TRACES = Path(os.environ.get("BREAKEVEN_TRACES") or Path(__file__).parents[2] / "shared" / "data")
NOW = datetime(2026, 11, 25, 22, 5, tzinfo=UTC)


def request(at, name, **more):
    """Return a request of the API side with only what matters given."""
    given = {"side": "api", "source": "test", "provider": "openai", "model": "gpt-4o-mini", "workload": "w"}
    return Request(at=at, event_key=f"test|{name}", **{**given, **more})


def command(*arguments, store=None, code=0, **environment):
    """Run the command line in this process; return what it said on both ways out."""
    before = ["--store", str(store)] if store else []
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in [n for n in os.environ if n.startswith("BREAKEVEN")]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["breakeven", *before, *arguments])
        ended = 0
        try:
            cli.main()
        except SystemExit as end:
            ended = end.code or 0
    assert ended == code, err.getvalue()
    return SimpleNamespace(stdout=out.getvalue(), stderr=err.getvalue())
