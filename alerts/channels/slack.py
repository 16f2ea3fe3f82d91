"""Slack: an incoming webhook, text as a fallback and blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.channels.http import post

if TYPE_CHECKING:
    from alerts.channels import Channel
    from alerts.message import Message

BLOCK = 3000
"""Most characters that Slack takes in one block."""
BLOCKS = 40


def notify(channel: Channel, message: Message) -> None:
    """Post to the incoming webhook, whose address is the secret."""
    said = [f"*{escaped(message.subject)}*", *(escaped(line) for line in message.lines[:BLOCKS])]
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": line[:BLOCK]}} for line in said]
    if message.link:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"<{message.link}|Open in breakeven>"}})
    post(channel.secret or channel.url, {"text": escaped(message.subject), "blocks": blocks})


def escaped(text: str) -> str:
    """Return text in which no name calls anybody and nothing is a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
