"""Which model a bill means: bills, usage reports and requests write one model's name in different ways; pure."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_DATED = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8})(?=$|-v\d)")
_VERSION = re.compile(r"-v\d+(?::\d+)?$")
_PARTS = re.compile(r"[a-z]+|\d+")
_OF_NO_MODEL = {
    "anthropic", "amazon", "meta", "mistral", "cohere", "openai", "google", "deepseek", "us", "eu", "apac", "jp",
    "global", "arn", "aws", "publishers", "models", "latest",
}  # fmt: skip
"""Words that names of models carry beside the model: whose it is, where it runs."""


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return a model's name without the date and number of its version."""
    return _VERSION.sub("", _DATED.sub("", name.lower()))


def same(billed: str, known: Iterable[str]) -> str:
    """Return the one known model that a billed name means, else the billed name itself.

    Names are the same when their words and numbers are, in any order and spelling ("Claude4Sonnet",
    "anthropic.claude-sonnet-4-20250514-v1:0"); owners and regions do not count. Two that fit are none.
    """
    name = plain(billed)
    wanted = _words(name)
    fitting = {plain(one) for one in known if _words(plain(one)) == wanted}
    return name if name in fitting or len(fitting) != 1 else fitting.pop()


@lru_cache(maxsize=4096)
def _words(name: str) -> frozenset[tuple[str, int]]:
    parts = [part for part in _PARTS.findall(name) if part not in _OF_NO_MODEL]
    return frozenset(Counter(parts).items())
