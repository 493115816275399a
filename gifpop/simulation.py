"""A simulation: the state of a network, advanced by `run`."""

from dataclasses import fields, replace

import numpy as np

from gifpop import checks, memory, seeds
from gifpop.connectivity import input_lines, mesoscopic_links
from gifpop.engine import RECORDABLES, Engine
from gifpop.grid import check_dt, refractory_steps, whole_steps
from gifpop.network import Network, Population
from gifpop.parameters import GIF, PoissonSpikes
from gifpop.plan import automatic_history, plan_population, start_history, update_plan
from gifpop.result import PopulationResult, Result, concatenate

LEVELS = ("meso",)
INITIAL = ("fired", "nest")
ALWAYS_RECORDED = ("n_events", "mean")
OPTIONAL_RECORDABLES = tuple(name for name in RECORDABLES if name not in ALWAYS_RECORDED)


class SimulationInterrupted(KeyboardInterrupt):
    """Ctrl-C during a run.

    Attributes
    ----------
    result : Result
        What the run had simulated until then. The simulation can be continued with `Simulation.run`.
    """

    def __init__(self, result):
        until = result.t[-1] if len(result.t) else 0.0
        super().__init__(f"interrupted at {until} ms; .result holds what was simulated")
        self.result = result


class Simulation:
    """The state of a network while it is simulated.

    Parameters
    ----------
    net : Network
        Later changes of the description have no effect on this simulation.
    dt : float, ms
        Step. Delays and times of inputs must be multiples of it.
    level : {"meso"}
        ``"meso"``: one stochastic equation per population (Schwalger, Deger & Gerstner 2017, Figs. 11 and 12).
    seed : int, sequence of int, SeedSequence, BitGenerator, Generator or None
        As `numpy.random.default_rng` takes it; None: unpredictable. The same seed gives identical results, in
        however many pieces the simulation is run.
    record : None, "all", sequence of str, or dict
        What to record beside spike counts and expected counts (``mean``), which always are: names among ``V_m`` (free
        potential, mV), ``E_sfa`` (free threshold, mV), ``I_syn_ex``, ``I_syn_in`` (pA). A dict maps populations or
        their names to such names.
    record_interval : float or None, ms
        Between two records of these variables; a multiple of dt. None: every step.
    counts : dict of population or name to int array, or None
        Spike counts to use instead of drawn ones, one entry a step, counted from the start of the simulation
        (replay). Populations that are not named are drawn.
    initial : {"fired", "nest"}
        Initial state: all neurons have just fired. Potentials start at V_reset, the free potential at E_L;
        ``"nest"``: all at 0 mV, as NEST does whatever E_L is. A ``GIF.V_m`` that is given sets the free potential.
    progress : bool or None
        Show a progress bar. None: where standard error is a terminal and the run takes longer than two seconds.

    Raises
    ------
    TypeError, ValueError
        For options, delays or times that break their rules, before anything is allocated.
    MemoryError
        If state or records would not fit in memory.

    Examples
    --------
    >>> import gifpop as gp
    >>> net = gp.Network()
    >>> E = net.population("E", 500, gp.GIF(I_e=300.0))
    >>> sim = gp.Simulation(net, dt=0.5, seed=1)
    >>> before = sim.run(100.0)
    >>> sim.set("E", I_e=350.0)
    >>> after = sim.run(100.0)
    >>> float(after.t[0])
    100.5
    """

    def __init__(self, net, dt=0.1, level="meso", seed=None, record=None, record_interval=None, counts=None,
                 initial="fired", progress=None):
        if not isinstance(net, Network):
            raise TypeError(f"Simulation: net must be a gifpop.Network, got {net!r}")
        if not net.populations:
            raise ValueError("Simulation: net must have at least one population, got none")
        self.dt = check_dt("Simulation.dt", dt)
        self.level = checks.choice("Simulation.level", level, LEVELS)
        self._initial = checks.choice("Simulation.initial", initial, INITIAL)
        self._progress = progress if progress is None else checks.boolean("Simulation.progress", progress)
        self._populations = dict(net.populations)
        self._recorded = self._check_record(record)
        self._record_steps = (
            1
            if record_interval is None
            else whole_steps(
                "Simulation.record_interval",
                checks.number("Simulation.record_interval", record_interval, "> 0", "ms"),
                self.dt,
                least=1,
            )
        )
        self._prescribed = self._check_counts(counts)
        self._net = _frozen_copy(net)
        self._refuse_independent_noise()
        self._links = mesoscopic_links(self._net, self.dt)
        self._lengths = [self._history(p) for p in self._populations.values()]
        memory.require(
            64.0 * sum(self._lengths)
            + 24.0 * len(self._populations) * (1 + max((link.lag for link in self._links), default=0)),
            "Simulation: histories and delays",
        )
        self._root = seeds.root_sequence(seed)
        self._start()

    def __repr__(self):
        return (
            f"<gifpop.Simulation: {len(self._populations)} populations, level {self.level!r}, dt {self.dt} ms, "
            f"at {self.time} ms>"
        )

    @property
    def time(self):
        """Time simulated, ms."""
        return self._engine.step * self.dt

    @property
    def seed(self):
        """SeedSequence that repeats this simulation when given as ``seed``."""
        return self._root

    def run(self, duration):
        """Simulate on from the present state.

        Parameters
        ----------
        duration : float, ms
            A multiple of dt, >= 0.

        Returns
        -------
        Result
            What was recorded in this run.

        Raises
        ------
        SimulationInterrupted
            On Ctrl-C, within a second; its ``result`` holds what was simulated, and `run` continues from there.
        SimulationError
            If an expected count is not a finite number.
        """
        duration = checks.number("Simulation.run: duration", duration, ">= 0", "ms")
        n = whole_steps("Simulation.run: duration", duration, self.dt)
        self._check_supply(n)
        recorder = _Recorder(n, self._engine.step, self._recorded, self._record_steps)
        interrupted = False
        try:
            for chunk in self._engine.run(n, recorder.probes, self._prescribed, self._progress):
                recorder.take(chunk)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            result = self._result(recorder)
            self._results.append(result)
        if interrupted:
            raise SimulationInterrupted(result)
        return result

    def result(self):
        """Return what all runs since the start or the last `reset` recorded, as one `Result`."""
        if not self._results:
            raise ValueError("Simulation.result: nothing has been simulated yet")
        return concatenate(self._results)

    def reset(self, seed=None):
        """Go back to the initial state, with the parameters as they are now.

        Parameters
        ----------
        seed : see `Simulation`
            A new seed. None: the one that this simulation started with, so that the same run comes again.
        """
        if seed is not None:
            self._root = seeds.root_sequence(seed)
        self._start()

    def set(self, population, **parameters):
        """Change parameters of a population's neurons; they act from the next step, the history is kept.

        Parameters
        ----------
        population : Population or str
        **parameters
            Of `GIF`. The number of adaptation terms and the length of the history stay what they are; initial values
            (``V_m``, ``I_syn_ex``, ``I_syn_in``) act at the next `reset`.
        """
        name = self._name(population, "Simulation.set: population")
        known = {f.name for f in fields(GIF)}
        for key in parameters:
            if key not in known:
                names = ", ".join(sorted(known))
                raise TypeError(f"Simulation.set: parameter must be one of GIF's ({names}), got {key!r}")
        old = self._populations[name]
        cell = replace(old.cell, **parameters)
        i = list(self._populations).index(name)
        if len(cell.tau_sfa) != len(old.cell.tau_sfa):
            raise ValueError(
                f"Simulation.set: GIF.tau_sfa of {name!r} must keep its length {len(old.cell.tau_sfa)}, "
                f"got {len(cell.tau_sfa)}"
            )
        self._check_history(old.name, self._lengths[i], cell)
        self._populations[name] = replace(old, cell=cell)
        update_plan(self._engine.plans[i], cell, old.N, self.dt, old.BinoRand)

    def _start(self):
        """Allocate the initial state."""
        plans = []
        for population, K in zip(self._populations.values(), self._lengths, strict=True):
            plan = plan_population(population.cell, population.N, self.dt, K, population.BinoRand)
            self._set_initial(plan, population.cell)
            plans.append(plan)
        streams = [seeds.stream(self._root, seeds.POPULATION, i) for i in range(len(plans))]
        lines, links = input_lines(self._net, self.dt, lambda i: seeds.stream(self._root, seeds.INPUT, i))
        self._engine = Engine(self._populations, plans, streams, self._links + links, lines, dt=self.dt)
        self._results = []

    def _set_initial(self, plan, cell):
        nest = self._initial == "nest"
        start_history(plan, 0.0 if nest else cell.V_reset)
        resting = 0.0 if nest else cell.E_L
        plan.state["V_m"] = resting if cell.V_m is None else cell.V_m
        plan.state["I_syn_ex"] = cell.I_syn_ex
        plan.state["I_syn_in"] = cell.I_syn_in

    def _result(self, recorder):
        columns = zip(self._populations.values(), recorder.columns(), strict=True)
        populations = [PopulationResult(p.name, p.N, self.dt, recorder.first, *column) for p, column in columns]
        return Result(populations, self.dt, self.level, self._root, recorder.first)

    def _history(self, population):
        """Return the number of cohorts of a population."""
        if population.len_kernel == -1:
            return automatic_history(population.cell, self.dt)
        self._check_history(population.name, population.len_kernel, population.cell)
        return population.len_kernel

    def _check_history(self, name, K, cell):
        refractory = refractory_steps(cell.t_ref, self.dt)
        if refractory >= K:
            raise ValueError(
                f"Population {name!r}: len_kernel must be longer than the refractory period of {refractory} steps "
                f"(t_ref = {cell.t_ref} ms), got {K}"
            )

    def _check_record(self, record):
        """Return the names of the variables to record of each population, by name."""
        if isinstance(record, dict):
            chosen = {self._name(p, "Simulation.record: key"): names for p, names in record.items()}
        else:
            chosen = dict.fromkeys(self._populations, () if record is None else record)
        return {name: self._check_variables(name, chosen.get(name, ())) for name in self._populations}

    def _check_variables(self, population, names):
        if isinstance(names, str):
            names = OPTIONAL_RECORDABLES if names == "all" else (names,)
        for name in names:
            if name not in RECORDABLES:
                raise ValueError(
                    f"Simulation.record: variables of {population!r} must be among {', '.join(RECORDABLES)} "
                    f"or 'all', got {name!r}"
                )
        return tuple(name for name in dict.fromkeys(names) if name not in ALWAYS_RECORDED)

    def _check_counts(self, counts):
        """Return prescribed counts as int64 arrays by population index."""
        if counts is None:
            return {}
        if not isinstance(counts, dict):
            raise TypeError(f"Simulation.counts must be a dict of population to int array, got {type(counts).__name__}")
        order = list(self._populations)
        prescribed = {}
        for population, values in counts.items():
            name = self._name(population, "Simulation.counts: key")
            where, values, N = f"Simulation.counts[{name!r}]", np.asarray(values), self._populations[name].N
            if values.dtype.kind not in "iu":
                raise TypeError(f"{where} must be an array of integers, got dtype {values.dtype}")
            if values.ndim != 1:
                raise ValueError(f"{where} must have one dimension, got shape {values.shape}")
            if values.size and not 0 <= values.min() <= values.max() <= N:
                raise ValueError(f"{where} must be in [0, N = {N}], got {values.min()} to {values.max()}")
            prescribed[order.index(name)] = values.astype(np.int64)
        return prescribed

    def _check_supply(self, n):
        for i, values in self._prescribed.items():
            if len(values) < self._engine.step + n:
                name = list(self._populations)[i]
                raise ValueError(
                    f"Simulation.counts[{name!r}] must have an entry for each of the {self._engine.step + n} steps "
                    f"simulated, got {len(values)}"
                )

    def _refuse_independent_noise(self):
        for injection in self._net.injections:
            if isinstance(injection.input, PoissonSpikes) and not injection.input.shared:
                raise ValueError(
                    f"{injection.label}: shared must be True at the mesoscopic level, got False: noise of its own for "
                    "each neuron has no exact meaning there; shared=True gives all neurons the same spikes"
                )

    def _name(self, population, where):
        name = population.name if isinstance(population, Population) else population
        if name not in self._populations:
            known = ", ".join(map(repr, self._populations))
            raise ValueError(f"{where} must be a population of the network ({known}), got {name!r}")
        return name


