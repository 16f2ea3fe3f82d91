"""The engine of one folder: every statement runs on a handle of its own that is closed after it."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

DATABASE = "breakeven"
_ERROR = re.compile(r"Code: (\d+)\.")
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class EngineError(Exception):
    """A statement that the engine refused; `code` is ClickHouse's error number."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        found = _ERROR.search(text)
        self.code = int(found[1]) if found else 1002


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes of one answer in the format that was asked for, and how many rows they hold."""

    body: bytes
    rows: int


class Engine:
    """One folder opened by this process.

    A handle is a session: after an error in mid-answer the next answer of the same handle would begin
    with the remains of the failed one, and settings stay. So there is no pool: one handle a statement.
    """

    def __init__(self, folder: Path, *, memory_bytes: int) -> None:
        from chdb.state.sqlitelike import Connection  # noqa: PLC0415 - nothing may be imported before the walls

        self._open = Connection
        self._path = (
            f"{folder}?max_server_memory_usage={memory_bytes}&mark_cache_size=67108864"
            "&index_mark_cache_size=67108864&background_pool_size=2"
        )
        self._keeper = self._open(self._path)  # keeps the folder open and its lock held
        self._keeper.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ENGINE = Atomic")
        self.version = self.run("SELECT version()", "TabSeparated").body.decode().strip()

    def run(
        self,
        sql: str,
        output_format: str,
        parameters: dict[str, str] | None = None,
        settings: dict[str, str] | None = None,
    ) -> Answer:
        """Run one statement on a fresh handle; raises EngineError."""
        handle = self._open(self._path)
        try:
            handle.query(f"USE {DATABASE}")
            if settings:
                handle.query("SET " + ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items()))
            result: Any = handle.query(sql, output_format, params=parameters or None)
            return Answer(bytes(result.bytes() or b""), int(result.rows_read() or 0))
        except Exception as error:  # noqa: BLE001 - the engine raises bare and own types alike
            raise EngineError(str(error)) from None
        finally:
            handle.close()

    def canonical(self, sql: str) -> str | None:
        """Return the engine's own spelling of exactly one statement, or None if the text is not one."""
        answer = self.run("SELECT formatQuerySingleLineOrNull({q:String})", "TabSeparatedRaw", {"q": escaped(sql)})
        text = answer.body.decode("utf-8", "replace").removesuffix("\n")
        return None if text in ("", "\\N", "ᴺᵁᴸᴸ") else text

    def header_block(self, sql: str, parameters: dict[str, str] | None = None) -> bytes:
        """Return the Native block of no rows: the engine sends nothing at all, and clients lose the columns."""
        lines = self.run(f"DESCRIBE ({sql})", "TabSeparatedRaw", parameters).body.decode().splitlines()
        columns = [line.split("\t")[:2] for line in lines]
        block = varint(len(columns)) + varint(0)
        for name, kind in columns:
            block += varint(len(name.encode())) + name.encode() + varint(len(kind.encode())) + kind.encode()
        return block

    def close(self) -> None:
        """Stop what runs and close the folder."""
        self._keeper.close()


def quoted(value: str) -> str:
    """Return a string literal of ClickHouse."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def escaped(value: str) -> str:
    """Return a text as the wire form of a String parameter."""
    for plain, wire in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0")):
        value = value.replace(plain, wire)
    return value


def is_setting_name(name: str) -> bool:
    """Say whether a query argument may be passed on as a setting."""
    return bool(_SETTING.match(name))


def varint(number: int) -> bytes:
    """Return LEB128, the length prefix of the Native format."""
    out = b""
    while number > 0x7F:
        out += struct.pack("B", number & 0x7F | 0x80)
        number >>= 7
    return out + struct.pack("B", number)
