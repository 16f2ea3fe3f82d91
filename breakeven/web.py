"""The service over HTTP: page, panels, figures, health, metrics, and the receiver of telemetry."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import html
import ipaddress
import logging
import socket
from collections import defaultdict
from datetime import UTC, datetime
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
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from breakeven import freesql, metrics, show
from breakeven.access import Access, Gatekeeper, holds
from breakeven.access import tokens as kept_tokens
from breakeven.answers import asked_rows
from breakeven.api import Api, query_document
from breakeven.jobs import Jobs
from breakeven.openapi import NotFound, document
from breakeven.overload import KEEP_S, MOST_CONNECTIONS, Doorway, Slow, many_files
from breakeven.roles import ROLES
from breakeven.waiting import waiting
from breakeven.why import why_page
from collector.receivers import otlp
from collector.receivers.loader import Loader
from collector.receivers.rows import HTTP, LITELLM, Rows
from dashboards import page, panel
from ledger.errors import BreakevenError, ConfigError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from breakeven.openapi import Endpoint
    from breakeven.roles import Role
    from breakeven.service import Service
    from collector.receivers.answers import Answered

log = logging.getLogger("breakeven.web")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def application(
    service: Service,
    hosts: list[str] | None = None,
    *,
    jobs: bool = True,
    part: Role = ROLES["all"],
    tokens: bool = False,
) -> Starlette:
    """Return the ASGI application over one service, or a part of it; `jobs` start and stop with it.

    `tokens`: nobody is answered without one.
    """
    names = frozenset(hosts or ["127.0.0.1", "localhost", "testserver"])
    access = Access(service.store, names, required=tokens)
    web = Web(service, part, access)
    return Starlette(
        routes=[
            Route("/healthz", lambda _: PlainTextResponse("ok\n")),
            Route("/readyz", web.ready),
            Route("/metrics", web.metrics),
            *(_shown(web) if part.shows else []),
            *(_taken(web) if part.receives else []),
        ],
        middleware=[
            Middleware(Gatekeeper, access=access),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
        ],
        lifespan=web.lifespan if jobs else None,
    )


def _shown(web: Web) -> list[Route]:
    """Return the routes of pages and figures."""
    return [
        Route("/", web.home("overview")),
        *(Route(f"/{name}", web.home(name)) for name in panel.NAMES),
        Route("/why", web.why),
        Route("/static/page.css", _static("page.css", "text/css")),
        Route("/static/page.js", _static("page.js", "text/javascript")),
        Route(plotly_path(), _plotly),
        Route("/api/v1/openapi.json", web.document),
        Route("/api/v1/query", web.query, methods=["POST"]),
        *(Route(one.path, web.answer(one)) for one in web.endpoints),
    ]


def _taken(web: Web) -> list[Route]:
    """Return the routes that take telemetry."""
    both = ["POST", "PUT"]
    return [
        Route("/v1/traces", web.receive(otlp.TRACES), methods=both),
        Route("/v1/metrics", web.receive(otlp.METRICS), methods=both),
        Route("/v1/logs", web.receive(otlp.LOGS), methods=both),
        Route("/v1/litellm", web.take_rows(LITELLM), methods=both),
        Route("/v1/requests", web.take_rows(HTTP), methods=both),
    ]


def address(listen: str, *, guarded: bool = False) -> tuple[str, int]:
    """Return host and port to serve at; raises ConfigError for one that is taken, or that others could reach.

    `guarded`: others are kept out, by tokens or by a network of its own.
    """
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or not host:
        raise ConfigError(f"listen {listen!r}: write HOST:PORT, such as 127.0.0.1:8400")
    if not guarded and not _loopback(host):
        raise ConfigError(
            f"listen {listen}: others could reach it, and there is no access token; `breakeven tokens new admin` makes "
            "one, or say [server] trusted_network = true where nobody else reaches it"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except (OSError, OverflowError) as error:
            raise ConfigError(f"listen {listen}: {error}; choose another with --listen") from None
    return host, int(port)


def serve(service: Service, listen: str, part: Role = ROLES["all"], told: str = "") -> None:
    """Say `told` and serve until interrupted; raises ConfigError for an address that cannot be served at."""
    given = service.config.server
    now = datetime.now(UTC)
    there = any(holds(row, now) for row in kept_tokens(service.store))
    host, port = address(listen, guarded=given.trusted_network or there)
    if given.require_tokens and not there:
        raise ConfigError("server.require_tokens: there is no access token; `breakeven tokens new admin` makes one")
    tokens = given.require_tokens or not (given.trusted_network or _loopback(host))
    if tokens and not _loopback(host) and not (given.tls_cert or given.behind_proxy):
        show.warn(
            "Tokens and figures go unencrypted: set [server] tls_cert and tls_key, or behind_proxy = true where "
            "something in front of it speaks TLS."
        )
    app = application(service, [host, "localhost", "127.0.0.1", *given.hosts], part=part, tokens=tokens)
    (log.info if given.log_format == "json" else show.warn)(told)
    many_files()
    uvicorn.run(
        app, http=Slow, host=host, port=port, log_config=None, access_log=False, server_header=False,
        ssl_certfile=given.tls_cert or None, ssl_keyfile=given.tls_key or None,
        limit_concurrency=MOST_CONNECTIONS, timeout_keep_alive=int(KEEP_S), h11_max_incomplete_event_size=64 << 10,
    )  # fmt: skip


def _loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


class Web:
    """The handlers over one service."""

    def __init__(self, service: Service, part: Role, access: Access) -> None:
        self.service, self.access = service, access
        self.jobs = Jobs(service, part.groups)
        self.endpoints = Api(service).endpoints()
        limit = service.config.server.max_body_mib << 20
        self.doorway = Doorway(limit)
        self.loader = Loader(service.store, service.prices, service.attribution, waiting(service.config, service.store))
        self.receiver = otlp.Receiver(self.loader, limit, service.config.server.token_metrics)
        self.rows = {told: Rows(self.loader, limit, told) for told in (LITELLM, HTTP)}
        self.receives = part.receives

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Start jobs and loader with the server and stop them with it."""
        self.jobs.start()
        if self.receives:
            await run_in_threadpool(self.loader.start)
        yield
        await run_in_threadpool(self.loader.stop)
        await run_in_threadpool(self.jobs.stop)

    def answer(self, one: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        """Wrap a reader of figures: JSON, or an error that says what to do."""

        def read(request: Request) -> Any:
            query: dict[str, list[str]] = defaultdict(list)
            for name, value in request.query_params.multi_items():
                query[name].append(value)
            variables = {n.removeprefix("var-"): query.pop(n) for n in [n for n in query if n.startswith("var-")]}
            if variables and not one.places:
                raise ConfigError("var-NAME is for panels only")
            return one.read({**one.asked(query, request.path_params), "variables": variables})

        async def handle(request: Request) -> Response:
            try:
                found = await run_in_threadpool(read, request)
            except BreakevenError as error:
                return failure(error)
            return JSONResponse(show.plain(found), headers=HEADERS)

        return handle

    async def document(self, _: Request) -> Response:
        """Return the OpenAPI document."""
        return JSONResponse(document(self.endpoints, {"/api/v1/query": query_document()}), headers=HEADERS)

    async def query(self, request: Request) -> Response:
        """Answer one SELECT of a person, as the reader: read-only, limited, over the documented views."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return failure(ConfigError("send the question as application/json"), 415)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > freesql.MOST_BYTES:
                return failure(ConfigError("a question of more than 1 MiB is not taken"), 413)
        try:
            asked = freesql.Question.of(bytes(body))
            found = await run_in_threadpool(freesql.answer, self.service.store, asked)
        except BreakevenError as error:
            return failure(error)
        return Response(found, media_type=freesql.FORMS[asked.form].media_type, headers=HEADERS)

    def home(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        """Return the page of a dashboard."""

        async def handle(_: Request) -> Response:
            mark = _mark(demo=self.service.demo)
            text = Template(page.asset("page.html")).substitute(
                dashboard=html.escape(name), plotly=plotly_path(), mark=mark, nav=_navigation(name)
            )
            return HTMLResponse(text, headers=HEADERS)

        return handle

    async def why(self, request: Request) -> Response:
        """Return the page that says why spend changed."""
        asked, mark = dict(request.query_params), _mark(demo=self.service.demo)
        try:
            text, status = await run_in_threadpool(why_page, self.service, asked, _navigation("why"), mark)
        except BreakevenError as error:
            return failure(error)
        return HTMLResponse(text, status, headers=HEADERS)

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
        now, loader = datetime.now(UTC), self.loader if self.receives else None
        return metrics.text(
            self.service.store, self.jobs.last, now, asked_rows(self.service), self.access.failures, loader
        )

    def receive(self, signal: otlp.Signal) -> Callable[[Request], Awaitable[Response]]:
        """Take OTLP requests of one signal: 200 means kept."""

        def take(body: bytes, request: Request) -> Answered:
            kind, coding = (request.headers.get(f"content-{name}", "") for name in ("type", "encoding"))
            return self.receiver.take(signal, body, kind, coding, datetime.now(UTC))

        return self._taking(take)

    def take_rows(self, told: tuple[str, str]) -> Callable[[Request], Awaitable[Response]]:
        """Take rows of a request log, from a LiteLLM proxy or anybody: 200 means kept."""

        def take(body: bytes, request: Request) -> Answered:
            coding, batch = (request.headers.get(name, "") for name in ("content-encoding", "idempotency-key"))
            return self.rows[told].take(body, coding, datetime.now(UTC), batch)

        return self._taking(take)

    def _taking(self, take: Callable[[bytes, Request], Answered]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            async def read(body: bytes) -> Awaitable[Response]:
                return _when_kept(await run_in_threadpool(take, body, request))

            return await self.doorway.taken(request, read)

        return handle


async def _when_kept(answered: Answered) -> Response:
    """Return an answer once it holds."""
    if answered.durable is not None and answered.otherwise is not None:
        try:
            await asyncio.wrap_future(answered.durable)
        except BreakevenError as error:
            answered = answered.otherwise(error)
    return Response(answered.body, answered.status, answered.headers)


def _mark(*, demo: bool) -> str:
    return ' <span class="mark">demo data</span>' if demo else ""


def _navigation(name: str) -> str:
    """Return links to all pages, this one marked."""
    titles = {other: panel.dashboard(other).title for other in panel.NAMES} | {"why": "Why"}
    here = {other: ' aria-current="page"' if other == name else "" for other in titles}
    return " ".join(f'<a href="/{other}"{mark}>{html.escape(titles[other])}</a>' for other, mark in here.items())


def failure(error: BreakevenError, status: int = 0) -> JSONResponse:
    """Return an error of ours as JSON with the status that fits."""
    if not status:
        status = 503 if isinstance(error, StoreUnavailable) else 404 if isinstance(error, NotFound) else 422
    headers = {**HEADERS, "Retry-After": "5"} if status == 503 else HEADERS
    body = {"error": {"code": type(error).__name__, "message": str(error)}}
    return JSONResponse(body, status, headers)


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
