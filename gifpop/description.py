"""A network as a description: its populations, connections and inputs, without state and without arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, get_args

from gifpop.common import checks
from gifpop.common.receptors import has_sign
from gifpop.common.typing import Adaptation, FiniteSize
from gifpop.distributions import Distribution, scalar_or_distribution
from gifpop.inputs import INPUTS, SPIKES
from gifpop.parameters import GIF
from gifpop.plasticity import TsodyksMarkram
from gifpop.rules import IndegreeFraction, Rule

if TYPE_CHECKING:
    from typing_extensions import Self

    from gifpop.common.typing import Count
    from gifpop.fields import Value
    from gifpop.inputs import Input

MOST_NEURONS = 2**53  # counts are exact up to here


@dataclass(frozen=True)
class Population:
    """A population of identical neurons.

    Made by `Network.population`; stands for itself in `Network.connect`, `Network.inject` and results.

    Parameters
    ----------
    name : str
        Under which results hold it.
    N : int
        Number of neurons.
    cell : GIF
        Parameters of its neurons.
    len_kernel : int
        History of the mesoscopic equations in steps; -1: chosen from the time constants.
    BinoRand : bool
        Mesoscopic spike counts are binomial; False: Poisson, clipped to [0, N].
    adaptation : {"quasi-renewal", "carried"} or None
        How the mesoscopic equations follow the neurons' adaptation; None: as the simulation says.
    finite_size : {"drawn", "corrected"} or None
        How they follow the number of neurons; None: as the simulation says.
    """

    name: str
    N: int
    cell: GIF
    len_kernel: int = -1
    BinoRand: bool = True
    adaptation: Adaptation | None = None
    finite_size: FiniteSize | None = None

    def __post_init__(self) -> None:
        name: object = self.name
        if not isinstance(name, str) or not name:
            raise TypeError(f"Population.name must be a non-empty string, got {self.name!r}")
        where = f"Population {self.name!r}"
        object.__setattr__(self, "N", checks.integer(f"{where}: N", self.N, 1, MOST_NEURONS))
        if not isinstance(self.cell, GIF):
            raise TypeError(f"{where}: cell must be a gifpop.GIF, got {self.cell!r}")
        object.__setattr__(self, "len_kernel", checks.integer(f"{where}: len_kernel", self.len_kernel, -1))
        if self.len_kernel == 0:
            raise ValueError(f"{where}: len_kernel must be > 0, or -1 for an automatic length, got 0")
        checks.boolean(f"{where}: BinoRand", self.BinoRand)
        if self.adaptation is not None:
            checks.choice(f"{where}: adaptation", self.adaptation, get_args(Adaptation))
        if self.finite_size is not None:
            checks.choice(f"{where}: finite_size", self.finite_size, get_args(FiniteSize))


@dataclass(frozen=True)
class Connection:
    """Connections between the neurons of two populations.

    Made by `Network.connect`; stands for itself in `Simulation.set`.

    Parameters
    ----------
    pre, post : str
        Names of the populations.
    weight : float or Distribution, pA
        Of one synapse; of an array, a distribution that gives its values.
    delay : float or Distribution, ms
        From spike to arrival; likewise.
    rule : Rule
        Which neurons are connected.
    number : int
        Place among the connections of the network.
    receptor : str or None
        Of the target's neurons; None: as `Network.connect` says.
    plasticity : TsodyksMarkram or None
        How spikes change what later ones deliver.
    """

    pre: str
    post: str
    weight: float | Distribution
    delay: float | Distribution
    rule: Rule
    number: int
    receptor: str | None = None
    plasticity: TsodyksMarkram | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.rule, Rule):
            raise TypeError(f"{self.label}: rule must be one of gifpop's connection rules, got {self.rule!r}")
        if not isinstance(self.plasticity, TsodyksMarkram | None):
            raise TypeError(f"{self.label}: plasticity must be a TsodyksMarkram or None, got {self.plasticity!r}")
        weight = scalar_or_distribution(f"{self.label}: weight", self.weight, "finite", "pA")
        delay = scalar_or_distribution(f"{self.label}: delay", self.delay, "> 0", "ms")
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "delay", delay)

    @property
    def label(self) -> str:
        """Name in messages: str."""
        return f"Connection {self.pre!r} -> {self.post!r}"


@dataclass(frozen=True)
class Injection:
    """An input onto a population.

    Made by `Network.inject` and `Simulation.inject`; stands for itself in `Simulation.set` and `Simulation.remove`.

    Parameters
    ----------
    post : str
        Name of the population.
    input : input, such as StepCurrent or PoissonSpikes
        What the neurons receive.
    delay : float, ms
        By how much it arrives later than its own times say.
    number : int
        Of the network's inputs, in the order in which they were added.
    by_simulation : bool
        Added to a simulation, not to the network that it is of.
    receptor : str or None
        Of the population's neurons; None: as `Network.inject` says.
    """

    post: str
    input: Input
    delay: float
    number: int
    by_simulation: bool = False
    receptor: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.input, INPUTS):
            raise TypeError(f"Network.inject: input must be one of {_names(INPUTS)}, got {self.input!r}")
        object.__setattr__(self, "delay", checks.number(f"{self.label}: delay", self.delay, ">= 0", "ms"))

    @property
    def label(self) -> str:
        """Name in messages: str."""
        return f"{type(self.input).__name__} onto {self.post!r}"


Populations: TypeAlias = dict[str, Population]


class Description:
    """Populations, connections and inputs: all of a `Network` except how to simulate it."""

    def __init__(self) -> None:
        self.populations: Populations = {}
        self.connections: list[Connection] = []
        self.injections: list[Injection] = []
        self._inputs_made = 0

    @classmethod
    def _of(cls, other: Description) -> Self:
        """Return a description like another one, as that is now."""
        made = cls()
        made.populations, made.connections = dict(other.populations), list(other.connections)
        made.injections, made._inputs_made = list(other.injections), other._inputs_made
        return made

    def copy(self) -> Description:
        """Return an independent copy of the description."""
        return Description._of(self)

    def population(
        self,
        name: str,
        N: Count,
        cell: GIF,
        len_kernel: Count = -1,
        BinoRand: bool = True,
        adaptation: Adaptation | None = None,
        finite_size: FiniteSize | None = None,
    ) -> Population:
        """Add a population.

        Parameters
        ----------
        name : str
            Under which results hold it; unique in the network.
        N : int
            Number of neurons, > 0. Fluctuations of the activity scale with 1/N.
        cell : GIF
            Parameters of its neurons.
        len_kernel : int, steps
            Length of the history of the mesoscopic equations. Longer than the refractory period; -1 chooses it from
            the time constants as NEST does.
        BinoRand : bool
            Draw mesoscopic spike counts from a binomial distribution; False: Poisson, clipped to [0, N].
        adaptation : {"quasi-renewal", "carried"} or None
            How the mesoscopic equations follow the neurons' adaptation (see `Simulation`); None: as the simulation.
        finite_size : {"drawn", "corrected"} or None
            How they follow the number of neurons; None: as the simulation.

        Returns
        -------
        Population
            Stands for the population in `connect`, `inject` and results, as its name does.
        """
        population = Population(name, N, cell, len_kernel, BinoRand, adaptation, finite_size)  # type: ignore[arg-type]  # converts
        if name in self.populations:
            raise ValueError(f"Network.population: the name must be new, got {name!r} a second time")
        self.populations[name] = population
        return population

    def connect(
        self,
        pre: Population | str,
        post: Population | str,
        weight: Value,
        delay: Value = 1.0,
        p: float | None = None,
        rule: Rule | None = None,
        receptor: str | None = None,
        plasticity: TsodyksMarkram | None = None,
    ) -> Connection:
        """Connect the neurons of one population to those of another.

        Several connections between the same populations add up.

        Parameters
        ----------
        pre, post : Population or str
            Source and target, or their names; may be the same one.
        weight : float, array or distribution, pA
            Of one synapse: the jump of the synaptic current at a spike. > 0 excitatory (decays with ``tau_syn_ex`` of
            ``post``), < 0 inhibitory, unless ``receptor`` says otherwise. One for each connection (between neurons
            only): a distribution, or an array in the order of `Pairs`, else of source and target neuron.
        delay : float, array or distribution, ms
            From spike to arrival; at least one step of the simulation, and a multiple of it. Drawn delays are rounded.
        p : float
            Connection probability in [0, 1]; 1 by default. Between neurons, each target receives p times the number of
            sources, drawn with repetition (`IndegreeFraction`). At the mesoscopic level p multiplies
            the weight.
        rule : Rule
            Instead of ``p``: a connection rule, such as `FixedIndegree` or `PairwiseBernoulli`. At the mesoscopic level
            the weight is multiplied by the expected number of connections of a pair of neurons; see ``wiring`` of
            `Simulation`.
        receptor : str
            Of the receptors of ``post`` (``GIF.tau_syn``), the one at which spikes arrive, whatever the sign of the
            weight. By default the only one or, where there are ``"ex"`` and ``"in"``, that of the sign; else it must be
            given.
        plasticity : TsodyksMarkram or None
            How spikes change what later ones deliver, with a state for each source neuron; None: not at all.

        Returns
        -------
        Connection
            Stands for these connections in `Simulation.set`.
        """
        pre, post = self._known(pre, "connect: pre"), self._known(post, "connect: post")
        rule = rule_of(f"Connection {pre.name!r} -> {post.name!r}", p, rule)
        number = len(self.connections)
        connection = Connection(pre.name, post.name, weight, delay, rule, number, receptor, plasticity)  # type: ignore[arg-type]  # converts
        check_receptor(connection.label, receptor, post)
        self.connections.append(connection)
        return connection

    def inject(
        self, post: Population | str, input: Input, delay: float = 0.0, receptor: str | None = None
    ) -> Injection:
        """Add an input onto every neuron of a population.

        Parameters
        ----------
        post : Population or str
            Target, or its name.
        input : input, such as StepCurrent or PoissonSpikes
            The same for all neurons, but for random ones with ``shared=False``, such as `PoissonSpikes` by default.
        delay : float, ms
            By how much the input arrives later than its own times say; >= 0 and a multiple of the step.
        receptor : str
            At which spikes arrive, as in `connect`; of inputs that are spikes only.

        Returns
        -------
        Injection
            Stands for the input in `Simulation.set` and `Simulation.remove`.
        """
        post = self._known(post, "inject: post")
        injection = Injection(post.name, input, delay, self._inputs_made, receptor=receptor)
        check_receptor_of_input(injection, post)
        self._inputs_made += 1
        self.injections.append(injection)
        return injection

    def _known(self, population: Population | str, where: str) -> Population:
        """Return the population of this network that a name or handle stands for."""
        name = population_name(self.populations, population, f"Network.{where}")
        if isinstance(population, Population) and self.populations[name] is not population:
            raise ValueError(f"Network.{where} must be a population of this network, got {name!r} of another one")
        return self.populations[name]


def _names(kinds: tuple[type, ...]) -> str:
    return ", ".join(kind.__name__ for kind in kinds)


def population_name(populations: Populations, population: object, where: str) -> str:
    """Return the name of one of the populations, given as itself or by name; ``where`` begins messages."""
    name = population.name if isinstance(population, Population) else population
    if not isinstance(name, str):
        raise TypeError(f"{where} must be a population or its name, got {population!r}")
    if name not in populations:
        known = ", ".join(map(repr, populations)) or "none"
        raise ValueError(f"{where} must be a population of the network ({known}), got {name!r}")
    return name


def check_receptor(where: str, receptor: str | None, post: Population) -> None:
    """Refuse a receptor that the neurons of a population do not have, and none where there is a choice."""
    receptors = post.cell.receptors
    chosen = receptor in receptors or (receptor is None and (len(receptors) == 1 or has_sign(receptors)))
    if not chosen:
        names = ", ".join(map(repr, receptors))
        raise ValueError(f"{where}: receptor must be one of {names}, those of {post.name!r}, got {receptor!r}")


def check_receptor_of_input(injection: Injection, post: Population) -> None:
    """Check the receptor of an input as `check_receptor`; currents have none."""
    if isinstance(injection.input, SPIKES):
        check_receptor(injection.label, injection.receptor, post)
    elif injection.receptor is not None:
        raise ValueError(f"{injection.label}: receptor must be left out for a current, got {injection.receptor!r}")


def rule_of(where: str, p: float | None = None, rule: Rule | None = None) -> Rule:
    """Return the rule that is meant by a connection probability or a rule, of which one at most is given."""
    if rule is None:
        return IndegreeFraction(checks.number(f"{where}: p", 1.0 if p is None else p, "in [0, 1]"))
    if p is not None:
        raise ValueError(f"{where}: p must be left out where a rule is given, got p = {p} and {rule}")
    return rule
