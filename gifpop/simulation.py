"""A simulation: the state of a network, advanced by `run`."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from gifpop.assembly import changes
from gifpop.assembly.assembly import Assembly
from gifpop.assembly.connections import expand
from gifpop.assembly.options import Options
from gifpop.assembly.recording import Recording, SpikeRoom
from gifpop.assembly.records import Records, bytes_of_joined, concatenate
from gifpop.assembly.state import State
from gifpop.common import checks, memory, seeds
from gifpop.common.grid import check_span
from gifpop.common.interrupts import give_way
from gifpop.description import population_name
from gifpop.engine.engine import SimulationError
from gifpop.engine.exclusive import Exclusive, exclusive
from gifpop.engine.threads import check_threads
from gifpop.meso.history import TOLERANCE
from gifpop.result import Result
from gifpop.saving import snapshot

if TYPE_CHECKING:
    import os

    import numpy as np
    from typing_extensions import Self

    from gifpop.assembly.changes import Part
    from gifpop.assembly.options import GivenCounts, GivenSpikes, Levels, Record, RecordNeurons
    from gifpop.assembly.recording import Recorder
    from gifpop.common.typing import Adaptation, History, Initial, Level, Number, Seed, Structured, Wiring
    from gifpop.description import Description, Injection, Population
    from gifpop.engine.engine import Engine
    from gifpop.inputs import Input
    from gifpop.reductions import Reduced

logger = logging.getLogger(__name__)


class SimulationInterrupted(KeyboardInterrupt):
    """Ctrl-C during a run.

    Parameters
    ----------
    result : Result
        What the run had simulated until then. The simulation can be continued with `Simulation.run`. Of trials, what
        `Network.simulate` returns for those that were finished, or None.
    until : str
        When that was, for the message.
    """

    result: Any  # what it is depends on what was run; handlers of an error should not have to ask

    def __init__(self, result: Reduced | None, until: str) -> None:
        super().__init__(until)
        self.result, self._until = result, until

    def __str__(self) -> str:
        return f"interrupted {self._until}{'' if self.result is None else '; .result holds what was simulated'}"

    def __reduce__(self) -> tuple[type[Self], tuple[Reduced | None, str]]:
        return type(self), (self.result, self._until)


class Simulation(Exclusive):
    """The state of a network while it is simulated.

    Parameters
    ----------
    net : Network
        Later changes of the description have no effect on this simulation, which `set` changes.
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
        Neurons to record: the first few, or these indices; None records all.
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
        (docs/history.md); where merging would take more work than it saves, it is exact. ``"exact"``: each step of the
        last ``len_kernel`` is kept apart, as NEST does.
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
    smooth : bool
        Make the expected counts of a replay (``counts``) smooth functions of the parameters, so that likelihoods of
        recorded counts can be differentiated: a cohort with the integrated hazard H fires with the probability
        1 - exp(-H) also where H is below 0.01, where NEST takes H itself; cohorts are followed until rounding hides
        them; the length of a history, unless ``len_kernel`` is given, and the widths of its cells are those of
        parameters that are rounded to quarters of an octave, and stay the same in between (docs/smooth.md).
    network_seed : int, sequence of int, SeedSequence, BitGenerator, Generator or None
        Draws connections and what makes neurons differ, as ``seed`` draws initial states, spikes and inputs. None:
        ``seed`` draws these, too.
    threads : int
        Threads that share populations and blocks of neurons, at most one for each processor that this process may use.
        Results do not depend on it. They serve networks with much to do between two deliveries of spikes: large ones,
        long histories, long delays; others, and all while threads would lose time, are simulated in one.
    progress : bool or None
        Show a progress bar. None: where standard error is a terminal and the run takes longer than two seconds.

    Raises
    ------
    TypeError, ValueError
        For options, delays or times that break their rules, before anything is allocated.
    MemoryError
        If state or records would not fit in memory.
    SimulationError
        With ``initial="stationary"``, if numbers leave their range while the state is being found.

    Notes
    -----
    The stationary state is that of the same network with so many neurons that fluctuations vanish, run from rest until
    its activity changes by less than 1e-4 of itself, with inputs as they are at time 0: currents at their values,
    Poisson processes at their means, without single spikes. Populations begin with the expected number of neurons in
    each cohort; neurons are drawn from that state, each by itself; what is on its way along delays begins at its mean.
    Of several stationary states it is the one that the network comes to from rest; if there is none, because the
    network oscillates, a warning says so. The state is kept for `reset` until something is changed
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
            wiring=wiring,
            smooth=smooth,
            threads=threads,
        )
        assembly = Assembly(net, root if network_seed is None else seeds.root_sequence(network_seed), options)
        self._progress = progress if progress is None else checks.boolean("Simulation.progress", progress)
        self.level: Level | dict[str, Level] = level if isinstance(level, str) else assembly.level_names
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

    def __copy__(self) -> Self:
        """Return an independent copy: one that shared its state would change with this one."""
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return an independent simulation in the same state, as if it had been saved and loaded."""
        with self._alone():
            self._state.require_whole()
            self._state.records.end()
            return self._restored(snapshot.copied(self._kept()), self._progress)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a gifpop.Simulation cannot be pickled: save writes it to a file, and load reads that")

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
    def dt(self) -> float:
        """Step, ms."""
        return self._assembly.options.dt

    @property
    def time(self) -> float:
        """Time simulated, ms."""
        return self._engine.step * self.dt

    @property
    def seed(self) -> np.random.SeedSequence:
        """SeedSequence that repeats this simulation when given as ``seed``, with that of the network."""
        return self._state.seed

    @property
    def network_seed(self) -> np.random.SeedSequence:
        """SeedSequence that draws connections and the parameters of neurons that differ."""
        return self._assembly.root

    def run(self, duration: Number) -> Result:
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
            If an expected count or a potential is no longer a finite number (the state is lost then), or if spikes
            fill the memory (then it is a MemoryError, too, and `run` can go on); its ``result`` holds the steps before.
        MemoryError
            If records would not fit in memory; nothing has been simulated then.
        RuntimeError
            If the state is lost, since an earlier run or `reset` was cut short, by a lack of memory for one, or numbers
            were no longer finite; `reset` makes a new one.

        Notes
        -----
        `result` joins what all runs recorded, which is kept until `reset`.
        """
        return self._run(check_span("Simulation.run: {}", duration, 0.0, self.dt)[1])

    def _run(self, n: int) -> Result:
        """Simulate ``n`` steps."""
        finished: list[Result] = []
        try:
            self._advance(n, finished)
        except SimulationInterrupted:
            raise
        except KeyboardInterrupt:
            if not finished:
                raise
            # too late to stop anything
            raise SimulationInterrupted(finished[0], f"at {round(self.time, 9)} ms") from None
        return finished[0]

    @exclusive
    def _advance(self, n: int, finished: list[Result]) -> None:
        """Run ``n`` steps; append the result to a list as soon as it is kept for `result`, too."""
        self._state.require_whole()
        engine, recording, records = self._engine, self._recording, self._state.records
        first, began = engine.step, time.perf_counter()
        records.end()
        self._state.check(n)
        recorder, room = recording.recorder(n, first), SpikeRoom("Simulation.run")
        error: KeyboardInterrupt | SimulationError | None = None
        records.begin(partial(self._make_result, recorder, first, self.seed))
        try:
            for chunk in engine.run(
                n,
                recorder.probes,
                recording.prescribed,
                self._progress,
                between=lambda: room.check(recorder.n_spikes, recorder.bytes_to_come),
            ):
                recorder.take(chunk)
        except (KeyboardInterrupt, SimulationError) as caught:
            error = caught
        finally:
            result = records.end()
            assert result is not None  # of this run, which was begun
            finished.append(result)
            logger.debug("ran %d of %d steps in %.3g s", engine.step - first, n, time.perf_counter() - began)
        if isinstance(error, KeyboardInterrupt):
            raise SimulationInterrupted(finished[0], f"at {round(self.time, 9)} ms") from None
        if error is not None:
            error.result = finished[0]
            raise error

    def result(self) -> Result:
        """Return what all runs since the start or the last `reset` recorded.

        Returns
        -------
        Result
            Of all these runs, joined.

        Raises
        ------
        ValueError
            If there were none; if they recorded different neurons of a population, since its N has changed; or if one
            does not begin where the one before ends, since what lies between could not be recorded.
        MemoryError
            If another copy of it would not fit in memory.
        """
        records = self._state.records
        with self._if_idle() as idle:
            if idle is not None:
                records.end()
        results = list(records.results)
        if not results:
            raise ValueError("Simulation.result: nothing has been simulated yet")
        memory.require(
            bytes_of_joined(results),
            "Simulation.result: a copy of what all runs recorded (forget() drops "
            "what is there; what each run returns need not be joined)",
        )
        return concatenate(results)

    def forget(self) -> None:
        """Drop what the runs up to now recorded, which else is kept for `result`; the state goes on."""
        with self._if_idle() as idle:
            self._state.records.forget(running=idle is None)

    @exclusive
    def reset(self, seed: Seed = None) -> None:
        """Go back to the initial state, with the parameters as they are now; connections stay.

        Also of a simulation whose state is lost (see `run`).

        Parameters
        ----------
        seed : int, sequence of int, SeedSequence, BitGenerator, Generator or None
            Of what is to come: initial states, spikes, inputs. None: the last one, so that the same run comes again.
        """
        state = self._state
        root = state.seed if seed is None else seeds.root_sequence(seed)
        engine = state.assembly.engine(root, instead_of=state.engine)
        self._state = State(root, state.assembly, state.recording, engine, Records())

    @exclusive
    def set(self, part: Part, /, **parameters: object) -> None:
        """Change a population, connections or an input from the next step on; state and history are kept.

        A change that is refused or interrupted changes nothing. After `reset` the simulation is that of the changed
        network, as if it had been described like this.

        Parameters
        ----------
        part : Population, str, Connection, pair of populations, or Injection
            A population or its name; what `Network.connect` returned, or a pair ``(pre, post)`` for all connections
            between two populations; an input, as `inject` here or of the network returned it.
        **parameters
            Of a population: ``N`` (Notes), ``BinoRand`` and those of `GIF`. The number of adaptation terms stays what
            it is, and until `reset` so do the length of the history and what initial values (``V_m``, ``I_syn_ex``,
            ``I_syn_in``) have brought. Of connections: ``weight`` (pA), ``delay`` (ms), ``p`` or ``rule``, as of
            `Network.connect`. Of an input: its own, and ``delay`` (ms).

        Notes
        -----
        Spikes and input on their way keep the weight and delay that they were sent with. Connections between neurons
        stay the same ones if only weights or delays change; distributions of these are drawn again, from the seed of
        the network. The times of inputs count from the start of the simulation; random ones go on with their streams.

        ``N``: of a mesoscopic population, all cohorts grow or shrink in proportion, so that its activity goes on. Of
        neurons, the last ones leave, or more begin in the state of others, drawn at random; connections from and to
        them are drawn anew. Weights stay what they are: in a network that is k times as large, ``weight/k`` or
        ``p/k`` keeps the mean input (`FixedIndegree` keeps it by itself).
        """
        self._change(changes.described(self._assembly.net, part, parameters))

    @exclusive
    def inject(self, population: Population | str, input: Input, delay: float = 0.0) -> Injection:
        """Add an input onto every neuron of a population, from the next step on.

        Parameters
        ----------
        population : Population or str
            Target, or its name.
        input : input, such as StepCurrent or PoissonSpikes
            Its times count from the start of the simulation.
        delay : float, ms
            By how much the input arrives later than its own times say; >= 0 and a multiple of the step.

        Returns
        -------
        Injection
            For `set` and `remove`.
        """
        net = self._assembly.net.copy()
        name = population_name(net.populations, population, "Simulation.inject: population")
        injection = net.injections[-1] = replace(net.inject(name, input, delay), by_simulation=True)
        self._change(net)
        return injection

    @exclusive
    def remove(self, input: Injection) -> None:
        """Take an input away; what it has sent is still to arrive.

        Parameters
        ----------
        input : Injection
            As `inject`, here or of the network, returned it.
        """
        net = self._assembly.net.copy()
        del net.injections[changes.place_of(net, input, "Simulation.remove")]
        self._change(net)

    def _change(self, net: Description) -> None:
        """Go on as a simulation of a changed description."""
        state = self._state
        state.require_whole()
        recording = state.recording.changed(net.populations)
        assembly, engine = changes.carry_on(state.assembly, state.engine, state.seed, net)
        give_way()
        self._state = replace(state, assembly=assembly, recording=recording, engine=engine)

    def save(self, path: str | os.PathLike[str], results: bool = True, compressed: bool = False) -> None:
        """Write the complete state to a file, from which `load` continues bit for bit.

        Whatever happens meanwhile, there is either the old file or the new one, never a part of it.

        Parameters
        ----------
        path : str or os.PathLike
            Of the file, taken as it is; ``.npz`` is what others know its format by. An existing file is replaced.
        results : bool
            Write also what was recorded since the start or the last `reset`, so that `result` has it after `load`.
        compressed : bool
            Smaller, and many times slower.

        Raises
        ------
        TypeError
            If the network holds objects of classes that gifpop does not know, such as a connection rule of your own.
        RuntimeError
            While another thread runs this simulation, and if its state is lost (see `run`).
        OSError
            If the file cannot be written; an existing one stays as it was.

        Notes
        -----
        A file holds descriptions, parameters, state, input on its way, the connections that were drawn, the states of
        random streams and what was recorded (docs/save_and_restore.md).

        Examples
        --------
        >>> import gifpop as gp
        >>> net = gp.Network()
        >>> E = net.population("E", 500, gp.GIF(I_e=300.0))
        >>> sim = gp.Simulation(net, dt=0.5, seed=1)
        >>> first = sim.run(100.0)
        >>> sim.save("network.npz")
        >>> rest = sim.run(100.0)
        >>> again = gp.Simulation.load("network.npz").run(100.0)
        >>> bool((again.counts == rest.counts).all())
        True
        """
        with self._alone() as deferral:
            self._state.require_whole()
            self._state.records.end()
            with deferral.suspended():  # nothing changes, and writing may take long
                snapshot.save(path, self._kept(results), compressed)
        logger.debug("saved %r to %s", self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], threads: int | None = None, progress: bool | None = None) -> Self:
        """Return the simulation that `save` has written; it goes on as the saved one would.

        Parameters
        ----------
        path : str or os.PathLike
            Of the file, taken as it is.
        threads : int or None
            None: as many as the saved one had; at most one for each processor. Results do not depend on it.
        progress : bool or None
            Show a progress bar, as of `Simulation`.

        Returns
        -------
        Simulation
            `run`, `reset`, `set`, `result` and all else do what they would have done where it was saved.

        Raises
        ------
        ValueError
            If the file is not of a gifpop simulation, truncated, damaged or of another format; the message tells which.
        OSError
            If the file cannot be read.
        MemoryError
            If the simulation would not fit in memory.

        Warns
        -----
        UserWarning
            If this is another machine in so far as it rounds sums in another way (operating system, processor,
            instruction set); what follows is then equal in law, but not bit for bit.
        """
        if progress is not None:
            progress = checks.boolean("Simulation.load: progress", progress)
        if threads is not None:
            threads = check_threads("Simulation.load: threads", threads)
        return cls._restored(snapshot.load(path, threads), progress)

    def _kept(self, results: bool = True) -> dict[str, object]:
        """Return what a file holds: the state, with or without results."""
        state = self._state
        return {
            "seed": state.seed,
            "assembly": state.assembly,
            "level": self.level,
            "recording": state.recording,
            "engine": state.engine,
            "results": snapshot.joined(state.records.results) if results else [],
        }

    @classmethod
    def _restored(cls, kept: dict[str, Any], progress: bool | None) -> Self:
        """Return a simulation of what `_kept` returned."""
        simulation = cls.__new__(cls)
        simulation.level, simulation._progress, simulation._busy = kept["level"], progress, threading.Lock()
        simulation._state = State(
            kept["seed"], kept["assembly"], kept["recording"], kept["engine"], Records(kept["results"])
        )
        return simulation

    def connections(self, pre: Population | str, post: Population | str) -> Structured:
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
        first = population_name(populations, pre, "Simulation.connections: pre")
        second = population_name(populations, post, "Simulation.connections: post")
        for name in (first, second):
            if self._assembly.level_names[name] != "micro":
                raise ValueError(f"Simulation.connections: {name!r} must be at the microscopic level, got 'meso'")
        source, target = (list(populations).index(name) for name in (first, second))
        links = [link for link in self._assembly.links if (link.source, link.target) == (source, target)]
        return expand(links, populations[first].N, populations[second].N, self.dt)

    @exclusive
    def _skip(self, n: int) -> None:
        """Simulate ``n`` steps without recording anything."""
        self._state.check(n, recorded=False)
        nothing = self._recording.recorder(0, self._engine.step)
        try:
            for _ in self._engine.run(n, (), self._recording.prescribed, self._progress):
                pass
        except KeyboardInterrupt:
            result = self._make_result(nothing, self._engine.step, self.seed)
            raise SimulationInterrupted(result, f"at {round(self.time, 9)} ms") from None
        except SimulationError as error:
            error.result = self._make_result(nothing, self._engine.step, self.seed)
            raise

    def _make_result(self, recorder: Recorder, first: int, seed: np.random.SeedSequence) -> Result:
        """Return what was recorded from step ``first`` on."""
        return Result(recorder.results(), self.dt, self.level, seed, self.network_seed, first)
