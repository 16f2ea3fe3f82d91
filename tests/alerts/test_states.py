"""Scenarios: a rule's settings and what it saw at each look give the state after it, as Grafana's alerting has it.

A series is one token a look: a number; `-` no rows at all; `!` a failed statement; `.` other rows came, not ours.
States: n normal, p pending, F firing, r recovering, D no data, E error, _ forgotten. `+` marks a notification that it fires,
`*` one that it is resolved.
"""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.states import Condition, Failed, Sample, look

START = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
US = (("pool", "us"),)
OTHER = Sample((("pool", "other"),), 0.0)
LETTERS = {"normal": "n", "pending": "p", "firing": "F", "recovering": "r", "nodata": "D", "error": "E"}


def given(**more):
    return Condition(**{"threshold": 10.0, **more})


PATIENT = {"pending": 2 * MINUTE}
BAND = {"recovery": 7.0}
KEEP = {"keep_firing": 2 * MINUTE}
TABLE = [
    ("at once", {}, "5 11 12 9 11", "n F+ F n* F+"),
    ("exactly at the threshold is no breach", {}, "10 10", "n n"),
    ("below", {"op": "<"}, "11 10 9 11", "n n F+ n*"),
    ("shorter than pending", PATIENT, "11 11 5 5", "p p n n"),
    ("longer than pending", PATIENT, "11 11 11 11 5", "p p F+ F n*"),
    ("inside the band from below", BAND, "8 9 8", "n n n"),
    ("inside the band from above", BAND, "11 8 7 6.9 8", "F+ F F n* n"),
    ("band with op <", {"op": "<", "threshold": 2.0, "recovery": 4.0}, "1 3 4 4.1 3", "F+ F F n* n"),
    ("the band keeps a pending one", {**BAND, **PATIENT}, "11 8 8 6", "p p F+ n*"),
    ("a constant breach is told once", {}, "11 11 11 11 11 11", "F+ F F F F F"),
    ("left and entered again is told twice", BAND, "11 6 11", "F+ n* F+"),
    ("keep firing, no return", KEEP, "11 5 5 5 5", "F+ r r n* n"),
    ("keep firing, return", KEEP, "11 5 11 5 5 5", "F+ r F r r n*"),
    ("recovering is judged by the upper threshold", {**KEEP, **BAND}, "11 6 8 8 8", "F+ r r n* n"),
    ("missing one look", {}, "11 . 11", "F+ F F"),
    ("missing two looks", {}, "11 . . 11", "F+ F n* F+"),
    ("a pending one vanishes silently", PATIENT, "11 . . 11", "p p _ p"),
    ("a normal one is forgotten", {}, "5 . .", "n n _"),
    ("no rows, ok", {}, "11 - 11", "F+ n* F+"),
    ("no rows, keep", {"no_data": "keep"}, "11 - - 11", "F+ F F F"),
    ("no rows, alert", {"no_data": "alert"}, "5 - 5", "n F+ n*"),
    ("no rows, alert, with pending", {"no_data": "alert", **PATIENT}, "5 - - - 5", "n p p F+ n*"),
    ("no rows, its own state; the old one counts as missing", {"no_data": "nodata"}, "11 - - -", "F+ F n* _"),
    ("failed, keep", {"error": "keep"}, "11 ! 11", "F+ F F"),
    ("failed, ok", {"error": "ok"}, "11 ! 11", "F+ n* F+"),
    ("failed, alert", {"error": "alert"}, "5 ! 5", "n F+ n*"),
    ("failed, its own state", {"error": "error"}, "11 ! ! 11", "F+ F n* F+"),
    ("failed in recovering", {**KEEP, "error": "keep"}, "11 5 ! 5", "F+ r r n*"),
    ("no reason left: the upper threshold decides again", {"no_data": "alert", **BAND}, "8 - 8", "n F+ n*"),
]  # fmt: skip


def seen(token):
    if token == "-":
        return []
    if token == "!":
        return Failed("broken")
    return [OTHER] if token == "." else [Sample(US, float(token))]


def letters(before, after, labels=US):
    now, then = after.get(labels), before.get(labels)
    if now is None:
        return "_"
    if now.state == "normal" and now.resolved_at is None and labels not in after:
        return "_"
    rising = now.told and not (then is not None and then.told)
    return LETTERS[now.state] + ("+" if rising else "*" if now.resolved_at is not None else "")


def play(condition, tokens, labels=US, at=START, before=None):
    out, known = [], dict(before or {})
    for token in tokens.split():
        after = look(condition, "rule", known, at, seen(token))
        out.append(letters(known, after, labels))
        known = {k: i for k, i in after.items() if not (i.reason == "MissingSeries")}
        at += condition.interval
    return " ".join(out), known, at


@pytest.mark.parametrize(("name", "more", "tokens", "states"), TABLE, ids=[row[0] for row in TABLE])
def test_scenarios(name, more, tokens, states):
    assert play(given(**more), tokens)[0] == states


@pytest.mark.parametrize(("name", "more", "tokens", "states"), TABLE, ids=[row[0] for row in TABLE])
def test_a_restart_in_any_state_changes_nothing(name, more, tokens, states):
    """Stopped after every look and begun again from what was kept."""
    condition, parts, known, at = given(**more), [], {}, START
    for token in tokens.split():
        part, known, at = play(condition, token, at=at, before=known)
        parts.append(part)
    assert " ".join(parts) == states


@pytest.mark.parametrize(
    ("more", "tokens", "own", "states"),
    [
        ({"no_data": "nodata"}, "11 - - 5 5", "DatasourceNoData", "_ D+ D n* _"),
        ({"error": "error"}, "5 ! ! 5 5", "DatasourceError", "_ E+ E n* _"),
        ({"no_data": "nodata", **PATIENT}, "- - 5", "DatasourceNoData", "D+ D n*"),
    ],
)
def test_the_own_instance_of_a_rule_without_data(more, tokens, own, states):
    """In its state at once, without pending, and resolved by the first look that has rows."""
    assert play(given(**more), tokens, (("alertname", own), ("rulename", "rule")))[0] == states


def test_alert_without_any_instance_has_no_labels():
    assert play(given(no_data="alert"), "- - 5", ())[0].startswith("F+ F")


def test_a_clock_that_steps_and_looks_that_are_skipped():
    """An hour without looks: pending has passed, a firing one is not told again, one that is missing is resolved."""
    _, known, at = play(given(**PATIENT), "11")
    assert play(given(**PATIENT), "11", at=at + timedelta(hours=1), before=known)[0] == "F+"
    _, known, at = play(given(), "11")
    assert play(given(), "11", at=at + timedelta(hours=1), before=known)[0] == "F"
    assert play(given(), ".", at=at + timedelta(hours=1), before=known)[0] == "n*"


def test_two_label_sets_go_their_own_ways_and_one_twice_is_refused():
    condition = given()
    us, eu = Sample(US, 11.0), Sample((("pool", "eu"),), 5.0)
    after = look(condition, "rule", {}, START, [us, eu])
    assert [i.state for i in after.values()] == ["firing", "normal"]
    with pytest.raises(ValueError, match="two rows for"):
        look(condition, "rule", {}, START, [us, us])


def test_a_firing_one_holds_four_looks():
    slow = given(interval=timedelta(minutes=5))
    (found,) = look(slow, "rule", {}, START, [Sample(US, 11.0)]).values()
    assert found.ends_at == START + timedelta(minutes=20)
    (found,) = look(given(interval=timedelta(seconds=10)), "rule", {}, START, [Sample(US, 11.0)]).values()
    assert found.ends_at == START + timedelta(minutes=2)
