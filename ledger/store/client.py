"""The store: records in, query files out, over ClickHouse HTTP to the embedded process or to a server."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from ledger.errors import ConfigError, StoreRefused, StoreUnavailable
from ledger.sqlfile import sql
from ledger.store.cluster import SETTINGS, Server
from ledger.store.migrate import migrate
from ledger.store.process import Deaths, StoreProcess, start_or_join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.records import Record

DATABASE = "breakeven"
_SAID = re.compile(r"DB::Exception: (.*?)(?: \([A-Z_]+\))?(?: \(version .*\))?\s*\Z", re.DOTALL)
_HTTP = re.compile(r"HTTP driver received HTTP status (\d+)")
_FULL = frozenset({202, 209, 210, 242, 243, 252, 279, 425, 999})
"""Too many at once, no connection, read-only, no space, too many parts, no keeper: the same may be sent again."""
_PASSING = _FULL | {159, 241, 319}
"""Of statements of our own also out of time, out of memory, not known whether it was stored."""
_TRIES = 20
_UPTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""It goes on while the machine sleeps, where the system has such a clock."""
_BLOCK = 100_000
READ_LIMITS = {
    "readonly": 1,
    "max_execution_time": 30,
    "max_result_rows": 100_000,
    "result_overflow_mode": "throw",
}


