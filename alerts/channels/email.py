"""E-mail over SMTP: text and HTML, one thread a rule."""

from __future__ import annotations

import hashlib
import html
import smtplib
import ssl
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from alerts.channels import TransportError

if TYPE_CHECKING:
    from alerts.channels import Channel
    from alerts.message import Message

TIMEOUT_S = 30


def notify(channel: Channel, message: Message) -> None:
    """Send to all receivers; `url` is smtp://host:port or smtps://host:port, the secret is the password of `user`."""
    place = urlsplit(channel.url)
    mail = composed(channel, message)
    try:
        with _connected(place.scheme, place.hostname or "", place.port, starttls=channel.starttls) as server:
            if channel.user:
                server.login(channel.user, channel.secret)
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused:
        raise TransportError("all receivers were refused", permanent=True) from None
    except smtplib.SMTPAuthenticationError as error:
        raise TransportError(f"login refused: {error.smtp_code}", permanent=True) from None
    except smtplib.SMTPResponseException as error:
        permanent = error.smtp_code >= 500
        raise TransportError(f"{error.smtp_code}: {str(error.smtp_error)[:200]}", permanent=permanent) from None
    except (OSError, smtplib.SMTPException) as error:
        raise TransportError(f"{type(error).__name__}: no answer") from None


def composed(channel: Channel, message: Message) -> EmailMessage:
    """Return the mail: a subject in one line, text, HTML, and what makes mails of one rule a thread."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(message.subject.split())
    mail["From"] = channel.sender or channel.user
    mail["To"] = ", ".join(channel.to)
    domain = (channel.sender or channel.user).rpartition("@")[2] or "breakeven"
    thread = f"<{hashlib.sha256(message.rule.encode()).hexdigest()[:24]}@{domain}>"
    mail["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()[:24]}@{domain}>"
    mail["References"] = mail["In-Reply-To"] = thread
    mail.set_content("\n".join([*message.lines, "", message.link]).strip() + "\n")
    rows = "".join(f"<p>{html.escape(line)}</p>" for line in message.lines)
    link = f'<p><a href="{html.escape(message.link)}">Open in breakeven</a></p>' if message.link else ""
    mail.add_alternative(f"<h3>{html.escape(message.subject)}</h3>{rows}{link}", subtype="html")
    return mail


def _connected(scheme: str, host: str, port: int | None, *, starttls: bool) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_S, context=context)
    server = smtplib.SMTP(host, port or 587, timeout=TIMEOUT_S)
    if starttls:
        server.starttls(context=context)
    return server
