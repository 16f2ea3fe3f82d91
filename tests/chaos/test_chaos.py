"""One short seed of the chaos suite; `make chaos SEEDS=10` runs many long ones."""

from chaos.run import one


def test_nothing_is_lost_and_nothing_doubled(tmp_path):
    outcome = one(20_261_129, 8, tmp_path)
    assert outcome.good, str(outcome)
    assert sum(outcome.kills.values()) >= 3
    assert outcome.durable > 3000