class Store:
    """The ledger's tables.

    `url` is a folder (the embedded engine in a process of its own) or `clickhouse://` /
    `clickhouses://user:password@host:port/database`; `cluster` names one that the server belongs to. Not for many
    threads at once: each takes its own.
    """

    def __init__(self, url: str | Path, *, http: str = "", reader_password: str = "", cluster: str = "") -> None:
        self.url = str(url)
        self.server = self.url.startswith(("clickhouse://", "clickhouses://"))
        if cluster and not self.server:
            raise ConfigError(f"store.cluster {cluster!r}: only a server (clickhouse://…) belongs to a cluster")
        login = server_address(self.url) if self.server else {"username": "", "password": ""}
        named = (login["username"], login["password"]) != ("default", "")
        self._adapt = Server(cluster, *((login["username"], login["password"]) if named else ("", ""))).adapt
        self._settings = SETTINGS if cluster else None
        self._http, self._reader_password = http, reader_password
        self._process: StoreProcess | None = None
        self._deaths = Deaths()
        self._client: Any = None
        self._reader: Any = None
        self._ver = self._begun = 0
        self._types: dict[str, dict[str, str]] = {}
        self._lock = threading.RLock()
        self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """Where the embedded engine keeps its files."""
        return Path(self.url.removeprefix("chdb://")).expanduser().resolve()

    @property
    def confined(self) -> bool:
        """Whether free SQL of people may run: the embedded engine is walled in, or a server has its own roles."""
        return self._process is None or self._process.confined

    def migrate(self, *, dry_run: bool = False) -> list[str]:
        """Bring the schema up to date; return the names of the migrations applied (or due)."""
        self._types.clear()
        return migrate(self, dry_run=dry_run)

    def sync(self, *, on: bool) -> int:
        """Have inserts wait for the disk, or not any more; return how many tables changed.

        It costs some ten milliseconds an insert; without it a loss of power can lose the last rows, a kill cannot.
        """
        changed = [row["name"] for row in self.ask("ledger.store", "synced_tables") if bool(row["synced"]) != on]
        for name in changed:
            self.tell("ledger.store", "sync_on" if on else "sync_off", table=name)
        return len(changed)

    def ask(self, package: str, query: str, /, **values: Any) -> list[dict[str, Any]]:
        """Return the rows of `QUERY.sql` in a package, as dicts; instants are aware, money is Decimal."""
        result = self._call(lambda: self._client.query(sql(package, query), parameters=bound(values)))
        names = result.column_names
        return [dict(zip(names, row, strict=True)) for row in result.result_rows]

    def engine(self) -> str:
        """Return the version of the engine."""
        return str(self._client.server_version)

    def fetch(self, package: str, query: str, form: str, /, **values: Any) -> bytes:
        """Return the answer of `QUERY.sql` in one of ClickHouse's formats, at most 256 MiB of it."""
        given = bound(values)
        found: bytes = self._call(lambda: self._client.raw_query(sql(package, query), parameters=given, fmt=form))
        return found

    def tell(self, package: str, query: str, /, *, ver: int = 0, **values: Any) -> None:
        """Run a statement file that writes; `ver` reaches it as `{ver:UInt64}` and the door's views as version."""
        settings = {"log_comment": str(ver), "optimize_on_insert": 0} if ver else None
        given = {**bound(values), "ver": ver} if ver else bound(values)
        for text in self._adapt(sql(package, query)):
            self._call(lambda text=text: self._client.command(text, parameters=given, settings=settings))

    def command(self, text: str, settings: dict[str, Any] | None = None) -> None:
        """Run one statement of our own, such as a migration's."""
        for one in self._adapt(text):
            self._call(lambda one=one: self._client.command(one, settings=settings))

    def read(self, text: str, values: dict[str, Any] | None = None) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a person's SELECT as the reader, under limits; return names and rows."""
        settings = READ_LIMITS if self.server else None
        given = bound(values or {})
        result = self._call(lambda: self._reader.query(text, parameters=given, settings=settings), passing=_FULL)
        return list(result.column_names), [tuple(row) for row in result.result_rows]

    def read_as(self, text: str, form: str, values: dict[str, Any] | None = None) -> bytes:
        """Run a person's SELECT as the reader, under limits; return the answer in one of ClickHouse's formats."""
        settings = READ_LIMITS if self.server else None
        given = bound(values or {})
        found: bytes = self._call(
            lambda: self._reader.raw_query(text, parameters=given, settings=settings, fmt=form), passing=_FULL
        )
        return found

    def add(self, records: Sequence[Record], *, token: str = "") -> int:
        """Insert records of one table; the same token again changes nothing. Return their version.

        Rows of one call must lie in one month where the table has months, so that a batch is atomic.
        """
        if not records:
            return self._ver
        first = records[0]
        names = [field.name for field in fields(first)]
        columns = [[getattr(record, name) for record in records] for name in names]
        return self.add_columns(first.TABLE, dict(zip(names, columns, strict=True)), token=token)

    def add_columns(self, table: str, columns: dict[str, list[Any]], *, token: str = "") -> int:
        """Insert columns of plain Python values; naive instants are refused. Return the version of the rows."""
        for name, column in columns.items():
            probe = next((value for value in column if value is not None), None)
            if isinstance(probe, datetime) and any(v is not None and v.tzinfo is None for v in column):
                raise StoreRefused(f"{table}.{name}: an instant without a time zone is refused")
        ver = self.next_ver()
        landed = table.startswith("land_")
        if not landed:
            size = len(next(iter(columns.values())))
            columns = {**columns, "ver": [ver] * size}
        settings = {
            "optimize_on_insert": 0,
            "deduplicate_blocks_in_dependent_materialized_views": 1,
            "max_insert_block_size": _BLOCK,
            "log_comment": str(ver),
            # Lazily evaluated branches of the landing view would look every price up again for each of their uses.
            "short_circuit_function_evaluation": "disable",
        }
        if token:
            settings["insert_deduplication_token"] = token
        types = self._types_of(table)
        if strange := [name for name in columns if name not in types]:
            raise StoreRefused(f"{table} has no column {strange[0]}", 16)
        try:
            self._call(
                lambda: self._client.insert(
                    table,
                    list(columns.values()),
                    column_names=list(columns),
                    column_type_names=[types[name] for name in columns],
                    column_oriented=True,
                    settings=settings,
                )
            )
        except StoreRefused:
            self._types.clear()  # another program may have changed the table
            raise
        return ver

    def _types_of(self, table: str) -> dict[str, str]:
        """Return the column types of a table, asked once: the client would ask with each insert."""
        if table not in self._types:
            rows = self.ask("ledger.store", "column_types", table=table)
            if not rows:
                raise StoreRefused(f"there is no table {table}", 60)
            self._types[table] = {row["name"]: row["type"] for row in rows}
        return self._types[table]

    def land(self, table: str, data: bytes, token: str) -> int:
        """Hand lines to a landing table, which parses, checks and prices them; the same token again changes nothing.

        Return the version of the rows.
        """
        ver = self.next_ver()
        settings = {
            "insert_deduplication_token": token,
            "optimize_on_insert": 0,
            "deduplicate_blocks_in_dependent_materialized_views": 1,
            "max_insert_block_size": _BLOCK,
            "input_format_parallel_parsing": 0,  # one block, so that a month of a segment is one part and one token
            "log_comment": str(ver),
            "short_circuit_function_evaluation": "disable",
        }
        self._call(lambda: self._client.raw_insert(table, insert_block=data, fmt="LineAsString", settings=settings))
        return ver

    def put(self, table: str, columns: list[str], data: bytes, token: str) -> None:
        """Insert rows of a Parquet file as they are, version included; the same token again changes nothing."""
        settings = {"insert_deduplication_token": token, "optimize_on_insert": 0}
        self._call(lambda: self._client.raw_insert(table, columns, insert_block=data, fmt="Parquet", settings=settings))

    def next_ver(self) -> int:
        """Return a number of nanoseconds above every earlier one of this store object.

        It is the store's clock as it stood at first, and at least the newest version that is stored, carried on by a
        clock that nobody sets: whoever's clock is wrong, or is put right, what is written later wins.
        """
        with self._lock:
            elapsed = time.clock_gettime_ns(_UPTIME)
            if not self._begun:
                self._begun = self._now_there() - elapsed
            self._ver = max(self._ver + 1, self._begun + elapsed)
            return self._ver

    def _now_there(self) -> int:
        (row,) = self.ask("ledger.store", "store_clock")
        there = int(row["there"].timestamp() * 1e6) * 1000
        try:
            return max(there, 1 + int(self.ask("ledger.store", "newest_version")[0]["newest"]))
        except StoreRefused:  # its tables are not there yet
            return there

    def close(self) -> None:
        """Close connections, and the store process if this object started it."""
        for client in (self._client, self._reader):
            if client is not None:
                client.close()
        self._client = self._reader = None
        if self._process is not None:
            self._process.close()
            self._process = None

    def _call(self, action: Any, passing: frozenset[int] = frozenset()) -> Any:
        """Run an action; `passing`: codes of errors that pass by themselves."""
        try:
            return action()
        except OperationalError as error:
            if error.code or self.server or (self._process is not None and self._process.alive()):
                raise _translated(error, passing or _PASSING) from error
            # The command that had started the store is gone: every statement of ours may be repeated.
            self._connect()
            return self._once_more(action)
        except ClickHouseError as error:
            raise _translated(error, passing or _PASSING) from error

    @staticmethod
    def _once_more(action: Any) -> Any:
        try:
            return action()
        except ClickHouseError as error:
            raise _translated(error, _PASSING) from error

    def _connect(self) -> None:
        if self.server:
            self._client = self._reader = _client(**server_address(self.url), settings=self._settings)
            return
        with self._lock:
            if self._process is not None:
                self._deaths.note(self._process)
                self._process.close()
            self._deaths.wait(self.folder)
            for left in reversed(range(_TRIES)):
                self._process = start_or_join(self.folder, http=self._http, reader_password=self._reader_password)
                here = {"host": "127.0.0.1", "port": self._process.port, "database": DATABASE}
                try:
                    self._client = _client(**here, username="breakeven", password=self._process.writer)
                    self._reader = _client(**here, username="breakeven_read", password=self._process.reader)
                except StoreUnavailable:
                    # It was another's, answered a ping and is going down now: the next try finds or starts one.
                    if self._process.child is not None or not left:
                        raise
                    time.sleep(0.5)
                else:
                    return


