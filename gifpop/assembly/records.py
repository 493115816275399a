"""What the runs of a simulation have recorded, run by run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gifpop.result import Result


class Records:
    """Results of the runs that have ended, and what the last one has recorded as long as it has no result.

    Parameters
    ----------
    results : iterable of Result

    Attributes
    ----------
    results : list of Result
    """

    def __init__(self, results: Iterable[Result] = ()) -> None:
        self.results = list(results)
        self._make: Callable[[], Result] | None = None
        self._made: Result | None = None

    def begin(self, make: Callable[[], Result]) -> None:
        """Begin a run; ``make`` returns the result of what it has recorded so far."""
        self._make, self._made = make, None

    def end(self) -> Result | None:
        """Keep and return the result of the run that was begun last, None if there is none under way.

        To be repeated if memory did not suffice for it.
        """
        if self._make is None:
            return None
        if self._made is None:
            self._made = self._make()
        made = self._made
        if not self.results or self.results[-1] is not made:
            self.results.append(made)
        self._make = self._made = None
        return made

    def forget(self, running: bool) -> None:
        """Drop all results; what is being recorded, if a run is ``running``, will have its own."""
        if not running:
            self._make = self._made = None
        self.results = []
