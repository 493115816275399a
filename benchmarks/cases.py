"""The cases: networks of the literature, and curves of a simulated second's cost against one property of a network."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import gifpop as gp

RING_CELL = gp.GIF(
    C_m=250.0,
    tau_m=20.0,
    E_L=0.0,
    V_reset=0.0,
    V_T_star=15.0,
    Delta_V=2.5,
    lambda_0=10.0,
    t_ref=4.0,
    I_e=250.0,
    tau_syn_ex=3.0,
    tau_syn_in=6.0,
)


@dataclass(frozen=True)
class Case:
    """A network to simulate.

    Attributes
    ----------
    name : str
    network : callable
        Returns the `gifpop.Network`.
    level : {"meso", "micro"}
    dt, duration : float, ms
    settle : float, ms
        Simulated before the clock starts: all neurons begin alike, and fire a volley.
    group : str
        ``"networks"``, or the curve in which this is a point.
    x : float or None
        The point on it.
    repetitions : int
    shorter : dict of str to float
        Durations, ms, of slow programs' modules; all times are compared per simulated second.
    only : str or None
        The one program's module that can do this in good time.
    large : bool
        Takes gigabytes or minutes: its memory is measured too, and ``--quick`` leaves it out.
    """

    name: str
    network: Callable
    level: str
    dt: float
    duration: float
    settle: float = 100.0
    group: str = "networks"
    x: float | None = None
    repetitions: int = 5
    shorter: dict = field(default_factory=dict)
    only: str | None = None
    large: bool = False

    def admits(self, program):
        """Return whether a program is timed here: with several threads only in the networks of the literature."""
        one_thread = program.options.get("threads", 1) == 1
        return (
            self.level in program.levels
            and self.only in (None, program.module)
            and (one_thread or self.group == "networks")
        )

    def duration_of(self, program):
        """Return how long a program simulates, ms."""
        return self.shorter.get(program.module, self.duration)

    def scaled(self, factor):
        """Return the case with all durations multiplied, but at least ten steps long."""

        def scale(duration):
            return self.dt * max(10, round(duration * factor / self.dt))

        return replace(
            self,
            duration=scale(self.duration),
            settle=scale(self.settle),
            shorter={key: scale(value) for key, value in self.shorter.items()},
        )


def adapting(tau):
    """Return Brunel's network in which a spike raises the threshold by 1 mV with one time constant, ms."""
    net = gp.models.brunel(adaptation=False)
    for name, population in net.populations.items():
        net.populations[name] = replace(population, cell=replace(population.cell, tau_sfa=[tau], q_sfa=[1.0]))
    return net


def ring(n):
    """Return ``n`` populations of 500 neurons, each of which inhibits itself and the next."""
    net = gp.Network()
    names = [f"P{i}" for i in range(n)]
    for name in names:
        net.population(name, 500, RING_CELL)
    for pre, post in zip(names, names[1:] + names[:1], strict=True):
        net.connect(pre, pre, weight=-5.0, delay=1.0, p=0.5)
        net.connect(pre, post, weight=-5.0, delay=1.0, p=0.5)
    return net


def networks():
    """Return the networks of the literature."""
    column = gp.models.potjans_diesmann
    return [
        Case("Brunel network, mesoscopic", gp.models.brunel, "meso", 0.5, 2000.0, repetitions=11),
        Case("Brunel network, 1,000 neurons", gp.models.brunel, "micro", 0.5, 2000.0, repetitions=11),
        Case(
            "Brunel network, 20 million synapses",
            partial(gp.models.brunel, 2000),
            "micro",
            0.5,
            500.0,
            repetitions=3,
            large=True,
        ),
        Case("cortical column, mesoscopic", column, "meso", 0.1, 10_000.0, shorter={"nest": 1000.0, "numba": 1000.0}),
        Case(
            "cortical column with adaptation, mesoscopic",
            partial(column, adaptation=True),
            "meso",
            0.1,
            10_000.0,
            repetitions=3,
            shorter={"nest": 500.0, "numba": 500.0, "c": 1000.0},
        ),
        Case(
            "cortical column, 7,717 neurons",
            partial(column, 0.1),
            "micro",
            0.1,
            2000.0,
            repetitions=3,
            shorter={"nest": 500.0},
        ),
        Case(
            "cortical column, 77,169 neurons",
            column,
            "micro",
            0.1,
            1000.0,
            repetitions=1,
            only="gifpop",
            large=True,
        ),
    ]


def curves():
    """Return the points of the curves."""
    brunel = gp.models.brunel

    def point(group, x, network, level="meso", dt=0.5, duration=2000.0, **options):
        return Case(f"{group}: {x:,.12g}", network, level, dt, duration, group=group, x=x, repetitions=3, **options)

    return [
        *(point("neurons, mesoscopic", 5 * n, partial(brunel, n)) for n in (20, 200, 2000, 20_000, 200_000)),
        *(
            point("neurons, microscopic", 5 * n, partial(brunel, n), "micro", duration=duration, large=n > 1000)
            for n, duration in ((20, 2000.0), (60, 2000.0), (200, 1000.0), (600, 500.0), (2000, 200.0))
        ),
        *(point("time step [ms]", dt, brunel, dt=dt, duration=2000.0 * dt) for dt in (0.1, 0.2, 0.5, 1.0)),
        *(
            point("adaptation time constant [ms]", tau, partial(adapting, tau), duration=duration)
            for tau, duration in ((30.0, 5000.0), (100.0, 5000.0), (300.0, 3000.0), (1000.0, 2000.0), (3000.0, 1000.0))
        ),
        *(
            point("populations", n, partial(ring, n), duration=duration)
            for n, duration in ((1, 8000.0), (4, 4000.0), (16, 2000.0), (64, 1000.0))
        ),
    ]


def select(part="", quick=False):
    """Return the cases whose names or groups contain ``part``."""

    def chosen(case):
        return part.lower() in f"{case.group}, {case.name}".lower() and not (quick and case.large)

    return [case for case in networks() + curves() if chosen(case)]
