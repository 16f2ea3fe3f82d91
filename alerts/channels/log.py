"""The log: one line of JSON to standard output, or to a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.channels import TransportError

if TYPE_CHECKING:
    from alerts.channels import Channel
    from alerts.message import Message


def notify(channel: Channel, message: Message) -> None:
    """Write the message in one line."""
    line = json.dumps(message.grafana(channel.name)) + "\n"
    if not channel.path:
        sys.stdout.write(line)
        sys.stdout.flush()
        return
    try:
        with Path(channel.path).expanduser().open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        raise TransportError(f"{channel.path}: {error.strerror}") from None
