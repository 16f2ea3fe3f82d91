"""The tokens command: make, list, renew and take back what lets others ask the service."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breakeven import show
from breakeven.access import GRANTS, holds, new_token
from breakeven.access import tokens as kept
from breakeven.command import Json, opened, print_json, wants_json
from ledger.errors import ConfigError
from ledger.records import AccessToken

if TYPE_CHECKING:
    from ledger.store import Store

tokens_app = typer.Typer(
    help="Access tokens: needed where the service can be reached from other machines.\n\n"
    "Senders put one into OTEL_EXPORTER_OTLP_HEADERS as `authorization=Bearer be_…`, Prometheus into `authorization`, "
    "a browser asks for it: any name, the token as the password.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="Token, by the id that `breakeven tokens list` shows.")]


@tokens_app.command("new")
def new(
    role: Annotated[
        str,
        typer.Argument(help=f"{', '.join(GRANTS)}: send telemetry; see figures; also ask SQL; everything."),
    ],
    note: Annotated[str, typer.Option(help="What it is for, such as the machine that sends with it.")] = "",
    days: Annotated[int, typer.Option(min=0, help="Days until it ends; 0 = never.")] = 0,
    as_json: Json = False,
) -> None:
    """Make a token and show it, this once: only its hash is kept."""
    now = datetime.now(UTC)
    text, token = new_token(role, note, now, now + timedelta(days=days) if days else None)
    with opened() as service:
        service.store.add([token])
    _show(text, token, as_json=as_json)


@tokens_app.command("list")
def list_(as_json: Json = False) -> None:
    """List tokens: role, what they are for, when they end and were last used."""
    now = datetime.now(UTC)
    with opened() as service:
        rows = [
            {**{k: v for k, v in row.items() if k != "sha256"}, "state": _state(row, now)}
            for row in kept(service.store)
        ]
    if wants_json(as_json):
        print_json({"rows": rows})
    elif not rows:
        show.say("No token yet: `breakeven tokens new read` makes one.")
    else:
        show.table(
            "Tokens",
            ["id", "role", "state", "for", "made", "ends", "last used"],
            [
                [r["id"], r["role"], r["state"], r["note"], f"{r['created_at']:%Y-%m-%d}",
                 f"{r['expires_at']:%Y-%m-%d}" if r["expires_at"] else "never", str(r["last_used"] or "never")]
                for r in rows
            ],
        )  # fmt: skip


@tokens_app.command("rotate")
def rotate(name: Name, as_json: Json = False) -> None:
    """Take a token back and make another for the same role, purpose and end."""
    now = datetime.now(UTC)
    with opened() as service:
        old = _find(service.store, name, now)
        text, token = new_token(old.role, old.note, now, old.expires_at)
        service.store.add([token])
        service.store.add([replace(old, revoked=1)])
    _show(text, token, as_json=as_json)


@tokens_app.command("revoke")
def revoke(name: Name) -> None:
    """Take a token back: within five seconds it opens nothing more."""
    with opened() as service:
        service.store.add([replace(_find(service.store, name, datetime.now(UTC)), revoked=1)])
    show.say(f"{name} is taken back.")


def _find(store: Store, name: str, now: datetime) -> AccessToken:
    rows = {row["id"]: row for row in kept(store)}
    if name not in rows or not holds(rows[name], now):
        known = ", ".join(one for one, row in rows.items() if holds(row, now))
        raise ConfigError(f"token {name!r}: not one of those that hold: {known or 'none'}")
    return AccessToken(**{k: v for k, v in rows[name].items() if k != "last_used"})


def _state(row: dict[str, Any], now: datetime) -> str:
    return "taken back" if row["revoked"] else "holds" if holds(row, now) else "ended"


def _show(text: str, token: AccessToken, *, as_json: bool) -> None:
    if wants_json(as_json):
        print_json({"token": text, "id": token.id, "role": token.role, "expires_at": token.expires_at})
    else:
        typer.echo(text)
        show.warn(f"This is the only time that it is shown. Its id is {token.id}; role {token.role}.")
