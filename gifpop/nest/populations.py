"""Nodes of gif_pop_psc_exp: make plans for the engine from NEST's parameters, and show the state it has reached."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

import numpy as np

from gifpop.common.grid import refractory_steps
from gifpop.common.receptors import RECEPTORS
from gifpop.description import MOST_NEURONS
from gifpop.meso.history import TOLERANCE
from gifpop.meso.plan import (
    PopulationPlan,
    automatic_history,
    plan_adaptive,
    plan_population,
    recordables,
    start_history,
)
from gifpop.nest.errors import BadProperty, check_ranges, reachable, require_memory
from gifpop.nest.nodes import Block
from gifpop.parameters import GIF

if TYPE_CHECKING:
    from gifpop.common.typing import History
    from gifpop.nest.clock import Clock
    from gifpop.nest.models import NodeModel
    from gifpop.nest.value_types import Values

CELL = (
    "C_m",
    "tau_m",
    "t_ref",
    "lambda_0",
    "Delta_V",
    "I_e",
    "V_reset",
    "V_T_star",
    "E_L",
    "tau_syn_ex",
    "tau_syn_in",
    "tau_sfa",
    "q_sfa",
)
STATE = ("V_m", "I_syn_ex", "I_syn_in")
POPULATION = "gif_pop_psc_exp"


class PopulationBlock(Block):
    """Populations of identical neurons.

    Attributes
    ----------
    changed : bool array
        Whether the history of each starts again at the next Simulate, because the population is new or was set.
    plans : list of PopulationPlan or None
        Plans that the engine advances; None before the first Simulate.
    history : str
        One of `gifpop.meso.history.HISTORIES`.
    """

    recordables = recordables(RECEPTORS)
    receives = frozenset({"spikes", "current", "requests"})
    sends = "spikes"
    is_cell = True
    rewires = False
    history: History = "exact"

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.changed = np.ones(n, dtype=bool)
        self.plans: list[PopulationPlan | None] = [None] * n

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        if len(row["tau_sfa"]) != len(row["q_sfa"]):
            raise BadProperty(
                "'tau_sfa' and 'q_sfa' need to have the same dimension.\n"
                f"Size of tau_sfa: {len(row['tau_sfa'])}\nSize of q_sfa: {len(row['q_sfa'])}"
            )
        if row["N"] > MOST_NEURONS:
            raise BadProperty(f"N must be at most {MOST_NEURONS}, got {row['N']}.")
        check_ranges(POPULATION, row | {"V_T_star": reachable(row["V_T_star"])})
        refractory = refractory_steps(row["t_ref"], clock.resolution)
        if 1 <= row["len_kernel"] <= refractory and given & {"len_kernel", "t_ref"}:
            raise BadProperty(
                f"len_kernel must be longer than the refractory period of {refractory} steps, "
                f"got {row['len_kernel']}; -1 chooses it."
            )

    def apply(self, i: int, values: Values, given: Values) -> None:
        super().apply(i, values, given)
        self.changed[i] = True

    def plan(self, i: int) -> tuple[PopulationPlan, int]:
        """Return a plan of the ``i``-th population with its history at the start, and ``len_kernel``."""
        row = self.row(i)
        row["V_T_star"] = reachable(row["V_T_star"])
        if row["frozen"]:
            row["lambda_0"] = 0.0  # nobody fires; when it is set again, it starts from the columns
        cell = GIF(**{name: row[name] for name in CELL})
        dt = self.clock.resolution
        if row["len_kernel"] < 1:
            row["len_kernel"] = automatic_history(cell, dt)
        require_memory(64.0 * row["len_kernel"], f"{POPULATION}: a len_kernel of {row['len_kernel']} steps")
        N, K, binomial = int(row["N"]), int(row["len_kernel"]), bool(row["BinoRand"])
        plan: PopulationPlan
        if self.history == "adaptive":
            plan = plan_adaptive(cell, N, dt, K, TOLERANCE, binomial)
        else:
            plan = plan_population(cell, N, dt, K, binomial=binomial)
        start_history(plan, 0.0)
        for name in STATE:
            plan.of_units(name)[:] = row[name]
        return plan, K

    def adopt(self, i: int, plan: PopulationPlan, len_kernel: int) -> None:
        """Keep what `plan` returned for the ``i``-th population, once the engine has it."""
        self.columns["len_kernel"][i] = len_kernel
        self.plans[i], self.changed[i] = plan, False

    def show(self) -> None:
        """Copy the state that the engine has reached to the columns."""
        for i, plan in enumerate(self.plans):
            if plan is not None and not self.columns["frozen"][i]:
                for name in self.recordables:
                    self.columns[name][i] = plan.of_units(name)[0]
