"""Microsoft Teams: an Adaptive Card to a workflow's webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alerts.channels.http import post

if TYPE_CHECKING:
    from alerts.channels import Channel
    from alerts.message import Message


def notify(channel: Channel, message: Message) -> None:
    """Post a card to the workflow's address, which is the secret."""
    body: list[dict[str, Any]] = [{"type": "TextBlock", "text": message.subject, "weight": "bolder", "wrap": True}]
    body += [{"type": "TextBlock", "text": line, "wrap": True} for line in message.lines[:40]]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": body,
    }  # fmt: skip
    if message.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open in breakeven", "url": message.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    post(channel.secret or channel.url, {"type": "message", "attachments": [attachment]})
