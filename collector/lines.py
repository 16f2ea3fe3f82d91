"""Our own request log in bulk: lines go to the engine as they are; what it is not sure of comes back to the parser."""

from __future__ import annotations

import hashlib
import re
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from collector.sources.requests_log import Defaults, is_canonical
from ledger.records import Batch, Place
from ledger.store.migrate import reload_dictionaries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.attribution import Attribution
    from collector.files import Line
    from collector.importer import Plan
    from collector.intake import Intake
    from ledger.prices.register import PriceRegister
    from ledger.store import Store

MOST_LINES, MOST_BYTES = 50_000, 16 << 20
"""Of one segment: it takes 4 to 8 times its size in engine memory while it loads."""
AT_ONCE = 2
"""Segments that are loaded side by side."""


KEYS = frozenset((
    "ts", "provider", "model", "request_id", "logical_id", "side", "deployment", "workload", "team", "environment",
    "key", "region", "service_tier", "tier", "processing", "usage_source", "status", "attempt", "input_fresh",
    "cache_read", "cache_write_short", "cache_write_long", "cache_write_other", "output", "output_reasoning",
    "unexplained", "n_web_search", "n_file_search", "latency_ms", "ttft_ms", "cost_reported_usd",
))  # fmt: skip
"""What the engine reads of a line (`land_lines_to_read`)."""


def plain(plan: Plan) -> bool:
    """Say whether nothing is said of all rows on the command line: then they can go this way."""
    return not plan.map and plan.kind in ("", "requests_log") and replace(plan.defaults, zone=None) == Defaults()


def fits(first: bytes) -> bool:
    """Say whether a line is one of our own."""
    try:
        row = orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    return isinstance(row, dict) and is_canonical(row)


@dataclass(slots=True)
class Segment:
    """Lines that go to the engine in one insert."""

    pieces: list[Line]
    token: str
    block: bytes
    earlier: list[dict[str, int]]
    ver: int = 0
    landed: int = 0

    @property
    def count(self) -> int:
        """Return how many lines, blank ones too."""
        return self.block.count(b"\n")

    def lines(self) -> list[tuple[int, bytes]]:
        """Return (line number, line) of those that are not blank."""
        return [(number, text) for number, line in _numbered(self.pieces) if (text := line.strip())]


