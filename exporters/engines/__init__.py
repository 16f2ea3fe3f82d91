"""Model servers: which of their metrics mean what. One small file each; a new one is a file and a line in ENGINES."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

ENGINES = ("vllm", "sglang", "tgi", "trtllm", "triton", "dynamo", "llamacpp", "nim")
"""In the order in which they are looked for; NIM last, its names have no prefix."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Names of one server's metrics; the first that is there counts, its series are added up. '' = it tells none.

    `prompt` includes cached tokens unless `prompt_is_uncached`. `finished` maps a label's values to outcomes; a value
    that is not named is a success. `only` keeps the series of one rank where every rank repeats the tokens.
    `marks` are names of which one must be there, for servers that share a prefix with something else.
    """

    name: str
    prefix: str
    marks: tuple[str, ...] = ()
    prompt: tuple[str, ...] = ()
    cached: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    finished_label: str = ""
    finished: dict[str, str] = field(default_factory=dict)
    running: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    kv_used: tuple[str, ...] = ()
    idle_s: tuple[str, ...] = ()
    prefill_s: tuple[str, ...] = ()
    decode_s: tuple[str, ...] = ()
    ttft: tuple[str, ...] = ()
    model_label: str = "model_name"
    prompt_is_uncached: bool = False
    requests_include_failed: bool = False
    only: dict[str, str] = field(default_factory=dict)

    def fits(self, names: Collection[str]) -> bool:
        """Say whether a page of metrics is this server's."""
        if self.marks:
            return any(mark in names for mark in self.marks)
        return any(name.startswith(self.prefix) for name in names)


def engine(name: str) -> Engine:
    """Return a server by its name; raises KeyError."""
    if name not in ENGINES:
        raise KeyError(name)
    found: Engine = import_module(f"exporters.engines.{name}").ENGINE
    return found


def detect(names: Collection[str]) -> Engine | None:
    """Return the server whose metrics these are, None if it is none that is known."""
    return next((one for one in map(engine, ENGINES) if one.fits(names)), None)
