"""Nodes of gif_psc_exp: one column of values a parameter, and one plan for the engine, for all neurons of a Create."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from gifpop.common.receptors import RECEPTORS
from gifpop.micro.plan import NeuronPlan, neuron_parameters, plan_neurons, recordables
from gifpop.nest.dict_misses import dict_misses
from gifpop.nest.errors import BadProperty, check_ranges, reachable
from gifpop.nest.nodes import Block, settable
from gifpop.nest.ragged import Ragged

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers, Key, Shorts
    from gifpop.nest.clock import Clock
    from gifpop.nest.errors import KernelException
    from gifpop.nest.models import ModelParameter, NodeModel
    from gifpop.nest.nodes import Assignment
    from gifpop.nest.value_types import Values

Adaptation: TypeAlias = Literal["sfa", "stc"]

STATE = ("V_m", "E_sfa", "I_stc")  # columns that are the engine's own arrays once there is a plan
ADAPTATION: tuple[Adaptation, ...] = ("sfa", "stc")
SCALARS = ("E_L", "V_reset", "V_T_star", "Delta_V", "lambda_0", "t_ref", "I_e", "C_m")


class Column(NamedTuple):
    """Values to set of a parameter: one for all ``nodes``, or one for each."""

    name: str
    nodes: Integers
    values: Any


class Fault(NamedTuple):
    """An error in the values of a node."""

    node: int
    error: KernelException


class NeuronBlock(Block):
    """Neurons.

    Attributes
    ----------
    begun : bool
        Whether there is a plan.
    plan : NeuronPlan
        Plan that the engine advances; missing until `begin`.
    changed : bool
        Whether parameters were set that the plan lacks.
    """

    plan: NeuronPlan

    recordables = recordables(RECEPTORS)
    receives = frozenset({"spikes", "current", "requests"})
    sends = "spikes"
    is_cell = is_group = True
    rewires = False
    late = False  # whether spikes act from the step after that in which they arrive
    bytes_per_node = 400.0  # columns, state and parameters that differ

    def __init__(self, clock: Clock, model: NodeModel, first: int, n: int) -> None:
        super().__init__(clock, model, first, n)
        self.begun = self.changed = False

    def new_column(self, parameter: ModelParameter, value: Any) -> npt.NDArray[Any] | Ragged:
        return Ragged(self.n, value) if parameter.type.vector else super().new_column(parameter, value)

    @classmethod
    def normalize(cls, row: Values, given: Set[str], clock: Clock, connected: bool = False) -> None:
        for trace in ADAPTATION:
            _same_dimension(trace, len(row[f"tau_{trace}"]), len(row[f"q_{trace}"]))

    # -- setting ----------------------------------------------------------------------------------------------------

    def checked(
        self, places: Integers, assigned: Iterable[Assignment], connected: Callable[[int], bool]
    ) -> Callable[[], None]:
        """Check values for all nodes at once; return a function that assigns them."""
        known = [each for each in assigned if settable(self.model, each.name)]
        known.sort(key=lambda each: list(self.model.parameters).index(each.name))  # errors in the order of the table
        change: list[Column] = []
        faults: list[Fault] = []
        for name, at, value, each in known:
            parameter, nodes = self.model.parameters[name], places[at]
            values = (parameter.type.convert_many if each else parameter.type.convert)(name, value)
            change.append(Column(name, nodes, values))
            faults += _fault(parameter, nodes, values if each else [values])
        faults = [*self._faults(change), *faults]
        if faults:
            node, error = min(faults, key=lambda fault: fault.node)
            raise BadProperty(f"Setting status of a '{self.model.name}' with node ID {self.first + node}: {error}")
        unknown = [each.name for each in assigned if not settable(self.model, each.name)]
        dict_misses.check(unknown, "params", "NodeManager::set_status")
        return partial(self._put, change)

    def _put(self, change: list[Column]) -> None:
        for name, nodes, values in change:
            column = self.columns[name]
            if isinstance(column, Ragged):
                column.put(nodes, values)
            else:
                column[nodes] = values
            self.changed = self.changed or name not in STATE

    def _faults(self, change: list[Column]) -> list[Fault]:
        """Return errors in values that depend on each other, or on connections."""
        return list(self._different_dimensions(change))

    def _different_dimensions(self, change: list[Column]) -> Iterator[Fault]:
        """Yield an error for the first node whose time constants and jumps would differ in number."""
        new: dict[str, Ragged] = {}
        for name, nodes, values in change:
            if isinstance(self.columns[name], Ragged):
                new.setdefault(name, self.columns[name].copy()).put(nodes, values)
        for trace in ADAPTATION:
            names = f"tau_{trace}", f"q_{trace}"
            if not new.keys() & set(names):
                continue
            nodes = np.concatenate([each.nodes for each in change if each.name in names])
            tau, q = (new.get(name, self.columns[name]).lengths(nodes) for name in names)
            wrong = np.flatnonzero(tau != q)
            for i in wrong[np.argsort(nodes[wrong], kind="stable")][:1].tolist():
                try:
                    _same_dimension(trace, tau[i], q[i])
                except BadProperty as error:
                    yield Fault(int(nodes[i]), error)

    # -- getting ----------------------------------------------------------------------------------------------------

    def get_many(self, name: str, places: Integers) -> list[Any]:
        if name not in self.columns:
            return super().get_many(name, places)
        column = self.columns[name]
        if isinstance(column, Ragged):
            return [value.copy() for value in column.take(places)]
        return column[places].tolist()

    # -- simulation -------------------------------------------------------------------------------------------------

    def first_plan(self, key: Key) -> NeuronPlan:
        """Return a plan with the values of the columns and the key of its random numbers, for `begin`."""
        names = self.receptor_names()
        plan = plan_neurons(
            self._physical(), self.n, self.clock.resolution, trapezoid=False, receptors=names, late=self.late
        )
        plan.restart(key)
        for name in STATE:
            plan.of_neurons(name)[:] = self.columns[name]
        return plan

    def begin(self, plan: NeuronPlan) -> None:
        """Keep a plan, once the engine has it."""
        self.plan = plan
        self.columns.update({name: plan.of_neurons(name) for name in STATE})
        self.begun, self.changed = True, False

    def updated(self) -> tuple[dict[str, Floats], dict[Adaptation, Floats]]:
        """Return parameters and adaptation that the plan must have, for `update`."""
        physical = self._physical()
        names = self.receptor_names()
        parameters = neuron_parameters(physical, self.n, self.clock.resolution, trapezoid=False, receptors=names)
        return parameters, {trace: self._fitted_traces(trace, len(physical[f"q_{trace}"])) for trace in ADAPTATION}

    def update(self, parameters: dict[str, Floats], traces: dict[Adaptation, Floats]) -> None:
        """Give the plan what `updated` returned."""
        self.plan.parameters.update(parameters)
        for trace, own in traces.items():
            self.plan.state[trace] = own
            if not len(own):  # the time loop leaves alone what nothing adds to
                self.plan.of_neurons({"sfa": "E_sfa", "stc": "I_stc"}[trace])[:] = 0.0
        self.changed = False

    def freeze(self) -> Callable[[], None]:
        """Return a function that gives frozen neurons their present state back, which the engine advances."""
        frozen = np.flatnonzero(self.columns["frozen"])
        state = {name: values[:, frozen] for name, values in self.plan.state.items()} if len(frozen) else {}
        return partial(self._restore, frozen, state)

    def _restore(self, frozen: Integers, state: dict[str, Floats]) -> None:
        for name, values in state.items():
            self.plan.state[name][:, frozen] = values

    def note_spikes(self, steps: Integers, units: Shorts) -> None:
        """Set ``t_spike`` of the neurons that fired."""
        self.columns["t_spike"][units] = self.clock.ms(steps + 1)

    def _physical(self) -> dict[str, Any]:
        """Return the parameters for `plan_neurons`; numbers where all neurons share a value."""
        p = {name: _common(self.columns[name]) for name in SCALARS}
        with np.errstate(over="ignore", under="ignore"):
            p["tau_m"] = p["C_m"] / _common(self.columns["g_L"])
        p["V_T_star"] = reachable(p["V_T_star"])
        if np.any(self.columns["frozen"]):
            p["lambda_0"] = np.where(self.columns["frozen"], 0.0, self.columns["lambda_0"])
        p |= {"V_m": self.columns["V_m"], **self._of_receptors()}
        for trace in ADAPTATION:
            terms = int(self.columns[f"q_{trace}"].lengths().max())
            p[f"tau_{trace}"] = self.columns[f"tau_{trace}"].rows(terms, fill=1.0)
            p[f"q_{trace}"] = self.columns[f"q_{trace}"].rows(terms, fill=0.0)
        check_ranges(self.model.name, p)
        return p

    def receptor_names(self) -> tuple[str, ...]:
        """Return the names of the receptors of the plan."""
        return RECEPTORS

    def _of_receptors(self) -> dict[str, Any]:
        """Return the parameters of the receptors for `plan_neurons`."""
        times = {f"tau_syn_{name}": _common(self.columns[f"tau_syn_{name}"]) for name in RECEPTORS}
        return times | {f"I_syn_{name}": 0.0 for name in RECEPTORS}

    def _fitted_traces(self, trace: Adaptation, terms: int) -> Floats:
        """Return the adaptation with ``terms`` terms; as in NEST, a new term starts at zero."""
        old, new = self.plan.state[trace], np.zeros((terms, self.plan.places))
        n = min(len(old), terms)
        new[:n] = old[:n]
        new[:, : self.n][np.arange(terms)[:, None] >= self.columns[f"q_{trace}"].lengths()] = 0.0
        return new


def _fault(parameter: ModelParameter, nodes: Integers, values: Sequence[Any] | npt.NDArray[Any]) -> list[Fault]:
    """Return an error for the first node whose value is not allowed, or nothing."""
    try:
        for value in values if parameter.type.vector else [values]:
            parameter.check(value)
    except BadProperty:
        for node, value in zip(nodes.tolist(), values, strict=False):  # one value may be that of all
            try:
                parameter.check(value)
            except BadProperty as error:
                return [Fault(node, error)]
    return []


def _same_dimension(trace: Adaptation, tau: int, q: int) -> None:
    if tau != q:
        raise BadProperty(
            f"'tau_{trace}' and 'q_{trace}' need to have the same dimensions.\n"
            f"Size of tau_{trace}: {tau}\nSize of q_{trace}: {q}"
        )


def _common(column: Floats) -> float | Floats:
    """Return one number if all entries are equal, else the column."""
    return float(column[0]) if np.all(column == column[0]) else column
