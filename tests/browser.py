"""Chromium driven over its debugging pipe: what a page asks for, says and shows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import suppress

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe", "--window-size=1280,1600",
)  # fmt: skip


class NavigatedError(Exception):
    """The page went away while it was asked something."""


class Browser:
    """One page in one browser. `requests` are all URLs that were asked for, `complaints` what the console and the page said."""

    def __init__(self, profile):
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        chromium = shutil.which("chromium")
        line = f'exec "{chromium}" "$@" 3<&{to_browser} 4>&{from_browser}'
        self._process = subprocess.Popen(
            ["bash", "-c", line, "chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._number, self._buffer, self._session = 0, b"", None
        self.requests, self.complaints = [], []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(t["targetId"] for t in targets if t["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._out)
        os.close(self._in)

    def call(self, method, **parameters):
        """Send a command and return its result; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            found = self._message()
            if found.get("id") == self._number:
                if found.get("error", {}).get("code") == -32000:
                    raise NavigatedError(found)
                assert "error" not in found, found
                return found["result"]

    def _message(self):
        while b"\0" not in self._buffer:
            part = os.read(self._in, 1 << 20)
            assert part, "the browser ended"
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\0")
        found = json.loads(line)
        told = found.get("params", {})
        if found.get("method") == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif found.get("method") == "Log.entryAdded":
            self.complaints.append(told["entry"]["text"])
        elif found.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(told["exceptionDetails"]["text"])
        elif found.get("method") == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(told["args"]))
        return found

    def run(self, script):
        """Evaluate JavaScript, wait for its promise, and return its value."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, script, seconds=30.0):
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(NavigatedError):
                if self.run(script):
                    return
            time.sleep(0.05)
        raise AssertionError(f"never true: {script}")

    def open(self, url):
        """Open an address and wait until every panel is drawn."""
        self.call("Page.navigate", url=url)
        self.until(
            f"location.href === {json.dumps(url)} && document.body !== null && document.body.dataset.ready === '1'"
        )

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=9 if key == "Tab" else 13,
                      **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}))  # fmt: skip
