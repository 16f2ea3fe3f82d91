"""Alert state against a simple memory: whatever comes, in any order, each episode is told once and ends once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alerts.states import TOLD, Condition, Failed, Sample, look

MINUTE = timedelta(minutes=1)
NAMES = [(("pool", name),) for name in "abc"]


class AlertMachine(RuleBasedStateMachine):
    """`open` holds the label sets of which a firing was told and no end yet."""

    @initialize(
        op=st.sampled_from("><"), recovery=st.sampled_from([None, 7.0]), pending=st.integers(0, 3), keep=st.integers(0, 3),
        no_data=st.sampled_from(["ok", "alert", "keep", "nodata"]), error=st.sampled_from(["ok", "alert", "keep", "error"]),
    )  # fmt: skip
    def begin(self, op, recovery, pending, keep, no_data, error):
        self.condition = Condition(
            op=op, threshold=10.0, recovery=recovery and (recovery if op == ">" else 13.0), pending=pending * MINUTE,
            keep_firing=keep * MINUTE, no_data=no_data, error=error,
        )  # fmt: skip
        self.known, self.open, self.at, self.breaching = {}, set(), datetime(2026, 1, 5, tzinfo=UTC), {}

    def see(self, found, minutes=1):
        self.at += minutes * MINUTE
        before, after = self.known, look(self.condition, "rule", self.known, self.at, found)
        assert look(self.condition, "rule", before, self.at, found) == after  # a function of what it is given
        for labels, one in after.items():
            assert one.labels == labels
            if one.told and labels not in self.open:
                assert one.resolved_at is None
                self.open.add(labels)
            elif not one.told and labels in self.open:
                assert one.resolved_at == self.at, (labels, one)  # the end is told in the look in which it ends
                self.open.remove(labels)
            if one.resolved_at == self.at:
                assert not one.told
        for labels in set(before) - set(after):
            assert labels not in self.open, "an episode ended without being told"
        self.known = {labels: one for labels, one in after.items() if one.reason != "MissingSeries"}

    @rule(
        values=st.dictionaries(
            st.sampled_from(NAMES), st.sampled_from([0.0, 6.9, 8.0, 10.0, 12.0, 13.1, 99.0]), min_size=1
        ),
        minutes=st.integers(1, 5),
    )
    def rows(self, values, minutes):
        self.see([Sample(labels, value) for labels, value in values.items()], minutes)
        for labels, value in values.items():
            one = self.known[labels]
            plain = value > 10 if self.condition.op == ">" else value < 10
            if plain:
                assert one.state in ("pending", "firing")
            if one.state == "firing" and not plain:
                assert self.condition.recovery is not None  # only its band keeps it
            begun = self.breaching.setdefault(labels, self.at) if plain else None
            if not plain:
                self.breaching.pop(labels, None)
            if plain and self.at - begun > self.condition.pending + MINUTE:
                assert one.state == "firing"
        for labels in set(self.breaching) - set(values):
            del self.breaching[labels]

    @rule()
    def nothing(self):
        self.see([])
        self.breaching.clear()

    @rule()
    def failure(self):
        self.see(Failed("broken"))
        self.breaching.clear()

    @rule()
    def restart(self):
        """What is kept is all that counts: copies of the instances do as well."""
        self.known = {labels: replace(one) for labels, one in self.known.items()}

    @invariant()
    def what_is_open_is_known_as_told(self):
        if hasattr(self, "open"):
            assert self.open == {labels for labels, one in self.known.items() if one.state in TOLD}


TestAlerts = AlertMachine.TestCase
TestAlerts.settings = settings(max_examples=150, stateful_step_count=30, deadline=None, derandomize=True)
