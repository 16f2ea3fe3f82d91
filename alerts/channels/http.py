"""What channels over HTTP share: one post, its errors in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2

from alerts.channels import TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

AGAIN = {408, 425, 429}
TIMEOUT_S = 15.0


def post(url: str, body: Any, headers: Mapping[str, str] | None = None) -> str:
    """Post JSON; return the answer's text. Raises TransportError, permanent for what the receiver will never take."""
    try:
        answer = httpx2.post(url, json=body, headers=dict(headers or {}), timeout=TIMEOUT_S, follow_redirects=False)
    except httpx2.InvalidURL:
        raise TransportError("the address is not a URL", permanent=True) from None
    except httpx2.HTTPError as error:
        raise TransportError(f"{type(error).__name__}: no answer") from None  # its text may hold the address, a secret
    if answer.status_code < 300:
        return answer.text
    wait = answer.headers.get("retry-after", "")
    said = f"{answer.status_code}: {answer.text[:200]}".replace(url, "…")
    permanent = answer.status_code < 500 and answer.status_code not in AGAIN
    raise TransportError(said, permanent=permanent, wait_s=float(wait) if wait.isdigit() else 0.0)
