"""How many items a request holds, counted before it is parsed: 10 MiB of empty spans are a gigabyte of objects."""

from __future__ import annotations

Paths = tuple[tuple[int, ...], ...]
TRACES: Paths = ((1, 2, 2),)
LOGS: Paths = ((1, 2, 2),)
METRICS: Paths = tuple((1, 2, 2, kind, 1) for kind in (5, 7, 9, 10, 11))
"""Fields that lead to spans, records, points (of gauges, sums, histograms, exponential ones, summaries)."""
TRACE_ATTRIBUTES: Paths = ((1, 1, 1), (1, 2, 2, 9), (1, 2, 2, 11, 3), (1, 2, 2, 13, 4))
LOG_ATTRIBUTES: Paths = ((1, 1, 1), (1, 2, 2, 6))
METRIC_ATTRIBUTES: Paths = (
    (1, 1, 1), (1, 2, 2, 5, 1, 7), (1, 2, 2, 7, 1, 7), (1, 2, 2, 9, 1, 9), (1, 2, 2, 10, 1, 1), (1, 2, 2, 11, 1, 7),
)  # fmt: skip
"""Fields that lead to attributes: of resources, of spans with their events and links, of records, of points.

One signal's paths lead nowhere in another's message: field 5 of a span is its name, field 5 of a metric its gauge.
"""
MOST_MARKS = 2_000_000
"""Most braces, brackets and commas of a JSON body."""


def at_most(body: bytes, paths: Paths) -> int:
    """Return a number that `count` cannot exceed, a thousand times faster: the bytes that may begin what it counts."""
    tags = {field << 3 | 2 for path in paths for field in path}
    # A tag may be written longer than need be; its first byte then has the highest bit.
    return sum(body.count(tag) + body.count(tag | 0x80) for tag in tags)


def count(body: bytes, paths: Paths, limit: int) -> int:
    """Return how many messages lie at the ends of some paths of protobuf fields, at most limit + 1.

    Only lengths are read, nothing is made. Raises ValueError for what is no protobuf message.
    """
    return _count(memoryview(body), paths, limit)


def _count(view: memoryview, paths: Paths, limit: int) -> int:
    found, at, end = 0, 0, len(view)
    below: dict[int, Paths] = {}
    for path in paths:
        below[path[0]] = (*below.get(path[0], ()), path[1:])
    while at < end and found <= limit:
        tag, at = _varint(view, at)
        field, kind = tag >> 3, tag & 7
        if kind == 2:
            length, at = _varint(view, at)
            if length > end - at:
                raise ValueError("a field ends behind its message")
            inner = below.get(field)
            if inner is not None:
                # Messages on the way count too: a million empty scopes are as many objects as a million spans.
                deeper = tuple(path for path in inner if path)
                found += (() in inner) + (_count(view[at : at + length], deeper, limit - found) if deeper else 0) or 1
            at += length
        elif kind in (0, 1, 5):
            at = _varint(view, at)[1] if kind == 0 else at + (8 if kind == 1 else 4)
        else:
            raise ValueError("groups are not taken")
    return found


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(view) or shift > 63:
            raise ValueError("a number ends too early")
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def check_json(body: bytes) -> None:
    """Refuse a JSON body that would become too many objects; raises OverflowError."""
    marks = sum(body.count(mark) for mark in (b"{", b"[", b","))
    if marks > MOST_MARKS:
        raise OverflowError(f"more than {MOST_MARKS:,} values in one request")
