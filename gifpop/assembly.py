"""A network at its levels, wired: what all runs of it share, from which engines in their initial state are made.

What is drawn comes from two seeds. That of the network draws connections and what makes neurons differ; that of a run
draws everything else: initial states, spikes and inputs. A simulation uses the same for both unless told otherwise.
"""

from dataclasses import replace

from gifpop import checks, memory, options, seeds, stationary
from gifpop.connectivity import WIRINGS, check_connections, inputs, links, noisy_populations, sample_links
from gifpop.engine import Engine
from gifpop.grid import check_dt
from gifpop.history import HISTORIES, TOLERANCE
from gifpop.levels import INITIAL, LEVELS
from gifpop.network import ADAPTATIONS, Network
from gifpop.threads import check_threads


class Assembly:
    """A network with the options that decide what is simulated (see `gifpop.Simulation`).

    Connections are drawn by `wire`.

    Attributes
    ----------
    net : Network
        Its own copy.
    dt : float, ms
    level_names : dict of str to str
    levels : dict of str to MesoLevel or MicroLevel
        Of each population.
    root : numpy.random.SeedSequence
        Of the network.
    links : list of Link
        Between the populations, once they are wired.
    """

    def __init__(self, net, root, dt=0.1, level="meso", initial="fired", history="adaptive", tolerance=TOLERANCE,
                 adaptation="carried", wiring="dense", threads=1):
        if not isinstance(net, Network):
            raise TypeError(f"Simulation: net must be a gifpop.Network, got {net!r}")
        if not net.populations:
            raise ValueError("Simulation: net must have at least one population, got none")
        self.root, self.net = root, net.copy()
        self.dt = check_dt("Simulation.dt", dt)
        self.level_names = options.check_levels(net.populations, level, tuple(LEVELS))
        self.initial = checks.choice("Simulation.initial", initial, INITIAL)
        history = checks.choice("Simulation.history", history, HISTORIES)
        tolerance = checks.number("Simulation.tolerance", tolerance, "in (0, 1)")
        self.tolerance = tolerance if history == "adaptive" else None
        self.adaptation = checks.choice("Simulation.adaptation", adaptation, ADAPTATIONS)
        self.wiring = checks.choice("Simulation.wiring", wiring, WIRINGS)
        self.threads = check_threads("Simulation.threads", threads)
        self.levels = self._make_levels()
        self.links = None
        self._initial_plans = self._relaxed = None

    def _make_levels(self):
        noisy = {"meso": noisy_populations(self.net, self.wiring), "micro": noisy_populations(self.net, "sparse")}
        return {
            name: LEVELS[kind](p, self.dt, self.initial, self.tolerance, self.adaptation, noisy[kind].get(name))
            for (name, p), kind in zip(self.net.populations.items(), self.level_names.values(), strict=True)
        }

    def check(self):
        """Refuse connections and inputs that break their rules, and what would not fit in memory."""
        connections = check_connections(self.net, self.level_names, self.dt, self.wiring)
        memory.require(
            connections + sum(one.bytes for one in self.levels.values()),
            "Simulation: connections, neurons and histories",
        )
        self._inputs(self.root)

    def wire(self):
        """Draw the connections."""
        streams = _streams(self.root, seeds.CONNECTION)
        self.links = links(self.net, self.level_names, self.dt, streams, self.threads, self.wiring)

    def engine(self, root):
        """Return an engine in the initial state.

        Parameters
        ----------
        root : numpy.random.SeedSequence
            Of the run.
        """
        plans, streams = self._begin(root)
        lines, input_links, noise = self._inputs(root)
        engine = Engine(self.net.populations, plans, streams, self.links + input_links, lines, noise, dt=self.dt,
                        n_threads=self.threads)  # fmt: skip
        self._settle(engine, root)
        return engine

    def restart(self, engine, root):
        """Take an engine of this network back to the initial state; parameters as of `engine`."""
        plans, streams = self._begin(root)
        lines, input_links, noise = self._inputs(root)
        engine.restart(plans, streams, self.links + input_links, lines, noise)
        self._settle(engine, root)

    def update(self, engine, population):
        """Change the parameters of a population, also in the state of an engine; histories are kept."""
        name = population.name
        self.levels[name].check(population)
        i = list(self.net.populations).index(name)
        self.levels[name].update(engine.plans[i], population, self.root, i)
        self.net.populations[name] = population
        self._initial_plans = self._relaxed = None
        engine.bind()

    def _begin(self, root):
        """Return plans in the initial state and their streams."""
        populations = self.net.populations
        if self._initial_plans is None:
            self._initial_plans = [
                self.levels[name].plan(p, self.root, i) for i, (name, p) in enumerate(populations.items())
            ]
        plans = [plan.copy() for plan in self._initial_plans]
        streams = [
            self.levels[name].begin(plan, p, root, i)
            for i, (plan, (name, p)) in enumerate(zip(plans, populations.items(), strict=True))
        ]
        return plans, streams

    def _inputs(self, root):
        return inputs(self.net, self.level_names, self.dt, _streams(root, seeds.INPUT))

    def _settle(self, engine, root):
        """Let an engine begin in the stationary state, if it is to."""
        if self.initial == "stationary":
            stationary.begin(engine, self._relax(), _streams(root, seeds.STATE))

    def _relax(self):
        """Return an engine with the network in its stationary state, the same as before if nothing has changed."""
        populations = self.net.populations
        sizes = [p.N for p in populations.values()]
        lines, made, _ = inputs(self.net, dict.fromkeys(populations, "meso"), self.dt, _streams(self.root, seeds.INPUT))
        if self._relaxed is None:
            made += stationary.mean_links(self.links, sizes) + sample_links(self.net, self.level_names, self.dt)
            plans = [
                self.levels[name].relaxing(p).plan(replace(p, N=stationary.SIZE, BinoRand=True), self.root, i)
                for i, (name, p) in enumerate(populations.items())
            ]
            self._relaxed = stationary.relax(populations, [p.cell for p in populations.values()], plans, sizes, made,
                                             lines, dt=self.dt, n_threads=self.threads)  # fmt: skip
        return self._relaxed


def _streams(root, kind):
    """Return a function that makes the streams of connections, inputs or initial states."""
    return lambda i: seeds.stream(root, kind, i)
