"""What the service takes at once: bytes on their way, bodies being read, senders that dawdle. More is told to wait."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

MOST_BYTES = 128 << 20
"""Of all bodies that are being read or stored."""
AT_ONCE = 2
"""Bodies that are decoded and stored at the same time."""
GRACE_S, LEAST_RATE = 10.0, 1024
"""A body must come with so many bytes a second after so many seconds."""
HEADER_S = 10.0
"""Seconds until the headers of a request must be there."""
MOST_CONNECTIONS = 4096


KEEP_S = 30.0
"""Seconds that a connection may rest between requests."""


class Slow(H11Protocol):
    """A connection that is closed when the headers of a request do not come in time, of the first and of later ones."""

    def connection_made(self, transport: Any) -> None:
        """Start the clock of the first request."""
        super().connection_made(transport)
        self._answered: Any = None
        self._silent = self.loop.call_later(HEADER_S, self._hang_up)

    def handle_events(self) -> None:
        """Stop the clock when a request begins."""
        super().handle_events()
        if cast("Any", self).cycle is not self._answered:
            self._silent.cancel()

    def on_response_complete(self) -> None:
        """Start the clock of the next request: the server's own stops at the first byte of it."""
        self._answered = self.cycle
        self._silent.cancel()
        self._silent = self.loop.call_later(KEEP_S + HEADER_S, self._hang_up)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._silent.cancel()
        super().connection_lost(exc)

    def _hang_up(self) -> None:
        transport: Any = self.transport
        if not transport.is_closing():
            transport.abort()


class Doorway:
    """Reads bodies within the limits; one for all receivers of a service."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self.refused = 0
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def taken(self, request: Request, take: Callable[[bytes], Awaitable[Awaitable[Response]]]) -> Response:
        """Read a body and hand it on, two at a time; what is left to wait for blocks nobody.

        413 for one too large, 408 for one too slow, 429 when too much is on its way.
        """
        told = request.headers.get("content-length", "")
        if told.isdigit() and int(told) > self.limit:
            return self._refusal(413)
        body, held = bytearray(), 0
        begun = time.monotonic()
        try:
            chunks = request.stream()
            while True:
                try:
                    chunk = await asyncio.wait_for(anext(chunks, None), GRACE_S)
                except (TimeoutError, ClientDisconnect):
                    return self._refusal(408)
                if chunk is None:
                    break
                held += len(chunk)
                self.bytes += len(chunk)
                if self.bytes > MOST_BYTES:
                    return self._refusal(429)
                body += chunk
                if len(body) > self.limit:
                    return self._refusal(413)
                late = time.monotonic() - begun - GRACE_S
                if late > 0 and len(body) < late * LEAST_RATE:
                    return self._refusal(408)
            async with self._turn:
                answer = await take(bytes(body))
            return await answer
        finally:
            self.bytes -= held

    def _refusal(self, status: int) -> Response:
        self.refused += 1
        headers = {"Connection": "close"}
        if status == 429:
            headers["Retry-After"] = "5"
        return Response(status_code=status, headers=headers)


def many_files() -> None:
    """Let this process hold as many connections as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 1 << 16)), hard))
