"""Alertmanager: its API v2 takes alerts as they are; its own grouping and routing replace ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from alerts.channels.http import post

if TYPE_CHECKING:
    from alerts.channels import Channel
    from alerts.message import Message

HOLD = timedelta(days=2)
"""How long a firing alert holds there if it is not told again; its end is told when it comes."""


def notify(channel: Channel, message: Message) -> None:
    """Post every alert; a firing one with an end far off, for Alertmanager forgets those that nobody repeats."""
    later = (datetime.now(UTC) + HOLD).isoformat(timespec="seconds").replace("+00:00", "Z")
    body: list[dict[str, Any]] = [
        {
            "labels": {k: v for k, v in one.labels.items() if not k.startswith("__")}, "annotations": one.annotations,
            "startsAt": one.starts_at, "endsAt": later if message.status == "firing" else one.ends_at,
            "generatorURL": message.link,
        }
        for one in message.alerts
    ]  # fmt: skip
    headers = {"Authorization": f"Bearer {channel.secret}"} if channel.secret else {}
    post(channel.url.rstrip("/") + "/api/v2/alerts", body, headers)
