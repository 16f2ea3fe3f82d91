"""Asking over HTTP: JSON with exact numbers, patience with a busy server, errors in plain words."""

from __future__ import annotations

import contextlib
import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import httpx2

from ledger.errors import SourceBusy, SourceRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MAX_PAGES = 10_000
ATTEMPTS = 5
PATIENCE_S = 60.0
"""Longest wait within one question; a server that asks for more is left alone until the next poll."""
_AGAIN = {408, 429, 500, 502, 503, 504, 529}


@dataclass(slots=True)
class Client:
    """Asks one provider. `refusals` says in plain words what a status means there; `sleep` is for tests."""

    name: str
    base_url: str
    headers: Mapping[str, str]
    refusals: Mapping[int, str] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep

    def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Any:
        """Return the JSON answer, numbers as Decimal or int.

        Raises SourceRefused for what will not change by itself, SourceBusy for what may.
        """
        why = ""
        headers = {"User-Agent": _agent(), **self.headers}
        with httpx2.Client(headers=headers, timeout=60, follow_redirects=False) as http:
            for attempt in range(ATTEMPTS):
                try:
                    answer = http.get(self.base_url.rstrip("/") + path, params=list(params))
                except httpx2.HTTPError as error:
                    why, wait = f"{type(error).__name__}: {error}", _backoff(attempt)
                else:
                    if answer.status_code not in _AGAIN:
                        return self._read(path, answer)
                    why = f"{answer.status_code} {_said(answer)}"
                    wait = _asked(answer.headers.get("retry-after", ""), _backoff(attempt))
                if wait > PATIENCE_S:
                    raise SourceBusy(f"{self.name}: {path}: {why}; it asks to come back in {wait:.0f} s")
                if attempt < ATTEMPTS - 1:
                    self.sleep(wait)
        raise SourceBusy(f"{self.name}: {path}: {why}; {ATTEMPTS} attempts, tried again at the next poll")

    def pages(self, path: str, params: Sequence[tuple[str, str]], cursor: str = "page") -> Iterator[dict[str, Any]]:
        """Yield the pages of a listing until it has no more; a server that repeats its cursor is stopped."""
        seen: set[str] = set()
        where: list[tuple[str, str]] = []
        for _ in range(MAX_PAGES):
            page = self.get(path, [*params, *where])
            if not isinstance(page, dict):
                raise SourceRefused(f"{self.name}: {path}: the answer is not an object")
            yield page
            following = str(page.get("next_page") or "")
            if not page.get("has_more") or not following:
                return
            if following in seen:
                raise SourceRefused(f"{self.name}: {path}: the server repeats page {following!r}; nothing was stored")
            seen.add(following)
            where = [(cursor, following)]
        raise SourceRefused(f"{self.name}: {path}: more than {MAX_PAGES} pages")

    def _read(self, path: str, answer: httpx2.Response) -> Any:
        if answer.status_code != 200:
            advice = self.refusals.get(answer.status_code, "")
            raise Refusal(
                f"{self.name}: {path}: {answer.status_code} {_said(answer)}{'; ' if advice else ''}{advice}",
                answer.status_code,
            )
        try:
            return json.loads(answer.text, parse_float=Decimal)
        except ValueError as error:
            raise SourceRefused(f"{self.name}: {path}: the answer is not JSON: {error}") from None


class Refusal(SourceRefused):
    """A status that will not change by itself."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def _said(answer: httpx2.Response) -> str:
    """Return the first words of an error body: the provider's own message, never the request."""
    try:
        body = answer.json()
        error = body.get("error", body) if isinstance(body, dict) else {}
        text = error.get("message", "") if isinstance(error, dict) else str(error)
    except ValueError:
        text = ""
    return str(text)[:200] or answer.reason_phrase


def _asked(text: str, otherwise: float) -> float:
    """Return the seconds of a Retry-After header, a number or a date."""
    with contextlib.suppress(ValueError):
        return max(0.0, float(text))
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return otherwise


def _backoff(attempt: int) -> float:
    return float(min(30.0, 0.5 * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311 - spreads polls, hides nothing


def _agent() -> str:
    return f"breakeven/{version('breakeven')}"
