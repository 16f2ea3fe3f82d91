"""Apply the numbered migrations: each once, recorded with its hash, an edited one refused."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol

from ledger.errors import ConfigError
from ledger.sqlfile import sql, statements

if TYPE_CHECKING:
    from collections.abc import Iterable

_PACKAGE = "ledger.store"


class Speaker(Protocol):
    """What the runner needs of a store."""

    def command(self, text: str, settings: dict[str, Any] | None = None) -> None:
        """Run one statement."""

    def ask(self, package: str, query: str, /, **values: Any) -> list[dict[str, Any]]:
        """Return the rows of a query file."""

    def tell(self, package: str, query: str, /, *, ver: int = 0, **values: Any) -> None:
        """Run a statement file that writes."""

    def next_ver(self) -> int:
        """Return a number above every earlier one."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file `NNNN_name.sql`: its number, name, text and hash."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Hash of the text as shipped."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def shipped() -> list[Migration]:
    """Return the migrations of this program in order."""
    found = []
    for path in files(_PACKAGE).joinpath("migrations").iterdir():
        if path.name.endswith(".sql"):
            number, _, name = path.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, path.read_text("utf-8")))
    return sorted(found, key=lambda m: m.number)


def pending(applied: dict[int, str], known: Iterable[Migration]) -> list[Migration]:
    """Return what is still to do; raises ConfigError if history and program disagree.

    `applied` maps number to hash as recorded in the store.
    """
    known = list(known)
    newest = max((m.number for m in known), default=0)
    later = [number for number in applied if number > newest]
    if later:
        raise ConfigError(
            f"the store has schema {max(later)}, this program knows {newest}: use the newer breakeven for this store"
        )
    for migration in known:
        if migration.number in applied and applied[migration.number] != migration.sha256:
            raise ConfigError(
                f"migration {migration.number:04d}_{migration.name} was applied with another text: "
                "an applied migration is never edited; restore the file and write a new one"
            )
    return [migration for migration in known if migration.number not in applied]


def migrate(store: Speaker, *, dry_run: bool = False, upto: int | None = None) -> list[str]:
    """Bring the store to the schema of this program, or to an earlier one; return what was (or would be) applied."""
    store.command(sql(_PACKAGE, "schema_migrations_table"))
    applied = {row["number"]: row["sha256"] for row in store.ask(_PACKAGE, "schema_migrations")}
    todo = [m for m in pending(applied, shipped()) if upto is None or m.number <= upto]
    if not dry_run:
        for migration in todo:
            for statement in statements(migration.text):
                store.command(statement)
            ver = store.next_ver()
            store.tell(
                _PACKAGE,
                "schema_migrations_add",
                number=migration.number,
                name=migration.name,
                sha256=migration.sha256,
                ver=ver,
            )
    return [f"{m.number:04d}_{m.name}" for m in todo]


def reload_dictionaries(store: Speaker) -> None:
    """Make the dictionaries anew from their tables: LIFETIME does not refresh them in the embedded engine."""
    for migration in shipped():
        for statement in statements(migration.text):
            if "CREATE OR REPLACE DICTIONARY" in statement:
                store.command(statement)
