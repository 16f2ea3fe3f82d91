"""What the API takes and gives, said once: routes, checks of parameters and the OpenAPI document come from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from breakeven import __version__
from ledger.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TEXT: dict[str, Any] = {"type": "string"}
MONEY: dict[str, Any] = {"type": ["string", "null"], "description": "USD as text; null is unknown, never 0"}
COUNT: dict[str, Any] = {"type": ["integer", "null"]}
SHARE: dict[str, Any] = {"type": ["number", "null"], "description": "Part of 1"}
INSTANT: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": "^[1-9][0-9]{0,3}[hdw]$", "description": "so long ago"},
        {"type": "string", "format": "date", "description": "a day of the zone"},
        {"type": "string", "format": "date-time"},
    ]
}
ROWS: dict[str, Any] = {
    "type": "object", "required": ["rows"], "properties": {"rows": {"type": "array", "items": {"type": "object"}}},
}  # fmt: skip
ERROR: dict[str, Any] = {
    "type": "object", "required": ["error"],
    "properties": {"error": {"type": "object", "required": ["code", "message"], "properties": {
        "code": {"type": "string"}, "message": {"type": "string", "description": "What is wrong and what to do"}}}},
}  # fmt: skip


class NotFound(ConfigError):  # noqa: N818
    """A thing that is asked for by name and is not there."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of the query; `many` takes several values, repeated or separated by commas."""

    name: str
    about: str
    schema: Mapping[str, Any] = field(default_factory=lambda: TEXT)
    default: Any = ""
    many: bool = False

    def read(self, values: Sequence[str]) -> Any:
        """Return what a query gives, or the default; raises ConfigError naming the parameter."""
        if self.many:
            parts = [part.strip() for value in values for part in value.split(",")]
            return [self._checked(part) for part in parts] if values else self.default
        if len(values) > 1:
            raise ConfigError(f"{self.name}: given {len(values)} times, once is taken")
        return self._checked(values[0]) if values else self.default

    def _checked(self, value: str) -> Any:
        if "enum" in self.schema and value not in self.schema["enum"]:
            few = ", ".join(self.schema["enum"][:12])
            raise ConfigError(f"{self.name} {value!r}: not one of {few}")
        if self.schema.get("type") != "integer":
            if not value and self.schema != TEXT:
                raise ConfigError(f"{self.name}: empty; leave it out")
            return value
        least, most = self.schema["minimum"], self.schema["maximum"]
        if not value.isascii() or not value.isdigit() or len(value) > 12 or not least <= int(value) <= most:
            raise ConfigError(f"{self.name} {value!r}: a number from {least} to {most}")
        return int(value)

    def document(self) -> dict[str, Any]:
        """Return it as OpenAPI has it."""
        schema = {"type": "array", "minItems": 1, "items": self.schema} if self.many else dict(self.schema)
        if self.default not in ("", None) and not self.many:
            schema["default"] = self.default
        more = {"style": "form", "explode": False} if self.many else {}
        return {"name": self.name, "in": "query", "description": self.about, "schema": schema, **more}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One answer: how it is asked for, what it returns. `places` are names in the path with their known values."""

    path: str
    summary: str
    read: Callable[[dict[str, Any]], Any]
    params: tuple[Param, ...] = ()
    answer: Mapping[str, Any] = field(default_factory=lambda: ROWS)
    places: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def asked(self, query: Mapping[str, Sequence[str]], places: Mapping[str, str]) -> dict[str, Any]:
        """Return the values of a request; raises ConfigError for a name that is not known."""
        known = {param.name: param for param in self.params}
        unknown = [name for name in query if name not in known]
        if unknown:
            raise ConfigError(f"{unknown[0]!r} is not one of {', '.join(known) or 'none: nothing is taken here'}")
        return {**places, **{name: param.read(query.get(name, ())) for name, param in known.items()}}

    def document(self) -> dict[str, Any]:
        """Return it as an operation of OpenAPI."""
        places = [
            {"name": name, "in": "path", "required": True, "schema": dict(schema)} for name, schema in self.places
        ]
        return {
            "summary": self.summary,
            "operationId": self.path.removeprefix("/api/v1/").split("/")[0],
            "parameters": [*places, *(param.document() for param in self.params)],
            "responses": answers(dict(self.answer), *(["404"] if places else [])),
        }


def answers(schema: dict[str, Any], *more: str) -> dict[str, Any]:
    """Return the responses of an operation: what it gives, and errors that say what to do."""
    said = {"422": "Not understood; the message says what is known", "503": "The store does not answer; ask again",
            "404": "There is nothing of this name"}  # fmt: skip
    out: dict[str, Any] = {"200": {"description": "The answer", "content": {"application/json": {"schema": schema}}}}
    for code in ("422", "503", *more):
        out[code] = {"description": said[code], "content": {"application/json": {"schema": ERROR}}}
    return out


def zones() -> list[str]:
    """Return the names of time zones, UTC first."""
    return ["UTC", *sorted(available_timezones() - {"UTC", "localtime"})]


def document(endpoints: Sequence[Endpoint], more: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI document; `more` are paths that are described elsewhere."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "breakeven", "version": __version__,
            "description": "What a request really costs on an API and on your own GPUs. Read-only. Instants are UTC; "
            "money is text in USD; unknown is null.",
        },
        "paths": {**{one.path: {"get": one.document()} for one in endpoints}, **more},
    }  # fmt: skip
