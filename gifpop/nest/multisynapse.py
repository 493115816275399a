"""Nodes of gif_psc_exp_multisynapse: neurons with any number of receptors, which connections number from 1 on."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.common.memory import aligned_zeros
from gifpop.micro.plan import VARIABLES
from gifpop.nest.errors import BadProperty, IncompatibleReceptorType
from gifpop.nest.neurons import Fault, NeuronBlock

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers
    from gifpop.nest.clock import Clock
    from gifpop.nest.models import NodeModel
    from gifpop.nest.neurons import Adaptation, Column
    from gifpop.nest.nodes import Payload
    from gifpop.nest.value_types import Values


class MultisynapseBlock(NeuronBlock):
    """Neurons with any number of receptors, ``tau_syn``."""

    recordables = VARIABLES
    names_receptors = late = True
    together = frozenset({"n_receptors"})

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.columns["n_receptors"][:] = self.columns["tau_syn"].lengths()

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        super().normalize(row, given, clock, connected)
        row["n_receptors"] = len(row["tau_syn"])

    def _faults(self, change: list[Column]) -> list[Fault]:
        faults = super()._faults(change)
        for name, nodes, values in change:
            if name != "tau_syn":
                continue
            lengths = np.array([len(value) for value in (values if isinstance(values, list) else [values])])
            fewer = self.columns["has_connections"][nodes] & (lengths < self.columns["n_receptors"][nodes])
            error = BadProperty("The neuron has connections, therefore the number of ports cannot be reduced.")
            faults += [Fault(node, error) for node in nodes[fewer][:1].tolist()]
        return faults

    def _put(self, change: list[Column]) -> None:
        super()._put(change)
        self.columns["n_receptors"][:] = self.columns["tau_syn"].lengths()

    def check_receptor(self, receptor: int, payload: Payload, places: Integers) -> None:
        if payload != "spikes":
            super().check_receptor(receptor, payload, places)
            return
        if not 1 <= receptor <= self.columns["n_receptors"][places].min(initial=receptor):
            name = self.model.name
            raise IncompatibleReceptorType(f"Receptor type {receptor} in {name} does not accept SpikeEvent.")
        self.columns["has_connections"][places] = True  # as NEST, whatever then becomes of the connections

    def synapse(self, receptor: int, weight: float) -> int:
        return receptor - 1

    def receptor_names(self) -> tuple[str, ...]:
        most = max(1, int(self.columns["n_receptors"].max()), self.plan.n_receptors if self.begun else 0)
        return tuple(str(number) for number in range(1, most + 1))

    def _of_receptors(self) -> dict[str, Any]:
        names = self.receptor_names()
        tau = self.columns["tau_syn"].rows(len(names), fill=1.0)
        currents = {f"I_syn_{name}": 0.0 for name in names}
        return {f"tau_syn_{name}": each for name, each in zip(names, tau, strict=True)} | currents

    def update(self, parameters: dict[str, Floats], traces: dict[Adaptation, Floats]) -> None:
        super().update(parameters, traces)
        names, old = self.receptor_names(), self.plan.state["I_syn"]
        if len(names) > len(old):
            grown = aligned_zeros((len(names), self.plan.places))
            grown[: len(old)] = old
            self.plan.state["I_syn"], self.plan.receptor_names = grown, names
