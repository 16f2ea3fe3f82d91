"""Who may ask the service, and when they did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as it is kept: its public part and the SHA-256 of the whole, hex."""

    TABLE: ClassVar[str] = "tokens"

    id: str
    role: str
    note: str
    sha256: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked: int = 0


@dataclass(frozen=True, slots=True)
class TokenUse:
    """A day on which a token was used."""

    TABLE: ClassVar[str] = "token_uses"

    id: str
    day: date
