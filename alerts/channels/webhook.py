"""A webhook: the body of Grafana's or Alertmanager's own, so that one receiver serves either."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from alerts.channels.http import post

if TYPE_CHECKING:
    from alerts.channels import Channel
    from alerts.message import Message


def notify(channel: Channel, message: Message) -> None:
    """Post the message; a secret is sent as a bearer token, or with `user` as a basic login."""
    body = message.alertmanager(channel.name) if channel.format == "alertmanager" else message.grafana(channel.name)
    post(channel.url or channel.secret, body, {"Idempotency-Key": message.key, **_login(channel)})


def _login(channel: Channel) -> dict[str, str]:
    if not channel.url or not channel.secret:
        return {}
    if not channel.user:
        return {"Authorization": f"Bearer {channel.secret}"}
    return {"Authorization": "Basic " + b64encode(f"{channel.user}:{channel.secret}".encode()).decode()}
