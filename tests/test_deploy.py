"""The compose file and the image: pinned, nothing beyond loopback, what they mount is there, the configuration is taken."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from breakeven import config, web
from dashboards import grafana
from ledger.errors import ConfigError

ROOT = Path(__file__).parents[1]
COMPOSE = (ROOT / "docker-compose.yml").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def number(text):
    return tuple(int(part) for part in text.split("."))


def test_every_image_has_a_version():
    tags = dict(re.findall(r"image: (\S+):(\S+)", COMPOSE)) | dict(re.findall(r"FROM (\S+):(\S+)", DOCKERFILE))
    assert set(tags) == {"clickhouse/clickhouse-server", "breakeven", "grafana/grafana", "python"}
    assert all(re.match(r"\d+\.\d+", tag) for tag in tags.values())
    assert number(tags["grafana/grafana"]) >= number(grafana.MIN_GRAFANA)
    (plugin,) = re.findall(r"grafana-clickhouse-datasource@([\d.]+)", COMPOSE)
    assert number(plugin) >= number(grafana.MIN_PLUGIN)


def test_nothing_listens_beyond_this_machine():
    ports = re.findall(r"ports: \[(.*)\]", COMPOSE)
    assert ports == ['"127.0.0.1:8400:8400"', '"127.0.0.1:3000:3000"']
    assert "network_mode" not in COMPOSE


def test_what_is_mounted_and_copied_is_there():
    for source in re.findall(r"^ +- (\./\S+?):", COMPOSE, re.MULTILINE):
        assert (ROOT / source).exists(), source
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists(), source
    used, made = set(re.findall(r"secrets/(\w+)", COMPOSE)), (ROOT / "Makefile").read_text("utf-8")
    assert all(name in made for name in used)
    assert "secrets/" in (ROOT / ".gitignore").read_text("utf-8").split()


def test_no_secret_and_no_root():
    assert not re.search(r"(?i)password: (?!\{ file)\S", COMPOSE)
    user = DOCKERFILE.rindex("\nUSER 10001")
    assert user > DOCKERFILE.rindex("\nFROM ")
    assert "\nRUN" not in DOCKERFILE[user:]
    assert all(word in COMPOSE for word in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"))


def test_what_a_container_may_take_is_bounded():
    (service,) = re.findall(r"^  breakeven:\n((?:    .*\n)+)", COMPOSE, re.MULTILINE)
    assert int(re.search(r"pids_limit: (\d+)", service)[1]) >= 512
    assert "mem_limit: " in service
    spool = config.load(str(ROOT / "deploy" / "breakeven.toml"), {}).server.spool
    assert re.search(rf"- breakeven:({Path(spool).parent})$", service, re.MULTILINE)


def test_grafana_finds_what_is_rendered():
    (path,) = re.findall(r"path: (/\S+)", grafana.PROVIDER)
    assert f"./dashboards/rendered:{path}:ro" in COMPOSE
    assert f"{path}/be-overview.json" in COMPOSE
    for name in re.findall(r"\$(BREAKEVEN_\w+)", grafana.DATASOURCE):
        assert name in COMPOSE


def test_the_reader_of_the_server_is_bound():
    script = (ROOT / "deploy" / "clickhouse" / "reader.sh").read_text("utf-8")
    assert "readonly = 1, max_execution_time = 30 CHANGEABLE_IN_READONLY" in script
    assert re.findall(r"GRANT (.+);", script) == ["SELECT ON breakeven.* TO breakeven_read"]
    assert subprocess.run(["sh", "-n", ROOT / "deploy" / "clickhouse" / "reader.sh"], check=False).returncode == 0


def test_the_configuration_of_the_image_is_taken():
    given = config.load(str(ROOT / "deploy" / "breakeven.toml"), {})
    assert (given.server.listen, given.server.trusted_network, given.server.hosts) == (
        "0.0.0.0:8400",
        True,
        ("breakeven",),
    )
    with pytest.raises(ConfigError, match="trusted_network = true"):
        web.address(given.server.listen)
    assert web.address("0.0.0.0:0", guarded=True) == ("0.0.0.0", 0)


def test_a_server_s_password_comes_from_a_file(tmp_path, monkeypatch):
    for name in ("BREAKEVEN_STORE_PASSWORD", "BREAKEVEN_STORE_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    url = "clickhouse://breakeven@db:8123/breakeven"
    assert config.with_password(url) == url
    (tmp_path / "pw").write_text("a/b@c:d\n")
    monkeypatch.setenv("BREAKEVEN_STORE_PASSWORD_FILE", str(tmp_path / "pw"))
    assert config.with_password(url) == "clickhouse://breakeven:a%2Fb%40c%3Ad@db:8123/breakeven"
    assert config.with_password("clickhouse://u:own@db/x") == "clickhouse://u:own@db/x"
    assert config.with_password("/var/lib/store") == "/var/lib/store"
    monkeypatch.setenv("BREAKEVEN_STORE_PASSWORD_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="BREAKEVEN_STORE_PASSWORD_FILE"):
        config.with_password(url)


def test_compose_takes_the_file():
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("docker compose is not here")
    for name in ("clickhouse_password", "reader_password", "grafana_admin_password"):
        assert name in COMPOSE
    done = subprocess.run(["docker", "compose", "config", "-q"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
