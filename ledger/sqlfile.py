"""SQL lives in `.sql` files beside the code that uses it; this opens them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def sql(package: str, name: str) -> str:
    """Return the statement of `NAME.sql` in a package, without its caption comment's trailing semicolon."""
    return files(package).joinpath(f"{name}.sql").read_text("utf-8").strip().rstrip(";")


def statements(text: str) -> list[str]:
    """Split a migration into its statements: each ends with a semicolon at the end of a line."""
    parts = [part.strip() for part in (text + "\n").split(";\n")]
    return [part for part in parts if any(_is_code(line) for line in part.splitlines())]


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("--")
