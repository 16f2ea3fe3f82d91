"""A network between sender and receiver that refuses, cuts, repeats, delays and loses answers, by chance of a seed."""

import contextlib
import random
import socket
import threading
from collections import Counter

FAULTS = ("none", "refuse", "busy", "cut request", "drop answer", "cut answer", "twice", "slow")
WEIGHTS = (10, 1, 1, 1, 2, 1, 2, 1)


class Between:
    """Listens on a port of its own in front of `target`; `on`: faults happen."""

    def __init__(self, target, seed):
        self.target, self.random, self.counts, self.on = target, random.Random(seed), Counter(), True
        self._guard = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self):
        self._listener.close()

    def _listen(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._come(peer)


class Faulty(Between):
    """Passes each request on, one connection each."""

    def _come(self, peer):
        threading.Thread(target=self._pass, args=(peer,), daemon=True).start()

    def _pass(self, peer):
        with self._guard:
            fault = self.random.choices(FAULTS, WEIGHTS)[0] if self.on else "none"
            pause = self.random.uniform(0, 0.5)
            self.counts[fault] += fault != "none"
        try:
            with peer:
                peer.settimeout(20)
                if fault == "refuse":
                    return
                request = _message(peer)
                if fault == "busy":
                    peer.sendall(
                        b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    )
                    return
                if fault == "slow":
                    threading.Event().wait(pause)
                if fault == "cut request":
                    self._ask(request[: len(request) // 2], whole=False)
                    return
                answer = self._ask(request)
                if fault == "twice":
                    answer = self._ask(request)
                if fault == "drop answer":
                    return
                peer.sendall(answer[: len(answer) // 2] if fault == "cut answer" else answer)
        except OSError:
            return

    def _ask(self, request, *, whole=True):
        with socket.create_connection(("127.0.0.1", self.target), timeout=20) as there:
            there.sendall(request)
            if not whole:
                return b""
            head, rest = _read(there)
            return head + b"\r\nConnection: close\r\n\r\n" + rest


class Hop(Between):
    """A wire between a program and the store: connections are refused, cut in the middle of a question or of an answer, slow."""

    def _come(self, peer):
        faults = ("none", "refuse", "slow", "cut question", "cut answer")
        fault = self.random.choices(faults, (8, 1, 1, 2, 2))[0] if self.on else "none"
        self.counts[f"store: {fault}"] += fault != "none"
        if fault == "refuse":
            peer.close()
            return
        try:
            there = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            peer.close()
            return
        there.settimeout(None)
        left = {
            name: int(self.random.expovariate(1 / 60_000)) if fault == name else -1
            for name in ("cut question", "cut answer")
        }
        pause = self.random.uniform(0, 0.3) if fault == "slow" else 0.0
        for source, sink, name in ((peer, there, "cut question"), (there, peer, "cut answer")):
            threading.Thread(target=self._pass, args=(source, sink, left[name], pause), daemon=True).start()

    def _pass(self, source, sink, left, pause):
        """Pass bytes on until one side closes, or so many have passed."""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if pause:
                    threading.Event().wait(pause)
                    pause = 0.0
                if 0 <= left < len(data) and self.on:
                    sink.sendall(data[:left])
                    break
                left -= len(data) if left >= 0 else 0
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        source.close()  # the other direction's thread closes the other one


def _message(peer):
    """Read one request; the answer closes the connection."""
    head, body = _read(peer)
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\n" + body


def _read(peer):
    """Return head and body of one message; raises ConnectionError for one that ends too early."""
    data = bytearray()
    while b"\r\n\r\n" not in data:
        data += _more(peer)
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    while len(body) < _length(head):
        body += _more(peer)
    return head, body


def _more(peer):
    data = peer.recv(65536)
    if not data:
        raise ConnectionError
    return data


def _length(head):
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
