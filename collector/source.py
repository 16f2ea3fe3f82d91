"""What sources are, and the lists of them: a new one is one file and one line here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from ledger.errors import BadRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from ledger.records import Charge, GpuSample, Request, UsageBucket

    Found = UsageBucket | Charge | Request | GpuSample | BadRow

T = TypeVar("T")

SOURCES = {
    "requests_log": "collector.sources.requests_log.RequestsLog",
    "gpu_log": "collector.sources.gpu_log.GpuLog",
    "focus": "collector.sources.focus.Focus",
    "bedrock": "collector.sources.bedrock.Bedrock",
    "azure": "collector.sources.azure.Azure",
    "google": "collector.sources.google.Google",
}
"""Sources of files: name → dotted class, imported on first use."""

BILLS = ("focus", "bedrock", "azure", "google")
"""Those of SOURCES that are bills of charges, told by the columns of their first row."""

PULLED = {
    "openai": "collector.sources.openai.OpenAI",
    "anthropic": "collector.sources.anthropic.Anthropic",
    "openrouter": "collector.sources.openrouter.OpenRouter",
    "litellm": "collector.sources.litellm.LiteLLM",
    "prometheus": "collector.sources.prometheus.Prometheus",
}
"""Sources that are asked: kind in [sources.NAME] → dotted class."""


class FileSource(Protocol):
    """Reads rows of files; `parse` is pure, the importer opens, counts, stores and reports."""

    name: str

    def fits(self, row: dict[str, Any]) -> bool:
        """Say whether a row looks like this source's."""

    def parse(self, row: dict[str, Any]) -> list[Request] | list[GpuSample] | list[Charge]:
        """Return the records of one row; raises BadRow naming the field."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One thing that a source is asked for: how often, how far back each time, and when its buckets are final.

    Windows of `step_h` hours begin at whole UTC days, or at whole hours (`floor_h` 1).
    """

    name: str
    table: str
    poll_s: int
    restate_h: int
    final_after_h: int
    step_h: int
    width_h: int = 24
    floor_h: int = 24


@dataclass(frozen=True, slots=True)
class Given:
    """What the configuration says of a source: [sources.NAME]."""

    name: str
    kind: str
    key: str = field(default="", repr=False)
    base_url: str = ""
    account: str = ""
    sleep: Callable[[float], None] = time.sleep


class PulledSource(Protocol):
    """Asks a provider; the puller keeps windows, stores, finds what vanished, and reports."""

    given: Given
    streams: ClassVar[tuple[Stream, ...]]

    def poll(self, stream: str, start: datetime, end: datetime) -> Iterator[Found]:
        """Yield everything that the provider says of a half-open window, and why a row cannot be taken."""


def each(rows: Iterable[T], read: Callable[[T], Found]) -> Iterator[Found]:
    """Yield what rows are, or why one cannot be taken; the rows beside it go on."""
    for row in rows:
        try:
            yield read(row)
        except BadRow as wrong:
            yield wrong


def source(name: str) -> Any:
    """Return the class of a source; raises KeyError for an unknown name."""
    module, _, cls = {**SOURCES, **PULLED}[name].rpartition(".")
    return getattr(import_module(module), cls)
