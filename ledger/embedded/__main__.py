"""Start of the store process: bind, walls, engine, proof, one line of JSON, then serve until the life line ends."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from ledger.embedded import landlock
from ledger.embedded.engine import Engine, EngineError, quoted
from ledger.embedded.server import Handler, Listener, StoreServer

_GRACE_S = 10


def main() -> int:
    """Run the store of one folder; the settings come as one JSON line on stdin."""
    settings = json.loads(sys.stdin.readline())
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    folder = Path(settings["folder"])
    data, scratch = folder / "engine", folder / "tmp"
    for path in (data, scratch):
        path.mkdir(parents=True, exist_ok=True)
    for left in scratch.iterdir():  # bodies and engine folders of a process that was killed
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    canary = folder / "canary"
    canary.write_text("outside the walls")
    listener = Listener((settings["host"], settings["port"]), Handler)
    walls = landlock.confine(read=landlock.needed_to_read(), write=[data, scratch, Path("/dev/null")])
    try:
        engine = Engine(data, memory_bytes=settings["memory_bytes"])
    except Exception as error:  # noqa: BLE001 - whatever the engine raises ends this process with its words
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    confined = bool(walls) and _proven(engine, canary)
    listener.store = StoreServer(
        engine, scratch, settings["writer_sha256"], settings["reader_sha256"], confined=confined
    )
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    threading.Thread(target=_life_line, args=(stop,), daemon=True).start()
    serving = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.1})
    serving.start()
    started = {
        "port": listener.server_address[1],
        "pid": os.getpid(),
        "engine": engine.version,
        "landlock": walls,
        "confined": confined,
    }
    try:
        print(json.dumps(started), flush=True)
    except OSError:  # whoever started it was killed meanwhile: end, and let go of the folder
        stop.set()
    stop.wait()
    listener.shutdown()
    listener.server_close()
    _drain(engine)
    engine.close()
    os._exit(0)  # idle keep-alive connections still have threads; the engine is closed


def _life_line(stop: threading.Event) -> None:
    """Wait for the end of stdin: the parent is gone, whoever killed it."""
    while sys.stdin.readline():
        continue
    stop.set()


def _drain(engine: Engine) -> None:
    """Let running statements end, then end them."""
    deadline = time.monotonic() + _GRACE_S
    while time.monotonic() < deadline:
        running = engine.run("SELECT count() FROM system.processes", "TabSeparated").body
        if int(running or b"1") <= 1:
            return
        time.sleep(0.05)
    engine.run("KILL QUERY WHERE query NOT ILIKE '%KILL QUERY%' SYNC", "TabSeparated")


def _proven(engine: Engine, canary: Path) -> bool:
    """Say whether the engine really cannot read a file beside its folder; each attempt must fail."""
    path = quoted(str(canary))
    attempts = (
        f"SELECT file({path})",
        f"SELECT * FROM file({path}, 'LineAsString') SETTINGS max_threads = 16",  # noqa: S608
        f"SELECT length(file(materialize({path}))) FROM numbers_mt(200000)",  # noqa: S608
    )
    for attempt in attempts:
        try:
            engine.run(attempt, "TabSeparated")
        except EngineError:
            continue
        return False
    try:
        canary.read_text()
    except OSError:
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
