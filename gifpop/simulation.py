"""A simulation: the state of a network, advanced by `run`."""

from dataclasses import fields, replace

from gifpop import checks, options, seeds
from gifpop.assembly import Assembly
from gifpop.connectivity import expand
from gifpop.engine import SimulationError
from gifpop.grid import whole_steps
from gifpop.history import TOLERANCE
from gifpop.parameters import GIF
from gifpop.recording import Recording
from gifpop.result import Result, concatenate


class SimulationInterrupted(KeyboardInterrupt):
    """Ctrl-C during a run.

    Attributes
    ----------
    result : Result
        What the run had simulated until then. The simulation can be continued with `Simulation.run`. Of trials, what
        `Network.simulate` returns for those that were finished, or None.
    """

    def __init__(self, result, until):
        super().__init__(f"interrupted {until}; .result holds what was simulated")
        self.result = result


class Simulation:
    """The state of a network while it is simulated.

    Parameters
    ----------
    net : Network
        Later changes of the description have no effect on this simulation.
    dt : float, ms
        Step. Delays and times of inputs must be multiples of it.
    level : {"meso", "micro"} or dict of population or name to such
        ``"meso"``: one stochastic equation per population (Schwalger, Deger & Gerstner 2017, Figs. 11 and 12).
        ``"micro"``: every neuron and every connection. The levels of one network may differ.
    seed : int, sequence of int, SeedSequence, BitGenerator, Generator or None
        As `numpy.random.default_rng` takes it; None: unpredictable. The same seed gives identical results, in
        however many pieces the simulation is run.
    record : None, "all", sequence of str, or dict
        What to record beside spikes, spike counts and expected counts (``mean``), which always are: names among
        ``V_m`` (mV; of a population the free potential), ``E_sfa`` (threshold, mV), ``I_syn_ex``, ``I_syn_in`` (pA),
        and ``I_stc`` (pA) of neurons. A dict maps populations or their names to such names.
    record_interval : float or None, ms
        Between two records of these variables; a multiple of dt. None: every step.
    record_neurons : int, sequence of int, dict, or None
        Of which neurons: of the first few, of those with these indices; None: of all.
    counts : dict of population or name to int array, or None
        Spike counts of mesoscopic populations to use instead of drawn ones, one entry a step, counted from the start of
        the simulation (replay). Populations that are not named are drawn.
    spikes : dict of population or name to pair of arrays, or None
        Spikes of neurons to use instead of their own: times (ms, the ends of steps) and neurons.
    initial : {"fired", "rest", "stationary", "nest"}
        Initial state. ``"fired"``: all neurons have just fired; the free potential of a population is at E_L.
        ``"rest"``: nobody has fired for long; potentials are ``GIF.V_m``, or E_L if that is None. ``"stationary"``: as
        if the network had run for ever with the inputs that act at time 0 (Notes); ``GIF.V_m`` and initial currents
        do not count. ``"nest"``: as NEST does: populations have just fired, with all potentials at 0 mV whatever E_L
        is; neurons are at rest.
    history : {"adaptive", "exact"}
        Of mesoscopic populations. ``"adaptive"``: neurons that fired in successive steps are taken together the coarser
        the longer ago that was, at a fraction of the cost; the history is longer, ``len_kernel`` is a lower bound
        (docs/history.md). ``"exact"``: each step of the last ``len_kernel`` is kept apart, as NEST does.
    tolerance : float
        Of an adaptive history, in (0, 1): largest relative error of the hazard of neurons that are taken together,
        estimated from the parameters. Errors of expected counts are several times smaller.
    adaptation : {"carried", "quasi-renewal"}
        How mesoscopic populations follow their neurons' adaptation, unless a population says so itself.
        ``"carried"``: neurons that fired together carry mean and covariance of their adaptation, thresholds and
        spike-triggered currents; near to the neurons where adaptation is strong, too. ``"quasi-renewal"``: spikes
        before a neuron's last one act as if they were Poisson, as in Schwalger, Deger & Gerstner (2017) and NEST. Both
        are the same without adaptation (docs/closures.md).
    wiring : {"dense", "sparse"}
        What ``p`` and connection rules mean to mesoscopic populations. ``"dense"``: a factor of the weight, with which
        every neuron receives all spikes. ``"sparse"``: each neuron receives its own sample of the spikes, as along
        drawn connections; how much that differs between neurons spreads their potentials. This takes
        ``adaptation="carried"`` and rules that draw equally many sources for each neuron: ``p``, `IndegreeFraction`,
        `FixedIndegree`, `AllToAll`. Between neurons, connections are drawn in any case; from a population, neurons
        receive the mean.
    network_seed : see seed
        Draws connections and what makes neurons differ, as ``seed`` draws initial states, spikes and inputs. None:
        ``seed`` draws these, too.
    threads : int
        Threads that share populations and blocks of neurons. Results do not depend on it. Worth it for networks with
        much to do between two deliveries of spikes: large ones, long histories, long delays.
    progress : bool or None
        Show a progress bar. None: where standard error is a terminal and the run takes longer than two seconds.

    Raises
    ------
    TypeError, ValueError
        For options, delays or times that break their rules, before anything is allocated.
    MemoryError
        If state or records would not fit in memory.

    Notes
    -----
    The stationary state is that of the same network with so many neurons that fluctuations vanish, run from rest until
    its activity changes by less than 1e-4 of itself, with inputs as they are at time 0: currents at their values,
    Poisson processes at their means, without single spikes. Populations begin with the expected number of neurons in
    each cohort; neurons are drawn from that state, each by itself; what is on its way along delays begins at its mean.
    Of several stationary states it is the one that the network comes to from rest; if there is none, because the
    network oscillates, a warning says so. The state is kept for `reset` until a parameter is `set`
    (docs/stationary.md).

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

    def __init__(self, net, dt=0.1, level="meso", seed=None, record=None, record_interval=None, record_neurons=None,
                 counts=None, spikes=None, initial="fired", history="adaptive", tolerance=TOLERANCE,
                 adaptation="carried", wiring="dense", network_seed=None, threads=1, progress=None):
        self._seed = seeds.root_sequence(seed)
        self._assembly = Assembly(net, self._seed if network_seed is None else seeds.root_sequence(network_seed), dt,
                                  level, initial, history, tolerance, adaptation, wiring, threads)  # fmt: skip
        self._progress = progress if progress is None else checks.boolean("Simulation.progress", progress)
        self.level = level if isinstance(level, str) else self._assembly.level_names
        self._recording = Recording(self._assembly, record, record_interval, record_neurons, counts, spikes)
        self._assembly.check()
        self._assembly.wire()
        self._engine = self._assembly.engine(self._seed)
        self._results = []

    def __repr__(self):
        return (
            f"<gifpop.Simulation: {len(self._assembly.levels)} populations, level {self.level!r}, dt {self.dt} ms, "
            f"at {self.time} ms>"
        )

    @property
    def dt(self):
        """Step, ms."""
        return self._assembly.dt

    @property
    def time(self):
        """Time simulated, ms."""
        return self._engine.step * self.dt

    @property
    def seed(self):
        """SeedSequence that repeats this simulation when given as ``seed``, with that of the network."""
        return self._seed

    @property
    def network_seed(self):
        """SeedSequence that connections and what makes neurons differ are drawn with."""
        return self._assembly.root

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
            If an expected count or a potential is no longer a finite number; its ``result`` holds what was simulated.

        Notes
        -----
        `result` joins what all runs recorded, which is kept until `reset`.
        """
        duration = checks.number("Simulation.run: duration", duration, ">= 0", "ms")
        n = whole_steps("Simulation.run: duration", duration, self.dt)
        first, interrupted, error = self._engine.step, False, None
        self._recording.check(n, first + n)
        recorder = self._recording.recorder(n, first)
        try:
            for chunk in self._engine.run(n, self._recording.probes, self._recording.prescribed, self._progress):
                recorder.take(chunk)
        except KeyboardInterrupt:
            interrupted = True
        except SimulationError as caught:
            error = caught
        finally:
            result = self._make_result(recorder, first, self._seed)
            self._results.append(result)
        if interrupted:
            raise SimulationInterrupted(result, f"at {self.time} ms")
        if error is not None:
            error.result = result
            raise error
        return result

    def result(self):
        """Return what all runs since the start or the last `reset` recorded, as one `Result`."""
        if not self._results:
            raise ValueError("Simulation.result: nothing has been simulated yet")
        return concatenate(self._results)

    def reset(self, seed=None):
        """Go back to the initial state, with the parameters as they are now; connections stay.

        Parameters
        ----------
        seed : see `Simulation`
            Of what is to come: initial states, spikes, inputs. None: the last one, so that the same run comes again.
        """
        if seed is not None:
            self._seed = seeds.root_sequence(seed)
        self._assembly.restart(self._engine, self._seed)
        self._results = []

    def set(self, population, **parameters):
        """Change parameters of a population's neurons; they act from the next step, the history is kept.

        Parameters
        ----------
        population : Population or str
        **parameters
            Of `GIF`. The number of adaptation terms and the length of the history stay what they are; initial values
            (``V_m``, ``I_syn_ex``, ``I_syn_in``) act at the next `reset`.
        """
        populations = self._assembly.net.populations
        name = options.population_name(populations, population, "Simulation.set: population")
        known = {f.name for f in fields(GIF)}
        for key in parameters:
            if key not in known:
                names = ", ".join(sorted(known))
                raise TypeError(f"Simulation.set: parameter must be one of GIF's ({names}), got {key!r}")
        old = populations[name]
        new = replace(old, cell=replace(old.cell, **parameters))
        for terms in ("tau_sfa", "tau_stc"):
            before, after = len(getattr(old.cell, terms)), len(getattr(new.cell, terms))
            if after != before:
                raise ValueError(f"Simulation.set: GIF.{terms} of {name!r} must keep its length {before}, got {after}")
        self._assembly.update(self._engine, new)

    def connections(self, pre, post):
        """Return the connections between the neurons of two populations, as they were drawn.

        Parameters
        ----------
        pre, post : Population or str
            Both at the microscopic level.

        Returns
        -------
        numpy structured array
            ``source`` and ``target`` (neurons, counted from 0), ``weight`` (pA), ``delay`` (ms); in order of source.
        """
        populations = self._assembly.net.populations
        names = [options.population_name(populations, p, f"Simulation.connections: {which}")
                 for p, which in ((pre, "pre"), (post, "post"))]  # fmt: skip
        for name in names:
            if self._assembly.level_names[name] != "micro":
                raise ValueError(f"Simulation.connections: {name!r} must be at the microscopic level, got 'meso'")
        source, target = (list(populations).index(name) for name in names)
        links = [link for link in self._assembly.links if (link.source, link.target) == (source, target)]
        return expand(links, *(populations[name].N for name in names), self.dt)

    def _make_result(self, recorder, first, seed):
        """Return what was recorded from step ``first`` on."""
        return Result(recorder.results(), self.dt, self.level, seed, self.network_seed, first)
