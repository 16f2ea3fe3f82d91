"""What may serve a workload at all, and what speaks against deciding now (economics 16); pure.

Hard constraints come first, then feasibility, then suppressors; what is left is decided by cost. A fact that is not
set never fires a rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LABELS = ("api", "self_hosted", "hybrid")


@dataclass(frozen=True, slots=True)
class Policy:
    """Facts that the user declares of a workload ([workloads.NAME.policy]); None = not set."""

    data_class: str = ""
    approved_api: bool | None = None
    self_feasible: bool | None = None
    api_meets_slo: bool | None = None
    self_meets_slo: bool | None = None
    custom_model: bool | None = None
    api_lacks: str = ""
    self_lacks: str = ""
    frontier_share: float | None = None
    stage: str = ""
    models_tried_per_month: int | None = None
    team_can_operate: bool | None = None
    prefer: str = ""
    rapid_testing_models: int = 5
    low_volume_ratio: float = 0.5
    max_weekly_cv: float = 0.6
    no_skill_ops_factor: float = 2.0


@dataclass(frozen=True, slots=True)
class Volume:
    """Measured facts that rule 9 looks at; `pays` says whether any replica would (n* above 0)."""

    pays: bool | None = None
    ratio_to_breakeven: float | None = None
    weekly_cv: float | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """The label of the rule table, labels that are removed with the rule, and every fired rule with its fact."""

    label: str
    removed: Mapping[str, str] = field(default_factory=dict)
    fired: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether cost decides."""
        return self.label in ("cost", "hybrid_or_cost", "api_with_note")


def rule(policy: Policy, volume: Volume | None = None) -> Ruling:
    """Return what the rules say of a workload; the first that decides wins."""
    volume = volume or Volume()
    removed: dict[str, str] = {}
    fired = []
    for number, why, labels in _constraints(policy):
        fired.append(f"{number}: {why}")
        removed |= {label: f"{number}: {why}" for label in labels if label not in removed}
    left = [label for label in LABELS if label not in removed]
    if not left:
        return Ruling("blocked", removed, tuple(fired))
    if len(left) == 1:
        return Ruling(left[0], removed, tuple(fired))
    for number, why in _suppressors(policy, volume):
        return Ruling("api", removed, (*fired, f"{number}: {why}"))
    if policy.team_can_operate is False:
        return Ruling("api_with_note", removed, (*fired, "10: nobody is there to operate GPUs"))
    label = "hybrid_or_cost" if "self_hosted" in removed and policy.frontier_share else "cost"
    return Ruling(label, removed, tuple(fired))


def _constraints(policy: Policy) -> list[tuple[int, str, tuple[str, ...]]]:
    """Return rules 1 to 6 that fire: number, fact, labels that they remove."""
    out: list[tuple[int, str, tuple[str, ...]]] = []
    if policy.data_class == "restricted" and not policy.approved_api:
        out.append((1, "restricted data, and no API endpoint is approved for it", ("api", "hybrid")))
    if policy.self_feasible is False:
        out.append((2, "self-hosting is not feasible (licence, quality, hardware)", ("self_hosted", "hybrid")))
    if policy.api_meets_slo is False:
        out.append((3, "the API misses the latency objective", ("api", "hybrid")))
    if policy.api_lacks:
        out.append((3, f"the API lacks {policy.api_lacks}", ("api", "hybrid")))
    if policy.custom_model:
        out.append((3, "a model of our own that no API offers", ("api", "hybrid")))
    if policy.self_meets_slo is False:
        out.append((4, "own models miss the latency objective", ("self_hosted", "hybrid")))
    if policy.self_lacks:
        out.append((4, f"own models lack {policy.self_lacks}", ("self_hosted", "hybrid")))
    if policy.frontier_share is not None and policy.frontier_share >= 1:
        out.append((5, "every request needs a frontier model", ("self_hosted", "hybrid")))
    elif policy.frontier_share:
        out.append((6, f"{policy.frontier_share:.0%} of the requests need a frontier model", ("self_hosted",)))
    return out


def _suppressors(policy: Policy, volume: Volume) -> list[tuple[int, str]]:
    """Return rules 7 to 9 that fire: no advice to move until their fact changes."""
    out = []
    if policy.stage in ("prototype", "mvp"):
        out.append((7, f"stage {policy.stage}"))
    if (policy.models_tried_per_month or 0) >= policy.rapid_testing_models:
        out.append((8, f"{policy.models_tried_per_month} models tried a month"))
    if volume.pays is not True:
        if volume.ratio_to_breakeven is not None and volume.ratio_to_breakeven < policy.low_volume_ratio:
            out.append((9, f"volume is {volume.ratio_to_breakeven:.0%} of what a replica needs"))
        elif volume.weekly_cv is not None and volume.weekly_cv > policy.max_weekly_cv:
            out.append((9, f"weeks differ by {volume.weekly_cv:.0%}"))
    return out


def shadow_price(costs: Mapping[str, float | None], removed: Mapping[str, str]) -> float | None:
    """Return what the constraints cost a month: the cheapest allowed option less the cheapest; None if blocked."""
    known = {label: cost for label, cost in costs.items() if cost is not None}
    allowed = [cost for label, cost in known.items() if label not in removed]
    return min(allowed) - min(known.values()) if allowed else None
