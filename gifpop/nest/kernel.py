"""The kernel: nodes, connections, models and settings, which ResetKernel resets."""

from __future__ import annotations

import enum
import math
import numbers
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.common.interrupts import deferred_interrupt
from gifpop.meso.history import HISTORIES
from gifpop.nest.backends import Destination, open_files
from gifpop.nest.changes import Changes
from gifpop.nest.clock import LONGEST_TIME, Clock
from gifpop.nest.connections import ConnectionTable
from gifpop.nest.delays import DelayRange
from gifpop.nest.dict_misses import dict_misses
from gifpop.nest.errors import BadParameter, BadProperty, KernelException, UnknownModelName
from gifpop.nest.generators import (
    AlternatingCurrentBlock,
    DirectCurrentBlock,
    InjectorBlock,
    NoiseBlock,
    OscillatingBlock,
    SpikeGeneratorBlock,
    StepCurrentBlock,
)
from gifpop.nest.models import node_models
from gifpop.nest.multisynapse import MultisynapseBlock
from gifpop.nest.nest_names import refuse_lacking
from gifpop.nest.neurons import NeuronBlock
from gifpop.nest.node_table import NodeTable
from gifpop.nest.poisson_generators import InhomogeneousPoissonBlock, PoissonBlock, SinusoidalPoissonBlock
from gifpop.nest.populations import PopulationBlock
from gifpop.nest.recorders import MeterBlock, RecorderBlock, SpikeRecorderBlock
from gifpop.nest.relays import DilutorBlock, ParrotBlock
from gifpop.nest.simulator import LastRun, Simulator
from gifpop.nest.stopwatch import Stopwatch
from gifpop.nest.streams import RandomStreams
from gifpop.nest.synapse_parameters import SYNAPSES, SynapseModel
from gifpop.nest.train_generators import (
    CopyBlock,
    DeadTimePoissonBlock,
    DeadTimeSuperpositionBlock,
    GammaSuperpositionBlock,
    PulsePacketBlock,
    SinusoidalGammaBlock,
)
from gifpop.nest.weight_recorder import WeightRecorderBlock

if TYPE_CHECKING:
    from gifpop.common.typing import History
    from gifpop.nest.late_spikes import LateSpikes
    from gifpop.nest.models import NodeModel
    from gifpop.nest.nodes import Block

NESTError = KernelException  # scripts for older versions of NEST look for it here
HISTORY_VARIABLE = "GIFPOP_HISTORY"
SURVIVING = {"data_path", "data_prefix"}  # settings that ResetKernel keeps, as NEST does

BLOCKS: dict[str, type[Block]] = {
    "gif_pop_psc_exp": PopulationBlock,
    "gif_psc_exp": NeuronBlock,
    "gif_psc_exp_multisynapse": MultisynapseBlock,
    "dc_generator": DirectCurrentBlock,
    "step_current_generator": StepCurrentBlock,
    "ac_generator": AlternatingCurrentBlock,
    "noise_generator": NoiseBlock,
    "poisson_generator": PoissonBlock,
    "inhomogeneous_poisson_generator": InhomogeneousPoissonBlock,
    "sinusoidal_poisson_generator": SinusoidalPoissonBlock,
    "poisson_generator_ps": DeadTimePoissonBlock,
    "sinusoidal_gamma_generator": SinusoidalGammaBlock,
    "gamma_sup_generator": GammaSuperpositionBlock,
    "ppd_sup_generator": DeadTimeSuperpositionBlock,
    "mip_generator": CopyBlock,
    "pulsepacket_generator": PulsePacketBlock,
    "spike_generator": SpikeGeneratorBlock,
    "spike_train_injector": InjectorBlock,
    "parrot_neuron": ParrotBlock,
    "spike_dilutor": DilutorBlock,
    "multimeter": MeterBlock,
    "voltmeter": MeterBlock,
    "spike_recorder": SpikeRecorderBlock,
    "weight_recorder": WeightRecorderBlock,
}


class VerbosityLevel(enum.IntEnum):
    """Verbosity of NEST; without effect in gifpop."""

    ALL = 0
    DEBUG = 5
    STATUS = 7
    INFO = 10
    PROGRESS = 15
    DEPRECATED = 18
    WARNING = 20
    ERROR = 30
    FATAL = 40
    QUIET = 100


