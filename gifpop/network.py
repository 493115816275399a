"""A network: a description that can be simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from gifpop.assembly.options import Options, check_names, check_option
from gifpop.common.grid import check_span
from gifpop.description import Description
from gifpop.reductions import make_reduction
from gifpop.simulation import Simulation
from gifpop.trials import Trials, check_trials

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from typing_extensions import Unpack

    from gifpop.assembly.options import SimulationOptions
    from gifpop.common.typing import Count, Indices, Number
    from gifpop.reductions import Keep, Reduced, TrialStatistics
    from gifpop.result import Result


class Network(Description):
    """Populations of GIF neurons, their connections and inputs.

    A network is described once and simulated any number of times: `simulate` and `gifpop.Simulation` do not change it.

    Examples
    --------
    >>> import gifpop as gp
    >>> net = gp.Network()
    >>> E = net.population("E", 800, gp.GIF(I_e=300.0))
    >>> recurrent = net.connect(E, E, weight=25.0, p=0.2, delay=1.0)
    >>> step = net.inject(E, gp.StepCurrent(times=[100.0], values=[50.0]))
    >>> result = net.simulate(200.0, dt=0.5, seed=1)
    >>> result.activity.shape
    (400, 1)
    """

    def __repr__(self) -> str:
        return (
            f"<gifpop.Network: {len(self.populations)} populations, {len(self.connections)} connections, "
            f"{len(self.injections)} inputs>"
        )

    def copy(self) -> Network:
        """Return an independent copy of the network.

        Returns
        -------
        Network
            Has the same populations, connections and inputs; later changes of either do not affect the other.
        """
        return Network._of(self)

    @overload
    def simulate(
        self,
        duration: Number,
        trials: Count | Indices | None = None,
        keep: Literal["all"] = "all",
        warmup: Number = 0.0,
        **options: Unpack[SimulationOptions],
    ) -> Result: ...
    @overload
    def simulate(
        self,
        duration: Number,
        trials: Count | Indices,
        keep: Literal["mean"],
        warmup: Number = 0.0,
        **options: Unpack[SimulationOptions],
    ) -> TrialStatistics: ...
    @overload
    def simulate(
        self,
        duration: Number,
        trials: Count | Indices,
        keep: Callable[[Result], dict[str, Any]],
        warmup: Number = 0.0,
        **options: Unpack[SimulationOptions],
    ) -> dict[str, npt.NDArray[Any]]: ...
    @overload
    def simulate(
        self,
        duration: Number,
        trials: Count | Indices,
        keep: Callable[[Result], npt.ArrayLike],
        warmup: Number = 0.0,
        **options: Unpack[SimulationOptions],
    ) -> npt.NDArray[Any]: ...
    def simulate(
        self,
        duration: Number,
        trials: Count | Indices | None = None,
        keep: Keep = "all",
        warmup: Number = 0.0,
        **options: Unpack[SimulationOptions],
    ) -> Reduced:
        """Simulate the network from its initial state and return what was recorded.

        Without trials, this is a short form of ``Simulation(net, **options).run(duration)``.

        Parameters
        ----------
        duration : float, ms
            Duration of the run, a multiple of the step.
        trials : int, sequence of int, or None
            Number of trials, or the numbers of those to run, >= 0. Trials share connections and neurons, drawn from
            ``network_seed`` (by default ``seed``); initial states, spikes and inputs of trial k are drawn from the
            k-th of `Result.seeds`, which ``seed`` determines. ``threads`` of them run at a time. None: one run, with
            ``seed`` itself.
        keep : {"all", "mean"} or callable
            What to keep of trials. ``"all"``: the records of each. ``"mean"``: means, variances and power spectra,
            which take the memory of a few trials. A function: its values for the `Result` of each trial (numbers,
            arrays, or dicts of these), joined along a new first axis.
        warmup : float, ms
            Time at the beginning of ``duration`` that is not recorded, a multiple of the step.
        **options
            Options of `gifpop.Simulation`, such as ``dt``, ``level``, ``seed`` and ``record``.

        Returns
        -------
        Result, TrialStatistics, array or dict of arrays
            `Result` of one run, or of trials with an additional first dimension; `TrialStatistics` for
            ``keep="mean"``; the joined values of a function.

        Raises
        ------
        SimulationInterrupted
            On Ctrl-C, within a second; its ``result`` holds what was simulated, or the trials that were finished.
        SimulationError
            If an expected count or a potential is no longer finite; its ``result`` is as above.

        Examples
        --------
        >>> import gifpop as gp
        >>> net = gp.Network()
        >>> E = net.population("E", 500, gp.GIF(I_e=300.0))
        >>> result = net.simulate(100.0, dt=0.5, trials=20, seed=1)
        >>> result.activity.shape
        (20, 200, 1)
        >>> alone = net.simulate(100.0, dt=0.5, trials=[7], seed=1)
        >>> bool((alone.counts[0] == result.counts[7]).all())
        True
        """
        check_names("Network.simulate", options)
        dt = check_option("Simulation.dt", "dt", options.get("dt", Options.dt))
        before, steps = check_span("simulate.{}", duration, warmup, dt)
        if trials is not None:
            numbers = check_trials(trials)
            simulation = Simulation(self, **options)
            return Trials(simulation, before, steps).run(numbers, make_reduction(keep, numbers, simulation.seed))
        if keep != "all":
            raise ValueError(f"simulate.keep must be left out where trials is None, got {keep!r}")
        simulation = Simulation(self, **options)
        simulation._skip(before)
        return simulation._run(steps)
