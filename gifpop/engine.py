"""The engine that both faces drive: arrays, random streams and the chunked run over the compiled time loop."""

import time
from collections import namedtuple

import numpy as np
from tqdm.auto import tqdm

from gifpop import _core, _meso, instruction_set
from gifpop.interrupts import deferred_interrupt

RECORDABLES = _meso.RECORDABLES
INSTRUCTION_SET = instruction_set.select()

SECONDS_PER_CHUNK = 0.1  # between two looks at Ctrl-C and the progress bar
LONGEST_CHUNK = 4096  # steps; bounds the memory of a chunk
SHOW_PROGRESS_AFTER = 2.0  # s

Chunk = namedtuple("Chunk", "step counts records")
Chunk.__doc__ = """A piece of a run: first step, counts (steps, populations) and records (probes, steps).

The arrays are overwritten by the next chunk.
"""


class SimulationError(RuntimeError):
    """The equations left the range of numbers; what was simulated until then is kept."""


class Engine:
    """Populations with their state, connections with the input on its way, and the time.

    Parameters
    ----------
    names : sequence of str
        Of the populations, for messages.
    plans : sequence of PopulationPlan
    streams : sequence of numpy.random.BitGenerator
        One per population.
    links : sequence of gifpop.plan.Link
    signals : sequence
        What the input lines emit (see `gifpop.signals`).
    dt : float, ms
    """

    def __init__(self, names, plans, streams, links=(), signals=(), *, dt):
        self.step = 0
        self.dt = dt
        self.names = list(names)
        self.plans = list(plans)
        self.streams = list(streams)
        self.rings = np.zeros((1, len(_core.RECEPTOR), len(self.plans)))
        self.wire(links, signals)

    def wire(self, links, signals):
        """Set the connections and input lines; what is already on its way is kept."""
        M = len(self.plans)
        links = sorted(links, key=lambda link: link.source)
        table = np.zeros(len(links), _core.CONNECTION)
        for name in ("target", "lag", "weight"):
            table[name] = [getattr(link, name) for link in links]
        table["receptor"] = [_core.RECEPTOR[link.receptor] for link in links]
        sources = [link.source for link in links]
        self.signals = list(signals)
        self._first = np.searchsorted(sources, np.arange(M + len(self.signals) + 1)).astype(np.int64)
        self._connections = table
        self._resize_rings(1 + int(max(table["lag"], default=0)), M)
        self._bind()

    def add(self, name, plan, stream):
        """Add a population; to be followed by `wire`, since the numbers of the input lines shift."""
        self.names.append(name)
        self.plans.append(plan)
        self.streams.append(stream)

    def add_input(self, step, receptor, target, amount):
        """Let an amount (pA) arrive at a population in a step to come; at most the longest lag from now."""
        self.rings[step % len(self.rings), _core.RECEPTOR[receptor], target] += amount

    def _resize_rings(self, slots, M):
        """Grow the ring buffers, keeping at its step what is on its way."""
        old = self.rings
        slots = max(slots, len(old))
        if (slots, M) == (len(old), old.shape[2]):
            return
        self.rings = np.zeros((slots, old.shape[1], M))
        ahead = self.step + np.arange(len(old))
        self.rings[ahead % slots, :, : old.shape[2]] = old[ahead % len(old)]

    def _bind(self):
        self._core = _core.Core(
            [_meso.MesoPopulation(*p.arrays, s) for p, s in zip(self.plans, self.streams, strict=True)],
            self._first,
            self._connections,
            self.rings,
        )

    def run(self, n_steps, probes=(), prescribed=None, progress=False, label="gifpop"):
        """Advance ``n_steps`` steps and yield the pieces of the run as `Chunk`.

        Parameters
        ----------
        n_steps : int
        probes : sequence of (population index, recordable)
            What to record after each step.
        prescribed : dict of population index to int array
            Counts to use instead of drawn ones, entry ``k`` for step ``k`` of the simulation.
        progress : bool or None
            Show a progress bar; None: where standard error is a terminal, after two seconds.

        Raises
        ------
        KeyboardInterrupt
            After the piece during which Ctrl-C was pressed has been yielded.
        SimulationError
            If an expected count is not finite.
        """
        probes = np.array([(i, RECORDABLES.index(name)) for i, name in probes], dtype=np.int64).reshape(-1, 2)
        prescribed = prescribed or {}
        forced = np.zeros(len(self.plans), dtype=np.uint8)
        forced[list(prescribed)] = 1
        end, size = self.step + n_steps, 32
        bar = tqdm(total=n_steps, desc=label, unit="step", unit_scale=True, mininterval=0.1, leave=bool(progress),
                   disable=None if progress is None else not progress,
                   delay=SHOW_PROGRESS_AFTER if progress is None else 0)
        with bar, deferred_interrupt() as interrupted:
            while self.step < end and not interrupted():
                size = min(size, end - self.step)
                began = time.perf_counter()
                failed, chunk = self._advance(size, probes, prescribed, forced)
                bar.update(len(chunk.counts))
                yield chunk
                if failed >= 0:
                    raise SimulationError(
                        f"population {self.names[failed]!r}: the expected spike count is no longer a finite number in "
                        f"the step that ends at {(self.step + 1) * self.dt} ms; a weight or current is too large"
                    )
                spent = time.perf_counter() - began
                size = int(min(LONGEST_CHUNK, max(1, size * min(4.0, SECONDS_PER_CHUNK / max(spent, 1e-9)))))

    def _advance(self, n, probes, prescribed, forced):
        """Run one chunk through the compiled loop."""
        lines = np.empty((n, len(self.signals)))
        for d, signal in enumerate(self.signals):
            lines[:, d] = signal.emit(self.step, n)
        counts = np.zeros((n, len(self.plans)), dtype=np.int64)
        for i, values in prescribed.items():
            counts[:, i] = values[self.step : self.step + n]
        records = np.empty((len(probes), n))
        first = self.step
        failed, done = self._core.advance(first, lines, counts, forced, probes, records)
        self.step += done
        return failed, Chunk(first, counts[:done], records[:, :done])
