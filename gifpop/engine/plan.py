"""Plans: the arrays of groups, of whatever level, as the engine uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from typing_extensions import Self

    from gifpop.common.typing import Arrays, Stream


class Plan(Protocol):
    """The parameters and the state of one group, in the time loop's units.

    Attributes
    ----------
    recordables : tuple of str
        What can be recorded of each unit.
    neurons : bool
        A group of neurons or relays, whose spikes are told apart; False: a population, which emits counts of spikes.
    fires_once : bool
        Whether the units are neurons, which fire at most once a step.
    units : int
        Neurons or relays; 1 for a population.
    places : int
        Length of the rows in which single units receive input; 0 for a population, which only receives what all its
        neurons share.
    n_receptors : int
        Receptors, each with a time constant.
    work : int
        Neurons, relays or cohorts that a step passes over.
    """

    @property
    def recordables(self) -> tuple[str, ...]: ...

    @property
    def neurons(self) -> bool: ...

    @property
    def fires_once(self) -> bool: ...

    @property
    def units(self) -> int: ...

    @property
    def places(self) -> int: ...

    @property
    def n_receptors(self) -> int: ...

    @property
    def work(self) -> int: ...

    def copy(self) -> Self:
        """Return a plan with the same parameters and a state of its own."""
        ...

    def state_arrays(self) -> Arrays:
        """Return by name the arrays that its parameters do not give, to be kept and filled again."""
        ...

    def bind(self, stream: Stream) -> Any:
        """Return the group that `gifpop._core.Core` advances, with a source of random numbers."""
        ...
