"""The kernel: everything that ResetKernel resets."""

from __future__ import annotations

import math
import numbers
import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gifpop.common import seeds
from gifpop.engine.interrupts import deferred_interrupt
from gifpop.meso.history import HISTORIES
from gifpop.nest.clock import LONGEST_TIME, Clock
from gifpop.nest.connections import ConnectionTable, DelayRange
from gifpop.nest.errors import BadParameter, BadProperty, KernelException, UnknownModelName, UnknownNode
from gifpop.nest.generators import DirectCurrentBlock, PoissonBlock, SpikeGeneratorBlock, StepCurrentBlock
from gifpop.nest.models import SynapseModel, node_models
from gifpop.nest.neurons import NeuronBlock
from gifpop.nest.populations import PopulationBlock
from gifpop.nest.recorders import MeterBlock, SpikeRecorderBlock
from gifpop.nest.simulator import Simulator

if TYPE_CHECKING:
    from gifpop.common.typing import History, Integers
    from gifpop.nest.late_spikes import LateSpikes
    from gifpop.nest.models import NodeModel
    from gifpop.nest.nodes import Block
    from gifpop.nest.settings import VerbosityLevel

DEFAULT_SEED = 143202461
HISTORY_VARIABLE = "GIFPOP_HISTORY"

BLOCKS: dict[str, type[Block]] = {
    "gif_pop_psc_exp": PopulationBlock,
    "gif_psc_exp": NeuronBlock,
    "dc_generator": DirectCurrentBlock,
    "step_current_generator": StepCurrentBlock,
    "poisson_generator": PoissonBlock,
    "spike_generator": SpikeGeneratorBlock,
    "multimeter": MeterBlock,
    "voltmeter": MeterBlock,
    "spike_recorder": SpikeRecorderBlock,
}


class Seed(NamedTuple):
    """A seed of all random numbers; a new object whenever it is set, be it to the same value."""

    value: int


class Part(NamedTuple):
    """Those of some nodes that belong to one block: the nodes ``start`` to ``end``."""

    block: Block
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