@dataclass(slots=True)
class Lines:
    """One file on its way; `take` gives back the lines that the parser in Python must read."""

    store: Store
    prices: PriceRegister
    attribution: Attribution
    intake: Intake
    _waiting: list[Line] = field(default_factory=list)
    _full: list[list[Line]] = field(default_factory=list)
    _count: int = 0
    _size: int = 0
    _asked: set[tuple[str, ...]] = field(default_factory=set)
    _hours: dict[datetime, int] = field(default_factory=dict)

    def take(self, piece: Line) -> Iterator[tuple[int, bytes]]:
        """Queue some lines; yield (line number, line) of those that full segments left over."""
        self._waiting.append(piece)
        self._count += piece.count
        self._size += len(piece.data)
        if self._count >= MOST_LINES or self._size >= MOST_BYTES:
            self._close()
            if len(self._full) == AT_ONCE:
                yield from self._land()

    def flush(self) -> Iterator[tuple[int, bytes]]:
        """Store what is queued; yield the lines that were left over."""
        if self._waiting:
            self._close()
        if self._full:
            yield from self._land()

    def _close(self) -> None:
        self._full.append(self._waiting)
        self._waiting, self._count, self._size = [], 0, 0

    def _land(self) -> Iterator[tuple[int, bytes]]:
        """Hand the full segments to the engine, side by side: each keeps one core busy."""
        segments, self._full = [self._segment(pieces) for pieces in self._full], []
        span = _around([_span(one.block) for one in segments])
        before = self._stored(span, known=self._hours)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            vers = pool.map(lambda one: self.store.land("land_lines", one.block, one.token), segments)
        for one, ver in zip(segments, vers, strict=True):
            one.ver, one.landed = ver, self.store.ask("collector", "landed", ver=ver)[0]["rows"]
        self._hours = self._stored(span, known={})
        fresh = max(0, sum(self._hours.values()) - sum(before.values()))
        for one in segments:
            part = min(one.landed, fresh)
            fresh -= part
            slow = self._told(one, part)
            if slow:
                self._hours = {}  # what the parser makes of these lines is stored, and counted, on its own
            yield from slow

    def _segment(self, pieces: list[Line]) -> Segment:
        block = b"".join(p.data if p.data.endswith(b"\n") else p.data + b"\n" for p in pieces)
        token = f"{self.attribution.mark}:{hashlib.sha256(block).hexdigest()}"
        return Segment(pieces, token, block, self.store.ask("collector", "known_batch", token=token))

    def _told(self, one: Segment, fresh: int) -> list[tuple[int, bytes]]:
        """Count what came of a segment, have its names decided on, and return the lines that were left over."""
        left = {row["crc"] for row in self.store.ask("collector", "slow_lines", segment=one.token)}
        slow = [line for line in one.lines() if zlib.crc32(line[1]) in left] if left else []
        counts, whole = self.intake.counts, one.count
        counts.accepted += fresh
        if one.landed + len(slow) < whole and not _finished(one.earlier, left):
            # An earlier try was cut short, or its checksums are no longer kept: the parser reads all of it once more.
            slow = one.lines()
            counts.duplicate -= fresh  # it will find these stored
        else:
            blank = whole - len(one.lines()) if one.landed + len(slow) < whole else 0
            counts.duplicate += whole - blank - len(slow) - fresh
        if one.landed:
            self._decide(one.ver)
        batch = Batch(one.token, "requests_log", self.intake.origin, one.landed, len(slow), self.intake.now)
        self.store.add([batch], token=one.token)
        return slow

    def _stored(self, span: tuple[datetime, datetime] | None, known: dict[datetime, int]) -> dict[datetime, int]:
        """Return events by hour of a span; what the segment before has just counted need not be counted again."""
        if span is None:
            return {}
        hours = [span[0] + n * _HOUR for n in range((span[1] - span[0]) // _HOUR)]
        wanted = [hour for hour in hours if hour not in known]
        found = {hour: known[hour] for hour in hours if hour in known}
        if wanted:
            asked = {"from": min(wanted), "to": max(wanted) + _HOUR}
            found |= {row["hour"]: row["n"] for row in self.store.ask("collector", "count_hours", **asked)}
        return found

    def _decide(self, ver: int) -> None:
        """Find names that nobody decided on, decide, and send the rows of this insert through the door again."""
        declared = self.attribution.mark
        rows = self.store.ask("collector", "unknown_names", ver=ver, declared=declared)
        names = {(r["provider"], r["model"], r["variant"], r["region"]) for r in rows if r["without_price"]}
        missing = self.prices.resolve(names, self.intake.now) if names else []
        self.intake.without_price |= {(provider, model) for provider, model, _, _ in missing}
        places = self._places([row for row in rows if row["without_place"]])
        if places:
            self.store.add(places)
            reload_dictionaries(self.store)
        if places or names - self._asked:
            self._asked |= names
            self.store.tell("collector", "place_lines", ver=self.store.next_ver(), then=ver, declared=declared)

    def _places(self, rows: list[dict[str, str]]) -> list[Place]:
        """Return where rows of some names belong, and that they belong there once they are placed."""
        told = [_names(row) for row in rows]
        columns = {name: [row[name] for row in rows] for name in _NAMES}
        self.attribution.place(columns)
        out: set[Place] = set()
        placed = zip(columns["workload"], columns["team"], columns["deployment"], strict=True)
        for before, (workload, team, deployment) in zip(told, placed, strict=True):
            side, provider, model, key, _, environment, _, _ = before
            after = (side, provider, model, key, team, environment, workload, deployment)
            out |= {Place(self.attribution.mark, *names, workload, team, deployment) for names in (before, after)}
        return sorted(out, key=repr)


_NAMES = ("side", "provider", "model", "key", "team", "environment", "workload", "deployment")
_Told = tuple[str, str, str, str, str, str, str, str]


def _names(row: dict[str, str]) -> _Told:
    side, provider, model, key, team, environment, workload, deployment = (row[name] for name in _NAMES)
    return side, provider, model, key, team, environment, workload, deployment


_TOLD_HOUR = re.compile(rb'"ts"\s*:\s*"(\d{4}-[01]\d-[0-3]\dT[0-2]\d):[\d:.]*(Z?)')
_HOUR = timedelta(hours=1)


def _finished(batch: list[dict[str, int]], left: set[int]) -> bool:
    """Say whether a segment went all the way before: decided on, and what was left over is still known."""
    return bool(batch) and (batch[0]["rejected"] == 0 or bool(left))


def _numbered(pieces: list[Line]) -> Iterator[tuple[int, bytes]]:
    """Yield lines with their numbers."""
    for piece in pieces:
        lines = piece.data.split(b"\n")
        yield from enumerate(lines if lines[-1] else lines[:-1], piece.number)


def _around(spans: list[tuple[datetime, datetime] | None]) -> tuple[datetime, datetime] | None:
    """Return the span that holds all spans."""
    found = [one for one in spans if one is not None]
    return (min(one[0] for one in found), max(one[1] for one in found)) if found else None


def _span(block: bytes) -> tuple[datetime, datetime] | None:
    """Return whole hours that hold the instants of a block; None if no line tells one as the engine takes it."""
    found = set(_TOLD_HOUR.findall(block))
    hours = [hour for text, _ in found if (hour := _hour(text)) is not None]
    if not hours:
        return None
    first, last = min(hours), max(hours)
    # Hours of another zone are up to fourteen hours away from those of UTC.
    wide = timedelta(hours=0 if all(zulu for _, zulu in found) else 15)
    return first - wide, last + _HOUR + wide


def _hour(text: bytes) -> datetime | None:
    try:
        return datetime.fromisoformat(text.decode() + ":00+00:00")
    except ValueError:  # the thirtieth of February: no row comes of it
        return None
