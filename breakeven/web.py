"""The service over HTTP: page, panels, figures, health, metrics, and the receiver of telemetry."""

from __future__ import annotations

import contextlib
import gzip
import html
import ipaddress
import logging
import socket
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from breakeven import bills, metrics, said, show
from breakeven.alerting import Alerting
from breakeven.answers import (
    asked_rows,
    cost_answer,
    fact_rows,
    idle_answer,
    moment,
    overlap_rows,
    verdict_rows,
    zone_of,
)
from breakeven.jobs import Jobs
from collector.receivers import otlp
from collector.receivers.litellm import LiteLLMCallback
from dashboards import page, panel
from ledger.costing import report
from ledger.errors import BreakevenError, ConfigError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from breakeven.service import Service

log = logging.getLogger("breakeven.web")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def application(service: Service, hosts: list[str] | None = None, *, jobs: bool = True) -> Starlette:
    """Return the ASGI application over one service; `jobs` start and stop with it."""
    web = Web(service)
    return Starlette(
        routes=[
            Route("/", web.home("overview")),
            *(Route(f"/{name}", web.home(name)) for name in panel.NAMES),
            Route("/static/page.css", _static("page.css", "text/css")),
            Route("/static/page.js", _static("page.js", "text/javascript")),
            Route(plotly_path(), _plotly),
            Route("/healthz", lambda _: PlainTextResponse("ok\n")),
            Route("/readyz", web.ready),
            Route("/metrics", web.metrics),
            Route("/api/v1/cost", web.answer(web.cost)),
            Route("/api/v1/verdicts", web.answer(web.verdicts)),
            Route("/api/v1/idle", web.answer(web.idle)),
            Route("/api/v1/alerts", web.answer(web.alerts)),
            Route("/api/v1/sources", web.answer(web.sources)),
            Route("/api/v1/reconciliation", web.answer(web.reconciliation)),
            Route("/api/v1/dashboards/{dashboard}", web.answer(web.dashboard)),
            Route("/api/v1/panels/{dashboard}/{panel}", web.answer(web.panel)),
            Route("/api/v1/marks/{dashboard}", web.answer(web.marks)),
            Route("/v1/traces", web.receive(otlp.TRACES), methods=["POST", "PUT"]),
            Route("/v1/metrics", web.receive(otlp.METRICS), methods=["POST", "PUT"]),
            Route("/v1/logs", web.receive(otlp.LOGS), methods=["POST", "PUT"]),
            Route("/v1/litellm", web.litellm(), methods=["POST", "PUT"]),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts or ["127.0.0.1", "localhost", "testserver"]),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
        ],
        lifespan=web.lifespan if jobs else None,
    )


def address(listen: str, *, trusted: bool = False) -> tuple[str, int]:
    """Return host and port to serve at; raises ConfigError for one that is taken, or that others could reach.

    `trusted`: others are kept out by other means, such as a container's network.
    """
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or not host:
        raise ConfigError(f"listen {listen!r}: write HOST:PORT, such as 127.0.0.1:8400")
    if not trusted and not _loopback(host):
        raise ConfigError(
            f"listen {listen}: others could reach it, and access tokens are not there yet; "
            "listen on 127.0.0.1 and put a reverse proxy with a login in front, or say [server] trusted_network = true "
            "where nobody else reaches it"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except (OSError, OverflowError) as error:
            raise ConfigError(f"listen {listen}: {error}; choose another with --listen") from None
    return host, int(port)


def serve(service: Service, listen: str) -> None:
    """Serve until interrupted; raises ConfigError for an address that cannot be served at."""
    given = service.config.server
    host, port = address(listen, trusted=given.trusted_network)
    app = application(service, [host, "localhost", "127.0.0.1", *given.hosts])
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, server_header=False)


def _loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


