"""Definitions: what cannot be shown is refused with dashboard, panel and key; long results become wide; null stays null."""

import copy
import re
import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files

import pytest

from dashboards import page, panel
from ledger import units
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
        (lambda t: t["annotations"].append("moon"), "annotations moon are not defined"),
        (lambda t: t["panels"]["verdict_history"].update(codes="moon"), "overview.verdict_history.codes: not one of"),
        (lambda t: t["panels"]["unpriced"].update(links=[{"to": "moon"}]), "overview.unpriced.links: a link has"),
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
        p.name.rpartition(".")[0]
        for p in files("dashboards").joinpath(name).iterdir()
        if p.name.endswith((".sql", ".md"))
    }
    assert stored == {key for key, one in board.panels.items() if not one.same_as}
    for key, one in board.panels.items():
        assert panel.words(name, key) if one.draw == "text" else panel.statement(name, key)
        assert not one.same_as or one.same_as.partition(".")[0] != name
        if one.codes:  # the numbers of a statement are places among the words of its mapping
            places = panel.vocabulary()["mappings"][one.codes]
            told = re.search(r"indexOf\(\[([^\]]+)\]", panel.statement(name, key))
            assert told is None or re.findall(r"'(\w+)'", told[1]) == list(places)
            assert told or one.codes == "heard"
    assert all(24 % len(row) == 0 for row in board.rows if not isinstance(row, str))
    for one in board.panels.values():
        for given in one.fields.values():
            assert given.get("colour", "api") in panel.vocabulary()["colours"]
            assert given.get("mapping", "verdict") in panel.vocabulary()["mappings"]
            assert given.get("unit", "none") in panel.vocabulary()["units"]
            assert given.get("link", "workload") in panel.NAMES


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
    ("range_s", "most", "least", "expected"),
    [(3600, 400, 60, 60), (30 * 86_400, 400, 3600, 21_600), (400 * 86_400, 150, 60, 86_400)],
)
def test_buckets_fit_the_width(range_s, most, least, expected):
    assert page.bucket_of(range_s, most, least) == expected


def test_lanes_become_columns_and_dates_stay_days():
    one = panel.dashboard("gpu").panels["idle_map"]
    at = [datetime(2026, 1, d, tzinfo=UTC) for d in (1, 2)]
    rows = [{"time": at[0], "lane": "b", "value": 1}, {"time": at[1], "lane": "a", "value": 3}]
    fields, columns = page.shape(one, rows)
    assert ([f["name"] for f in fields], columns[1:]) == (["time", "a", "b"], [[None, 3], [1, None]])
    log = panel.dashboard("workload").panels["log"]
    assert page.shape(log, [{"day": date(2026, 1, 2)}])[1] == [["2026-01-02"]]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234.5, "money", "$1,234"), (1.2345, "money", "$1.23"), (0.01234, "money", "$0.0123"), (-3.5, "money", "-$3.50"), (0.0234, "per_1k", "$0.023"),
        (3.4561, "per_1m", "$3.456"), (1_234_567, "count", "1,234,567"), (0.4321, "share", "43.2%"), (12.34, "rate", "12 req/s"),
        (1234, "token_rate", "1.23K tok/s"), (1_234_567, "tokens", "1.23M tok"), (0.32, "seconds", "320 ms"), (7200, "seconds", "2.0 h"),
        (40, "days", "40 days"), (1, "days", "1 day"), (650, "watts", "650 W"), (70.2, "celsius", "70 °C"), (80, "gibibytes", "80.0 GiB"),
        (3_792_571, "bytes", "3.8 MB"), (None, "money", "–"), ("", "text", "–"), ("own", "text", "own"), (0.0427, "number", "0.0427"),
    ],
)  # fmt: skip
def test_values_are_shown_in_their_unit(value, unit, text):
    assert units.shown(value, unit) == text


def test_every_unit_is_shown_by_the_page_too():
    script = page.asset("page.js")
    for word in panel.vocabulary()["units"]:
        assert word == "time" or re.search(rf"\b{word}: \(v\)", script), word
