"""The spool against a list: put, send, refuse, reopen, kill, break and fill it in any order."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from exporters.spool import Spool

LIMIT = 4000


class SpoolMachine(RuleBasedStateMachine):
    """`waiting` is what must be there, oldest first."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "spool.db"
        self.spool = Spool(self.path, LIMIT)
        self.waiting, self.dropped, self.refused, self.broken, self.number, self.state = [], 0, 0, 0, 0, None

    def teardown(self):
        self.spool.close()
        shutil.rmtree(self.folder)

    @rule(size=st.integers(1, 1500))
    def put(self, size):
        self.number += 1
        body = f"{self.number}:".encode().ljust(size, b"x")
        self.spool.put("/v1/metrics", body, {"seq": str(self.number)})
        self.state = str(self.number)
        self.waiting.append(body)
        while sum(map(len, self.waiting)) > LIMIT:
            del self.waiting[0]
            self.dropped += 1

    @rule(most=st.integers(1, 5), count=st.integers(0, 5))
    def send(self, most, count):
        batches = self.spool.peek(most)
        assert [batch.body for batch in batches] == self.waiting[:most]
        for batch in batches[:count]:
            self.spool.taken(batch)
            self.spool.taken(batch)  # an answer that came twice
            self.waiting.remove(batch.body)

    @precondition(lambda self: self.waiting)
    @rule()
    def refuse(self):
        (batch,) = self.spool.peek(1)
        self.spool.refused(batch, "400")
        del self.waiting[0]
        self.refused += 1

    @rule()
    def reopen(self):
        self.spool.close()
        self.spool = Spool(self.path, LIMIT)

    @rule()
    def kill(self):
        """What a killed process leaves: the files as they are, the journal not folded in."""
        copy = self.folder / "copy"
        copy.mkdir()
        for path in self.folder.glob("spool.db*"):
            shutil.copy(path, copy)
        self.spool.close()
        for path in self.folder.glob("spool.db*"):
            path.unlink()
        for path in copy.iterdir():
            shutil.copy(path, self.folder)
        shutil.rmtree(copy)
        self.spool = Spool(self.path, LIMIT)

    @rule(garbage=st.binary(min_size=100, max_size=200))
    def break_file(self, garbage):
        self.spool.close()
        for path in self.folder.glob("spool.db-*"):
            path.unlink()
        self.path.write_bytes(garbage)
        self.spool = Spool(self.path, LIMIT)
        self.waiting, self.dropped, self.refused, self.broken, self.state = [], 0, 0, 1, None

    @invariant()
    def what_waits_is_what_must(self):
        assert [batch.body for batch in self.spool.peek(1000)] == self.waiting
        assert self.spool.counts() == {
            "waiting": len(self.waiting), "dropped": self.dropped, "refused": self.refused, "broken": self.broken,
        }  # fmt: skip
        assert self.spool.state("seq") == self.state


TestSpool = SpoolMachine.TestCase
TestSpool.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
