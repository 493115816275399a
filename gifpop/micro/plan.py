"""The arrays of a group of neurons, in the time loop's units: parameters and state."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from gifpop.common.grid import refractory_steps
from gifpop.common.membrane import (
    arrival_current,
    arrival_potential,
    log_hazard,
    propagators,
    synaptic_carry,
    underflows_to_zero,
)
from gifpop.common.memory import aligned_copy, aligned_zeros
from gifpop.common.receptors import RECEPTORS, name_currents
from gifpop.micro import _micro

if TYPE_CHECKING:
    import numpy.typing as npt

    from gifpop.common.typing import Arrays, Floats, Integers, Stream

VARIABLES = ("V_m", "E_sfa", "I_stc")  # that can be recorded, before the synaptic currents
EVERLASTING = 1e300  # budget of the places behind the last neuron
LARGEST_EXPONENT = 1000.0  # of two, of a hazard
NEVER_RESET = -1.0  # steps of refractoriness of a neuron whose potential goes on after a spike
ARRAYS_OF = {  # arrays that `neuron_parameters` makes of each parameter; those of neurons that differ take memory
    "C_m": ("constant_drive", "current_gain", "carry", "arrive"),
    "tau_m": ("leak", "constant_drive", "current_gain", "carry", "arrive"),
    "E_L": ("constant_drive",),
    "I_e": ("constant_drive",),
    "V_reset": ("V_reset",),
    "V_T_star": ("V_T_star", "threshold"),
    "Delta_V": ("slope", "threshold"),
    "lambda_0": ("threshold",),
    "t_ref": ("refractory",),
    **dict.fromkeys(("tau_syn", "tau_syn_ex", "tau_syn_in"), ("carry", "decay", "arrive", "input")),
}


@dataclass
class NeuronPlan:
    """A group of neurons as arrays (see `_micro.MicroPopulation`).

    ``trapezoid``: they are discretized as populations are; otherwise as NEST's gif_psc_exp or, ``late``, its
    gif_psc_exp_multisynapse.
    """

    N: int
    parameters: dict[str, Floats]
    state: dict[str, Floats]
    trapezoid: bool
    receptor_names: tuple[str, ...] = RECEPTORS
    late: bool = False

    neurons: ClassVar[Literal[True]] = True
    fires_once: ClassVar[Literal[True]] = True

    @property
    def units(self) -> int:
        """Number of neurons."""
        return self.N

    @property
    def work(self) -> int:
        """Number of neurons that a step passes over: all."""
        return self.N

    @property
    def places(self) -> int:
        """Length of the arrays."""
        return self.state["V_m"].size

    @property
    def n_receptors(self) -> int:
        return len(self.state["I_syn"])

    @property
    def recordables(self) -> tuple[str, ...]:
        """Names of the variables that can be recorded."""
        return recordables(self.receptor_names)

    @property
    def recorded(self) -> tuple[Floats, ...]:
        """The arrays that hold these variables."""
        return tuple(map(self.of_neurons, self.recordables))

    def of_neurons(self, name: str) -> Floats:
        """Return the values of a state variable, one for each neuron; writing to them changes the state."""
        currents = name_currents(self.receptor_names)
        row = self.state["I_syn"][currents.index(name)] if name in currents else self.state[name][0]
        return row[: self.N]

    def copy(self) -> NeuronPlan:
        """Return a plan with the same parameters and a state of its own."""
        state = {name: aligned_copy(values) for name, values in self.state.items()}
        return NeuronPlan(self.N, dict(self.parameters), state, self.trapezoid, self.receptor_names, self.late)

    def state_arrays(self) -> Arrays:
        """Return the arrays of state by name, and of parameters those that differ between neurons, as drawn."""
        drawn = {name: values for name, values in self.parameters.items() if values.shape[1] != _micro.TILE}
        return {**self.state, **{f"parameters.{name}": values for name, values in drawn.items()}}

    def chosen(self, neurons: Integers) -> NeuronPlan:
        """Return a plan of copies of these neurons' states; set its parameters next."""
        state = {name: aligned_zeros((len(values), count_places(len(neurons)))) for name, values in self.state.items()}
        state["budget"][:] = EVERLASTING
        for name, values in state.items():
            values[:, : len(neurons)] = self.state[name][:, neurons]
        return NeuronPlan(len(neurons), dict(self.parameters), state, self.trapezoid, self.receptor_names, self.late)

    def renew_budgets(self, first: int, draw: float, key: Stream) -> None:
        """Draw new budgets for the neurons from the first one on, for each its draw of this number."""
        self.state["draws"][:, first : self.N] = draw
        _micro.draw_budgets(self.bind(key), first)

    @underflows_to_zero
    def begin_trapezoids(self, first: int = 0) -> None:
        """Subtract the hazards that the next step begins with from new budgets of the neurons from the first one on.

        Neurons at their reset had none in the last step: they fired in it or were refractory.
        """
        V_m, adapted = self.of_neurons("V_m"), self.state["sfa"][:, : self.N].sum(axis=0)
        exponent = (V_m - adapted) * self._parameter("slope") - self._parameter("threshold")
        hazard = np.exp2(np.minimum(exponent, LARGEST_EXPONENT))
        hazard[(self.of_neurons("pause") > 0.0) | (V_m == self._parameter("V_reset"))] = 0.0
        self.of_neurons("budget")[first:] -= hazard[first:]

    def _parameter(self, name: str) -> Floats:
        """Return the values of a parameter, one for each neuron, or one for all."""
        row = self.parameters[name][0]
        return row[:1] if len(row) == _micro.TILE else row[: self.N]

    def bind(self, key: Stream) -> _micro.MicroPopulation:
        """Return the group for the time loop, with the key of its random numbers."""
        assert isinstance(key, np.ndarray)
        return _micro.MicroPopulation(self, key)

    def restart(self, key: Stream) -> None:
        """Restart the random numbers with a key (`gifpop.common.seeds.philox_key`)."""
        self.renew_budgets(0, 0.0, key)


