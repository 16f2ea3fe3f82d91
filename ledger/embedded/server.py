"""ClickHouse HTTP over the engine: the part of the protocol that clickhouse-connect and Grafana speak."""

from __future__ import annotations

import base64
import binascii
import email
import hashlib
import hmac
import json
import os
import re
import socket
import tempfile
import threading
import zlib
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from ledger.embedded.engine import DATABASE, Answer, Engine, EngineError, is_setting_name, quoted
from ledger.embedded.gate import Admitted, Gate, RefusedError, take_format, writer_statement

if TYPE_CHECKING:
    from pathlib import Path

WIRE_LIMIT = 64 << 20
INFLATED_LIMIT = 256 << 20
READER_LIMIT = 1 << 20
_CHUNK = re.compile(rb"[0-9A-Fa-f]{1,8}\Z")
_INSERT = re.compile(rb"\s*INSERT\s+INTO\s+(?:TABLE\s+)?[A-Za-z0-9_.`]+\s*(?:\([^()]*\))?\s*\Z", re.IGNORECASE)
_INSERT_FORMAT = re.compile(
    rb"(?P<head>.*?)\bFORMAT\s+(?P<format>[A-Za-z][A-Za-z0-9]*)[ \t]*(?:\r?\n|\Z)", re.IGNORECASE | re.DOTALL
)
_TRANSPORT = frozenset(
    [
        "query",
        "database",
        "default_format",
        "query_id",
        "user",
        "password",
        "session_id",
        "session_check",
        "session_timeout",
        "wait_end_of_query",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "buffer_size",
        "quota_key",
        "cancel_http_readonly_queries_on_client_close",
        "date_time_input_format",
        "client_protocol_version",
        "cast_string_to_dynamic_use_inference",
        "enable_http_compression",
        "compress",
        "decompress",
        "role",
    ]
)
_STATUS = {62: 400, 164: 403, 497: 403, 516: 403, 60: 404, 81: 404, 48: 501, 202: 503, 159: 504}
_HELLO = re.compile(r"\s*SELECT\s+version\(\)\s*,\s*timezone\(\)\s*\Z", re.IGNORECASE)

_DRIVER_HELLO = re.compile(
    r"\s*SELECT\s+displayName\(\)\s*,\s*version\(\)\s*,\s*revision\(\)\s*,\s*timezone\(\)\s*\Z", re.IGNORECASE
)
"""What the Go driver in Grafana's plugin asks first."""
_HOSTS = frozenset(["127.0.0.1", "localhost", "[::1]"])


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """A request answered with ClickHouse's own error form."""

    def __init__(self, code: int, name: str, text: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text} ({name})")
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """One request taken apart: whose, what, and with which values."""

    role: str
    query: str
    body: bytes
    arguments: dict[str, str]

    @property
    def parameters(self) -> dict[str, str]:
        """Values of `{name:Type}` places."""
        return {k.removeprefix("param_"): v for k, v in self.arguments.items() if k.startswith("param_")}

    @property
    def settings(self) -> dict[str, str]:
        """Query arguments that are settings of ClickHouse."""
        return {
            k: v
            for k, v in self.arguments.items()
            if k not in _TRANSPORT and not k.startswith("param_") and is_setting_name(k)
        }


