"""TELL: rules over what the ledger knows, and channels that reach people."""