def server_address(url: str) -> dict[str, Any]:
    """Take a `clickhouse://` URL apart; raises ConfigError naming what is missing."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ConfigError(f"store: no host in {parts.scheme}://…; write clickhouse://user:password@host:8123/database")
    secure = parts.scheme == "clickhouses"
    return {
        "host": parts.hostname,
        "port": parts.port or (8443 if secure else 8123),
        "username": unquote(parts.username or "default"),
        "password": unquote(parts.password or ""),
        "database": parts.path.strip("/") or DATABASE,
        "secure": secure,
    }


def bound(values: dict[str, Any]) -> dict[str, Any]:
    """Return query values in the form the engine reads alike in every zone: instants as epoch seconds."""
    return {name: _bound(value) for name, value in values.items()}


def _bound(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise StoreRefused("an instant without a time zone is refused")
        return f"{max(0, int(value.timestamp())):010d}"  # fewer digits are not read as an epoch
    if isinstance(value, (list, tuple)):
        return [_listed(item) for item in value]
    if isinstance(value, Decimal):
        return str(value)
    return value


def _listed(value: Any) -> Any:
    """Return a value inside an array: places of arrays name UTC, so text is read alike everywhere."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else value


def _client(**address: Any) -> Any:
    try:
        return clickhouse_connect.get_client(
            **address, tz_mode="aware", autogenerate_session_id=False, compress=False, query_limit=0
        )
    except ClickHouseError as error:
        raise _translated(error, _PASSING) from error


def _translated(error: ClickHouseError, passing: frozenset[int]) -> StoreUnavailable | StoreRefused:
    """Return an error of ours: by ClickHouse's own number where there is one, by HTTP's where a proxy answered."""
    text, code = str(error).split(" (for url")[0], error.code or 0
    proxy = _HTTP.match(text)
    if code:
        passes = code in passing
    elif proxy:
        passes = int(proxy[1]) >= 500 or int(proxy[1]) == 429
    else:
        passes = isinstance(error, OperationalError) or not isinstance(error, DatabaseError)
    if passes:
        return StoreUnavailable(f"the store does not answer: {text}")
    said = _SAID.search(text)
    return StoreRefused(said[1] if said else text, code)
