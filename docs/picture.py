"""Draw the README's picture: start the demo, open its page in Chromium, and keep what it shows."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

LISTEN = "127.0.0.1:8499"
SIZE = "1280,1080"


def main(target: Path) -> None:
    """Write the picture to `target`; exits with what is missing."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        sys.exit("chromium is not installed: apt-get install chromium")
    target.parent.mkdir(parents=True, exist_ok=True)
    breakeven = Path(sys.executable).with_name("breakeven")
    with tempfile.TemporaryDirectory() as folder:
        demo = subprocess.Popen([breakeven, "demo", "--listen", LISTEN], stdout=subprocess.DEVNULL)
        try:
            _wait(f"http://{LISTEN}/healthz")
            subprocess.run(
                [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={SIZE}",
                 f"--user-data-dir={folder}", "--virtual-time-budget=8000", f"--screenshot={target.resolve()}",
                 f"http://{LISTEN}/?from=now-30d"],
                check=True, capture_output=True, timeout=120,
            )  # fmt: skip
        finally:
            demo.terminate()
            demo.wait(30)
    print(target)


def _wait(url: str) -> None:
    """Wait until the demo answers; a minute at most."""
    for _ in range(120):
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
        else:
            return
    sys.exit(f"{url} did not answer within a minute")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
