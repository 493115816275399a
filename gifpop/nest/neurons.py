"""Nodes of gif_psc_exp: columns of values for all neurons of a Create call, and the engine's plan that they fill."""

import numpy as np

from gifpop.nest.errors import BadProperty, require_memory, unaccessed
from gifpop.nest.nodes import Block, settable
from gifpop.nest.ragged import Ragged
from gifpop.neurons import neuron_parameters, plan_neurons

STATE = ("V_m", "E_sfa", "I_stc")  # columns that are the engine's own arrays once there is a plan
ADAPTATION = ("sfa", "stc")
SCALARS = ("E_L", "V_reset", "V_T_star", "Delta_V", "lambda_0", "t_ref", "tau_syn_ex", "tau_syn_in", "I_e", "C_m")
BYTES_PER_NEURON = 400.0  # columns, state and parameters that differ


class NeuronBlock(Block):
    """Neurons.

    Attributes
    ----------
    changed : bool
        Whether parameters were set that the plan does not have yet.
    plan : NeuronPlan or None
        What the engine works on.
    """

    recordables = ("E_sfa", "I_stc", "I_syn_ex", "I_syn_in", "V_m")
    receives = frozenset({"spikes", "current", "requests"})
    sends = "spikes"
    is_cell = True

    def __init__(self, clock, model, first, n):
        require_memory(BYTES_PER_NEURON * n, f"Create: {n} nodes of {model.name}")
        super().__init__(clock, model, first, n)
        self.plan, self.changed = None, False

    def new_column(self, parameter, value):
        return Ragged(self.n, value) if parameter.kind.vector else super().new_column(parameter, value)

    @classmethod
    def normalize(cls, row, given, clock, connected=False):
        for kind in ADAPTATION:
            _same_dimension(kind, len(row[f"tau_{kind}"]), len(row[f"q_{kind}"]))

    # -- setting ----------------------------------------------------------------------------------------------------

    def checked(self, places, assigned, connected):
        """Return what would change, as (parameter, nodes, values), having checked it for all nodes at once."""
        known = [each for each in assigned if settable(self.model, each.name)]
        known.sort(key=lambda each: list(self.model.parameters).index(each.name))  # errors in the order of the table
        change, faults = [], []
        for name, at, value, each in known:
            parameter, nodes = self.model.parameters[name], places[at]
            values = (parameter.kind.convert_many if each else parameter.kind.convert)(name, value)
            change.append((name, nodes, values))
            faults += _fault(parameter, nodes, values if each else [values])
        faults = [*self._different_dimensions(change), *faults]
        if faults:
            node, error = min(faults, key=lambda fault: fault[0])
            raise BadProperty(f"Setting status of a '{self.model.name}' with node ID {self.first + node}: {error}")
        unknown = [each.name for each in assigned if not settable(self.model, each.name)]
        if unknown:
            raise unaccessed(unknown, "params", "NodeManager::set_status")
        return change

    def put(self, change):
        for name, nodes, values in change:
            column = self.columns[name]
            if isinstance(column, Ragged):
                column.put(nodes, values)
            else:
                column[nodes] = values
            self.changed = self.changed or name not in STATE

    def _different_dimensions(self, change):
        """Return the first node, and the error, for which time constants and jumps would differ in number."""
        new = {}
        for name, nodes, values in change:
            if isinstance(self.columns[name], Ragged):
                new.setdefault(name, self.columns[name].copy()).put(nodes, values)
        for kind in ADAPTATION:
            names = f"tau_{kind}", f"q_{kind}"
            if not new.keys() & set(names):
                continue
            tau, q = (new.get(name, self.columns[name]).lengths() for name in names)
            for node in np.flatnonzero(tau != q)[:1].tolist():
                try:
                    _same_dimension(kind, tau[node], q[node])
                except BadProperty as error:
                    yield node, error

    # -- getting ----------------------------------------------------------------------------------------------------

    def get_many(self, name, places):
        if name not in self.columns:
            return super().get_many(name, places)
        column = self.columns[name]
        if isinstance(column, Ragged):
            return [value.copy() for value in column.take(places)]
        return column[places].tolist()

    # -- simulation -------------------------------------------------------------------------------------------------

    def bring(self, key=None):
        """Bring the plan up to the values that are set; the ``key`` of random numbers is needed the first time."""
        if self.plan is None:
            self.plan = plan_neurons(self._physical(), self.n, self.clock.resolution)
            self.plan.restart(key)
            for name in STATE:
                state = self.plan.of_neurons(name)
                state[:] = self.columns[name]
                self.columns[name] = state
        else:
            parameters = self._physical()
            self.plan.parameters.update(neuron_parameters(parameters, self.n, self.clock.resolution))
            for kind in ADAPTATION:
                self._fit_traces(kind, len(parameters[f"q_{kind}"]))
        self.changed = False

    def note_spikes(self, steps, units):
        """Remember when each neuron fired last."""
        self.columns["t_spike"][units] = self.clock.ms(steps + 1)

    def _physical(self):
        """Return the parameters as `plan_neurons` takes them: numbers where all neurons have the same."""
        p = {name: _common(self.columns[name]) for name in SCALARS}
        p["tau_m"] = p["C_m"] / _common(self.columns["g_L"])
        p |= {"V_m": self.columns["V_m"], "I_syn_ex": 0.0, "I_syn_in": 0.0}
        for kind in ADAPTATION:
            terms = int(self.columns[f"q_{kind}"].lengths().max())
            p[f"tau_{kind}"] = self.columns[f"tau_{kind}"].rows(terms, fill=1.0)
            p[f"q_{kind}"] = self.columns[f"q_{kind}"].rows(terms, fill=0.0)
        return p

    def _fit_traces(self, kind, terms):
        """Keep the adaptation of the terms that are still there; as in NEST, a new term begins at zero."""
        old, new = self.plan.state[kind], np.zeros((terms, self.plan.places))
        n = min(len(old), terms)
        new[:n] = old[:n]
        new[:, : self.n][np.arange(terms)[:, None] >= self.columns[f"q_{kind}"].lengths()] = 0.0
        self.plan.state[kind] = new
        if not terms:  # the time loop leaves alone what nothing adds to
            self.plan.of_neurons({"sfa": "E_sfa", "stc": "I_stc"}[kind])[:] = 0.0


def _fault(parameter, nodes, values):
    """Return the first node, and the error, whose value breaks the parameter's rule."""
    try:
        for value in values if parameter.kind.vector else [values]:
            parameter.check(value)
    except BadProperty:
        for node, value in zip(nodes.tolist(), values, strict=False):  # one value may be that of all
            try:
                parameter.check(value)
            except BadProperty as error:
                return [(node, error)]
    return []


def _same_dimension(kind, tau, q):
    if tau != q:
        raise BadProperty(
            f"'tau_{kind}' and 'q_{kind}' need to have the same dimensions.\n"
            f"Size of tau_{kind}: {tau}\nSize of q_{kind}: {q}"
        )


def _common(column):
    """Return the number that all entries are, or the column."""
    return float(column[0]) if np.all(column == column[0]) else column
