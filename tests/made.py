"""Short ways to make what tests need."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from ledger.records import Request

DATA = Path(__file__).parent / "data"
TRACES = Path(os.environ.get("BREAKEVEN_TRACES") or Path(__file__).parents[2] / "shared" / "data")
NOW = datetime(2026, 11, 25, 22, 5, tzinfo=UTC)


def request(at, name, **more):
    """Return a request of the API side with only what matters given."""
    given = {"side": "api", "source": "test", "provider": "openai", "model": "gpt-4o-mini", "workload": "w"}
    return Request(at=at, event_key=f"test|{name}", **{**given, **more})
