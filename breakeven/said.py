"""A verdict in plain words: sentences first, figures after; the command line, the API and the page say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from breakeven import show
from dashboards.panel import vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.verdict.remember import Realised

_STATES = {
    "insufficient": "too little is known to advise",
    "steady": "nothing to do",
    "watch": "a saving that may be worth a move is being watched",
    "recommend": "a move is recommended",
    "acknowledged": "the recommended move was accepted",
    "clear": "the last advice is withdrawn",
}


def label(row: dict[str, Any]) -> str:
    """Return a verdict in a word or two."""
    words = vocabulary()["mappings"]["verdict"]
    word = str(words.get(row["verdict"], [row["verdict"]])[0])
    return f"{word} n={row['replicas']}" if row["verdict"] == "hybrid" else word


def sentences(row: dict[str, Any], score: Realised | None) -> list[str]:
    """Say what a verdict is and how sure; `row` with its deep details, `score` of the last accepted forecast."""
    details = row["details"]
    judged, advice = details["judgement"], details.get("advice")
    out = [f"{row['workload']}: {label(row)}. {row['reason']}."]
    if advice:
        out.append(f"Advice: {_STATES[advice['state']]}.{_missing(advice)}")
    out += _sure(details)
    out += [f"Policy rule {fired}." for fired in judged["fired"]]
    if judged["shadow_month"]:
        out.append(f"What policy rules out would save {show.usd(judged['shadow_month'])} a month.")
    if score is not None:
        saved = "no complete day since the move yet" if score.saved is None else f"{show.usd(score.saved)} a day saved"
        part = "" if score.ratio is None else f", {score.ratio:.0%} of it"
        out.append(
            f"Accepted with a forecast of {show.usd(score.forecast)} a day; over {score.days} days {saved}{part}."
        )
    return out


def _missing(advice: dict[str, Any]) -> str:
    if not advice["candidate"] and not advice["blocking"]:
        return ""
    held = f" Not yet recommended: {'; '.join(advice['blocking'])}." if advice["blocking"] else ""
    return held if advice["state"] in ("watch", "steady") else ""


def _sure(details: dict[str, Any]) -> Iterator[str]:
    bound, bands, payback = details["bound"], details.get("bands") or {}, details["payback"]
    if bound and payback:
        yield (
            f"Moving saves {show.usd(bound['mean'] * 30)} in 30 days; with 80 % confidence between "
            f"{show.usd(bound['lower'] * 30)} and {show.usd(bound['upper'] * 30)}: {len(bound['weeks'])} whole weeks."
        )
    if payback:
        months = "never" if payback["months"] is None else f"after {payback['months']:.1f} months"
        spread = bands.get("payback_months")
        more = f" (10/50/90 %: {' / '.join('never' if x is None else f'{x:.1f}' for x in spread)})" if spread else ""
        reason = f" ({payback['reason'].replace('_', ' ')})" if payback["reason"] else ""
        yield f"The move costs {show.usd(payback['once_usd'])} once and pays back {months}{reason}{more}."


def figures(details: dict[str, Any]) -> Iterator[str]:
    """Yield the figures behind it: what would flip it, other ways of buying, what is least sure, regret."""
    for flip in details["flips"]:
        then = f" → {flip['label']}" if flip.get("label") else ""
        yield f"flips at {flip['what']} {_number(flip['value'])} {flip['unit']} (now {_number(flip['now'])}){then}"
    volumes = details["volumes"]
    if volumes and volumes["never_on_this_box"]:
        yield "never on this box: no volume that it can carry pays"
    elif volumes:
        edges = " and ".join(
            f"{_number(volumes[name])} times today's"
            for name in ("next_below", "next_above")
            if volumes[name] is not None
        )
        place = "inside" if volumes["inside"] else "outside of"
        yield f"today's volume is {place} a range in which whole replicas alone pay; next edges: {edges or 'none'}"
    yield from _later(details)
    for one in details.get("unsure") or []:
        yield f"least sure: {one['what']}: {show.usd(one['usd_month'])} a month"
    advice = details.get("advice")
    if advice:
        yield (
            f"regret so far {show.usd(advice['regret'])}, due at {show.usd(advice['threshold'])} "
            f"(half of {show.usd(advice['switch_usd'])} there and {show.usd(advice['back_usd'])} back)"
        )


def _later(details: dict[str, Any]) -> Iterator[str]:
    """Yield what other ways of buying the same capacity would do."""
    schedule, leaving = details.get("scheduled"), details.get("leaving")
    if schedule and schedule["most"]:
        yield (
            f"by the hour of the week ({schedule['least']} to {schedule['most']} replicas of "
            f"{schedule['deployment']}, starts in it): {show.usd(schedule['usd_month'])} a month"
        )
    if leaving:
        best = "never" if leaving["best_month"] is None else f"month {leaving['best_month']}"
        yield (
            f"leaving {leaving['deployment']}, paid for {leaving['months_left']} more months, saves in 3 years "
            f"{show.usd(leaving['now'])} now, {show.usd(leaving['at_the_end'])} at the end of the term; best: {best}"
        )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
