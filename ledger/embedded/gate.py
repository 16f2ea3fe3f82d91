"""The gate: which statements may reach the engine, judged on the engine's own parse tree."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.embedded.engine import Engine

MAX_TEXT = 1 << 20
READER_LIMITS = (
    "readonly=1, max_execution_time={seconds}, max_result_rows=100000, max_result_bytes=50000000, "
    "result_overflow_mode='throw', max_memory_usage=1000000000, max_rows_to_read=200000000, http_max_tries=1"
)
_MOST_KEPT = 32 << 10
_PLACE = re.compile(r"\{[^{}]*\}")
_PLAIN = r"(?:String|U?Int(?:8|16|32|64)|Float64|Date|DateTime(?:64)?(?:\((?:\d, *)?(?:'UTC')?\))?)"
_PLAIN_PLACE = re.compile(r"\{\w+: *(?:" + _PLAIN + r"|Array\(" + _PLAIN + r"\))\}")
_FORMAT = re.compile(r"\s+FORMAT\s+([A-Za-z][A-Za-z0-9]*)\s*\Z", re.IGNORECASE)
_NODE = re.compile(r" *(?P<node>[A-Za-z]+)(?: (?P<text>.*?))?(?: \(alias .*\))?(?: \(children \d+\))?\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NODES = frozenset(
    [
        "SelectWithUnionQuery",
        "SelectQuery",
        "SelectIntersectExceptQuery",
        "ExpressionList",
        "Identifier",
        "Literal",
        "Function",
        "TablesInSelectQuery",
        "TablesInSelectQueryElement",
        "TableExpression",
        "TableIdentifier",
        "TableJoin",
        "Subquery",
        "Asterisk",
        "QualifiedAsterisk",
        "OrderByElement",
        "WindowDefinition",
        "WindowListElement",
        "WithElement",
        "ArrayJoin",
        "InterpolateElement",
        "ColumnsTransformerList",
        "ColumnsExceptTransformer",
        "ColumnsReplaceTransformer",
        "Replacement",
        "SampleRatio",
    ]
)
_TABLE_FUNCTIONS = frozenset(
    [
        "numbers",
        "numbers_mt",
        "zeros",
        "zeros_mt",
        "generateseries",
        "generate_series",
        "primes",
        "values",
        "view",
        "null",
    ]
)
_AGGREGATE_ENDINGS = ("if", "array", "distinct", "ornull", "ornullif", "ordefault", "foreach", "argmin", "argmax")
_SYSTEM_TABLES = frozenset(["one", "numbers", "databases", "tables", "columns", "settings", "functions"])
_WRITER_REFUSED = frozenset(
    ["SYSTEM", "KILL", "BACKUP", "RESTORE", "SET", "USE", "ATTACH", "GRANT", "REVOKE", "UNDROP"]
)
_WRITER_CREATE_REFUSED = re.compile(
    r"CREATE (?:OR REPLACE )?"
    r"(?:FUNCTION|NAMED COLLECTION|USER|ROLE|QUOTA|ROW POLICY|SETTINGS PROFILE|WORKLOAD|RESOURCE)\b"
)
_WRITER_SOURCES_REFUSED = re.compile(
    r"\b(?:INTO OUTFILE|FROM INFILE|INSERT INTO FUNCTION|INSERT INTO TABLE FUNCTION|"
    r"SOURCE\((?!CLICKHOUSE\(HOST '127.0.0.1' TABLE ))"
)


class RefusedError(Exception):
    """A statement that never reaches the engine; the text says why."""


def take_format(sql: str) -> tuple[str, str | None]:
    """Return the statement without its trailing `;` and FORMAT word, and that word."""
    sql = sql.strip().rstrip(";").rstrip()
    found = _FORMAT.search(sql)
    return (sql[: found.start()], found[1]) if found else (sql, None)


class Admitted:
    """Texts that were let through, with what came of them: judging one costs as much as a small question.

    Only what cannot depend on values is kept: a text whose places hold plain values is the same statement whatever
    they are. The least recently used is forgotten.
    """

    def __init__(self, most: int = 1024) -> None:
        self._most, self._texts = most, OrderedDict[str, str]()
        self._guard = threading.Lock()

    def get(self, sql: str) -> str | None:
        """Return what came of a text, None if it must be judged."""
        with self._guard:
            found = self._texts.get(sql)
            if found is not None:
                self._texts.move_to_end(sql)
            return found

    def keep(self, sql: str, outcome: str) -> None:
        """Remember what came of a text, if it is not long and its places hold plain values only."""
        if len(sql) > _MOST_KEPT or not all(_PLAIN_PLACE.fullmatch(place) for place in _PLACE.findall(sql)):
            return
        with self._guard:
            self._texts[sql] = outcome
            if len(self._texts) > self._most:
                self._texts.popitem(last=False)


def writer_statement(engine: Engine, sql: str) -> str:
    """Return a statement of our own program as given, if it is exactly one and of a permitted kind."""
    canonical = engine.canonical(sql)
    if canonical is None:
        raise RefusedError("exactly one statement is taken; this is none or several, or has a syntax error")
    first = canonical.split(" ", 1)[0].upper()
    if first in _WRITER_REFUSED or _WRITER_CREATE_REFUSED.match(canonical):
        raise RefusedError(f"{first} is refused for every role of the embedded store")
    if _WRITER_SOURCES_REFUSED.search(canonical):
        raise RefusedError("files, functions as targets, and sources outside our own database are refused")
    return sql


@dataclass(frozen=True, slots=True)
class Gate:
    """What readers may run; `known` are all function names of the engine, `allowed` the frozen list."""

    known: frozenset[str]
    allowed: frozenset[str]
    admitted: Admitted = field(default_factory=Admitted, compare=False)

    @classmethod
    def of(cls, engine: Engine) -> Gate:
        """Build the gate for an engine: functions that only the engine knows are refused, even as names."""
        names = engine.run("SELECT lower(name) FROM system.functions", "TabSeparatedRaw").body.decode()
        return cls(frozenset(names.split()), frozenset(_allowed_names()))

    def admit(self, engine: Engine, sql: str, parameters: dict[str, str], *, seconds: int = 30) -> str:
        """Return the text that runs: the canonical SELECT in a read-only wrapper with limits, or refuse."""
        if len(sql) > MAX_TEXT:
            raise RefusedError("a statement of more than 1 MiB is refused")
        if ";" in sql:
            raise RefusedError("`;` is refused, also inside a text: one SELECT at a time")
        canonical = self.admitted.get(sql) or self._canonical(engine, sql, parameters)
        return f"SELECT * FROM (\n{canonical}\n) SETTINGS {READER_LIMITS.format(seconds=seconds)}"  # noqa: S608

    def _canonical(self, engine: Engine, sql: str, parameters: dict[str, str]) -> str:
        canonical = engine.canonical(sql)
        if canonical is None:
            raise RefusedError("exactly one statement is taken; this is none or several, or has a syntax error")
        tree = engine.run(f"EXPLAIN AST {canonical}", "TabSeparatedRaw", parameters).body
        self.judge(tree.decode("utf-8", "replace").splitlines())
        self.admitted.keep(sql, canonical)
        return canonical

    def judge(self, tree: list[str]) -> None:
        """Refuse a parse tree that holds anything not known to be harmless; each line is judged by itself.

        Aliases may forge lines, so no decision rests on a line's parent, and only the first line, which
        stands before any text of the user, tells the kind of statement.
        """
        if not tree or tree[0] != "SelectWithUnionQuery (children 1)":
            raise RefusedError("only SELECT is read here")
        for line in tree:
            found = _NODE.match(line)
            node, text = (found["node"], found["text"] or "") if found else ("", "")
            if node not in _NODES:
                raise RefusedError(f"this part of SQL is not allowed here: {line.strip()[:80]}")
            if node == "Function" and text.lower() not in self.allowed | _TABLE_FUNCTIONS:
                raise RefusedError(f"function {text} is not allowed here")
            if node == "Identifier":
                self._judge_identifier(text)
            if node == "TableIdentifier":
                _judge_table(text)
            if node == "Literal" and "AggregateFunction" in text:
                raise RefusedError("states of aggregate functions are not taken from outside")

    def _judge_identifier(self, text: str) -> None:
        parts = text.lower().split(".")
        if parts[0] in ("system", "information_schema", "default"):
            raise RefusedError(f"{text} is in another database")
        for part in parts:
            if part in self.known - self.allowed:
                raise RefusedError(f"the name {part} is a function that is not allowed here")


def _judge_table(text: str) -> None:
    parts = text.split(".")
    if len(parts) == 2 and parts[0] == "system" and parts[1] in _SYSTEM_TABLES:
        return
    if len(parts) > 2 or not all(_NAME.match(part) for part in parts):
        raise RefusedError(f"{text[:80]} is not a table of this store")
    if len(parts) == 2 and parts[0] != "breakeven":
        raise RefusedError(f"{text} is in another database")


def _allowed_names() -> Iterator[str]:
    for line in files("ledger.embedded").joinpath("functions.txt").read_text("utf-8").splitlines():
        if line.startswith("agg:"):
            yield from (line[4:] + ending for ending in ("", *_AGGREGATE_ENDINGS))
        elif line and not line.startswith("#"):
            yield line
