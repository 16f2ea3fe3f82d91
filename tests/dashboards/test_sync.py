"""Sync with a Grafana that keeps state: written once, only what differs, only what is ours."""

import json

import pytest
from fake_grafana import FakeGrafana, serving
from made import command

from dashboards import panel, sync
from ledger.errors import SourceRefused

OURS = [f"be-{name}" for name in panel.NAMES]


@pytest.fixture
def fake():
    return FakeGrafana()


@pytest.fixture
def url(fake):
    with serving(fake) as place:
        yield place


def run(url, *, dry_run=False, prune=False, password="pw", renew=False, token="glsa_x", locked=False):
    store = sync.Store("store", password=password, renew=renew)
    with sync.Grafana(url, token, locked=locked) as server:
        steps = sync.sync(server, store, dry_run=dry_run, prune=prune)
    return [(s.action, s.what) for s in steps if s.action != "same"]


def test_written_once(fake, url):
    """Empty → everything created; again → not one write."""
    assert run(url, dry_run=True) == [("create", w) for w in ("be-clickhouse", "be-folder", *OURS)]
    assert fake.writes == []
    assert run(url) == [("create", w) for w in ("be-clickhouse", "be-folder", *OURS)]
    assert set(fake.dashboards) == set(OURS)
    assert fake.secrets == {"be-clickhouse": {"password": "pw"}}
    written = len(fake.writes)
    assert run(url, prune=True) == []
    assert len(fake.writes) == written
    assert all(h.get("x-disable-provenance") == "true" for h in fake.headers)


def test_only_what_differs_is_written(fake, url):
    run(url)
    fake.calls.clear()
    fake.dashboards["be-gpu"]["model"]["panels"][3]["title"] = "changed by hand"
    fake.datasources["be-clickhouse"]["jsonData"]["host"] = "elsewhere"
    fake.datasources["be-clickhouse"]["jsonData"]["addedByGrafana"] = True
    assert run(url) == [("update", "be-clickhouse"), ("update", "be-gpu")]
    assert [path for _, path in fake.writes] == ["/api/datasources/uid/be-clickhouse", "/api/dashboards/db"]
    assert fake.secrets == {"be-clickhouse": {"password": "pw"}}  # an update repeats it, or Grafana forgets it
    assert run(url) == []
    assert run(url, renew=True, password="new") == [("update", "be-clickhouse")]
    assert fake.secrets == {"be-clickhouse": {"password": "new"}}


def test_prune_takes_only_what_is_ours(fake, url):
    """Prefix and tag both, and in no definition; a dashboard of somebody else stays, whatever it is called."""
    run(url)
    for uid, tags in (("be-old", ["breakeven"]), ("be-mine", ["team"]), ("other", ["breakeven"])):
        fake.dashboards[uid] = {"model": {"uid": uid, "tags": tags}, "folder": "x"}
    assert run(url) == []
    assert run(url, prune=True, dry_run=True) == [("delete", "be-old")]
    assert run(url, prune=True) == [("delete", "be-old")]
    assert set(fake.dashboards) == {*OURS, "be-mine", "other"}


def test_what_is_not_ours_is_left_alone(fake, url):
    """A foreign object under one of our uids stops everything before the first write; so does a provisioned one."""
    fake.dashboards["be-api"] = {"model": {"uid": "be-api", "tags": ["theirs"]}, "folder": "x"}
    with pytest.raises(SourceRefused, match="be-api has no tag breakeven"):
        run(url)
    assert fake.writes == []
    fake.dashboards.clear()
    run(url)
    fake.provisioned.add("be-api")
    assert run(url) == []
    fake.dashboards["be-api"]["model"]["title"] = "older"
    with pytest.raises(SourceRefused, match="provisioned by files"):
        run(url)
    del fake.dashboards["be-api"]
    fake.datasources["be-clickhouse"]["type"] = "postgres"
    with pytest.raises(SourceRefused, match="of type postgres: it is not ours"):
        run(url)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "11.5.9"}, r"Grafana 11.5.9 is too old: 11.6"),
        ({"version": ""}, "is not a Grafana"),
        ({"plugin": None}, "plugins install grafana-clickhouse-datasource"),
        ({"plugin": "4.14.1"}, r"plugin 4.14.1 is too old: 4.15"),
        ({"token": "other"}, "401; GRAFANA_TOKEN needs"),
    ],
)
def test_what_is_missing_is_said(change, message):
    fake = FakeGrafana(**change)
    with serving(fake) as url, pytest.raises(SourceRefused, match=message):
        run(url)
    assert fake.writes == []


def test_the_command(fake, url, tmp_path):
    """A dry run exits 1 while something would change; nobody there is exit 3; secrets come from files too."""
    (tmp_path / "token").write_text("glsa_x\n")
    secrets = {"GRAFANA_TOKEN_FILE": str(tmp_path / "token"), "BREAKEVEN_GRAFANA_PASSWORD": "pw"}
    asked = ("grafana", "sync", "--url", url, "--clickhouse", "https://store.example")
    assert "create dashboard be-overview" in command(*asked, "--dry-run", code=1, **secrets).stdout
    steps = json.loads(command(*asked, "--json", **secrets).stdout)["steps"]
    assert {s["action"] for s in steps} == {"create"}
    assert fake.datasources["be-clickhouse"]["jsonData"]["port"] == 8443
    assert "0 objects would be written" in command(*asked, "--dry-run", **secrets).stdout
    assert "does not answer" in command("grafana", "sync", "--url", "http://127.0.0.1:9", code=3, **secrets).stderr
    assert "addresses such as" in command("grafana", "sync", "--url", "grafana", code=2).stderr
    assert "pw" not in json.dumps(fake.calls)