@dataclass(slots=True)
class StoreServer:
    """Answers requests of the two roles over one engine."""

    engine: Engine
    scratch: Path
    writer_sha256: str
    reader_sha256: str
    confined: bool
    gate: Gate = field(init=False)
    told: Admitted = field(default_factory=Admitted)
    readers: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(4))

    def __post_init__(self) -> None:
        self.gate = Gate.of(self.engine)

    def role_of(self, token: str) -> str:
        """Return `writer` or `reader`; compares digests in constant time."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        if hmac.compare_digest(digest, self.writer_sha256):
            return "writer"
        if hmac.compare_digest(digest, self.reader_sha256):
            return "reader"
        raise Refusal(516, "AUTHENTICATION_FAILED", "user or password is wrong")

    def answer(self, request: Request) -> tuple[Answer, str]:
        """Run a request; returns the answer and the name of its format."""
        default = request.arguments.get("default_format", "TabSeparated")
        if request.role == "reader":
            return self._read(request, default)
        insert = self._insert(request)
        if insert is not None:
            return insert, default
        sql, output = take_format(_text(request))
        output = output or default
        if not sql:
            raise Refusal(62, "SYNTAX_ERROR", "empty query")
        try:
            if self.told.get(sql) is None:
                self.told.keep(sql, writer_statement(self.engine, sql))
        except RefusedError as error:
            raise Refusal(497, "ACCESS_DENIED", str(error)) from None
        return self._with_columns(sql, output, request.parameters, request.settings), output

    def _read(self, request: Request, default: str) -> tuple[Answer, str]:
        sql, output = take_format(_text(request))
        output = output or default
        if _DRIVER_HELLO.match(sql) and output == "Native":
            version = self.engine.run("SELECT version()", "TabSeparatedRaw").body.decode().strip()
            return Answer(hello(version), 1), output
        if _HELLO.match(sql) or sql.startswith("SELECT name, value, readonly"):
            return self.engine.run(sql, output), output
        if not self.confined:
            raise Refusal(
                497,
                "ACCESS_DENIED",
                "free SQL is disabled: this system cannot confine the embedded engine (Landlock not available). "
                "Use Linux 5.13 or newer, the container, or a ClickHouse server",
            )
        seconds = min(30, max(1, int(float(request.arguments.get("max_execution_time", "30") or 30))))
        if not self.readers.acquire(timeout=10):
            raise Refusal(202, "TOO_MANY_SIMULTANEOUS_QUERIES", "too many readers at once; try again")
        try:
            wrapped = self.gate.admit(self.engine, sql, request.parameters, seconds=seconds)
            return self._with_columns(wrapped, output, request.parameters, {}), output
        except RefusedError as error:
            raise Refusal(497, "ACCESS_DENIED", str(error)) from None
        finally:
            self.readers.release()

    def _with_columns(self, sql: str, output: str, parameters: dict[str, str], settings: dict[str, str]) -> Answer:
        answer = self.engine.run(sql, output, parameters, settings)
        if not answer.body and output == "Native" and sql.lstrip("( \n\t").upper().startswith(("SELECT", "WITH")):
            return Answer(self.engine.header_block(sql, parameters), 0)
        return answer

    def _insert(self, request: Request) -> Answer | None:
        """Take an INSERT whose rows are the body: the rows go through a file of our own scratch folder."""
        text = (request.query + "\n").encode() + request.body if request.query else request.body
        if not text[:64].lstrip().upper().startswith(b"INSERT"):
            return None
        found = _INSERT_FORMAT.match(text[: 64 << 10])
        if not found or not _INSERT.match(found["head"]):
            return None
        handle, path = tempfile.mkstemp(dir=self.scratch)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(memoryview(text)[found.end() :])
            sql = f"{found['head'].decode()} FROM INFILE {quoted(path)} FORMAT {found['format'].decode()}"
            return self.engine.run(sql, "TabSeparated", None, request.settings)
        finally:
            os.unlink(path)  # noqa: PTH108


def _text(request: Request) -> str:
    try:
        return "\n".join(part for part in (request.query, request.body.decode()) if part.strip())
    except UnicodeDecodeError:
        raise Refusal(62, "SYNTAX_ERROR", "the statement is not UTF-8") from None


class Handler(BaseHTTPRequestHandler):
    """One connection; `store` and `finished` hang on the server object."""

    protocol_version = "HTTP/1.1"
    server_version = "breakeven-store"
    sys_version = ""
    timeout = 600
    server: Listener

    def setup(self) -> None:
        """Send small answers at once: a delayed ACK costs 40 ms each."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        """Answer a ping or a query in the URL."""
        self._serve()

    def do_POST(self) -> None:
        """Answer a query or take rows."""
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: statements may hold values."""

    def _serve(self) -> None:
        url = urlsplit(self.path)
        arguments = dict(parse_qsl(url.query, keep_blank_values=True))
        try:
            body = self._body()
            content_type = self.headers.get("Content-Type", "")
            if content_type.startswith("multipart/form-data"):
                arguments |= form_fields(content_type, body)
                body = b""
            if url.path == "/ping" or (not arguments.get("query") and not body and self.command == "GET"):
                self._send(200, b"Ok.\n", {})
                return
            answer, output = self.server.store.answer(self._request(arguments, body))
            headers = {
                "X-ClickHouse-Format": output,
                "X-ClickHouse-Query-Id": arguments.get("query_id", "")[:128],
                "X-ClickHouse-Summary": json.dumps({"read_rows": str(answer.rows)}),
            }
            self._send(200, answer.body, headers)
        except Refusal as error:
            self._send_error(error.code, str(error))
        except EngineError as error:
            text = str(error)
            self._send_error(error.code, text if "DB::Exception" in text else f"Code: 1002. DB::Exception: {text}")
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _request(self, arguments: dict[str, str], body: bytes) -> Request:
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if self.server.server_address[0] in ("127.0.0.1", "::1") and host not in _HOSTS:
            raise Refusal(497, "ACCESS_DENIED", "asked under a name that is not this machine's own")  # DNS rebinding
        if "password" in arguments:
            raise Refusal(516, "AUTHENTICATION_FAILED", "a password in the URL is refused: logs keep it")
        role = self.server.store.role_of(self._token())
        if role == "reader" and len(body) > READER_LIMIT:
            raise Refusal(497, "ACCESS_DENIED", "a statement of more than 1 MiB is refused")
        if arguments.get("database", DATABASE) not in ("", "default", DATABASE):
            raise Refusal(81, "UNKNOWN_DATABASE", f"the only database here is {DATABASE}")
        return Request(role, arguments.get("query", ""), body, arguments)

    def _send_error(self, code: int, text: str) -> None:
        self._send(_STATUS.get(code, 500), text.encode() + b"\n", {"X-ClickHouse-Exception-Code": str(code)})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-ClickHouse-Timezone", "UTC")
        self.send_header("X-ClickHouse-Server-Display-Name", "breakeven")
        for name, value in headers.items():
            self.send_header(name, value)
        buffer: list[bytes] = self.__dict__.pop("_headers_buffer")
        self.wfile.write(b"".join([*buffer, b"\r\n", body]))  # one write: a delayed ACK costs 40 ms

    def _token(self) -> str:
        given = self.headers.get("Authorization", "")
        if given.startswith("Bearer "):
            return given[7:].strip()
        if given.startswith("Basic "):
            try:
                return base64.b64decode(given[6:], validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return ""
        return str(self.headers.get("X-ClickHouse-Key", ""))

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length")
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        if length is not None and chunked:
            self.close_connection = True
            raise Refusal(62, "SYNTAX_ERROR", "Content-Length and chunked at once")
        raw = self._chunks() if chunked else self._exactly(length)
        coding = self.headers.get("Content-Encoding", "").lower()
        if coding in ("", "identity"):
            return raw
        if coding not in ("gzip", "deflate"):
            raise Refusal(48, "NOT_IMPLEMENTED", f"Content-Encoding {coding} is not taken; gzip or none")
        return inflate(raw, INFLATED_LIMIT)

    def _exactly(self, length: str | None) -> bytes:
        if length is None:
            return b""
        if not length.isascii() or not length.isdigit() or int(length) > WIRE_LIMIT:
            self.close_connection = True
            raise Refusal(62, "SYNTAX_ERROR", f"Content-Length must be a number up to {WIRE_LIMIT}")
        return self.rfile.read(int(length))

    def _chunks(self) -> bytes:
        out = bytearray()
        while True:
            size = self.rfile.readline(32).strip().split(b";")[0]
            if not _CHUNK.match(size) or len(out) + int(size, 16) > WIRE_LIMIT:
                self.close_connection = True
                raise Refusal(62, "SYNTAX_ERROR", "bad or too large chunk")
            if int(size, 16) == 0:
                while self.rfile.readline(1024).strip():
                    continue
                return bytes(out)
            out += self.rfile.read(int(size, 16))
            self.rfile.readline(4)


def hello(version: str) -> bytes:
    """Return the Native block of one row that tells display name, version, revision and zone.

    The driver reads it in the form of revision 54460 (a block info first, a byte of serialization before each value)
    and everything after it in the form of the revision that it is told. The engine writes revision 0: this says 0.
    """

    def text(value: str) -> bytes:
        raw = value.encode()
        return bytes([len(raw)]) + raw

    info = b"\x01\x00" + b"\x02" + (-1).to_bytes(4, "little", signed=True) + b"\x00"
    told = (
        ("displayName()", "String", text("breakeven")), ("version()", "String", text(version)),
        ("revision()", "UInt32", (0).to_bytes(4, "little")), ("timezone()", "String", text("UTC")),
    )  # fmt: skip
    columns = b"".join(text(name) + text(kind) + b"\x00" + value for name, kind, value in told)
    return info + bytes([len(told), 1]) + columns


def form_fields(content_type: str, body: bytes) -> dict[str, str]:
    """Return the plain fields of a form: clients send parameters so when a URL would be too long."""
    message = email.message_from_bytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body)
    fields: dict[str, str] = {}
    for part in message.get_payload() if message.is_multipart() else []:
        if not isinstance(part, Message):
            continue
        if part.get_filename() is not None:
            raise Refusal(48, "NOT_IMPLEMENTED", "external data is not taken")
        payload = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        if isinstance(payload, bytes) and isinstance(name, str):
            fields[name] = payload.decode("utf-8", "replace")
    return fields


def inflate(raw: bytes, limit: int) -> bytes:
    """Unpack gzip or zlib, all members, up to a limit in bytes."""
    out = bytearray()
    while raw:
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            out += unpack.decompress(raw, limit + 1 - len(out))
        except zlib.error as error:
            raise Refusal(354, "CANNOT_INFLATE", f"broken compressed body: {error}") from None
        if len(out) > limit:
            raise Refusal(62, "SYNTAX_ERROR", f"more than {limit} bytes after unpacking")
        if not unpack.eof:
            raise Refusal(354, "CANNOT_INFLATE", "compressed body ends too early")
        raw = unpack.unused_data
    return bytes(out)


class Listener(ThreadingHTTPServer):
    """The socket; bound before the walls go up, served after the engine is open."""

    daemon_threads = False
    block_on_close = False
    request_queue_size = 128
    store: StoreServer
