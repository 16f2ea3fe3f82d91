"""Dashboards written to a running Grafana over HTTP: only what differs, only what is ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import httpx2

from dashboards import grafana
from dashboards import panel as definitions
from ledger.errors import SourceBusy, SourceRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

PLUGIN = grafana.SOURCE["type"]
TAG, PREFIX, FOLDER, DATASOURCE = "breakeven", "be-", "be-folder", "be-clickhouse"
_SERVER_KEYS = ("id", "version")
"""Keys of a dashboard that Grafana gives itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is done to one object: create, update, delete or same; `what` says which."""

    action: str
    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class Store:
    """How Grafana reaches the store: an HTTP address and the reader's name and password.

    Grafana never tells the password, so it is sent with a new data source, with another change, or when `renew` is set.
    """

    host: str
    port: int = 8123
    secure: bool = False
    user: str = "breakeven_read"
    database: str = "breakeven"
    password: str = ""
    renew: bool = False


class Grafana:
    """One Grafana; raises SourceRefused for what somebody must change, SourceBusy where it does not answer."""

    def __init__(self, url: str, token: str, *, locked: bool = False, timeout_s: float = 30.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if not locked:
            headers["X-Disable-Provenance"] = "true"  # people may go on editing in Grafana
        self._http = httpx2.Client(base_url=url.rstrip("/"), headers=headers, timeout=timeout_s)
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: str) -> Any:
        """Return an answer, or None where there is no such thing."""
        return self._ask("GET", path, params=query)

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """Write; raises SourceRefused with Grafana's own words."""
        if self._ask(method, path, json=body) is None:
            raise SourceRefused(f"Grafana: {method} {path}: not found")

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        try:
            answer = self._http.request(method, path, **more)
        except httpx2.HTTPError as error:
            raise SourceBusy(f"Grafana at {self.url} does not answer: {error or type(error).__name__}") from None
        if answer.status_code == 404:
            return None
        if answer.status_code in (401, 403):
            raise SourceRefused(
                f"Grafana: {method} {path}: {answer.status_code}; GRAFANA_TOKEN needs a service account with the role "
                "Admin, or data sources, folders and dashboards read and write"
            )
        if answer.status_code >= 500:
            raise SourceBusy(f"Grafana: {method} {path}: {answer.status_code} {_said(answer)}")
        if answer.status_code >= 400:
            raise SourceRefused(f"Grafana: {method} {path}: {answer.status_code} {_said(answer)}")
        return answer.json() if answer.content else {}


def sync(server: Grafana, store: Store, *, dry_run: bool = False, prune: bool = False) -> list[Step]:
    """Bring data source, folder and dashboards to what is defined here; a second time nothing is written.

    With `prune`, dashboards that carry our prefix and our tag and are in no definition are deleted, and nothing else.
    """
    check(server)
    steps = []
    for step, write in [*_datasource(server, store), *_folder(server), *_dashboards(server, prune=prune)]:
        if step.action != "same" and not dry_run:
            server.send(*write)
        steps.append(step)
    return steps


def check(server: Grafana) -> None:
    """Raise SourceRefused where Grafana or its ClickHouse plugin is missing or too old."""
    settings = server.get("/api/frontend/settings")
    found = str((settings or {}).get("buildInfo", {}).get("version", ""))
    if not found:
        raise SourceRefused(f"{server.url} is not a Grafana: it tells no version")
    if _number(found) < _number(grafana.MIN_GRAFANA):
        raise SourceRefused(f"Grafana {found} is too old: {grafana.MIN_GRAFANA} or later is needed")
    plugin = server.get(f"/api/plugins/{PLUGIN}/settings")
    if plugin is None:
        raise SourceRefused(
            f"Grafana has no ClickHouse plugin: grafana cli plugins install {PLUGIN}, or GF_PLUGINS_PREINSTALL={PLUGIN}"
        )
    told = str(plugin.get("info", {}).get("version", ""))
    if told and _number(told) < _number(grafana.MIN_PLUGIN):
        raise SourceRefused(f"the ClickHouse plugin {told} is too old: {grafana.MIN_PLUGIN} or later is needed")


