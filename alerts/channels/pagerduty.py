"""PagerDuty: Events API v2, one event an alert, so that each is resolved by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerts.channels.http import post

if TYPE_CHECKING:
    from alerts.channels import Channel
    from alerts.message import Message

URL = "https://events.pagerduty.com/v2/enqueue"


def notify(channel: Channel, message: Message) -> None:
    """Send trigger or resolve for every alert; the secret is the integration's routing key."""
    for one in message.alerts:
        event = {
            "routing_key": channel.secret, "dedup_key": one.fingerprint,
            "event_action": "trigger" if message.status == "firing" else "resolve",
            "payload": {
                "summary": one.annotations["summary"][:1024], "source": "breakeven", "severity": message.severity,
                "timestamp": one.starts_at, "component": message.rule, "group": one.labels["group"],
                "custom_details": {**one.labels, **one.values, "advice": one.annotations.get("description", "")},
            },
            "links": [{"href": message.link, "text": "breakeven"}] if message.link else [],
        }  # fmt: skip
        post(channel.url or URL, event)