def recordables(receptors: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the variables that can be recorded of neurons with these receptors."""
    return (*VARIABLES, *name_currents(receptors))


def plan_neurons(
    p: Mapping[str, Any],
    N: int,
    dt: float,
    trapezoid: bool = True,
    receptors: Sequence[str] = RECEPTORS,
    late: bool = False,
) -> NeuronPlan:
    """Return the arrays of a group of neurons at rest; call `NeuronPlan.restart` next.

    Parameters
    ----------
    p : dict
        ``C_m`` (pF), ``tau_m`` (ms), ``E_L``, ``V_reset``, ``V_T_star``, ``Delta_V``, ``V_m`` (mV), ``lambda_0`` (1/s),
        ``t_ref``, ``tau_syn_NAME`` (ms), ``I_e``, ``I_syn_NAME`` (pA), where NAME is that of each receptor: numbers or
        arrays of length N. ``tau_sfa``, ``q_sfa``, ``tau_stc``, ``q_stc``: sequences of such.
    N : int
    dt : float, ms
    trapezoid : bool
        Discretize neurons as populations are; otherwise as NEST's gif_psc_exp, whose potential goes on after a spike
        where ``t_ref = 0``.
    receptors : sequence of str
    late : bool
        As in NEST's gif_psc_exp_multisynapse, spikes act from the step after that in which they arrive.
    """
    parameters = neuron_parameters(p, N, dt, trapezoid, receptors)
    places = count_places(N)
    state = {name: aligned_zeros((1, places)) for name in _micro.STATE}
    for kind, rows in (("I_syn", receptors), ("sfa", p["q_sfa"]), ("stc", p["q_stc"])):
        state[kind] = aligned_zeros((len(rows), places))
    state["budget"][:] = EVERLASTING
    plan = NeuronPlan(N, parameters, state, trapezoid, tuple(receptors), late)
    plan.of_neurons("V_m")[:] = p["V_m"]
    for row, name in zip(state["I_syn"], receptors, strict=True):
        row[:N] = p[f"I_syn_{name}"]
    plan.of_neurons("E_sfa")[:] = p["V_T_star"]
    return plan


@underflows_to_zero
def neuron_parameters(
    p: Mapping[str, Any], N: int, dt: float, trapezoid: bool = True, receptors: Sequence[str] = RECEPTORS
) -> dict[str, Floats]:
    """Return the constants of the time loop; see `plan_neurons`."""
    tau_syn = [p[f"tau_syn_{name}"] for name in receptors]
    membrane = propagators(dt, p["C_m"], p["tau_m"], p["E_L"], p["I_e"], tau_syn)
    slope = np.log2(math.e) / np.asarray(p["Delta_V"], dtype=float)
    refractory = refractory_steps(p["t_ref"], dt)
    time = 0.5e-3 * dt if trapezoid else 1e-3 * dt
    values = {
        "leak": membrane.leak,
        "constant_drive": membrane.constant_drive,
        "current_gain": membrane.current_gain,
        "V_reset": p["V_reset"],
        "V_T_star": p["V_T_star"],
        "slope": slope,
        "threshold": p["V_T_star"] * slope - log_hazard(np.log2, time, p["lambda_0"]),
        "refractory": refractory if trapezoid else np.where(refractory > 0, refractory, NEVER_RESET),
    }
    terms: dict[str, Sequence[Floats]] = {"carry": membrane.carry, "decay": membrane.decay}
    for kind in ("sfa", "stc"):
        terms[f"{kind}_decay"] = [np.exp(-dt / np.asarray(tau, dtype=float)) for tau in p[f"tau_{kind}"]]
        terms[f"{kind}_jump"] = p[f"q_{kind}"]
    terms |= _of_trapezoid(p, dt, tau_syn) if trapezoid else {name: [] for name in _micro.OF_TRAPEZOID}
    return {name: _rows([value], N) for name, value in values.items()} | {
        name: _rows(rows, N) for name, rows in terms.items()
    }


def _of_trapezoid(p: Mapping[str, Any], dt: float, tau_syn: Sequence[float | Floats]) -> dict[str, list[Floats]]:
    """Return the effects of spikes that arrive evenly over the step, and of adaptation currents that decay in it."""
    C_m, tau_m = np.asarray(p["C_m"], dtype=float), np.asarray(p["tau_m"], dtype=float)
    taus, tau_stc = ([np.asarray(tau, dtype=float) for tau in each] for each in (tau_syn, p["tau_stc"]))
    return {
        "input": [arrival_current(tau, dt) for tau in taus],
        "arrive": [arrival_potential(tau, tau_m, dt) / arrival_current(tau, dt) / C_m for tau in taus],
        "stc_carry": [synaptic_carry(tau, tau_m, dt) / C_m for tau in tau_stc],
    }


def _rows(values: Iterable[npt.ArrayLike], N: int) -> Floats:
    """Return numbers or arrays of length N as rows, with a place for each neuron if any differs, else of a tile."""
    arrays = [np.asarray(value, dtype=float) for value in values]
    if not any(array.ndim for array in arrays):
        return np.repeat(np.reshape(arrays, (len(arrays), 1)), _micro.TILE, axis=1)
    rows = np.empty((len(arrays), count_places(N)))
    for row, value in zip(rows, arrays, strict=True):
        row[:N] = value
        row[N:] = row[N - 1]
    return rows


def count_places(N: int) -> int:
    """Return N rounded up to whole tiles, and past one tile, which stands for values that all neurons share."""
    return _micro.TILE * max(2, -(-N // _micro.TILE))
