"""A command of yours: the message is its standard input, as JSON."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from alerts.channels import TransportError

if TYPE_CHECKING:
    from alerts.channels import Channel
    from alerts.message import Message

TIMEOUT_S = 60


def notify(channel: Channel, message: Message) -> None:
    """Run the command without a shell; another exit code than 0 is tried again."""
    body = json.dumps(message.grafana(channel.name))
    try:
        done = subprocess.run(
            channel.command, input=body, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TransportError(f"{channel.command[0]}: {type(error).__name__}") from None
    if done.returncode:
        raise TransportError(f"{channel.command[0]} ended with {done.returncode}: {done.stderr.strip()[:200]}")
