"""Entries of dictionaries that nothing reads: errors, unless ``dict_miss_is_error`` is False."""

from __future__ import annotations

from collections.abc import Collection

from gifpop.nest.errors import UnaccessedDictionaryEntry


class DictMisses:
    """The setting ``dict_miss_is_error``, which all that read dictionaries share.

    Attributes
    ----------
    are_errors : bool
    """

    def __init__(self) -> None:
        self.are_errors = True

    def check(self, names: Collection[str], container: str, function: str) -> None:
        """Raise UnaccessedDictionaryEntry if there are names, unless they are to be ignored."""
        if names and self.are_errors:
            listed = " ".join(sorted(map(str, names)))
            raise UnaccessedDictionaryEntry(f"Unaccessed elements in {container}, in function {function}:  {listed}")


dict_misses = DictMisses()
