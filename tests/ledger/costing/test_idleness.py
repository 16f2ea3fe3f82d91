"""When unused capacity is worth an alert, economics 18.2: C37, C38, both windows, spares, hysteresis."""

import pytest

from ledger.costing.idleness import IdleLimits, Standing, Window, standing

LIMITS = IdleLimits()


def window(used_share, unknown=0.0, usd_h=4.0, days=1):
    """Money of one GPU with a share of its known time used."""
    total = 24 * days * usd_h
    known = total * (1 - unknown)
    return Window(days, known * used_share, known * (1 - used_share), total * unknown, total)


def test_c37_one_alert_for_a_pool_that_hardly_works(cases):
    given, expected = cases["C37"]["inputs"], cases["C37"]["expected"]
    one = window(given["used_share"], given["unknown_share"], given["gpu_usd_h"])
    assert one.unused_usd_day == pytest.approx(expected["idle_usd_day"])
    assert standing([one], LIMITS).alert == expected["kind"]
    assert LIMITS.used_share_below == given["used_share_below"]
    assert LIMITS.min_usd_day == given["min_idle_usd_day"]


def test_c38_a_gap_in_the_telemetry_is_told_instead(cases):
    given, expected = cases["C38"]["inputs"], cases["C38"]["expected"]
    found = standing([window(given["used_share"], given["unknown_share"], given["gpu_usd_h"])], LIMITS)
    assert found == Standing(expected["instead"], ("nothing is known of 35% of the money",))
    assert LIMITS.max_unknown == given["max_unknown"]


@pytest.mark.parametrize(
    ("windows", "more", "alert", "reason"),
    [
        ([window(0.02), window(0.02, days=7)], {}, "underused", ""),
        ([window(0.02), window(0.4, days=7)], {}, "", "40% used over 7 days"),
        ([window(0.4), window(0.02, days=7)], {}, "", "40% used over 24 hours"),
        ([window(0.02)], {"spare": True}, "", "the pool is a declared spare"),
        ([window(0.02, usd_h=0.5)], {}, "", "11.76 USD a day unused"),
        ([Window(1, 0, 0, 0, 10)], {}, "", "nothing is known of the last 24 hours"),
        ([], {}, "", ""),
        ([window(0.11)], {}, "", "11% used"),
        ([window(0.11)], {"was": "underused"}, "underused", ""),
        ([window(0.13)], {"was": "underused"}, "", "13% used"),
        ([window(0.02, usd_h=0.7)], {}, "", "16.46 USD"),
        ([window(0.02, usd_h=0.7)], {"was": "underused"}, "underused", ""),
        ([window(0.02, 0.15)], {"was": "telemetry_gap"}, "telemetry_gap", "15%"),
        ([window(0.02, 0.15)], {}, "underused", ""),
        ([window(0.02, 0.05)], {"was": "telemetry_gap"}, "underused", ""),
    ],
)
def test_what_fires_and_what_holds_it_back(windows, more, alert, reason):
    found = standing(windows, LIMITS, **more)
    assert found.alert == alert
    assert reason in " ".join(found.held_back)
    assert bool(found.held_back) == bool(reason)
