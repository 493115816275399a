"""Copies and files of a simulation.

What writes and reads them is imported on first use: many simulations are never saved.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, NoReturn

from gifpop.common import checks
from gifpop.engine.exclusive import Exclusive
from gifpop.engine.threads import check_threads

if TYPE_CHECKING:
    import os

    from typing_extensions import Self

    from gifpop.assembly.state import State

logger = logging.getLogger(__name__)


class Saved(Exclusive):
    """Base of `gifpop.Simulation`: its copies and files.

    Attributes
    ----------
    _state : State
    _progress : bool or None
        Whether runs show a progress bar.
    """

    _state: State
    _progress: bool | None

    def __copy__(self) -> Self:
        """Return an independent copy; a shallow one would change with this one."""
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return an independent simulation in the same state, as if it had been saved and loaded."""
        from gifpop.saving import snapshot

        with self._alone():
            self._state.require_whole()
            self._state.records.end()
            return self._restored(snapshot.copied(self._state), self._progress)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a gifpop.Simulation cannot be pickled: save writes it to a file, and load reads that")

    def save(self, path: str | os.PathLike[str], results: bool = True, compressed: bool = False) -> None:
        """Write the complete state to a file, from which `load` continues bit for bit.

        Whatever happens meanwhile, the path holds either the old file or the complete new one.

        Parameters
        ----------
        path : str or os.PathLike
            Path of the file; nothing is appended to it, and ``.npz`` is the usual ending. An existing file is replaced.
        results : bool
            Include what was recorded since the start or the last `reset`, so that `result` returns it after `load`.
        compressed : bool
            Compress the file: smaller, and many times slower to write.

        Raises
        ------
        TypeError
            If the network holds objects of classes unknown to gifpop, such as a connection rule of your own.
        RuntimeError
            If another thread is running this simulation, or its state is lost (see `run`).
        OSError
            If the file cannot be written; an existing one is not changed.

        Notes
        -----
        A file holds the description, parameters, state, input in transit, the connections that were drawn, the states
        of random streams and the records (docs/save_and_restore.md).

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
        from gifpop.saving import snapshot

        with self._alone() as deferral:
            self._state.require_whole()
            self._state.records.end()
            with deferral.suspended():  # nothing changes, and writing may take long
                snapshot.save(path, self._state, results, compressed)
        logger.debug("saved %r to %s", self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], threads: int | None = None, progress: bool | None = None) -> Self:
        """Return the simulation that `save` has written; it continues as the saved one would.

        Parameters
        ----------
        path : str or os.PathLike
            Path of the file.
        threads : int or None
            Number of threads; None: as many as when it was saved, at most one per processor. Results do not depend on
            it.
        progress : bool or None
            Show a progress bar, as for `Simulation`.

        Returns
        -------
        Simulation
            In the saved state: `run`, `reset`, `set`, `result` and all else do what they would have done then.

        Raises
        ------
        ValueError
            If the file holds no simulation of gifpop, or is truncated, damaged or of another format; the message says
            which.
        OSError
            If the file cannot be read.
        MemoryError
            If the simulation would not fit in memory.

        Warns
        -----
        UserWarning
            If this machine rounds sums differently (operating system, processor, instruction set); the simulation then
            continues with the same statistics, but not bit for bit.
        """
        if progress is not None:
            progress = checks.boolean("Simulation.load: progress", progress)
        if threads is not None:
            threads = check_threads("Simulation.load: threads", threads)
        from gifpop.saving import snapshot

        return cls._restored(snapshot.load(path, threads), progress)

    @classmethod
    def _restored(cls, state: State, progress: bool | None) -> Self:
        """Return a simulation in a state."""
        simulation = cls.__new__(cls)
        simulation._state, simulation._progress, simulation._busy = state, progress, threading.Lock()
        return simulation
