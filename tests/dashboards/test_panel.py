"""Definitions: what cannot be shown is refused with dashboard, panel and key; long results become wide; null stays null."""

import copy
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files

import pytest

from dashboards import page, panel
from ledger.errors import ConfigError


def table():
    return tomllib.loads(files("dashboards").joinpath("overview", "dashboard.toml").read_text())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t["panels"]["unpriced"].update(colour="x"), "overview.unpriced.colour: unknown key"),
        (lambda t: t["panels"]["unpriced"].update(draw="pie"), "overview.unpriced.draw: 'pie' is not one of"),
        (lambda t: t["panels"]["unpriced"].update(unit="furlong"), "overview.unpriced.unit: 'furlong' is not one of"),
        (lambda t: t["panels"]["unpriced"].pop("about"), "overview.unpriced: about missing"),
        (lambda t: t["panels"]["unpriced"].update(id=1), "a panel id is used twice"),
        (lambda t: t["panels"].pop("unpriced"), "rows and panels differ in unpriced"),
        (lambda t: t["variables"].append("moon"), "variables moon are not defined"),
    ],
)
def test_what_cannot_be_shown_is_refused(change, message):
    broken = copy.deepcopy(table())
    change(broken)
    with pytest.raises(ConfigError, match=message):
        panel.parse("overview", broken)


@pytest.mark.parametrize("name", panel.NAMES)
def test_every_statement_has_a_panel_and_every_row_fits(name):
    board = panel.dashboard(name)
    stored = {
        p.name.removesuffix(".sql") for p in files("dashboards").joinpath(name).iterdir() if p.name.endswith(".sql")
    }
    assert stored == {key for key, one in board.panels.items() if not one.same_as}
    for key, one in board.panels.items():
        assert panel.statement(name, key)
        assert not one.same_as or one.same_as.partition(".")[0] != name
    assert all(24 % len(row) == 0 for row in board.rows if not isinstance(row, str))
    for one in board.panels.values():
        for given in one.fields.values():
            assert given.get("colour", "api") in panel.vocabulary()["colours"]
            assert given.get("mapping", "verdict") in panel.vocabulary()["mappings"]


def test_long_becomes_wide_and_missing_stays_null():
    lines = panel.dashboard("overview").panels["unit_cost"]
    at = [datetime(2026, 1, d, tzinfo=UTC) for d in (1, 2)]
    rows = [
        {"time": at[0], "series": "Own GPUs", "value": Decimal("1.5")},
        {"time": at[1], "series": "API", "value": float("nan")},
        {"time": at[1], "series": "Own GPUs", "value": None},
    ]
    fields, columns = page.shape(lines, rows)
    assert [f["name"] for f in fields] == ["time", "API", "Own GPUs"]
    assert columns == [[1767225600000, 1767312000000], [None, None], [1.5, None]]


@pytest.mark.parametrize(
    ("range_s", "width", "least", "expected"),
    [(3600, 800, 60, 60), (30 * 86_400, 800, 3600, 21_600), (400 * 86_400, 300, 60, 86_400)],
)
def test_buckets_fit_the_width(range_s, width, least, expected):
    assert page.bucket_of(range_s, width, least) == expected