class Web:
    """The handlers over one service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.jobs = Jobs(service)
        limit = service.config.server.max_body_mib << 20
        self.receiver = otlp.Receiver(
            service.store, service.prices, service.attribution, limit, service.config.server.token_metrics
        )
        self.callback = LiteLLMCallback(service.store, service.prices, service.attribution, limit)

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Start the jobs with the server and stop them with it."""
        self.jobs.start()
        yield
        await run_in_threadpool(self.jobs.stop)

    def answer(self, read: Callable[[Request], Any]) -> Callable[[Request], Awaitable[Response]]:
        """Wrap a reader of figures: JSON, or an error that says what to do."""

        async def handle(request: Request) -> Response:
            try:
                found = await run_in_threadpool(read, request)
            except BreakevenError as error:
                return failure(error)
            return JSONResponse(show.plain(found), headers=HEADERS)

        return handle

    def home(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        """Return the page of a dashboard."""

        async def handle(_: Request) -> Response:
            mark = ' <span class="mark">demo data</span>' if self.service.demo else ""
            text = Template(page.asset("page.html")).substitute(
                dashboard=html.escape(name), plotly=plotly_path(), mark=mark, nav=_navigation(name)
            )
            return HTMLResponse(text, headers=HEADERS)

        return handle

    async def ready(self, _: Request) -> Response:
        """Say whether questions can be answered now."""
        try:
            await run_in_threadpool(self.service.store.ask, "breakeven", "ready")
        except BreakevenError:
            return PlainTextResponse("store does not answer\n", 503, {"Retry-After": "5"})
        return PlainTextResponse("ready\n")

    async def metrics(self, _: Request) -> Response:
        """Return headline costs and our own health as Prometheus text."""
        try:
            text = await run_in_threadpool(self._metrics)
        except BreakevenError as error:
            return failure(error)
        return Response(text, media_type=metrics.CONTENT_TYPE)

    def _metrics(self) -> bytes:
        return metrics.text(self.service.store, self.jobs.last, datetime.now(UTC), asked_rows(self.service))

    def receive(self, signal: otlp.Signal) -> Callable[[Request], Awaitable[Response]]:
        """Take OTLP requests of one signal: 200 means stored."""

        def take(body: bytes, request: Request) -> otlp.Answered:
            kind, coding = (request.headers.get(f"content-{name}", "") for name in ("type", "encoding"))
            return self.receiver.take(signal, body, kind, coding, datetime.now(UTC))

        return self._taking(take)

    def litellm(self) -> Callable[[Request], Awaitable[Response]]:
        """Take the calls that a LiteLLM proxy reports: 200 means stored."""
        return self._taking(
            lambda body, request: self.callback.take(
                body, request.headers.get("content-encoding", ""), datetime.now(UTC)
            )
        )

    def _taking(self, take: Callable[[bytes, Request], otlp.Answered]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            body = bytearray()
            async for chunk in request.stream():
                body += chunk
                if len(body) > self.receiver.limit:
                    return Response(status_code=413)
            answered = await run_in_threadpool(take, bytes(body), request)
            return Response(answered.body, answered.status, answered.headers)

        return handle

    def cost(self, request: Request) -> Any:
        """Answer /api/v1/cost with the options of `breakeven cost` as its query, in the same JSON."""
        query = _query(request, {"by": "side", "since": "", "until": "", "bucket": "", "basis": "allocation",
                                 "timezone": "UTC", "side": "", "workload": ""})  # fmt: skip
        zone = zone_of(query["timezone"])
        rows, total = report.cost(
            self.service.store, by=[n for n in query["by"].split(",") if n], since=moment(query["since"], zone=zone),
            until=moment(query["until"], end=True, zone=zone), bucket=query["bucket"], basis=query["basis"], zone=zone,
            side=query["side"], workload=query["workload"],
        )  # fmt: skip
        return cost_answer(rows, total, query["bucket"], zone, datetime.now(UTC))

    def verdicts(self, request: Request) -> Any:
        """Answer /api/v1/verdicts?workload=&explain= with the latest verdicts; explain=1 judges one workload anew."""
        query = _query(request, {"workload": "", "explain": ""})
        if query["explain"] in ("1", "true") and query["workload"]:
            rows = self.service.judged(query["workload"])
            return {"rows": [{**row, "said": self._said(row)} for row in rows]}
        return {"rows": verdict_rows(self.service, query["workload"])}

    def _said(self, row: dict[str, Any]) -> dict[str, list[str]]:
        """Return a verdict in words."""
        score = self.service.realised(row["workload"])
        return {"sentences": said.sentences(row, score), "figures": list(said.figures(row["details"]))}

    def idle(self, request: Request) -> Any:
        """Answer /api/v1/idle?hours=24."""
        query = _query(request, {"hours": "24"})
        if not query["hours"].isdigit() or not 1 <= int(query["hours"]) <= 24 * 400:
            raise ConfigError(f"hours {query['hours']!r}: a number from 1 to 9600")
        return idle_answer(self.service, int(query["hours"]), datetime.now(UTC))

    def reconciliation(self, request: Request) -> Any:
        """Answer /api/v1/reconciliation?since=31d&until=&by=total, as `breakeven reconcile --json`."""
        query = _query(request, {"since": f"{bills.DAYS}d", "until": "", "by": "total"})
        return {"rows": bills.found(self.service, query["since"], query["until"], query["by"])[0]}

    def alerts(self, request: Request) -> Any:
        """Answer /api/v1/alerts: what fires or is about to, as `breakeven alerts list --json`."""
        _query(request, {})
        return {"rows": Alerting(self.service).states()}

    def sources(self, request: Request) -> Any:
        """Answer /api/v1/sources."""
        _query(request, {})
        rows = fact_rows(self.service)
        return {"rows": rows, "asked": asked_rows(self.service), "overlap": overlap_rows(self.service)}

    def dashboard(self, request: Request) -> Any:
        """Answer a dashboard's definition with the values of its variables."""
        return page.definition(_known(request.path_params["dashboard"]), self.service.store)

    def panel(self, request: Request) -> Any:
        """Answer one panel's data by its id; values are bound, never pasted."""
        start, end, variables = _asked(request)
        width = request.query_params.get("width", "800")
        return page.answer(
            self.service.store, _known(request.path_params["dashboard"]), request.path_params["panel"], start=start,
            end=end, as_of=datetime.now(UTC), width=int(width) if width.isdigit() and len(width) < 6 else 800,
            variables=variables,
        )  # fmt: skip

    def marks(self, request: Request) -> Any:
        """Answer what happened on a dashboard's time axis."""
        start, end, variables = _asked(request)
        name = _known(request.path_params["dashboard"])
        return {"marks": page.marks(self.service.store, name, start=start, end=end, variables=variables)}


def _asked(request: Request) -> tuple[datetime, datetime, dict[str, list[str]]]:
    """Return the range and the variables of a query."""
    query = request.query_params
    variables: dict[str, list[str]] = {}
    for key, value in query.multi_items():
        if key.startswith("var-"):
            variables.setdefault(key.removeprefix("var-"), []).append(value)
    end = _instant(query.get("to"), datetime.now(UTC))
    return _instant(query.get("from"), end - timedelta(days=30)), end, variables


def _navigation(name: str) -> str:
    """Return links to all dashboards, this one marked."""
    here = {other: ' aria-current="page"' if other == name else "" for other in panel.NAMES}
    links = [
        f'<a href="/{other}"{mark}>{html.escape(panel.dashboard(other).title)}</a>' for other, mark in here.items()
    ]
    return " ".join(links)


class NotFound(ConfigError):  # noqa: N818
    """A thing that is asked for by name and is not there."""


def _known(name: str) -> str:
    if name not in panel.NAMES:
        raise NotFound(f"dashboard {name!r}: not one of {', '.join(panel.NAMES)}")
    return name


def failure(error: BreakevenError) -> JSONResponse:
    """Return an error of ours as JSON with the status that fits."""
    status = 503 if isinstance(error, StoreUnavailable) else 404 if isinstance(error, NotFound) else 422
    headers = {**HEADERS, "Retry-After": "5"} if status == 503 else HEADERS
    body = {"error": {"code": type(error).__name__, "message": str(error)}}
    return JSONResponse(body, status, headers)


def _query(request: Request, known: dict[str, str]) -> dict[str, str]:
    """Return query values with defaults; raises ConfigError for a name that is not known."""
    unknown = [key for key in request.query_params if key not in known]
    if unknown:
        raise ConfigError(f"{unknown[0]!r} is not one of {', '.join(known) or 'none'}")
    return {name: request.query_params.get(name, default) for name, default in known.items()}


def _instant(text: str | None, default: datetime) -> datetime:
    if not text:
        return default
    if text.isdigit() and len(text) == 10:
        return datetime.fromtimestamp(int(text), UTC)
    found = moment(text)
    return found or default


def plotly_path() -> str:
    """Return the URL of the chart library, which names its version and so never changes."""
    return f"/static/plotly-{version('plotly')}.min.js"


@cache
def _plotly_bytes() -> bytes:
    spec = find_spec("plotly")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    script = Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"
    return gzip.compress(script.read_bytes(), 5)


async def _plotly(_: Request) -> Response:
    headers = {**HEADERS, "Content-Encoding": "gzip", "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(await run_in_threadpool(_plotly_bytes), media_type="text/javascript", headers=headers)


def _static(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def handle(_: Request) -> Response:
        return Response(page.asset(name), media_type=kind, headers={**HEADERS, "Cache-Control": "no-cache"})

    return handle