_Write = tuple[str, str, dict[str, Any] | None]


def _datasource(server: Grafana, store: Store) -> Iterator[tuple[Step, _Write]]:
    wanted: dict[str, Any] = {
        "uid": DATASOURCE, "name": "breakeven", "type": PLUGIN, "access": "proxy",
        "jsonData": {
            "host": store.host, "port": store.port, "protocol": "http", "secure": store.secure, "path": "/",
            "username": store.user, "defaultDatabase": store.database, "dialTimeout": "10", "queryTimeout": "60",
        },
    }  # fmt: skip
    body = {**wanted, "secureJsonData": {"password": store.password}} if store.password else wanted
    found = server.get(f"/api/datasources/uid/{DATASOURCE}")
    if found is None:
        yield Step("create", "data source", DATASOURCE), ("POST", "/api/datasources", body)
        return
    if found["type"] != PLUGIN:
        raise SourceRefused(f"data source {DATASOURCE} is of type {found['type']}: it is not ours; rename or remove it")
    same = _within(wanted, found) and not store.renew
    if not same and found.get("readOnly"):
        raise SourceRefused(f"data source {DATASOURCE} is provisioned by files: change those, or remove them")
    write: _Write = ("PUT", f"/api/datasources/uid/{DATASOURCE}", body)
    yield Step("same" if same else "update", "data source", DATASOURCE), write


def _folder(server: Grafana) -> Iterator[tuple[Step, _Write]]:
    there = server.get(f"/api/folders/{FOLDER}") is not None
    yield Step("same" if there else "create", "folder", FOLDER), (
        "POST", "/api/folders", {"uid": FOLDER, "title": "breakeven"},
    )  # fmt: skip


def _dashboards(server: Grafana, *, prune: bool) -> Iterator[tuple[Step, _Write]]:
    for name in definitions.NAMES:
        wanted = grafana.dashboard(name)
        uid = wanted["uid"]
        found = server.get(f"/api/dashboards/uid/{uid}")
        action = "create" if found is None else "same"
        if found is not None:
            if TAG not in found["dashboard"].get("tags", []):
                raise SourceRefused(f"dashboard {uid} has no tag {TAG}: it is not ours; give it another uid")
            if _plain(found["dashboard"]) != _plain(wanted) or found["meta"].get("folderUid", FOLDER) != FOLDER:
                action = "update"
            if action == "update" and found["meta"].get("provisioned"):
                raise SourceRefused(f"dashboard {uid} is provisioned by files: change those, or remove them")
        body = {"dashboard": wanted, "folderUid": FOLDER, "overwrite": True, "message": "breakeven grafana sync"}
        yield Step(action, "dashboard", uid), ("POST", "/api/dashboards/db", body)
    if prune:
        ours = {f"{PREFIX}{name}" for name in definitions.NAMES}
        for one in server.get("/api/search", tag=TAG, type="dash-db") or []:
            if one["uid"].startswith(PREFIX) and TAG in one.get("tags", []) and one["uid"] not in ours:
                yield Step("delete", "dashboard", one["uid"]), ("DELETE", f"/api/dashboards/uid/{one['uid']}", None)


def _plain(dashboard: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in dashboard.items() if key not in _SERVER_KEYS}


def _within(wanted: Any, found: Any) -> bool:
    """Say whether everything wanted is found; what Grafana adds of its own does not matter."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_within(value, found.get(key)) for key, value in wanted.items())
    return bool(wanted == found)


def _number(text: str) -> tuple[int, ...]:
    """Return a version as numbers; what follows them (-pre, +build) is left out."""
    return tuple(int(part) for part in re.split("[-+]", text, maxsplit=1)[0].split(".") if part.isdigit())


def _said(answer: httpx2.Response) -> str:
    try:
        return str(answer.json().get("message", ""))[:200]
    except (ValueError, AttributeError):
        return answer.text[:200]
