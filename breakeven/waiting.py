"""Where what senders tell waits until the ledger has it: beside an embedded store, or in a folder that is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from collector.receivers.loader import Place

if TYPE_CHECKING:
    from breakeven.config import Config
    from ledger.store import Store


def waiting(config: Config, store: Store) -> Place:
    """Return the place; a server's receivers have no disk unless one is named, and answer after the insert."""
    given = config.server
    if given.spool:
        folder: Path | None = Path(given.spool).expanduser()
    else:
        folder = None if store.server else store.folder / "receive"
    return Place(folder, given.spool_max_mib << 20)
