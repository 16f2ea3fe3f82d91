"""One machine's schema on a cluster: what `[store] cluster` adds to each statement that makes or changes a table."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.sqlfile import sql

SHARDED = {"requests": "event_id", "gpu_samples": "cityHash64(node)", "engine_samples": "cityHash64(node)"}
"""Tables that are spread over the shards, and by what: every delivery of a row must meet the first one, because a
ReplacingMergeTree replaces within one shard only. All others are small and have a copy on every node, so that a panel
never leaves the node that it asks."""
SETTINGS = {
    "distributed_foreground_insert": 1,  # an answer means that the shard has it
    "distributed_product_mode": "global",  # attempts of one logical request may lie on several shards
    "distributed_ddl_task_timeout": 180,
}
"""What statements are sent with on a cluster."""

_DDL = re.compile(
    r"^(CREATE (?:TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS|CREATE OR REPLACE (?:VIEW|DICTIONARY)|ALTER TABLE"
    r"|DROP TABLE IF EXISTS) (\w+)(?=[\s(]|\Z)",
    re.MULTILINE,
)
_ENGINE = re.compile(r"ENGINE = (?:(Replacing)?MergeTree)\(([^()]*)\)")
_WHERE_IT_LIES = re.compile(r"\s*(?:(?:DROP|DETACH|ATTACH) PART|MODIFY (?:TTL|SETTING)|DELETE|UPDATE)")
"""Changes of rows and parts, which a Distributed table has none of."""
_FROM_HERE = "SOURCE(CLICKHOUSE(HOST '127.0.0.1' "


@dataclass(frozen=True, slots=True)
class Server:
    """A ClickHouse server as statements see it: its cluster, empty for a single one, and who reads dictionaries."""

    cluster: str = ""
    user: str = ""
    password: str = ""

    def adapt(self, statement: str) -> list[str]:
        """Return the statements to run in place of one of the migrations' or jobs'; questions stay as they are.

        A dictionary that reads a table of the same server signs in like everybody else.
        """
        if self.user and _FROM_HERE in statement:
            login = f"{_FROM_HERE}USER {_quoted(self.user)} PASSWORD {_quoted(self.password)} "
            statement = statement.replace(_FROM_HERE, login)
        found = _DDL.search(statement)
        if not self.cluster or found is None:
            return [statement]
        head, table, rest = found[1], found[2], statement[found.end() :]
        if head == "CREATE TABLE IF NOT EXISTS" and _ENGINE.search(rest):
            return self._table(found, table)
        whole = self._everywhere(found, table)
        if head == "DROP TABLE IF EXISTS":
            # SYNC: its path in the keeper must be free before the same name is created again.
            return [f"{self._everywhere(found, name)} SYNC" for name in _names(table)]
        if table in SHARDED and head == "ALTER TABLE":
            local = self._everywhere(found, _local(table))
            return [local] if _WHERE_IT_LIES.match(rest) else [local, whole]
        return [whole]

    def _everywhere(self, found: re.Match[str], name: str) -> str:
        """Return a statement with this name in place of its table's, for all nodes."""
        return found.re.sub(lambda _: f"{found[1]} {name} ON CLUSTER {_quoted(self.cluster)}", found.string, count=1)

    def _table(self, found: re.Match[str], table: str) -> list[str]:
        sharded = table in SHARDED
        path = "/clickhouse/tables/{database}/" + table + ("/{shard}" if sharded else "")
        replica = "{replica}" if sharded else "{shard}-{replica}"

        def replicated(engine: re.Match[str]) -> str:
            given = ", ".join(part for part in (f"'{path}'", f"'{replica}'", engine[2]) if part)
            return f"ENGINE = Replicated{engine[1] or ''}MergeTree({given})"

        made = _ENGINE.sub(replicated, self._everywhere(found, _local(table) if sharded else table), count=1)
        if not sharded:
            return [made]
        names = {"table_name": table, "'cluster_name'": _quoted(self.cluster), "sharding_key": SHARDED[table]}
        reading = sql("ledger.store", "distributed")
        for name, value in names.items():
            reading = reading.replace(name, value)
        return [made, reading]


def _local(table: str) -> str:
    return f"{table}_local"


def _names(table: str) -> tuple[str, ...]:
    return (_local(table), table) if table in SHARDED else (table,)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
