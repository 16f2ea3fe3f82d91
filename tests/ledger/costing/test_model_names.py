"""Names of models in bills, reports and requests."""

import pytest

from ledger.costing.model_names import plain, same

KNOWN = [
    "anthropic.claude-sonnet-4-20250514-v1:0", "us.anthropic.claude-3-5-haiku-20241022-v1:0", "gpt-4.1", "gpt-4.1-mini",
    "gpt-4o-2024-08-06", "gemini-2.5-flash", "gemini-2.5-pro", "claude-sonnet-4@20250514",
]  # fmt: skip


@pytest.mark.parametrize(
    ("billed", "meant"),
    [
        ("gpt 4.1", "gpt-4.1"),
        ("gpt 4.1 mini", "gpt-4.1-mini"),
        ("gpt 4.1 nano", "gpt 4.1 nano"),
        ("GPT-4o", "gpt-4o"),
        ("Claude3.5Haiku", "us.anthropic.claude-3-5-haiku"),
        ("gemini 2.5 flash", "gemini-2.5-flash"),
        ("gemini 2.5", "gemini 2.5"),
        ("", ""),
    ],
)
def test_a_billed_name_means_one_known_model_or_itself(billed, meant):
    assert same(billed, KNOWN) == meant


def test_two_that_fit_are_none():
    assert same("Claude4Sonnet", KNOWN) == "claude4sonnet"
    assert same("Claude4Sonnet", KNOWN[:3]) == "anthropic.claude-sonnet-4"


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_name_stays_itself(name):
    assert same(name, KNOWN) == plain(name)
