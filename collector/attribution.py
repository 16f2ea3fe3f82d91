"""Which workload and deployment a request belongs to: the first declared workload whose rules all fit."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.records import Deployment, Workload

UNASSIGNED = "unassigned"
_FACTS = ("key", "team", "environment", "provider", "model", "project")
"""What rules of a workload may look at."""


class Attribution:
    """The declared workloads and deployments, asked once per distinct set of names; `mark` tells declarations apart."""

    def __init__(self, workloads: Iterable[Workload] = (), deployments: Iterable[Deployment] = ()) -> None:
        self._rules = [(w.name, w.team, json.loads(w.rules)) for w in workloads]
        self._deployments = list(deployments)
        self.mark = hashlib.sha256(repr((self._rules, self._deployments)).encode()).hexdigest()[:16]
        self._workload = lru_cache(maxsize=65_536)(self._find_workload)
        self._deployment = lru_cache(maxsize=65_536)(self._find_deployment)

    def place(self, columns: dict[str, list[Any]]) -> None:
        """Fill in workload, team and deployment of rows, given as columns, where the source named none.

        Only reported usage has a project; a rule about projects fits no request.
        """
        workloads, teams, deployments = columns["workload"], columns["team"], columns["deployment"]
        projects = columns.get("project") or [""] * len(workloads)
        names = zip(columns["key"], teams[:], columns["environment"], columns["provider"], columns["model"],
                    columns["side"], projects, strict=True)  # fmt: skip
        for at, (key, team, environment, provider, model, side, project) in enumerate(names):
            if workloads[at] in ("", UNASSIGNED):
                workloads[at], owner = self._workload(key, team, environment, provider, model, project)
                teams[at] = team or owner
            if not deployments[at]:
                deployments[at] = self._deployment(side, provider, model)

    def deployment(self, side: str, provider: str, model: str) -> str:
        """Return the declared deployment of a model, '' if none is."""
        return self._deployment(side, provider, model)

    def _find_workload(self, *names: str) -> tuple[str, str]:
        facts = dict(zip(_FACTS, names, strict=True))
        for name, owner, rules in self._rules:
            if rules and all(any(fits(facts[fact], pattern) for pattern in wanted) for fact, wanted in rules.items()):
                return name, owner
        return UNASSIGNED, ""

    def _find_deployment(self, side: str, provider: str, model: str) -> str:
        for one in self._deployments:
            if one.side == side and one.model == model and (side != "api" or one.provider == provider):
                return one.name
        return ""


def fits(value: str, pattern: str) -> bool:
    """Say whether a name fits a pattern; `*` at the end stands for anything."""
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern
