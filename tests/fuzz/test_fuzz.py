"""A little garbage for every parser, and all that ever broke one; `make fuzz` feeds more."""

import random
from pathlib import Path

import pytest
from fuzz.run import SEEDS, Targets, corpora, feed

NAMES = ["jsonl", "csv", "parquet", "traces_pb", "traces_json", "metrics_pb", "metrics_json", "logs_pb", "litellm",
         "prometheus", "toml", "question", "sql"]  # fmt: skip
KEPT = sorted(path.name for path in SEEDS.iterdir() if "-" in path.name)


@pytest.fixture
def targets(store, tmp_path):
    return Targets(store, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_garbage_is_refused_cleanly(targets, name):
    rng, corpus = random.Random(name), corpora()
    for _ in range(40):
        data, _, error = feed(targets, name, corpus[name], rng)
        assert error is None, (error, data)


@pytest.mark.parametrize("kept", KEPT)
def test_what_broke_a_parser_once_is_refused(targets, kept):
    targets.names[kept.rsplit("-", 1)[0]]((Path(SEEDS) / kept).read_bytes())


def test_every_parser_is_fed(targets):
    assert set(targets.names) == set(NAMES) == set(corpora())
