"""The house: six packages, a caption a module, short files, statements in files, nothing of one machine in the tree."""

import ast
import importlib.metadata
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ["alerts", "breakeven", "collector", "dashboards", "exporters", "ledger"]
MODULES = sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))
STATEMENTS = sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.sql"))


def ids(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_a_module_has_a_caption_and_fits_a_head(path):
    text = path.read_text()
    caption = ast.get_docstring(ast.parse(text))
    assert caption, "every module begins with a sentence"
    assert caption.splitlines()[0].endswith((".", ":")) or "\n" in caption
    assert len(text.splitlines()) <= 500


@pytest.mark.parametrize("path", STATEMENTS, ids=ids)
def test_a_statement_has_a_caption_and_no_clock(path):
    text = path.read_text()
    assert text.startswith("-- ")
    if path.name != "store_clock.sql":  # which asks for just that
        assert not re.search(r"\b(now|now64|today|rand|generateUUIDv4)\(", text)
    assert text.endswith("\n")


SAMPLED = [
    path
    for path in STATEMENTS
    if re.search(r"\bFROM (?:v_)?(?:gpu|engine)_samples\b", path.read_text()) and "migrations" not in path.parts
]


@pytest.mark.parametrize("path", SAMPLED, ids=ids)
def test_samples_of_a_time_are_found_by_their_hour(path):
    """Their key begins with the hour and ends with the instant: the instant alone is looked for in all of a month."""
    text = path.read_text()
    assert (
        not re.search(r"\bat >=? ", text)
        or "toStartOfHour(at) " in text
        or "toStartOfHour(e.at) " in text
        or "toStartOfHour(s.at) " in text
    )


@pytest.mark.parametrize("path", [path for path in STATEMENTS if "dashboards" in path.parts], ids=ids)
def test_hours_of_a_range_are_those_of_utc(path):
    """A place without a zone is read in the server's: there an hour may begin at half past, and lose facts before it."""
    assert not re.search(r"toStartOfHour\(\{\w+:DateTime\}[^,()]*(?:\([^()]*\))?\)", path.read_text())


def test_there_are_six_packages_and_no_other():
    found = {p.parent.name for p in ROOT.glob("*/__init__.py")}
    assert found == set(PACKAGES)


def test_no_dependency_brings_a_package_of_our_names():
    """Six flat packages: another distribution with one of these names would be mixed up with ours."""
    owners = importlib.metadata.packages_distributions()
    for name in PACKAGES:
        assert set(owners.get(name, ["breakeven"])) == {"breakeven"}


def test_requirements_are_pinned_hashed_and_name_no_host():
    text = (ROOT / "requirements.txt").read_text()
    assert "://" not in text
    pins = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert all("==" in pin and pin.endswith("\\") for pin in pins)
    assert text.count("--hash=sha256:") >= len(pins)


def test_no_sql_is_made_of_strings():
    """Statements stand in files; the few that are built for the engine's own checks are in the embedded store."""
    made = re.compile(r"""f["'](?:SELECT|INSERT|ALTER|CREATE|DROP)\b""")
    for path in MODULES:
        if "embedded" not in path.parts:
            assert not made.search(path.read_text()), path


def test_nothing_generated_or_private_is_tracked():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    assert not [
        name for name in tracked if name.endswith((".pyc", ".lock")) or name.startswith((".venv", "build", "dist"))
    ]


@pytest.mark.parametrize(
    "name",
    [
        "0001-flat-packages",
        "0002-embedded-store-process",
        "0003-recomputed-rollups",
        "0004-grafana-over-plain-http",
        "0005-vintages-apart",
    ],
)
def test_decisions_are_written_down(name):
    text = (ROOT / "docs" / "decisions" / f"{name}.md").read_text()
    assert len(text.split()) > 80


def test_every_command_and_setting_is_documented():
    import dataclasses

    from breakeven import alert_config, cli, config, pools

    docs = "\n".join(p.read_text() for p in (ROOT / "docs").glob("*.md")) + (ROOT / "README.md").read_text()
    for command in cli.app.registered_commands:
        name = command.name or command.callback.__name__
        assert f"breakeven {name}" in docs, name
    text = (ROOT / "docs" / "configuration.md").read_text()

    named = {**vars(config), **vars(pools), **vars(alert_config)}
    tables = [one for name, one in named.items() if name.endswith("Config")] + [config.Override]
    tables += [
        alert_config.IdleLimits,
        alert_config.AnomalyLimits,
        alert_config.Quiet,
        alert_config.Budget,
        alert_config.Channel,
    ]
    keys = {field.name for table in tables for field in dataclasses.fields(table)} - {"name"}
    assert len(keys) > 40
    keys |= {field.name for field in dataclasses.fields(config.Policy)}
    assert sorted(key for key in keys if not re.search(rf"[`\[.]{key}[`\]. ]", text)) == []


def test_figures_of_speed_come_from_the_recorded_run():
    from bench.__main__ import table

    assert table() in (ROOT / "docs" / "performance.md").read_text()
