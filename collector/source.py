"""What a file source is, and the list of them: a new one is one file and one line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ledger.records import GpuSample, Request

SOURCES = {
    "requests_log": "collector.sources.requests_log.RequestsLog",
    "gpu_log": "collector.sources.gpu_log.GpuLog",
}
"""Name → dotted class, imported on first use."""


class FileSource(Protocol):
    """Reads rows of files; `parse` is pure, the importer opens, counts, stores and reports."""

    name: str

    def fits(self, row: dict[str, Any]) -> bool:
        """Say whether a row looks like this source's."""

    def parse(self, row: dict[str, Any]) -> list[Request] | list[GpuSample]:
        """Return the records of one row; raises BadRow naming the field."""


def source(name: str) -> Any:
    """Return the class of a source; raises KeyError for an unknown name."""
    module, _, cls = SOURCES[name].rpartition(".")
    return getattr(import_module(module), cls)
