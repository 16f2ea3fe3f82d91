"""RUN: configuration, jobs, page, command line and demo around the four parts and the ledger."""

from importlib.metadata import version

__version__ = version("breakeven")