class Kernel:
    """State of the simulator.

    Attributes
    ----------
    generation : int
        Number of resets; node collections of an earlier generation are invalid.
    clock : Clock
    models : dict of str to NodeModel
    synapses : list of SynapseModel
    nodes : NodeTable
    connections : ConnectionTable
    delays : DelayRange
    streams : RandomStreams
    changes : Changes
    threads : int
    print_time : bool
    history : str
        How populations that are created from now on keep their history: "exact" or "adaptive".
    defaults_changed, prepared : bool
    stored : dict of str to object
        Settings that are only stored here, as far as they were set.
    stopwatches : dict of str to Stopwatch
        Of `Create` and of `Connect`.
    verbosity : VerbosityLevel
        Survives a reset.
    """

    generation: int
    clock: Clock
    models: dict[str, NodeModel]
    synapses: list[SynapseModel]
    nodes: NodeTable
    connections: ConnectionTable
    delays: DelayRange
    streams: RandomStreams
    changes: Changes
    threads: int
    print_time: bool
    history: History
    defaults_changed: bool
    prepared: bool
    stored: Mapping[str, Any]
    stopwatches: Mapping[str, Stopwatch]
    _simulator: Simulator | None

    def __init__(self) -> None:
        self.generation = 0
        self.verbosity = VerbosityLevel.INFO
        self.stored = {}
        self.reset()

    def reset(self) -> None:
        """Forget nodes, connections, models and settings, and go back to time zero."""
        clock, nodes, streams = Clock(), NodeTable(), RandomStreams()
        synapses = [SynapseModel.built_in(name) for name in SYNAPSES]
        initial = {
            "generation": self.generation + 1,
            "clock": clock,
            "models": node_models(),
            "synapses": synapses,
            "nodes": nodes,
            "connections": ConnectionTable(nodes, synapses),
            "delays": DelayRange(clock),
            "streams": streams,
            "changes": Changes(streams),
            "threads": 1,
            "print_time": False,
            "history": checked_history(os.environ.get(HISTORY_VARIABLE) or "exact", HISTORY_VARIABLE),
            "defaults_changed": False,
            "prepared": False,
            "stopwatches": {name: Stopwatch() for name in ("Create", "Connect")},
            "stored": {name: self.stored[name] for name in SURVIVING & self.stored.keys()},
            "_simulator": None,
        }
        vars(self).update(initial)  # all at once
        dict_misses.are_errors = True

    # -- changes ----------------------------------------------------------------------------------------------------

    @contextmanager
    def restoring(self) -> Iterator[None]:
        """Change settings; restore them if the block raises an exception."""
        self.changes.check_whole()
        self.changes.catch_up()
        with deferred_interrupt():
            holders = self, self.clock, self.delays, self.streams, self.changes, dict_misses
            before = [dict(vars(holder)) for holder in holders]
            try:
                yield
                self.changes.made += 1
            except BaseException:
                for holder, attributes in zip(holders, before, strict=True):
                    vars(holder).update(attributes)
                raise

    def set_seed(self, value: int) -> None:
        """Restart all random streams, those of a run at the next one."""
        self.streams.reseed(value)
        self.changes.wirings += 1

    def set_history(self, value: str, name: str) -> None:
        """Set the history of populations created from now on; ``name`` is for the message."""
        self.history = checked_history(value, name)

    # -- nodes ------------------------------------------------------------------------------------------------------

    def model(self, name: str) -> NodeModel:
        """Return a model of nodes by name."""
        if name not in self.models:
            known = self.known_models(synapses=False)
            refuse_lacking(name, ("model of nodes",), known)
            raise UnknownModelName(f"{name} is not a known model name. {known}")
        return self.models[name]

    def known_models(self, synapses: bool = True) -> str:
        """Return a sentence that names the models of nodes and, if asked for, of synapses."""
        names = [*self.models, *(model.name for model in self.synapses if synapses)]
        return f"gifpop.nest has {', '.join(names)}."

    def new_block(self, name: str, n: int) -> Block:
        """Return a block of n new nodes, for `add`."""
        model = self.model(name)
        block = BLOCKS[model.base](self.clock, model, self.nodes.size + 1, n)
        block.threads, block.before = self.threads, self.nodes.on_threads(self.threads)
        if isinstance(block, PopulationBlock):
            block.history = self.history
        if isinstance(block, RecorderBlock):
            block.destination = self.destination
        if isinstance(block, WeightRecorderBlock):
            block.connections = self.connections
        return block

    def add(self, block: Block) -> None:
        """Add nodes to the network."""
        with self.changes.commit("Create", rewires=True):
            self.nodes.add(block)

    # -- simulation -------------------------------------------------------------------------------------------------

    def late_spikes(self) -> LateSpikes | None:
        """Return the spikes under way; None before the first run."""
        return None if self._simulator is None else self._simulator.late

    def last_run(self) -> LastRun:
        """Return figures of the last run, zeros before the first."""
        return LastRun() if self._simulator is None else self._simulator.last_run

    def prepare(self) -> None:
        """Get ready for `run`."""
        self._refuse_prepared()
        self._begin_oscillations()
        self._bring()
        self._open_files()
        self.prepared = True

    def run(self, ms: float) -> None:
        """Simulate for a time in ms."""
        if not self.prepared:
            raise KernelException("Run: call Prepare first.")
        n = self._run_steps(ms)
        simulator = self._bring()
        self._open_files()
        simulator.run(n, self.threads, self.print_time)

    def _refuse_prepared(self) -> None:
        if self.prepared:
            raise KernelException("Prepare: the network is prepared already; call Cleanup first.")

    def cleanup(self) -> None:
        """End what `prepare` began."""
        if not self.prepared:
            raise KernelException("Cleanup: call Prepare first.")
        self._close_files()
        self.prepared = False

    def simulate(self, ms: float) -> None:
        """Prepare, run and clean up."""
        n = self._run_steps(ms)
        self._refuse_prepared()
        self._begin_oscillations()
        simulator = self._bring()
        if not simulator.writing:  # no files, and nobody can change a recorder meanwhile
            simulator.run(n, self.threads, self.print_time)
            return
        try:
            self._open_files()
            simulator.run(n, self.threads, self.print_time)
        finally:
            self._close_files()

    def destination(self) -> Destination:
        """Return where recorders put their files."""
        names = {"data_path": "path", "data_prefix": "prefix", "overwrite_files": "overwrite"}
        given = {field: self.stored[name] for name, field in names.items() if name in self.stored}
        return Destination(**given, threads=self.threads)

    def _open_files(self) -> None:
        """Begin the files of recorders that are not open."""
        recorders = self.nodes.of_type(RecorderBlock)
        headers: dict[str, str] = {}
        for recorder in recorders:
            headers.update(recorder.headers())
        with deferred_interrupt():
            if headers:
                open_files(headers, self.destination().overwrite)
            for recorder in recorders:
                recorder.prepare()

    def _close_files(self) -> None:
        for recorder in self.nodes.of_type(RecorderBlock):
            recorder.clean_up()

    def catch_up(self) -> None:
        """Update what nodes show."""
        if self.changes.broken is None:
            self.changes.catch_up()

    def _begin_oscillations(self) -> None:
        for block in self.nodes.of_type(OscillatingBlock):
            block.begin()

    def _bring(self) -> Simulator:
        """Return the simulator, with all changes of nodes and connections applied."""
        self.changes.check_whole()
        if self._simulator is None:
            self._simulator = Simulator(
                self.clock, self.nodes, self.connections, self.delays, self.streams, self.changes
            )
        if not self._simulator.is_ready():
            self._simulator.prepare()
            self.nodes.number()
        self.clock.simulated = True
        return self._simulator

    def _run_steps(self, ms: object) -> int:
        """Convert a duration in ms to steps, checked."""
        if isinstance(ms, np.ndarray) and ms.ndim == 0:
            ms = ms.item()
        if not isinstance(ms, float | numbers.Real):
            raise TypeError(f"must be real number, not {type(ms).__name__}")
        if ms != ms or abs(ms) == math.inf:
            raise BadParameter("The simulation time must be finite.")
        if ms < 0.0:
            raise BadParameter("The simulation time cannot be negative.")
        if not ms < LONGEST_TIME:
            raise BadParameter(f"The simulation time must be < {LONGEST_TIME:g} ms, got {min(ms, 1e300):g}.")
        steps = self.clock.whole_steps(float(ms))
        if steps is None:
            raise BadParameter("The simulation time must be a multiple of the simulation resolution.")
        if self.clock.ms(self.clock.step + steps) >= LONGEST_TIME:
            raise BadParameter(f"The simulation cannot go beyond {LONGEST_TIME:g} ms.")
        return steps


def checked_history(value: str, name: str) -> History:
    """Return ``value`` if it is a valid history; ``name`` is for the message."""
    for history in HISTORIES:
        if history == value:
            return history
    raise BadProperty(f"{name} must be one of {', '.join(map(repr, HISTORIES))}, got {value!r}")


kernel = Kernel()
