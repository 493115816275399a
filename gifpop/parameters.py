"""`GIF`: the parameters of a neuron, in NEST's names and units."""

# ruff: noqa: RUF009 - the functions that stand for defaults return dataclasses.field

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np

from gifpop.common import checks
from gifpop.common.ranges import check_ranges
from gifpop.common.receptors import RECEPTORS
from gifpop.common.typing import Floats
from gifpop.common.warn import warn
from gifpop.distributions import Distribution, draw_checked
from gifpop.fields import ByName, Checked, Named, Optional, Terms, Various, named, terms, various

Drawn: TypeAlias = float | Floats | tuple[float | Floats, ...] | dict[str, float | Floats] | None

# Values that no neuron has in gifpop's unit, and that are usual in another: from, below, the other unit. The ranges
# leave out C_m = 1 and tau_m = 1, which are frequent in models without units.
OTHER_UNITS = {"C_m": (0.01, 1.0, "nF"), "tau_m": (0.002, 0.1, "s")}
OF_DEFAULT_RECEPTORS = tuple(f"{kind}_{name}" for kind in ("tau_syn", "I_syn") for name in RECEPTORS)
SILENT = (
    "gifpop.nest",
    "gifpop.saving.encoding",
)  # modules that get no warning: NEST gives none, and files hold accepted values


