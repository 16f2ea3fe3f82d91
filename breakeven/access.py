"""Who may ask what over HTTP: names it is asked by, pages of other origins, tokens and their roles.

Tokens look like `be_ID_SECRET`; they come in the Authorization header only, as Bearer, or as the password of Basic so
that a browser can ask for one. A URL would stand in logs.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from ledger.errors import BreakevenError, ConfigError
from ledger.records import AccessToken, TokenUse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from ledger.store import Store

GRANTS = {
    "ingest": frozenset({"ingest"}),
    "read": frozenset({"read"}),
    "sql": frozenset({"read", "sql"}),
    "admin": frozenset({"ingest", "read", "sql", "admin"}),
}
"""Role of a token → what it may."""
OPEN = ("/healthz", "/readyz")
KEPT_S = 5.0
"""Seconds for which tokens are kept in memory: so long a revoked one may still work."""
DELAY_S = 0.2
"""What a wrong token waits for its answer."""


def needed(path: str) -> str:
    """Return what a path asks for, empty for what everybody may see."""
    if path in OPEN:
        return ""
    if path == "/api/v1/query":
        return "sql"
    return "ingest" if path.startswith("/v1/") else "read"


def new_token(role: str, note: str, now: datetime, expires_at: datetime | None = None) -> tuple[str, AccessToken]:
    """Return a new token as its owner is shown it, once, and as it is kept; raises ConfigError for an unknown role."""
    if role not in GRANTS:
        raise ConfigError(f"role {role!r} is not one of {', '.join(GRANTS)}")
    name = secrets.token_hex(4)
    text = f"be_{name}_{base64.b32encode(secrets.token_bytes(32)).decode().rstrip('=').lower()}"
    return text, AccessToken(name, role, note, _hash(text), now, expires_at)


def tokens(store: Store) -> list[dict[str, Any]]:
    """Return the tokens that were made, with the last day each was used."""
    return store.ask("breakeven", "tokens")


def holds(row: dict[str, Any], now: datetime) -> bool:
    """Say whether a token is neither revoked nor past its end."""
    return not row["revoked"] and (row["expires_at"] is None or now < row["expires_at"])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def presented(header: str) -> str:
    """Return the token of an Authorization header, empty for none; Basic carries it as the password."""
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return "unreadable"
    return "unreadable" if header else ""


@dataclass(slots=True)
class Access:
    """The rules of one service; `required` where others could reach it."""

    store: Store
    hosts: frozenset[str]
    required: bool = False
    failures: int = 0
    _known: dict[str, dict[str, Any]] = field(default_factory=dict)
    _read_at: float = -KEPT_S
    _used: set[tuple[str, date]] = field(default_factory=set)

    def refusal(self, path: str, method: str, headers: Headers) -> tuple[int, str] | None:
        """Return status and reason why a request is not answered; None lets it pass. Asks the store now and then."""
        host = _name(headers.get("host", ""))
        if "*" not in self.hosts and host not in self.hosts:
            return 421, f"not served under the name {host!r}; add it to [server] hosts"
        origin = headers.get("origin")
        if method not in ("GET", "HEAD") and origin and urlsplit(origin).netloc != headers.get("host"):
            return 403, "a page of another origin may not write here"
        wanted, token = needed(path), presented(headers.get("authorization", ""))
        if not wanted or (not token and not self.required):
            return None
        row = self._known_as(token)
        if row is None:
            return 401, "an access token is needed: Authorization: Bearer be_…; `breakeven tokens new` makes one"
        if wanted not in GRANTS[row["role"]]:
            return 403, f"this token may {' and '.join(sorted(GRANTS[row['role']]))}; {path} needs {wanted}"
        self._use(row["id"])
        return None

    def _known_as(self, token: str) -> dict[str, Any] | None:
        if time.monotonic() - self._read_at >= KEPT_S:
            self._known = {row["id"]: row for row in tokens(self.store)}
            self._read_at = time.monotonic()
        parts = token.split("_")
        row = self._known.get(parts[1]) if len(parts) == 3 and parts[0] == "be" else None
        kept = row["sha256"] if row else "0" * 64
        same = hmac.compare_digest(kept, _hash(token))
        return row if row is not None and same and holds(row, datetime.now(UTC)) else None

    def _use(self, name: str) -> None:
        today = datetime.now(UTC).date()
        if (name, today) not in self._used:
            self.store.add([TokenUse(name, today)])
            self._used.add((name, today))


def _name(host: str) -> str:
    """Return a Host header without its port."""
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host


class Gatekeeper:
    """Asks Access before anything of a request is read."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with the reason why not."""
        if scope["type"] == "http":
            found = await self._refusal(scope)
            if found is not None:
                status, reason = found
                headers = {"X-Content-Type-Options": "nosniff", "Connection": "close"}
                if status == 401:
                    headers["WWW-Authenticate"] = 'Basic realm="breakeven: any name, a token as the password"'
                if status == 503:
                    headers["Retry-After"] = "5"
                body = {"error": {"code": "Refused", "message": reason}}
                await JSONResponse(body, status, headers)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        try:
            found = await run_in_threadpool(self.access.refusal, scope["path"], scope["method"], headers)
        except BreakevenError as error:
            return 503, str(error)
        if found and found[0] == 401 and headers.get("authorization"):
            self.access.failures += 1
            await asyncio.sleep(DELAY_S)
        return found
