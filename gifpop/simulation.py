"""A simulation: the state of a network, advanced by `run`."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from gifpop.assembly import changes, run
from gifpop.assembly.assembly import Assembly
from gifpop.assembly.connections import expand
from gifpop.assembly.finished_runs import Records
from gifpop.assembly.options import Options
from gifpop.assembly.recording import Recording
from gifpop.assembly.run import SimulationInterrupted, interrupted
from gifpop.assembly.state import State
from gifpop.common import checks, seeds
from gifpop.common.grid import check_span
from gifpop.common.interrupts import give_way
from gifpop.description import population_name
from gifpop.engine.exclusive import exclusive
from gifpop.meso.history import TOLERANCE
from gifpop.result import Result
from gifpop.saving.saved import Saved

if TYPE_CHECKING:
    import numpy as np

    from gifpop.assembly.changes import Element
    from gifpop.assembly.options import GivenCounts, GivenSpikes, Levels, Record, RecordNeurons
    from gifpop.assembly.recording import Recorder
    from gifpop.common.typing import Adaptation, FiniteSize, History, Initial, Level, Number, Seed, Structured, Wiring
    from gifpop.description import Description, Injection, Population
    from gifpop.engine.engine import Engine
    from gifpop.inputs import Input

logger = logging.getLogger(__name__)


class Simulation(Saved):
    """The state of a network while it is simulated.

    Parameters
    ----------
    net : Network
        Description to simulate. Later changes of it have no effect on this simulation, which `set` changes.
    dt : float, ms
        Step. Delays and times of inputs must be multiples of it.
    level : {"meso", "micro"} or dict of population or name to such
        ``"meso"``: one stochastic equation per population (Schwalger, Deger & Gerstner 2017, Figs. 11 and 12).
        ``"micro"``: every neuron and every connection. The levels of one network may differ.
    seed : int, sequence of int, SeedSequence, BitGenerator, Generator or None
        As for `numpy.random.default_rng`; None: unpredictable. The same seed gives identical results, however the run
        is divided into pieces.
    record : None, "all", sequence of str, or dict
        What to record in addition to spikes, spike counts and expected counts (``mean``): names among ``V_m`` (mV; of a
        population, the free potential), ``E_sfa`` (threshold, mV), ``I_syn_NAME`` of each receptor, such as
        ``I_syn_ex`` (pA), and of neurons ``I_stc`` (pA). A dict maps populations or their names to such names.
    record_interval : float or None, ms
        Time between two records of these variables, a multiple of dt. None: every step.
    record_neurons : int, sequence of int, dict, or None
        Neurons to record: the first few, or these indices; None records all.
    counts : dict of population or name to int array, or None
        Spike counts of mesoscopic populations to replay instead of drawing them, one entry per step from the start of
        the simulation. Other populations are drawn.
    spikes : dict of population or name to pair of arrays, or None
        Spikes to replay instead of the neurons' own: times (ms, the ends of steps) and neurons.
    initial : {"fired", "rest", "stationary", "nest"}
        Initial state. ``"fired"``: all neurons have just fired; the free potential of a population is at E_L.
        ``"rest"``: no neuron has fired for a long time; potentials are ``GIF.V_m``, or E_L if that is None.
        ``"stationary"``: the state after an infinite run with the inputs that act at time 0 (Notes); ``GIF.V_m`` and
        initial currents are ignored. ``"nest"``: as in NEST: populations have just fired, with all potentials at 0 mV
        whatever E_L is; neurons are at rest.
    history : {"adaptive", "exact"}
        How mesoscopic populations keep their past. ``"adaptive"``: neurons that fired in successive steps are merged,
        the more coarsely the longer ago that was, at a fraction of the cost; the history is longer, with
        ``len_kernel`` as a lower bound (docs/history.md); where merging would cost more than it saves, it is exact.
        ``"exact"``: each of the last ``len_kernel`` steps is kept apart, as in NEST.
    tolerance : float
        Largest relative error of the hazard of merged neurons in an adaptive history, in (0, 1), estimated from the
        parameters. Errors of expected counts are several times smaller.
    adaptation : {"carried", "quasi-renewal"}
        How mesoscopic populations follow the adaptation of their neurons; a population's own value takes precedence.
        ``"carried"``: neurons that fired together carry mean and covariance of their adaptation, thresholds and
        spike-triggered currents; close to the neurons even where adaptation is strong. ``"quasi-renewal"``: spikes
        before a neuron's last one act as if they were Poisson, as in Schwalger, Deger & Gerstner (2017) and NEST.
        Without adaptation both are the same (docs/closures.md).
    finite_size : {"drawn", "corrected"} or None
        How mesoscopic populations follow the number of their neurons; a population's own value takes precedence.
        ``"drawn"``: cohorts are whole neurons, and those of each that fire are drawn, which makes fluctuations those of
        neurons: exactly without adaptation, closely with it; ``mean`` is then what is expected given the cohorts.
        ``"corrected"``: one number of spikes is drawn in each step; cohorts lose the numbers that are expected, and a
        correction keeps the number of neurons, as in Schwalger, Deger & Gerstner (2017) and NEST. None: ``"drawn"``,
        but ``"corrected"`` for populations for which that has no meaning: with given ``counts``, with
        ``BinoRand=False``, and if ``smooth`` is True (docs/finite_size.md).
    wiring : {"dense", "sparse"}
        What ``p`` and connection rules mean to mesoscopic populations. ``"dense"``: a factor of the weight with which
        every neuron receives all spikes. ``"sparse"``: each neuron receives its own sample of the spikes, as along
        drawn connections, which spreads the neurons' potentials. This requires ``adaptation="carried"`` and rules that
        draw equally many sources for each neuron: ``p``, `IndegreeFraction`, `FixedIndegree`, `AllToAll`. Between
        neurons, connections are drawn in any case; from a population, neurons receive the mean.
    smooth : bool
        Make the expected counts of a replay (``counts``) smooth functions of the parameters, so that likelihoods of
        recorded counts can be differentiated (docs/smooth.md). A cohort with the integrated hazard H fires with the
        probability 1 - exp(-H) also where H is below 0.01, where NEST takes H itself; cohorts are followed until they
        vanish in rounding. The length of a history, unless ``len_kernel`` is given, and the widths of its cells follow
        from parameters rounded to quarters of an octave, and are constant in between.
    network_seed : int, sequence of int, SeedSequence, BitGenerator, Generator or None
        Seed of connections and of parameters that differ between neurons; ``seed`` is that of initial states, spikes
        and inputs. None: ``seed``.
    threads : int
        Number of threads that share populations and blocks of neurons, at most one per processor that this process may
        use. Results do not depend on it. Threads help in networks with much work between two deliveries of spikes:
        large ones, long histories, long delays; where they would lose time, one is used.
    progress : bool or None
        Show a progress bar. None: if standard error is a terminal and the run takes longer than two seconds.

    Raises
    ------
    TypeError, ValueError
        If options, delays or times violate their conditions; before anything is allocated.
    MemoryError
        If state or records would not fit in memory.
    SimulationError
        With ``initial="stationary"``, if numbers leave their range while the state is found.

    Notes
    -----
    The stationary state is that of the same network with very many neurons, without fluctuations, run from rest until
    its activity changes by less than 1e-4 of itself, with inputs as they are at time 0: currents at their values,
    Poisson processes at their means, without single spikes. Populations begin with the expected number of neurons in
    each cohort; each neuron is drawn independently from that state; input in transit begins at its mean. Of several
    stationary states, this is the one reached from rest; if there is none, because the network oscillates, a warning
    says so. The state is kept for `reset` until something is changed (docs/stationary.md).

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

    def __init__(
        self,
        net: Description,
        dt: float = 0.1,
        level: Levels = "meso",
        seed: Seed = None,
        record: Record = None,
        record_interval: float | None = None,
        record_neurons: RecordNeurons = None,
        counts: GivenCounts = None,
        spikes: GivenSpikes = None,
        initial: Initial = "fired",
        history: History = "adaptive",
        tolerance: float = TOLERANCE,
        adaptation: Adaptation = "carried",
        finite_size: FiniteSize | None = None,
        wiring: Wiring = "dense",
        smooth: bool = False,
        network_seed: Seed = None,
        threads: int = 1,
        progress: bool | None = None,
    ) -> None:
        began = time.perf_counter()
        root = seeds.root_sequence(seed)
        options = Options(
            dt=dt,
            level=level,
            initial=initial,
            history=history,
            tolerance=tolerance,
            adaptation=adaptation,
            finite_size=finite_size,
            wiring=wiring,
            smooth=smooth,
            threads=threads,
        )
        network_root = root if network_seed is None else seeds.root_sequence(network_seed)
        assembly = Assembly(net, network_root, options, counts)
        self._progress = progress if progress is None else checks.boolean("Simulation.progress", progress)
        recording = Recording(assembly, record, record_interval, record_neurons, counts, spikes)
        assembly.check()
        assembly.wire()
        self._state = State(root, assembly, recording, assembly.engine(root), Records())
        self._busy = threading.Lock()
        logger.debug("built %r in %.3g s", self, time.perf_counter() - began)

    def __repr__(self) -> str:
        return (
            f"<gifpop.Simulation: {len(self._assembly.levels)} populations, level {self.level!r}, dt {self.dt} ms, "
            f"at {self.time} ms>"
        )

    @property
    def _assembly(self) -> Assembly:
        return self._state.assembly

    @property
    def _recording(self) -> Recording:
        return self._state.recording

    @property
    def _engine(self) -> Engine:
        return self._state.engine

    @property
    def level(self) -> Level | dict[str, Level]:
        """Level of all populations as given, or that of each population by name."""
        level = self._assembly.options.level
        return level if isinstance(level, str) else self._assembly.level_names

    @property
    def dt(self) -> float:
        """Step, ms."""
        return self._assembly.options.dt

    @property
    def time(self) -> float:
        """Time simulated, ms."""
        return self._state.time

    @property
    def seed(self) -> np.random.SeedSequence:
        """SeedSequence that repeats this simulation if given as ``seed``, together with `network_seed`."""
        return self._state.seed

    @property
    def network_seed(self) -> np.random.SeedSequence:
        """SeedSequence of connections and of parameters that differ between neurons."""
        return self._assembly.root

    def run(self, duration: Number) -> Result:
        """Continue the simulation from its present state.

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
            If an expected count or a potential is no longer finite (the state is then lost), or if spikes fill the
            memory (it is then a MemoryError, too, and `run` can continue); its ``result`` holds the steps before.
        MemoryError
            If records would not fit in memory; nothing is simulated then.
        RuntimeError
            If the state is lost because an earlier run or `reset` was cut short, for instance by a lack of memory, or
            numbers were no longer finite; `reset` makes a new one.

        Notes
        -----
        Records are kept until `reset`; `result` joins those of all runs.
        """
        return self._run(check_span("Simulation.run: {}", duration, 0.0, self.dt)[1])

    def _run(self, n: int) -> Result:
        """Simulate ``n`` steps."""
        finished: list[Result] = []
        try:
            self._record(n, finished)
        except SimulationInterrupted:
            raise
        except KeyboardInterrupt:
            if not finished:
                raise
            raise interrupted(self._state, finished[0]) from None  # too late to stop anything
        return finished[0]

    @exclusive
    def _record(self, n: int, finished: list[Result]) -> None:
        run.record(self._state, n, self._progress, self._make_result, finished)

    @exclusive
    def _skip(self, n: int) -> None:
        run.skip(self._state, n, self._progress, self._make_result)

    def _make_result(self, recorder: Recorder, first: int, seed: np.random.SeedSequence) -> Result:
        """Return the records from step ``first`` on."""
        return Result(recorder.results(), self.dt, self.level, seed, self.network_seed, first)

    def result(self) -> Result:
        """Return the records of all runs since the start or the last `reset`.

        Returns
        -------
        Result
            The records of these runs, joined.

        Raises
        ------
        ValueError
            If there were no runs; if they recorded different neurons of a population, because its N has changed; or if
            a run does not begin where the one before ends, because the time between could not be recorded.
        MemoryError
            If another copy of the records would not fit in memory.
        """
        records = self._state.records
        with self._if_idle() as idle:
            if idle is not None:
                records.end()
        return records.joined()

    def forget(self) -> None:
        """Drop the records of all runs up to now, which `result` would join; keep the state."""
        with self._if_idle() as idle:
            self._state.records.forget(running=idle is None)

    @exclusive
    def reset(self, seed: Seed = None) -> None:
        """Return to the initial state, with the present parameters and the same connections.

        This also repairs a simulation whose state is lost (see `run`).

        Parameters
        ----------
        seed : int, sequence of int, SeedSequence, BitGenerator, Generator or None
            Seed of initial states, spikes and inputs from now on. None: the last one, which repeats the same run.
        """
        state = self._state
        root = state.seed if seed is None else seeds.root_sequence(seed)
        engine = state.assembly.engine(root, instead_of=state.engine)
        self._state = State(root, state.assembly, state.recording, engine, Records())

    @exclusive
    def set(self, element: Element, /, **parameters: object) -> None:
        """Change a population, connections or an input from the next step on; state and history are kept.

        A change that is refused or interrupted changes nothing. After `reset`, the simulation is that of a network
        described with the changed values.

        Parameters
        ----------
        element : Population, str, Connection, pair of populations, or Injection
            A population or its name; a connection, as returned by `Network.connect`, or a pair ``(pre, post)`` for all
            connections between two populations; an input, as returned by `inject` here or of the network.
        **parameters
            Of a population: ``N`` (Notes), ``BinoRand`` and those of `GIF`. The number of adaptation terms and the
            names of receptors cannot change; until `reset`, the length of the history and the effect of initial values
            (``V_m``, ``I_syn``, ``I_syn_ex``, ``I_syn_in``) stay, too. Of connections: ``weight`` (pA), ``delay`` (ms),
            ``p`` or ``rule``, ``receptor``, as in `Network.connect`. Of an input: its own parameters, ``delay`` (ms),
            and ``receptor``.

        Notes
        -----
        Spikes and input in transit keep the weight and delay that they were sent with. If only weights or delays
        change, connections between neurons stay the same; distributions of these are drawn again, from the seed of the
        network. The times of inputs count from the start of the simulation; random inputs continue their streams.

        ``N``: all cohorts of a mesoscopic population grow or shrink in proportion, so that its activity continues. Of
        neurons, the last ones leave, or new ones begin in the state of others, drawn at random; connections from and to
        them are drawn again. Weights do not change: in a network that is k times as large, ``weight/k`` or ``p/k``
        keeps the mean input (`FixedIndegree` keeps it by itself).
        """
        self._change(changes.describe_change(self._assembly.net, element, parameters))

    @exclusive
    def inject(
        self, population: Population | str, input: Input, delay: float = 0.0, receptor: str | None = None
    ) -> Injection:
        """Add an input onto every neuron of a population, from the next step on.

        Parameters
        ----------
        population : Population or str
            Target, or its name.
        input : input, such as StepCurrent or PoissonSpikes
            Its times count from the start of the simulation.
        delay : float, ms
            Time added to the input's own times; >= 0 and a multiple of the step.
        receptor : str
            At which spikes arrive, as in `Network.inject`.

        Returns
        -------
        Injection
            For `set` and `remove`.
        """
        net = self._assembly.net.copy()
        name = population_name(net.populations, population, "Simulation.inject: population")
        injection = net.injections[-1] = replace(net.inject(name, input, delay, receptor), by_simulation=True)
        self._change(net)
        return injection

    @exclusive
    def remove(self, input: Injection) -> None:
        """Remove an input; what it has already sent still arrives.

        Parameters
        ----------
        input : Injection
            As returned by `inject`, here or of the network.
        """
        net = self._assembly.net.copy()
        del net.injections[changes.place_of(net, input, "Simulation.remove")]
        self._change(net)

    def _change(self, net: Description) -> None:
        """Continue as a simulation of a changed description."""
        state = self._state
        state.require_whole()
        recording = state.recording.changed(net.populations)
        assembly, engine = changes.carry_on(state.assembly, state.engine, state.seed, net)
        give_way()
        self._state = replace(state, assembly=assembly, recording=recording, engine=engine)

    def connections(self, pre: Population | str, post: Population | str) -> Structured:
        """Return the connections between the neurons of two populations, as they were drawn.

        Parameters
        ----------
        pre, post : Population or str
            Populations at the microscopic level, or their names.

        Returns
        -------
        numpy structured array
            ``source`` and ``target`` (neurons, counted from 0), ``weight`` (pA), ``delay`` (ms); in order of source.
        """
        populations = self._assembly.net.populations
        first = population_name(populations, pre, "Simulation.connections: pre")
        second = population_name(populations, post, "Simulation.connections: post")
        for name in (first, second):
            if self._assembly.level_names[name] != "micro":
                raise ValueError(f"Simulation.connections: {name!r} must be at the microscopic level, got 'meso'")
        ends = tuple(list(populations).index(name) for name in (first, second))
        links = [link for link in self._assembly.links if (link.source, link.target) == ends]
        return expand(links, populations[first].N, populations[second].N, self.dt)