@dataclass(frozen=True, kw_only=True, repr=False)
class GIF(Checked):
    """Generalized integrate-and-fire neuron with escape noise and an adapting threshold.

    Names, units and defaults are those of NEST's ``gif_pop_psc_exp``, so that a table of parameters carries over.
    A neuron at potential V fires with the hazard ``lambda_0 exp((V - threshold) / Delta_V)``; each spike lifts its
    threshold by ``sum(q_sfa)``, which decays with the time constants ``tau_sfa`` (Schwalger, Deger & Gerstner
    2017).

    Parameters
    ----------
    C_m : float, pF
        Membrane capacitance, > 0. The larger, the less currents change the potential.
    tau_m : float, ms
        Membrane time constant, > 0, with which the effect of input on the potential decays.
    E_L : float, mV
        Resting potential, to which the membrane relaxes without input.
    V_reset : float, mV
        Potential after a spike.
    V_T_star : float, mV
        Threshold of a neuron that has not fired for a long time.
    Delta_V : float, mV
        Softness of the threshold, > 0. The smaller, the more the potential determines the times of spikes.
    lambda_0 : float, 1/s
        Hazard at the threshold, >= 0.
    t_ref : float, ms
        Absolute refractory period, >= 0, during which the potential is held at reset; rounded up to whole steps.
        With 0, neurons are reset at once and may fire again in the next step.
    I_e : float, pA
        Constant input current.
    tau_syn_ex, tau_syn_in : float, ms
        Decay time constants of excitatory and inhibitory synaptic currents, > 0. Without ``tau_syn``, these are the two
        receptors, ``"ex"`` and ``"in"``, and the sign of a weight selects one of them.
    tau_sfa : sequence of float, ms
        Time constants of the adaptation of the threshold, each > 0; empty for no adaptation.
    q_sfa : sequence of float, mV
        Jumps of the threshold at a spike, one for each time constant; negative values facilitate firing.
    tau_stc : sequence of float, ms
        Time constants of spike-triggered currents, each > 0; empty for none. At the mesoscopic level with
        ``adaptation="carried"`` only.
    q_stc : sequence of float, pA
        Jumps of these currents at a spike; the currents are subtracted from the input.
    V_m : float or None, mV
        Initial potential of neurons that have not fired for a long time. None: E_L (0 for ``initial="nest"``).
    I_syn_ex, I_syn_in : float, pA
        Initial synaptic currents.
    tau_syn : dict of str to float, ms
        Instead of ``tau_syn_ex`` and ``tau_syn_in``: the receptors of the neurons, any number of them, each with the
        decay time constant of its synaptic current, > 0, such as ``{"ampa": 2.0, "nmda": 100.0, "gaba": 6.0}``.
        Connections name theirs (``receptor="nmda"``), unless there is one only, or ``"ex"`` and ``"in"`` are among
        them, which then come first. ``I_syn_NAME`` is recorded of each.
    I_syn : dict of str to float, pA
        Initial synaptic currents of these receptors; zero where none is given.

    Raises
    ------
    TypeError, ValueError
        If a value has the wrong type or breaks its condition, or what follows from it would overflow; the message
        names parameter, condition and value.

    Warns
    -----
    UserWarning
        If ``C_m`` looks like a value in nF (0.01 to 1) or ``tau_m`` like one in s (0.002 to 0.1).

    Notes
    -----
    Potentials, including those that currents would cause, are limited to 1e50 mV, time constants to 1e-100 to 1e100 ms
    and Delta_V to 1e-50 to 1e50 mV. For a neuron that never fires, set ``lambda_0=0``.

    At the microscopic level any parameter can differ between neurons: give an array with one value per neuron, or a
    distribution (`Uniform`, `Normal`, `Lognormal`, `Exponential`) from which each neuron's value is drawn; in sequences
    such as ``tau_sfa``, do so for each entry. Anything that numpy converts to an array is accepted, such as a
    `pandas.Series`, but no masked entries. An array of one entry, as `scipy.io.loadmat` returns, is a number.

    Examples
    --------
    >>> import gifpop as gp
    >>> cell = gp.GIF(tau_m=10.0, tau_sfa=[100.0, 1000.0], q_sfa=[10.0, 1.0])
    >>> cell.tau_m
    10.0
    """

    C_m: Various = various(250.0, "pF", "> 0")
    tau_m: Various = various(20.0, "ms", "> 0")
    E_L: Various = various(0.0, "mV")
    V_reset: Various = various(0.0, "mV")
    V_T_star: Various = various(15.0, "mV")
    Delta_V: Various = various(2.0, "mV", "> 0")
    lambda_0: Various = various(10.0, "1/s", ">= 0")
    t_ref: Various = various(4.0, "ms", ">= 0")
    I_e: Various = various(0.0, "pA")
    tau_syn_ex: Various = various(3.0, "ms", "> 0")
    tau_syn_in: Various = various(6.0, "ms", "> 0")
    tau_sfa: Terms = terms((300.0,), "ms", "> 0")
    q_sfa: Terms = terms((0.5,), "mV")
    tau_stc: Terms = terms((), "ms", "> 0")
    q_stc: Terms = terms((), "pA")
    V_m: Optional = various(None, "mV")
    I_syn_ex: Various = various(0.0, "pA")
    I_syn_in: Various = various(0.0, "pA")
    tau_syn: ByName = named("ms", "> 0")
    I_syn: ByName = named("pA")

    def _check(self) -> None:
        self._check_receptors()
        for kind in ("sfa", "stc"):
            tau, q = getattr(self, f"tau_{kind}"), getattr(self, f"q_{kind}")
            checks.same_length("GIF", f"tau_{kind}", f"q_{kind}", len(tau), len(q))
        check_ranges("GIF", vars(self))
        for name, (low, high, unit) in OTHER_UNITS.items():
            value = getattr(self, name)
            if isinstance(value, float) and low <= value < high:
                own = next(f.metadata["unit"] for f in fields(self) if f.name == name)
                warn(f"GIF.{name} is in {own}; {value} looks like a value in {unit}", unless=SILENT)

    def _check_receptors(self) -> None:
        """Check the parameters of receptors; put "ex" and "in" first where both have names."""
        if not self.tau_syn:
            if self.I_syn:
                raise ValueError(
                    f"GIF.I_syn must be empty where tau_syn is, got {self.I_syn}; I_syn_ex and I_syn_in are the "
                    "initial currents then"
                )
            return
        for f in fields(self):
            if f.name in OF_DEFAULT_RECEPTORS and getattr(self, f.name) != f.default:
                raise ValueError(
                    f"GIF.{f.name} must be left out where tau_syn names the receptors, got {getattr(self, f.name)}"
                )
        for name in self.I_syn:
            checks.choice("GIF.I_syn: names", name, self.receptors)
        if all(name in self.tau_syn for name in RECEPTORS):
            first = {name: self.tau_syn[name] for name in RECEPTORS}
            object.__setattr__(self, "tau_syn", Named(first | dict(self.tau_syn)))

    @property
    def receptors(self) -> tuple[str, ...]:
        """Names of the receptors, in the order of ``tau_syn``: tuple of str."""
        return tuple(self.tau_syn) or RECEPTORS

    @property
    def synaptic_times(self) -> tuple[float, ...]:
        """Decay time constants of the currents of all receptors, ms: tuple of float."""
        return tuple(self.tau_syn.values()) or (self.tau_syn_ex, self.tau_syn_in)

    @property
    def synaptic_currents(self) -> tuple[float, ...]:
        """Initial currents of all receptors, pA: tuple of float."""
        if not self.tau_syn:
            return self.I_syn_ex, self.I_syn_in
        return tuple(self.I_syn.get(name, 0.0) for name in self.tau_syn)

    def various(self) -> tuple[str, ...]:
        """Return the names of the parameters that differ between neurons.

        Returns
        -------
        tuple of str
            Names of parameters given as an array or a distribution, in the order of the parameters.
        """
        names = (f.name for f in fields(self))
        return tuple(name for name in names if any(isinstance(v, Distribution) for v in self.entries(name)))

    def entries(self, name: str) -> tuple[float | Distribution | None, ...]:
        """Return the entries of a parameter.

        Parameters
        ----------
        name : str
            Name of the parameter.

        Returns
        -------
        tuple of float or Distribution
            All entries of a sequence such as ``tau_sfa`` or a dict such as ``tau_syn``; the one value of any other
            parameter.
        """
        value = getattr(self, name)
        if isinstance(value, Named):
            return tuple(value.values())
        return value if isinstance(value, tuple) else (value,)

    def draw(
        self,
        n: int,
        random: Callable[[int, int], np.random.Generator],
        where: str = "GIF",
        names: Collection[str] | None = None,
    ) -> dict[str, Drawn]:
        """Draw the parameters of each neuron.

        Parameters
        ----------
        n : int
            Number of neurons.
        random : callable
            ``random(i, j)`` returns the numpy.random.Generator for entry j of parameter i.
        where : str
            Owner of the parameters, for messages.
        names : sequence of str or None
            Parameters to draw; None: all.

        Returns
        -------
        dict of str to float, float64 array of length n, or tuple or dict of such
            By parameter name: a number if neurons are alike, otherwise one value per neuron.
        """
        drawn: dict[str, Drawn] = {}
        for i, f in enumerate(fields(self)):
            if names is not None and f.name not in names:
                continue
            entries: list[Any] = list(self.entries(f.name))
            value, unit = getattr(self, f.name), f.metadata["unit"]
            keys: list[Any] = list(value if isinstance(value, Mapping) else range(len(entries)))
            several = isinstance(value, tuple | Mapping)
            for j, (key, entry) in enumerate(zip(keys, entries, strict=True)):
                if isinstance(entry, Distribution):
                    place = f"{where}.{f.name}[{key!r}]" if several else f"{where}.{f.name}"
                    entries[j] = draw_checked(place, entry, n, random(i, j), f.metadata["condition"], unit)
            if isinstance(value, Mapping):
                drawn[f.name] = dict(zip(keys, entries, strict=True))
            else:
                drawn[f.name] = tuple(entries) if several else entries[0]
        return drawn
