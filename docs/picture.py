"""Draw the README's pictures: start the demo, open its pages in Chromium, and keep what they show."""

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
PICTURES = (
    ("overview.png", "/?from=now-30d&theme=light", "1280,1080"),
    ("workload.png", "/workload?from=now-30d&var-workload=support-bot&theme=dark", "1280,1080"),
)
"""File, address, size of the window."""


def main(folder: Path) -> None:
    """Write the pictures into a folder; exits with what is missing."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        sys.exit("chromium is not installed: apt-get install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    breakeven = Path(sys.executable).with_name("breakeven")
    with tempfile.TemporaryDirectory() as profile:
        demo = subprocess.Popen([breakeven, "demo", "--listen", LISTEN], stdout=subprocess.DEVNULL)
        try:
            _wait(f"http://{LISTEN}/healthz")
            for name, address, size in PICTURES:
                target = folder / name
                subprocess.run(
                    [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                     f"--window-size={size}", f"--user-data-dir={profile}", "--virtual-time-budget=20000",
                     f"--screenshot={target.resolve()}", f"http://{LISTEN}{address}"],
                    check=True, capture_output=True, timeout=120,
                )  # fmt: skip
                print(target)
        finally:
            demo.terminate()
            demo.wait(30)


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
