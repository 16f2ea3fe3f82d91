"""The bench suite: `python -m bench` prints one line a goal, ours beside its peer or limit, measured in one run.

--only G1,G7 runs some; --json prints JSON lines; --record adds them to bench/history.jsonl.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import footprint, ingest, otlp, price, scale

SUITE = {"G7": price.goals, "G1 G1w G2 G3 G4 G5": ingest.goals, "G6": otlp.goals, "G15": footprint.faults,
         "F1 F2 F3 F4 F5": footprint.goals, "G8 G9 G10 G11 G12 G13 G14 G16 G17": scale.goals}  # fmt: skip
HISTORY = Path(__file__).with_name("history.jsonl")


def table() -> str:
    """Return the last recorded run as a Markdown table."""
    last = json.loads(HISTORY.read_text("utf-8").splitlines()[-1])
    rows = [_row(goal) for goal in last["goals"]]
    about = ", ".join(f"{name} {value}" for name, value in last.items() if name != "goals")
    head = ["| goal | what | ours | peer or limit | ratio | target | |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows, "", f"Run: {about}."])


_STATES = {True: "met", False: "**missed**", None: "not measured"}


def _row(goal: dict[str, Any]) -> str:
    ratio = "–" if goal["ratio"] is None else f"{goal['ratio']:.3g}"
    target = f"{'≥' if goal['least'] else '≤'} {goal['target']:g}"
    cells = [goal["name"], goal["what"], goal["ours"], goal["peer"], ratio, target, _STATES[goal["met"]]]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Run what is asked for; a goal that is missed is read by people, it fails nothing."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", metavar="G1,G7", help="only parts with these goals")
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    parser.add_argument("--record", action="store_true", help="add the lines to bench/history.jsonl")
    parser.add_argument("--table", action="store_true", help="print the last recorded run as a Markdown table")
    parser.add_argument("--rows", type=int, default=scale.LARGE, help="requests of the larger store")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the larger store stays, to be asked again")
    given = parser.parse_args()
    if given.table:
        print(table())
        return 0
    wanted, begun, kept = set(filter(None, given.only.split(","))), time.time(), []
    for names, goals in SUITE.items():
        if wanted and not wanted & set(names.split()):
            continue
        for goal in goals(given.rows, given.keep) if goals is scale.goals else goals():
            kept.append(goal)
            print(json.dumps(goal.json()) if given.json else goal, flush=True)
    about = {
        "at": time.strftime("%Y-%m-%d", time.gmtime(begun)), "breakeven": version("breakeven"),
        "engine": version("chdb-core"), "python": platform.python_version(), "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1), "seconds": round(time.time() - begun),
    }  # fmt: skip
    if given.record:
        with HISTORY.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**about, "goals": [goal.json() for goal in kept]}) + "\n")
    if not given.json:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
