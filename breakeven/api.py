"""The API's answers over one service; the same rows as the commands' `--json`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from breakeven import bills, chargeback, costs, said, why
from breakeven.alerting import Alerting
from breakeven.answers import asked_rows, fact_rows, idle_answer, moment, overlap_rows, verdict_rows
from breakeven.openapi import (
    COUNT,
    INSTANT,
    MONEY,
    SHARE,
    TEXT,
    Endpoint,
    NotFound,
    Param,
    answers,
    zones,
)
from dashboards import page, panel
from ledger.costing import report
from ledger.costing.changed import CAUSES
from ledger.costing.why import DIMENSIONS as WHY_DIMENSIONS

if TYPE_CHECKING:
    from breakeven.service import Service

_SINCE = Param("since", "From this hour on; default: everything", INSTANT)
_UNTIL = Param("until", "Up to but without this hour; a date includes its day", INSTANT)
_AMOUNTS = ("cost", "cost_per_request", "cost_per_mtok", "reported_cost", "approximate_cost", "usage_cost",
            "against_cost", "difference")  # fmt: skip
_KNOWN = ("measured", "reported", "declared", "unknown", "approximate", "unpriced_tokens")
_COST_ROW: dict[str, Any] = {
    "type": "object",
    "required": ["cost", "requests", "unpriced_tokens", "shares"],
    "properties": {
        **dict.fromkeys(("bucket", *report.DIMENSIONS), TEXT),
        **dict.fromkeys(("requests", "successful_requests", "total_input", "output", "unpriced_tokens"), COUNT),
        **dict.fromkeys(_AMOUNTS, MONEY),
        "shares": {
            "type": "object",
            "description": "How the money is known; measured to unknown are parts of 1",
            "properties": dict.fromkeys(_KNOWN, SHARE),
        },
    },
}
_COSTS: dict[str, Any] = {
    "type": "object",
    "required": ["prices", "basis", "rows", "total", "count", "next"],
    "properties": {
        "prices": TEXT, "basis": TEXT, "against": TEXT, "rows": {"type": "array", "items": _COST_ROW},
        "total": _COST_ROW, "count": {"type": "integer"},
        "next": {"type": ["integer", "null"], "description": "Offset of what follows; null at the end"},
        "running": {"type": "object", "description": "Where the running day or month ends at this rate"},
    },
}  # fmt: skip
_PRICES = {
    "anyOf": [
        {"type": "string", "enum": ["booked", "current"]},
        {"type": "string", "pattern": "^as-of:20[0-9]{2}-[01][0-9]-[0-3][0-9]$"},
    ]
}
_PERIOD = {
    "anyOf": [
        {"type": "string", "pattern": "^[1-9][0-9]{0,2}d$", "description": "complete days up to today"},
        {"type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$", "description": "a month"},
        {"type": "string", "pattern": "^20[0-9]{2}-W(0[1-9]|[1-4][0-9]|5[0-2])$", "description": "a week"},
        {"type": "string", "format": "date", "description": "a day; with .. and another one a range"},
    ]
}
_CAUSES: dict[str, Any] = {"type": "object", "required": list(CAUSES), "properties": dict.fromkeys(CAUSES, MONEY)}
_WHY: dict[str, Any] = {
    "type": "object",
    "required": ["from", "to", "before", "after", "change", "causes", "contributors", "price_events"],
    "properties": {
        **dict.fromkeys(("before", "after", "change"), MONEY), "causes": _CAUSES,
        "contributors": {"type": "array", "items": {
            "type": "object", "required": ["name", "before", "after", "change", "causes"],
            "properties": {"name": TEXT, **dict.fromkeys(("before", "after", "change"), MONEY), "causes": _CAUSES}}},
        "price_events": {"type": "array", "items": {"type": "object"}},
    },
}  # fmt: skip
QUERY_BODY: dict[str, Any] = {
    "type": "object",
    "required": ["sql"],
    "additionalProperties": False,
    "properties": {
        "sql": {"type": "string", "minLength": 1, "description": "One SELECT over the documented views"},
        "parameters": {
            "type": "object", "description": "Values of {name:Type} places",
            "additionalProperties": {"anyOf": [
                {"type": ["string", "number", "boolean", "null"]},
                {"type": "array", "items": {"type": ["string", "number"]}},
            ]},
        },
        "format": {"type": "string", "enum": ["json", "csv", "parquet", "arrow"], "default": "json"},
    },
}  # fmt: skip
_QUERY_ANSWER: dict[str, Any] = {
    "type": "object",
    "required": ["columns", "rows", "count"],
    "properties": {
        "columns": {"type": "array", "items": TEXT},
        "rows": {"type": "array", "items": {"type": "array"}},
        "count": {"type": "integer"},
    },
}


def query_document() -> dict[str, Any]:
    """Return POST /api/v1/query as an operation of OpenAPI."""
    responses = answers(_QUERY_ANSWER)
    for kind in ("text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.file"):
        responses["200"]["content"][kind] = {"schema": {}}
    for code, words in (("413", "The body is longer than 1 MiB"), ("415", "Not application/json")):
        responses[code] = {**responses["422"], "description": words}
    sql = "SELECT day, sum(usd) AS usd FROM v_cost_daily WHERE side = {side:String} GROUP BY day ORDER BY day"
    example = {"sql": sql, "parameters": {"side": "api"}}
    return {
        "post": {
            "summary": "Answer one SELECT: read-only, at most 100,000 rows, 50 MB and 30 seconds",
            "operationId": "query",
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": QUERY_BODY, "example": example}},
            },
            "responses": responses,
        }
    }


def _instants() -> tuple[Param, ...]:
    either = {"anyOf": [{"type": "string", "pattern": "^1[0-9]{9}$", "description": "seconds since 1970"}, INSTANT]}
    return Param("from", "Default: 30 days before `to`", either), Param("to", "Default: now", either)


class Api:
    """The readers, each taking the checked values of a request."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return all answers."""
        hours = {"type": "integer", "minimum": 1, "maximum": 9600}
        names = {"type": "string", "enum": list(panel.NAMES)}
        return (
            Endpoint("/api/v1/cost", "Cost by any dimension, over any time, at the prices of any day", self.cost, (
                Param("by", "Group by", {"type": "string", "enum": list(report.DIMENSIONS)}, ["side"], many=True),
                _SINCE, _UNTIL,
                Param("bucket", "Of the time zone", {"type": "string", "enum": [b for b in report.BUCKETS if b]}),
                Param("basis", "allocation: everything paid; usage: work only",
                      {"type": "string", "enum": list(report.BASES)}, "allocation"),
                Param("timezone", "Whose days and months", {"type": "string", "enum": zones()}, "UTC"),
                Param("prices", "Whose prices: booked, current or as-of:DATE", _PRICES, "booked"),
                Param("against", "Prices to hold beside them", _PRICES),
                *(Param(name, f"Only these, by {name}", {"type": "string", "enum": list(report.SIDES)}
                        if name == "side" else TEXT, [], many=True) for name in report.DIMENSIONS),
                Param("limit", "Rows of a page", {"type": "integer", "minimum": 1, "maximum": costs.MOST_ROWS}, 1000),
                Param("offset", "Rows before it", {"type": "integer", "minimum": 0, "maximum": 10**9}, 0),
            ), _COSTS),
            Endpoint("/api/v1/verdicts", "The latest verdicts", self.verdicts, (
                Param("workload", "Only this one"),
                Param("explain", "1: judge the workload anew, with everything behind it",
                      {"type": "string", "enum": ["0", "1"]}, "0"),
            )),
            Endpoint("/api/v1/idle", "Where the money of each GPU pool went", self.idle,
                     (Param("hours", "Hours before the last closed one", hours, 24),)),
            Endpoint("/api/v1/reconciliation", "Metered against billed, the difference taken apart",
                     self.reconciliation, (
                         Param("since", "From this day on", INSTANT, f"{bills.DAYS}d"), _UNTIL,
                         Param("by", "Rows", {"type": "string", "enum": list(bills.GROUPS)}, "total"),
                     )),
            Endpoint("/api/v1/alerts", "What fires or is about to", self.alerts),
            Endpoint("/api/v1/sources", "What each source brought and how it is doing", self.sources),
            Endpoint("/api/v1/why", "What a change of spend is made of; the causes add up to it", self.why, (
                Param("from", "Earlier period; default: the time before the later one", _PERIOD),
                Param("to", "Later period; default: the last seven complete days", _PERIOD),
                Param("by", "Groups", {"type": "string", "enum": list(WHY_DIMENSIONS)}, list(why.BY), many=True),
                Param("timezone", "Whose days", {"type": "string", "enum": zones()}, "UTC"),
                Param("top", "Contributors, 0 = all", {"type": "integer", "minimum": 0, "maximum": 10_000}, 0),
            ), _WHY),
            Endpoint("/api/v1/chargeback", "Who pays for a month; the lines add up to the bill", self.chargeback, (
                Param("period", "Which month", _PERIOD, "7d"),
                Param("by", "Who pays", {"type": "string", "enum": list(chargeback.OWNERS)}, "team"),
                Param("shared", "What becomes of money that is nobody's",
                      {"type": "string", "enum": list(chargeback.RULES)}, "own-line"),
                Param("timezone", "Whose months", {"type": "string", "enum": zones()}, "UTC"),
            )),
            Endpoint("/api/v1/prices", "The price book, at most 500 rows", self.prices, (
                Param("provider", "Only this provider"), Param("model", "Part of a model's name"))),
            Endpoint("/api/v1/vintages", "Prices of other days that history was worked out at", self.vintages),
            Endpoint("/api/v1/dashboards/{dashboard}", "What a dashboard consists of", self.dashboard,
                     answer={"type": "object"}, places=(("dashboard", names),)),
            Endpoint("/api/v1/panels/{dashboard}/{panel}", "One panel's data; its variables as var-NAME", self.panel,
                     (*_instants(), Param("width", "Of the panel, pixels", {"type": "integer", "minimum": 1,
                                                                            "maximum": 99_999}, 800)),
                     {"type": "object"}, (("dashboard", names), ("panel", TEXT))),
            Endpoint("/api/v1/marks/{dashboard}", "What happened on the time axis", self.marks, _instants(),
                     {"type": "object"}, (("dashboard", names),)),
        )  # fmt: skip

    def cost(self, asked: dict[str, Any]) -> Any:
        """Answer with costs, a page at a time."""
        only = {name: asked[name] for name in report.DIMENSIONS if asked[name]}
        names = ("by", "since", "until", "bucket", "timezone", "basis", "prices", "against", "limit", "offset")
        return costs.ask(self.service, costs.CostQuestion(**{n: asked[n] for n in names}, only=only)).json()

    def verdicts(self, asked: dict[str, Any]) -> Any:
        """Answer with the latest verdicts; explain=1 judges one workload anew."""
        if asked["explain"] == "1" and asked["workload"]:
            rows = self.service.judged(asked["workload"])
            return {"rows": [{**row, "said": self._said(row)} for row in rows]}
        return {"rows": verdict_rows(self.service, asked["workload"])}

    def _said(self, row: dict[str, Any]) -> dict[str, list[str]]:
        """Return a verdict in words."""
        score = self.service.realised(row["workload"])
        return {"sentences": said.sentences(row, score), "figures": list(said.figures(row["details"]))}

    def idle(self, asked: dict[str, Any]) -> Any:
        """Answer with where the money of each pool went."""
        return idle_answer(self.service, asked["hours"], datetime.now(UTC))

    def reconciliation(self, asked: dict[str, Any]) -> Any:
        """Answer as `breakeven reconcile --json`."""
        return {"rows": bills.found(self.service, asked["since"], asked["until"], asked["by"])[0]}

    def alerts(self, _: dict[str, Any]) -> Any:
        """Answer as `breakeven alerts list --json`."""
        return {"rows": Alerting(self.service).states()}

    def sources(self, _: dict[str, Any]) -> Any:
        """Answer as `breakeven sources --json`."""
        rows = fact_rows(self.service)
        return {"rows": rows, "asked": asked_rows(self.service), "overlap": overlap_rows(self.service)}

    def why(self, asked: dict[str, Any]) -> Any:
        """Answer as `breakeven why --json`."""
        found = why.answer(self.service, asked["from"], asked["to"], asked["by"], asked["timezone"])
        return found.json(asked["top"])

    def chargeback(self, asked: dict[str, Any]) -> Any:
        """Answer as `breakeven chargeback --json`."""
        names = ("period", "by", "shared", "timezone")
        return chargeback.month(self.service, *(asked[name] for name in names)).json()

    def prices(self, asked: dict[str, Any]) -> Any:
        """Answer as `breakeven prices list --json`."""
        given = {name: asked[name] for name in ("provider", "model")}
        return {"rows": self.service.store.ask("breakeven", "price_list", **given)}

    def vintages(self, _: dict[str, Any]) -> Any:
        """Answer as `breakeven prices vintages --json`."""
        return {"rows": self.service.vintages()}

    def dashboard(self, asked: dict[str, Any]) -> Any:
        """Answer with a dashboard's definition and the values of its variables."""
        return page.definition(_known(asked["dashboard"]), self.service.store)

    def panel(self, asked: dict[str, Any]) -> Any:
        """Answer one panel's data by its id; values are bound, never pasted."""
        start, end = _range(asked)
        return page.answer(
            self.service.store, _known(asked["dashboard"]), asked["panel"], start=start, end=end,
            as_of=datetime.now(UTC), width=asked["width"], variables=asked["variables"],
        )  # fmt: skip

    def marks(self, asked: dict[str, Any]) -> Any:
        """Answer what happened on a dashboard's time axis."""
        start, end = _range(asked)
        name = _known(asked["dashboard"])
        found = page.marks(self.service.store, name, start=start, end=end, variables=asked["variables"])
        return {"marks": found}


def _range(asked: dict[str, Any]) -> tuple[datetime, datetime]:
    end = _instant(asked["to"], datetime.now(UTC))
    return _instant(asked["from"], end - timedelta(days=30)), end


def _instant(text: str, default: datetime) -> datetime:
    if text.isascii() and text.isdigit() and len(text) == 10:
        return datetime.fromtimestamp(min(int(text), 4102444800), UTC)
    return moment(text) or default


def _known(name: str) -> str:
    if name not in panel.NAMES:
        raise NotFound(f"dashboard {name!r}: not one of {', '.join(panel.NAMES)}")
    return name