class _Recorder:
    """Arrays for one run, filled piece by piece."""

    def __init__(self, n, first, recorded, every):
        M = len(recorded)
        optional = [(i, name) for i, names in enumerate(recorded.values()) for name in names]
        self.first, self.taken, self._every, self._recorded = first, 0, every, recorded
        self.probes = [(i, "mean") for i in range(M)] + optional
        kept = n // every + 1
        memory.require(
            8.0 * (2 * M * n + len(optional) * kept),
            f"Simulation.run: records of {n} steps (longer record_interval, fewer variables or shorter runs need less)",
        )
        self._counts = np.empty((M, n), dtype=np.int64)
        self._means = np.empty((M, n))
        self._variables = np.empty((len(optional), kept))
        self._steps = np.empty(kept, dtype=np.int64)
        self._kept = 0

    def take(self, chunk):
        """Copy a piece; of the optional variables those at multiples of the recording interval."""
        n, M = chunk.counts.shape
        self._counts[:, self.taken : self.taken + n] = chunk.counts.T
        self._means[:, self.taken : self.taken + n] = chunk.records[:M]
        steps = np.arange(chunk.step, chunk.step + n)
        selected = (steps + 1) % self._every == 0
        kept = slice(self._kept, self._kept + np.count_nonzero(selected))
        self._steps[kept] = steps[selected]
        self._variables[:, kept] = chunk.records[M:, selected]
        self._kept = kept.stop
        self.taken += n

    def columns(self):
        """Yield counts, means, recorded steps and variables of each population."""
        rows = iter(self._variables[:, : self._kept])
        for i, names in enumerate(self._recorded.values()):
            variables = {name: next(rows) for name in names}
            yield self._counts[i, : self.taken], self._means[i, : self.taken], self._steps[: self._kept], variables


def _frozen_copy(net):
    """Return the description as it is now, untouched by later changes."""
    copy = Network()
    copy.populations = dict(net.populations)
    copy.connections = list(net.connections)
    copy.injections = list(net.injections)
    return copy
