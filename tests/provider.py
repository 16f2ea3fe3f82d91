"""A provider on loopback: pages, is busy, revises its buckets, and holds the truth that must come out."""

import json
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Provider:
    """`answers` maps a path to a function of its query (name → values) that gives a body, or (status, body)."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []
        self.faults = []
        self.counts = Counter()

    def answer(self, path, query, headers):
        """Return status, headers and body of one question."""
        self.asked.append((path, query, headers))
        self.counts[path] += 1
        if self.faults:
            fault = self.faults.pop(0)
            if fault is not None:
                return fault
        if path not in self.answers:
            return 404, {}, {"error": {"message": "no such path"}}
        found = self.answers[path](query)
        return (found[0], {}, found[1]) if isinstance(found, tuple) else (200, {}, found)


@contextmanager
def listening(take):
    """Serve HTTP on loopback; `take` gets path, headers and body, and returns status, headers, body. Yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, body = take(
                self.path, self.headers, self.rfile.read(int(self.headers.get("Content-Length", 0)))
            )
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def serving(provider):
    """Serve a provider; gives its base URL."""

    def take(path, headers, _):
        parts = urlsplit(path)
        status, more, body = provider.answer(parts.path, parse_qs(parts.query), dict(headers))
        return (
            status,
            {"Content-Type": "application/json", **more},
            body if isinstance(body, bytes) else json.dumps(body).encode(),
        )

    return listening(take)


def paged(rows, query, size=2, cursor="page"):
    """Return one page of rows in the form of OpenAI and Anthropic."""
    first = int(query.get(cursor, ["0"])[0].removeprefix("p"))
    more = first + size < len(rows)
    return {
        "object": "page",
        "data": rows[first : first + size],
        "has_more": more,
        "next_page": f"p{first + size}" if more else None,
    }
