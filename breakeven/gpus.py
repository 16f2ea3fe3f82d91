"""Commands about GPUs: where their money goes, and how much they can do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from breakeven import show
from breakeven.answers import idle_answer
from breakeven.command import Json, opened, print_json, wants_json
from ledger.costing import report
from ledger.costing.idleness import Standing


def idle_command(
    since: Annotated[int, typer.Option("--hours", help="Hours before the last closed one.", min=1)] = 24,
    as_json: Json = False,
) -> None:
    """Show where the money of each GPU pool goes: used, headroom, loaded and empty GPUs, unknown.

    Says of each pool whether an idle alert is due, and if not what holds it back: over 24 hours and 7 days, by the
    limits of [alerts.limits.idle]. GPUs that report and that no pool pays for are named.
    """
    with opened() as service:
        service.tick()
        now = datetime.now(UTC)
        if wants_json(as_json):
            print_json(idle_answer(service, since, now))
            return
        pools = report.idle(service.store, now, since)
        standings, strangers = service.standings(now), service.unpriced_gpus(now)
    if not pools and not strangers:
        show.say("No pool has a cost yet. Declare [pools.NAME] with gpus and usd_per_gpu_hour (`breakeven init`).")
    for one in pools:
        _pool(one, since)
        held = standings.get(one.pool, Standing("", ("it costs nothing any more",)))
        due = {"underused": "an idle alert is due", "telemetry_gap": "no idle alert but a telemetry gap"}
        show.say(f"Pool {one.pool}: {due.get(held.alert, 'no idle alert')}"
                 f"{': ' + '; '.join(held.held_back) if held.held_back else ''}.")  # fmt: skip
    for node in sorted({node for node, _ in strangers}):
        gpus = [gpu for host, gpu in strangers if host == node]
        show.say(
            f"{node or 'a host without a name'}: {show.several(len(gpus), 'GPU')} that no pool pays for ({gpus[0]}"
            f"{', …' if len(gpus) > 1 else ''}): cost unknown. Add the host to `nodes` of a [pools.NAME]."
        )


def _pool(one: report.PoolIdle, hours: int) -> None:
    show.table(
        f"Pool {one.pool} · last {hours} h · {show.usd(one.cost)} · used {show.share(one.used_share)} · "
        f"unused capacity {show.usd(one.idle_per_day)} a day · unknown {show.share(one.unknown_share)}",
        ["gpu", "deployment", "now", "cost>", "used>", "headroom>", "waiting>", "empty>", "unknown>", "unused>",
         "last work"],
        [
            [
                gpu["slice"] or gpu["gpu"], gpu["deployment"] or "–", gpu["state_now"], show.usd(gpu["cost"]),
                *(show.share(gpu[name] / gpu["seconds"] if gpu["seconds"] else None)
                  for name in ("used_s", "headroom_s", "warm_idle_s", "unallocated_s", "unknown_s")),
                show.usd(gpu["unused"]), show.when(gpu["last_busy"]),
            ]
            for gpu in one.gpus
        ],
    )  # fmt: skip
