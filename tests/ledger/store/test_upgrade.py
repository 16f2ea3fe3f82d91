"""A store of every earlier schema comes up to this one, also when the migration is killed on the way and begun again."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest
from made import NOW, request

from ledger.costing.declared import Declared
from ledger.costing.tick import tick
from ledger.prices.register import PriceRegister
from ledger.store import Store
from ledger.store.migrate import migrate, shipped

EARLIER = [*[m.number for m in shipped()][5:-1:8], shipped()[-2].number]
ROWS = """INSERT INTO requests (at, event_id, event_key, side, source, provider, model, workload, input_fresh, output, usage_source, status, ver)
SELECT toDateTime64('2026-11-20 10:00:00', 3, 'UTC') + toIntervalMinute(number), sipHash64(number), toString(number), 'api', 'test', 'openai',
  'gpt-4o-mini', 'bot', 1000, 500, 'provider', 200, 1764000000000000000 + number FROM numbers(100)"""
MIGRATE = textwrap.dedent("""
    import os, signal, sys
    from ledger.store import Store
    from ledger.store.migrate import migrate
    left = int(sys.argv[2])
    with Store(sys.argv[1]) as store:
        run = store.command
        def command(text, settings=None):
            global left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            run(text, settings)
        store.command = command
        migrate(store)
""")


def old(path, number):
    """Make a store of an earlier schema with a hundred requests in it."""
    with Store(path) as store:
        migrate(store, upto=number)
        store.command(ROWS)


def whole(path):
    with Store(path) as store:
        store.migrate()
        assert store.migrate() == []
        prices = PriceRegister(store)
        prices.refresh(NOW)
        assert store._client.query("SELECT count(), sum(input_fresh), sum(output) FROM requests FINAL").result_rows == [
            (100, 100_000, 50_000)
        ]
        store.add([request(NOW, "new", workload="bot", input_fresh=1, output=1)])
        tick(store, Declared(), NOW)
        assert store._client.query("SELECT sum(attempts), sum(total_input) FROM v_usage_hourly").result_rows == [
            (101, 100_001)
        ]


@pytest.mark.parametrize("number", EARLIER)
def test_an_earlier_store_comes_up_to_this_schema(tmp_path, number):
    old(tmp_path / "s", number)
    whole(tmp_path / "s")


@pytest.mark.parametrize("after", [2, 9, 20])
def test_a_kill_in_the_middle_of_migrating_is_begun_again(tmp_path, after):
    """Killed after so many statements; the store process ends by itself, and the next program goes on."""
    old(tmp_path / "s", EARLIER[0])
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BREAKEVEN")}
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE, str(tmp_path / "s"), str(after)], env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL
    whole(tmp_path / "s")
