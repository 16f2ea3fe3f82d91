"""Configuration: every mistake at once, each with its key and the nearest known one; what is written can be read."""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from breakeven import config, demo
from ledger.errors import ConfigError

ROOT = Path(__file__).parents[2]


def parse(text):
    return config.parse(tomllib.loads(text))


def uncommented(text):
    """The example with every setting switched on."""
    lines = [
        line[2:] if line.startswith("# ") and ("=" in line or line.startswith("# [")) else line
        for line in text.splitlines()
    ]
    return "\n".join(line for line in lines if not line.startswith("#") and (not line[:1].isupper()))


def test_the_example_is_right_as_it_is_and_switched_on():
    assert parse(config.example()) == config.Config()
    full = parse(uncommented(config.example()))
    declared = full.declared()
    assert [d.name for d in declared.own] == ["own-llama"]
    assert declared.rates[0].usd_per_gpu_hour == Decimal("2.69")
    assert full.prices.override[0].since == datetime(2026, 10, 1, tzinfo=UTC)
    assert (ROOT / "breakeven.example.toml").read_text() == config.example()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sever]\nlisten = 'x'", "sever: unknown key; did you mean server?"),
        ("[server]\nlissen = 'x'", "server.lissen: unknown key; did you mean listen?"),
        ("[server]\nlog_format = 'xml'", "server.log_format: 'xml' is not one of text, json"),
        ("[server]\nmax_body_mib = 'x'", "server.max_body_mib: 'x' is not a int"),
        ("[pools.lab]\nusd_per_gpu_hour = 2", "pools.lab.gpus: missing"),
        ("[pools.lab]\ngpus = 2", "usd_per_gpu_hour is missing; without it its cost is unknown"),
        ("[pools.lab]\ngpus = 2\nusd_per_gpu_hour = -1", "not an amount of 0 or more"),
        ("[pools.lab]\ngpus = true\nusd_per_gpu_hour = 1", "True is not a int"),
        (
            "[pools.lab]\ngpus = 1\nusd_per_gpu_hour = 1\nsince = 2026-01-01T00:00:00",
            "has no time zone; write 2026-01-01T00:00:00Z",
        ),
        ("[deployments.a]\nside = 'left'\nmodel = 'm'", "deployments.a.side: 'left' is not api or self_hosted"),
        ("[deployments.a]\nside = 'api'\nmodel = 'm'", "deployments.a.provider: missing"),
        (
            "[deployments.a]\nside = 'self_hosted'\nmodel = 'm'\npool = 'x'",
            "deployments.a.pool: 'x' is not one of the pools",
        ),
        ("[workloads.w]\ndeployments = ['z']", "workloads.w.deployments: 'z' is not declared"),
        ("[overheads.o]\nside = 'api'", "exactly one of usd_per_month, usd_per_hour, share"),
        ("[workloads]\nw = 3", "workloads.w.: a table is expected"),
        ("[store]\nreader_password_file = '/nowhere'", "store.reader_password_file: No such file"),
    ],
)
def test_a_mistake_names_its_key(text, message):
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert message in str(caught.value)


def test_all_mistakes_come_at_once():
    with pytest.raises(ConfigError) as caught:
        parse("[sever]\n[server]\nlissen = 1\n[pools.lab]\nusd_per_gpu_hour = 1")
    assert str(caught.value).count("\n") == 3


def test_a_secret_comes_from_a_file(tmp_path):
    (tmp_path / "secret").write_text("s3cret\n")
    assert parse(f"[store]\nreader_password_file = '{tmp_path}/secret'").store.reader_password == "s3cret"


def test_a_missing_file_says_how_to_get_one():
    with pytest.raises(ConfigError, match="breakeven init"):
        config.load("/nowhere/breakeven.toml", {})


def test_the_demo_configuration_is_whole():
    settings = demo.config(datetime(2026, 11, 25, tzinfo=UTC))
    assert set(settings.workloads) == {"support-bot", "contract-review", "search-summaries"}
