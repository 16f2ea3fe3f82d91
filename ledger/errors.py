"""Every error of ours, named by what the reader should do about it.

BreakevenError
├── ConfigError          stop and say: the configuration or command line is wrong            (exit 2)
├── StoreUnavailable     ask again, the same batch with the same token: nothing was lost      (exit 3)
│   └── SpoolFull        the same, later: too much waits to be stored
├── StoreRefused         the store answered no: the statement or the schema is wrong          (exit 2)
├── SourceRefused        leave alone until somebody changes it: bad key, missing file         (exit 2)
├── SourceBusy           ask again later: the source is there but slow or limiting            (exit 3)
└── BadRow               keep the rest: one row that cannot be taken, with field and reason   (exit 1)
"""

from __future__ import annotations


class BreakevenError(Exception):
    """Anything that breakeven says about itself; the text is for people."""

    exit_code = 2


class ConfigError(BreakevenError):
    """The configuration cannot be used as it is."""


class StoreUnavailable(BreakevenError):  # noqa: N818
    """The store does not answer now."""

    exit_code = 3


class SpoolFull(StoreUnavailable):
    """So much waits to be stored that no more is taken now."""


class StoreRefused(BreakevenError):  # noqa: N818
    """The store refused a statement; `code` is ClickHouse's number, 0 if it gave none."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


class SourceRefused(BreakevenError):  # noqa: N818
    """A source cannot be read until something outside changes."""


class SourceBusy(BreakevenError):  # noqa: N818
    """A source asks us to come back later."""

    exit_code = 3


class BadRow(BreakevenError):  # noqa: N818
    """One row that cannot be taken."""

    exit_code = 1

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
