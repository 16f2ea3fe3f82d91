"""Ways to reach people, one small file each: `notify` returns nothing, or raises TransportError."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alerts.message import Message

CHANNELS: Mapping[str, str] = {
    "webhook": "alerts.channels.webhook",
    "slack": "alerts.channels.slack",
    "teams": "alerts.channels.teams",
    "email": "alerts.channels.email",
    "pagerduty": "alerts.channels.pagerduty",
    "alertmanager": "alerts.channels.alertmanager",
    "log": "alerts.channels.log",
    "command": "alerts.channels.command",
}


class TransportError(Exception):
    """A message that did not arrive; `permanent` where trying again would not help; the text holds no secret."""

    def __init__(self, text: str, *, permanent: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Channel:
    """[channels.NAME]: where messages go. `severities` and `rules` leave others out; empty is all.

    `secret` is what the environment holds under NAME or NAME_FILE: a URL with a key in it, a token, a password.
    """

    name: str
    kind: str
    url: str = ""
    secret: str = field(default="", repr=False)
    user: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()
    format: str = "grafana"
    command: tuple[str, ...] = ()
    path: str = ""
    starttls: bool = True
    severities: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    resolved: bool = True

    def takes(self, rule: str, severity: str, status: str) -> bool:
        """Say whether a message goes here."""
        if status == "resolved" and not self.resolved:
            return False
        return (not self.severities or severity in self.severities) and (not self.rules or rule in self.rules)


def send(channel: Channel, message: Message) -> None:
    """Hand a message to its channel; raises TransportError."""
    notify: Callable[[Channel, Message], None] = import_module(CHANNELS[channel.kind]).notify
    notify(channel, message)
