"""docs/sql.md says what the store says: every column of every view, and what each worked query answers on the demo."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACT = ["v_requests", "v_cost_hourly", "v_cost_daily", "v_gpu_hourly", "v_verdicts", "v_reconciliation", "v_prices"]
spec = importlib.util.spec_from_file_location("docs_sql", ROOT / "docs" / "sql.py")
docs_sql = importlib.util.module_from_spec(spec)
spec.loader.exec_module(docs_sql)
PAGE = (ROOT / "docs" / "sql.md").read_text("utf-8")


@pytest.fixture(scope="module")
def dated(tmp_path_factory):
    with docs_sql.filled(str(tmp_path_factory.mktemp("dated"))) as service:
        yield service


@pytest.mark.parametrize(
    ("view", "number"), [(v, n) for v, given in docs_sql.QUERIES.items() for n in range(len(given["query"]))]
)
def test_a_worked_query_answers_what_is_printed(dated, view, number):
    assert docs_sql.shown(dated, docs_sql.QUERIES[view]["query"][number]) in PAGE


def test_the_page_is_the_one_that_is_made(dated):
    assert docs_sql.page(dated) == PAGE


def test_the_contract_has_three_worked_queries_each():
    assert [(v, len(g["query"])) for v, g in docs_sql.QUERIES.items()] == [(v, 3) for v in CONTRACT]


def test_every_column_of_every_view_says_what_it_is(dated):
    rows = dated.store.ask("breakeven", "view_columns")
    assert [(r["view"], r["name"]) for r in rows if not r["comment"]] == []
    assert {r["view"] for r in rows} >= set(CONTRACT)
