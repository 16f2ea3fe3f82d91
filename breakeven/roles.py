"""What one process of the service does: everything, or one part where several share a server."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Role:
    """A part of the service: does it take telemetry, show pages and figures, and run which jobs."""

    receives: bool
    shows: bool
    groups: tuple[str, ...]


COLLECT, SCHEDULE = "collect", "schedule"
"""Groups of jobs: asking providers, and all that follows from what is stored."""
ROLES = {
    "all": Role(receives=True, shows=True, groups=(COLLECT, SCHEDULE)),
    "receive": Role(receives=True, shows=False, groups=()),
    "collect": Role(receives=False, shows=False, groups=(COLLECT,)),
    "schedule": Role(receives=False, shows=False, groups=(SCHEDULE,)),
    "web": Role(receives=False, shows=True, groups=()),
}


def role(name: str) -> Role:
    """Return a role; raises ConfigError naming the known ones."""
    if name not in ROLES:
        raise ConfigError(f"--role {name!r} is not one of {', '.join(ROLES)}")
    return ROLES[name]