class Kernel:
    """State of the simulator.

    Attributes
    ----------
    generation : int
        Counts the resets, so that node collections from before can be told.
    clock : Clock
    models : dict of str to NodeModel
    synapses : list of SynapseModel
    blocks : list of Block
        All nodes, in order.
    connections : ConnectionTable
    delays : DelayRange
    seed : Seed
    threads : int
    print_time : bool
    history : str
        Of populations, "exact" or "adaptive".
    defaults_changed, prepared : bool
    broken : str or None
        What was cut short in the middle, so that the state is lost; None: the state is whole.
    changes : int
        Counts the changes of nodes, connections and seed, so that an unchanged network is not wired again.
    """

    generation: int
    verbosity: VerbosityLevel  # survives a reset
    clock: Clock
    models: dict[str, NodeModel]
    synapses: list[SynapseModel]
    blocks: list[Block]
    connections: ConnectionTable
    delays: DelayRange
    seed: Seed
    threads: int
    print_time: bool
    history: History
    defaults_changed: bool
    prepared: bool
    broken: str | None
    changes: int

    def __init__(self) -> None:
        self._streams = self._committed = 0
        self._firsts: list[int] = []
        self._simulator: Simulator | None = None
        self.reset()

    def reset(self) -> None:
        """Forget nodes, connections, models and settings, and go back to time zero."""
        vars(self).update(self._initial_state())  # at once: there is no moment in which only a part is new

    def _initial_state(self) -> dict[str, Any]:
        """Return the attributes after a reset, by name."""
        clock = Clock()
        return {
            "generation": vars(self).get("generation", 0) + 1,
            "clock": clock,
            "models": node_models(),
            "synapses": [SynapseModel("static_synapse")],
            "blocks": [],
            "_firsts": [],
            "connections": ConnectionTable(self),
            "delays": DelayRange(clock),
            "seed": Seed(DEFAULT_SEED),
            "threads": 1,
            "print_time": False,
            "history": checked_history(os.environ.get(HISTORY_VARIABLE) or "exact", HISTORY_VARIABLE),
            "defaults_changed": False,
            "prepared": False,
            "broken": None,
            "changes": 1,
            "_streams": 0,
            "_committed": 0,
            "_simulator": None,
        }

    # -- changes ----------------------------------------------------------------------------------------------------

    def check_whole(self) -> None:
        """Raise an error if an earlier change was cut short."""
        if self.broken is not None:
            raise KernelException(f"The state of the kernel is lost, since {self.broken}. ResetKernel begins anew.")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Prepare a change, and make it with `commit`: what ends the block before leaves everything as it was.

        Within this block nothing but random streams may be taken before the commit.
        """
        self.check_whole()
        streams, committed = self._streams, self._committed
        try:
            yield
        except BaseException:
            if self._committed == committed:
                self._streams = streams
            raise

    @contextmanager
    def commit(self, what: str) -> Iterator[None]:
        """Make a change that is prepared. SIGINT is obeyed after it; if anything else cuts it short, the state is lost.

        ``what`` was cut short then, for the message.
        """
        with deferred_interrupt():
            self.broken = f"{what} was cut short"
            yield
            self._committed += 1
            self.broken = None

    @contextmanager
    def restoring(self) -> Iterator[None]:
        """Take back what was set within the block if it ends with an exception: attributes of the kernel and clock."""
        self.check_whole()
        with deferred_interrupt():
            parts = self, self.clock, self.delays
            before = [dict(vars(part)) for part in parts]
            try:
                yield
            except BaseException:
                for part, attributes in zip(parts, before, strict=True):
                    vars(part).update(attributes)
                raise

    def set_seed(self, value: int) -> None:
        """Restart all random streams, those of a run at the next one."""
        self.seed = Seed(value)
        self._streams = 0
        self.changes += 1

    def set_history(self, value: str, name: str) -> None:
        """Choose how populations that are created from now on keep their history; ``name`` is for the message."""
        self.history = checked_history(value, name)

    def new_stream(self) -> np.random.BitGenerator:
        """Return a bit generator of its own, for connections or values that are drawn."""
        self._streams += 1
        return seeds.stream(seeds.root_sequence(self.seed.value), seeds.CONNECTION, self._streams)

    @property
    def size(self) -> int:
        """Number of nodes."""
        return self._firsts[-1] + self.blocks[-1].n - 1 if self.blocks else 0

    def model(self, name: str) -> NodeModel:
        """Return a model of nodes by name."""
        if name not in self.models:
            raise UnknownModelName(f"{name} is not a known model name. {self.known_models(synapses=False)}")
        return self.models[name]

    def known_models(self, synapses: bool = True) -> str:
        """Return a sentence that names the models of nodes and, if asked for, of synapses."""
        names = [*self.models, *(model.name for model in self.synapses if synapses)]
        return f"gifpop.nest has {', '.join(names)}."

    def new_block(self, name: str, n: int) -> Block:
        """Return n new nodes, which `add` makes part of the network."""
        model = self.model(name)
        block = BLOCKS[model.base](self.clock, model, self.size + 1, n)
        if isinstance(block, PopulationBlock):
            block.history = self.history
        return block

    def add(self, block: Block) -> None:
        """Make nodes part of the network."""
        new = {"blocks": [*self.blocks, block], "_firsts": [*self._firsts, block.first], "changes": self.changes + 1}
        with self.commit("Create"):
            vars(self).update(new)

    def locate(self, node: int) -> tuple[Block, int]:
        """Return a node's block and its place there."""
        b = bisect_right(self._firsts, node) - 1
        if b < 0 or node > self.size:
            raise UnknownNode(f"Node with id {node} does not exist.")
        return self.blocks[b], node - self._firsts[b]

    def block_numbers(self, nodes: Integers) -> Integers:
        """Return the place in ``blocks`` of each node of an array."""
        return np.searchsorted(self._firsts, nodes, side="right") - 1

    def base_model(self, node: int) -> str:
        """Return the name of the model that a node is, or is copied from."""
        return self.locate(node)[0].model.base

    def are_devices(self, nodes: Integers) -> npt.NDArray[np.bool_]:
        """Return whether each node of an array is a device."""
        devices = np.array([not block.is_cell for block in self.blocks], dtype=bool)
        return devices[self.block_numbers(nodes)]

    def parts(self, nodes: Integers) -> list[Part]:
        """Return the parts of ascending nodes that belong to each block."""
        numbers = self.block_numbers(nodes)
        ends = [*(1 + np.flatnonzero(np.diff(numbers))).tolist(), len(numbers)]
        return [
            Part(self.blocks[numbers[start]], start, end)
            for start, end in zip([0, *ends], ends, strict=False)
            if end > start
        ]

    def late_spikes(self) -> LateSpikes | None:
        """Return the spikes that are under way, if anything has been simulated."""
        return None if self._simulator is None else self._simulator.late

    def prepare(self) -> None:
        """Get ready for `run`."""
        self._refuse_prepared()
        self._bring()
        self.prepared = True

    def run(self, ms: float) -> None:
        """Simulate a time in ms from where the simulation is."""
        if not self.prepared:
            raise KernelException("Run: call Prepare first.")
        n = self._run_steps(ms)
        self._bring().run(n)

    def _refuse_prepared(self) -> None:
        if self.prepared:
            raise KernelException("Prepare: the network is prepared already; call Cleanup first.")

    def cleanup(self) -> None:
        """End what `prepare` began."""
        if not self.prepared:
            raise KernelException("Cleanup: call Prepare first.")
        self.prepared = False

    def simulate(self, ms: float) -> None:
        """Prepare, run and clean up."""
        n = self._run_steps(ms)
        self._refuse_prepared()
        self._bring().run(n)

    def catch_up(self) -> None:
        """Show the state and the events of the last run, should its end have been disturbed."""
        if self._simulator is not None and self.broken is None:
            self._simulator.show()

    def _bring(self) -> Simulator:
        """Return what simulates, with nodes and connections as they are now."""
        self.check_whole()
        if self._simulator is None:
            self._simulator = Simulator(self)
        self._simulator.prepare()
        self.clock.simulated = True
        return self._simulator

    def _run_steps(self, ms: object) -> int:
        """Return a duration in steps."""
        if isinstance(ms, np.ndarray) and ms.ndim == 0:
            ms = ms.item()
        if not isinstance(ms, numbers.Real):
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
    """Return a way to keep the history; ``name`` is for the message."""
    for history in HISTORIES:
        if history == value:
            return history
    raise BadProperty(f"{name} must be one of {', '.join(map(repr, HISTORIES))}, got {value!r}")


kernel = Kernel()
