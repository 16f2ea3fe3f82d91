"""A store process whose starter is killed at any moment ends and lets go of its folder."""

import json
import os
import subprocess
import sys

import pytest

from ledger.store.process import start_or_join


@pytest.mark.parametrize("after", ["nothing", "settings"])
def test_a_store_without_a_starter_ends(tmp_path, after):
    """Nobody reads what it prints any more, and its life line is cut before or after the settings."""
    read, write = os.pipe()
    os.close(read)
    (tmp_path / "tmp").mkdir()
    child = subprocess.Popen(
        [sys.executable, "-I", "-m", "ledger.embedded"], stdin=subprocess.PIPE, stdout=write, stderr=subprocess.DEVNULL, text=True,
        env={"TZ": "UTC", "LC_ALL": "C.UTF-8", "TMPDIR": str(tmp_path / "tmp")},
    )  # fmt: skip
    os.close(write)
    settings = {
        "folder": str(tmp_path), "host": "127.0.0.1", "port": 0, "memory_bytes": 1 << 30, "writer_sha256": "",
        "reader_sha256": "",
    }  # fmt: skip
    if after == "settings":
        child.stdin.write(json.dumps(settings) + "\n")
    child.stdin.close()
    try:
        child.wait(timeout=60)
    finally:
        child.kill()
    process = start_or_join(tmp_path)  # the folder is free
    assert process.alive()
    process.close()
