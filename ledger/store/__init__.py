"""KEEP: every table of the ledger behind one class; the only importer of clickhouse_connect."""

from ledger.store.client import Store

__all__ = ["Store"]
