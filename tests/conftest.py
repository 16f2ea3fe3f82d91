"""One store process for the whole session, emptied before each test; cases."""

from __future__ import annotations

import json
import os

import pytest
from made import DATA, NOW, TRACES

from ledger.prices.register import PriceRegister
from ledger.store import Store

KEPT = ("prices", "schema_migrations")


@pytest.fixture(scope="session")
def session_store(tmp_path_factory):
    url = os.environ.get("BREAKEVEN_TEST_CLICKHOUSE") or tmp_path_factory.mktemp("store")
    with Store(url) as store:
        store.migrate()
        PriceRegister(store).refresh(NOW)
        yield store


@pytest.fixture
def store(session_store):
    """An empty ledger with the price book in it."""
    tables = "SELECT name FROM system.tables WHERE engine LIKE '%MergeTree' AND database = currentDatabase() AND total_rows > 0"
    for (name,) in session_store._client.query(tables).result_rows:
        if name not in KEPT:
            session_store.command(f"TRUNCATE TABLE {name}")
    return session_store


@pytest.fixture
def prices(store):
    return PriceRegister(store)


@pytest.fixture(scope="session")
def cases():
    return {case["id"]: case for case in json.loads((DATA / "economics.json").read_text())["cases"]}


@pytest.fixture
def trace():
    """A folder of public traces, or a reason to skip."""
    if not (TRACES / "azure_llm_code_2023.csv").exists():
        pytest.skip("public traces are not here; set BREAKEVEN_TRACES to their folder")
    return TRACES
