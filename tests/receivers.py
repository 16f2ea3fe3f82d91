"""Receivers on loopback: HTTP that answers as told, and SMTP that takes mail."""

from __future__ import annotations

import json
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Http:
    """What came: (path, headers, JSON). `answers` are statuses to give, the last one for ever."""

    def __init__(self, *answers, headers=None):
        self.came, self.answers, self.more = [], list(answers or (200,)), headers or {}


@contextmanager
def http(*answers, headers=None):
    kept = Http(*answers, headers=headers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.came.append((self.path, dict(self.headers), json.loads(body)))
            status = kept.answers.pop(0) if len(kept.answers) > 1 else kept.answers[0]
            self.send_response(status)
            for name, value in kept.more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def smtp(refuse=None):
    """Yield (address, mails); `refuse` is the answer to RCPT, such as b"550 no"."""
    mails = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 here\r\n")
            for raw in self.rfile:
                word = raw[:4].upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = []
                    for line in self.rfile:
                        if line == b".\r\n":
                            break
                        lines.append(line)
                    mails.append(b"".join(lines))
                    self.wfile.write(b"250 taken\r\n")
                elif word == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write((refuse + b"\r\n") if refuse and word == b"RCPT" else b"250 ok\r\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"smtp://127.0.0.1:{server.server_address[1]}", mails
    server.shutdown()
    thread.join()
    server.server_close()
