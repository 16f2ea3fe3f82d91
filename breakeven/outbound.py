"""Where breakeven may send to, with keys and figures in it: https, or http where nobody else listens."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

_METADATA = ("metadata.google.internal", "metadata", "instance-data")
"""Names under which clouds hand their machines' own keys to whoever asks from inside."""
_INNER = (".local", ".internal", ".lan", ".svc", ".cluster.local", ".home.arpa", ".localdomain")

_OPEN = "https is needed: what is sent would go unencrypted"


def problem(url: str) -> str:
    """Say why an address is not sent to, or nothing.

    http is for this machine, private addresses and names of an inner network; addresses of a link, where clouds keep
    their metadata, are for nobody.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        _ = parts.port
    except ValueError:
        return "not a URL"
    if parts.scheme not in ("http", "https") or not host:
        return "write https://HOST/…"
    if parts.username or parts.password:
        return "no name and password in a URL: logs keep it"
    return _of_name(host, parts.scheme) if _address(host) is None else _of_address(host, parts.scheme)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _of_name(host: str, scheme: str) -> str:
    if host in _METADATA:
        return "a cloud's metadata service, which hands out keys"
    return "" if scheme == "https" or "." not in host or host.endswith(_INNER) else _OPEN


def _of_address(host: str, scheme: str) -> str:
    address = ipaddress.ip_address(host)
    if address.is_link_local or host == "fd00:ec2::254":
        return "an address of the link, where clouds keep their metadata"
    return "" if scheme == "https" or address.is_loopback or address.is_private else _OPEN


def outbound_errors(urls: dict[str, str]) -> list[str]:
    """Return what is wrong with addresses by their keys; an empty one is not looked at."""
    return [f"{key}: {wrong}" for key, url in urls.items() if url and (wrong := problem(url))]
