"""Exports that run by themselves, as they are configured."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ("focus", "view", "otlp")
FORMATS = ("parquet", "csv")


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """[exports.NAME]: FOCUS files or a view to a folder or an object store, or headline costs as OpenTelemetry metrics.

    Files are whole months; the running and the last month are written anew every time, since bills and late rows
    still change them.
    """

    kind: str
    to: str
    name: str = ""
    view: str = ""
    format: str = "parquet"
    every_hours: int = 24
    every_seconds: int = 60
    header: str = field(default="", repr=False)


def export_errors(exports: dict[str, ExportConfig]) -> list[str]:
    """Return what contradicts itself in exports."""
    errors = []
    for name, one in exports.items():
        at = f"exports.{name}"
        if one.kind not in KINDS:
            errors.append(f"{at}.kind: {one.kind!r} is not one of {', '.join(KINDS)}")
        if one.format not in FORMATS:
            errors.append(f"{at}.format: {one.format!r} is not one of {', '.join(FORMATS)}")
        if one.kind == "view" and not one.view.startswith("v_"):
            errors.append(f"{at}.view: {one.view!r}: name a view of docs/sql.md, such as v_cost_daily")
        if one.kind == "otlp" and not one.to.startswith(("http://", "https://")):
            errors.append(f"{at}.to: {one.to!r}: the receiver's address, such as http://collector:4318/v1/metrics")
        if one.every_hours < 1 or one.every_seconds < 5:
            errors.append(f"{at}: at most once an hour for files, once in 5 seconds for metrics")
        if one.header and ":" not in one.header:
            errors.append(f"{at}.header: write NAME: VALUE")
    return errors
